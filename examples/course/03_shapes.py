"""Lesson 3. Broadcasting, and the shapes in X'dY.

python examples/course/03_shapes.py
"""

# %% [markdown]
# A gradient has the shape of what it is the gradient by. With matrices, that nearly decides the
# formula: Y = X W with X (n, m) and W (m, k). dY is (n, k). What has the shape (m, k) of W, and is
# made of X and dY? Only X' dY. And (n, m), of W and dY? Only dY W'.

# %%
import numpy as np

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt

rng = np.random.default_rng(0)
X, W, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
dY = rng.normal(size=(5, 2))


def loss(X, W, b, dY):
    return np.sum(dY * (X @ W + b))


dX, dW, db = tg.grad(loss, argnums=(0, 1, 2))(X, W, b, dY)
assert np.allclose(dW, X.T @ dY)
assert np.allclose(dX, dY @ W.T)
print(tg.derive(loss, X, W, b, dY, argnums=(0, 1, 2)))

# %% [markdown]
# **Broadcasting.** The bias b has shape (2,), Y has (5, 2): NumPy uses the same b for all five
# rows. One entry of b is used five times, and gradients add up (lesson 2). So where the forward
# pass copies, the backward pass sums, and where the forward pass sums, the backward pass copies.

# %%
assert np.allclose(db, dY.sum(axis=0))
assert np.allclose(tg.grad(lambda a: np.sum(a))(np.ones((2, 3))), np.ones((2, 3)))

# %% [markdown]
# Forget the sum, and the check says so: the shape is wrong, and which axis was not summed.

# %%
report = tgt.gradcheck(loss, X, W, b, dY, argnums=2, gradient=lambda X, W, b, dY: dY)
print(report)
assert "the sum over axis 0" in str(report)

# %% [markdown]
# The trap is a shape that fits by accident: (3,) and (3, 1) broadcast to (3, 3) without a word.

# %%
y, t = rng.normal(size=(3, 1)), rng.normal(size=3)
print("\nshape of y - t:", (y - t).shape, "where 3 differences were meant")
try:
    tg.mean_squared_error(y, t)
except tg.ShapeError as error:
    print("the library's loss:", error)
