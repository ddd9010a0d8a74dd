"""NumPy's elementwise functions, at smooth points, broadcast in every way."""

from typing import Any

import numpy as np
from cases import (
    MASK,
    Case,
    Examples,
    Untracked,
    above,
    apart,
    apart_too,
    between,
    binary,
    holo,
    positive,
    real,
    unary,
    unit,
)

from tinygrad_ce.rules import elementwise

ONE: tuple[Any, ...] = (
    elementwise.signum, np.floor, np.ceil, np.trunc, np.rint, np.logical_not, np.isfinite,
    np.isinf, np.isnan, np.isneginf, np.isposinf, np.signbit, np.round, np.around,
)  # fmt: skip
TWO: tuple[Any, ...] = (
    np.floor_divide, np.equal, np.not_equal, np.less, np.less_equal, np.greater,
    np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.isclose,
)  # fmt: skip
BITWISE: tuple[Any, ...] = (
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift
)  # fmt: skip

# fmt: off
EXAMPLES: Examples = {
    # arithmetic
    np.add: binary(np.add, analytic=True),
    np.subtract: binary(np.subtract, analytic=True),
    np.multiply: binary(np.multiply, analytic=True),
    np.divide: binary(np.divide, real, positive, analytic=True),
    np.power: [*binary(np.power, positive, real, analytic=True),
               holo(lambda x: x**3, real(3, 4)), holo(lambda x: x**-2, positive(3, 4)),
               holo(lambda x: x**2.5, positive(4)), holo(lambda x: 2.0**x, real(3)),
               holo(lambda x: np.power(x, np.arange(4, dtype=np.float32)), positive(3, 4))],
    np.float_power: binary(np.float_power, positive, real, analytic=True, single=False),
    np.remainder: [*binary(np.remainder, between(2.3, 2.7), between(0.95, 1.05)),
                   *binary(np.remainder, between(-2.7, -2.3), between(0.95, 1.05))],
    np.fmod: [*binary(np.fmod, between(2.3, 2.7), between(0.95, 1.05)),
              *binary(np.fmod, between(-2.7, -2.3), between(0.95, 1.05))],
    np.negative: unary(np.negative),
    np.positive: unary(np.positive),
    np.reciprocal: unary(np.reciprocal, positive),
    np.square: unary(np.square),
    np.sqrt: unary(np.sqrt, positive),
    np.cbrt: unary(np.cbrt, positive, False),
    np.absolute: unary(np.absolute, apart, False),
    np.fabs: unary(np.fabs, apart, False),
    np.heaviside: [Case(np.heaviside, apart(3, 4), apart_too(3, 4)),
                   Case(lambda b: np.heaviside(np.array([0, 1, -1, 0], np.float32), b), apart(4))],
    np.copysign: [Case(lambda x: np.copysign(x, np.array([1, -1, -0.0, 2], np.float32)),
                       apart(3, 4)),
                  Case(np.copysign, apart(3, 4), apart_too(3, 4)),
                  Case(lambda b: np.copysign(np.float32(2), b), apart(4))],
    np.conjugate: unary(np.conjugate, real, False),
    np.real: unary(np.real, real, False),
    np.imag: [Case(lambda x: np.imag(x * 2j), real(3, 4), single=False),
              Case(lambda x: np.imag((1 + 2j) * x * x), real(), single=False)],
    np.angle: [Case(lambda x: np.angle(x + 1j), real(3, 4), single=False),
               Case(lambda x: np.angle(1 + x * 1j, deg=True), real(3), single=False)],
    np.sign: [Case(lambda x: np.real(np.sign(x + 2j)), real(3, 4), single=False),
              Case(lambda x: x * np.sign(x), apart(3, 4))],
    np.deg2rad: unary(np.deg2rad, real, False),
    np.radians: unary(np.radians, real, False),
    np.rad2deg: unary(np.rad2deg, real, False),
    np.degrees: unary(np.degrees, real, False),
    np.exp: unary(np.exp),
    np.exp2: unary(np.exp2),
    np.expm1: unary(np.expm1),
    np.log: unary(np.log, positive),
    np.log2: unary(np.log2, positive),
    np.log10: unary(np.log10, positive),
    np.log1p: unary(np.log1p, positive),
    np.logaddexp: binary(np.logaddexp),
    np.logaddexp2: binary(np.logaddexp2),
    np.sin: unary(np.sin),
    np.cos: unary(np.cos),
    np.tan: unary(np.tan, unit),
    np.arcsin: unary(np.arcsin, unit),
    np.arccos: unary(np.arccos, unit),
    np.arctan: unary(np.arctan),
    np.arctan2: [*binary(np.arctan2, real, positive), *binary(np.arctan2, positive, real)],
    np.hypot: binary(np.hypot, positive, positive),
    np.sinh: unary(np.sinh),
    np.cosh: unary(np.cosh),
    np.tanh: unary(np.tanh),
    np.arcsinh: unary(np.arcsinh),
    np.arccosh: unary(np.arccosh, above),
    np.arctanh: unary(np.arctanh, unit),
    # choices
    np.maximum: binary(np.maximum, apart, apart_too),
    np.fmax: binary(np.fmax, apart, apart_too),
    np.minimum: binary(np.minimum, apart, apart_too),
    np.fmin: binary(np.fmin, apart, apart_too),
    np.divmod: binary(lambda a, b: np.divmod(a, b)[1], between(2.3, 2.7), between(0.95, 1.05)),
    np.clip: [Case(lambda x: np.clip(x, min=-0.9, max=0.9), apart(3, 4)),
              Case(lambda x: np.clip(x, -0.9, 0.9), apart(3, 4)),
              Case(lambda x: np.clip(x, None, 0.9), apart(3, 4)),
              Case(lambda x: np.clip(x, -0.9, None), apart(4)),
              Case(lambda x, low, high: np.clip(x, low, high), apart(3, 4),
                   between(-1.1, -1.0)(4), between(1.0, 1.1)(3, 1))],
    np.where: [holo(lambda a, b: np.where(MASK, a, b), real(3, 4), real(3, 4)),
               holo(lambda a, b: np.where(MASK, a, b), real(3, 1), real(4)),
               holo(lambda a, b: np.where(True, a, b), real(), real()),
               holo(lambda a: np.where(MASK, a, 2.0), real(3, 4)),
               holo(lambda b: np.where(MASK, 2.0, b), real(4))],
}
UNTRACKED: Untracked = {
    **{f: lambda x, n, f=f: f(x) for f in ONE},
    **{f: lambda x, n, f=f: f(x, x + 1) for f in TWO},
    **{f: lambda x, n, f=f: f(n, n) for f in BITWISE},
    np.invert: lambda x, n: np.invert(n),
}
# fmt: on
