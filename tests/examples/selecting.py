"""Entries chosen by condition, order and value; functions applied along axes."""

import numpy as np
from cases import MASK, Case, Examples, I, Untracked, above, apart, holo, real

from tinygrad_ce.rules import selecting

# fmt: off
EXAMPLES: Examples = {
    np.select: [holo(lambda a, b: np.select([MASK, ~MASK], [a, b]), real(3, 4), real(4)),
                holo(lambda a, b: np.select([MASK, MASK[:, ::-1]], [a, 2.0], b),
                     real(3, 4), real()),
                holo(lambda a: np.select([MASK, MASK], [a, 3 * a], default=1), real(3, 1)),
                Case(lambda a: np.select([a < 0, a > 1], [-a, a * a], a), apart(3, 4))],
    np.choose: [holo(lambda a, b: np.choose(I, [a, b, 1.0]), real(4), real()),
                holo(lambda a, b: np.choose(I - 1, (a, b), mode="wrap"), real(4), real(4)),
                holo(lambda a: np.choose([[5, -1], [1, 0]], a, mode="clip"), real(3, 1, 2))],
    np.piecewise: [
        Case(lambda x: np.piecewise(x, [x < -1, x > 1], [lambda v: v * v, 3, np.exp]), apart(3, 4)),
        Case(lambda x: np.piecewise(x, x < 0, [lambda v, c: c * v, lambda v, c: v**3], 2.0),
             apart(4)),
        Case(lambda x: np.piecewise(x, [x > -1, x > 0], [np.sin, np.square]), apart(4)),
        Case(lambda x, c: np.piecewise(x, [x > 0], [c, np.negative]), apart(4), real()),
        Case(lambda x: np.piecewise(x, [x > 0, x <= 0], [np.square, np.negative]), apart())],
    np.compress: [holo(lambda x: np.compress([0, 1, 1], x, axis=0), real(3, 4)),
                  holo(lambda x: np.compress([True, False, True], x, axis=-1), real(3, 4)),
                  holo(lambda x: np.compress(MASK.ravel(), x), real(3, 4))],
    np.extract: [holo(lambda x: np.extract(MASK, x), real(3, 4)),
                 Case(lambda x: np.extract(x > 0, x), apart(3, 4))],
    np.delete: [holo(lambda x, i=i, k=k: np.delete(x, i, axis=k), real(3, 4)) for i, k in (
        (1, 0), (-1, 1), ([0, 0, 2], 0), (slice(None, None, 2), -1), ([5, 7], None),
        (np.array([True, False, True]), 0), ([], 0))],
    np.resize: [holo(lambda x, s=s: np.resize(x, s), real(2, 3)) for s in (4, (3, 3), (2, 7))],
    np.trim_zeros: [
        holo(lambda x, t=t: np.trim_zeros(np.pad(x, 2), t), above(4)) for t in ("fb", "f", "B")]
        + [holo(lambda x: np.trim_zeros(x * np.array([0, 1, 0, 2, 0], np.float32)), above(5)),
           *(holo(lambda x, k=k: np.trim_zeros(np.pad(x, 1), axis=k), above(2, 3))
             for k in (None, 0, (0, 1), -1))],
    np.partition: [Case(lambda x: np.partition(x, 1, kind="introselect", order=None), apart(3, 4))]
                  + [Case(lambda x, n=n, k=k: np.partition(x, n, axis=k), apart(3, 4))
                   for n, k in ((1, -1), (2, 0), ([0, 2], 1), (5, None))],
    np.unique: [holo(lambda x: np.unique(x, return_index=True, equal_nan=False)[0], apart(4)),
                holo(np.unique, apart(3, 4)),
                holo(lambda x: np.unique(np.concatenate([x, x])), apart(3)),
                holo(lambda x: np.unique(x[[1, 0, 1]], axis=0), apart(2, 3)),
                holo(lambda x: np.unique(x, return_inverse=True, return_counts=True)[0], apart(4))],
    np.bincount: [Case(lambda w: np.bincount(I, w), real(4), single=False),
                  Case(lambda w: np.bincount([1, 1, 0], weights=w, minlength=5), real(3),
                       single=False)],
    np.apply_along_axis: [
        holo(lambda x, k=k, f=f: np.apply_along_axis(f, k, x), real(2, 3, 4)) for k in (0, 1, -1)
        for f in (np.sum, np.cumsum, lambda row: np.outer(row, row[:2]))]
        + [holo(lambda x: np.apply_along_axis(lambda row, c: c * row[0] * row, 0, x, 3), real(4))],
    np.apply_over_axes: [holo(lambda x, k=k: np.apply_over_axes(np.sum, x, k), real(2, 3, 4))
                         for k in (0, -1, [0, 2], (1, 0))],
}
UNTRACKED: Untracked = {
    np.argpartition: lambda x, n: np.argpartition(x, 1),
    np.lexsort: lambda x, n: np.lexsort((x[0], x[1])),
    np.searchsorted: lambda x, n: np.searchsorted(x[0], x),
    np.digitize: lambda x, n: np.digitize(x, x[0]),
    np.isin: lambda x, n: np.isin(x, x[0]),
    selecting.representatives: lambda x, n: selecting.representatives(x)[1],
}
# fmt: on
