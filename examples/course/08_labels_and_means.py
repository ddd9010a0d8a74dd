"""Lesson 8. Labels or one-hot? Divide by N or not? And CE, KL, NLL and log K.

python examples/course/08_labels_and_means.py
"""

# %% [markdown]
# **Labels or one-hot.** The label 2 and the row [0, 0, 1] say the same. Labels are shorter; rows
# can also say "70 % this, 30 % that". `softmax_cross_entropy` and `cross_entropy` take either.

# %%
import numpy as np

import tinygrad_ce as tg

rng = np.random.default_rng(0)
z = rng.normal(size=(4, 3))
labels = np.array([2, 0, 1, 1])
rows = tg.one_hot(labels, 3)
print(rows)
assert np.isclose(tg.softmax_cross_entropy(z, labels), tg.softmax_cross_entropy(z, rows))

# %% [markdown]
# The shape tells them apart: labels have the outputs' shape without the axis of the classes, and
# are integers. A column of labels, (4, 1), is neither, and is refused: lesson 3 shows why.

# %%
try:
    tg.softmax_cross_entropy(z, labels[:, None])
except tg.Error as error:
    print("\nrefused:", error)

# %% [markdown]
# **Divide by N or not.** The mean over the examples has the gradient (y - t) / N, the sum y - t.
#
# **Predict:** the same examples, each ten times. What becomes of the gradient of either by weights?

# %%
y = tg.softmax(z)
by_mean = tg.grad(lambda z: tg.softmax_cross_entropy(z, labels))(z)
by_sum = tg.grad(lambda z: tg.softmax_cross_entropy(z, labels, reduction="sum"))(z)
assert np.allclose(by_mean, (y - rows) / len(z))
assert np.allclose(by_sum, y - rows)
print("\nsize of the gradient, the same examples repeated:   mean    sum")
for times in (1, 10, 100):
    many, t = np.tile(z, (times, 1)), np.tile(labels, times)

    def loss(w, reduction, many=many, t=t):
        return tg.softmax_cross_entropy(many @ w, t, reduction=reduction)

    sizes = [np.linalg.norm(tg.grad(loss)(np.zeros((3, 3)), kind)) for kind in ("mean", "sum")]
    print(f"{len(t):48d} {sizes[0]:8.3f} {sizes[1]:6.1f}")
    assert np.isclose(sizes[1], sizes[0] * len(t))

# %% [markdown]
# With a sum, twice as large a batch means steps twice as long; with the mean the learning rate
# keeps its meaning. So the mean is what is usual.
#
# **CE, KL, NLL and log K.** One family:
#
# - cross-entropy CE(t, y) = -sum t log y
# - its least value is the target's own entropy H(t), where y = t
# - KL(t, y) = CE - H is the rest: 0 where y = t. H is constant, so both have the same gradient
# - NLL is the cross-entropy of labels, of logarithms that are taken already
# - who knows nothing says 1/K for each of K classes: the loss is log K. **Predict** the loss of a
#   network for 10 classes before it has learned anything

# %%
t, y = np.array([0.7, 0.2, 0.1]), np.array([0.5, 0.3, 0.2])
entropy = np.sum(tg.entr(t))
ce, kl = tg.cross_entropy(y, t), tg.kl_divergence(y, t)
print(f"\nCE {ce:.4f} = H {entropy:.4f} + KL {kl:.4f}")
assert np.isclose(ce, entropy + kl)
assert np.isclose(tg.cross_entropy(t, t), entropy)
assert np.allclose(tg.grad(tg.cross_entropy)(y, t), tg.grad(tg.kl_divergence)(y, t))

nll = tg.negative_log_likelihood(tg.log_softmax(z), labels)
assert np.isclose(nll, tg.softmax_cross_entropy(z, labels))

for classes in (2, 10, 1000):
    start = tg.softmax_cross_entropy(np.zeros(classes), 0)
    print(f"knowing nothing of {classes:4d} classes: loss {start:.4f} = log {classes}")
    assert np.isclose(start, np.log(classes))

# %% [markdown]
# **Try.** A network begins with the loss 9 on 10 classes. Is that knowing nothing, or worse? And
# which y gives the least CE for t = [0.7, 0.2, 0.1]: is it 0?
#
# **Write it yourself:** `python -m tinygrad_ce.course start mean`.
