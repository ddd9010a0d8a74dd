"""Lesson 5. Why is the gradient y - t? And is there a softmax before the loss or not?

python examples/course/05_y_minus_t.py
"""

# %% [markdown]
# The cross-entropy of y = softmax(z) has the gradient -t / y by y, and softmax's Jacobian takes it
# to z: the one is infinite where y is 0, the other a matrix. **Predict** what is left of the two.
# Then let the engine derive it:

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
# y - t. By hand: -t_i / y_i times y_i ([i = j] - y_j), summed over i. The y_i cancels, which leaves
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
# that of the right class does not vanish while the answer is wrong.
#
# **Softmax before the loss, or not?** Ask what the loss takes. `cross_entropy` takes probabilities,
# so softmax stands before it. `softmax_cross_entropy` takes logits and has it inside, like
# PyTorch's `nn.CrossEntropyLoss`. Both ways are the same function:

# %%
assert np.isclose(loss(z), tg.softmax_cross_entropy(z, t))

# %% [markdown]
# A softmax too many is not seen at once: the program runs, and the loss falls. Probabilities taken
# for logits lie between 0 and 1, so the second softmax can never be sure.
#
# **Predict** the loss of a perfect answer, and the gradient of an answer that is sure and wrong.


# %%
def once(z):
    return tg.softmax_cross_entropy(z, t)


def twice(z):
    return tg.softmax_cross_entropy(tg.softmax(z), t)


right, wrong = np.array([-20.0, -20.0, 20.0]), np.array([20.0, -20.0, -20.0])  # both sure
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    floor, stuck = twice(right), tg.grad(twice)(wrong)
print(f"\nloss of a perfect answer:    once {once(right):.4f}, twice {floor:.4f} = log(1 + 2/e)")
print("gradient, sure and wrong:    once", tg.grad(once)(wrong).round(4))
print("                             twice", stuck)
assert np.isclose(floor, np.log(1 + 2 / np.e))
assert np.allclose(tg.grad(once)(wrong), [1, 0, -1])
assert np.abs(stuck).max() < 1e-15

# %% [markdown]
# It cannot be content with the right answer, nor learn from the wrong one. The library warns:

# %%
print("\nwarned:", caught[0].message)

# %% [markdown]
# **Try.** Let t be [0.2, 0.3, 0.5]: at which z is the gradient 0 now? And let t sum to 2, a
# mistake: who notices?
#
# **Write it yourself:** `python -m tinygrad_ce.course start softmax_cross_entropy`.
