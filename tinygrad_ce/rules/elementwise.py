"""NumPy's elementwise functions: one number in, one number out, broadcasting between operands.

Rules here say pure calculus. The engine sums a gradient over the axes its operand was broadcast
along, and gives it the operand's dtype.

Kinks: abs'(0) = 0; max and min of equal operands share the gradient, a constant operand takes it
whole, so that maximum(x, 0) and clip(x, 0, 1) have relu's derivative 0 at their bounds.
x**0 has derivative 0 everywhere; 0**p has derivative 0 by p >= 0, and by p < 0, where it is inf,
-inf, the limit of a^p log a.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched, real_array
from tinygrad_ce.rules.kinds import Composed, Table, Tied
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.rules.support import conj, masked, ratio, weigh

__all__ = ["RULES", "signum"]

_LN2 = math.log(2)
_LOG2_E, _LOG10_E = math.log2(math.e), math.log10(math.e)
_DEGREE = math.pi / 180


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    """b a^(b-1), which is 0 for b = 0 at every a."""
    if isinstance(b, int | float):
        return g * (b * a ** (b - 1)) if b else g * 0.0
    return g * weigh(b, np.power(a, b - np.ones((), y.dtype)))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    """a^b log a; for a = 0 it is 0 at b >= 0, and -inf at b < 0."""
    return g * (y * np.log(np.where((a == 0) & (b >= 0), np.ones((), y.dtype), a)))


@dispatched
def signum(x: Any) -> Any:
    """-1, 0 or 1 by the sign of a real number: `np.sign` without its complex case.

    >>> signum(np.array([-2.0, 0.0, 3.0]))
    array([-1.,  0.,  1.])
    """
    return np.sign(x)


def _sign(x: Any) -> Any:
    return ratio(x, np.absolute(x)) if np.iscomplexobj(x) else signum(x)


def _absolute(g: Any, y: Any, x: Any) -> Any:
    """g conj(x) / |x|, which is g sign(x) for real x."""
    return g * ratio(conj(x), y) if np.iscomplexobj(x) else g * signum(x)


def _angle(z: Any, deg: bool = False) -> Any:
    angle = np.arctan2(np.imag(z), np.real(z))
    return angle / _DEGREE if deg else angle


def _inverted(a: Any, b: Any) -> Any:
    """a / (a^2 + b^2), and 0 at the origin: divided by the larger, so that no square overflows."""
    size = np.maximum(np.absolute(a), np.absolute(b))
    part = ratio(a, size)
    return ratio(part, a * part + b * ratio(b, size))


def _arcsinh(g: Any, y: Any, x: Any) -> Any:
    """g / sqrt(1 + x^2), which for complex x is g / cosh(y) on the sheet that y is on."""
    return g / (np.cosh(y) if np.iscomplexobj(x) else np.hypot(1.0, x))


def _cosine_squared(x: Any) -> Any:
    """1 - x^2 by its factors: at 1 and -1 it is +0, and for complex x on the side that x is on."""
    return (x - 1) * (-x - 1) if np.iscomplexobj(x) else (1 - x) * (1 + x)


def _share(g: Any, ahead: Any, a: Any, b: Any) -> Any:
    """g where a is ahead of b, half of it where they are equal; else 0, even if g is not finite."""
    return masked(g, ahead) + masked(g * 0.5, np.equal(a, b))


def _known(ahead: Any, a: Any, b: Any) -> Any:
    """Where fmax or fmin chose a: where it is ahead, and where b alone is nan."""
    return ahead | (np.isnan(b) & ~np.isnan(a))


def _softmax2(g: Any, y: Any, a: Any, b: Any) -> Any:
    """g e^a / (e^a + e^b); 0 where both are -inf."""
    return g * np.where(y == -np.inf, 0.0, sigmoid(_apart(y, a, b)))


def _softmax2_base2(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g * np.where(y == -np.inf, 0.0, sigmoid(_apart(y, a, b) * _LN2))


def _apart(y: Any, a: Any, b: Any) -> Any:
    """a - b, and 0 for equal infinities; at equal numbers, too, it depends on them."""
    return np.where((a == b) & np.isinf(y), 0.0, a - b)


def _heaviside(x1: Any, x2: Any, /) -> Any:
    x1, x2 = real_array(x1, "np.heaviside"), real_array(x2, "np.heaviside")
    return np.where(x1 == 0, x2, (signum(x1) + 1) / 2)


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


# fmt: off
_POWER = (_power_base, _power_exponent)
_LARGER = Tied(
    shared=(lambda g, y, a, b: _share(g, a > b, a, b),
            lambda g, y, a, b: _share(g, b > a, a, b)),
    alone= (lambda g, y, a, b: masked(g, a > b),
            lambda g, y, a, b: masked(g, b > a)),
)
_SMALLER = Tied(
    shared=(lambda g, y, a, b: _share(g, a < b, a, b),
            lambda g, y, a, b: _share(g, b < a, a, b)),
    alone= (lambda g, y, a, b: masked(g, a < b),
            lambda g, y, a, b: masked(g, b < a)),
)
_LARGER_KNOWN = Tied(
    shared=(lambda g, y, a, b: _share(g, _known(a > b, a, b), a, b),
            lambda g, y, a, b: _share(g, _known(b > a, b, a), a, b)),
    alone= (lambda g, y, a, b: masked(g, _known(a > b, a, b)),
            lambda g, y, a, b: masked(g, _known(b > a, b, a))),
)
_SMALLER_KNOWN = Tied(
    shared=(lambda g, y, a, b: _share(g, _known(a < b, a, b), a, b),
            lambda g, y, a, b: _share(g, _known(b < a, b, a), a, b)),
    alone= (lambda g, y, a, b: masked(g, _known(a < b, a, b)),
            lambda g, y, a, b: masked(g, _known(b < a, b, a))),
)

RULES: Table = {
    # arithmetic
    np.add:           (lambda g, y, a, b: g,         lambda g, y, a, b: g),
    np.subtract:      (lambda g, y, a, b: g,         lambda g, y, a, b: -g),
    np.multiply:      (lambda g, y, a, b: g * b,     lambda g, y, a, b: g * a),
    np.divide:        (lambda g, y, a, b: g / b,     lambda g, y, a, b: -g * y / b),
    np.power:         _POWER,
    np.float_power:   _POWER,
    # a / b rounds up to the next whole number just below it, so the quotient is taken of a - y.
    np.remainder:     (lambda g, y, a, b: g,         lambda g, y, a, b: -g * np.rint((a - y) / b)),
    np.fmod:          (lambda g, y, a, b: g,         lambda g, y, a, b: -g * np.rint((a - y) / b)),
    np.divmod:        Composed(lambda a, b: (np.floor_divide(a, b), np.remainder(a, b))),
    np.negative:      (lambda g, y, x: -g,),
    np.positive:      (lambda g, y, x: g,),
    np.reciprocal:    (lambda g, y, x: -g * y * y,),
    np.square:        (lambda g, y, x: g * (2 * x),),
    np.sqrt:          (lambda g, y, x: g / (2 * y),),
    np.cbrt:          (lambda g, y, x: g / (3 * y * y),),
    np.absolute:      (_absolute,),
    np.fabs:          (lambda g, y, x: g * signum(x),),
    np.copysign:      (lambda g, y, a, b: g * (signum(a) * np.copysign(1.0, b)), None),
    np.conjugate:     (lambda g, y, x: conj(g),),
    np.real:          (lambda g, y, val: g,),
    np.imag:          (lambda g, y, val: g * -1j,),
    np.angle:         Composed(_angle),
    np.sign:          Composed(_sign),
    np.deg2rad:       (lambda g, y, x: g * _DEGREE,),
    np.radians:       (lambda g, y, x: g * _DEGREE,),
    np.rad2deg:       (lambda g, y, x: g / _DEGREE,),
    np.degrees:       (lambda g, y, x: g / _DEGREE,),
    # exponentials and logarithms
    np.exp:           (lambda g, y, x: g * y,),
    np.exp2:          (lambda g, y, x: g * (y * _LN2),),
    np.expm1:         (lambda g, y, x: g * np.exp(x),),
    np.log:           (lambda g, y, x: g / x,),
    np.log2:          (lambda g, y, x: g * (_LOG2_E / x),),
    np.log10:         (lambda g, y, x: g * (_LOG10_E / x),),
    np.log1p:         (lambda g, y, x: g / (1 + x),),
    np.logaddexp:     (_softmax2,       lambda g, y, a, b: _softmax2(g, y, b, a)),
    np.logaddexp2:    (_softmax2_base2, lambda g, y, a, b: _softmax2_base2(g, y, b, a)),
    # trigonometric and hyperbolic
    np.sin:           (lambda g, y, x: g * np.cos(x),),
    np.cos:           (lambda g, y, x: -g * np.sin(x),),
    np.tan:           (lambda g, y, x: g * (1 + y * y),),
    # x - 1 and -x - 1 keep the sign of an imaginary zero, 1 - x does not: it tells the two sides
    # of a branch cut apart.
    np.arcsin:        (lambda g, y, x: g / np.sqrt(_cosine_squared(x)),),
    np.arccos:        (lambda g, y, x: -g / np.sqrt(_cosine_squared(x)),),
    np.arctan:        (lambda g, y, x: g / (1 + x * x),),
    np.arctan2:       (lambda g, y, a, b: g * _inverted(b, a),
                       lambda g, y, a, b: -g * _inverted(a, b)),
    np.hypot:         (lambda g, y, a, b: g * ratio(a, y),
                       lambda g, y, a, b: g * ratio(b, y)),
    np.sinh:          (lambda g, y, x: g * np.cosh(x),),
    np.cosh:          (lambda g, y, x: g * np.sinh(x),),
    np.tanh:          (lambda g, y, x: g * (1 - y * y),),
    np.arcsinh:       (_arcsinh,),
    np.arccosh:       (lambda g, y, x: g / (np.sqrt(x - 1) * np.sqrt(-(-x - 1))),),
    np.arctanh:       (lambda g, y, x: g / ((1 - x) * (1 + x)),),
    # choices
    np.maximum:       _LARGER,
    np.fmax:          _LARGER_KNOWN,
    np.minimum:       _SMALLER,
    np.fmin:          _SMALLER_KNOWN,
    np.clip:          Composed(_clip),
    np.heaviside:     Composed(_heaviside),
    np.where:         (None,
                       lambda g, y, condition, a, b: masked(g, condition),
                       lambda g, y, condition, a, b: masked(g, np.logical_not(condition))),
    # recorded, without gradient
    signum:           None,
    np.floor:         None,
    np.ceil:          None,
    np.trunc:         None,
    np.rint:          None,
    np.floor_divide:  None,
    np.equal:         None,
    np.not_equal:     None,
    np.less:          None,
    np.less_equal:    None,
    np.greater:       None,
    np.greater_equal: None,
    np.logical_and:   None,
    np.logical_or:    None,
    np.logical_xor:   None,
    np.logical_not:   None,
    np.bitwise_and:   None,
    np.bitwise_or:    None,
    np.bitwise_xor:   None,
    np.invert:        None,
    np.left_shift:    None,
    np.right_shift:   None,
    np.isfinite:      None,
    np.isinf:         None,
    np.isnan:         None,
    np.isneginf:      None,
    np.isposinf:      None,
    np.signbit:       None,
    np.round:         None,
    np.around:        None,
    np.isclose:       None,
}
# fmt: on
