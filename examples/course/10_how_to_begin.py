"""Lesson 10. Why not begin with zeros?

python examples/course/10_how_to_begin.py
"""

# %% [markdown]
# A bias may begin at 0. May weights? The task is XOR, with one hidden layer, and all weights 0.
#
# **Predict** the gradients of both layers of weights. (The gradient of a weight is what came in
# times what came back; and what comes back to the hidden layer went through the second weights.)

# %%
import numpy as np

import tinygrad_ce as tg

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]) * 2 - 1
t = np.array([0, 1, 1, 0])


def loss(w1, b1, w2, b2):
    return tg.softmax_cross_entropy(np.tanh(x @ w1 + b1) @ w2 + b2, t)


W1, b1 = tg.tensor(np.zeros((2, 8)), requires_grad=True), np.zeros(8)
W2, b2 = tg.tensor(np.zeros((8, 2)), requires_grad=True), np.zeros(2)
print(tg.trouble(loss(W1, b1, W2, b2)))

# %% [markdown]
# Nothing comes back through weights that are 0, and nothing comes in from neurons that are 0: both
# layers stay as they are for ever.
#
# What about another number, the same for all hidden neurons? **Predict:** something flows then. How
# many different neurons are there after 300 steps?


# %%
@tg.compile
def step(weights):
    value, slopes = tg.value_and_grad(loss, argnums=(0, 1, 2, 3))(*weights)
    return [w - 0.5 * slope for w, slope in zip(weights, slopes)], value


def trained(w1, w2, steps=300):
    weights = [w1, np.zeros(8), w2, np.zeros(2)]
    for _ in range(steps):
        weights, value = step(weights)
    return weights, float(value)


rng = np.random.default_rng(0)
starts = {
    "zeros": (np.zeros((2, 8)), np.zeros((8, 2))),
    "equal": (np.full((2, 8), 0.5), np.full((8, 2), 0.5) * [1, -1]),
    "random": (rng.normal(size=(2, 8)) / 2**0.5, rng.normal(size=(8, 2)) / 8**0.5),
    "too large": (rng.normal(size=(2, 8)) * 100, rng.normal(size=(8, 2))),
}
print("\nstart        loss  different hidden neurons")
found = {}
for name, start in starts.items():
    weights, value = trained(*start)
    different = len(np.unique(weights[0].round(9), axis=1).T)
    found[name] = value, different
    print(f"{name:10} {value:7.4f}  {different} of 8")

# %% [markdown]
# Equal neurons compute the same, get the same gradient, and stay equal: eight that are worth one.
# Random numbers make them differ, and are to be so small that tanh is not saturated: of standard
# deviation 1 / sqrt(inputs).

# %%
assert np.isclose(found["zeros"][0], np.log(2))  # log K: it knows nothing (lesson 8)
assert found["equal"][1] == 1
assert found["equal"][0] > 0.3
assert found["random"][1] == 8
assert found["random"][0] < 0.05

# %% [markdown]
# "Too large" knows nothing either: its tanh is saturated (lesson 7), and next to nothing of the
# gradient gets through to the first layer. The second layer alone cannot do XOR here.

# %%
assert found["too large"][0] > 0.6
for name in ("random", "too large"):
    w1, w2 = starts[name]
    slope = tg.grad(loss)(w1, b1, w2, b2)
    print(f"{name:10} gradient of the first layer: {np.abs(slope).mean():.1e}")

# %% [markdown]
# **Try.** Give the equal neurons a push: add `1e-6 * rng.normal(size=(2, 8))` to their w1, and let
# them run for 3000 steps: is "for ever" true? Then take relu in the place of tanh,
# `np.maximum(..., 0)`: which of the four starts learns now, and why?
#
# **Write it yourself:** `python -m tinygrad_ce.course start relu`, whose slope is 0 or 1.
