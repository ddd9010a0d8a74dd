"""Errors planted into the rules are noticed: some of all that `python tests/mutants.py` plants."""

import pytest
from mutants import KINDS, Mutant, Witness, by_gradcheck, mutants, outcome, planted, points, sample

from examples import EXAMPLES
from tinygrad_ce.rules.table import BUILT_IN, TABLE
from tinygrad_ce.tensor import _BINARY, _UNARY

WITNESS = Witness()


@pytest.mark.parametrize("mutant", sample(60), ids=str)
def test_gradcheck_catches(mutant: Mutant) -> None:
    assert outcome(mutant, WITNESS).verdict in ("caught", "equivalent", "inert")


def test_every_rule_of_the_table_has_mutants() -> None:
    ruled = {f for f in BUILT_IN if TABLE[f].each or any(TABLE[f].rules)}
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


def test_a_rule_that_is_right_is_not_caught() -> None:
    cases = [points(f)[0] for f in list(EXAMPLES)[::10]]
    assert not any(by_gradcheck([case], WITNESS) for case in cases)
