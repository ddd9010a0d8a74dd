"""Differences, integrals, interpolation, convolution; spacings and knots also as variables."""

import numpy as np
from cases import HOLES, Case, Examples, Untracked, apart, between, holo, inside, positive, real

from tinygrad_ce.rules.sequences import piece

KNOTS = np.array([-1.5, -0.5, 0.25, 1.0, 2.5])
CUMULATIVE = [getattr(np, f) for f in ("cumulative_sum", "cumulative_prod") if hasattr(np, f)]

# fmt: off
EXAMPLES: Examples = {
    np.gradient: [holo(lambda f, e=e: np.gradient(f, edge_order=e), real(5)) for e in (1, 2)]
        + [holo(lambda f, e=e, k=k: np.gradient(f, 0.5, axis=k, edge_order=e), real(3, 4))
           for e in (1, 2) for k in (0, -1)]
        + [holo(lambda f: np.stack(np.gradient(f)), real(3, 4)),
           holo(lambda f: np.stack(np.gradient(f, 2.0, axis=(2, 0))), real(3, 2, 4)),
           holo(lambda f, a, b: np.stack(np.gradient(f, a, b)), real(2, 4), positive(), positive()),
           holo(lambda f: np.gradient(f, np.array([0, 1, 3, 3.5]), axis=1), real(3, 4))]
        + [holo(lambda f, d, e=e: np.gradient(f, np.cumsum(d), edge_order=e),
                real(5), positive(5)) for e in (1, 2)]
        + [holo(lambda f, e=e: np.stack(np.gradient(f, np.arange(3.0), 2, edge_order=e)),
                real(3, 4)) for e in (1, 2)],
    np.trapezoid: [holo(np.trapezoid, real(5)), holo(lambda y: np.trapezoid(y, dx=0.5), real(3, 4)),
                   holo(lambda y, x: np.trapezoid(y, x, axis=0), real(3, 4), real(3)),
                   holo(np.trapezoid, real(3, 4), real(3, 4)),
                   holo(lambda y, h: np.trapezoid(y, dx=h, axis=-2), real(2, 3, 4), real()),
                   holo(lambda x: np.trapezoid(np.float32([1, 2, 4]), x), real(3))],
    np.interp: [Case(lambda x: np.interp(x, KNOTS, KNOTS**2), apart(3, 4), single=False),
                Case(lambda x, fp: np.interp(x, KNOTS, fp), apart(6), real(5), single=False),
                Case(lambda x, d, fp: np.interp(x, np.cumsum(d) - 1, fp),
                     inside(3, 4), between(0.65, 0.7)(5), real(5), single=False),
                Case(lambda x, fp, a, b: np.interp(x, KNOTS, fp, left=a, right=b),
                     between(-4, -3)(3), real(5), real(), real(), single=False),
                Case(lambda x, fp, a, b: np.interp(x, KNOTS, fp, a, b),
                     between(3, 4)(3), real(5), real(), real(), single=False),
                Case(lambda x, fp: np.interp(x, KNOTS, fp), between(-4, -3)(2), real(5),
                     single=False),
                Case(lambda x, fp: np.interp(x, KNOTS[::-1], fp, period=5.0), apart(6), real(5),
                     single=False),
                Case(lambda x, fp, t: np.interp(x, KNOTS, fp, period=t), between(5.1, 5.3)(6),
                     real(5), between(4.9, 5)(), single=False),
                Case(lambda x, fp: np.interp(x, [0.5], fp), real(3), real(1), single=False),
                Case(lambda fp: np.interp(KNOTS, KNOTS, fp), real(5), single=False)],
    **{f: [Case(lambda a, v, f=f, m=m: f(a, v, m), real(n), real(k), analytic=f is np.convolve)
           for m in ("full", "same", "valid")
           for n, k in ((5, 3), (3, 5), (4, 4), (5, 2), (2, 5), (1, 3), (4, 6))]
          + [Case(f, real(4), real(3)), Case(lambda a, f=f: f(a, a[:2]), real(4)),
             Case(lambda v, f=f: f(np.float32([1, 2, 3]), v), real(2))]
       for f in (np.convolve, np.correlate)},
    **{f: [holo(lambda x, f=f, k=k, i=i: f(x, axis=k, include_initial=i), real(2, 3, 4))
           for k in (0, -1) for i in (False, True)]
          + [holo(f, real(3)), Case(lambda x, f=f: f(x, dtype=np.float64), real(3), single=False)]
       for f in CUMULATIVE},
    np.unwrap: [Case(np.unwrap, between(-9, 9)(7)),
                Case(lambda x: np.unwrap(x, axis=0), between(-9, 9)(4, 3)),
                Case(lambda x: np.unwrap(x, 3.0, period=4.0), between(-9, 9)(4, 3))],
    np.ediff1d: [holo(np.ediff1d, real(3, 4)),
                 holo(lambda x, a, b: np.ediff1d(x, a, b), real(4), real(2), real())],
    np.polyval: [holo(lambda x: np.polyval(np.float32([1, 2, -3]), x), real(3, 4)),
                 holo(np.polyval, real(4), real(2, 3)), holo(np.polyval, real(3), real())],
    np.nan_to_num: [Case(np.nan_to_num, real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, np.nan, x), True, 2.0),
                         real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, np.inf, -x), posinf=1),
                         real(3, 4)),
                    Case(lambda x: np.nan_to_num(np.where(HOLES, -np.inf, -x), neginf=1),
                         real(3, 4))],
}
UNTRACKED: Untracked = {
    piece: lambda x, n: piece(np.arange(3.0), x),
}
# fmt: on
