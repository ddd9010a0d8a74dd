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
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.graph import order
from tinygrad_ce.rules import elementwise, special, support
from tinygrad_ce.rules.decompositions import qr_factors, svd_factors
from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.norms import euclidean, power_norm
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax, xlog_softmax
from tinygrad_ce.rules.systems import cofactors, cofactors_along
from tinygrad_ce.rules.table import TABLE

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
# float32, which costs no precision.
EYE = 3 * np.eye(3, dtype=np.float32)
FOUR = np.eye(4, dtype=np.float32)
APART = np.diag(np.array([-3, 1, 5], np.float32))  # far from equal eigenvalues
TURNING = np.array([[0, -4, 0], [4, 0, 0], [0, 0, 5]], np.float32)  # a complex pair of them
SINGULAR = np.array([np.diag([1, 2, 0]), np.diag([0, 3, 0]), np.zeros((3, 3))], np.float32)
MASK = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]], bool)

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
                       apart(3, 4))],
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
    special.binary_log_loss: binary(special.binary_log_loss, inside, inside, analytic=True,
                                    dtype=np.float64),
    special.sigmoid_log_loss: binary(special.sigmoid_log_loss, apart, inside, dtype=np.float64),
    special.erf: [*unary(special.erf, unit, False), *unary(special.erf, real, False)],
    special.erfc: [*unary(special.erfc, unit, False), *unary(special.erfc, real, False),
                   Case(special.erfc, between(4.1, 6.0)(5))],
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
    # reductions
    np.sum: along(np.sum),
    np.mean: along(np.mean),
    np.prod: [*along(np.prod),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 0], np.float32)), real(4)),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 3], np.float32), -1), real(3, 4))],
    np.var: [*along(np.var, analytic=False), *along(np.var, analytic=False, ddof=1)[::3]],
    np.std: [*along(np.std, apart, False), *along(np.std, apart, False, ddof=1)[::3]],
    np.max: along(np.max, apart, False),
    np.amax: along(np.amax, apart, False),
    np.min: along(np.min, apart, False),
    np.amin: along(np.amin, apart, False),
    np.cumsum: [holo(lambda x, k=k: np.cumsum(x, axis=k), real(2, 3, 4))
                for k in (None, 0, 1, -1, -2)],
    np.cumprod: [holo(lambda x, k=k: np.cumprod(x, axis=k), real(2, 3, 4))
                 for k in (None, 0, 1, -1, -2)]
                + [holo(lambda x: np.cumprod(x * np.array([1, 0, 2, 0, 3], np.float32)), real(5)),
                   holo(np.cumprod, real(1))],
    # indexing
    operator.getitem: [holo(lambda x, k=k: x[k], real(3, 4)) for k in (
        1, -1, (1, 2), slice(1, None), (slice(None, None, -2), 1), I, I - 1, (I, I),
        (slice(None), I), ..., (..., None), MASK, ([0, 0, 1],), [2, 2], (I, slice(1, 3)),
        (np.array([[0], [0]]), I), np.array([], int), (I, 1), (1, I), np.array(1))]
        + [holo(lambda x: x[()], real()), holo(lambda x: x[[0, 0], :, [1, 1]], real(2, 3, 4))],
    scatter: [holo(lambda x: scatter(x, I, (3,)), real(4)),
              holo(lambda x: scatter(x, I, (3, 2)), real(4, 2)),
              holo(lambda x: scatter(x, (slice(None), I), (2, 3)), real(2, 4)),
              holo(lambda x: scatter(x, slice(1, 3), (5,)), real(2)),
              holo(lambda x: scatter(x, 1, (3,)), real())],
    np.concatenate: [holo(lambda a, b, k=k: np.concatenate([a, b, a], axis=k),
                          real(2, 3), real(2, 3)) for k in (0, 1, -1, None)]
                    + [holo(lambda a, b: np.concatenate((a, b)), real(2), real(3))],
    np.sort: [holo(lambda x, k=k: np.sort(x, axis=k), apart(3, 4)) for k in (0, 1, -1, None)],
    np.take: [holo(lambda x, k=k: np.take(x, I, axis=k), real(3, 3)) for k in (None, 0, 1, -1)],
    np.take_along_axis: [
        holo(lambda x: np.take_along_axis(x, np.array([[0, 0, 1, 2]]), 0), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3], [1], [1]]), 1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3, 3], [1, 0], [1, 2]]), -1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, I, None), real(3, 4))],
    np.trace: [holo(lambda x, k=k: np.trace(x, offset=k), real(3, 4)) for k in (0, 1, -1, 3, -2)]
              + [holo(lambda x: np.trace(x, axis1=-1, axis2=0), real(2, 3, 4))],
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
                 holo(lambda x: np.reshape(x, (1, 1)), real())],
    np.ravel: [holo(np.ravel, real(3, 4)), holo(lambda x: np.ravel(x, order="F"), real(3, 4))],
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
            + [holo(lambda x: np.pad(x, 1, constant_values=2.0), real(3, 4))],
    np.copy: [holo(np.copy, real(3, 4)), holo(np.copy, real())],
    np.stack: [holo(lambda a, b, k=k: np.stack([a, b, a], axis=k), real(2, 3), real(2, 3))
               for k in (0, 1, -1)],
    np.split: [holo(lambda x: np.split(x, 2)[1], real(4, 3)),
               holo(lambda x: np.stack(np.split(x, 3, axis=-1)), real(4, 3)),
               holo(lambda x: np.concatenate(np.split(x, [1, 2])[::-1]), real(4, 3))],
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

