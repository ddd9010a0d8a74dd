"""The functions that the rules are written with, with every shape they are given."""

import numpy as np
from cases import AXES, HOLES, Case, Examples, apart, between, binary, holo, positive, real

from tinygrad_ce.rules import support

# fmt: off
EXAMPLES: Examples = {
    support.spread: [holo(lambda x, k=k, d=d: support.spread(np.sum(x, axis=k, keepdims=d),
                                                              (2, 3, 4), k, d), real(2, 3, 4))
                     for k in AXES for d in (False, True)],
    support.output: [Case(lambda x: support.output(np.divmod(x, np.float32(9)), 1),
                          between(1, 2)(3, 4))],
    support.sum_to: [holo(lambda x, s=s: support.sum_to(x, s), real(2, 3, 4))
                     for s in [(2, 3, 4), (3, 4), (4,), (1, 3, 1), (3, 1), (1,), ()]]
                    + [holo(lambda x: support.sum_to(x, (4,)), real(3, 4))],
    support.astype: [Case(lambda x: support.astype(x, np.float64), real(3, 4), single=False),
                     Case(lambda x: support.astype(x, float), real(), single=False)],
    support.masked: [Case(lambda x: support.masked(x, np.greater(x, 0)), apart(3, 4)),
                     holo(lambda x: support.masked(x, HOLES), real(3, 4)),
                     holo(lambda x: support.masked(x, HOLES), real(4))],
    support.ratio: binary(support.ratio, positive, positive, analytic=True),
    support.weigh: binary(support.weigh, positive, real, analytic=True),
}
# fmt: on
