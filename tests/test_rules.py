"""Every entry of the rule table against other ways to its derivative.

`EXAMPLES` names every function that can be differentiated, `UNTRACKED` every one that cannot.
Tolerances are for sums whose terms are of the order of `scale`:

- Richardson's central differences with step h = 1e-3 err by h^4 f'''''/480, which is below 1e-11
  for fifth derivatives up to 5000, and by rounding of about 10 eps/h = 2e-12. DIFFERENCE = 1e-9
  leaves a factor for the number of terms.
- Complex steps and two orders of the same sum err by rounding alone: some 100 operations of
  eps = 2.2e-16 each give EXACT = 1e-12 with room for condition numbers near 10.
"""

import operator
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import tinygrad_ce as tg
from tinygrad_ce.graph import order
from tinygrad_ce.rules import elementwise, erf, gamma, selecting, shaping, special, support
from tinygrad_ce.rules.bessel import i0_derivative, sinc_derivative
from tinygrad_ce.rules.building import overlapped
from tinygrad_ce.rules.decompositions import qr_factors, svd_factors
from tinygrad_ce.rules.indexing import assign, scatter
from tinygrad_ce.rules.joining import cut
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.norms import euclidean, power_norm
from tinygrad_ce.rules.representation import exponent
from tinygrad_ce.rules.sequences import piece
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax, xlog_softmax
from tinygrad_ce.rules.systems import cofactors, cofactors_along
from tinygrad_ce.rules.table import BUILT_IN, TABLE
from tinygrad_ce.rules.windows import (
    correlate,
    correlate_transposed,
    correlate_weight,
    fold,
    unfold,
    window_argmax,
    window_max,
    window_sum,
)

DIFFERENCE, EXACT = 1e-9, 1e-12
STEP = 1e-3


@dataclass(frozen=True)
class Draw:
    """Values to differentiate at: uniform, or all different by far more than STEP."""

    shape: tuple[int, ...]
    low: float
    high: float
    offset: float | None = None

    def __call__(self, rng: Any) -> Any:
        if self.offset is None:
            return np.asarray(rng.uniform(self.low, self.high, self.shape))
        n = int(np.prod(self.shape))
        grid = self.low + (np.arange(n) + 0.5) * (self.high - self.low) / max(n, 1)
        return rng.permutation(grid + self.offset).reshape(self.shape)


def real(*shape: int) -> Draw:
    return Draw(shape, -2, 2)


def positive(*shape: int) -> Draw:
    return Draw(shape, 0.5, 2)


def unit(*shape: int) -> Draw:
    return Draw(shape, -0.7, 0.7)


def inside(*shape: int) -> Draw:
    return Draw(shape, 0.2, 0.8)


def above(*shape: int) -> Draw:
    return Draw(shape, 1.5, 3)


def apart(*shape: int) -> Draw:
    return Draw(shape, -2, 2, 0.03)


def apart_too(*shape: int) -> Draw:
    return Draw(shape, -2, 2, 0.11)


def between(low: float, high: float) -> Callable[..., Draw]:
    return lambda *shape: Draw(shape, low, high)


@dataclass(frozen=True, init=False)
class Case:
    """A call, where to differentiate it, and whether it takes complex numbers and float32."""

    f: Callable[..., Any]
    draws: tuple[Draw, ...]
    analytic: bool
    single: bool

    def __init__(self, f: Any, *draws: Draw, analytic: bool = False, single: bool = True) -> None:
        for name, value in zip(self.__slots_names(), (f, draws, analytic, single), strict=True):
            object.__setattr__(self, name, value)

    @staticmethod
    def __slots_names() -> tuple[str, ...]:
        return "f", "draws", "analytic", "single"

    def arguments(self) -> tuple[Any, ...]:
        rng = np.random.default_rng(zlib.crc32(repr(self.draws).encode()))
        return tuple(draw(rng) for draw in self.draws)


def holo(f: Callable[..., Any], *draws: Draw) -> Case:
    """A case that takes complex numbers and is analytic in them."""
    return Case(f, *draws, analytic=True)


def unary(f: Any, draw: Callable[..., Draw] = real, analytic: bool = True) -> list[Case]:
    return [Case(f, draw(3, 4), analytic=analytic), Case(f, draw(), analytic=analytic)]


def binary(
    f: Any, a: Any = real, b: Any = real, analytic: bool = False, dtype: Any = np.float32, **kw: Any
) -> list[Case]:
    """Every way to broadcast, and constant operands: of float32, which cost no precision."""
    pairs = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3, 4)), ((2,), ())]
    cases = [Case(f, a(*s), b(*t), analytic=analytic, **kw) for s, t in pairs]
    fixed_a = a(3, 4)(np.random.default_rng(5)).astype(dtype)
    fixed_b = b(3, 4)(np.random.default_rng(6)).astype(dtype)
    fixed = {"single": dtype == np.float32, **kw}
    return [
        *cases,
        Case(lambda x: f(x, fixed_b), a(3, 4), analytic=analytic, **fixed),
        Case(lambda x: f(fixed_a, x), b(3, 4), analytic=analytic, **fixed),
    ]


AXES = [None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2)]


def along(f: Any, draw: Any = real, analytic: bool = True, **kw: Any) -> list[Case]:
    """A reduction over every kind of axis."""
    return [
        Case(
            lambda x, axis=axis, keep=keep: f(x, axis=axis, keepdims=keep, **kw),
            draw(2, 3, 4),
            analytic=analytic,
        )
        for axis in AXES
        for keep in (False, True)
    ] + [Case(lambda x: f(x, **kw), draw(5), analytic=analytic)]


I = np.array([0, 2, 2, 1])  # noqa: E741  indices, one twice
# How windows slide: kernel, stride, padding, dilation, and the length of x they fit.
SLIDES: list[Any] = [((2,), (1,), ((0, 0),), (1,)), ((3,), (2,), ((1, 1),), (1,)),
          ((2,), (3,), ((0, 2),), (2,)), ((1,), (2,), ((1, -1),), (1,)),
          ((2,), (1,), ((-1, -1),), (1,))]  # fmt: skip
PLANE: Any = ((2, 3), (2, 1), ((1, 0), (1, 1)), (1, 2))
# float32, which costs no precision.
EYE = 3 * np.eye(3, dtype=np.float32)
FOUR = np.eye(4, dtype=np.float32)
APART = np.diag(np.array([-3, 1, 5], np.float32))  # far from equal eigenvalues
TURNING = np.array([[0, -4, 0], [4, 0, 0], [0, 0, 5]], np.float32)  # a complex pair of them
SINGULAR = np.array([np.diag([1, 2, 0]), np.diag([0, 3, 0]), np.zeros((3, 3))], np.float32)
MASK = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]], bool)


def writing(f: Any) -> list[Case]:
    """Values put or added at every kind of index, broadcast in every way."""
    return [
        holo(lambda x, v, i=i: f(x, i, v), real(3, 4), real(*s))
        for i, s in (
            (1, ()), (1, (4,)), (-1, (1, 4)), ((1, 2), ()), (slice(None, None, 2), (2, 1)),
            ((slice(None), 1), (3,)), (MASK, ()), (MASK, (6,)), ([2, 0], (2, 4)), ([2, 0], (4,)),
            (([0, 1], [3, 3]), (2,)), (..., (3, 4)), ((..., None), (4, 1)), ([], (0, 4)), ([], ()),
        )
    ]  # fmt: skip


