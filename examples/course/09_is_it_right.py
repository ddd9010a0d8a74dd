"""Lesson 9. Is my gradient right, and which epsilon is right for checking it?

python examples/course/09_is_it_right.py
"""

# %% [markdown]
# The check that needs no derivation: move x by a little h, and see how far f moves. One-sided,
# (f(x + h) - f(x)) / h; central, (f(x + h) - f(x - h)) / 2h.
#
# **Predict:** which h is best, 1e-2, 1e-5, 1e-8 or 1e-14?

# %%
import numpy as np

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt

x = np.linspace(0.5, 1.5, 50)  # several points, as rounding is a matter of luck
single = x.astype(np.float32)  # h is Python's, so all that is made of it is float32
truth = np.exp(x)
columns = {
    "one-sided": lambda h: (np.exp(x + h) - np.exp(x)) / h,
    "central": lambda h: (np.exp(x + h) - np.exp(x - h)) / (2 * h),
    "in float32": lambda h: (np.exp(single + h) - np.exp(single - h)) / (2 * h),  # central, too
}

errors = {way: {} for way in columns}
print("relative errors of the derivative of exp")
print("      h " + "".join(f"{way:>12}" for way in columns))
for h in map(float, 10.0 ** -np.arange(1, 15)):
    for way, estimate in columns.items():
        errors[way][h] = float(np.max(np.abs(estimate(h) / truth - 1)))
    print(f"{h:7.0e} " + "".join(f"{found[h]:12.0e}" for found in errors.values()))

# %% [markdown]
# Too large, and the curve bends; too small, and what is left of the difference of two nearly equal
# numbers is rounding. The bending costs h (one-sided) or h^2 (central), rounding costs 1e-16 / h.
# The best is where the two are equal: h = 1e-8 with 7 or 8 digits one-sided, h = 1e-5 with 10 or 11
# digits central. float32 has 7 digits altogether, of which 4 or 5 are left, at h = 1e-2: check in
# float64.

# %%
best = {way: min(found, key=found.get) for way, found in errors.items()}
print("\nbest h:", ", ".join(f"{h:.0e} {way}" for way, h in best.items()))
assert 1e-10 < best["one-sided"] < 1e-6
assert 1e-7 < best["central"] < 1e-3

# %% [markdown]
# A complex step has no such h: f(x + ih) = f(x) + i h f'(x) + ..., so the derivative is the
# imaginary part by h. Nothing is subtracted, so h may be as small as one likes.

# %%
h = 1e-100
step = np.exp(x + 1j * h).imag / h
error = np.max(np.abs(step / truth - 1))
print(f"complex step: relative error {error:.0e}")
assert error < 1e-15

# %% [markdown]
# `gradcheck` chooses: complex steps where f carries complex numbers, else differences with several
# h, extrapolated, with an estimate of their own error. It needs no epsilon and no tolerance from
# you, and says *how* a gradient is wrong.

# %%
z, t = np.array([1.0, 2.0, 0.5]), np.array([0.0, 0.0, 1.0])


def loss(z):
    return tg.softmax_cross_entropy(z, t)


right = tgt.gradcheck(loss, z, gradient=lambda z: tg.softmax(z) - t)
wrong = tgt.gradcheck(loss, z, gradient=lambda z: (tg.softmax(z) - t) / len(z))
print(f"\n{right}\n\n{wrong}")
assert right
assert not wrong
assert "divided by N = 3" in str(wrong)  # lesson 8

# %% [markdown]
# At a kink there is no derivative, and no h helps: relu at 0 has the slope 0 to the left and 1 to
# the right. **Predict** what a central difference says there, for every h. The check says "kink",
# and lets pass what lies between the slopes.

# %%
kink = tgt.gradcheck(tg.relu, np.array([0.0, 1.0]))
print(f"\n{kink}")
assert kink.verdict == "kink"
central = [(tg.relu(h) - tg.relu(-h)) / (2 * h) for h in (1e-2, 1e-5, 1e-8)]
print("\ncentral differences of relu at 0:", *central)
assert np.allclose(central, 0.5)

# %% [markdown]
# **Try.** Replace exp by x**2 in the first cell, and truth by 2 * x: one of the columns has nothing
# to bend. Then check a gradient of your own: `tgt.gradcheck(f, x, gradient=yours)`.
#
# **Write it yourself**, with a check that draws the inputs and finds the smallest one that goes
# wrong: `python -m tinygrad_ce.course start prod`, where dividing is a trap; `max`, where entries
# may be equal; `layer_norm`, for which the derivation is long.
