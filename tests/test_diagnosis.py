"""Planted mistakes of real formulas get their diagnosis; unrelated numbers get none."""

import re
from dataclasses import replace

import numpy as np
import pytest
from mistakes import CASES, SQUARE, A, compare, said, squares, wave

from tinygrad_ce.testing.diagnosis import SUSPICIONS, Comparison, diagnose


@pytest.mark.parametrize("name", CASES)
def test_a_planted_mistake_is_named(name: str) -> None:
    f, mistake, xs, expected = CASES[name]
    sentence = said(f, mistake, *xs)
    assert sentence is not None
    assert re.search(expected, sentence), sentence


def test_every_suspicion_has_a_planted_mistake() -> None:
    fired = set()
    for f, mistake, xs, _ in CASES.values():
        c = compare(f, *xs)[0]
        c = replace(c, found=np.asarray(mistake(c.expected), float))
        with np.errstate(all="ignore"):
            fired.add(next(suspicion for suspicion in SUSPICIONS if suspicion(c)))
    assert {s.__name__ for s in SUSPICIONS} - {s.__name__ for s in fired} == {"swapped"}


def test_two_arguments_are_swapped() -> None:
    p, t = compare(lambda x, t: np.sum(np.sin(x) * np.cos(2 * t)), A, A[::-1] + 1)
    other = replace(t, found=p.expected)
    wrong = replace(p, found=t.expected, siblings=(other,))
    assert diagnose(wrong) == "The gradient by x is the gradient by t: the two are swapped."
    alone = replace(p, found=t.expected, siblings=(t,))
    assert diagnose(alone) == "The gradient by x is the gradient by t."


def test_the_transpose_of_the_other_gradient_of_a_product() -> None:
    x, t = compare(lambda x, t: np.sum(np.sin(x @ t)), SQUARE, SQUARE + 1)
    found = diagnose(replace(x, found=t.expected.T))
    assert found == "The gradient by x is the transpose of the gradient by t."


def test_a_named_result_is_named() -> None:
    c = replace(compare(squares, A)[0], result="loss")
    found = diagnose(replace(c, found=-c.expected))
    assert found == "The gradient of loss by x has the wrong sign, its size is right."


def test_a_right_gradient_has_no_diagnosis() -> None:
    assert diagnose(compare(wave, A)[0]) is None


def test_what_is_not_judged_does_not_count() -> None:
    c = compare(wave, A)[0]
    found, judged = 2 * c.expected, np.arange(6) != 3
    found[3] = np.nan
    sentence = diagnose(replace(c, found=found, judged=judged))
    assert sentence is not None
    assert "2.000 times too large" in sentence


def test_a_wide_tolerance_gives_no_digits() -> None:
    """With a tolerance of 10 % nearly any factor would do."""
    c = compare(wave, A)[0]
    tolerance = 0.1 * np.abs(c.expected)
    found = c.expected * (1.4 + 0.02 * np.cos(A * 9))
    assert diagnose(replace(c, found=found, tolerance=tolerance)) is None


def test_float32_tolerances_still_tell() -> None:
    c = compare(lambda x: np.sum(np.log(x)), np.linspace(0.2, 3, 12))[0]
    single = replace(c, tolerance=3e-5 * np.abs(c.expected))
    sentence = diagnose(replace(single, found=np.ones(12, np.float32)))
    assert sentence is not None
    assert "lacks the factor 1 / x" in sentence


@pytest.mark.parametrize("found", [3.7, -0.2, 1.9])
def test_one_number_shows_no_arbitrary_factor(found: float) -> None:
    c = compare(lambda x: np.sin(x * x), 1.3)[0]
    assert diagnose(replace(c, found=np.asarray(found))) is None


def test_a_plain_number_shows_no_function() -> None:
    """At x = 3 a missing x and a missing 3 cannot be told apart."""
    c = compare(lambda x: 5 * x, 3.0)[0]
    assert diagnose(replace(c, found=c.expected * 3)) == (
        "The gradient by x is 3.000 times too large, as if the 1/3 before a cube were missing."
    )
    assert diagnose(replace(c, found=c.expected * 9)) is None


def test_whole_numbers_of_the_same_kind_are_no_permutation() -> None:
    """The gradient of |x| has values -1 and 1: nothing shows an order."""
    c = compare(lambda x: np.sum(np.abs(x)), A)[0]
    assert diagnose(replace(c, found=np.array([-1.0, 1, 1, 1, 1, -1]))) is None


def test_large_jacobians_take_no_minutes() -> None:
    n = 300
    e = np.random.default_rng(1).normal(size=(n, n))
    x = np.linspace(0.1, 2, n)
    c = Comparison("x", x, "", e @ x, e, e * np.sin(e), 1e-10 * np.abs(e), np.full(e.shape, True))
    assert diagnose(c) is None
