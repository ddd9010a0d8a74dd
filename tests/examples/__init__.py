"""Examples of every function of the rule table: one module a family, named as in tinygrad_ce/rules.

`EXAMPLES` names every function that can be differentiated, `UNTRACKED` every one that cannot: how
to call it. Those of SciPy, which is loaded for them, stand apart in `scipy.py`.
"""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from cases import Examples, Untracked

from examples import (
    bessel,
    building,
    contractions,
    decompositions,
    elementwise,
    erf,
    fourier,
    gamma,
    indexing,
    joining,
    labels,
    making,
    methods,
    norms,
    padding,
    polynomials,
    products,
    quantiles,
    reductions,
    representation,
    selecting,
    sequences,
    shaping,
    softmax,
    special,
    statistics,
    support,
    systems,
    windows,
)

FAMILIES: tuple[ModuleType, ...] = (
    bessel, building, decompositions, elementwise, erf, fourier, gamma, indexing, joining,
    contractions, labels, making, methods, norms, padding, polynomials, products, quantiles,
    reductions, representation, selecting, sequences, shaping, softmax, special, statistics,
    support, systems, windows,
)  # fmt: skip


def joined(tables: Iterable[dict[Any, Any]]) -> dict[Any, Any]:
    """All of the tables in one; a function that stands in two of them is refused."""
    found: dict[Any, Any] = {}
    for table in tables:
        if twice := found.keys() & table.keys():
            raise ValueError(f"{', '.join(map(str, twice))} have examples in two families")
        found |= table
    return found


EXAMPLES: Examples = joined(family.EXAMPLES for family in FAMILIES)
UNTRACKED: Untracked = joined(getattr(family, "UNTRACKED", {}) for family in FAMILIES)
