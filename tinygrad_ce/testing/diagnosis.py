"""How a gradient is wrong, in one sentence: `diagnose(comparison)`.

A table of suspicions, the most specific first. Each takes the comparison and returns a predicate
("has the wrong sign") where it explains the found numbers within their tolerance, None otherwise.
Nothing is guessed: what no suspicion explains stays without a diagnosis.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinygrad_ce.testing.comparison import Comparison, wrong
from tinygrad_ce.testing.suspicions.factors import chain_factor, overwritten, overwritten_once
from tinygrad_ce.testing.suspicions.orders import (
    diagonal,
    not_centred,
    permuted,
    softmax_as_elementwise,
    sorted_order,
    swapped,
    transposed,
)
from tinygrad_ce.testing.suspicions.places import only_there
from tinygrad_ce.testing.suspicions.shapes import wrong_shape
from tinygrad_ce.testing.suspicions.values import (
    constant_factor,
    extra_term,
    limited,
    lost_precision,
    not_finite,
    should_be_zero,
    softened,
    wrong_sign,
    zero,
)

__all__ = ["Comparison", "diagnose"]

Suspicion = Callable[[Comparison], str | None]


def only_in_a_region(c: Comparison) -> str | None:
    """Wrong in one named region; there, perhaps, in a way that has a name, too."""
    place = only_there(c)
    if place is None:
        return None
    phrase, bad = place
    there = replace(c, judged=bad)
    fact = f"is wrong only {phrase}"
    if bad.sum() > 1:
        fact += f" ({bad.sum()} of {c.judged.sum()} entries)"
    for suspicion in THERE:
        if said := suspicion(there):
            return f"{fact}; there it {said}"
    return fact


def zero_there(c: Comparison) -> str | None:
    return None if c.found[c.judged].any() else "is zero"


def unmasked(c: Comparison) -> str | None:
    return "should be zero, as if a mask were missing" if should_be_zero(c) else None


# fmt: off
THERE: tuple[Suspicion, ...] = (
    zero_there,
    unmasked,
    wrong_sign,
    constant_factor,
    chain_factor,
)

SUSPICIONS: tuple[Suspicion, ...] = (
    zero,                    # nothing flows
    not_finite,              # NaN, infinity
    wrong_shape,             # all that follow have the right shape before them
    should_be_zero,          # a constant
    wrong_sign,
    constant_factor,         # sum and mean, squares, sqrt(d)
    swapped,                 # with another argument
    transposed,
    sorted_order,
    permuted,
    chain_factor,            # y (1 - y), 1 / x, another argument
    diagonal,
    softmax_as_elementwise,
    not_centred,
    limited,                 # clipped gradients
    softened,                # epsilon in a logarithm
    overwritten,             # in place of added up
    extra_term,              # penalties, constants
    only_in_a_region,        # x < 0, the border, ties, one row
    overwritten_once,
    lost_precision,
)
# fmt: on


def diagnose(c: Comparison) -> str | None:
    """How the found derivative is wrong, in one sentence, or None if nothing is recognised.

    >>> x, right = np.array([1.5, -2.0, 3.0]), np.array([3.0, -4.0, 6.0])
    >>> every = np.full(3, True)
    >>> c = Comparison("x", x, "", np.array(15.25), right, -right, np.full(3, 1e-9), every)
    >>> diagnose(c)
    'The gradient by x has the wrong sign, its size is right.'
    """
    arrays = (c.value, c.output, c.expected, c.found, c.tolerance)
    if any(np.iscomplexobj(a) for a in arrays):
        return None
    value, output, expected, found, tolerance = (np.asarray(a, float) for a in arrays)
    judged = np.asarray(c.judged & np.isfinite(expected) & np.isfinite(tolerance))
    c = replace(
        c,
        value=value,
        output=output,
        expected=expected,
        found=found,
        tolerance=tolerance,
        judged=judged,
    )
    with np.errstate(all="ignore"):
        if found.shape == expected.shape and not wrong(c).any():
            return None
        for suspicion in SUSPICIONS:
            if said := suspicion(c):
                of = f"of {c.result} " if c.result else ""
                return f"The gradient {of}by {c.argument} {said}."
    return None
