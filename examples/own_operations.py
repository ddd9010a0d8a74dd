"""Operations of your own: their gradient rules, gradients that are not the true ones, and memory.

    python examples/own_operations.py            # some seconds
    python examples/own_operations.py --quick    # about one second

Three lessons, each a few lines that show something and check it:

1. a function with several results and an argument that is no array, with its rule by hand;
2. rounding that lets gradients through, and hooks that watch and clip them, in a training loop;
3. a deep chain of blocks in a fraction of the memory, by `tg.checkpoint`.

The coda fits a distribution with a function of SciPy, if SciPy is installed.
"""

import argparse
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ce as tg

try:
    from scipy import special
except ImportError:  # the coda does without
    special = None


# ---------------------------------------------------------------------------------------------
# 1. A rule by hand
# ---------------------------------------------------------------------------------------------
#
# Most functions need no rule: write them in NumPy, and the engine differentiates every step. A rule
# of your own pays where you know a shorter way back. Standardising data is the classic case:
#
#     m = mean(x),   s = sqrt(mean((x - m)^2)),   z = (x - m) / s
#
# Let x change by dx. Then, with means over the axis,
#
#     dm = mean(dx),   ds = mean(z dx),   dz = (dx - dm - z ds) / s
#
# A rule goes the other way: from the gradients gz, gm, gs of a loss by the three results to the
# gradient by x. Collect what stands before each entry of dx in  sum(gz dz) + gm dm + gs ds:
#
#     gx = (gz - mean(gz) - z mean(z gz)) / s + (gm + z gs) / n


def by_x(g: Any, y: Any, x: Any, axis: int = -1) -> Any:
    """The rule: g and y hold a gradient and a value for each result; then x and axis as given."""
    (gz, gm, gs), (z, _, s) = g, y
    n = x.shape[axis]
    through_z = gz - np.mean(gz, axis, keepdims=True) - z * np.mean(z * gz, axis, keepdims=True)
    return through_z / s + (gm + z * gs) / n


@tg.primitive(rules=by_x)
def standardised(x: Any, axis: int = -1) -> tuple[Any, Any, Any]:
    """x with mean 0 and deviation 1 along an axis; the mean and the deviation."""
    m = np.mean(x, axis, keepdims=True)
    s = np.std(x, axis, keepdims=True)
    return (x - m) / s, m, s