X, N = (3, 4), np.arange(1, 13).reshape(3, 4)
ONE: list[Any] = [elementwise.signum, np.floor, np.ceil, np.trunc, np.rint, np.logical_not,
       np.isfinite, np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit, np.round, np.around,
       np.zeros_like, np.ones_like, np.argmax, np.argmin, np.argsort, np.any, np.all,
       np.count_nonzero, np.linalg.matrix_rank]
TWO: list[Any] = [np.floor_divide, np.heaviside, np.equal, np.not_equal, np.less, np.less_equal,
       np.greater, np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.isclose]
UNTRACKED: dict[Any, Callable[[Any, Any], Any]] = {
    **{f: lambda x, n, f=f: f(x) for f in ONE},
    **{f: lambda x, n, f=f: f(x, x + 1) for f in TWO},
    **{f: lambda x, n, f=f: f(n, n) for f in (np.bitwise_and, np.bitwise_or, np.bitwise_xor,
                                              np.left_shift, np.right_shift)},
    np.invert: lambda x, n: np.invert(n),
}
# fmt: on


def name(f: Any) -> str:
    return str(getattr(f, "__name__", f))


def params(wanted: Callable[[Any, Case], bool]) -> Any:
    return [
        pytest.param(case, id=f"{name(f)}-{i}")
        for f, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if wanted(f, case)
    ]


EVERY = pytest.mark.parametrize("case", params(lambda f, case: True))
ELEMENTWISE = (
    (set(elementwise.RULES) | set(special.RULES) | set(support.RULES))
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
    wanted = {f for f, p in TABLE.items() if p.rules or p.each or p.composed}
    assert {name(f) for f in wanted ^ set(EXAMPLES)} == set()


def test_every_entry_without_gradient_has_an_example() -> None:
    wanted = {f for f, p in TABLE.items() if not (p.rules or p.each or p.composed)}
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


@EVERY
def test_pull_back_is_linear(case: Case) -> None:
    _, pull = tg.vjp(case.f, *case.arguments())
    u, v = weights(case), weights(case, 3)
    together = pull(2 * u - 3 * v)
    for g, a, b in zip(together, pull(u), pull(v), strict=True):
        scale = size([a, b])
        np.testing.assert_allclose(g, 2 * a - 3 * b, rtol=0, atol=EXACT * scale)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@EVERY
def test_gradient_has_shape_and_dtype_of_its_operand(case: Case, dtype: Any) -> None:
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


@pytest.mark.parametrize("view", [reversed_view, transposed_view, strided_view])
@EVERY
def test_memory_layout_changes_no_gradient(case: Case, view: Any) -> None:
    xs, w = case.arguments(), weights(case)
    _, pull = tg.vjp(case.f, *xs)
    _, again = tg.vjp(case.f, *map(view, xs))
    expected = pull(w)
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


def drawn(rng: Any, value: Any) -> Any:
    """Numbers in the form of a value, or of several."""
    if isinstance(value, tuple):
        return Several(drawn(rng, part) for part in value)
    return np.asarray(rng.normal(size=np.shape(value)))


@EVERY
def test_rules_keep_to_themselves(case: Case) -> None:
    """No rule returns memory of an operand or of the result, or writes into what it is given."""
    rng = np.random.default_rng(4)
    root = case.f(*(tg.tensor(x, requires_grad=True) for x in case.arguments()))
    for node in order(root):
        for rule in node.rules:
            g = drawn(rng, node.value)
            held = arrays([node.value, node.args])
            before = [a.copy() for a in arrays([g, held])]
            r = rule(g, node.value, *node.args, **node.parameters)
            assert not any(np.shares_memory(part, a) for part in arrays([r]) for a in held)
            for a, b in zip(arrays([g, held]), before, strict=True):
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
