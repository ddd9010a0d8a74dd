"""Hypothesis strategies for gradients: arrays where a derivative can be measured, and where not.

Every strategy of arrays takes a `shape` (an int, a tuple, or a strategy of tuples) and a `dtype`
(one, or a strategy of some), and shrinks to few entries and to simple values: 1, 0, 1/2.
Hypothesis is imported when the first is made.

    from hypothesis import given
    from tinygrad_ce.testing.strategies import arrays, away_from

    @given(away_from([0.0]))
    def test_relu_is_its_own_slope_times_x(x):
        np.testing.assert_array_equal(tg.relu(x), (x > 0) * x)
"""

from tinygrad_ce.testing.strategies.classes import (
    labels,
    logits,
    one_hot,
    probabilities,
    soft_targets,
)
from tinygrad_ce.testing.strategies.programs import Program, programs, programs_from
from tinygrad_ce.testing.strategies.several import alike, broadcastable_arrays
from tinygrad_ce.testing.strategies.structures import Layer, Pair, spd_matrices, trees
from tinygrad_ce.testing.strategies.values import (
    arrays,
    away_from,
    conditioned,
    edge,
    positive,
)

__all__ = [
    "Layer",
    "Pair",
    "Program",
    "alike",
    "arrays",
    "away_from",
    "broadcastable_arrays",
    "conditioned",
    "edge",
    "labels",
    "logits",
    "one_hot",
    "positive",
    "probabilities",
    "programs",
    "programs_from",
    "soft_targets",
    "spd_matrices",
    "trees",
]
