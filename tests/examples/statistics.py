"""Reductions of data with nans among them, weighted averages, covariances."""

from typing import Any

import numpy as np
from cases import HOLES, MASK, Case, Examples, Untracked, along, apart, holo, positive, real


def holed(f: Any, **kw: Any) -> list[Case]:
    """A reduction of data with nans among them, over every axis of a matrix."""
    return [
        Case(lambda x, axis=axis: f(np.where(HOLES, np.nan, x), axis=axis, **kw), apart(3, 4))
        for axis in (None, 0, -1)
    ]


# fmt: off
EXAMPLES: Examples = {
    **{f: [*holed(f), *holed(f, where=MASK), *along(f, apart)[::5],
           *holed(f, initial=np.float32(1.5))[:2],
           Case(lambda x, f=f: f(x, dtype=np.float64), apart(3, 4), single=False)]
       for f in (np.nansum, np.nanprod)},
    np.nanmean: [Case(lambda x: np.nanmean(x, dtype=np.float64), real(3, 4), single=False),
                 *holed(np.nanmean), *holed(np.nanmean, where=MASK),
                 *along(np.nanmean)[::5]],
    **{f: [*holed(f, ddof=1), *holed(f, where=MASK, correction=0), *along(f, apart, False)[::5],
           *holed(f, mean=np.float32(0.5))[:1],
           Case(lambda x, f=f: f(x, dtype=np.float64), apart(3, 4), single=False)]
       for f in (np.nanvar, np.nanstd)},
    **{f: [*holed(f), *along(f, apart, False)[::5], *holed(f, initial=-3, where=MASK)]
       for f in (np.nanmax,)},
    **{f: [*holed(f), *along(f, apart, False)[::5], *holed(f, initial=3, where=MASK)]
       for f in (np.nanmin,)},
    **{f: [holo(lambda x, f=f, k=k: f(np.where(HOLES, np.nan, x), axis=k), real(3, 4))
           for k in (None, 0, -1)]
          + [Case(lambda x, f=f: f(x, dtype=np.float64), apart(3, 4), single=False)]
       for f in (np.nancumsum, np.nancumprod)},
    np.ptp: along(np.ptp, apart, False),
    np.average: [*along(np.average),
                 *along(lambda x, **kw: np.average(x, weights=np.arange(24.0, dtype=np.float32)
                                                   .reshape(2, 3, 4), **kw))[:-1],
                 holo(lambda a, w: np.average(a, weights=w), real(3, 4), positive(3, 4)),
                 holo(lambda a, w: np.average(a, 1, w), real(3, 4), positive(4)),
                 holo(lambda a, w: np.average(a, (2, 0), w), real(2, 3, 4), positive(4, 2)),
                 holo(lambda a, w: np.average(a, 0, w, returned=True)[0], real(3, 4), positive(3)),
                 holo(lambda a, w: np.average(a, 0, w, returned=True)[1], real(3, 4), positive(3)),
                 holo(lambda a: np.average(a, 0, returned=True)[0], real(3, 4))],
    np.cov: [Case(lambda x, kw=kw: np.cov(x, **kw), real(3, 4), single=False) for kw in (
                 {}, {"rowvar": False}, {"bias": True}, {"ddof": 2},
                 {"fweights": [1, 2, 0, 3]}, {"aweights": [1.0, 0.5, 2, 3]},
                 {"fweights": [1, 2, 0, 3], "aweights": [1.0, 0.5, 2, 3]},
                 {"fweights": [1, 2, 0, 3], "aweights": [1.0, 0.5, 2, 3], "ddof": 0})]
            + [Case(np.cov, real(5), single=False), Case(np.cov, real(5), real(5), single=False),
               Case(np.cov, real(2, 5), real(3, 5), single=False),
               Case(lambda x, y: np.cov(x, y, rowvar=False), real(5, 2), real(5), single=False),
               Case(lambda x, w: np.cov(x, aweights=w), real(2, 5), positive(5), single=False),
               Case(lambda y: np.cov(np.arange(5.0), y), real(5), single=False),
               Case(lambda x: np.cov(x, dtype=np.float64), real(2, 5), single=False)],
    np.corrcoef: [Case(lambda x: np.corrcoef(x, dtype=np.float64), real(3, 5), single=False),
                  Case(np.corrcoef, real(3, 5), single=False),
                  Case(lambda x: np.corrcoef(x, rowvar=False), real(5, 3), single=False),
                  Case(np.corrcoef, real(5), real(5), single=False),
                  Case(np.corrcoef, real(5), single=False)],
}
UNTRACKED: Untracked = {
    np.nanargmax: lambda x, n: np.nanargmax(x),
    np.nanargmin: lambda x, n: np.nanargmin(x),
}
# fmt: on
