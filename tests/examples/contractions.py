"""Products of arrays: every pair of ranks, stacks that broadcast, every kind of subscripts."""

import numpy as np
from cases import Examples, holo, real

# fmt: off
EXAMPLES: Examples = {
    np.matmul: [holo(np.matmul, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)))],
    np.dot: [holo(np.dot, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
        ((), (3,)), ((2, 3), ()), ((2, 3), (5, 3, 4)), ((3,), (5, 3, 4)))],
    np.inner: [holo(np.inner, real(*a), real(*b)) for a, b in (
        ((3,), (3,)), ((2, 3), (3,)), ((2, 3), (4, 3)), ((), (3,)), ((2, 2, 3), (4, 3)))],
    np.outer: [holo(np.outer, real(3), real(4)), holo(np.outer, real(2, 2), real())],
    np.tensordot: [holo(lambda a, b, k=k: np.tensordot(a, b, k), real(*s), real(*t))
                   for s, t, k in (((2, 3), (3, 4), 1), ((2, 3), (4,), 0), ((5, 2, 3), (2, 3), 2),
                                   ((2, 3), (4, 3), (-1, -1)),
                                   ((2, 3, 4), (4, 2), ((0, 2), (1, 0))))],
    np.einsum: [holo(lambda *a, s=s: np.einsum(s, *a), *(real(*n) for n in shapes))
                for s, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij->ji", (2, 3)),
        ("ji", (2, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)),
        ("...ij,...jk->...ik", (5, 2, 3), (3, 4)), ("...i,i", (2, 3), (3,)),
        ("...,...->...", (2, 3), (3,)), ("i,j->ij", (2,), (3,)), ("i,i", (3,), (3,)),
        ("iij,j->i", (3, 3, 2), (2,)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)),
        ("ij,k->k", (2, 3), (4,)), ("ij,ij->ij", (1, 3), (2, 3)), (",i->i", (), (3,)),
        ("i...->...", (2, 3, 4)), ("bii->b", (2, 3, 3)))]
        + [holo(lambda a: np.einsum("i,i->i", a, a), real(3)),
           holo(lambda a, b: np.einsum("ij,jk->ik", a, b, optimize=True), real(2, 3), real(3, 4))],
}
# fmt: on
