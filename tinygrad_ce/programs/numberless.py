"""What stands for a value that is not known yet, and what it cannot be asked for: its numbers."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.program import Value
from tinygrad_ce.programs.refusals import refuse

__all__ = ["Known", "Numberless"]


class Known:
    """What stands for a Value while the program is written down."""

    __slots__ = ("example", "tape", "variable")

    def __init__(self, tape: Any, variable: Value, example: Any) -> None:
        self.tape, self.variable, self.example = tape, variable, example


class Numberless(Known):
    """An array without numbers: whatever would depend on them is refused."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.variable.shape

    @property
    def size(self) -> int:
        return self.variable.size

    def __bool__(self) -> bool:
        if self.size == 1 or not self.shape:
            refuse(
                f"the program branches on {self!r}, as `if x > 0` does",
                "a compiled program takes the same way at every call",
                "use np.where(condition, a, b), pass what decides as a static argument "
                "(static_argnums), or call the function without compiling it",
            )
        raise ValueError("the truth value of an array with several entries is ambiguous")

    def __float__(self) -> float:
        _no_number(
            self, "float()",
            "NumPy's functions instead of math's, np.stack or tg.set_at to put it into an array",
        )  # fmt: skip

    def __int__(self) -> int:
        _no_number(self, "int()", "astype(int), or pass it as a static argument (static_argnums)")

    def __complex__(self) -> complex:
        _no_number(self, "complex()", "astype(complex)")

    def __index__(self) -> int:
        _no_number(
            self, "a length, a place or a count", "a static argument (static_argnums) for it"
        )

    def __format__(self, how: str) -> str:
        if how:
            _no_number(self, f"a text by the format {how!r}", "tg.debug_print(format, x)")
        return repr(self)

    def item(self, *index: int) -> Any:
        _no_number(self, ".item()", "the array itself, and .item() on what the program returns")

    def tolist(self) -> Any:
        _no_number(self, ".tolist()", "the array itself")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        _no_number(
            self, "a plain array, as np.asarray does or an assignment into one",
            "it as it is, np.stack and np.concatenate to join arrays, and tg.set_at for entries; "
            "to read entries of a constant array, pass that array as an argument",
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        weak = self.variable.weak
        if weak is not None and not name.startswith("_") and hasattr(weak, name):
            _no_number(self, f".{name}", "NumPy's functions, or pass it as a static argument")
        if not name.startswith("_") and hasattr(np.ndarray, name):
            refuse(
                f".{name} of an array was asked for",
                "it reaches into memory, which a program that is written down has not got yet",
                "use a function of NumPy's",
            )
        raise AttributeError(f"an array has no attribute {name!r}")


def _no_number(x: Known, found: str, remedy: str) -> NoReturn:
    x.tape.refused = TraceError(
        f"{found} was asked of {x!r}",
        "its numbers are known when the program runs, not while it is written down",
        f"use {remedy}",
    )
    raise x.tape.refused
