"""A function of trees of arrays, taken as one of a real vector: what derivatives are measured of.

`Vector(f, args, argnums)` calls f with the numbers of a vector in their places, knows which of them
belong to which array (`Leaf`), of which size they are, and how far off its values may be.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import DTypeError, Error
from tinygrad_ce.tensor import Tensor, tensor
from tinygrad_ce.testing.labels import argument_names, paths
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["ROUNDING", "Leaf", "Vector", "plain"]

ROUNDING = 8.0  # ulp that a value of f may be off
SPACINGS = [2.0**-k for k in (10, 14, 18, 22, 26)]  # of values side by side, to hear noise


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
        self.sizes = np.concatenate([self._sizes(leaf) for leaf in self.leaves])
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
        self.same_again()
        self.grain = self._grain()
        with np.errstate(all="ignore"):
            self.signs = np.random.default_rng(0).choice([-1.0, 1.0], self.x.size)
            sizes = np.where(self.x == 0, self.extent, np.abs(self.x))
            self.near = [self.x + 2.0**-52 * k * self.signs * sizes for k in (1, 2, -1)]
            self.noise = self._noise()
        self.heard = False
        self.rough = np.zeros(self.y.shape)  # noise that was heard

    def same_again(self) -> None:
        """Whether f still returns the same.

        Raises:
            Error: it does not: it draws random numbers, or keeps something from call to call.
        """
        again = self(self.x)
        with np.errstate(invalid="ignore"):
            off = np.abs(again - self.y) > 64 * self.eps * np.abs(self.y)
        if np.any(off | (np.isnan(again) != np.isnan(self.y))):
            k = int(np.argmax(off | (np.isnan(again) != np.isnan(self.y))))
            raise Error(
                f"f returned {self.y[k]:.10g}, and {again[k]:.10g} for the same arguments",
                "only a function that returns the same for the same has a derivative",
                "draw random numbers outside of f and pass them in, or seed them in f; keep "
                "nothing from one call to the next",
            )

    def _sizes(self, leaf: Leaf) -> NDArray[Any]:
        """The size of each number; where it is 0 that of its array, or 1."""
        values = np.abs(_reals(leaf.values))
        finite = values[np.isfinite(values)]
        sizes = np.where(np.isfinite(values) & (values > 0), values, np.max(finite, initial=0))
        found: NDArray[Any] = np.where(sizes == 0, self.extent or 1.0, sizes)
        return found

    def _call(self, x: NDArray[Any]) -> Any:
        self.evaluations += 1
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
            return self.f(*self.arguments(x))

    def arguments(self, x: NDArray[Any]) -> tuple[Any, ...]:
        """The arguments of f with the numbers of the vector in their places."""
        full = list(self.args)
        for number, leaves, structure in self.trees:
            # Copied, as f may write into what it is given.
            own = [self._shaped(x[leaf.part].copy(), leaf) for leaf in leaves]
            full[number] = structure.build(own)
        return tuple(full)

    def at(self, x: NDArray[Any]) -> tuple[Any, ...]:
        """All arguments at another point, in their own dtypes."""
        return tuple(
            map_tree(_in_dtype_of, old, new) for old, new in zip(self.args, self.arguments(x))
        )

    def moved(self, j: int, h: Any) -> NDArray[Any]:
        """f where the number j is h further."""
        x = self.x.astype(np.result_type(self.x, h))
        x[j] += h
        return self(x)

    def _grain(self) -> float:
        """The precision in which f computes with the arguments' own dtypes, where it is coarser."""
        eps = max(float(np.finfo(leaf.values.dtype).eps) for leaf in self.leaves)
        if eps <= 2.0**-52 or self.wraps:
            return eps
        own = [np.ravel(y) for _, y in self._results(self.f(*self.at(self.x)))]
        with np.errstate(invalid="ignore"):
            off = np.abs(np.concatenate(own) - self.y) > 64 * 2.0**-52 * np.abs(self.y)
        return eps if off.any() else 0.0

    def _noise(self) -> NDArray[Any]:
        """How far off the values may be: some ulp, or what ulps of the arguments change.

        Both sides of the point are tried, and the lesser counts: on one there may be a jump.
        """
        changes = [np.abs(self(x) - self.y) for x in self.near]
        measured = 2 * np.fmin(np.maximum(*changes[:2]), changes[2])
        measured = np.where(np.isfinite(measured), measured, 0)
        return np.asarray(np.fmax(ROUNDING * self.eps * np.abs(self.y), measured))

    def listen(self) -> bool:
        """Hear noise that ulps do not show, as of what cancels within f: (x + 1e8) - 1e8, say.

        It takes many calls of f, so it is done where something is odd. Whether it was done now.
        """
        if self.heard:
            return False
        self.heard = True
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            rough = 4 * np.fmin(self._roughness(self.signs), self._roughness(-self.signs))
        self.rough = np.where(np.isfinite(rough), rough, 0)
        self.noise = np.fmax(self.noise, self.rough)
        return True

    def _roughness(self, signs: NDArray[Any]) -> NDArray[Any]:
        """Fourth differences (More and Wild 2011) that are about the same at two spacings.

        Those of a smooth function shrink 65536 times from one spacing to the next, those
        of a kink 16 times, those of a cube root 2.5 times; those of noise do not.
        """
        heard = []
        for spacing in SPACINGS:
            steps = [spacing * k * self.sizes * signs for k in range(1, 13)]
            differences = np.diff([self(self.x + step) for step in steps], 4, axis=0)
            heard.append(np.sqrt(np.mean(differences**2, axis=0) / 70))
        noise = np.zeros(self.y.shape)
        for wide, close in pairwise(heard):  # from wide to close
            ratio = wide / close
            smooth = (ratio > 2.0**14) & (ratio < 2.0**18)  # what seemed noise was a fast wave
            noise = np.where(smooth, 0, np.where(ratio <= 2.3, np.maximum(noise, wide), noise))
        return noise

    def _shaped(self, part: NDArray[Any], leaf: Leaf) -> Any:
        if leaf.values.dtype.kind == "c":
            part = part[: leaf.values.size] + 1j * part[leaf.values.size :]
        values = np.reshape(part, leaf.values.shape)[()] if leaf.values.ndim else part[0]
        return tensor(values) if self.wraps else values

    def _results(self, result: Any) -> list[tuple[str, NDArray[Any]]]:
        values, _ = flatten(result)
        labels = paths(result)
        # Copied, as f may return the same memory at each call.
        return [(path.lstrip("."), np.array(plain(v))) for path, v in zip(labels, values)]

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


def _reals(values: NDArray[Any]) -> NDArray[Any]:
    flat = np.ravel(values)
    parts = [flat.real, flat.imag] if flat.dtype.kind == "c" else [flat]
    return np.concatenate(parts).astype(np.float64)
