"""How exact the elementwise functions and their gradients are, in ulp, against 50 digits.

    python tests/accuracy.py            a Markdown table, one row a function
    python tests/accuracy.py tanh exp   the rows of these

Points: log-spaced magnitudes of the whole dtype, subnormals and the largest numbers among them;
moderate numbers; numbers ever closer to the ends of the domain, to 0, 1 and -1; the multiples of
pi/2; pairs of numbers of like size. A point is regular where operands, value and derivative are 0
or at least MARGIN from the ends of the dtype. There the error is counted in ulp of the exact
result; elsewhere (`edge`) in units of the exact result or of the smallest normal number, whichever
is larger, so that 1 says that a result was lost.
"""

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from mpmath import mp, mpf

import tinygrad_ce as tg
from tinygrad_ce.rules import erf, gamma, special, support

mp.dps = 50
INF = float("inf")
DTYPES = (np.float64, np.float32)


@dataclass(frozen=True)
class Exact:
    """A function and its derivatives by each operand in mpmath, and the domain of each operand."""

    value: Callable[..., Any]
    slopes: tuple[Callable[..., Any] | None, ...]
    domains: tuple[tuple[float, float], ...]


REAL = (-INF, INF)


def one(value: Any, slope: Any, low: float = -INF, high: float = INF) -> Exact:
    return Exact(value, (slope,), ((low, high),))


def two(value: Any, by_a: Any, by_b: Any, a: Any = REAL, b: Any = REAL) -> Exact:
    return Exact(value, (by_a, by_b), (a, b))


def logistic(z: Any) -> Any:
    return 1 / (1 + mp.exp(-z)) if z > 0 else mp.exp(z) / (1 + mp.exp(z))


def log1pexp(z: Any) -> Any:
    return max(z, 0) + mp.log1p(mp.exp(-abs(z)))


def weighed(x: Any, y: Any) -> Any:
    """x y, and 0 where x is 0."""
    return x * y() if x else mpf(0)


def larger(a: Any, b: Any) -> Any:
    return mpf(1) if a > b else mpf(0) if a < b else mpf(0.5)


def smaller(a: Any, b: Any) -> Any:
    return larger(b, a)


