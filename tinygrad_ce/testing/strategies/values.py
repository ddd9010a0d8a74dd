"""Arrays of numbers: well-conditioned ones, edges of the dtype, and numbers away from kinks.

Well-conditioned numbers lie on a grid of binary fractions, so they are exact in every dtype, and
distinct ones are at least a step apart: a difference quotient of half a step meets no tie.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from tinygrad_ce.errors import DTypeError, OptionError, ShapeError
from tinygrad_ce.options import number
from tinygrad_ce.testing.drawing import Draw, SearchStrategy, composite, hnp, is_strategy, st

__all__ = [
    "arrays",
    "away_from",
    "conditioned",
    "edge",
    "positive",
]

Shape: TypeAlias = "int | tuple[int, ...] | SearchStrategy[tuple[int, ...]] | None"
STEP = 2.0**-7


@cache
def grid(step: float, largest: float) -> tuple[float, ...]:
    """The multiples of step, a power of two, up to +-largest; simple ones (0, 1, -1, 2) first."""
    multiples = step * np.arange(-np.floor(largest / step), np.floor(largest / step) + 1)
    numbers: list[float] = multiples.tolist()
    return tuple(sorted(numbers, key=lambda x: (x.as_integer_ratio()[1], abs(x), x < 0)))


def drawn(draw: Draw, choice: Any) -> Any:
    """What a strategy draws; anything else is itself."""
    return draw(choice) if is_strategy(choice) else choice


def drawn_shape(draw: Draw, shape: Shape, default: SearchStrategy[Any]) -> tuple[int, ...]:
    found = drawn(draw, default if shape is None else shape)
    return (int(found),) if isinstance(found, int | np.integer) else tuple(found)


def drawn_floats(draw: Draw, dtype: Any, kinds: str = "f") -> Any:
    """A dtype of these kinds: f for real numbers, c for complex ones."""
    found = np.dtype(drawn(draw, dtype))
    if found.kind not in kinds:
        raise DTypeError(
            f"numbers of dtype {found} were asked for",
            f"what is drawn here is real{' or complex' if 'c' in kinds else ''}, and would be cut",
            "pass a floating-point dtype, and astype what is drawn",
        )
    return found


def shapes() -> SearchStrategy[tuple[int, ...]]:
    """What is drawn where no shape is given: one to three axes of up to 4."""
    return hnp.array_shapes(max_dims=3, max_side=4)


def filled(
    shape: tuple[int, ...], dtype: Any, elements: SearchStrategy[Any]
) -> SearchStrategy[Any]:
    """Arrays of which every entry is drawn: with equal ones a permuted gradient looks right."""
    return hnp.arrays(dtype, shape, elements=elements, fill=st.nothing())


@composite
def distinct(
    draw: Draw, shape: tuple[int, ...], dtype: Any, numbers: tuple[float, ...],
    often: tuple[float, ...] = (),
) -> Any:  # fmt: skip
    """Arrays of different numbers out of these, in the order of their simplicity, and of `often`.

    Floats are drawn, as they shrink well, and rounded to the step between the numbers. One that is
    none of them, or taken, gives way to the simplest free number: no draw is thrown away.
    """
    size = int(np.prod(shape))
    if size > len(numbers):
        raise ShapeError(
            f"an array of shape {shape} was asked for",
            f"its {size} entries are to be distinct, out of {len(numbers)} numbers",
            "ask for a smaller shape or distance, or let entries be equal: elements=conditioned()",
        )
    if not size:
        return np.empty(shape, dtype)
    step = np.min(np.diff(np.sort(numbers)), initial=1.0)
    floats = st.floats(min(numbers), max(numbers))
    elements = floats | st.sampled_from(often) if often else floats

    def parts() -> Any:
        free = dict.fromkeys((*numbers, *often))
        found = []
        for x in draw(filled(shape, np.float64, elements)).ravel().tolist():
            chosen = round(x / step) * step
            if chosen not in free:
                chosen = next(iter(free))
            del free[chosen]
            found.append(chosen + 0.0)  # no -0.0
        return np.array(found, dtype).reshape(shape)

    return parts() + 1j * parts() if np.dtype(dtype).kind == "c" else parts()


def _numbers(dtype: Any, numbers: tuple[float, ...]) -> SearchStrategy[Any]:
    real = st.sampled_from(numbers)
    return st.builds(complex, real, real) if np.dtype(dtype).kind == "c" else real


@cache
def _moderate(kink: float | None) -> tuple[float, ...]:
    return tuple(x for x in grid(STEP, 4.0) if abs(x) >= 0.25 and (kink is None or x > kink))


def conditioned(dtype: Any = np.float64) -> SearchStrategy[Any]:
    """Single numbers fit for differentiation: 1/4 <= |x| <= 4, shrinking to 1.

    Complex dtypes get such a real and such an imaginary part.

    >>> from hypothesis import find
    >>> find(conditioned(), lambda x: x != int(x))
    0.5
    """
    return _numbers(dtype, _moderate(None))


def edge(
    dtype: Any = np.float64, *, infinite: bool = False, nan: bool = False
) -> SearchStrategy[Any]:
    """Single numbers at the edges of a dtype, among ordinary ones: to be passed as `elements`.

    Args:
        dtype: a real floating dtype.
        infinite: whether inf and -inf are drawn too.
        nan: whether NaN is drawn too.

    The edges: 0, -0.0, +-1, the smallest subnormal, the smallest normal number, the largest one,
    eps, and the numbers beside 1.

    >>> from hypothesis import find
    >>> find(edge(np.float32), lambda x: 0 < x < 1e-40)
    np.float32(1e-45)
    """
    kind = drawn_floats(lambda strategy: strategy, dtype).type
    info = np.finfo(kind)
    sizes = [
        kind(0), kind(1), info.eps, info.max, info.tiny, info.smallest_subnormal,
        np.nextafter(kind(1), kind(2)), np.nextafter(kind(1), kind(0)),
    ]  # fmt: skip
    sizes += [kind(np.inf)] * infinite
    edges = [sign * x for x in sizes for sign in (kind(1), kind(-1))] + [kind(np.nan)] * nan
    ordinary = hnp.from_dtype(np.dtype(kind), allow_nan=nan, allow_infinity=infinite)
    return st.sampled_from(edges) | ordinary


def arrays(
    shape: Shape = None, dtype: Any = np.float64, elements: SearchStrategy[Any] | None = None
) -> SearchStrategy[Any]:
    """Arrays to differentiate at: distinct `conditioned` numbers, or any elements.

    Args:
        shape: an int, a tuple, or a strategy of tuples; by default one to three axes of up to 4.
        dtype: a floating or complex dtype, or a strategy of them.
        elements: a strategy of entries, for example `edge()`; they may then be equal.

    Raises:
        ShapeError: (when drawn) the shape has more entries than there are distinct numbers, 962.
        DTypeError: (when drawn) the dtype is neither, and no elements were given.

    >>> from hypothesis import find
    >>> find(arrays(), lambda x: x.size > 2)
    array([ 1., -1.,  2.])
    >>> find(arrays(2, elements=edge(infinite=True)), lambda x: np.isinf(x).any())
    array([ 0., inf])
    """
    return _arrays(shape, dtype, elements)


@composite
def _arrays(draw: Draw, shape: Shape, dtype: Any, elements: Any) -> Any:
    sides = drawn_shape(draw, shape, shapes())
    if elements is None:
        return draw(distinct(sides, drawn_floats(draw, dtype, "fc"), _moderate(None)))
    return draw(filled(sides, drawn(draw, dtype), elements))


def positive(shape: Shape = None, dtype: Any = np.float64) -> SearchStrategy[Any]:
    """Arrays of distinct numbers from 1/4 to 4, for logarithms and roots.

    Arguments and errors as `arrays`, with 481 entries at most, and real.

    >>> from hypothesis import find
    >>> find(positive(), lambda x: x.size > 1)
    array([1., 2.])
    """
    return _chosen(shape, dtype, _moderate(0.0))


def away_from(
    kinks: float | Iterable[float],
    distance: float = 2.0**-5,
    shape: Shape = None,
    dtype: Any = np.float64,
    *,
    largest: float = 4.0,
) -> SearchStrategy[Any]:
    """Arrays whose entries keep a distance from kinks and from each other.

    Without a shape, there are at most 4 entries if so few numbers are left that more might not fit.

    Args:
        kinks: where not to be, for example 0 for relu, or the ends of a clip; [] for max.
        distance: how far away at least.
        shape: as of `arrays`.
        dtype: as of `arrays`, real.
        largest: the entries lie within +-largest.

    Raises:
        Error: the distance is not positive.
        ShapeError: (when drawn) a shape has more entries than there are such numbers.

    >>> from hypothesis import find
    >>> find(away_from(0.0), lambda x: True)
    array([1.])
    >>> find(away_from([0.0, 1.0], 0.5), lambda x: x.size > 1)
    array([-1.,  2.])
    """
    number("distance", distance, it="a positive distance")
    number("largest", largest, "a number above 0")
    if not distance > 0:
        raise OptionError(
            f"distance={distance}",
            "at a kink there is no derivative, and near it no numerical one",
            "pass a positive distance, or arrays(elements=...) to meet the kinks",
        )
    step = 2.0 ** float(np.ceil(np.log2(distance)))
    points = np.array([*kinks] if isinstance(kinks, Iterable) else [kinks], dtype=np.float64)
    numbers = tuple(x for x in grid(step, largest) if np.all(np.abs(x - points) >= distance))
    return _chosen(shape, dtype, numbers)


@composite
def _chosen(draw: Draw, shape: Shape, dtype: Any, numbers: tuple[float, ...]) -> Any:
    few = hnp.array_shapes(max_dims=1, max_side=max(1, min(len(numbers), 4)))
    default = shapes() if len(numbers) >= 4**3 else few
    sides = drawn_shape(draw, shape, default)
    return draw(distinct(sides, drawn_floats(draw, dtype), numbers))
