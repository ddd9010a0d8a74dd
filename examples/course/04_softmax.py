"""Lesson 4. Why does softmax overflow, why subtract the max, and what is its Jacobian?

python examples/course/04_softmax.py
"""

# %% [markdown]
# softmax(z) = exp(z) / sum(exp(z)) turns any numbers into probabilities. As it is written it is
# good up to z = 709: beyond that exp is larger than the largest float.
#
# **Predict** the three probabilities of z = 1000, 999, 0; then what the formula makes of them.

# %%
import numpy as np

import tinygrad_ce as tg

z = tg.tensor([1000.0, 999.0, 0.0], requires_grad=True)
with np.errstate(all="ignore"):
    e = np.exp(z)
    y = e / np.sum(e)
    E = -np.log(y[0])
    print(tg.trouble(E))
assert np.isnan(y.numpy()[0])

# %% [markdown]
# inf / inf is nan. The same below: exp(-1000) is 0, and 0 / 0 is nan.
#
# **Why subtract the max?** A factor exp(-c) above and below cancels: softmax(z - c) = softmax(z)
# for every c. With c = max(z) the largest exponent is 0: nothing can overflow, and the sum is at
# least 1, so nothing is divided by 0. What underflows to 0 is so small that it does not count.

# %%
small = np.array([1.0, 0.0, -1.0])
assert np.allclose(tg.softmax(small), tg.softmax(small + 5))
print("\nthe library's softmax there:", tg.softmax(z).numpy())
print("and 2000 lower:             ", tg.softmax(z - 2000).numpy())
assert np.allclose(tg.softmax(z - 2000), tg.softmax(z))

# %% [markdown]
# **The Jacobian.** Each y depends on each z, as all share one sum. So the derivative is a matrix:
# dy_i / dz_j = y_i ([i = j] - y_j), where [i = j] is 1 on the diagonal and 0 elsewhere.
#
# **Predict:** what is the sum of each column? One z moves; what do all the y together do?

# %%
J = tg.jacobian(tg.softmax)(small)
y = tg.softmax(small)
formula = np.diag(y) - np.outer(y, y)
print("\nJacobian\n", J.round(4))
assert np.allclose(J, formula)
assert np.allclose(J.sum(axis=0), 0)  # what one y gains the others lose: they sum to 1

# %% [markdown]
# They sum to 1 before and after, so each column sums to 0.
#
# Backpropagation never builds the matrix. With g for the gradient by y it needs J' g, J transposed
# times g, and that is a short formula:

# %%
g = np.array([0.3, -1.0, 2.0])
_, pull = tg.vjp(tg.softmax, small)
short = y * (g - np.sum(g * y))
assert np.allclose(J.T @ g, short)
assert np.allclose(pull(g), short)
print("J' g =", short.round(4))

# %% [markdown]
# **Try.** Of z = 800, 0 take `np.log(tg.softmax(z))`, then `tg.log_softmax(z)`. What was lost
# between the two steps of the first?
#
# **Write it yourself:** `python -m tinygrad_ce.course start softmax`; then `logsumexp`.
