"""The elementwise functions of `scipy.special`, for those who use SciPy: nothing imports it here.

`rules(special)` is the family's table, joined when the first of its functions meets a Tensor. The
rules are made of functions that have rules themselves, so that every order can be had. Orders and
parameters (the v of `jv(v, x)`) are constants: a gradient by them is refused. So are complex
arguments of the digamma function, whose derivative SciPy has for real ones only.

Kinks: 0 log 0 = 0 as in `special.py`; i0e, i1e and ive have |x|'s derivative 0 at x = 0.
Left out: `poch` is nan where z and z + m are both poles of the gamma function, `agm` where one
operand is 0; at x = 0, where one of their results is infinite, `sici` and `shichi` give the other
one's first derivative, and nan for the second.

Precision: where a derivative is a difference of two nearly equal terms, its error is that of the
terms. That is a few ulp of y for the scaled Bessel functions at large x (whose derivative is
y / 2x), some 1e-14 of the derivative for erfcx and dawsn below x = 10, each order further losing
two digits more, and for gammainc, betainc and stdtr a few ulp times the logarithm of their density.
The formulas are those of the NIST Digital Library of Mathematical Functions.
"""

import math
from typing import Any

import numpy as np

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules import scipy_derivatives as slope
from tinygrad_ce.rules.elementwise import signum
from tinygrad_ce.rules.kinds import Composed, Entry, Rule, Table
from tinygrad_ce.rules.support import astype, ratio, weigh

__all__ = ["rules"]

_PI, _LN2, _LN10, _DEGREE = math.pi, math.log(2), math.log(10), math.pi / 180
_ERF, _ROOT = 2 / math.sqrt(_PI), math.sqrt(2 / _PI)


def _lost(g: Any, y: Any) -> Any:
    """In the place of an order or parameter: refused, under the function's name."""


def _refusal(name: str) -> Rule:
    def refuse(g: Any, y: Any, *operands: Any) -> Any:
        raise UnsupportedError(
            f"a gradient was wanted by an order or parameter of scipy.special.{name}",
            "tinygrad_ce knows its derivative by its other argument only",
            "pass .detach() of the order or parameter",
        )

    return refuse


def _promoting(rule: Any) -> Rule:
    """The rule for operands of the precision that SciPy computes the result with."""

    def wide(g: Any, y: Any, *operands: Any) -> Any:
        dtype = np.finfo(y.dtype).dtype
        return rule(g, y, *(_wide(x, dtype) for x in operands))

    return wide


def _wide(x: Any, dtype: Any) -> Any:
    found = getattr(x, "dtype", None)
    narrow = found is not None and found.kind == "f" and found.itemsize < dtype.itemsize
    return astype(x, dtype) if narrow else x