def central_differences(f: Callable[[Any], Any], x: Any, h: float = 1e-5) -> Any:
    """The gradient of f, from its values alone: two for every entry of x."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        gradient[i] = (f(x + step) - f(x - step)) / (2 * h)
    return gradient


def rule_by_hand() -> None:
    """Audit the rule: a derivation may err, the differences of plain values do not know it."""
    print("1. A rule by hand: z, m, s = standardised(x, axis)\n")
    rng = np.random.default_rng(1)
    x = rng.normal(3, 2, (5, 8))
    weights = rng.normal(size=x.shape)

    for axis in (0, 1):

        def loss(x: Any, axis: int = axis) -> Any:
            z, m, s = standardised(x, axis=axis)
            return np.sum(weights * z**3) + np.sum(m * s)  # every result has its say

        error = np.max(np.abs(tg.grad(loss)(x) - central_differences(loss, x)))
        print(f"   axis {axis}: rule and central differences differ by {error:.0e}")
        # Rounding leaves about 1e-16 / h, the formula h^2 times a third derivative.
        assert error < 1e-7

    # The rule is NumPy too, so it has a derivative itself: second derivatives come for free.
    product = tg.hvp(loss, x, weights)
    expected = (tg.grad(loss)(x + 1e-5 * weights) - tg.grad(loss)(x - 1e-5 * weights)) / 2e-5
    error = np.max(np.abs(product - expected))
    print(f"   Hessian times a vector: {error:.0e} from the difference of two gradients")
    assert error < 1e-7

    # What a rule does not take, it cannot lose: the axis is no operand.
    try:
        standardised(tg.tensor(x, requires_grad=True), tg.tensor(1.0, requires_grad=True))
    except tg.UnsupportedError as refused:
        print(f"   an axis that wants a gradient: {str(refused).split('.')[0]}\n")
    else:
        raise AssertionError("the gradient by the axis was lost in silence")


# ---------------------------------------------------------------------------------------------
# 2. A gradient that is not the true one
# ---------------------------------------------------------------------------------------------
#
# A network for a small chip may only have weights that are multiples of 1/4. Rounding is a
# staircase: its derivative is 0 wherever it has one, and nothing learns. The straight-through
# estimator (Hinton 2012; Bengio, Leonard, Courville 2013) rounds on the way forward and pretends on
# the way back that nothing happened. It is no derivative, and says so: it is a rule you choose.


@tg.primitive(rules=lambda g, y, x, step: g)
def rounded(x: Any, step: float) -> Any:
    """The nearest multiple of step; gradients pass as if it were x itself."""
    return step * np.round(x / step)


def straight_through(quick: bool) -> None:
    """Learn weights on a grid, from data of which some are wildly wrong."""
    print("2. Rounding that lets gradients through, and hooks\n")
    rng = np.random.default_rng(2)
    true = np.array([0.75, -1.5, 0.25, 2.0])
    x = rng.normal(size=(400, 4))
    t = x @ true + 0.1 * rng.normal(size=400)
    t[::100] += 200 * rng.normal(size=4)  # a measurement that failed now and then

    def loss(w: Any, rows: Any, grid: Callable[[Any], Any]) -> Any:
        return np.mean((x[rows] @ grid(w) - t[rows]) ** 2)

    start, everything = np.zeros(4) + 0.1, slice(None)
    flat = tg.grad(lambda w: loss(w, everything, lambda w: np.round(w / 0.25) * 0.25))(start)
    through = tg.grad(lambda w: loss(w, everything, lambda w: rounded(w, 0.25)))(start)
    print(f"   gradient by np.round:        {flat}")
    print(f"   gradient by straight-through: {np.round(through, 2)}")
    assert not flat.any()
    assert through.all()

    # A hook sees each gradient that arrives at a tensor. One that returns None only watches; what
    # another returns takes the gradient's place. They are called in the order they were added.
    w = tg.tensor(start, requires_grad=True)
    sizes: list[float] = []
    watch = w.register_hook(lambda g: sizes.append(float(np.linalg.norm(g))))
    clip = w.register_hook(lambda g: g / max(1.0, float(np.linalg.norm(g))))
    longest, seen = 0.0, []
    for step in range(400 if quick else 2000):
        rows = rng.integers(0, len(x), size=8)
        loss(w, rows, lambda w: rounded(w, 0.25)).backward()
        longest = max(longest, float(np.linalg.norm(w.grad)))
        w.data -= 0.1 / (1 + step / 50) * w.grad
        w.grad = None
        seen.append(rounded(w.data, 0.25))
    watch.remove()
    clip.remove()

    # Inside the right step of the staircase nothing pulls any more, so w comes to rest at its edge
    # and now and then falls off for a moment. Where it is most of the time is what it learned.
    learned = np.median(seen[len(seen) // 2 :], axis=0)
    print(f"   longest gradient that arrived: {max(sizes):.0f}; that was used: {longest:.3f}")
    print(f"   learned {learned}, true {true}\n")
    assert max(sizes) > 100
    assert longest < 1 + 1e-12
    assert np.array_equal(learned, true)


# ---------------------------------------------------------------------------------------------
# 3. Memory for time
# ---------------------------------------------------------------------------------------------
#
# Gradients need the values of the forward pass, so a graph keeps all of them: memory grows with
# every operation of every layer. A checkpointed block keeps only what went in and what came out,
# and is computed once more when gradients pass. The peak is then one block's inside and the values
# between the blocks; the price is one more forward pass. The gradient is the same to the last bit.


def block(x: Any, w: Any) -> Any:
    """A residual block; each operation leaves an array behind in the graph."""
    z = x @ w
    return x + 0.1 * np.tanh(z) * tg.sigmoid(z) + 0.01 * np.sin(z) * np.cos(x)


def peak_of(f: Callable[[], Any]) -> tuple[Any, float]:
    """What f returns, and the most memory it had at a time, in MB."""
    tracemalloc.start()
    try:
        result = f()
        return result, tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def memory(quick: bool) -> None:
    """The same gradient through a deep chain, with every value kept and with one block's."""
    depth, rows, width = (16, 256, 64) if quick else (32, 1024, 64)
    print(f"3. {depth} blocks on an array of {rows * width * 8 / 1e6:.1f} MB\n")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, width))
    weights = [rng.normal(size=(width, width)) / width**0.5 for _ in range(depth)]

    def gradient(layer: Callable[[Any, Any], Any]) -> Any:
        def loss(weights: list[Any]) -> Any:
            y = x
            for w in weights:
                y = layer(y, w)
            return np.mean(y * y)

        return tg.grad(loss)(weights)

    kept, peak = peak_of(lambda: gradient(block))
    forgotten, lower_peak = peak_of(lambda: gradient(tg.checkpoint(block)))
    print(f"   peak with every value kept:   {peak:8.1f} MB")
    print(f"   peak with checkpointed blocks: {lower_peak:7.1f} MB, {peak / lower_peak:.1f} x less")
    assert all(np.array_equal(a, b) for a, b in zip(kept, forgotten, strict=True))
    assert lower_peak < peak / 3
    print("   and every gradient is the same to the last bit\n")