def cbrt(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def bell(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def power_by_base(a: Any, b: Any) -> Any:
    return b * mp.power(a, b - 1) if b else mpf(0)


SMALLEST = 2.0**-1074
# fmt: off
EXACT: dict[Any, Exact] = {
    # arithmetic
    np.add:         two(lambda a, b: a + b, lambda a, b: mpf(1), lambda a, b: mpf(1)),
    np.subtract:    two(lambda a, b: a - b, lambda a, b: mpf(1), lambda a, b: mpf(-1)),
    np.multiply:    two(lambda a, b: a * b, lambda a, b: b, lambda a, b: a),
    np.divide:      two(lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / b**2),
    np.power:       two(mp.power, power_by_base, lambda a, b: a**b * mp.log(a), (SMALLEST, INF)),
    np.float_power: two(mp.power, power_by_base, lambda a, b: a**b * mp.log(a), (SMALLEST, INF)),
    np.remainder:   two(lambda a, b: divided(a, b, math.floor)[1], lambda a, b: mpf(1),
                        lambda a, b: -divided(a, b, math.floor)[0]),
    np.fmod:        two(lambda a, b: divided(a, b, math.trunc)[1], lambda a, b: mpf(1),
                        lambda a, b: -divided(a, b, math.trunc)[0]),
    np.negative:    one(lambda x: -x, lambda x: mpf(-1)),
    np.positive:    one(lambda x: x, lambda x: mpf(1)),
    np.reciprocal:  one(lambda x: 1 / x, lambda x: -1 / x**2),
    np.square:      one(lambda x: x * x, lambda x: 2 * x),
    np.sqrt:        one(mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), 0),
    np.cbrt:        one(cbrt, lambda x: 1 / (3 * cbrt(x)**2)),
    np.absolute:    one(abs, mp.sign),
    np.fabs:        one(abs, mp.sign),
    np.copysign:    Exact(lambda a, b: abs(a) * (mp.sign(b) or 1),
                          (lambda a, b: mp.sign(a) * (mp.sign(b) or 1), None), (REAL, REAL)),
    np.conjugate:   one(lambda x: x, lambda x: mpf(1)),
    np.deg2rad:     one(lambda x: x * mp.pi / 180, lambda x: mp.pi / 180),
    np.radians:     one(lambda x: x * mp.pi / 180, lambda x: mp.pi / 180),
    np.rad2deg:     one(lambda x: x / mp.pi * 180, lambda x: 180 / mp.pi),
    np.degrees:     one(lambda x: x / mp.pi * 180, lambda x: 180 / mp.pi),
    # exponentials and logarithms
    np.exp:         one(mp.exp, mp.exp, -1e5, 1e5),
    np.exp2:        one(lambda x: mp.power(2, x), lambda x: mp.power(2, x) * mp.ln2, -1e5, 1e5),
    np.expm1:       one(mp.expm1, mp.exp, -1e5, 1e5),
    np.log:         one(mp.log, lambda x: 1 / x, 0),
    np.log2:        one(lambda x: mp.log(x) / mp.ln2, lambda x: 1 / (x * mp.ln2), 0),
    np.log10:       one(mp.log10, lambda x: 1 / (x * mp.ln10), 0),
    np.log1p:       one(mp.log1p, lambda x: 1 / (1 + x), -1),
    np.logaddexp:   two(lambda a, b: max(a, b) + mp.log1p(mp.exp(-abs(a - b))),
                        lambda a, b: logistic(a - b), lambda a, b: logistic(b - a),
                        (-1e5, 1e5), (-1e5, 1e5)),
    np.logaddexp2:  two(lambda a, b: max(a, b) + mp.log1p(mp.power(2, -abs(a - b))) / mp.ln2,
                        lambda a, b: logistic((a - b) * mp.ln2),
                        lambda a, b: logistic((b - a) * mp.ln2), (-1e5, 1e5), (-1e5, 1e5)),
    # trigonometric and hyperbolic
    np.sin:         one(mp.sin, mp.cos),
    np.cos:         one(mp.cos, lambda x: -mp.sin(x)),
    np.tan:         one(mp.tan, lambda x: 1 / mp.cos(x)**2),
    np.arcsin:      one(mp.asin, lambda x: 1 / mp.sqrt((1 - x) * (1 + x)), -1, 1),
    np.arccos:      one(mp.acos, lambda x: -1 / mp.sqrt((1 - x) * (1 + x)), -1, 1),
    np.arctan:      one(mp.atan, lambda x: 1 / (1 + x * x)),
    np.arctan2:     two(mp.atan2, lambda a, b: b / (a * a + b * b),
                        lambda a, b: -a / (a * a + b * b)),
    np.hypot:       two(mp.hypot, lambda a, b: a / mp.hypot(a, b), lambda a, b: b / mp.hypot(a, b)),
    np.sinh:        one(mp.sinh, mp.cosh, -1e5, 1e5),
    np.cosh:        one(mp.cosh, mp.sinh, -1e5, 1e5),
    np.tanh:        one(mp.tanh, lambda x: mp.sech(x)**2, -1e5, 1e5),
    np.arcsinh:     one(mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x)),
    np.arccosh:     one(mp.acosh, lambda x: 1 / mp.sqrt((x - 1) * (x + 1)), 1),
    np.arctanh:     one(mp.atanh, lambda x: 1 / ((1 - x) * (1 + x)), -1, 1),
    # choices
    np.maximum:     two(max, larger, smaller),
    np.fmax:        two(max, larger, smaller),
    np.minimum:     two(min, smaller, larger),
    np.fmin:        two(min, smaller, larger),
    # functions of our own
    special.sigmoid:          one(logistic, lambda z: logistic(z) * logistic(-z), -1e5, 1e5),
    special.softplus:         one(log1pexp, logistic, -1e5, 1e5),
    special.log_sigmoid:      one(lambda z: -log1pexp(-z), lambda z: logistic(-z), -1e5, 1e5),
    special.xlogy:            two(lambda x, y: weighed(x, lambda: mp.log(y)),
                                  lambda x, y: mp.log(y), lambda x, y: x / y, b=(SMALLEST, INF)),
    special.binary_log_loss:  two(lambda y, t: -weighed(t, lambda: mp.log(y))
                                               - weighed(1 - t, lambda: mp.log1p(-y)),
                                  lambda y, t: (y - t) / (y * (1 - y)),
                                  lambda y, t: mp.log1p(-y) - mp.log(y), (0, 1), (0, 1)),
    special.sigmoid_log_loss: two(lambda z, t: (1 - t) * log1pexp(z) + t * log1pexp(-z),
                                  lambda z, t: (1 - t) * logistic(z) - t * logistic(-z),
                                  lambda z, t: -z, (-1e5, 1e5), (0, 1)),
    erf.erf:              one(mp.erf, bell, -40, 40),
    erf.erfc:             one(mp.erfc, lambda x: -bell(x), -40, 40),
    erf.erfinv:               one(mp.erfinv, lambda y: 1 / bell(mp.erfinv(y)), -1, 1),
    gamma.lgamma:             one(mp.loggamma, mp.digamma, 0),
    gamma.digamma:            one(mp.digamma, lambda x: mp.polygamma(1, x), 0),
    special.logit:            one(lambda y: mp.log(y) - mp.log1p(-y),
                                  lambda y: 1 / (y * (1 - y)), 0, 1),
    special.entr:             one(lambda x: -x * mp.log(x), lambda x: -mp.log(x) - 1, 0),
    special.xlog1py:          two(lambda x, y: x * mp.log1p(y), lambda x, y: mp.log1p(y),
                                  lambda x, y: x / (1 + y), REAL, (-1, INF)),
    # what the rules are written with
    support.ratio:  two(lambda x, y: x / y, lambda x, y: 1 / y, lambda x, y: -x / y**2),
    support.weigh:  two(lambda w, x: w * x, lambda w, x: x, lambda w, x: w),
}
# fmt: on


