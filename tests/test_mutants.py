"""Errors planted into the rules are noticed: some of all that `python tests/mutants.py` plants."""

from typing import Any

import pytest
from cases import Case
from mutants import (
    EXAMPLES,
    KINDS,
    SCIPYS,
    Mutant,
    Witness,
    mutants,
    outcome,
    planted,
    points,
    sample,
)

from tinygrad_ce.rules.table import BUILT_IN, TABLE
from tinygrad_ce.tensor import _BINARY, _UNARY
from tinygrad_ce.testing import gradcheck

WITNESS = Witness()


@pytest.mark.parametrize("mutant", sample(60), ids=str)
def test_gradcheck_catches(mutant: Mutant) -> None:
    assert outcome(mutant, WITNESS).verdict in ("caught", "equivalent")


def test_every_rule_of_the_table_has_mutants() -> None:
    ruled = {f for f in (*BUILT_IN, *SCIPYS) if TABLE[f].each or any(TABLE[f].rules)}
    assert {TABLE[mutant.function].name for mutant in mutants()} == {TABLE[f].name for f in ruled}
    assert {mutant.kind for mutant in mutants()} == set(KINDS)


def test_the_table_is_as_before_after_an_error() -> None:
    def state() -> list[object]:
        held = [(p.rules, p.alone, p.each and p.each.rule) for p in TABLE.values()]
        return [*held, dict(_UNARY), dict(_BINARY)]

    before = state()
    for mutant in (mutants()[0], next(m for m in mutants() if m.part == "each")):
        with planted(mutant):
            assert state() != before
        assert state() == before
        with pytest.raises(ZeroDivisionError), planted(mutant):
            raise ZeroDivisionError
        assert state() == before


def choice_points() -> list[Any]:
    """Points beside the examples, where rules choose: an error planted there is no false alarm."""
    return [case for f in EXAMPLES for case in points(f)[len(EXAMPLES[f]) :]]


@pytest.mark.parametrize("case", choice_points())
def test_right_rules_are_right_where_they_choose(case: Case) -> None:
    assert gradcheck(case.f, *case.arguments())


@pytest.mark.parametrize("f", list(EXAMPLES)[::7], ids=lambda f: TABLE[f].name)
def test_right_rules_are_right(f: Any) -> None:
    assert gradcheck(EXAMPLES[f][0].f, *EXAMPLES[f][0].arguments()).verdict == "right"
