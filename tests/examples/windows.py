"""Windows that slide over the last axes, for every kernel, stride, padding and dilation."""

from typing import Any

import numpy as np
from cases import Case, Examples, Untracked, apart, holo, real

from tinygrad_ce.rules.windows import (
    correlate,
    correlate_transposed,
    correlate_weight,
    fold,
    unfold,
    window_argmax,
    window_max,
    window_sum,
)

# How windows slide: kernel, stride, padding, dilation, and the length of x they fit.
SLIDES: list[Any] = [((2,), (1,), ((0, 0),), (1,)), ((3,), (2,), ((1, 1),), (1,)),
          ((2,), (3,), ((0, 2),), (2,)), ((1,), (2,), ((1, -1),), (1,)),
          ((2,), (1,), ((-1, -1),), (1,))]  # fmt: skip
PLANE: Any = ((2, 3), (2, 1), ((1, 0), (1, 1)), (1, 2))

# fmt: off
EXAMPLES: Examples = {
    unfold: [holo(lambda x, o=o: unfold(x, *o), real(2, 6)) for o in SLIDES]
            + [holo(lambda x: unfold(x, *PLANE), real(2, 4, 5))],
    fold: [holo(lambda y, o=o: fold(y, (6,), *o[1:]),
                real(2, *unfold(np.zeros(6), *o).shape)) for o in SLIDES]
          + [holo(lambda y: fold(y, (4, 5), *PLANE[1:]), real(2, 2, 3, 2, 3))],
    correlate: [holo(lambda x, w, o=o, n=n: correlate(x, w, *o[1:], n),
                     real(2, 4, 6), real(2, 4 // n, *o[0])) for o in SLIDES for n in (1, 2)]
               + [holo(lambda x, w: correlate(x, w, *PLANE[1:]),
                       real(2, 1, 4, 5), real(3, 1, 2, 3))],
    correlate_transposed: [
        holo(lambda y, w, o=o, n=n: correlate_transposed(y, w, (6,), *o[1:], n),
             real(2, 2, *unfold(np.zeros(6), *o).shape[1:]), real(2, 4 // n, *o[0]))
        for o in SLIDES for n in (1, 2)],
    correlate_weight: [
        holo(lambda x, y, o=o, n=n: correlate_weight(x, y, o[0], *o[1:], n),
             real(2, 4, 6), real(2, 2, *unfold(np.zeros(6), *o).shape[1:]))
        for o in SLIDES for n in (1, 2)],
    window_sum: [holo(lambda x, o=o: window_sum(x, *o[:3]), real(2, 6)) for o in SLIDES]
                + [holo(lambda x: window_sum(x, *PLANE[:3]), real(2, 4, 5))],
    window_max: [Case(lambda x, o=o: window_max(x, *o), apart(2, 6))
                 for o in SLIDES if o[2] != ((1, -1),)]
                + [Case(lambda x: window_max(x, *PLANE), apart(2, 4, 5))],
}
UNTRACKED: Untracked = {
    window_argmax: lambda x, n: window_argmax(x, x, (1,), (1,), ((0, 0),), (1,)),
}
# fmt: on