def divided(a: Any, b: Any, whole: Callable[[Fraction], int]) -> tuple[Any, Any]:
    """The whole quotient of two floats, and what remains, exactly."""
    x, y = Fraction(float(a)), Fraction(float(b))
    n = whole(x / y)
    rest = x - n * y
    return mpf(n), mpf(rest.numerator) / rest.denominator


VALUE_ULPS = 5.0  # of our own functions
# Worst errors of the derivatives in ulp that are above ULPS: (float64, float32, why).
ULPS = 4.0
BOUNDS: dict[Any, tuple[float, float, str]] = {
    np.power: (1100, 160, "b - 1 is rounded, to which a^(b-1) answers with |log a| ulp"),
    np.float_power: (1100, 0, "as power"),
    np.cbrt: (9, 6, "the C library's cbrt is up to 3.7 ulp off, and squared"),
    np.tan: (4, 7, "NumPy's float32 tan is 2.4 ulp off, and squared"),
    np.logaddexp: (800, 120, "a - b is rounded, to which e^(a-b) answers with |a - b| / 2 ulp"),
    np.logaddexp2: (1100, 160, "as logaddexp"),
    special.binary_log_loss: (INF, INF, "two terms cancel as y nears t"),
    erf.erfinv: (100, 40, "y is rounded, to which the derivative answers strongly near -1 and 1"),
    special.entr: (1e4, 1e4, "-log x - 1 cancels near 1/e"),
}
# Hand formulas that cancel: their error is counted in ulp of 1, or of a larger derivative.
OF_ONE: dict[Any, str] = {
    np.tanh: "1 - y^2, as y nears 1",
    special.sigmoid: "y (1 - y), as y nears 1",
    special.sigmoid_log_loss: "y - t, as y = sigmoid(z) nears t",
}
# Worst relative errors beside the regular points that are above EDGE.
EDGE = 16.0  # eps
EDGES: dict[Any, tuple[float, str]] = {
    np.divide: (1, "a / b is rounded as a subnormal number"),
    support.ratio: (1, "as divide"),
    np.power: (INF, "a^(b-1) overflows before it is multiplied by b"),
    np.float_power: (INF, "as power"),
    np.arctan: (1, "x^2 overflows where 1 / x^2 is subnormal"),
    np.arctan2: (1, "hypot(a, b) overflows"),
    np.hypot: (2, "hypot(a, b) overflows, or is rounded as a subnormal number"),
    np.logaddexp: (1e-4, "as at the regular points"),
    np.logaddexp2: (1e-4, "as at the regular points"),
    np.tanh: (1, "as at the regular points"),
    special.sigmoid: (1, "as at the regular points"),
    special.binary_log_loss: (1, "as at the regular points"),
    special.sigmoid_log_loss: (1, "as at the regular points"),
}


