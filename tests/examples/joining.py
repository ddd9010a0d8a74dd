"""Joining, splitting and fitting axes: operands of several ranks, in lists and tuples."""

import numpy as np
from cases import Case, Examples, holo, real

from tinygrad_ce.rules.joining import cut

# fmt: off
EXAMPLES: Examples = {
    np.split: [holo(lambda x: np.split(x, 2)[1], real(4, 3)),
               holo(lambda x: np.stack(np.split(x, 3, axis=-1)), real(4, 3)),
               holo(lambda x: np.concatenate(np.split(x, [1, 2])[::-1]), real(4, 3)),
               *(holo(lambda x, k=k: np.concatenate(np.split(x, k)), real(4, 3))
                 for k in ([-1], [3, 1], [2, 9], []))],
    np.atleast_1d: [holo(np.atleast_1d, real()), holo(np.atleast_1d, real(2, 3)),
                    holo(lambda a, b: np.add(*np.atleast_1d(a, b)), real(), real(3))],
    np.atleast_2d: [holo(np.atleast_2d, real(*s)) for s in ((), (3,), (2, 3), (2, 3, 2))],
    np.atleast_3d: [holo(np.atleast_3d, real(*s)) for s in ((), (3,), (2, 3), (2, 3, 2))]
                   + [holo(lambda a, b: np.add(*np.atleast_3d(a, b)), real(3), real(2, 3))],
    np.hstack: [holo(lambda a, b: np.hstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((2,), (3,)), ((), (3,)), ((2, 3), (2, 1)), ((2, 3, 1), (2, 1, 1)))]
               + [Case(lambda a: np.hstack((a, [1, 2])), real(3), single=False),
                  holo(np.hstack, real(2, 3)),
                  Case(lambda a: np.hstack([a, a], dtype=np.float64), real(3), single=False)],
    np.vstack: [Case(lambda a: np.vstack([a, a], dtype=np.float64), real(3), single=False)]
               + [holo(lambda a, b: np.vstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((3,), (3,)), ((3,), (2, 3)), ((2, 3, 1), (1, 3, 1)))]
               + [holo(np.vstack, real(2, 3))],
    np.dstack: [holo(lambda a, b: np.dstack([a, b, a]), real(*s), real(*t)) for s, t in (
                    ((), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3, 1), (2, 3, 2)))],
    np.column_stack: [holo(lambda a, b: np.column_stack([a, b, a]), real(*s), real(*t))
                      for s, t in (((), ()), ((3,), (3,)), ((3,), (3, 2)), ((3, 1), (3, 2)))],
    np.block: [holo(lambda a, b: np.block([a, b]), real(3), real(2)),
               holo(lambda a: np.block(a), real(3)),
               holo(lambda a, b: np.block([[a, np.ones((2, 1), np.float32)], [b]]),
                    real(2, 3), real(1, 4)),
               holo(lambda a, b: np.block([[[a], [b]]]), real(2, 3), real(1, 3)),
               holo(lambda a, b: np.block([[a, b], [b, a]]), real(), real())],
    np.append: [holo(np.append, real(3), real(2)), holo(np.append, real(2, 3), real()),
                holo(lambda a, b: np.append(a, b, axis=-1), real(2, 3), real(2, 1)),
                holo(lambda b: np.append(np.ones((1, 2), np.float32), values=b, axis=0),
                     real(2, 2))],
    np.insert: [holo(lambda a, v, i=i: np.insert(a, i, v), real(3), real()) for i in (
                    0, -1, 3, [1, 1], [2, 0], slice(0, 2), np.array([True, False, True]))]
               + [holo(lambda a, v: np.insert(a, 1, v), real(2, 3), real(2)),
                  holo(lambda a, v: np.insert(a, [2, 0], v), real(3), real(2)),
                  holo(lambda a, v: np.insert(a, 1, v, axis=1), real(2, 3), real(2)),
                  holo(lambda a, v: np.insert(a, [1], v, axis=1), real(2, 3), real(2, 1)),
                  holo(lambda a, v: np.insert(a, [0, 2], v, axis=-1), real(2, 3), real(2, 2)),
                  Case(lambda v: np.insert(np.ones(3), 1, v), real(), single=False),
                  holo(lambda a: np.insert(a, 1, 7), real(3)),
                  holo(lambda a: np.insert(a, [], 7), real(3))],
    cut: [holo(lambda x: cut(x, (0, 1, 4), 0)[1], real(4, 2)),
          holo(lambda x: np.add(*cut(x, (0, 2, 4), -1)), real(3, 4)),
          holo(lambda x: np.multiply(*cut(x, (0, 2, 2, 4), 0)[::2]), real(4))],
    np.array_split: [holo(lambda x: np.concatenate(np.array_split(x, 80)[::-1]), real(75)),
                     holo(lambda x: np.concatenate(np.array_split(x, 3)[::-1]), real(4, 3)),
                     holo(lambda x: np.array_split(x, 5, axis=1)[1], real(4, 3)),
                     holo(lambda x: np.array_split(x, [1, -1], axis=-1)[1], real(4, 3))],
    np.hsplit: [holo(lambda x: np.hsplit(x, 2)[1], real(4)),
                holo(lambda x: np.hsplit(x, [1, 2])[1], real(2, 4))],
    np.vsplit: [holo(lambda x: np.vsplit(x, 2)[1], real(4, 3)),
                holo(lambda x: np.vsplit(x, [3])[0], real(4, 3, 2))],
    np.dsplit: [holo(lambda x: np.dsplit(x, 2)[1], real(2, 3, 4))],
    np.broadcast_arrays: [
        holo(lambda a, b: np.multiply(*np.broadcast_arrays(a, b)), real(3, 1), real(4)),
        holo(lambda a: np.broadcast_arrays(a, np.ones((2, 3), np.float32))[0], real())],
    np.meshgrid: [
        *(holo(lambda a, b, k=k, d=d: np.multiply(*np.meshgrid(a, b, indexing=k, sparse=d)),
               real(3), real(4)) for k in ("xy", "ij") for d in (False, True)),
        holo(lambda a: np.stack(np.meshgrid(a, [1, 2], [3.0, 4, 5])[:1], axis=1), real(3)),
        holo(lambda a: np.meshgrid(a)[0], real(2, 2)),
        holo(lambda a, b: np.meshgrid(a, b, indexing="ij")[1], real(), real(2))],
    np.ix_: [holo(lambda a, b: np.multiply(*np.ix_(a, b)), real(3), real(4)),
             Case(lambda a: np.multiply(*np.ix_(a, [True, False, True])), real(3), single=False)],
    **({np.unstack: [holo(lambda x, k=k: np.unstack(x, axis=k)[1], real(2, 3)) for k in (0, -1)]}
       if hasattr(np, "unstack") else {}),
}
# fmt: on
