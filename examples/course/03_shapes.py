"""Lesson 3. Broadcasting, and the shapes in X'dY.

python examples/course/03_shapes.py
"""

# %% [markdown]
# A gradient has the shape of what it is the gradient by. With matrices, that nearly decides the
# formula: Y = X W with X (n, m) and W (m, k). Let dY be the gradient by Y, of its shape (n, k); dW
# and dX likewise; X' is the transpose, `X.T`.
#
# **Predict:** which product of X and dY has the shape (m, k) of W? Which one of dY and W has the
# shape (n, m) of X?

# %%
import numpy as np

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt

rng = np.random.default_rng(0)
X, W, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
dY = rng.normal(size=(5, 2))


def loss(X, W, b, dY):
    return np.sum(dY * (X @ W + b))  # its gradient by the result X W + b is dY


dX, dW, db = tg.grad(loss, argnums=(0, 1, 2))(X, W, b, dY)
assert np.allclose(dW, X.T @ dY)
assert np.allclose(dX, dY @ W.T)
print(tg.derive(loss, X, W, b, dY, argnums=(0, 1, 2)))

# %% [markdown]
# dW = X' dY and dX = dY W': no other products fit.
#
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
# The trap is a shape that fits by accident: (3, 1) and (3,) broadcast to (3, 3) without a word.
#
# **Predict:** outputs y of shape (3, 1), targets t of (3,), and the mean of (y - t)**2. What will a
# network learn from it? Where is the bottom of this loss, its gradient 0?

# %%
y, t = rng.normal(size=(3, 1)), rng.normal(size=3)
print("\nshape of y - t:", (y - t).shape, "where 3 differences were meant")


def accident(y):
    return np.mean((y - t) ** 2)


at_targets = tg.grad(accident)(t[:, None])
at_mean = tg.grad(accident)(np.full((3, 1), t.mean()))
print("gradient where every output is its target:", at_targets.ravel())
print("gradient where every output is the mean:  ", at_mean.ravel())
assert not np.allclose(at_targets, 0)
assert np.allclose(at_mean, 0)

# %% [markdown]
# Each output is compared with every target, so all it can learn is the targets' mean. Nothing
# crashes, and the loss falls. So the library's loss refuses such shapes:

# %%
try:
    tg.mean_squared_error(y, t)
except tg.ShapeError as error:
    print("the library's loss:", error)

# %% [markdown]
# **Try.** Give b the shape (5, 1), and predict `db` in `derive`'s program. Then the shape (1, 1).
#
# **Write it yourself:** `python -m tinygrad_ce.course start matmul`; then `sum` and `broadcast`,
# which are each other's rules.
