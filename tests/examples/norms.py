"""Norms of every order over every axis, and condition numbers of well-conditioned matrices."""

import numpy as np
from cases import EYE, Case, Examples, Untracked, apart, positive, real, unit

from tinygrad_ce.rules.norms import euclidean, power_norm

# fmt: off
EXAMPLES: Examples = {
    euclidean: [Case(lambda x, k=k, d=d: euclidean(x, axis=k, keepdims=d), positive(3, 4))
                for k in (None, 0, -1, (0, 1)) for d in (False, True)],
    power_norm: [Case(lambda x, p=p, k=k: power_norm(x, p, k, k == 0), apart(3, 4))
                 for p in (3, 1.5, 0.5, -1, -2.5) for k in (0, -1)],
    np.linalg.norm: [Case(lambda x, o=o, k=k, d=d: np.linalg.norm(x, o, k, d), apart(3, 4))
                     for o, k in ((None, None), (None, 0), (2, -1), (1, 0), (np.inf, 1), (3, 1),
                                  (-np.inf, 0), (-1, 0), (0.5, (1,)), ("fro", None), (1, None),
                                  ("fro", (0, 1)), (1, (1, 0)), (-1, (0, 1)), (np.inf, (0, -1)),
                                  (-np.inf, (1, 0)), (2, None), (-2, (0, 1)), ("nuc", (1, 0)))
                     for d in (False, True)]
                    + [Case(lambda x, o=o: np.linalg.norm(x, o, (2, 0), True), apart(3, 2, 4))
                       for o in (None, "fro", "nuc", 1, 2, -2, np.inf)]
                    + [Case(np.linalg.norm, apart(2, 3, 4)), Case(np.linalg.norm, apart(4))],
    np.linalg.vector_norm: [
        Case(lambda x, o=o, k=k, d=d: np.linalg.vector_norm(x, axis=k, ord=o, keepdims=d),
             apart(2, 3, 4))
        for o, k in ((2, None), (3, None), (1, (0, 2)), (np.inf, (-1, 0)), (2.5, 1), (2, ()))
        for d in (False, True)],
    np.linalg.matrix_norm: [
        Case(lambda x, o=o, d=d: np.linalg.matrix_norm(x, ord=o, keepdims=d), apart(2, 3, 5))
        for o in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf) for d in (False, True)],
    np.linalg.cond: [Case(lambda x, p=p: np.linalg.cond(x + EYE, p), unit(2, 3, 3))
                     for p in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)]
                    + [Case(np.linalg.cond, real(3, 4))],
}
UNTRACKED: Untracked = {
    np.linalg.matrix_rank: lambda x, n: np.linalg.matrix_rank(x),
}
# fmt: on
