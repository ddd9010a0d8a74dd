"""A rule put into the table of the working engine, for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tinygrad_ce.rules.kinds import Rule, Rules
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.tensor import _BINARY, _UNARY, _binary, _unary

__all__ = ["planted"]


@contextmanager
def planted(function: Callable[..., Any], operand: int, rule: Rule) -> Iterator[None]:
    """The engine with `rule` as that of one operand; afterwards it is as it was.

    >>> import numpy as np
    >>> import tinygrad_ce as tg
    >>> with planted(np.exp, 0, lambda g, y, x: 7 * g):
    ...     tg.grad(np.exp)(0.0)
    np.float64(7.0)
    >>> tg.grad(np.exp)(0.0)
    np.float64(1.0)
    """
    primitive = TABLE[function]
    before = primitive.rules, primitive.alone
    primitive.rules, primitive.alone = (_with(rules, operand, rule) for rules in before)
    try:
        with _short_ways(function):
            yield
    finally:
        primitive.rules, primitive.alone = before


def _with(rules: Rules, operand: int, rule: Rule) -> Rules:
    return (*rules[:operand], rule, *rules[operand + 1 :])


@contextmanager
def _short_ways(function: Any) -> Iterator[None]:
    """The arithmetic functions' short ways hold their rules, so they are built again."""
    ways: tuple[tuple[dict[Any, Any], Any], ...] = ((_UNARY, _unary), (_BINARY, _binary))
    for table, build in ways:
        if function in table:
            before = table[function]
            table[function] = build(function)
            try:
                yield
            finally:
                table[function] = before
            return
    yield
