"""Medians, quantiles and percentiles: every method, weights, several probabilities, axes."""

import numpy as np
from cases import Case, Examples, along, apart, holo

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip
QUANTILES = [(np.quantile, 1), (np.percentile, 100), (np.nanquantile, 1), (np.nanpercentile, 100)]

# fmt: off
EXAMPLES: Examples = {
    **{f: [*along(f, apart)[::2], holo(lambda x, f=f: f(+x, overwrite_input=True), apart(4))]
       for f in (np.median, np.nanmedian)},
    **{f: [*along(lambda x, f=f, c=c, **kw: f(x, 0.3 * c, **kw), apart, False)[::2],
           *along(lambda x, f=f, c=c, **kw: f(x, np.float32([0.4, 1, 0.75]) * c, **kw),
                  apart, False)[1::4],
           *(Case(lambda x, f=f, c=c, m=m: f(x, 0.4 * c, axis=0, method=m), apart(7, 2))
             for m in (METHODS if f is np.quantile else METHODS[::4])),
           Case(lambda x, f=f, c=c: f(x, np.float32([0.4, 0.8]) * c, method="inverted_cdf",
                                      weights=np.arange(6).reshape(2, 3)), apart(2, 3)),
           Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=0, method="inverted_cdf",
                                      weights=np.arange(6).reshape(2, 3) + 1), apart(2, 3)),
           *([] if f in (np.nanquantile, np.nanpercentile) else [
               Case(lambda x, f=f, c=c, k=k, d=d: f(
                    x, np.float32([[0, 0.4], [1, 0.75]]) * c, axis=k, keepdims=d), apart(2, 3, 4))
               for k in (None, -1, (2, 0)) for d in (False, True)] + [
               Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=0, method="inverted_cdf",
                                          weights=np.arange(5)), apart(5, 2)),
               Case(lambda x, f=f, c=c: f(x, 0.4 * c, axis=(2, 0), method="inverted_cdf",
                    keepdims=True, weights=np.arange(8.0).reshape(4, 2)), apart(2, 3, 4))])]
           + [Case(lambda x, f=f, c=c: f(+x, 0.4 * c, overwrite_input=True), apart(4))]
       for f, c in QUANTILES},
}
# fmt: on