def rules(special: Any) -> Table:
    """The table of the functions that this version of the module has."""
    s = special
    # fmt: off
    table: dict[str, Entry] = {
        # logistic and normal distribution
        "expit":       (lambda g, y, x: g * (y * s.expit(-x)),),
        "logit":       (lambda g, y, x: g / (x * (1 - x)),),
        "log_expit":   (lambda g, y, x: g * s.expit(-x),),
        "ndtr":        (lambda g, y, x: g * (_ROOT / 2 * np.exp(-x * x / 2)),),
        "log_ndtr":    (lambda g, y, x: g * slope.log_ndtr(s, x),),
        "ndtri":       (lambda g, y, x: g * (2 / _ROOT * np.exp(y * y / 2)),),
        "ndtri_exp":   (lambda g, y, x: g / slope.log_ndtr(s, y),),
        "owens_t":     (lambda g, y, h, a: -g * (_ROOT / 4 * np.exp(-h * h / 2)
                                                 * s.erf(a * h * math.sqrt(0.5))),
                        lambda g, y, h, a: g * (np.exp(-h * h * (1 + a * a) / 2)
                                                / (2 * _PI * (1 + a * a)))),
        # error functions
        "erf":         (lambda g, y, x: g * (_ERF * np.exp(-x * x)),),
        "erfc":        (lambda g, y, x: -g * (_ERF * np.exp(-x * x)),),
        "erfcx":       (lambda g, y, x: g * slope.erfcx(s, x),),
        "erfi":        (lambda g, y, x: g * (_ERF * np.exp(x * x)),),
        "erfinv":      (lambda g, y, x: g * (np.exp(y * y) / _ERF),),
        "erfcinv":     (lambda g, y, x: -g * (np.exp(y * y) / _ERF),),
        "dawsn":       (lambda g, y, x: g * slope.dawsn(s, x),),
        "fresnel":     (lambda g, y, x: g[0] * np.sin(_PI / 2 * x * x)
                                        + g[1] * np.cos(_PI / 2 * x * x),),
        # gamma and beta functions
        "gamma":       (lambda g, y, x: g * (y * s.psi(x)),),
        "gammaln":     (lambda g, y, x: g * s.psi(x),),
        "loggamma":    (lambda g, y, x: g * s.psi(x),),
        "gammasgn":    None,
        "rgamma":      (lambda g, y, x: g * slope.rgamma(s, x),),
        "psi":         (lambda g, y, x: g * slope.psi(s, x),),
        "_zeta":       (_lost, lambda g, y, x, q: -g * (x * s.zeta(x + 1, q))),
        "poch":        (lambda g, y, z, m: g * slope.poch(s, y, z, m),
                        lambda g, y, z, m: g * (y * s.psi(z + m))),
        "beta":        (lambda g, y, a, b: g * (y * (s.psi(a) - s.psi(a + b))),
                        lambda g, y, a, b: g * (y * (s.psi(b) - s.psi(a + b)))),
        "betaln":      (lambda g, y, a, b: g * (s.psi(a) - s.psi(a + b)),
                        lambda g, y, a, b: g * (s.psi(b) - s.psi(a + b))),
        "gammainc":    (_lost, lambda g, y, a, x: g * slope.gammainc(s, a, x)),
        "gammaincc":   (_lost, lambda g, y, a, x: -g * slope.gammainc(s, a, x)),
        "gammaincinv": (_lost, lambda g, y, a, p: g / slope.gammainc(s, a, y)),
        "gammainccinv": (_lost, lambda g, y, a, p: -g / slope.gammainc(s, a, y)),
        "betainc":     (_lost, _lost, lambda g, y, a, b, x: g * slope.betainc(s, a, b, x)),
        "betaincc":    (_lost, _lost, lambda g, y, a, b, x: -g * slope.betainc(s, a, b, x)),
        "betaincinv":  (_lost, _lost, lambda g, y, a, b, p: g / slope.betainc(s, a, b, y)),
        "stdtr":       (_lost, lambda g, y, df, t: g * slope.stdtr(s, df, t)),
        "stdtrit":     (_lost, lambda g, y, df, p: g / slope.stdtr(s, df, y)),
        "chdtr":       (_lost, lambda g, y, v, x: g * slope.gammainc(s, v / 2, x / 2) / 2),
        "chdtrc":      (_lost, lambda g, y, v, x: -g * slope.gammainc(s, v / 2, x / 2) / 2),
        # entropies and losses
        "xlogy":       (lambda g, y, x, z: g * np.log(z),   lambda g, y, x, z: g * ratio(x, z)),
        "xlog1py":     (lambda g, y, x, z: g * np.log1p(z), lambda g, y, x, z: g * ratio(x, 1 + z)),
        "entr":        (lambda g, y, x: -g * (np.log(x) + 1),),
        "rel_entr":    (lambda g, y, a, b: g * (np.log(a / b) + 1),
                        lambda g, y, a, b: -g * ratio(a, b)),
        "kl_div":      (lambda g, y, a, b: g * np.log(a / b),
                        lambda g, y, a, b: g * (1 - ratio(a, b))),
        "huber":       (lambda g, y, d, r: g * np.maximum(np.abs(r) - d, 0.0),
                        lambda g, y, d, r: g * np.maximum(np.minimum(r, d), -d)),
        "pseudo_huber": (lambda g, y, d, r: g * (r * ratio(r, np.hypot(r, d))
                                                 * np.square(ratio(r, np.hypot(r, d) + d))),
                         lambda g, y, d, r: g * (r * ratio(d, np.hypot(r, d)))),
        "boxcox":      (lambda g, y, x, p: g * np.power(x, p - 1),
                        lambda g, y, x, p: g * slope.boxcox(s, np.power(x, p), y, p, np.log(x))),
        "boxcox1p":    (lambda g, y, x, p: g * np.power(1 + x, p - 1),
                        lambda g, y, x, p: g * slope.boxcox(s, np.power(1 + x, p), y, p,
                                                            np.log1p(x))),
        "inv_boxcox":  (lambda g, y, x, p: g * np.power(y, 1 - p),
                        lambda g, y, x, p: g * slope.inv_boxcox(s, y, x, p, np.log(y))),
        "inv_boxcox1p": (lambda g, y, x, p: g * np.power(1 + y, 1 - p),
                         lambda g, y, x, p: g * slope.inv_boxcox(s, 1 + y, x, p, np.log1p(y))),
        # powers, exponentials, degrees
        "expm1":       (lambda g, y, x: g * np.exp(x),),
        "log1p":       (lambda g, y, x: g / (1 + x),),
        "exp2":        (lambda g, y, x: g * (y * _LN2),),
        "exp10":       (lambda g, y, x: g * (y * _LN10),),
        "cbrt":        (lambda g, y, x: g / (3 * y * y),),
        "powm1":       (lambda g, y, a, b: g * weigh(b, np.power(a, b - 1)),
                        lambda g, y, a, b: g * weigh(np.power(a, b), np.log(a))),
        "exprel":      (lambda g, y, x: g * slope.exprel(s, y, x),),
        "cosm1":       (lambda g, y, x: -g * np.sin(x),),
        "sindg":       (lambda g, y, x: g * (s.cosdg(x) * _DEGREE),),
        "cosdg":       (lambda g, y, x: -g * (s.sindg(x) * _DEGREE),),
        "tandg":       (lambda g, y, x: g * ((1 + y * y) * _DEGREE),),
        "cotdg":       (lambda g, y, x: -g * ((1 + y * y) * _DEGREE),),
        "round":       None,
        # Bessel functions
        "j0":          (lambda g, y, x: -g * s.j1(x),),
        "j1":          (lambda g, y, x: g * (s.j0(x) - s.jv(2, x)) / 2,),
        "jv":          (_lost, lambda g, y, v, x: g * (s.jv(v - 1, x) - s.jv(v + 1, x)) / 2),
        "y0":          (lambda g, y, x: -g * s.y1(x),),
        "y1":          (lambda g, y, x: g * slope.at_zero(
                            x, 1, lambda x: s.y0(x) - s.yn(2, x)) / 2,),
        "yn":          (_lost, lambda g, y, n, x: g * slope.at_zero(
                            x, 1, lambda x: s.yn(n - 1, x) - s.yn(n + 1, x)) / 2),
        "yv":          (_lost, lambda g, y, v, x: g * slope.at_zero(
                            x, 1, lambda x: s.yv(v - 1, x) - s.yv(v + 1, x)) / 2),
        "hankel1":     (_lost, lambda g, y, v, z: g * (s.hankel1(v - 1, z)
                                                       - s.hankel1(v + 1, z)) / 2),
        "hankel2":     (_lost, lambda g, y, v, z: g * (s.hankel2(v - 1, z)
                                                       - s.hankel2(v + 1, z)) / 2),
        "i0":          (lambda g, y, x: g * s.i1(x),),
        "i1":          (lambda g, y, x: g * (s.i0(x) + s.iv(2, x)) / 2,),
        "iv":          (_lost, lambda g, y, v, x: g * (s.iv(v - 1, x) + s.iv(v + 1, x)) / 2),
        "i0e":         (lambda g, y, x: g * (s.i1e(x) - signum(x) * y),),
        "i1e":         (lambda g, y, x: g * ((s.i0e(x) + s.ive(2, x)) / 2 - signum(x) * y),),
        "ive":         (_lost, lambda g, y, v, z: g * (s.ive(v - 1, z) + s.ive(v + 1, z)) / 2
                                                  - signum(np.real(z)) * np.real(g * y)),
        "k0":          (lambda g, y, x: -g * s.k1(x),),
        "k1":          (lambda g, y, x: -g * (s.k0(x) + s.kn(2, x)) / 2,),
        "kn":          (_lost, lambda g, y, n, x: -g * (s.kn(n - 1, x) + s.kn(n + 1, x)) / 2),
        "kv":          (_lost, lambda g, y, v, x: -g * (s.kv(v - 1, x) + s.kv(v + 1, x)) / 2),
        "k0e":         (lambda g, y, x: g * slope.at_zero(
                            x, -1, lambda x: s.k0e(x) - s.k1e(x)),),
        "k1e":         (lambda g, y, x: g * slope.at_zero(
                            x, -1, lambda x: s.k1e(x) - (s.k0e(x) + s.kve(2, x)) / 2),),
        "kve":         (_lost, lambda g, y, v, x: g * slope.at_zero(
                            x, -1, lambda x: s.kve(v, x) - (s.kve(v - 1, x)
                                                            + s.kve(v + 1, x)) / 2)),
        "struve":      (_lost, lambda g, y, v, x: g * (s.struve(v - 1, x) - s.struve(v + 1, x)
                                                       + slope.struve_term(s, v, x)) / 2),
        "modstruve":   (_lost, lambda g, y, v, x: g * (s.modstruve(v - 1, x) + s.modstruve(v + 1, x)
                                                       + slope.struve_term(s, v, x)) / 2),
        "airy":        (lambda g, y, x: weigh(g[0], y[1]) + weigh(g[1], weigh(y[0], x))
                                        + weigh(g[2], y[3]) + weigh(g[3], weigh(x, y[2])),),
        # exponential and elliptic integrals
        "expi":        (lambda g, y, x: g * (np.exp(x) / x),),
        "exp1":        (lambda g, y, x: -g * (np.exp(-x) / x),),
        "expn":        (_lost, lambda g, y, n, x: g * slope.expn(s, n, y, x)),
        "sici":        (lambda g, y, x: g[0] * slope.sine_over(s, np.sin, x, -1)
                                        + weigh(g[1], np.cos(x) / x),),
        "shichi":      (lambda g, y, x: weigh(g[0], slope.sine_over(s, np.sinh, x, 1))
                                        + weigh(g[1], np.cosh(x) / x),),
        "spence":      (lambda g, y, z: g * slope.spence(s, z),),
        "ellipk":      (lambda g, y, m: g * slope.ellipk(s, 1 - m),),
        "ellipkm1":    (lambda g, y, p: -g * slope.ellipk(s, p),),
        "ellipe":      (lambda g, y, m: g * slope.ellipe(s, m),),
        "ellipkinc":   (lambda g, y, phi, m: g / np.sqrt(1 - m * np.square(np.sin(phi))), _lost),
        "ellipeinc":   (lambda g, y, phi, m: g * np.sqrt(1 - m * np.square(np.sin(phi))), _lost),
        "agm":         Composed(lambda a, b: _PI / 4 * (a + b)
                                             / s.ellipkm1(4 * ratio(a, a + b) * ratio(b, a + b))),
        # inverses and hypergeometric functions
        "_lambertw":   (lambda g, y, z, k, tol: g * (np.exp(-y) / (1 + y)),),
        "wrightomega": (lambda g, y, z: g * (y / (1 + y)),),
        "hyp0f1":      (_lost, lambda g, y, b, x: g * (s.hyp0f1(b + 1, x) / b)),
        "hyp1f1":      (_lost, _lost, lambda g, y, a, b, x:
                            g * (s.hyp1f1(a + 1, b + 1, x) * (a / b))),
        "hyp2f1":      (_lost, _lost, _lost, lambda g, y, a, b, c, x:
                            g * (s.hyp2f1(a + 1, b + 1, c + 1, x) * (a * b / c))),
        "hyperu":      (_lost, _lost, lambda g, y, a, b, x:
                            -g * (s.hyperu(a + 1, b + 1, x) * a)),
    }
    # fmt: on
    found: Table = {}
    for name, entry in table.items():
        # What zeta and lambertw call is private.
        function = getattr(getattr(s, "_ufuncs", s) if name.startswith("_") else s, name, None)
        if isinstance(function, np.ufunc):
            if isinstance(entry, tuple) and len(entry) > 1:
                refusal = _refusal(name.strip("_"))
                entry = tuple(refusal if r is _lost else _promoting(r) for r in entry)
            found[function] = entry
    return found
