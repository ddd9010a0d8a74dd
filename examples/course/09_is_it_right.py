"""Lesson 9. Is my gradient right, and which epsilon is right for checking it?

python examples/course/09_is_it_right.py
"""

# %% [markdown]
# The check that needs no derivation: move x by a little h, and see how far f moves. One-sided,
# (f(x + h) - f(x)) / h; central, (f(x + h) - f(x - h)) / 2h. **Which h?** Too large, and the curve
# bends; too small, and what is left of the difference of two nearly equal numbers is rounding.

# %%
import numpy as np

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt

x = np.linspace(0.5, 1.5, 50)  # several points, as rounding is a matter of luck
truth = np.exp(x)
errors = {"one-sided": {}, "central": {}}
print("      h   one-sided    central   (relative errors of the derivative of exp)")
for h in map(float, 10.0 ** -np.arange(1, 15)):
    one = (np.exp(x + h) - np.exp(x)) / h
    two = (np.exp(x + h) - np.exp(x - h)) / (2 * h)
    for way, found in (("one-sided", one), ("central", two)):
        errors[way][h] = np.max(np.abs(found / truth - 1))
    print(f"{h:7.0e}  {errors['one-sided'][h]:10.0e} {errors['central'][h]:10.0e}")

# %% [markdown]
# The bending costs h (one-sided) or h^2 (central), rounding costs 1e-16 / h. The best is where the
# two are equal: h = 1e-8 with 7 or 8 digits one-sided, h = 1e-5 with 10 or 11 digits central.
# float32 has 7 digits altogether, of which 4 or 5 are left, at h = 1e-2. Check in float64.

# %%
best = {way: min(found, key=found.get) for way, found in errors.items()}
print("\nbest h:", best)
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
assert "1/3" in str(wrong) or "0.333" in str(wrong)

# %% [markdown]
# At a kink there is no derivative, and no h helps: relu at 0 has the slope 0 to the left and 1 to
# the right. The check says "kink", and lets pass what lies between.

# %%
kink = tgt.gradcheck(tg.relu, np.array([0.0, 1.0]))
print(f"\n{kink}")
assert kink.verdict == "kink"
