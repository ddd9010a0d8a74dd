"""Lesson 2. Why do gradients add up, and why must they be zeroed?

python examples/course/02_gradients_add_up.py
"""

# %% [markdown]
# A variable that is used three times moves the loss in three ways. Move it by a small dy: each use
# moves the loss a little, and the movements add up. So do gradients.
#
# **Predict** the gradient of y * y + 2 * y by y, at y = 3, as a sum with a term for each use of y.

# %%
import numpy as np

import tinygrad_ce as tg

y = tg.tensor(3.0, requires_grad=True)
a = y * y
E = a + 2 * y
print(tg.paths(E, wrt=y))

E.backward()
assert y.grad == 3 + 3 + 2

# %% [markdown]
# That is why `backward()` adds to `.grad`, too: the gradient of a sum of losses is the sum of
# their gradients, so a large batch can be done in parts, one after the other.

# %%
rng = np.random.default_rng(0)
x, t = rng.normal(size=(8, 3)), rng.normal(size=8)
w = tg.tensor(np.ones(3), requires_grad=True)
for rows in (slice(0, 4), slice(4, 8)):
    np.sum((x[rows] @ w - t[rows]) ** 2).backward()
in_parts = w.grad

whole = tg.grad(lambda w: np.sum((x @ w - t) ** 2))(np.ones(3))
print("\nin two parts:", in_parts, "\nat once:     ", whole)
assert np.allclose(in_parts, whole)

# %% [markdown]
# **Why zeroed?** The next step of training is at other weights. Old gradients do not belong there,
# but they are still in `.grad` and are added to. Twenty steps with and without forgetting.
#
# **Predict:** without, is descent faster, as the steps are longer, or worse?


# %%
def descend(forget):
    w = tg.tensor(np.ones(3), requires_grad=True)
    losses = []
    for _ in range(20):
        loss = np.mean((x @ w - t) ** 2)
        loss.backward()
        losses.append(loss.item())
        w.data -= 0.2 * w.grad
        if forget:
            w.grad = None  # an optimizer calls it zero_grad()
    return losses


kept, forgotten = descend(False), descend(True)
print("\nlosses, zeroed:    ", np.round(forgotten[:10], 2))
print("losses, not zeroed:", np.round(kept[:10], 2))
assert all(np.diff(forgotten) <= 1e-12)  # downhill at every step
assert not all(np.diff(kept) <= 1e-12)

# %% [markdown]
# Worse. On old slopes it runs past the bottom and up the other side, like a ball without friction,
# and back, and past it again.

# %% [markdown]
# **Try.** Subtract `0.02 * w.grad` instead, for 200 steps. Does it come to rest without forgetting?
# Then forget a little: `w.grad = 0.9 * w.grad`. That is momentum, friction for the ball.
#
# **Write it yourself:** `python -m tinygrad_ce.course start getitem`, where an entry that was read
# twice collects twice.
