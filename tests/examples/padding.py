"""np.pad in every mode, with borders of constants and of variables."""

import numpy as np
from cases import Case, Examples, apart, holo, real

# fmt: off
EXAMPLES: Examples = {
    np.pad: [holo(lambda x: np.pad(x, 1, "reflect", reflect_type="even"), real(3, 4))]
            + [holo(lambda x, m=m: np.pad(x, ((1, 2), (0, 1)), m), real(3, 4))
             for m in ("constant", "edge", "reflect", "symmetric", "wrap")]
            + [holo(lambda x: np.pad(x, 1, constant_values=2.0), real(3, 4)),
               holo(lambda x, c: np.pad(x, 1, constant_values=c), real(2, 3), real(2, 2)),
               holo(lambda x, c: np.pad(x, (1, 2), constant_values=c), real(2, 3), real()),
               holo(lambda x: np.pad(x, 2, constant_values=((1, 2), (3, 4))), real(2, 3)),
               holo(lambda x: np.pad(x, 5, "reflect"), real(3)),
               holo(lambda x: np.pad(x, ((1, 3), (2, 0)), "linear_ramp", end_values=(1, 2)),
                    real(3, 4)),
               holo(lambda x, c: np.pad(x, 3, "linear_ramp", end_values=c), real(3), real(2)),
               holo(lambda x: np.pad(x, ((1, 2), (0, 1)), "mean"), real(3, 4)),
               holo(lambda x: np.pad(x, (1, 2), "mean", stat_length=(2, 1)), real(3, 4)),
               *(Case(lambda x, m=m, n=n: np.pad(x, ((1, 2), (0, 1)), m, stat_length=n),
                      apart(3, 4)) for m in ("maximum", "minimum", "median") for n in (None, 2))],
}
# fmt: on
