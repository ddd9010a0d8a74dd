"""Grids between two ends, either of them a variable, and arrays of another dtype."""

import numpy as np
from cases import Case, Examples, above, binary, holo, positive, real, unit

# fmt: off
EXAMPLES: Examples = {
    np.linspace: [
        *binary(np.linspace, analytic=True),
        *binary(lambda a, b: np.linspace(a, b, 5, endpoint=False, axis=-1), analytic=True),
        holo(lambda a, b: np.linspace(a, b, 1), real(3), real()),
        holo(lambda a, b: np.linspace(a, b, 5, True, True)[1], real(3), real())],
    np.logspace: [
        *binary(lambda a, b: np.logspace(a, b, 4, base=2.0), unit, unit, analytic=True),
        holo(lambda a, b: np.logspace(a, b, 4, False, axis=-1), unit(3), unit()),
        holo(lambda a, b, c: np.logspace(a, b, 4, base=c, axis=1), unit(3), unit(), positive(2, 1)),
        holo(lambda a, b, c: np.logspace(a, b, 4, base=c), unit(3), unit(), positive())],
    np.geomspace: [
        *binary(np.geomspace, positive, above, analytic=True, single=False),
        Case(lambda a, b: np.geomspace(-a, -b, 5, False, axis=-1), positive(3), above(),
             analytic=True, single=False)],
    np.astype: [Case(lambda x: np.astype(x, np.float64, copy=False, device="cpu"), real(3),
                     single=False),
                Case(lambda x: np.astype(x, np.float64), real(3, 4), single=False)],
}
# fmt: on