def bounds(f: Any, dtype: Any) -> tuple[float, float]:
    """How wrong the derivatives of f may be at the regular points, and at the edge."""
    ulps = BOUNDS[f][dtype == np.float32] if f in BOUNDS else ULPS
    return ulps, EDGES[f][0] if f in EDGES else EDGE * float(np.finfo(dtype).eps)


def points(domain: tuple[float, float], dtype: Any, n: int, rng: Any) -> Any:
    """At most n numbers of a domain, as the head of this file tells."""
    kind = np.finfo(dtype)
    low, high = domain
    signs = rng.choice([-1.0, 1.0], n)
    lowest = np.log2(float(kind.smallest_subnormal))
    found = [
        np.array([0, 0.5, 1, 2, 10, 88, 104, 710, 750, kind.max, -kind.max, kind.tiny]),
        np.array([kind.smallest_subnormal, kind.eps, 1 + kind.eps, 1 - kind.epsneg]),
        signs * np.exp2(rng.uniform(lowest, kind.maxexp, n)),
        signs * np.exp2(rng.uniform(-12, 12, n)),
        rng.uniform(-30, 30, n),
        rng.normal(size=n),
        np.arange(-40, 41) * (np.pi / 2),
    ]
    for end in sorted({low, high, 1.0, -1.0} - {INF, -INF}):
        found.append(end + signs * np.exp2(rng.uniform(-kind.nmant - 1, 0, n)))
    with np.errstate(over="ignore"):
        x = np.concatenate(found).astype(dtype) + dtype(0)  # mpmath has no -0
    x = x[np.isfinite(x) & (x >= low) & (x <= high)]
    return np.concatenate([x[:16], rng.permutation(x[16:])])[:n]


def operands(exact: Exact, dtype: Any, n: int) -> tuple[Any, ...]:
    """n numbers, or n pairs: independent, of like size, near each other, equal."""
    rng = np.random.default_rng(7)
    first, *others = (points(domain, dtype, n, rng) for domain in exact.domains)
    if not others:
        return (first,)
    low, high = exact.domains[1]
    a, b = np.resize(first, n), np.resize(rng.permutation(others[0]), n)
    with np.errstate(over="ignore"):
        scaled = a * rng.uniform(-2, 2, n).astype(dtype)
        near = a + rng.normal(size=n).astype(dtype)
    pairs = np.tile(a, 5), np.concatenate([b, np.roll(b, 1), scaled, near, a]) + dtype(0)
    inside = np.isfinite(pairs[1]) & (pairs[1] >= low) & (pairs[1] <= high)
    chosen = rng.permutation(np.flatnonzero(inside))[:n]
    return pairs[0][chosen], pairs[1][chosen]


MARGIN = 1024


def is_regular(x: Any, kind: Any) -> bool:
    """Whether x is 0 or so far from the ends of the dtype that it can be computed with."""
    return x == 0 or bool(float(kind.tiny) * MARGIN <= abs(x) <= float(kind.max) / MARGIN)


def ulps(found: Any, exact: Any, kind: Any, least: int | None = None) -> float:
    """The error in units of the exact result's last place, or of that of 2**least."""
    place = mp.mag(exact) - 1 if exact else kind.minexp
    place = place if least is None else max(place, least)
    return float(abs(mpf(float(found)) - exact) / mp.ldexp(1, max(place, kind.minexp) - kind.nmant))


