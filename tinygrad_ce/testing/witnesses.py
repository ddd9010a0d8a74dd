"""Numerical derivatives that know how wrong they may be: what a gradient is held against.

A function of trees of arrays is taken as a function of one vector (`Vector`). `jacobian` measures
its derivatives, one entry of the arguments after the other:

- by complex steps (Squire and Trapp 1998), `Im f(x + ih) / h`, exact to rounding, where f carries
  complex numbers faithfully, which is tried out;
- or by differences of 50 digits, where mpmath is installed and f takes arrays of such numbers;
- otherwise by central differences with Richardson's extrapolation in Ridders' form (1982), which
  takes for each entry the step with the smallest error estimate.

Beside the value it gives the derivatives from the left and from the right where they differ.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import DTypeError, Error
from tinygrad_ce.tensor import Tensor, tensor
from tinygrad_ce.testing.digits import Digits, as_digits, as_floats, is_there
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["Leaf", "Measured", "Vector", "jacobian", "plain"]

RATIO, LEVELS = 4.0, 6  # of the steps of the differences
FIRST = 2.0**-6
IMAGINARY = 2.0**-100
ROUNDING = 8.0  # ulp that a value of f may be off
NUDGES = 3  # evaluations that show what ulps of the arguments change


def plain(x: Any) -> Any:
    """The values of an array, a Tensor, or another system's array, without gradient."""
    return np.asarray(x.value if isinstance(x, Tensor) else x)


@dataclass(frozen=True)
class Leaf:
    """One array among the arguments or results: how it is called, and where it is in the vector."""

    label: str
    values: NDArray[Any]
    start: int
    size: int  # real numbers in it: a complex entry has two

    @property
    def part(self) -> slice:
        return slice(self.start, self.start + self.size)


