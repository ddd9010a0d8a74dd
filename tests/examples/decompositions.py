"""Cholesky, QR, singular values, eigenvalues, each result alone.

Matrices keep away from equal eigenvalues (`APART`), or have a complex pair of them (`TURNING`).
Functions that read one triangle are handed x as it is.
"""

import numpy as np
from cases import EYE, Case, Examples, real, unit

from tinygrad_ce.rules.decompositions import qr_factors, svd_factors

APART = np.diag(np.array([-3, 1, 5], np.float32))  # far from equal eigenvalues
TURNING = np.array([[0, -4, 0], [4, 0, 0], [0, 0, 5]], np.float32)  # a complex pair of them

# fmt: off
EXAMPLES: Examples = {
    np.linalg.cholesky: [Case(lambda x, u=u: np.linalg.cholesky(x + 3 * EYE, upper=u), unit(*s))
                         for s in ((3, 3), (2, 3, 3)) for u in (False, True)],
    np.linalg.eigh: [Case(lambda x, u=u, i=i: np.linalg.eigh(x + APART, u)[i], unit(*s))
                     for s in ((3, 3), (2, 3, 3)) for u in "Lu" for i in (0, 1)],
    np.linalg.eigvalsh: [Case(lambda x: np.linalg.eigvalsh(x + APART), unit(2, 3, 3)),
                         Case(lambda x: np.linalg.eigvalsh(x + APART, "U"), unit(3, 3))],
    # eig answers with complex numbers from NumPy 2.5 on
    np.linalg.eig: [Case(lambda x, i=i, m=m, p=p: p(np.linalg.eig(x + m)[i]), unit(2, 3, 3),
                         single=False)
                    for m, p in ((APART, np.real), (TURNING, np.real), (TURNING, np.imag))
                    for i in (0, 1)],
    np.linalg.eigvals: [Case(lambda x, m=m: np.real(np.linalg.eigvals(x + m)), unit(2, 3, 3))
                        for m in (APART, TURNING)],
    svd_factors: [Case(lambda x, i=i, m=m, f=f: svd_factors(x + 3 * m, f)[i], unit(*m.shape))
                  for m, f in ((APART, False), (APART[:2], True), (APART[:, :2], False),
                               (APART[:, :2], True), (APART[:2], False)) for i in range(3)],
    np.linalg.svd: [Case(lambda x: np.linalg.svd(x, full_matrices=False)[1], real(3, 4))]
                   + [Case(lambda x, i=i, h=h: np.linalg.svd(x + APART, hermitian=h)[i],
                         unit(2, 3, 3)) for h in (False, True) for i in range(3)]
                   + [Case(lambda x, h=h: np.linalg.svd(x + APART, compute_uv=False, hermitian=h),
                           unit(3, 3)) for h in (False, True)],
    np.linalg.svdvals: [Case(np.linalg.svdvals, real(*s)) for s in ((3, 4), (2, 4, 3))],
    qr_factors: [Case(lambda x, i=i, m=m: qr_factors(x + m)[i], unit(*m.shape))
                 for m in (APART, APART[:2], APART[:, :2]) for i in (0, 1)],
    np.linalg.qr: [Case(lambda x: np.linalg.qr(x + APART).Q, unit(2, 3, 3)),
                   Case(lambda x: np.linalg.qr(x + APART, mode="r"), unit(3, 3)),
                   Case(lambda x: np.linalg.qr(x + APART[:2], "complete")[1], unit(2, 3))],
}
# fmt: on
