"""reduce, accumulate, reduceat and outer of NumPy's ufuncs, where these are smooth."""

from dataclasses import replace
from typing import Any

import numpy as np
from cases import (
    MASK,
    Case,
    Draw,
    Examples,
    Untracked,
    apart,
    apart_too,
    between,
    holo,
    positive,
    real,
)

from examples.elementwise import BITWISE, TWO

# Where the ufuncs of two operands are smooth, for their .outer.
SMOOTH_FOR: dict[Any, tuple[Draw, Draw]] = {
    **{f: (positive(), positive())
       for f in (np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power,
                 np.logaddexp, np.logaddexp2, np.arctan2, np.hypot)},
    **{f: (between(2.3, 2.7)(), between(0.95, 1.05)()) for f in (np.remainder, np.fmod)},
    **{f: (apart(), apart_too()) for f in (np.maximum, np.fmax, np.minimum, np.fmin)},
}  # fmt: skip

# fmt: off
EXAMPLES: Examples = {
    **{f: [Case(lambda x, f=f, k=k: f(x, axis=k, keepdims=True), apart(2, 3, 4))
           for k in (None, 0, -1, (0, 2))]
          + [Case(f, apart(3, 4)), Case(lambda x, f=f: f(x, where=MASK, initial=0.5), apart(3, 4)),
             Case(lambda x, f=f: f(x, dtype=np.float64), apart(3, 4), single=False)]
       for f in (np.add.reduce, np.multiply.reduce, np.maximum.reduce, np.minimum.reduce,
                 np.fmax.reduce, np.fmin.reduce, np.logaddexp.reduce)},
    **{f: [Case(f, apart(3, 4)), Case(f, apart(5)), Case(f, apart(1))]
          + [Case(lambda x, f=f, k=k: f(x, axis=k), apart(2, 3, 4)) for k in (0, 1, -1)]
          + [Case(lambda x, f=f: f(x, dtype=np.float64), apart(3, 4), single=False)]
       for f in (np.add.accumulate, np.multiply.accumulate, np.maximum.accumulate,
                 np.minimum.accumulate, np.fmax.accumulate, np.fmin.accumulate,
                 np.logaddexp.accumulate)},
    np.add.reduceat: [holo(lambda x, i=i: np.add.reduceat(x, i), real(5))
                      for i in ([0, 2, 4], [0, 3, 1, 1, 4], [4, 0])]
                     + [holo(lambda x, k=k: np.add.reduceat(x, [1, 0, 2], axis=k), real(3, 3, 4))
                        for k in (0, 1, -1)]
                     + [Case(lambda x: np.add.reduceat(x, [0, 2], dtype=np.float64), real(3, 4),
                             single=False)],
    **{f.outer: [Case(f.outer, *(replace(d, shape=s) for d, s in zip(SMOOTH_FOR[f], shapes)),
                      single=f is not np.float_power)
                 for shapes in (((2, 3), (4,)), ((), (3,)), ((3,), ()))]
       for f in SMOOTH_FOR},
    np.heaviside.outer: [Case(np.heaviside.outer, apart(3), apart_too(2)),
                         Case(lambda b: np.heaviside.outer(np.float32([0, 1]), b), apart(3, 4))],
    np.copysign.outer: [Case(np.copysign.outer, apart(3), apart_too(2)),
                        Case(lambda x: np.copysign.outer(x, np.float32([1, -1])), apart(3, 4))],
}
UNTRACKED: Untracked = {
    **{f.outer: lambda x, n, f=f: f.outer(x, x) for f in TWO if isinstance(f, np.ufunc)},
    **{f.outer: lambda x, n, f=f: f.outer(n, n) for f in BITWISE},
}
# fmt: on
