"""Reading, adding and putting at every kind of index: slices, masks, lists, places named twice."""

import operator
from typing import Any

import numpy as np
from cases import MASK, Case, Examples, I, apart, holo, real

import tinygrad_ce as tg
from tinygrad_ce.rules.indexing import assign, entries, scatter


def writing(f: Any) -> list[Case]:
    """Values put or added at every kind of index, broadcast in every way."""
    return [
        holo(lambda x, v, i=i: f(x, i, v), real(3, 4), real(*s))
        for i, s in (
            (1, ()), (1, (4,)), (-1, (1, 4)), ((1, 2), ()), (slice(None, None, 2), (2, 1)),
            ((slice(None), 1), (3,)), (MASK, ()), (MASK, (6,)), ([2, 0], (2, 4)), ([2, 0], (4,)),
            (([0, 1], [3, 3]), (2,)), (..., (3, 4)), ((..., None), (4, 1)), ([], (0, 4)), ([], ()),
        )
    ]  # fmt: skip


# fmt: off
EXAMPLES: Examples = {
    operator.getitem: [holo(lambda x, k=k: x[k], real(3, 4)) for k in (
        1, -1, (1, 2), slice(1, None), (slice(None, None, -2), 1), I, I - 1, (I, I),
        (slice(None), I), ..., (..., None), MASK, ([0, 0, 1],), [2, 2], (I, slice(1, 3)),
        (np.array([[0], [0]]), I), np.array([], int), (I, 1), (1, I), np.array(1), [],
        ((0, 0),), (slice(None), (1, 1, 3)), (range(2), (0, 0)))]
        + [holo(lambda x: x[()], real()), holo(lambda x: x[[0, 0], :, [1, 1]], real(2, 3, 4))],
    entries: [holo(lambda x: entries(x, I), real(4)),
              holo(lambda x: entries(x, (I, slice(1, 3))), real(3, 4))],
    scatter: [holo(lambda x: scatter(x, I, (3,)), real(4)),
              holo(lambda x: scatter(x, I, (3, 2)), real(4, 2)),
              holo(lambda x: scatter(x, (slice(None), I), (2, 3)), real(2, 4)),
              holo(lambda x: scatter(x, slice(1, 3), (5,)), real(2)),
              holo(lambda x: scatter(x, 1, (3,)), real()),
              *writing(tg.add_at), holo(lambda x, v: tg.add_at(x, [2, 2, 0], v), real(3), real(3)),
              holo(lambda x, v: tg.add_at(x, ((0, 0), slice(1, 3)), v), real(2, 4), real(2))],
    np.concatenate: [holo(lambda a, b, k=k: np.concatenate([a, b, a], axis=k),
                          real(2, 3), real(2, 3)) for k in (0, 1, -1, None)]
                    + [holo(lambda a, b: np.concatenate((a, b)), real(2), real(3)),
                       Case(lambda a, b: np.concatenate((a, b), dtype=np.float64),
                            real(2), real(3), single=False)],
    np.sort: [holo(lambda x: np.sort(x, order=None), apart(3, 4))]
             + [holo(lambda x, k=k: np.sort(x, axis=k), apart(3, 4)) for k in (0, 1, -1, None)]
             + [holo(lambda x: np.sort(x, kind="heapsort"), apart(4)),
                holo(lambda x: np.sort(x, stable=True), apart(4))],
    np.take: [holo(lambda x, k=k: np.take(x, I, axis=k), real(3, 3)) for k in (None, 0, 1, -1)]
             + [holo(lambda x, m=m, k=k: np.take(x, [5, -7, -1, 2, 12], axis=k, mode=m), real(3, 3))
                for m in ("wrap", "clip") for k in (None, 0, -1)]
             + [holo(lambda x: np.take(x, [True, False, True], axis=0), real(3, 3)),
                holo(lambda x: np.take(x, indices=1, axis=1), real(3, 3))],
    np.take_along_axis: [
        holo(lambda x: np.take_along_axis(x, np.array([[0, 0, 1, 2]]), 0), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3], [1], [1]]), 1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, np.array([[3, 3], [1, 0], [1, 2]]), -1), real(3, 4)),
        holo(lambda x: np.take_along_axis(x, I, None), real(3, 4))],
    np.trace: [Case(lambda x: np.trace(x, dtype=np.float64), real(3, 4), single=False)]
              + [holo(lambda x, k=k: np.trace(x, offset=k), real(3, 4)) for k in (0, 1, -1, 3, -2)]
              + [holo(lambda x: np.trace(x, axis1=-1, axis2=0), real(2, 3, 4)),
                 Case(lambda x: np.trace(x, dtype=np.float64), real(3, 4), single=False)],
    np.linalg.trace: [Case(lambda x: np.linalg.trace(x, dtype=np.float64), real(3, 4),
                           single=False)]
                     + [holo(lambda x, k=k: np.linalg.trace(x, offset=k), real(2, 3, 4))
                      for k in (0, 1, -1)],
    np.linalg.diagonal: [holo(lambda x, k=k: np.linalg.diagonal(x, offset=k), real(2, 3, 4))
                         for k in (0, 1, -1)],
    np.diagonal: [holo(lambda x, k=k: np.diagonal(x, k), real(3, 4)) for k in (0, 1, -1, 3)]
                 + [holo(lambda x: np.diagonal(x, 0, 2, 0), real(2, 3, 4))],
    np.diff: [holo(np.diff, real(3, 4)), holo(lambda x: np.diff(x, 2, 0), real(3, 4)),
              holo(lambda x: np.diff(x, 0), real(4)),
              holo(lambda x: np.diff(x, prepend=np.float32(1), append=np.float32(2)), real(4)),
              holo(lambda x, e: np.diff(x, axis=-1, append=e), real(3, 4), real(3, 2))],
    assign: [*writing(tg.set_at), Case(lambda v: tg.set_at(np.ones(3), 1, v), real(), single=False),
             holo(lambda x, v: tg.set_at(x, [2, 2, 0], v), real(3), real(3)),
             holo(lambda x, v: tg.set_at(x, (I, [1, 0, 0, 1]), v), real(3, 2), real(4)),
             holo(lambda x, v: tg.set_at(x.T, (np.zeros((2, 3), int).T, 0), v.T),
                  real(2, 2), real(2, 3)),
             holo(lambda x: tg.set_at(x, x < 0, 0), apart(3, 4))],
}
# fmt: on