# ---------------------------------------------------------------------------------------------
# Coda: a function of SciPy
# ---------------------------------------------------------------------------------------------
#
# The elementwise functions of scipy.special have rules too, as soon as you import SciPy. The
# likelihood of a gamma distribution with shape k, whose best scale mean(x)/k is put in already:
#
#     L(k) = (k - 1) mean(log x) - k - k log(mean(x)/k) - log gamma(k)
#
# Newton's method wants L' and L'', which hold the digamma and the trigamma function. The engine
# goes from gammaln to psi to zeta by itself.


def coda() -> None:
    """The most likely shape of a gamma distribution, by Newton's method."""
    if special is None:
        print("Coda left out: it needs SciPy (pip install scipy)")
        return
    print("Coda. The shape of a gamma distribution, with scipy.special.gammaln\n")
    x = np.random.default_rng(4).gamma(shape=2.5, scale=3.0, size=10_000)
    log_mean, mean_log = np.log(np.mean(x)), np.mean(np.log(x))

    def likelihood(k: Any) -> Any:
        return (k - 1) * mean_log - k - k * (log_mean - np.log(k)) - special.gammaln(k)

    slope = tg.grad(likelihood)
    curvature = tg.grad(slope)
    k = 1.0
    for step in range(7):
        print(f"   step {step}: k = {k:.12f}, L' = {slope(k):+.1e}")
        k = float(k - slope(k) / curvature(k))
    by_hand = mean_log - log_mean + np.log(k) - special.psi(k)
    # A few roundings of terms below 5.
    assert abs(slope(k) - by_hand) < 1e-14
    assert abs(curvature(k) - (1 / k - special.polygamma(1, k))) < 1e-14
    assert abs(slope(k)) < 1e-14
    assert abs(k - 2.5) < 0.1


def main() -> None:
    """All lessons."""
    parser = argparse.ArgumentParser(description="Operations of your own.")
    parser.add_argument("--quick", action="store_true", help="smaller arrays, fewer steps")
    quick = parser.parse_args().quick
    rule_by_hand()
    straight_through(quick)
    memory(quick)
    coda()


if __name__ == "__main__":
    main()
