"""Lesson 7. Why cross-entropy and not squared error? Why does a saturated sigmoid learn slowly?

python examples/course/07_why_cross_entropy.py
"""

# %% [markdown]
# One neuron that is sure and wrong: y = sigmoid(z) with z = -7, target 1. How hard does each loss
# push the logit z? (The whole story, with pictures: `python examples/why_cross_entropy.py`.)
#
# **Predict:** from z = -2 to z = -7 the answer gets more wrong. Which loss pushes harder then?

# %%
import numpy as np

import tinygrad_ce as tg

t = np.array([1.0])


def squared(z):
    return tg.squared_error(tg.sigmoid(z), t)


def entropy(z):
    return tg.binary_cross_entropy(tg.sigmoid(z), t)


print("    z        y    squared error   cross-entropy   sigmoid's slope")
for logit in (0.0, -2.0, -7.0, -20.0):
    z = np.array([logit])
    y = tg.sigmoid(z)[0]
    by_squared, by_entropy = tg.grad(squared)(z)[0], tg.grad(entropy)(z)[0]
    slope = tg.grad(tg.sigmoid)(logit)
    print(f"{logit:5g} {y:8.1e} {by_squared:15.2e} {by_entropy:15.5f} {slope:17.2e}")
    assert np.isclose(slope, y * (1 - y))
    assert np.isclose(by_squared, (y - 1) * y * (1 - y))
    assert np.isclose(by_entropy, y - 1)

# %% [markdown]
# The squared error pushes a hundred times less hard at -7 than at -2, and the answer is more wrong.
#
# **The saturated sigmoid.** Its slope is y (1 - y): 1/4 at most, next to nothing where y is near 0
# or 1, as the curve is flat there. The squared error's gradient (y - t) passes through it and dies.
# The cross-entropy's, -t/y + (1 - t)/(1 - y), is large there by the same factor: they cancel to
# y - t. The more wrong, the faster it learns.

# %%
print("\nthe two programs, as the engine writes them:")
z = np.array([-7.0])
print(tg.derive(entropy, z))
print(tg.derive(squared, z))

# %% [markdown]
# Descent from the same start, at the same rate, until the answer is right (y > 1/2). **Predict**
# how many times as long the squared error takes.


# %%
def steps(loss, z=-7.0, rate=1.0, most=20_000):
    slope = tg.compile(tg.grad(loss))
    z = np.array([z])
    for step in range(most):
        if z[0] > 0:
            return step
        z = z - rate * slope(z)
    return most


counted = {"cross-entropy": steps(entropy), "squared error": steps(squared)}
print("\nsteps:", counted)
assert counted["cross-entropy"] < 20
assert counted["squared error"] > 50 * counted["cross-entropy"]

# %% [markdown]
# **Try.** Begin at z = -9, then at -11: how does each number of steps grow? Then give the squared
# error a rate 100 times as large. It arrives sooner, but where does it land? Print z.
#
# **Write it yourself:** `python -m tinygrad_ce.course start sigmoid`; then `tanh`.