class Vector:
    """A function of arrays or trees of arrays as one of a real vector.

    `extent` is the size of the arguments, to know their rounding where they are 0.
    f is called with arrays; with Tensors that carry no gradient if it uses methods of Tensors.

    Raises:
        Error: nothing of the arguments named by argnums can be differentiated by.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: tuple[int, ...],
        extent: float = 0.0,
    ) -> None:
        self.f, self.args, self.extent = f, args, extent
        self.leaves: list[Leaf] = []
        self.trees = []
        names = argument_names(f, len(args))
        start = 0
        for number in argnums:
            values, structure = flatten(args[number])
            mine = []
            for path, value in zip(paths(args[number]), values, strict=True):
                array = plain(value)
                if array.dtype.kind not in "fc":
                    raise DTypeError(
                        f"{names[number]}{path} has dtype {array.dtype}",
                        "gradients exist by floating-point numbers, real or complex",
                        "pass floats, or leave the argument out of argnums",
                    )
                size = array.size * (2 if array.dtype.kind == "c" else 1)
                mine.append(Leaf(f"{names[number]}{path}", array, start, size))
                start += size
            self.leaves += mine
            self.trees.append((number, mine, structure))
        if not start:
            raise Error(
                "there is nothing to differentiate by",
                "a gradient check needs at least one number among the arguments",
                "pass arrays of floats, or other argnums",
            )
        self.x = np.concatenate([_reals(leaf.values) for leaf in self.leaves])
        self.evaluations = 0
        self.wraps = False
        try:
            result = self._call(self.x)
        except AttributeError as error:  # f calls a method that Tensors have and arrays have not
            if not (
                isinstance(error.obj, np.ndarray | np.generic) and hasattr(Tensor, error.name or "")
            ):
                raise
            self.wraps = True
            result = self._call(self.x)
        self.outputs = self._results(result)
        self.structure = flatten(result)[1]
        if not self.outputs:
            raise Error(
                f"f returned {result!r:.40}", "a gradient is that of a result",
                "return what is to be differentiated",
            )  # fmt: skip
        if any(y.dtype.kind == "c" for _, y in self.outputs):
            raise DTypeError(
                "f returned complex numbers",
                "a gradient is that of a real result",
                "check np.real of it and np.imag of it",
            )
        self.y = np.concatenate([np.ravel(y).astype(np.float64) for _, y in self.outputs])
        kinds = [y.dtype for _, y in self.outputs if y.dtype.kind == "f"]
        self.eps = max((float(np.finfo(kind).eps) for kind in kinds), default=0.0) or 2.0**-52
        self.near = [self.nudged(self.x, seed) for seed in range(NUDGES)]
        self.noise = self._noise()

    def _call(self, x: NDArray[Any]) -> Any:
        self.evaluations += 1
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return self.f(*self.arguments(x))

    def arguments(self, x: NDArray[Any]) -> tuple[Any, ...]:
        """The arguments of f with the numbers of the vector in their places."""
        full = list(self.args)
        for number, leaves, structure in self.trees:
            full[number] = structure.build([self._shaped(x[leaf.part], leaf) for leaf in leaves])
        return tuple(full)

    def neighbours(self) -> list[tuple[Any, ...]]:
        """The arguments changed by some ulp of their own dtypes."""
        eps = [np.full(leaf.size, np.finfo(leaf.values.dtype).eps) for leaf in self.leaves]
        points = [self.nudged(self.x, seed, np.concatenate(eps)) for seed in range(NUDGES)]
        return [
            tuple(
                map_tree(_in_dtype_of, old, new) for old, new in zip(self.args, self.arguments(x))
            )
            for x in points
        ]

    def around(self) -> list[Vector]:
        """The function at points close by, where its derivatives are about the same."""
        found = []
        for seed in range(2 * NUDGES):
            x = self.nudged(self.x, seed, 2.0**-12)
            args = tuple(
                map_tree(_in_dtype_of, old, new) for old, new in zip(self.args, self.arguments(x))
            )
            found.append(Vector(self.f, args, tuple(t[0] for t in self.trees), self.extent))
        return found

    def _noise(self) -> NDArray[Any]:
        """How far off the values may be: what ulps of the arguments change, or some of their own.

        Cancellation within f shows in the first, unless all of it rounds away: so the arguments'
        own size, up to 1, counts as a number in f.
        """
        with np.errstate(invalid="ignore"):
            changes = [np.abs(self(x) - self.y) for x in self.near]
        measured = np.max([np.where(np.isfinite(c), c, 0) for c in changes], axis=0)
        inside = np.maximum(np.abs(self.y), min(1.0, float(np.max(np.abs(self.x)))))
        noise: NDArray[Any] = np.maximum(ROUNDING * self.eps * inside, 2 * measured)
        return noise

    def nudged(self, x: NDArray[Any], seed: int, eps: Any = 2.0**-52) -> NDArray[Any]:
        """The same up to rounding."""
        ulps = np.random.default_rng(seed).choice([-1, 1, 2], x.size)
        moved: NDArray[Any] = x + eps * (x + self.extent) * ulps
        return moved

    def _shaped(self, part: NDArray[Any], leaf: Leaf) -> Any:
        if leaf.values.dtype.kind == "c":
            part = part[: leaf.values.size] + 1j * part[leaf.values.size :]
        values = np.reshape(part, leaf.values.shape)[()] if leaf.values.ndim else part[0]
        return tensor(values) if self.wraps else values

    def _results(self, result: Any) -> list[tuple[str, NDArray[Any]]]:
        values, _ = flatten(result)
        labels = paths(result)
        return [(path.lstrip("."), plain(v)) for path, v in zip(labels, values, strict=True)]

    def __call__(self, x: NDArray[Any]) -> NDArray[Any]:
        """All results as one vector, complex where x is."""
        try:
            parts = [np.ravel(y) for _, y in self._results(self._call(x))]
        except (ArithmeticError, ValueError):
            if x.dtype.kind != "f":
                raise
            return np.full(self.y.shape, np.nan)  # beyond the end of what f takes
        found = np.concatenate(parts)
        if found.shape != self.y.shape:
            raise Error(
                f"f returned {found.size} numbers, and {self.y.size} before",
                "a derivative needs results of a fixed shape",
                "keep shapes from depending on values",
            )
        return found if found.dtype.kind in "cO" else found.astype(np.float64)


def _in_dtype_of(old: Any, new: Any) -> Any:
    array = plain(old)
    return plain(new).astype(array.dtype)[()] if array.dtype.kind in "fc" else old


def argument_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of f's arguments, as far as they are known."""
    try:
        known = [
            p.name for p in signature(f).parameters.values()
            if p.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        ]  # fmt: skip
    except (TypeError, ValueError):
        known = []
    return [known[i] if i < len(known) else f"argument {i}" for i in range(count)]


def paths(tree: Any, head: str = "") -> list[str]:
    """Where the leaves of a tree are, from left to right: `['w']`, `[0]`, `.bias`.

    >>> paths({"w": 1.0, "b": [2.0, 3.0]})
    ["['w']", "['b'][0]", "['b'][1]"]
    """
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [p for key, item in tree.items() for p in paths(item, f"{head}[{key!r}]")]
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return [p for name in tree._fields for p in paths(getattr(tree, name), f"{head}.{name}")]
    if isinstance(tree, list | tuple):
        return [p for i, item in enumerate(tree) for p in paths(item, f"{head}[{i}]")]
    names = getattr(tree, "__dataclass_fields__", None)
    if names is not None and not isinstance(tree, type):
        return [p for name in names for p in paths(getattr(tree, name), f"{head}.{name}")]
    return [head]


