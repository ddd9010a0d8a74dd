"""Numbers as they are written and held: exponent and fraction, neighbours, whole numbers, bits.

The steps of rounding are no steps here: nextafter(x, y) has derivative 1 by x. frexp and modf have
the derivative of the piece that x lies in.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.rules.kinds import Composed, Table

__all__ = ["RULES", "exponent"]


@dispatched
def exponent(x: Any) -> Any:
    """The integer e of x = m 2^e with 1/2 <= |m| < 1: the second result of `np.frexp`.

    >>> exponent(np.array([1.0, 0.3]))
    array([ 1, -1], dtype=int32)
    """
    return np.frexp(x)[1]


def _frexp(x: Any) -> Any:
    e = exponent(x)
    return np.ldexp(x, -e), e


def _modf(x: Any) -> Any:
    """The fraction and the whole, both with the sign of x; an infinite x is whole."""
    return np.fmod(np.where(np.isinf(x), 0.0 * np.sign(x), x), 1.0), np.trunc(x)


# fmt: off
RULES: Table = {
    np.ldexp:         (lambda g, y, a, b: np.ldexp(g, b), None),
    np.frexp:         Composed(_frexp),
    np.modf:          Composed(_modf),
    np.nextafter:     (lambda g, y, a, b: g, None),
    # recorded, without gradient
    exponent:         None,
    np.spacing:       None,
    np.fix:           None,
    np.gcd:           None,
    np.lcm:           None,
    np.bitwise_count: None,
    np.packbits:      None,
    np.unpackbits:    None,
    np.isreal:        None,
    np.iscomplex:     None,
}
# fmt: on