def relative(found: Any, exact: Any, kind: Any) -> float:
    """The error in units of the exact result or of the smallest normal number."""
    if np.isinf(found) and abs(exact) > float(kind.max) and (found > 0) == (exact > 0):
        return 0.0
    return float(abs(mpf(float(found)) - exact) / max(abs(exact), mpf(float(kind.tiny))))


@dataclass
class Worst:
    """The largest errors of the value, of the derivatives, of those at the edge; and where."""

    value: float = 0.0
    gradient: float = 0.0
    edge: float = 0.0
    where: tuple[Any, ...] = ()
    where_edge: tuple[Any, ...] = ()


def right(f: Callable[..., Any], xs: list[Any]) -> Any:
    """The exact result, or None where there is none."""
    try:
        return f(*xs)
    except (ZeroDivisionError, ValueError):
        return None


def measure(f: Any, dtype: Any, n: int) -> Worst:
    """The worst errors of a function and its derivatives at n points."""
    exact, kind, worst = EXACT[f], np.finfo(dtype), Worst()
    xs = operands(exact, dtype, n)
    with np.errstate(all="ignore"):
        y, pull = tg.vjp(f, *xs)
    gradients = pull(np.ones_like(y))
    for i, numbers in enumerate(zip(*xs, strict=True)):
        wide = [mpf(float(x)) for x in numbers]
        value = right(exact.value, wide)
        if value is None:
            continue
        regular = all(is_regular(x, kind) for x in (*wide, value))
        if regular:
            worst.value = max(worst.value, ulps(y[i], value, kind))
        for g, slope in zip(gradients, exact.slopes, strict=True):
            expected = None if slope is None else right(slope, wide)
            if expected is None:
                continue
            if regular and is_regular(expected, kind):
                mistake = ulps(g[i], expected, kind, 0 if f in OF_ONE else None)
                if not mistake <= worst.gradient:
                    worst.gradient, worst.where = mistake, numbers
            else:
                mistake = relative(g[i], expected, kind)
                if not mistake <= worst.edge:
                    worst.edge, worst.where_edge = mistake, numbers
    return worst


def name(f: Any) -> str:
    return str(f.__name__)


def kinds(f: Any) -> tuple[Any, ...]:
    """The dtypes a function has: float_power computes in float64 alone."""
    return DTYPES[:1] if f is np.float_power else DTYPES


def reasons(f: Any) -> str:
    """Why the errors of a function are larger than those of others."""
    found = [why for why in (BOUNDS[f][2] if f in BOUNDS else None, OF_ONE.get(f)) if why]
    edge = EDGES[f][1] if f in EDGES else ""
    if edge and not edge.startswith("as at"):
        found.append(f"edge: {edge}")
    return "; ".join(found).replace("|", "\\|")  # a bar would end the cell


HEAD = """\
# Accuracy of the elementwise functions and their gradients

Written by `python tests/accuracy.py`, against mpmath at 50 digits, with NumPy {version}. Worst
errors over the whole domain, subnormals and the largest numbers included, in ulp of the exact
result; those of `tanh`, `sigmoid` and `sigmoid_log_loss`, whose hand formulas cancel, in ulp of 1.
`edge`: the worst relative error where an operand or a result is within a factor of 1024 of the
dtype's ends (1: a result is lost). Values of NumPy's functions are NumPy's own.

| function | dtype | value, ulp | gradient, ulp | worst at | edge | why above 4 ulp |
| --- | --- | --- | --- | --- | --- | --- |"""


def main(wanted: list[str], n: int = 4000) -> None:
    """Print the table, or the rows of the functions named."""
    print(HEAD.format(version=np.__version__))
    for f in EXACT:
        for dtype in kinds(f) if not wanted or name(f) in wanted else ():
            w = measure(f, dtype, n)
            at = ", ".join(f"{x:.6g}" for x in w.where)
            print(
                f"| {name(f)} | {np.dtype(dtype).name} | {w.value:.2g} | {w.gradient:.2g} | {at} "
                f"| {w.edge:.2g} | {reasons(f)} |",
                flush=True,
            )


if __name__ == "__main__":
    main(sys.argv[1:])
