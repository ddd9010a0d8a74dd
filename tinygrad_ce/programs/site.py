"""What kernels ask of the plan that they write into."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from tinygrad_ce.programs.program import Program, Value

__all__ = ["Site"]


class Site(Protocol):
    """Where a kernel writes."""

    arrays: dict[Value, Any]

    def function(self, function: Any, name: str) -> str:
        """The name of a function."""

    def operand(self, x: Any, dtype: Any = None) -> str:
        """The name of an operand; a number becomes an array without axes, of this dtype."""

    def kept(self, x: Any) -> str:
        """The name of a constant array."""

    def derived(self, value: Value, text: str) -> str:
        """The name of a further view of a kept array."""

    def is_kept(self, value: Value) -> bool:
        """Whether a Value's array is known before the program runs."""

    def out(self, value: Value, in_place_of: Iterable[Any] = ()) -> str | None:
        """The name of the place for a result; None where it has to be fresh."""

    def fresh_name(self, value: Value) -> str:
        """The name of a Value whose array is made at this call."""

    def new(self, stem: str) -> str:
        """A name that is free."""

    def nested(self, program: Program, given: tuple[Value, ...]) -> str:
        """The name of a program's plan; it takes the places of results after its inputs."""

    def once(self, key: Any, make: Callable[[], str]) -> str:
        """The name that `make` gives to what it computes, the first time it is asked for."""

    def scratch(self, shape: tuple[int, ...], dtype: Any) -> str:
        """The name of an array that is of use for one statement."""

    def is_carried(self, value: Value) -> bool:
        """Whether a Value was written where the result of `less_at` belongs."""

    def do(self, row: str) -> None:
        """Add a statement."""