HOLES = np.array([[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], bool)
KNOTS = np.array([-1.5, -0.5, 0.25, 1.0, 2.5])
METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip
QUANTILES = [(np.quantile, 1), (np.percentile, 100), (np.nanquantile, 1), (np.nanpercentile, 100)]
CUMULATIVE = [getattr(np, f) for f in ("cumulative_sum", "cumulative_prod") if hasattr(np, f)]


def holed(f: Any, **kw: Any) -> list[Case]:
    """A reduction of data with nans among them, over every axis of a matrix."""
    return [
        Case(lambda x, axis=axis: f(np.where(HOLES, np.nan, x), axis=axis, **kw), apart(3, 4))
        for axis in (None, 0, -1)
    ]


def masked(f: Any, **kw: Any) -> list[Case]:
    """A reduction that leaves entries out, over every axis of a matrix."""
    return [
        Case(lambda x, axis=axis, m=m: f(x, axis=axis, where=m, **kw), apart(3, 4))
        for axis in (None, 0, -1)
        for m in (MASK, MASK[:1] | [False, True, False, False])
    ]


# Where the ufuncs of two operands are smooth, for their .outer.
SMOOTH_FOR: dict[Any, tuple[Draw, Draw]] = {
    **{f: (positive(), positive())
       for f in (np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power,
                 np.logaddexp, np.logaddexp2, np.arctan2, np.hypot)},
    **{f: (between(2.3, 2.7)(), between(0.95, 1.05)()) for f in (np.remainder, np.fmod)},
    **{f: (apart(), apart_too()) for f in (np.maximum, np.fmax, np.minimum, np.fmin)},
}  # fmt: skip
FFT: list[Any] = [
    (None, -1, None),
    (3, 1, "ortho"),
    (6, 0, "forward"),
    (1, -1, "backward"),
    (2, 0, "forward"),
    (7, 1, None),
]
FFTN: list[Any] = [
    (None, None, None),
    (None, (0, 1), "ortho"),
    ((3, 5), (-1, 0), "forward"),
    ((2, -1), (1, 0), None),
    ((4, 1), (0, 0), "backward"),
]

# fmt: off
EXAMPLES: dict[Any, list[Case]] = {
    # arithmetic
    np.add: binary(np.add, analytic=True),
    np.subtract: binary(np.subtract, analytic=True),
    np.multiply: binary(np.multiply, analytic=True),
    np.divide: binary(np.divide, real, positive, analytic=True),
    np.power: [*binary(np.power, positive, real, analytic=True),
               holo(lambda x: x**3, real(3, 4)), holo(lambda x: x**-2, positive(3, 4)),
               holo(lambda x: x**2.5, positive(4)), holo(lambda x: 2.0**x, real(3)),
               holo(lambda x: np.power(x, np.arange(4, dtype=np.float32)), positive(3, 4))],
    np.float_power: binary(np.float_power, positive, real, analytic=True, single=False),
    np.remainder: [*binary(np.remainder, between(2.3, 2.7), between(0.95, 1.05)),
                   *binary(np.remainder, between(-2.7, -2.3), between(0.95, 1.05))],
    np.fmod: [*binary(np.fmod, between(2.3, 2.7), between(0.95, 1.05)),
              *binary(np.fmod, between(-2.7, -2.3), between(0.95, 1.05))],
    np.negative: unary(np.negative),
    np.positive: unary(np.positive),
    np.reciprocal: unary(np.reciprocal, positive),
    np.square: unary(np.square),
    np.sqrt: unary(np.sqrt, positive),
    np.cbrt: unary(np.cbrt, positive, False),
    np.absolute: unary(np.absolute, apart, False),
    np.fabs: unary(np.fabs, apart, False),
    np.copysign: [Case(lambda x: np.copysign(x, np.array([1, -1, -0.0, 2], np.float32)),
                       apart(3, 4)),
                  Case(np.copysign, apart(3, 4), apart_too(3, 4)),
                  Case(lambda b: np.copysign(np.float32(2), b), apart(4))],
    np.conjugate: unary(np.conjugate, real, False),
    np.real: unary(np.real, real, False),
    np.imag: [Case(lambda x: np.imag(x * 2j), real(3, 4), single=False),
              Case(lambda x: np.imag((1 + 2j) * x * x), real(), single=False)],
    np.angle: [Case(lambda x: np.angle(x + 1j), real(3, 4), single=False),
               Case(lambda x: np.angle(1 + x * 1j, deg=True), real(3), single=False)],
    np.sign: [Case(lambda x: np.real(np.sign(x + 2j)), real(3, 4), single=False),
              Case(lambda x: x * np.sign(x), apart(3, 4))],
    np.deg2rad: unary(np.deg2rad, real, False),
    np.radians: unary(np.radians, real, False),
    np.rad2deg: unary(np.rad2deg, real, False),
    np.degrees: unary(np.degrees, real, False),
    np.exp: unary(np.exp),
    np.exp2: unary(np.exp2),
    np.expm1: unary(np.expm1),
    np.log: unary(np.log, positive),
    np.log2: unary(np.log2, positive),
    np.log10: unary(np.log10, positive),
    np.log1p: unary(np.log1p, positive),
    np.logaddexp: binary(np.logaddexp),
    np.logaddexp2: binary(np.logaddexp2),
    np.sin: unary(np.sin),
    np.cos: unary(np.cos),
    np.tan: unary(np.tan, unit),
    np.arcsin: unary(np.arcsin, unit),
    np.arccos: unary(np.arccos, unit),
    np.arctan: unary(np.arctan),
    np.arctan2: [*binary(np.arctan2, real, positive), *binary(np.arctan2, positive, real)],
    np.hypot: binary(np.hypot, positive, positive),
    np.sinh: unary(np.sinh),
    np.cosh: unary(np.cosh),
    np.tanh: unary(np.tanh),
    np.arcsinh: unary(np.arcsinh),
    np.arccosh: unary(np.arccosh, above),
    np.arctanh: unary(np.arctanh, unit),
    # choices
    np.maximum: binary(np.maximum, apart, apart_too),
    np.fmax: binary(np.fmax, apart, apart_too),
    np.minimum: binary(np.minimum, apart, apart_too),
    np.fmin: binary(np.fmin, apart, apart_too),
    np.divmod: binary(lambda a, b: np.divmod(a, b)[1], between(2.3, 2.7), between(0.95, 1.05)),
    np.clip: [Case(lambda x: np.clip(x, -0.9, 0.9), apart(3, 4)),
              Case(lambda x: np.clip(x, None, 0.9), apart(3, 4)),
              Case(lambda x: np.clip(x, -0.9, None), apart(4)),
              Case(lambda x, low, high: np.clip(x, low, high), apart(3, 4),
                   between(-1.1, -1.0)(4), between(1.0, 1.1)(3, 1))],
    np.where: [holo(lambda a, b: np.where(MASK, a, b), real(3, 4), real(3, 4)),
               holo(lambda a, b: np.where(MASK, a, b), real(3, 1), real(4)),
               holo(lambda a, b: np.where(True, a, b), real(), real()),
               holo(lambda a: np.where(MASK, a, 2.0), real(3, 4)),
               holo(lambda b: np.where(MASK, 2.0, b), real(4))],
    # special
    special.sigmoid: unary(special.sigmoid, real, False),
    special.softplus: unary(special.softplus, real, False),
    special.log_sigmoid: unary(special.log_sigmoid, real, False),
    special.xlogy: binary(special.xlogy, positive, positive, analytic=True),
    special.xlog1py: binary(special.xlog1py, positive, positive, analytic=True),
    special.entr: unary(special.entr, positive, False),
    special.logit: unary(special.logit, inside, False),
    special.binary_log_loss: binary(special.binary_log_loss, inside, inside, analytic=True),
    special.sigmoid_log_loss: binary(special.sigmoid_log_loss, apart, inside),
    erf.erf: [*unary(erf.erf, unit, False), *unary(erf.erf, real, False)],
    erf.erfc: [*unary(erf.erfc, unit, False), *unary(erf.erfc, real, False),
                   Case(erf.erfc, between(4.1, 6.0)(5))],
    erf.erfinv: unary(erf.erfinv, unit, False),
    # the gamma function
    gamma.lgamma: [*unary(gamma.lgamma, positive, False),
                   Case(gamma.lgamma, between(-0.7, -0.3)(3)),
                   Case(gamma.lgamma, between(8, 12)(5))],
    gamma.digamma: [*unary(gamma.digamma, positive, False),
                    Case(gamma.digamma, between(-2.7, -2.3)(3)),
                    Case(gamma.digamma, between(8, 12)(5))],
    gamma.polygamma: [*unary(lambda x: gamma.polygamma(1, x), positive, False),
                      Case(lambda x: gamma.polygamma(3, x), between(1, 12)(5)),
                      Case(lambda x: gamma.polygamma(2, x), between(-2.6, -2.4)(3))],
    # support
    support.spread: [holo(lambda x, k=k, d=d: support.spread(np.sum(x, axis=k, keepdims=d),
                                                              (2, 3, 4), k, d), real(2, 3, 4))
                     for k in AXES for d in (False, True)],
    support.output: [Case(lambda x: support.output(np.divmod(x, np.float32(9)), 1),
                          between(1, 2)(3, 4))],
    support.sum_to: [holo(lambda x, s=s: support.sum_to(x, s), real(2, 3, 4))
                     for s in [(2, 3, 4), (3, 4), (4,), (1, 3, 1), (3, 1), (1,), ()]]
                    + [holo(lambda x: support.sum_to(x, (4,)), real(3, 4))],
    support.astype: [Case(lambda x: support.astype(x, np.float64), real(3, 4), single=False),
                     Case(lambda x: support.astype(x, float), real(), single=False)],
    support.ratio: binary(support.ratio, positive, positive, analytic=True),
    support.weigh: binary(support.weigh, positive, real, analytic=True),
    # representation
    np.ldexp: [Case(lambda x: np.ldexp(x, 3), real(3, 4)),
               Case(lambda x: np.ldexp(x, np.arange(-2, 2)), real(3, 4)),
               Case(lambda x: np.ldexp(x, np.arange(3)[:, None]), real(4))],
    np.frexp: [Case(lambda x: np.frexp(x)[0], between(1.1, 1.9)(3, 4)),
               Case(lambda x: np.frexp(x)[0] * np.frexp(x)[1], between(-0.24, -0.13)(4),
                    single=False),
               Case(lambda x: np.frexp(x)[0], between(4.5, 7)())],
    np.modf: [Case(lambda x: np.modf(x)[0], between(1.1, 1.9)(3, 4)),
              Case(lambda x: np.modf(x)[0] * np.modf(x)[1], between(-2.9, -2.1)(4)),
              Case(lambda x: np.modf(x)[0], inside())],
    np.nextafter: [Case(lambda x: np.nextafter(x, np.float32(9)), real(3, 4)),
                   Case(lambda x: np.nextafter(x, np.ones((2, 1), np.float32)), real(4))],
    # making
    np.linspace: [
        *binary(np.linspace, analytic=True),
        *binary(lambda a, b: np.linspace(a, b, 5, endpoint=False, axis=-1), analytic=True),
        holo(lambda a, b: np.linspace(a, b, 1), real(3), real()),
        holo(lambda a, b: np.linspace(a, b, 5, True, True)[1], real(3), real())],
    np.logspace: [
        *binary(lambda a, b: np.logspace(a, b, 4, base=2.0), unit, unit, analytic=True),
        holo(lambda a, b: np.logspace(a, b, 4, False, axis=-1), unit(3), unit()),
        holo(lambda a, b, c: np.logspace(a, b, 4, base=c, axis=1), unit(3), unit(), positive(2, 1)),
        holo(lambda a, b, c: np.logspace(a, b, 4, base=c), unit(3), unit(), positive())],
    np.geomspace: [
        *binary(np.geomspace, positive, above, analytic=True, single=False),
        Case(lambda a, b: np.geomspace(-a, -b, 5, False, axis=-1), positive(3), above(),
             analytic=True, single=False)],
    np.astype: [Case(lambda x: np.astype(x, np.float64), real(3, 4), single=False)],
    # polynomials
    np.polyadd: [holo(np.polyadd, real(3), real(5)), holo(np.polyadd, real(4), real(4)),
                 holo(lambda x: np.polyadd(x, np.ones(2, np.float32)), real(1))],
    np.polysub: [holo(np.polysub, real(3), real(5)), holo(np.polysub, real(4), real()),
                 holo(lambda x: np.polysub(np.ones(3, np.float32), x), real(1))],
    np.polymul: [holo(np.polymul, real(3), real(5)), holo(np.polymul, real(4), real()),
                 holo(lambda x: np.polymul(np.array([0, 0, 1, 0, 2], np.float32), x), real(3)),
                 holo(lambda x: np.polymul(x, np.zeros(2, np.float32)), real(3))],
    np.polyder: [Case(lambda x, m=m: np.polyder(x, m), real(5), analytic=True, single=False)
                 for m in (1, 2, 4)],
    np.polyint: [
        Case(np.polyint, real(4), analytic=True, single=False),
        Case(lambda x, k: np.polyint(x, 2, k), real(3), real(2), analytic=True, single=False),
        Case(lambda x, k: np.polyint(x, 2, k), real(3), real(), analytic=True, single=False)],
    # reductions
    np.sum: [*along(np.sum), *masked(np.sum, initial=np.float32(2)), *masked(np.sum)[:2],
             Case(lambda x: np.sum(x, dtype=np.float64), real(3, 4), single=False)],
    np.mean: [*along(np.mean), *masked(np.mean),
              Case(lambda x: np.mean(x, dtype=np.float64), real(3, 4), single=False)],
    np.prod: [*along(np.prod), *masked(np.prod, initial=np.float32(2)), *masked(np.prod),
              Case(lambda x: np.prod(x, 0, np.float64), real(3, 4), single=False),
              holo(lambda x: np.prod(x, where=np.array([1, 0, 1, 0], bool), initial=3),
                   real(4)),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 0], np.float32)), real(4)),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 3], np.float32), -1), real(3, 4))],
    **{f: [*along(f, apart, False), *along(f, apart, False, ddof=1)[::3],
           *along(f, apart, False, correction=1)[::5], *masked(f), *masked(f, ddof=1)[:2],
           *along(f, apart, False, mean=np.float32(0.3))[::5],
           *masked(f, mean=np.float32(0.3), correction=0.5),
           Case(lambda x, f=f: f(x, 0, np.float64), apart(3, 4), single=False)]
       for f in (np.var, np.std)},
    **{f: [*along(f, apart, False), *masked(f, initial=-0.5)] for f in (np.max, np.amax)},
    **{f: [*along(f, apart, False), *masked(f, initial=0.5)] for f in (np.min, np.amin)},
    np.cumsum: [holo(lambda x, k=k: np.cumsum(x, axis=k), real(2, 3, 4))
                for k in (None, 0, 1, -1, -2)]
               + [Case(lambda x: np.cumsum(x, 0, np.float64), real(3, 4), single=False)],
    np.cumprod: [holo(lambda x, k=k: np.cumprod(x, axis=k), real(2, 3, 4))
                 for k in (None, 0, 1, -1, -2)]
                + [holo(lambda x: np.cumprod(x * np.array([1, 0, 2, 0, 3], np.float32)), real(5)),
                   holo(np.cumprod, real(1)),
                   Case(lambda x: np.cumprod(x, dtype=np.float64), real(3, 4), single=False)],
    # indexing
    operator.getitem: [holo(lambda x, k=k: x[k], real(3, 4)) for k in (
        1, -1, (1, 2), slice(1, None), (slice(None, None, -2), 1), I, I - 1, (I, I),
        (slice(None), I), ..., (..., None), MASK, ([0, 0, 1],), [2, 2], (I, slice(1, 3)),
        (np.array([[0], [0]]), I), np.array([], int), (I, 1), (1, I), np.array(1), [],
        ((0, 0),), (slice(None), (1, 1, 3)), (range(2), (0, 0)))]
        + [holo(lambda x: x[()], real()), holo(lambda x: x[[0, 0], :, [1, 1]], real(2, 3, 4))],
    scatter: [holo(lambda x: scatter(x, I, (3,)), real(4)),
              holo(lambda x: scatter(x, I, (3, 2)), real(4, 2)),
              holo(lambda x: scatter(x, (slice(None), I), (2, 3)), real(2, 4)),
              holo(lambda x: scatter(x, slice(1, 3), (5,)), real(2)),
              holo(lambda x: scatter(x, 1, (3,)), real()),
              *writing(tg.add_at), holo(lambda x, v: tg.add_at(x, [2, 2, 0], v), real(3), real(3)),
              holo(lambda x, v: tg.add_at(x, ((0, 0), slice(1, 3)), v), real(2, 4), real(2))],
    np.concatenate: [holo(lambda a, b, k=k: np.concatenate([a, b, a], axis=k),
                          real(2, 3), real(2, 3)) for k in (0, 1, -1, None)]
                    + [holo(lambda a, b: np.concatenate((a, b)), real(2), real(3)),
                       Case(lambda a, b: np.concatenate((a, b), dtype=np.float64),
                            real(2), real(3), single=False)],
    np.sort: [holo(lambda x, k=k: np.sort(x, axis=k), apart(3, 4)) for k in (0, 1, -1, None)]
             + [holo(lambda x: np.sort(x, kind="heapsort"), apart(4)),
                holo(lambda x: np.sort(x, stable=True), apart(4))],
    np.take: [holo(lambda x, k=k: np.take(x, I, axis=k), real(3, 3)) for k in (None, 0, 1, -1)]
             + [holo(lambda x, m=m, k=k: np.take(x, [5, -7, -1, 2, 12], axis=k, mode=m), real(3, 3))
                for m in ("wrap", "clip") for k in (None, 0, -1)]
             + [holo(lambda x: np.take(x, [True, False, True], axis=0), real(3, 3)),
                holo(lambda x: np.take(x, indices=1, axis=1), real(3, 3))],
    np.take_along_axis: [
        holo(lambda x: np.take_along_axis(x, np.array([[0, 0, 1, 2]]), 0), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3], [1], [1]]), 1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3, 3], [1, 0], [1, 2]]), -1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, I, None), real(3, 4))],
    np.trace: [holo(lambda x, k=k: np.trace(x, offset=k), real(3, 4)) for k in (0, 1, -1, 3, -2)]
              + [holo(lambda x: np.trace(x, axis1=-1, axis2=0), real(2, 3, 4)),
                 Case(lambda x: np.trace(x, dtype=np.float64), real(3, 4), single=False)],
    np.linalg.trace: [holo(lambda x, k=k: np.linalg.trace(x, offset=k), real(2, 3, 4))
                      for k in (0, 1, -1)],
    np.linalg.diagonal: [holo(lambda x, k=k: np.linalg.diagonal(x, offset=k), real(2, 3, 4))
                         for k in (0, 1, -1)],
    np.diagonal: [holo(lambda x, k=k: np.diagonal(x, k), real(3, 4)) for k in (0, 1, -1, 3)]
                 + [holo(lambda x: np.diagonal(x, 0, 2, 0), real(2, 3, 4))],
    np.diff: [holo(np.diff, real(3, 4)), holo(lambda x: np.diff(x, 2, 0), real(3, 4)),
              holo(lambda x: np.diff(x, 0), real(4)),
              holo(lambda x: np.diff(x, prepend=np.float32(1), append=np.float32(2)), real(4)),
              holo(lambda x, e: np.diff(x, axis=-1, append=e), real(3, 4), real(3, 2))],
    # shaping
    np.reshape: [holo(lambda x: np.reshape(x, (4, 3)), real(3, 4)),
                 holo(lambda x: np.reshape(x, -1), real(3, 4)),
                 holo(lambda x: np.reshape(x, (2, -1), order="F"), real(3, 4)),
                 holo(lambda x: np.reshape(x, (1, 1)), real()),
                 *(holo(lambda x, k=k: np.reshape(np.copy(x, order=k), (2, 6), order="A"),
                        real(3, 4)) for k in "CF")],
    np.ravel: [holo(np.ravel, real(3, 4)), holo(lambda x: np.ravel(x, order="F"), real(3, 4)),
               *(holo(lambda x, k=k: np.ravel(np.copy(x.T, order=k[0]), order=k[1]), real(3, 4))
                 for k in ("CK", "FK", "CA", "FA"))],
    np.transpose: [holo(np.transpose, real(2, 3, 4)),
                   holo(lambda x: np.transpose(x, (1, 2, 0)), real(2, 3, 4)),
                   holo(lambda x: np.transpose(x, (-1, 0, 1)), real(2, 3, 4))],
    np.swapaxes: [holo(lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4))],
    np.moveaxis: [holo(lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4)),
                  holo(lambda x: np.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4))],
    np.squeeze: [holo(np.squeeze, real(1, 3, 1)), holo(lambda x: np.squeeze(x, 0), real(1, 3, 1)),
                 holo(lambda x: np.squeeze(x, axis=(0, -1)), real(1, 3, 1))],
    np.expand_dims: [holo(lambda x, k=k: np.expand_dims(x, k), real(3, 4))
                     for k in (0, -1, (0, 2))],
    np.broadcast_to: [holo(lambda x: np.broadcast_to(x, (2, 3, 4)), real(3, 1)),
                      holo(lambda x: np.broadcast_to(x, (3,)), real())],
    np.flip: [holo(lambda x, k=k: np.flip(x, k), real(3, 4)) for k in (None, 0, -1, (0, 1))],
    np.roll: [holo(lambda x: np.roll(x, 2), real(3, 4)),
              holo(lambda x: np.roll(x, -1, axis=1), real(3, 4)),
              holo(lambda x: np.roll(x, (1, 2), axis=(0, -1)), real(3, 4))],
    np.repeat: [holo(lambda x: np.repeat(x, 2), real(3, 4)),
                holo(lambda x: np.repeat(x, 3, axis=0), real(3, 4)),
                holo(lambda x: np.repeat(x, [1, 0, 2], axis=0), real(3, 4)),
                holo(lambda x: np.repeat(x, 2, axis=-1), real(3, 4))],
    np.tile: [holo(lambda x, r=r: np.tile(x, r), real(3, 4)) for r in (2, (2, 1), (2, 1, 3))],
    np.pad: [holo(lambda x, m=m: np.pad(x, ((1, 2), (0, 1)), m), real(3, 4))
             for m in ("constant", "edge", "reflect", "symmetric", "wrap")]
            + [holo(lambda x: np.pad(x, 1, constant_values=2.0), real(3, 4)),
               holo(lambda x, c: np.pad(x, 1, constant_values=c), real(2, 3), real(2, 2)),
               holo(lambda x, c: np.pad(x, (1, 2), constant_values=c), real(2, 3), real()),
               holo(lambda x: np.pad(x, 2, constant_values=((1, 2), (3, 4))), real(2, 3)),
               holo(lambda x: np.pad(x, 5, "reflect"), real(3)),
               holo(lambda x: np.pad(x, ((1, 3), (2, 0)), "linear_ramp", end_values=(1, 2)),
                    real(3, 4)),
               holo(lambda x, c: np.pad(x, 3, "linear_ramp", end_values=c), real(3), real(2)),
               holo(lambda x: np.pad(x, ((1, 2), (0, 1)), "mean"), real(3, 4)),
               holo(lambda x: np.pad(x, (1, 2), "mean", stat_length=(2, 1)), real(3, 4)),
               *(Case(lambda x, m=m, n=n: np.pad(x, ((1, 2), (0, 1)), m, stat_length=n),
                      apart(3, 4)) for m in ("maximum", "minimum", "median") for n in (None, 2))],
    np.copy: [holo(np.copy, real(3, 4)), holo(np.copy, real()),
              holo(lambda x: np.copy(x.T, order="C"), real(3, 4))],
    np.fliplr: [holo(np.fliplr, real(3, 4))],
    np.flipud: [holo(np.flipud, real(3, 4)), holo(np.flipud, real(3))],
    np.rot90: [holo(lambda x, k=k, a=a: np.rot90(x, k, a), real(2, 3, 4))
               for k in (0, 1, 2, 3, -1, 6) for a in ((0, 1), (1, 0), (2, 0), (-1, -3))],
    np.rollaxis: [holo(lambda x, k=k, n=n: np.rollaxis(x, k, n), real(2, 3, 4))
                  for k in (0, 2, -1, 1) for n in (0, 1, 2, 3, -1)],
    np.matrix_transpose: [holo(np.matrix_transpose, real(2, 3, 4))],
    np.linalg.matrix_transpose: [holo(np.linalg.matrix_transpose, real(3, 4))],
    np.stack: [holo(lambda a, b, k=k: np.stack([a, b, a], axis=k), real(2, 3), real(2, 3))
               for k in (0, 1, -1)]
              + [Case(lambda a, b: np.stack((a, b), dtype=np.float64), real(2), real(2),
                      single=False)],
    np.split: [holo(lambda x: np.split(x, 2)[1], real(4, 3)),
               holo(lambda x: np.stack(np.split(x, 3, axis=-1)), real(4, 3)),
               holo(lambda x: np.concatenate(np.split(x, [1, 2])[::-1]), real(4, 3)),
               *(holo(lambda x, k=k: np.concatenate(np.split(x, k)), real(4, 3))
                 for k in ([-1], [3, 1], [2, 9], []))],
    # products
    np.matmul: [holo(np.matmul, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)))],
    np.dot: [holo(np.dot, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((), (3,)), ((2, 3), ()), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)))],
    np.inner: [holo(np.inner, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((), (3,)), ((2, 2, 3), (4, 3)))],
    np.outer: [holo(np.outer, real(3), real(4)), holo(np.outer, real(2, 2), real())],
    np.tensordot: [holo(lambda a, b, k=k: np.tensordot(a, b, k), real(*s), real(*t))
                   for s, t, k in (((2, 3), (3, 4), 1), ((2, 3), (4,), 0), ((5, 2, 3), (2, 3), 2),
                                   ((2, 3), (4, 3), (-1, -1)),
                                   ((2, 3, 4), (4, 2), ((0, 2), (1, 0))))],
    np.einsum: [holo(lambda *a, s=s: np.einsum(s, *a), *(real(*n) for n in shapes))
                for s, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij->ji", (2, 3)),
        ("ji", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)),
        ("...ij,...jk->...ik", (5, 2, 3), (3, 4)), ("...i,i", (2, 3), (3,)),
        ("...,...->...", (2, 3), (3,)), ("i,j->ij", (2,), (3,)), ("i,i", (3,), (3,)),
        ("iij,j->i", (3, 3, 2), (2,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)),
        ("ij,k->k", (2, 3), (4,)), ("ij,ij->ij", (1, 3), (2, 3)), (",i->i", (), (3,)),
        ("i...->...", (2, 3, 4)), ("bii->b", (2, 3, 3)))]
        + [holo(lambda a: np.einsum("i,i->i", a, a), real(3)),
           holo(lambda a, b: np.einsum("ij,jk->ik", a, b, optimize=True), real(2, 3), real(3, 4))],
    # softmax
    softmax: [holo(lambda x, k=k: softmax(x, k), real(3, 4)) for k in (-1, 0, 1)],
    log_softmax: [holo(lambda x, k=k: log_softmax(x, k), real(3, 4)) for k in (-1, 0, 1)],
    logsumexp: along(logsumexp, analytic=False),
    xlog_softmax: [holo(lambda t, z, k=k: xlog_softmax(t, z, k), positive(3, 4), real(3, 4))
                   for k in (-1, 0)],
    # joining and splitting
    np.atleast_1d: [holo(np.atleast_1d, real()), holo(np.atleast_1d, real(2, 3)),
                    holo(lambda a, b: np.add(*np.atleast_1d(a, b)), real(), real(3))],
    np.atleast_2d: [holo(np.atleast_2d, real(*s)) for s in ((), (3,), (2, 3), (2, 3, 2))],
    np.atleast_3d: [holo(np.atleast_3d, real(*s)) for s in ((), (3,), (2, 3), (2, 3, 2))]
                   + [holo(lambda a, b: np.add(*np.atleast_3d(a, b)), real(3), real(2, 3))],
    np.hstack: [holo(lambda a, b: np.hstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((2,), (3,)), ((), (3,)), ((2, 3), (2, 1)), ((2, 3, 1), (2, 1, 1)))]
               + [Case(lambda a: np.hstack((a, [1, 2])), real(3), single=False),
                  holo(np.hstack, real(2, 3)),
                  Case(lambda a: np.hstack([a, a], dtype=np.float64), real(3), single=False)],
    np.vstack: [holo(lambda a, b: np.vstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((3,), (3,)), ((3,), (2, 3)), ((2, 3, 1), (1, 3, 1)))]
               + [holo(np.vstack, real(2, 3))],
    np.dstack: [holo(lambda a, b: np.dstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3, 1), (2, 3, 2)))],
    np.column_stack: [holo(lambda a, b: np.column_stack([a, b, a]), real(*s), real(*t))
                      for s, t in (((), ()), ((3,), (3,)), ((3,), (3, 2)), ((3, 1), (3, 2)))],
    np.block: [holo(lambda a, b: np.block([a, b]), real(3), real(2)),
               holo(lambda a: np.block(a), real(3)),
               holo(lambda a, b: np.block([[a, np.ones((2, 1), np.float32)], [b]]),
                    real(2, 3), real(1, 4)),
               holo(lambda a, b: np.block([[[a], [b]]]), real(2, 3), real(1, 3)),
               holo(lambda a, b: np.block([[a, b], [b, a]]), real(), real())],
    np.append: [holo(np.append, real(3), real(2)), holo(np.append, real(2, 3), real()),
                holo(lambda a, b: np.append(a, b, axis=-1), real(2, 3), real(2, 1)),
                holo(lambda b: np.append(np.ones((1, 2), np.float32), values=b, axis=0),
                     real(2, 2))],
    np.insert: [holo(lambda a, v, i=i: np.insert(a, i, v), real(3), real()) for i in (
                    0, -1, 3, [1, 1], [2, 0], slice(0, 2), np.array([True, False, True]))]
               + [holo(lambda a, v: np.insert(a, 1, v), real(2, 3), real(2)),
                  holo(lambda a, v: np.insert(a, [2, 0], v), real(3), real(2)),
                  holo(lambda a, v: np.insert(a, 1, v, axis=1), real(2, 3), real(2)),
                  holo(lambda a, v: np.insert(a, [1], v, axis=1), real(2, 3), real(2, 1)),
                  holo(lambda a, v: np.insert(a, [0, 2], v, axis=-1), real(2, 3), real(2, 2)),
                  Case(lambda v: np.insert(np.ones(3), 1, v), real(), single=False),
                  holo(lambda a: np.insert(a, 1, 7), real(3)),
                  holo(lambda a: np.insert(a, [], 7), real(3))],
    cut: [holo(lambda x: cut(x, (0, 1, 4), 0)[1], real(4, 2)),
          holo(lambda x: np.add(*cut(x, (0, 2, 4), -1)), real(3, 4)),
          holo(lambda x: np.multiply(*cut(x, (0, 2, 2, 4), 0)[::2]), real(4))],
    np.array_split: [holo(lambda x: np.concatenate(np.array_split(x, 80)[::-1]), real(75)),
                     holo(lambda x: np.concatenate(np.array_split(x, 3)[::-1]), real(4, 3)),
                     holo(lambda x: np.array_split(x, 5, axis=1)[1], real(4, 3)),
                     holo(lambda x: np.array_split(x, [1, -1], axis=-1)[1], real(4, 3))],
    np.hsplit: [holo(lambda x: np.hsplit(x, 2)[1], real(4)),
                holo(lambda x: np.hsplit(x, [1, 2])[1], real(2, 4))],
    np.vsplit: [holo(lambda x: np.vsplit(x, 2)[1], real(4, 3)),
                holo(lambda x: np.vsplit(x, [3])[0], real(4, 3, 2))],
    np.dsplit: [holo(lambda x: np.dsplit(x, 2)[1], real(2, 3, 4))],
    np.broadcast_arrays: [
        holo(lambda a, b: np.multiply(*np.broadcast_arrays(a, b)), real(3, 1), real(4)),
        holo(lambda a: np.broadcast_arrays(a, np.ones((2, 3), np.float32))[0], real())],
    np.meshgrid: [
        *(holo(lambda a, b, k=k, d=d: np.multiply(*np.meshgrid(a, b, indexing=k, sparse=d)),
               real(3), real(4)) for k in ("xy", "ij") for d in (False, True)),
        holo(lambda a: np.stack(np.meshgrid(a, [1, 2], [3.0, 4, 5])[:1], axis=1), real(3)),
        holo(lambda a: np.meshgrid(a)[0], real(2, 2)),
        holo(lambda a, b: np.meshgrid(a, b, indexing="ij")[1], real(), real(2))],
    np.ix_: [holo(lambda a, b: np.multiply(*np.ix_(a, b)), real(3), real(4)),
             Case(lambda a: np.multiply(*np.ix_(a, [True, False, True])), real(3), single=False)],
    # selecting
    assign: [*writing(tg.set_at), Case(lambda v: tg.set_at(np.ones(3), 1, v), real(), single=False),
             holo(lambda x, v: tg.set_at(x, [2, 2, 0], v), real(3), real(3)),
             holo(lambda x, v: tg.set_at(x, (I, [1, 0, 0, 1]), v), real(3, 2), real(4)),
             holo(lambda x, v: tg.set_at(x.T, (np.zeros((2, 3), int).T, 0), v.T),
                  real(2, 2), real(2, 3)),
             holo(lambda x: tg.set_at(x, x < 0, 0), apart(3, 4))],
    np.select: [holo(lambda a, b: np.select([MASK, ~MASK], [a, b]), real(3, 4), real(4)),
                holo(lambda a, b: np.select([MASK, MASK[:, ::-1]], [a, 2.0], b),
                     real(3, 4), real()),
                holo(lambda a: np.select([MASK, MASK], [a, 3 * a], default=1), real(3, 1)),
                Case(lambda a: np.select([a < 0, a > 1], [-a, a * a], a), apart(3, 4))],
    np.choose: [holo(lambda a, b: np.choose(I, [a, b, 1.0]), real(4), real()),
                holo(lambda a, b: np.choose(I - 1, (a, b), mode="wrap"), real(4), real(4)),
                holo(lambda a: np.choose([[5, -1], [1, 0]], a, mode="clip"), real(3, 1, 2))],
    np.piecewise: [
        Case(lambda x: np.piecewise(x, [x < -1, x > 1], [lambda v: v * v, 3, np.exp]), apart(3, 4)),
        Case(lambda x: np.piecewise(x, x < 0, [lambda v, c: c * v, lambda v, c: v**3], 2.0),
             apart(4)),
        Case(lambda x: np.piecewise(x, [x > -1, x > 0], [np.sin, np.square]), apart(4)),
        Case(lambda x, c: np.piecewise(x, [x > 0], [c, np.negative]), apart(4), real()),
        Case(lambda x: np.piecewise(x, [x > 0, x <= 0], [np.square, np.negative]), apart())],
    np.compress: [holo(lambda x: np.compress([0, 1, 1], x, axis=0), real(3, 4)),
                  holo(lambda x: np.compress([True, False, True], x, axis=-1), real(3, 4)),
                  holo(lambda x: np.compress(MASK.ravel(), x), real(3, 4))],
    np.extract: [holo(lambda x: np.extract(MASK, x), real(3, 4)),
                 Case(lambda x: np.extract(x > 0, x), apart(3, 4))],
    np.delete: [holo(lambda x, i=i, k=k: np.delete(x, i, axis=k), real(3, 4)) for i, k in (
        (1, 0), (-1, 1), ([0, 0, 2], 0), (slice(None, None, 2), -1), ([5, 7], None),
        (np.array([True, False, True]), 0), ([], 0))],
    np.resize: [holo(lambda x, s=s: np.resize(x, s), real(2, 3)) for s in (4, (3, 3), (2, 7))],
    np.trim_zeros: [
        holo(lambda x, t=t: np.trim_zeros(np.pad(x, 2), t), above(4)) for t in ("fb", "f", "B")]
        + [holo(lambda x: np.trim_zeros(x * np.array([0, 1, 0, 2, 0], np.float32)), above(5)),
           *(holo(lambda x, k=k: np.trim_zeros(np.pad(x, 1), axis=k), above(2, 3))
             for k in (None, 0, (0, 1), -1))],
    np.partition: [Case(lambda x, n=n, k=k: np.partition(x, n, axis=k), apart(3, 4))
                   for n, k in ((1, -1), (2, 0), ([0, 2], 1), (5, None))],
    np.unique: [holo(np.unique, apart(3, 4)),
                holo(lambda x: np.unique(np.concatenate([x, x])), apart(3)),
                holo(lambda x: np.unique(x[[1, 0, 1]], axis=0), apart(2, 3)),
                holo(lambda x: np.unique(x, return_inverse=True, return_counts=True)[0], apart(4))],
    np.bincount: [Case(lambda w: np.bincount(I, w), real(4), single=False),
                  Case(lambda w: np.bincount([1, 1, 0], weights=w, minlength=5), real(3),
                       single=False)],
    np.apply_along_axis: [
        holo(lambda x, k=k, f=f: np.apply_along_axis(f, k, x), real(2, 3, 4)) for k in (0, 1, -1)
        for f in (np.sum, np.cumsum, lambda row: np.outer(row, row[:2]))]
        + [holo(lambda x: np.apply_along_axis(lambda row, c: c * row[0] * row, 0, x, 3), real(4))],
    np.apply_over_axes: [holo(lambda x, k=k: np.apply_over_axes(np.sum, x, k), real(2, 3, 4))
                         for k in (0, -1, [0, 2], (1, 0))],
    # building
    np.diag: [holo(lambda x, s=s, k=k: np.diag(x, k), real(*s))
              for s in ((3,), (3, 4)) for k in (0, 1, -2)],
    np.diagflat: [holo(lambda x, k=k: np.diagflat(x, k), real(2, 2)) for k in (0, 2, -1)],
    np.tril: [holo(lambda x, s=s, k=k: np.tril(x, k), real(*s))
              for s in ((3,), (3, 4), (2, 3, 3)) for k in (0, 1, -2)],
    np.triu: [holo(lambda x, s=s, k=k: np.triu(x, k), real(*s))
              for s in ((3,), (3, 4), (2, 3, 3)) for k in (0, 1, -2)],
    np.vander: [Case(lambda x, n=n, d=d: np.vander(x, n, d), real(3), single=False)
                for n in (None, 0, 1, 4) for d in (False, True)],
    np.full_like: [holo(lambda c: np.full_like(c, c), real(3)),
                   holo(lambda c: np.full_like(c, c[0], shape=(2, 3)), real(4)),
                   Case(lambda c: np.full_like(c, 2 * c, dtype=float), real(), single=False)],
    np.real_if_close: [Case(np.real_if_close, real(3)),
                       Case(lambda x: np.real_if_close(x * (1 + 1e-20j)), real(3), single=False),
                       Case(lambda x: np.real_if_close(x * 1j).imag, real(3), single=False)],
    sliding_window_view: [
        holo(lambda x: sliding_window_view(x, 3), real(5)),
        holo(lambda x: sliding_window_view(x, (2, 2)), real(3, 4)),
        holo(lambda x: sliding_window_view(x, 3, axis=-1), real(3, 4)),
        holo(lambda x: sliding_window_view(x, (2, 2), axis=(1, 1)), real(2, 5))],
    overlapped: [holo(lambda x: overlapped(x, (5,), (3,), (0,)), real(3, 3)),
                 holo(lambda x: overlapped(x, (2, 5), (2, 2), (1, 1)), real(2, 3, 2, 2)),
                 holo(lambda x: overlapped(x, (3, 4), (2, 3), (0, 1)), real(2, 2, 2, 3))],
    # products of vectors
    **{f: [Case(lambda a, b, f=f: f(a, b), real(*s), real(*t)) for s, t in shapes]
       for f, shapes in {
           np.linalg.vecdot: (((3,), (3,)), ((2, 1, 3), (4, 3))),
           np.vdot: (((3,), (3,)), ((2, 3), (3, 2)), ((), ())),
           getattr(np, "matvec", None): (((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3))),
           getattr(np, "vecmat", None): (((3,), (3, 2)), ((3,), (4, 3, 2)), ((4, 3), (3, 2))),
       }.items() if f is not None},
    np.vecdot: [*(Case(np.vecdot, real(*s), real(*t)) for s, t in (
                    ((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)))),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3, 2), real(3, 2)),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3, 3), real(3)),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3), real(3, 3, 2)),
                Case(lambda a, b: np.vecdot(a, b, axis=-2), real(2, 3, 3), real(3, 3))],
    **({np.unstack: [holo(lambda x, k=k: np.unstack(x, axis=k)[1], real(2, 3)) for k in (0, -1)]}
       if hasattr(np, "unstack") else {}),
    np.kron: [holo(np.kron, real(*s), real(*t)) for s, t in (
        ((2,), (3,)), ((2, 3), (3, 2)), ((), (3,)), ((2, 2), (2,)), ((2,), (2, 2, 1)))],
    np.cross: [*(holo(lambda a, b: np.cross(a, b), real(*s), real(*t)) for s, t in (
                    ((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)))),
               holo(lambda a, b: np.cross(a, b, axis=0), real(3, 2), real(3, 2)),
               holo(lambda a, b: np.cross(a, b, 0, 1, 0), real(3, 2), real(2, 3))],
    np.linalg.cross: [holo(np.linalg.cross, real(4, 3), real(3)),
                      holo(lambda a, b: np.linalg.cross(a, b, axis=0), real(3, 2), real(3, 2))],
    np.linalg.outer: [holo(np.linalg.outer, real(3), real(4))],
    np.linalg.tensordot: [holo(lambda a, b: np.linalg.tensordot(a, b, axes=1), real(2, 3),
                               real(3, 4)),
                          holo(lambda a, b: np.linalg.tensordot(a, b, axes=((0, 1), (1, 0))),
                               real(2, 3), real(3, 2))],
    np.linalg.matmul: [holo(np.linalg.matmul, real(2, 3), real(3, 4))],
    # statistics
    **{f: [*holed(f), *holed(f, where=MASK), *along(f, apart)[::5],
           *holed(f, initial=np.float32(1.5))[:2]] for f in (np.nansum, np.nanprod)},
    np.nanmean: [*holed(np.nanmean), *holed(np.nanmean, where=MASK),
                 *along(np.nanmean)[::5]],
    **{f: [*holed(f, ddof=1), *holed(f, where=MASK, correction=0), *along(f, apart, False)[::5],
           *holed(f, mean=np.float32(0.5))[:1]] for f in (np.nanvar, np.nanstd)},
    **{f: [*holed(f), *along(f, apart, False)[::5], *holed(f, initial=-3, where=MASK)]
       for f in (np.nanmax,)},
    **{f: [*holed(f), *along(f, apart, False)[::5], *holed(f, initial=3, where=MASK)]
       for f in (np.nanmin,)},
    **{f: [holo(lambda x, f=f, k=k: f(np.where(HOLES, np.nan, x), axis=k), real(3, 4))
           for k in (None, 0, -1)] for f in (np.nancumsum, np.nancumprod)},
    **{f: [*along(f, apart)[::2], holo(lambda x, f=f: f(+x, overwrite_input=True), apart(4))]
       for f in (np.median, np.nanmedian)},
    **{f: [*along(lambda x, f=f, c=c, **kw: f(x, 0.3 * c, **kw), apart, False)[::2],
           *along(lambda x, f=f, c=c, **kw: f(x, np.float32([0.4, 1, 0.75]) * c, **kw),
                  apart, False)[1::4],
           *(Case(lambda x, f=f, c=c, m=m: f(x, 0.4 * c, axis=0, method=m), apart(7, 2))
             for m in (METHODS if f is np.quantile else METHODS[::4])),
           Case(lambda x, f=f, c=c: f(x, np.float32([0.4, 0.8]) * c, method="inverted_cdf",
                                      weights=np.arange(6).reshape(2, 3)), apart(2, 3)),
           Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=0, method="inverted_cdf",
                                      weights=np.arange(6).reshape(2, 3) + 1), apart(2, 3)),
           *([] if f in (np.nanquantile, np.nanpercentile) else [
               Case(lambda x, f=f, c=c, k=k, d=d: f(
                    x, np.float32([[0, 0.4], [1, 0.75]]) * c, axis=k, keepdims=d), apart(2, 3, 4))
               for k in (None, -1, (2, 0)) for d in (False, True)] + [
               Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=0, method="inverted_cdf",
                                          weights=np.arange(5)), apart(5, 2)),
               Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=(2, 0), method="inverted_cdf",
                    keepdims=True, weights=np.arange(8.0).reshape(4, 2)), apart(2, 3, 4))])]
       for f, c in QUANTILES},
    np.ptp: along(np.ptp, apart, False),
    np.average: [*along(np.average),
                 *along(lambda x, **kw: np.average(x, weights=np.arange(24.0, dtype=np.float32)
                                                   .reshape(2, 3, 4), **kw))[:-1],
                 holo(lambda a, w: np.average(a, weights=w), real(3, 4), positive(3, 4)),
                 holo(lambda a, w: np.average(a, 1, w), real(3, 4), positive(4)),
                 holo(lambda a, w: np.average(a, (2, 0), w), real(2, 3, 4), positive(4, 2)),
                 holo(lambda a, w: np.average(a, 0, w, returned=True)[0], real(3, 4), positive(3)),
                 holo(lambda a, w: np.average(a, 0, w, returned=True)[1], real(3, 4), positive(3)),
                 holo(lambda a: np.average(a, 0, returned=True)[0], real(3, 4))],
    np.cov: [Case(lambda x, kw=kw: np.cov(x, **kw), real(3, 4), single=False) for kw in (
                 {}, {"rowvar": False}, {"bias": True}, {"ddof": 2},
                 {"fweights": [1, 2, 0, 3]}, {"aweights": [1.0, 0.5, 2, 3]},
                 {"fweights": [1, 2, 0, 3], "aweights": [1.0, 0.5, 2, 3]},
                 {"fweights": [1, 2, 0, 3], "aweights": [1.0, 0.5, 2, 3], "ddof": 0})]
            + [Case(np.cov, real(5), single=False), Case(np.cov, real(5), real(5), single=False),
               Case(np.cov, real(2, 5), real(3, 5), single=False),
               Case(lambda x, y: np.cov(x, y, rowvar=False), real(5, 2), real(5), single=False),
               Case(lambda x, w: np.cov(x, aweights=w), real(2, 5), positive(5), single=False),
               Case(lambda y: np.cov(np.arange(5.0), y), real(5), single=False),
               Case(lambda x: np.cov(x, dtype=np.float64), real(2, 5), single=False)],
    np.corrcoef: [Case(np.corrcoef, real(3, 5), single=False),
                  Case(lambda x: np.corrcoef(x, rowvar=False), real(5, 3), single=False),
                  Case(np.corrcoef, real(5), real(5), single=False),
                  Case(np.corrcoef, real(5), single=False)],
    # sequences
    np.gradient: [holo(lambda f, e=e: np.gradient(f, edge_order=e), real(5)) for e in (1, 2)]
        + [holo(lambda f, e=e, k=k: np.gradient(f, 0.5, axis=k, edge_order=e), real(3, 4))
           for e in (1, 2) for k in (0, -1)]
        + [holo(lambda f: np.stack(np.gradient(f)), real(3, 4)),
           holo(lambda f: np.stack(np.gradient(f, 2.0, axis=(2, 0))), real(3, 2, 4)),
           holo(lambda f, a, b: np.stack(np.gradient(f, a, b)), real(2, 4), positive(), positive()),
           holo(lambda f: np.gradient(f, np.array([0, 1, 3, 3.5]), axis=1), real(3, 4))]
        + [holo(lambda f, d, e=e: np.gradient(f, np.cumsum(d), edge_order=e),
                real(5), positive(5)) for e in (1, 2)]
        + [holo(lambda f, e=e: np.stack(np.gradient(f, np.arange(3.0), 2, edge_order=e)),
                real(3, 4)) for e in (1, 2)],
    np.trapezoid: [holo(np.trapezoid, real(5)), holo(lambda y: np.trapezoid(y, dx=0.5), real(3, 4)),
                   holo(lambda y, x: np.trapezoid(y, x, axis=0), real(3, 4), real(3)),
                   holo(np.trapezoid, real(3, 4), real(3, 4)),
                   holo(lambda y, h: np.trapezoid(y, dx=h, axis=-2), real(2, 3, 4), real()),
                   holo(lambda x: np.trapezoid(np.float32([1, 2, 4]), x), real(3))],
    np.interp: [Case(lambda x: np.interp(x, KNOTS, KNOTS**2), apart(3, 4), single=False),
                Case(lambda x, fp: np.interp(x, KNOTS, fp), apart(6), real(5), single=False),
                Case(lambda x, d, fp: np.interp(x, np.cumsum(d) - 1, fp),
                     inside(3, 4), between(0.65, 0.7)(5), real(5), single=False),
                Case(lambda x, fp, a, b: np.interp(x, KNOTS, fp, left=a, right=b),
                     between(-4, -3)(3), real(5), real(), real(), single=False),
                Case(lambda x, fp, a, b: np.interp(x, KNOTS, fp, a, b),
                     between(3, 4)(3), real(5), real(), real(), single=False),
                Case(lambda x, fp: np.interp(x, KNOTS, fp), between(-4, -3)(2), real(5),
                     single=False),
                Case(lambda x, fp: np.interp(x, KNOTS[::-1], fp, period=5.0), apart(6), real(5),
                     single=False),
                Case(lambda x, fp, t: np.interp(x, KNOTS, fp, period=t), between(5.1, 5.3)(6),
                     real(5), between(4.9, 5)(), single=False),
                Case(lambda x, fp: np.interp(x, [0.5], fp), real(3), real(1), single=False),
                Case(lambda fp: np.interp(KNOTS, KNOTS, fp), real(5), single=False)],
    **{f: [Case(lambda a, v, f=f, m=m: f(a, v, m), real(n), real(k), analytic=f is np.convolve)
           for m in ("full", "same", "valid")
           for n, k in ((5, 3), (3, 5), (4, 4), (5, 2), (2, 5), (1, 3), (4, 6))]
          + [Case(f, real(4), real(3)), Case(lambda a, f=f: f(a, a[:2]), real(4)),
             Case(lambda v, f=f: f(np.float32([1, 2, 3]), v), real(2))]
       for f in (np.convolve, np.correlate)},
    **{f: [holo(lambda x, f=f, k=k, i=i: f(x, axis=k, include_initial=i), real(2, 3, 4))
           for k in (0, -1) for i in (False, True)]
          + [holo(f, real(3)), Case(lambda x, f=f: f(x, dtype=np.float64), real(3), single=False)]
       for f in CUMULATIVE},
    np.unwrap: [Case(np.unwrap, between(-9, 9)(7)),
                Case(lambda x: np.unwrap(x, axis=0), between(-9, 9)(4, 3)),
                Case(lambda x: np.unwrap(x, 3.0, period=4.0), between(-9, 9)(4, 3))],
    np.ediff1d: [holo(np.ediff1d, real(3, 4)),
                 holo(lambda x, a, b: np.ediff1d(x, a, b), real(4), real(2), real())],
    np.polyval: [holo(lambda x: np.polyval(np.float32([1, 2, -3]), x), real(3, 4)),
                 holo(np.polyval, real(4), real(2, 3)), holo(np.polyval, real(3), real())],
    np.nan_to_num: [Case(np.nan_to_num, real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, np.nan, x), True, 2.0),
                         real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, np.inf, -x), posinf=1),
                         real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, -np.inf, -x), neginf=1),
                         real(3, 4))],
    # Bessel functions
    np.sinc: [*unary(np.sinc), *unary(np.sinc, between(3, 9))],
    sinc_derivative: [c for n in (0, 1, 2, 3)
                      for c in (*unary(lambda x, n=n: sinc_derivative(x, n)),
                                holo(lambda x, n=n: sinc_derivative(x, n), between(3, 9)(5)))],
    np.i0: [*unary(np.i0, real, False), *unary(np.i0, between(-9, 9), False)],
    i0_derivative: [c for n in (0, 1, 2, 3)
                    for c in unary(lambda x, n=n: i0_derivative(x, n), real, False)],
    # methods of ufuncs
    **{f: [Case(lambda x, f=f, k=k: f(x, axis=k, keepdims=True), apart(2, 3, 4))
           for k in (None, 0, -1, (0, 2))]
          + [Case(f, apart(3, 4)), Case(lambda x, f=f: f(x, where=MASK, initial=0.5), apart(3, 4))]
       for f in (np.add.reduce, np.multiply.reduce, np.maximum.reduce, np.minimum.reduce,
                 np.fmax.reduce, np.fmin.reduce, np.logaddexp.reduce)},
    **{f: [Case(f, apart(3, 4)), Case(f, apart(5)), Case(f, apart(1))]
          + [Case(lambda x, f=f, k=k: f(x, axis=k), apart(2, 3, 4)) for k in (0, 1, -1)]
       for f in (np.add.accumulate, np.multiply.accumulate, np.maximum.accumulate,
                 np.minimum.accumulate, np.fmax.accumulate, np.fmin.accumulate,
                 np.logaddexp.accumulate)},
    np.add.reduceat: [holo(lambda x, i=i: np.add.reduceat(x, i), real(5))
                      for i in ([0, 2, 4], [0, 3, 1, 1, 4], [4, 0])]
                     + [holo(lambda x, k=k: np.add.reduceat(x, [1, 0, 2], axis=k), real(3, 3, 4))
                        for k in (0, 1, -1)],
    **{f.outer: [Case(f.outer, *(replace(d, shape=s) for d, s in zip(SMOOTH_FOR[f], shapes)),
                      single=f is not np.float_power)
                 for shapes in (((2, 3), (4,)), ((), (3,)), ((3,), ()))]
       for f in SMOOTH_FOR},
    np.copysign.outer: [Case(np.copysign.outer, apart(3), apart_too(2)),
                        Case(lambda x: np.copysign.outer(x, np.float32([1, -1])), apart(3, 4))],
    # windows
    unfold: [holo(lambda x, o=o: unfold(x, *o), real(2, 6)) for o in SLIDES]
            + [holo(lambda x: unfold(x, *PLANE), real(2, 4, 5))],
    fold: [holo(lambda y, o=o: fold(y, (6,), *o[1:]),
                real(2, *unfold(np.zeros(6), *o).shape)) for o in SLIDES]
          + [holo(lambda y: fold(y, (4, 5), *PLANE[1:]), real(2, 2, 3, 2, 3))],
    correlate: [holo(lambda x, w, o=o, n=n: correlate(x, w, *o[1:], n),
                     real(2, 4, 6), real(2, 4 // n, *o[0])) for o in SLIDES for n in (1, 2)]
               + [holo(lambda x, w: correlate(x, w, *PLANE[1:]),
                       real(2, 1, 4, 5), real(3, 1, 2, 3))],
    correlate_transposed: [
        holo(lambda y, w, o=o, n=n: correlate_transposed(y, w, (6,), *o[1:], n),
             real(2, 2, *unfold(np.zeros(6), *o).shape[1:]), real(2, 4 // n, *o[0]))
        for o in SLIDES for n in (1, 2)],
    correlate_weight: [
        holo(lambda x, y, o=o, n=n: correlate_weight(x, y, o[0], *o[1:], n),
             real(2, 4, 6), real(2, 2, *unfold(np.zeros(6), *o).shape[1:]))
        for o in SLIDES for n in (1, 2)],
    window_sum: [holo(lambda x, o=o: window_sum(x, *o[:3]), real(2, 6)) for o in SLIDES]
                + [holo(lambda x: window_sum(x, *PLANE[:3]), real(2, 4, 5))],
    window_max: [Case(lambda x, o=o: window_max(x, *o), apart(2, 6))
                 for o in SLIDES if o[2] != ((1, -1),)]
                + [Case(lambda x: window_max(x, *PLANE), apart(2, 4, 5))],
    # fourier
    **{f: [Case(lambda x, f=f, n=n, k=k, m=m: np.real((1 + 2j) * f(x, n, k, m)), real(3, 4))
           for n, k, m in FFT] for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft)},
    **{f: [Case(lambda x, f=f, n=n, k=k, m=m: f((1 + 2j) * x, n, k, m), real(3, 4))
           for n, k, m in FFT] for f in (np.fft.irfft, np.fft.hfft)},
    **{f: [Case(lambda x, f=f, s=s, k=k, m=m: np.real((1 + 2j) * f(x, s, k, m)), real(3, 4, 2))
           for s, k, m in FFTN]
          for f in (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.fft2, np.fft.ifft2,
                    np.fft.rfft2)},
    **{f: [Case(lambda x, f=f, s=s, k=k, m=m: f((1 + 2j) * x, s, k, m), real(3, 4, 2))
           for s, k, m in FFTN] for f in (np.fft.irfftn, np.fft.irfft2)},
    **{f: [holo(lambda x, f=f, k=k: f(x, k), real(3, 4)) for k in (None, 0, -1, (1, 0), (1,))]
       for f in (np.fft.fftshift, np.fft.ifftshift)},
    # norms
    euclidean: [Case(lambda x, k=k, d=d: euclidean(x, axis=k, keepdims=d), positive(3, 4))
                for k in (None, 0, -1, (0, 1)) for d in (False, True)],
    power_norm: [Case(lambda x, p=p, k=k: power_norm(x, p, k, k == 0), apart(3, 4))
                 for p in (3, 1.5, 0.5, -1, -2.5) for k in (0, -1)],
    np.linalg.norm: [Case(lambda x, o=o, k=k, d=d: np.linalg.norm(x, o, k, d), apart(3, 4))
                     for o, k in ((None, None), (None, 0), (2, -1), (1, 0), (np.inf, 1), (3, 1),
                                  (-np.inf, 0), (-1, 0), (0.5, (1,)), ("fro", None), (1, None),
                                  ("fro", (0, 1)), (1, (1, 0)), (-1, (0, 1)), (np.inf, (0, -1)),
                                  (-np.inf, (1, 0)), (2, None), (-2, (0, 1)), ("nuc", (1, 0)))
                     for d in (False, True)]
                    + [Case(lambda x, o=o: np.linalg.norm(x, o, (2, 0), True), apart(3, 2, 4))
                       for o in (None, "fro", "nuc", 1, 2, -2, np.inf)]
                    + [Case(np.linalg.norm, apart(2, 3, 4)), Case(np.linalg.norm, apart(4))],
    np.linalg.vector_norm: [
        Case(lambda x, o=o, k=k, d=d: np.linalg.vector_norm(x, axis=k, ord=o, keepdims=d),
             apart(2, 3, 4))
        for o, k in ((2, None), (3, None), (1, (0, 2)), (np.inf, (-1, 0)), (2.5, 1), (2, ()))
        for d in (False, True)],
    np.linalg.matrix_norm: [
        Case(lambda x, o=o, d=d: np.linalg.matrix_norm(x, ord=o, keepdims=d), apart(2, 3, 5))
        for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf) for d in (False, True)],
    np.linalg.cond: [Case(lambda x, p=p: np.linalg.cond(x + EYE, p), unit(2, 3, 3))
                     for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]
                    + [Case(np.linalg.cond, real(3, 4))],
    # systems of equations; EYE keeps the condition number small
    np.linalg.inv: [holo(lambda x: np.linalg.inv(x + EYE), unit(*s)) for s in ((3, 3), (2, 3, 3))],
    np.linalg.pinv: [Case(np.linalg.pinv, real(*s)) for s in ((4, 2), (2, 4), (2, 4, 2))]
                    + [Case(lambda x: np.linalg.pinv(x + EYE, hermitian=True), unit(3, 3)),
                       Case(lambda x: np.linalg.pinv(x + EYE, 1e-12), unit(3, 3)),
                       Case(lambda x: np.linalg.pinv(x, rtol=1e-5), real(2, 4))],
    np.linalg.solve: [holo(lambda a, b: np.linalg.solve(a + EYE, b), unit(*s), real(*t))
                      for s, t in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)),
                                   ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)),
                                   ((3, 3), (2, 3, 1)), ((2, 1, 3, 3), (4, 3, 2)))]
                     + [holo(lambda b: np.linalg.solve(EYE + 1, b), real(3)),
                        holo(lambda a: np.linalg.solve(a + EYE, EYE), unit(3, 3))],
    np.linalg.lstsq: [Case(lambda a, b, i=i: np.linalg.lstsq(a, b)[i], real(*s), real(*t))
                      for i, s, t in ((0, (5, 2), (5,)), (0, (5, 2), (5, 3)), (0, (2, 4), (2,)),
                                      (0, (2, 4), (2, 3)), (1, (5, 2), (5,)), (1, (5, 2), (5, 3)))]
                     + [Case(lambda a, i=i: np.linalg.lstsq(a, np.ones(5, np.float32), 1e-3)[i],
                             real(5, 2)) for i in (0, 1, 3)],
    np.linalg.det: [holo(np.linalg.det, real(*s)) for s in ((3, 3), (2, 3, 3), (1, 1), (4, 4))]
                   + [holo(lambda x, k=k: np.linalg.det(x * SINGULAR[k]), apart(3, 3))
                      for k in range(3)],
    cofactors: [holo(cofactors, real(2, 3, 3)), holo(cofactors, real(1, 1))],
    cofactors_along: [holo(lambda x, a: cofactors_along(x, a + EYE), real(2, 3, 3), unit(2, 3, 3)),
                      holo(lambda x: cofactors_along(x, SINGULAR[1]), real(3, 3))],
    np.linalg.slogdet: [Case(lambda x: np.linalg.slogdet(x + EYE)[1], unit(2, 3, 3)),
                        Case(lambda x: np.multiply(*np.linalg.slogdet(x - 2 * EYE)), unit(3, 3))],
    np.linalg.matrix_power: [holo(lambda x, n=n: np.linalg.matrix_power(x + EYE, n), unit(2, 3, 3))
                             for n in (1, 2, 3, 6, -1, -2)],
    np.linalg.multi_dot: [holo(lambda *a: np.linalg.multi_dot(a), *(real(*s) for s in shapes))
                          for shapes in (((3,), (3,)), ((2, 3), (3, 4)), ((3,), (3, 2), (2, 4)),
                                         ((2, 3), (3, 4), (4, 1), (1, 5)),
                                         ((2,), (2, 3), (3, 2), (2,)))],
    np.linalg.tensorinv: [holo(lambda x: np.linalg.tensorinv(x + FOUR.reshape(2, 2, 4)),
                               unit(2, 2, 4)),
                          holo(lambda x: np.linalg.tensorinv(x + FOUR.reshape(4, 2, 2), 1),
                               unit(4, 2, 2))],
    np.linalg.tensorsolve: [
        holo(lambda a, b: np.linalg.tensorsolve(a + FOUR.reshape(2, 2, 4), b),
             unit(2, 2, 4), real(2, 2)),
        holo(lambda a, b: np.linalg.tensorsolve(a + FOUR.reshape(4, 2, 2), b, axes=(0,)),
             unit(4, 2, 2), real(2, 2))],
    # decompositions, which read one triangle: x is handed over as it is
    np.linalg.cholesky: [Case(lambda x, u=u: np.linalg.cholesky(x + 3 * EYE, upper=u), unit(*s))
                         for s in ((3, 3), (2, 3, 3)) for u in (False, True)],
    np.linalg.eigh: [Case(lambda x, u=u, i=i: np.linalg.eigh(x + APART, u)[i], unit(*s))
                     for s in ((3, 3), (2, 3, 3)) for u in "Lu" for i in (0, 1)],
    np.linalg.eigvalsh: [Case(lambda x: np.linalg.eigvalsh(x + APART), unit(2, 3, 3)),
                         Case(lambda x: np.linalg.eigvalsh(x + APART, "U"), unit(3, 3))],
    # eig answers with complex numbers from NumPy 2.5 on
    np.linalg.eig: [Case(lambda x, i=i, m=m, p=p: p(np.linalg.eig(x + m)[i]), unit(2, 3, 3),
                         single=False)
                    for m, p in ((APART, np.real), (TURNING, np.real), (TURNING, np.imag))
                    for i in (0, 1)],
    np.linalg.eigvals: [Case(lambda x, m=m: np.real(np.linalg.eigvals(x + m)), unit(2, 3, 3))
                        for m in (APART, TURNING)],
    svd_factors: [Case(lambda x, i=i, m=m, f=f: svd_factors(x + 3 * m, f)[i], unit(*m.shape))
                  for m, f in ((APART, False), (APART[:2], True), (APART[:, :2], False),
                               (APART[:, :2], True), (APART[:2], False)) for i in range(3)],
    np.linalg.svd: [Case(lambda x, i=i, h=h: np.linalg.svd(x + APART, hermitian=h)[i],
                         unit(2, 3, 3)) for h in (False, True) for i in range(3)]
                   + [Case(lambda x, h=h: np.linalg.svd(x + APART, compute_uv=False, hermitian=h),
                           unit(3, 3)) for h in (False, True)],
    np.linalg.svdvals: [Case(np.linalg.svdvals, real(*s)) for s in ((3, 4), (2, 4, 3))],
    qr_factors: [Case(lambda x, i=i, m=m: qr_factors(x + m)[i], unit(*m.shape))
                 for m in (APART, APART[:2], APART[:, :2]) for i in (0, 1)],
    np.linalg.qr: [Case(lambda x: np.linalg.qr(x + APART).Q, unit(2, 3, 3)),
                   Case(lambda x: np.linalg.qr(x + APART, mode="r"), unit(3, 3)),
                   Case(lambda x: np.linalg.qr(x + APART[:2], "complete")[1], unit(2, 3))],
}


