"""Polynomials of equal and of different degrees, with zeros in front, and constant ones."""

import numpy as np
from cases import Case, Examples, holo, real

# fmt: off
EXAMPLES: Examples = {
    np.polyadd: [holo(np.polyadd, real(3), real(5)), holo(np.polyadd, real(4), real(4)),
                 holo(lambda x: np.polyadd(x, np.ones(2, np.float32)), real(1))],
    np.polysub: [holo(np.polysub, real(3), real(5)), holo(np.polysub, real(4), real()),
                 holo(lambda x: np.polysub(np.ones(3, np.float32), x), real(1))],
    np.polymul: [holo(np.polymul, real(3), real(5)), holo(np.polymul, real(4), real()),
                 holo(lambda x: np.polymul(np.array([0, 0, 1, 0, 2], np.float32), x), real(3)),
                 holo(lambda x: np.polymul(x, np.zeros(2, np.float32)), real(3))],
    np.polyder: [Case(lambda x, m=m: np.polyder(x, m), real(5), analytic=True, single=False)
                 for m in (1, 2, 4)],
    np.polyint: [
        Case(np.polyint, real(4), analytic=True, single=False),
        Case(lambda x, k: np.polyint(x, 2, k), real(3), real(2), analytic=True, single=False),
        Case(lambda x, k: np.polyint(x, 2, k), real(3), real(), analytic=True, single=False)],
}
# fmt: on