def _reals(values: NDArray[Any]) -> NDArray[Any]:
    flat = np.ravel(values)
    parts = [flat.real, flat.imag] if flat.dtype.kind == "c" else [flat]
    return np.concatenate(parts).astype(np.float64)


@dataclass(frozen=True)
class Measured:
    """The derivatives of a vector function, results by arguments.

    Attributes:
        value: the derivatives.
        error: how far off each may be, by the method's own estimate.
        left, right: the one-sided derivatives.
        kink: where these differ.
        method: how they were measured.
        evaluations: how often f was called.
    """

    value: NDArray[Any]
    error: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    kink: NDArray[Any]
    method: str
    evaluations: int


def jacobian(f: Vector, announce: float = 5.0) -> Measured:
    """All derivatives of f at its point.

    Args:
        f: the function.
        announce: seconds from which on a run says on stderr how long it will take.
    """
    with np.errstate(all="ignore"):
        return _jacobian(f, announce)


def _jacobian(f: Vector, announce: float) -> Measured:
    tried = ((_complex_column, _is_faithful), (_digits_column, _takes_digits))
    steps = (step for step, takes in tried if takes(f))  # asked one after the other: it takes time
    for step in chain(steps, [_difference_column]):
        columns = [step(f, j) for j in _progress(f, announce)]
        value, error, left, right, kink = (np.stack(c, axis=1) for c in zip(*columns, strict=True))
        if step is _difference_column:
            break
        # A function may lose the imaginary part at some entries only: the differences decide.
        smooth = ~kink & np.isfinite(left) & np.isfinite(right)
        size = np.abs(left) + np.abs(right) + np.abs(value)
        noise = f.noise[:, None] / np.maximum(np.abs(f.x), 1.0) * 2.0**24
        apart = np.abs(value - (left + right) / 2) > 1e-3 * size + noise
        if not np.any(apart & smooth):
            break
    method = METHODS[step]
    return Measured(value, error, left, right, kink, method, f.evaluations)


def _progress(f: Vector, announce: float) -> Any:
    """The entries one after the other; what takes long says so."""
    n = f.x.size
    began = time.perf_counter()
    told = False
    for j in range(n):
        yield j
        spent = time.perf_counter() - began
        if j == 9 and n > 10 and spent / 10 * n > announce:
            told = True
            print(f"gradient check: {n} entries, about {spent / 10 * n:.0f} s", file=sys.stderr)
        if told and sys.stderr.isatty():
            print(f"\r{j + 1} of {n}", end="\n" if j == n - 1 else "", file=sys.stderr)


def _is_faithful(f: Vector) -> bool:
    """Whether f takes complex numbers, and answers real ones among them as it does otherwise."""
    if any(leaf.values.dtype.kind == "c" for leaf in f.leaves):
        return False
    try:
        with warnings.catch_warnings(action="error", category=np.exceptions.ComplexWarning):
            y = f(f.x.astype(complex))
    except Exception:
        return False
    if y.dtype.kind != "c":
        return False
    return bool(np.allclose(y.real, f.y, rtol=1e-9, atol=1e-12, equal_nan=True))


Column = tuple[NDArray[Any], ...]


def _moved(f: Vector, j: int, h: Any) -> NDArray[Any]:
    x = f.x.astype(np.result_type(f.x, h))
    x[j] += h
    return f(x)


def _takes_digits(f: Vector) -> bool:
    """Whether f takes numbers of 50 digits, and answers them with its own values."""
    if any(leaf.values.dtype.kind == "c" for leaf in f.leaves) or f.wraps or not is_there():
        return False
    try:
        y = f(as_digits(f.x))
        values = as_floats(y)
    except Exception:
        return False
    some = any(isinstance(v, Digits) for v in y.ravel()) if y.dtype == object else False
    return some and bool(np.allclose(values, f.y, rtol=1e-6, atol=1e-9, equal_nan=True))


