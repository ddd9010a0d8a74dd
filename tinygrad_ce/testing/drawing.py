"""Hypothesis, imported when something is drawn: to import the strategies it need not be installed.

That also lets Hypothesis import `entry` while it is itself half imported.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from tinygrad_ce.optional import Library

if TYPE_CHECKING:
    import hypothesis
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp
    from hypothesis.strategies import SearchStrategy
else:
    hypothesis, st, hnp = (
        Library(module, "Hypothesis", "it draws the inputs of property-based tests", "testing")
        for module in ("hypothesis", "hypothesis.strategies", "hypothesis.extra.numpy")
    )
    SearchStrategy = Any

__all__ = ["Draw", "SearchStrategy", "composite", "hnp", "hypothesis", "is_strategy", "st"]

Draw = Callable[["SearchStrategy[Any]"], Any]
P = ParamSpec("P")


def composite(f: Callable[Concatenate[Draw, P], Any]) -> Callable[P, SearchStrategy[Any]]:
    """Hypothesis's `composite`, asked for at the first call."""

    @cache
    def made() -> Any:
        return st.composite(f)

    @wraps(f)
    def strategy(*args: P.args, **kwargs: P.kwargs) -> Any:
        return made()(*args, **kwargs)

    return strategy


def is_strategy(x: Any) -> bool:
    return isinstance(x, st.SearchStrategy)
