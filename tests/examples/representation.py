"""Exponents and fractions, neighbours, bits and whole numbers, between their jumps."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case, Examples, Untracked, between, inside, real

from tinygrad_ce.rules.representation import exponent


def quiet(f: Callable[..., Any], *args: Any) -> Any:
    """f(*args), where some version of NumPy calls f deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return f(*args)


# fmt: off
EXAMPLES: Examples = {
    np.ldexp: [Case(lambda x: np.ldexp(x, 3), real(3, 4)),
               Case(lambda x: np.ldexp(x, np.arange(-2, 2)), real(3, 4)),
               Case(lambda x: np.ldexp(x, np.arange(3)[:, None]), real(4))],
    np.frexp: [Case(lambda x: np.frexp(x)[0], between(1.1, 1.9)(3, 4)),
               Case(lambda x: np.frexp(x)[0] * np.frexp(x)[1], between(-0.24, -0.13)(4),
                    single=False),
               Case(lambda x: np.frexp(x)[0], between(4.5, 7)())],
    np.modf: [Case(lambda x: np.modf(x)[0], between(1.1, 1.9)(3, 4)),
              Case(lambda x: np.modf(x)[0] * np.modf(x)[1], between(-2.9, -2.1)(4)),
              Case(lambda x: np.modf(x)[0], inside())],
    np.nextafter: [Case(lambda x: np.nextafter(x, np.float32(9)), real(3, 4)),
                   Case(lambda x: np.nextafter(x, np.ones((2, 1), np.float32)), real(4))],
}
UNTRACKED: Untracked = {
    **{f: lambda x, n, f=f: f(x) for f in (np.spacing, exponent, np.isreal, np.iscomplex)},
    **{f: lambda x, n, f=f: f(n, n) for f in (np.gcd, np.lcm)},
    np.bitwise_count: lambda x, n: np.bitwise_count(n),
    np.fix: lambda x, n: quiet(np.fix, x),
    np.packbits: lambda x, n: np.packbits(n > 5),
    np.unpackbits: lambda x, n: np.unpackbits(np.astype(n, np.uint8)),
}
# fmt: on