def quiet(f: Callable[..., Any], *args: Any) -> Any:
    """f(*args), where some version of NumPy calls f deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return f(*args)


X, N = (3, 4), np.arange(1, 13).reshape(3, 4)
ONE: list[Any] = [elementwise.signum, np.floor, np.ceil, np.trunc, np.rint, np.logical_not,
       np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit, np.round, np.around,
       np.zeros_like, np.ones_like, np.argmax, np.argmin, np.argsort, np.any, np.all,
       np.count_nonzero, np.spacing, exponent, np.isreal, np.iscomplex, np.linalg.matrix_rank,
       np.nanargmax, np.nanargmin]
TWO: list[Any] = [np.floor_divide, np.heaviside, np.equal, np.not_equal, np.less, np.less_equal,
       np.greater, np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.isclose]
UNTRACKED: dict[Any, Callable[[Any, Any], Any]] = {
    **{f: lambda x, n, f=f: f(x) for f in ONE},
    **{f: lambda x, n, f=f: f(x, x + 1) for f in TWO},
    **{f: lambda x, n, f=f: f(n, n) for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor,
                                              np.left_shift, np.right_shift, np.gcd,
                                              np.lcm)},
    **{f: lambda x, n, f=f: f(n) for f in (np.invert, np.bitwise_count)},
    np.fix: lambda x, n: quiet(np.fix, x),
    np.packbits: lambda x, n: np.packbits(n > 5),
    np.unpackbits: lambda x, n: np.unpackbits(np.astype(n, np.uint8)),
    np.empty_like: lambda x, n: np.empty_like(x),
    np.argpartition: lambda x, n: np.argpartition(x, 1),
    np.lexsort: lambda x, n: np.lexsort((x[0], x[1])),
    np.searchsorted: lambda x, n: np.searchsorted(x[0], x),
    np.digitize: lambda x, n: np.digitize(x, x[0]),
    np.isin: lambda x, n: np.isin(x, x[0]),
    selecting.representatives: lambda x, n: selecting.representatives(x)[1],
    shaping.layout: lambda x, n: shaping.layout(x),
    piece: lambda x, n: piece(np.arange(3.0), x),
    **{f.outer: lambda x, n, f=f: f.outer(x, x) for f in TWO if isinstance(f, np.ufunc)},
    **{f.outer: lambda x, n, f=f: f.outer(n, n)
       for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift)},
    window_argmax: lambda x, n: window_argmax(x, x, (1,), (1,), ((0, 0),), (1,)),
}
# fmt: on


def name(f: Any) -> str:
    return TABLE[f].name


def params(wanted: Callable[[Any, Case], bool]) -> Any:
    return [
        pytest.param(case, id=f"{name(f)}-{i}")
        for f, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if wanted(f, case)
    ]


EVERY = pytest.mark.parametrize("case", params(lambda f, case: True))
ELEMENTWISE = (
    set().union(*(f.RULES for f in (elementwise, special, erf, gamma, support)))
    - {support.sum_to, support.spread, support.output}
) & set(EXAMPLES)
PLAIN = [
    pytest.param(EXAMPLES[f][0], id=name(f)) for f in EXAMPLES if f in ELEMENTWISE - {np.copysign}
]


def weights(case: Case, seed: int = 1) -> Any:
    shape = np.shape(case.f(*case.arguments()))
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def directions(xs: tuple[Any, ...]) -> tuple[Any, ...]:
    rng = np.random.default_rng(2)
    return tuple(rng.uniform(-1, 1, x.shape) for x in xs)


def moved(xs: tuple[Any, ...], vs: tuple[Any, ...], h: Any) -> tuple[Any, ...]:
    return tuple(x + h * v for x, v in zip(xs, vs, strict=True))


def derivative(f: Callable[..., Any], xs: Any, vs: Any) -> Any:
    """Along vs, by central differences of two steps whose h^2 errors cancel."""

    def central(h: float) -> Any:
        return (f(*moved(xs, vs, h)) - f(*moved(xs, vs, -h))) / (2 * h)

    return (4 * central(STEP / 2) - central(STEP)) / 3


def gradient(f: Callable[..., Any], xs: tuple[Any, ...]) -> tuple[Any, ...]:
    return tg.grad(f, tuple(range(len(xs))))(*xs)


def dotted(gs: Any, vs: Any) -> Any:
    return sum(np.sum(g * v) for g, v in zip(gs, vs, strict=True))


def size(gs: Any) -> Any:
    return 1 + sum(np.sum(np.abs(g)) for g in gs)


def test_every_differentiable_entry_has_an_example() -> None:
    wanted = {f for f in BUILT_IN if TABLE[f].differentiable}
    assert {name(f) for f in wanted ^ set(EXAMPLES)} == set()


def test_every_entry_without_gradient_has_an_example() -> None:
    wanted = {f for f in BUILT_IN if not TABLE[f].differentiable}
    assert {name(f) for f in wanted ^ set(UNTRACKED)} == set()


@EVERY
def test_value_is_that_of_plain_arrays(case: Case) -> None:
    xs = case.arguments()
    expected = case.f(*xs)
    found = case.f(*(tg.tensor(x, requires_grad=True) for x in xs)).numpy()
    np.testing.assert_allclose(found, expected, rtol=EXACT, atol=EXACT)


@EVERY
def test_gradient_is_that_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = derivative(lambda *a: np.sum(w * case.f(*a)), xs, vs)
    assert abs(dotted(gs, vs) - expected) <= DIFFERENCE * (size(gs) + size([w * case.f(*xs)]))


@pytest.mark.parametrize("case", params(lambda f, case: case.analytic))
def test_gradient_is_that_of_a_complex_step(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = np.sum(w * case.f(*moved(xs, vs, 1e-30j))).imag / 1e-30
    assert abs(dotted(gs, vs) - expected) <= EXACT * size(gs)


@EVERY
def test_hessian_product_is_that_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)

    def loss(*a: Any) -> Any:
        return np.sum(w * case.f(*a) ** 2)

    found = tg.hvp(loss, xs, vs)
    scale = size(found) + size(gradient(loss, xs))
    for i, h in enumerate(found):
        expected = derivative(lambda *a, i=i: gradient(loss, a)[i], xs, vs)
        np.testing.assert_allclose(h, expected, rtol=0, atol=DIFFERENCE * scale)


# Points where rules choose: at 0, at equal operands, at exponents 0 and 1.
CHOICES = {
    np.power: [(2, 0), (2, 1), (2, 2), (1, 0), (1, 1.5), (0.5, 3)],
    np.float_power: [(2, 0), (2, 1)],
    np.multiply: [(0, 0), (0, 1)],
    np.divide: [(0, 1), (1, 1)],
    np.logaddexp: [(0, 0), (1, 1), (1, 0)],
    np.logaddexp2: [(0, 0), (1, 1), (1, 0)],
    np.hypot: [(0, 1), (1, 0), (1, 1)],
    np.arctan2: [(0, 1), (1, 0), (1, 1)],
    special.xlogy: [(0, 1), (0, 2), (1, 1)],
    special.binary_log_loss: [(0.5, 0), (0.5, 1), (0.5, 0.5)],
    special.sigmoid_log_loss: [(0, 0), (0, 1), (0, 0.5), (1, 1)],
    support.ratio: [(0, 1), (1, 1)],
    support.weigh: [(0, 1), (0, 0), (1, 0)],
}


@pytest.mark.parametrize(
    ("f", "point"),
    [pytest.param(f, p, id=f"{name(f)}{p}") for f, points in CHOICES.items() for p in points],
)
def test_hessian_where_a_rule_chooses(f: Any, point: tuple[float, ...]) -> None:
    x = np.array(point, float)
    found = tg.hessian(lambda v: f(v[0], v[1]))(x)
    slope = tg.grad(lambda v: f(v[0], v[1]))
    expected = [derivative(slope, (x,), (direction,)) for direction in np.eye(2)]
    np.testing.assert_allclose(found, expected, rtol=0, atol=DIFFERENCE * size([found]))


@EVERY
def test_pull_back_is_linear(case: Case) -> None:
    _, pull = tg.vjp(case.f, *case.arguments())
    u, v = weights(case), weights(case, 3)
    together = pull(2 * u - 3 * v)
    for g, a, b in zip(together, pull(u), pull(v), strict=True):
        scale = size([a, b])
        np.testing.assert_allclose(g, 2 * a - 3 * b, rtol=0, atol=EXACT * scale)


@EVERY
def test_pushing_forward_and_pulling_back_agree(case: Case) -> None:
    """<J v, u> = <v, J'u>."""
    xs, u = case.arguments(), weights(case)
    vs = directions(xs)
    (_, pushed), (_, pull) = tg.jvp(case.f, xs, vs), tg.vjp(case.f, *xs)
    gs = pull(u)
    assert abs(np.sum(pushed * u) - dotted(gs, vs)) <= EXACT * (size([pushed * u]) + size(gs))


