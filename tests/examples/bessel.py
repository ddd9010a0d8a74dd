"""np.sinc, np.i0 and their derivatives by order: near zero, where they are series, and far away."""

import numpy as np
from cases import Examples, between, holo, real, unary

from tinygrad_ce.rules.bessel import i0_derivative, sinc_derivative

# fmt: off
EXAMPLES: Examples = {
    np.sinc: [*unary(np.sinc), *unary(np.sinc, between(3, 9))],
    sinc_derivative: [c for n in (0, 1, 2, 3)
                      for c in (*unary(lambda x, n=n: sinc_derivative(x, n)),
                                holo(lambda x, n=n: sinc_derivative(x, n), between(3, 9)(5)))],
    np.i0: [*unary(np.i0, real, False), *unary(np.i0, between(-9, 9), False)],
    i0_derivative: [c for n in (0, 1, 2, 3)
                    for c in unary(lambda x, n=n: i0_derivative(x, n), real, False)],
}
# fmt: on
