"""How a gradient is wrong, in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

__all__ = ["Comparison", "diagnose"]


@dataclass(frozen=True)
class Comparison:
    """One result by one argument: the derivatives expected and found."""

    argument: str
    value: NDArray[Any]
    result: str
    output: NDArray[Any]
    expected: NDArray[Any]
    found: NDArray[Any]
    tolerance: NDArray[Any]
    judged: NDArray[Any]
    siblings: tuple[Comparison, ...]


def diagnose(c: Comparison) -> str | None:
    """One sentence, or None where nothing is recognised."""
    return None