@EVERY
def test_gradient_has_shape_and_dtype_of_its_operand(case: Case) -> None:
    for dtype in (np.float32, np.float64):
        xs = [x.astype(dtype) for x in case.arguments()]
        _, pull = tg.vjp(case.f, *xs)
        found = [(g.shape, g.dtype) for g in pull(weights(case))]
        assert found == [(x.shape, x.dtype) for x in xs]


@pytest.mark.parametrize("case", params(lambda f, case: case.single))
def test_float32_stays_float32(case: Case) -> None:
    value, _ = tg.vjp(case.f, *(x.astype(np.float32) for x in case.arguments()))
    assert value.dtype == np.float32


def reversed_view(x: Any) -> Any:
    return np.ascontiguousarray(x[::-1])[::-1] if x.ndim else x


def transposed_view(x: Any) -> Any:
    return np.array(x.T, order="C").T


def strided_view(x: Any) -> Any:
    return np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x


@EVERY
def test_memory_layout_changes_no_gradient(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    _, pull = tg.vjp(case.f, *xs)
    expected = pull(w)
    for view in (reversed_view, transposed_view, strided_view):
        _, again = tg.vjp(case.f, *map(view, xs))
        for g, e in zip(again(w), expected, strict=True):
            np.testing.assert_allclose(g, e, rtol=0, atol=EXACT * size(expected))


@pytest.mark.parametrize("shape", [(0,), (0, 4)])
@pytest.mark.parametrize("case", PLAIN)
def test_elementwise_functions_take_empty_arrays(case: Case, shape: tuple[int, ...]) -> None:
    if case in EXAMPLES[np.where]:
        case = Case(lambda a, b: np.where(a > 0, a, b), *case.draws)
    xs = tuple(np.zeros(shape) for _ in case.draws)
    value, pull = tg.vjp(case.f, *xs)
    assert [g.shape for g in pull(np.ones(shape))] == [value.shape] * len(xs) == [shape] * len(xs)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.cumprod], ids=name)
