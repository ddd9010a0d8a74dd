"""Lesson 6. Why does log(0) give nan, and what does + 1e-7 do?

python examples/course/06_log_of_zero.py
"""

# %% [markdown]
# The cross-entropy is -sum(t log y). Where t = 0, its term is to vanish, whatever y is.
#
# **Predict:** the first class is impossible, y = 0, and it is not the right one, t = 0. What does
# NumPy make of its term, and of the sum?

# %%
import numpy as np

import tinygrad_ce as tg

y = tg.tensor([0.0, 0.25, 0.75], requires_grad=True)
t = np.array([0.0, 0.0, 1.0])
with np.errstate(all="ignore"):
    logs = np.log(y)
    E = -np.sum(t * logs)
print(tg.trouble(E))
assert np.isnan(E.item())

# %% [markdown]
# log(0) is -inf, and 0 times -inf is nan; one nan makes the sum nan. So a network that is perfectly
# right about one class gets nan for it. The limit of t log y is 0 there, and that is what the
# library computes, in value and gradient.

# %%
E = tg.cross_entropy(y, t)
E.backward()
print("\nthe library:", E.item(), "with the gradient", y.grad)
assert np.isclose(E.item(), -np.log(0.75))
assert np.allclose(y.grad, [0, 0, -1 / 0.75])

# %% [markdown]
# **What + 1e-7 does.** Books write log(y + 1e-7). That hides the nan, and changes the function:
# the loss ends at -log(1e-7) = 16.118, and the gradient -t / (y + 1e-7) at 1e7. Others clip y, at
# 1e-7 too.
#
# **Predict** the three gradients at y = 1e-12: of -log(y), with + 1e-7, and clipped.

# %%
print("\n      y   -1/y (true)   with + 1e-7   clipped at 1e-7")
for p in (1e-2, 1e-6, 1e-8, 1e-12):
    added = tg.grad(lambda y: -np.log(y + 1e-7))(p)
    clipped = tg.grad(lambda y: -np.log(np.clip(y, 1e-7, 1.0)))(p)
    print(f"{p:7.0e}  {-1 / p:12.4g}  {added:12.4g}  {clipped:12.4g}")
assert np.isclose(-np.log(1e-7), 16.118, atol=1e-3)
assert clipped == 0

# %% [markdown]
# Below the clip the gradient is 0, just where the answer is most wrong: it will never learn.
#
# The remedy is to stay with the logits: softmax_cross_entropy never takes the logarithm of a 0.
# With the right answer 40 units behind, its y is next to nothing; the gradient y - t is all there.

# %%
z = np.array([40.0, 0.0])
value, slope = tg.value_and_grad(tg.softmax_cross_entropy)(z, 1)
print(f"\nfrom the logits, where y is {tg.softmax(z)[1]:.1e}: loss {value}, gradient", slope)
assert np.isclose(value, 40)
assert np.allclose(slope, [1, -1])

# %% [markdown]
# **Try.** In float32, `z.astype(np.float32)`, y is 0 from 104 units on. What do `cross_entropy` of
# the softmax and `softmax_cross_entropy` say at 200?
#
# **Write it yourself:** `python -m tinygrad_ce.course start log`, where an epsilon is found out;
# then `log_softmax`.
