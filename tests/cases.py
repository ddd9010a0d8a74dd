"""What examples are written with, and what they are compared by.

A `Case` is a call and the points to differentiate it at, drawn from `real`, `positive`, `apart` and
their like; `unary`, `binary` and `along` make several of one function. `derivative` and `gradient`
are the two ways to a derivative. Tolerances are for sums whose terms are of the order of `scale`:

- Richardson's central differences with step h = 1e-3 err by h^4 f'''''/480, which is below 1e-11
  for fifth derivatives up to 5000, and by rounding of about 10 eps/h = 2e-12. DIFFERENCE = 1e-9
  leaves a factor for the number of terms.
- Complex steps and two orders of the same sum err by rounding alone: some 100 operations of
  eps = 2.2e-16 each give EXACT = 1e-12 with room for condition numbers near 10.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.rules.table import TABLE

DIFFERENCE, EXACT = 1e-9, 1e-12
STEP = 1e-3
AXES = [None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2)]
I = np.array([0, 2, 2, 1])  # noqa: E741  indices, one twice
EYE = 3 * np.eye(3, dtype=np.float32)  # float32, which costs no precision
MASK = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0]], bool)
HOLES = np.array([[0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]], bool)  # where nans are put


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


Examples = dict[Any, list[Case]]
# Called with Tensors x of floats and n of whole numbers, both of shape (3, 4).
Untracked = dict[Any, Callable[[Any, Any], Any]]


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


def name(f: Any) -> str:
    return TABLE[f].name


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


# What must hold of every case. Tests hand their own cases to these.


def has_the_value_of_plain_arrays(case: Case) -> None:
    xs = case.arguments()
    found = case.f(*(tg.tensor(x, requires_grad=True) for x in xs)).numpy()
    np.testing.assert_allclose(found, case.f(*xs), rtol=EXACT, atol=EXACT)


def has_the_gradient_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = derivative(lambda *a: np.sum(w * case.f(*a)), xs, vs)
    assert abs(dotted(gs, vs) - expected) <= DIFFERENCE * (size(gs) + size([w * case.f(*xs)]))


def has_the_gradient_of_a_complex_step(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = np.sum(w * case.f(*moved(xs, vs, 1e-30j))).imag / 1e-30
    assert abs(dotted(gs, vs) - expected) <= EXACT * size(gs)


def has_the_hessian_product_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)

    def loss(*a: Any) -> Any:
        return np.sum(w * case.f(*a) ** 2)

    found = tg.hvp(loss, xs, vs)
    scale = size(found) + size(gradient(loss, xs))
    for i, h in enumerate(found):
        expected = derivative(lambda *a, i=i: gradient(loss, a)[i], xs, vs)
        np.testing.assert_allclose(h, expected, rtol=0, atol=DIFFERENCE * scale)


def pulls_back_linearly(case: Case) -> None:
    _, pull = tg.vjp(case.f, *case.arguments())
    u, v = weights(case), weights(case, 3)
    together = pull(2 * u - 3 * v)
    for g, a, b in zip(together, pull(u), pull(v), strict=True):
        np.testing.assert_allclose(g, 2 * a - 3 * b, rtol=0, atol=EXACT * size([a, b]))
