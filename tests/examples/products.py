"""Products of vectors and blocks: axes first and last, stacks that broadcast."""

import numpy as np
from cases import Case, Examples, holo, real

# fmt: off
EXAMPLES: Examples = {
    **{f: [Case(lambda a, b, f=f: f(a, b), real(*s), real(*t)) for s, t in shapes]
       for f, shapes in {
           np.vdot: (((3,), (3,)), ((2, 3), (3, 2)), ((), ())),
           getattr(np, "matvec", None): (((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)),
                                          ((1, 2, 3), (4, 3))),
           getattr(np, "vecmat", None): (((3,), (3, 2)), ((3,), (4, 3, 2)), ((4, 3), (3, 2)),
                                          ((4, 3), (1, 3, 2))),
       }.items() if f is not None},
    np.linalg.vecdot: [Case(np.linalg.vecdot, real(3), real(3)),
                       Case(np.linalg.vecdot, real(2, 1, 3), real(4, 3)),
                       Case(lambda a, b: np.linalg.vecdot(a, b, axis=0), real(3, 2), real(3, 2))],
    np.vecdot: [*(Case(np.vecdot, real(*s), real(*t)) for s, t in (
                    ((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)))),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3, 2), real(3, 2)),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3, 3), real(3)),
                Case(lambda a, b: np.vecdot(a, b, axis=0), real(3), real(3, 3, 2)),
                Case(lambda a, b: np.vecdot(a, b, axis=-2), real(2, 3, 3), real(3, 3))],
    np.kron: [holo(np.kron, real(*s), real(*t)) for s, t in (
        ((2,), (3,)), ((2, 3), (3, 2)), ((), (3,)), ((2, 2), (2,)), ((2,), (2, 2, 1)))],
    np.cross: [*(holo(lambda a, b: np.cross(a, b), real(*s), real(*t)) for s, t in (
                    ((3,), (3,)), ((4, 3), (3,)), ((2, 1, 3), (4, 3)))),
               holo(lambda a, b: np.cross(a, b, axis=0), real(3, 2), real(3, 2)),
               holo(lambda a, b: np.cross(a, b, 0, 1, 0), real(3, 2), real(2, 3))],
    np.linalg.cross: [holo(np.linalg.cross, real(4, 3), real(3)),
                      holo(lambda a, b: np.linalg.cross(a, b, axis=0), real(3, 2), real(3, 2))],
    np.linalg.outer: [holo(np.linalg.outer, real(3), real(4))],
    np.linalg.tensordot: [holo(lambda a, b: np.linalg.tensordot(a, b, axes=1), real(2, 3),
                               real(3, 4)),
                          holo(lambda a, b: np.linalg.tensordot(a, b, axes=((0, 1), (1, 0))),
                               real(2, 3), real(3, 2))],
    np.linalg.matmul: [holo(np.linalg.matmul, real(2, 3), real(3, 4))],
}
# fmt: on
