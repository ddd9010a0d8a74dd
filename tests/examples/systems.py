"""Inverses, systems of equations, determinants, powers and chains of matrices.

EYE keeps the condition number small; determinants are also taken of `SINGULAR` matrices.
"""

import numpy as np
from cases import EYE, Case, Examples, apart, holo, real, unit

from tinygrad_ce.rules.systems import cofactors, cofactors_along

FOUR = np.eye(4, dtype=np.float32)
SINGULAR = np.array([np.diag([1, 2, 0]), np.diag([0, 3, 0]), np.zeros((3, 3))], np.float32)

# fmt: off
EXAMPLES: Examples = {
    np.linalg.inv: [holo(lambda x: np.linalg.inv(x + EYE), unit(*s)) for s in ((3, 3), (2, 3, 3))],
    np.linalg.pinv: [Case(np.linalg.pinv, real(*s)) for s in ((4, 2), (2, 4), (2, 4, 2))]
                    + [Case(lambda x: np.linalg.pinv(x + EYE, hermitian=True), unit(3, 3)),
                       Case(lambda x: np.linalg.pinv(x + EYE, 1e-12), unit(3, 3)),
                       Case(lambda x: np.linalg.pinv(x, rtol=1e-5), real(2, 4))],
    np.linalg.solve: [holo(lambda a, b: np.linalg.solve(a + EYE, b), unit(*s), real(*t))
                      for s, t in (((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3,)),
                                   ((2, 3, 3), (3, 2)), ((2, 3, 3), (2, 3, 1)),
                                   ((3, 3), (2, 3, 1)), ((2, 1, 3, 3), (4, 3, 2)))]
                     + [holo(lambda b: np.linalg.solve(EYE + 1, b), real(3)),
                        holo(lambda a: np.linalg.solve(a + EYE, EYE), unit(3, 3))],
    np.linalg.lstsq: [Case(lambda a, b, i=i: np.linalg.lstsq(a, b)[i], real(*s), real(*t))
                      for i, s, t in ((0, (5, 2), (5,)), (0, (5, 2), (5, 3)), (0, (2, 4), (2,)),
                                      (0, (2, 4), (2, 3)), (1, (5, 2), (5,)), (1, (5, 2), (5, 3)))]
                     + [Case(lambda a, i=i: np.linalg.lstsq(a, np.ones(5, np.float32), 1e-3)[i],
                             real(5, 2)) for i in (0, 1, 3)],
    np.linalg.det: [holo(np.linalg.det, real(*s)) for s in ((3, 3), (2, 3, 3), (1, 1), (4, 4))]
                   + [holo(lambda x, k=k: np.linalg.det(x * SINGULAR[k]), apart(3, 3))
                      for k in range(3)],
    cofactors: [holo(cofactors, real(2, 3, 3)), holo(cofactors, real(1, 1))],
    cofactors_along: [holo(lambda x, a: cofactors_along(x, a + EYE), real(2, 3, 3), unit(2, 3, 3)),
                      holo(lambda x: cofactors_along(x, SINGULAR[1]), real(3, 3))],
    np.linalg.slogdet: [Case(lambda x: np.linalg.slogdet(x + EYE)[1], unit(2, 3, 3)),
                        Case(lambda x: np.multiply(*np.linalg.slogdet(x - 2 * EYE)), unit(3, 3))],
    np.linalg.matrix_power: [holo(lambda x, n=n: np.linalg.matrix_power(x + EYE, n), unit(2, 3, 3))
                             for n in (1, 2, 3, 6, -1, -2)],
    np.linalg.multi_dot: [holo(lambda *a: np.linalg.multi_dot(a), *(real(*s) for s in shapes))
                          for shapes in (((3,), (3,)), ((2, 3), (3, 4)), ((3,), (3, 2), (2, 4)),
                                         ((2, 3), (3, 4), (4, 1), (1, 5)),
                                         ((2,), (2, 3), (3, 2), (2,)))],
    np.linalg.tensorinv: [holo(lambda x: np.linalg.tensorinv(x + FOUR.reshape(2, 2, 4)),
                               unit(2, 2, 4)),
                          holo(lambda x: np.linalg.tensorinv(x + FOUR.reshape(4, 2, 2), 1),
                               unit(4, 2, 2))],
    np.linalg.tensorsolve: [
        holo(lambda a, b: np.linalg.tensorsolve(a + FOUR.reshape(2, 2, 4), b),
             unit(2, 2, 4), real(2, 2)),
        holo(lambda a, b: np.linalg.tensorsolve(a + FOUR.reshape(4, 2, 2), b, axes=(0,)),
             unit(4, 2, 2), real(2, 2))],
}
# fmt: on
