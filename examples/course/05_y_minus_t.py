"""Lesson 5. Why is the gradient y - t? And is there a softmax before the loss or not?

python examples/course/05_y_minus_t.py
"""

# %% [markdown]
# The cross-entropy of y = softmax(z) has the gradient -t / y by y, and softmax's Jacobian takes it
# to z. Two ugly things meet, and what is left is y - t. Let the engine derive it:

# %%
import warnings

import numpy as np

import tinygrad_ce as tg

z = np.array([1.0, 2.0, 0.5])
t = np.array([0.0, 0.0, 1.0])


def loss(z):
    return tg.cross_entropy(tg.softmax(z), t)


print(tg.derive(loss, z, explain=True))

# %% [markdown]
# By hand: -t_i / y_i times y_i ([i = j] - y_j), summed over i. The y_i cancels, which leaves
# -t_j + y_j sum(t), and targets sum to 1. With numbers:

# %%
y = tg.softmax(z)
J = tg.jacobian(tg.softmax)(z)
print("\n-t/y, through the Jacobian:", (-t / y) @ J)
print("y - t:                     ", y - t)
assert np.allclose((-t / y) @ J, y - t)
assert np.allclose(tg.grad(loss)(z), y - t)

# %% [markdown]
# It reads: push every output to its target, as hard as it is wrong. No entry is beyond +-1, and
# none vanishes while the answer is wrong.
#
# **Softmax before the loss, or not?** Ask what the loss takes. `cross_entropy` takes probabilities,
# so softmax stands before it. `softmax_cross_entropy` takes logits and has it inside, like
# PyTorch's `nn.CrossEntropyLoss`. Both ways are the same function:

# %%
assert np.isclose(loss(z), tg.softmax_cross_entropy(z, t))

# %% [markdown]
# A softmax too many is not seen at once: it trains, but badly. Probabilities taken for logits lie
# between 0 and 1, so the second softmax can never be sure. The library warns; the floor of the
# loss and the weak gradient show why.

# %%
sure = np.array([-20.0, -20.0, 20.0])  # right, and certain of it
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    twice = tg.softmax_cross_entropy(tg.softmax(sure), t)
print(f"\nloss of a perfect answer, softmax once {tg.softmax_cross_entropy(sure, t):.4f}")
print(f"                         softmax twice {twice:.4f} = log(1 + 2/e)")
print("warned:", str(caught[0].message)[:100] if caught else "no")
assert np.isclose(twice, np.log(1 + 2 / np.e))