@pytest.mark.parametrize("shape", [(0,), (0, 4)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_sums_and_products_take_empty_arrays(f: Any, shape: Any, axis: Any) -> None:
    value, pull = tg.vjp(lambda x: f(x, axis=axis), np.zeros(shape))
    assert pull(np.ones(np.shape(value)))[0].shape == shape


@pytest.mark.parametrize("case", PLAIN)
def test_elementwise_functions_take_single_numbers(case: Case) -> None:
    f = case.f
    if case in EXAMPLES[np.where]:
        f = lambda a, b: np.where(a > b, a, b)
    xs = Case(f, *(replace(draw, shape=()) for draw in case.draws)).arguments()
    vs = directions(xs)
    gs = gradient(f, xs)
    assert abs(dotted(gs, vs) - derivative(f, xs, vs)) <= DIFFERENCE * (size(gs) + size([f(*xs)]))


def arrays(x: Any) -> list[Any]:
    if isinstance(x, tuple | list):
        return [a for part in x for a in arrays(part)]
    return [x] if isinstance(x, np.ndarray) else []


def drawn(rng: Any, y: Any) -> Any:
    """A gradient of a result, or those of several."""
    if isinstance(y, Several):
        return Several(drawn(rng, part) for part in y)
    return np.asarray(rng.normal(size=np.shape(y)))


@EVERY
def test_rules_keep_to_themselves(case: Case) -> None:
    """No rule returns memory of an operand or of the result, or writes into what it is given."""
    rng = np.random.default_rng(4)
    root = case.f(*(tg.tensor(x, requires_grad=True) for x in case.arguments()))
    for node in order(root):
        for rule in node.rules:
            g = drawn(rng, node.value)
            held = arrays([node.value, node.args])
            given = [*arrays([g]), *held]
            before = [a.copy() for a in given]
            r = rule(g, node.value, *node.args, **node.parameters)
            assert not any(np.shares_memory(a, b) for a in arrays([r]) for b in held)
            for a, b in zip(given, before, strict=True):
                np.testing.assert_array_equal(a, b)


@EVERY
def test_gradients_are_the_callers_own(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    given = [x.copy() for x in xs]
    _, pull = tg.vjp(case.f, *xs)
    gs = pull(w)
    assert not any(np.shares_memory(g, a) for g in gs for a in (*xs, w))
    for x, before in zip(xs, given, strict=True):
        np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("f", UNTRACKED, ids=name)
def test_functions_without_gradient_give_constants(f: Any) -> None:
    x = tg.tensor(np.linspace(-2, 2, 12).reshape(X), requires_grad=True)
    result = UNTRACKED[f](x, tg.tensor(N))
    assert not getattr(result, "requires_grad", False)
