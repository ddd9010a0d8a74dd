"""Where a program runs: in NumPy, or under the name of another library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_ce.errors import MissingError
from tinygrad_ce.options import one_of
from tinygrad_ce.programs.effects import LookAgain
from tinygrad_ce.programs.elsewhere import Library, elsewhere
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.jax_arrays import Jax
from tinygrad_ce.programs.lower import lower
from tinygrad_ce.programs.plan import planned
from tinygrad_ce.programs.program import Program
from tinygrad_ce.programs.tiles import tiled
from tinygrad_ce.programs.torch_arrays import Torch

__all__ = ["BACKENDS", "executing", "library_of"]

_LIBRARIES: dict[str, Callable[[], Library]] = {"jax": Jax, "torch": Torch}
BACKENDS = ("numpy", *_LIBRARIES)


def library_of(backend: str) -> Library | None:
    """The library of a backend's name, None for NumPy.

    Raises:
        OptionError: there is none of that name.
        MissingError: it is not installed.

    >>> library_of("numpy") is None
    True
    """
    if backend == "numpy":
        return None
    one_of("backend", backend, BACKENDS)
    try:
        return _LIBRARIES[backend]()
    except ImportError as error:
        raise MissingError(
            f"backend={backend!r} was asked for, and {backend} is not installed",
            "it is an extra of this package",
            f"pip install 'tinygrad_ce[{backend}]'",
        ) from error


def executing(program: Program, library: Library | None) -> Callable[..., tuple[Any, ...]]:
    """The program as a function that returns a tuple."""
    if library is not None:
        return elsewhere(program, library)
    quick = planned(tiled(lower(program)))
    repeatable = not any(line.results and line.effect for line in program.lines)
    return _Careful(quick, program) if repeatable else quick


class _Careful:
    """A program that is run without short ways where these came to a nan."""

    def __init__(self, quick: Callable[..., Any], program: Program) -> None:
        self.quick, self.program = quick, program
        self.exact: Callable[..., Any] | None = None
        self.failures = 0  # of the quick one, in a row

    def __call__(self, *inputs: Any) -> tuple[Any, ...]:
        if self.failures < _PATIENCE:
            try:
                found = self.quick(*inputs)
            except LookAgain:
                self.failures += 1
            except Exception:
                pass  # the exact one raises it again, if it is no short way's
            else:
                self.failures = 0
                return found  # type: ignore[no-any-return]
        if self.exact is None:
            self.exact = executable(self.program)
        found = self.exact(*inputs)
        return found if len(self.program.outputs) != 1 else (found,)


_PATIENCE = 8
