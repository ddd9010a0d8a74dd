"""Lesson 10. Why not begin with zeros?

python examples/course/10_how_to_begin.py
"""

# %% [markdown]
# A bias may begin at 0. Weights may not: a gradient goes back *through* the weights, and the
# gradient of a weight is what came in times what came back. Zeros above stop the one, zeros below
# the other. XOR, with one hidden layer, all weights 0:

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
# What about another number, the same for all? Then something flows, but all eight hidden neurons
# compute the same, get the same gradient, and stay the same for ever: eight that are worth one.
# Random numbers make them differ, and small enough that tanh is not saturated: 1 / sqrt(inputs).


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

# %%
assert np.isclose(found["zeros"][0], np.log(2))  # log K: it knows nothing (lesson 8)
assert found["equal"][1] == 1
assert found["equal"][0] > 0.3
assert found["random"][1] == 8
assert found["random"][0] < 0.05

# %% [markdown]
# "Too large" knows nothing either: its tanh is saturated (lesson 7), and next to nothing of the
# gradient gets through.

# %%
assert found["too large"][0] > 0.6
for name in ("random", "too large"):
    w1, w2 = starts[name]
    slope = tg.grad(loss)(w1, b1, w2, b2)
    print(f"{name:10} gradient of the first layer: {np.abs(slope).mean():.1e}")