def _digits_column(f: Vector, j: int) -> Column:
    """Central differences of 50 digits; a step of 1e-15 errs by some 1e-30 where f is smooth."""
    found = []
    for h in ("1e-15", "1e-17"):
        ahead, behind = as_digits(f.x), as_digits(f.x)
        ahead[j], behind[j] = ahead[j] + Digits(h), behind[j] - Digits(h)
        found.append((f(ahead) - f(behind)) / Digits(f"2{h[1:]}"))
    value = as_floats(found[0])
    left, right, kink = _sides(f, j)
    error = 4 * 2.0**-52 * np.abs(value) + np.abs(as_floats(found[0] - found[1]))
    return value, error, left, right, kink


def _complex_column(f: Vector, j: int) -> Column:
    """Im f(x + ih) / h; what a change of x by some ulp changes is its error."""
    value = _moved(f, j, 1j * IMAGINARY).imag / IMAGINARY
    changed = np.zeros(value.shape)
    for near in f.near:
        x = near.astype(complex)
        x[j] += 1j * IMAGINARY
        changed = np.maximum(changed, np.abs(f(x).imag / IMAGINARY - value))
    error = 16 * f.eps * np.abs(value) + 2 * changed
    return value, error, *_sides(f, j)


def _sides(f: Vector, j: int) -> Column:
    """The one-sided derivatives, and where they do not meet as the step shrinks.

    What looks like a kink or an edge within steps of size 1 may be one near x only: steps of the
    size of x decide, as far as the rounding of f lets them.
    """
    size = abs(f.x[j])
    left, right, kink, _ = _one_sided(f, j, max(size, 1.0))
    if 0 < size < 1 and not (np.all(np.isfinite(left + right)) and not kink.any()):
        closer, near, bends, noise = _one_sided(f, j, size)
        clear = noise < 1e-3 * (np.abs(closer) + np.abs(near))
        use = np.isfinite(closer + near) & (~np.isfinite(left + right) | (kink & ~bends & clear))
        left, right = np.where(use, closer, left), np.where(use, near, right)
        kink = np.where(use, bends, kink)
    return left, right, kink


def _one_sided(f: Vector, j: int, size: float) -> Column:
    """Both derivatives, where they differ, and their noise; infinite where slopes have no limit."""
    sides = []
    for h in (2.0**-16 * size, 2.0**-20 * size):
        sides.append(((f.y - _moved(f, j, -h)) / h, (_moved(f, j, h) - f.y) / h))
    (far_left, far_right), (left, right) = sides
    noise = 4 * f.noise / h
    apart, wide = np.abs(right - left), np.abs(far_right - far_left)
    kink = (apart > 0.5 * wide) & (apart > noise + 1e-6 * (np.abs(left) + np.abs(right)))
    steep = np.maximum(np.abs(left), np.abs(right))
    jump = (steep > 3 * np.maximum(np.abs(far_left), np.abs(far_right))) & (steep > 2 * noise)
    if jump.any():  # does the slope go on growing as the step shrinks?
        h /= 16
        slopes = (np.abs(f.y - _moved(f, j, -h)) / h, np.abs(_moved(f, j, h) - f.y) / h)
        jump &= np.maximum(*slopes) > 3 * steep
    left, right = np.where(jump, np.inf, left), np.where(jump, np.inf, right)
    return left, right, kink & ~jump, noise


def _difference_column(f: Vector, j: int) -> Column:
    """Ridders' tableau of central differences, for steps of x's size and of size 1."""
    best = np.full(f.y.shape, np.nan)
    least = np.full(f.y.shape, np.inf)
    size = abs(f.x[j])
    for first in sorted({FIRST * max(size, 1.0), FIRST * size} - {0.0}):
        tableau: list[list[NDArray[Any]]] = []
        for level in range(LEVELS):
            h = first / RATIO**level
            a, b = _moved(f, j, h), _moved(f, j, -h)
            row = [(a - b) / ((f.x[j] + h) - (f.x[j] - h))]
            noise = ROUNDING * f.eps * np.maximum(np.abs(a), np.abs(b)) / h + f.noise / h
            for k in range(1, level + 1):
                weight = RATIO ** (2 * k)
                row.append((weight * row[k - 1] - tableau[-1][k - 1]) / (weight - 1))
                error = np.maximum(np.abs(row[k] - row[k - 1]), np.abs(row[k] - tableau[-1][k - 1]))
                error = np.where(np.isfinite(error), error + noise, np.inf)
                better = error < least
                best, least = np.where(better, row[k], best), np.where(better, error, least)
            tableau.append(row)
    return best, least, *_sides(f, j)


METHODS: dict[Any, str] = {
    _complex_column: "complex step",
    _digits_column: "differences of 50 digits",
    _difference_column: "central differences",
}
