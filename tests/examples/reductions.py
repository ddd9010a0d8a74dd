"""Sums, means, products, extremes over every axis, with entries left out and with zeros."""

from typing import Any

import numpy as np
from cases import MASK, Case, Examples, Untracked, along, apart, holo, real


def masked(f: Any, **kw: Any) -> list[Case]:
    """A reduction that leaves entries out, over every axis of a matrix."""
    return [
        Case(lambda x, axis=axis, m=m: f(x, axis=axis, where=m, **kw), apart(3, 4))
        for axis in (None, 0, -1)
        for m in (MASK, MASK[:1] | [False, True, False, False])
    ]


# fmt: off
EXAMPLES: Examples = {
    np.sum: [*along(np.sum), *masked(np.sum, initial=np.float32(2)), *masked(np.sum)[:2],
             Case(lambda x: np.sum(x, dtype=np.float64), real(3, 4), single=False)],
    np.mean: [*along(np.mean), *masked(np.mean),
              Case(lambda x: np.mean(x, dtype=np.float64), real(3, 4), single=False)],
    np.prod: [*along(np.prod), *masked(np.prod, initial=np.float32(2)), *masked(np.prod),
              Case(lambda x: np.prod(x, 0, np.float64), real(3, 4), single=False),
              holo(lambda x: np.prod(x, where=np.array([1, 0, 1, 0], bool), initial=3),
                   real(4)),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 0], np.float32)), real(4)),
              holo(lambda x: np.prod(x * np.array([1, 0, 2, 3], np.float32), -1), real(3, 4))],
    **{f: [*along(f, apart, False), *along(f, apart, False, ddof=1)[::3],
           *along(f, apart, False, correction=1)[::5], *masked(f), *masked(f, ddof=1)[:2],
           *along(f, apart, False, mean=np.float32(0.3))[::5],
           *masked(f, mean=np.float32(0.3), correction=0.5),
           Case(lambda x, f=f: f(x, 0, np.float64), apart(3, 4), single=False)]
       for f in (np.var, np.std)},
    **{f: [*along(f, apart, False), *masked(f, initial=-0.5)] for f in (np.max, np.amax)},
    **{f: [*along(f, apart, False), *masked(f, initial=0.5)] for f in (np.min, np.amin)},
    np.cumsum: [holo(lambda x, k=k: np.cumsum(x, axis=k), real(2, 3, 4))
                for k in (None, 0, 1, -1, -2)]
               + [Case(lambda x: np.cumsum(x, 0, np.float64), real(3, 4), single=False)],
    np.cumprod: [holo(lambda x, k=k: np.cumprod(x, axis=k), real(2, 3, 4))
                 for k in (None, 0, 1, -1, -2)]
                + [holo(lambda x: np.cumprod(x * np.array([1, 0, 2, 0, 3], np.float32)), real(5)),
                   holo(np.cumprod, real(1)),
                   Case(lambda x: np.cumprod(x, dtype=np.float64), real(3, 4), single=False)],
}
UNTRACKED: Untracked = {
    **{f: lambda x, n, f=f: f(x)
       for f in (np.zeros_like, np.ones_like, np.argmax, np.argmin, np.argsort, np.any, np.all,
                 np.count_nonzero)},
}
# fmt: on
