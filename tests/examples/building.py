"""Diagonals, triangles, Vandermonde matrices, fills, and windows that slide over an array."""

import numpy as np
from cases import Case, Examples, Untracked, holo, real
from numpy.lib.stride_tricks import sliding_window_view

from tinygrad_ce.rules.building import overlapped

# fmt: off
EXAMPLES: Examples = {
    np.diag: [holo(lambda x, s=s, k=k: np.diag(x, k), real(*s))
              for s in ((3,), (3, 4)) for k in (0, 1, -2)],
    np.diagflat: [holo(lambda x, k=k: np.diagflat(x, k), real(2, 2)) for k in (0, 2, -1)],
    np.tril: [holo(lambda x, s=s, k=k: np.tril(x, k), real(*s))
              for s in ((3,), (3, 4), (2, 3, 3)) for k in (0, 1, -2)],
    np.triu: [holo(lambda x, s=s, k=k: np.triu(x, k), real(*s))
              for s in ((3,), (3, 4), (2, 3, 3)) for k in (0, 1, -2)],
    np.vander: [Case(lambda x, n=n, d=d: np.vander(x, n, d), real(3), single=False)
                for n in (None, 0, 1, 4) for d in (False, True)],
    np.full_like: [holo(lambda c: np.full_like(c, c), real(3)),
                   holo(lambda c: np.full_like(c, c[0], shape=(2, 3)), real(4)),
                   Case(lambda c: np.full_like(c, 2 * c, dtype=float, order="F", subok=False),
                        real(), single=False)],
    np.real_if_close: [Case(lambda x: np.real_if_close(x + 1e-30j, tol=10), real(3), single=False),
                       Case(np.real_if_close, real(3)),
                       Case(lambda x: np.real_if_close(x * (1 + 1e-20j)), real(3), single=False),
                       Case(lambda x: np.real_if_close(x * 1j).imag, real(3), single=False)],
    sliding_window_view: [
        holo(lambda x: sliding_window_view(x, 2, subok=False, writeable=False), real(4)),
        holo(lambda x: sliding_window_view(x, 3), real(5)),
        holo(lambda x: sliding_window_view(x, (2, 2)), real(3, 4)),
        holo(lambda x: sliding_window_view(x, 3, axis=-1), real(3, 4)),
        holo(lambda x: sliding_window_view(x, (2, 2), axis=(1, 1)), real(2, 5))],
    overlapped: [holo(lambda x: overlapped(x, (5,), (3,), (0,)), real(3, 3)),
                 holo(lambda x: overlapped(x, (2, 5), (2, 2), (1, 1)), real(2, 3, 2, 2)),
                 holo(lambda x: overlapped(x, (3, 4), (2, 3), (0, 1)), real(2, 2, 2, 3))],
}
UNTRACKED: Untracked = {
    np.empty_like: lambda x, n: np.empty_like(x),
}
# fmt: on
