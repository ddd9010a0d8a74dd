"""The elementwise functions of `scipy.special`; no examples where SciPy is not installed."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from cases import (
    Case,
    Examples,
    apart,
    between,
    binary,
    inside,
    positive,
    real,
    unary,
    unit,
)

from tinygrad_ce.rules import scipy
from tinygrad_ce.rules.table import late


def ordered(f: Any, orders: Any, draw: Any = positive, **kw: Any) -> list[Case]:
    """Constant orders: one alone (with which SciPy has no float32), and several that broadcast."""
    several = np.array(orders, np.float32)[:, None]
    return [
        *(Case(lambda x, v=v: f(v, x), draw(3, 4), single=False, **kw) for v in orders),
        Case(lambda x: f(several, x), draw(4), **kw),
        Case(lambda x: f(several, x), draw(), **kw),
    ]


def results(f: Any, draw: Any, analytic: bool = False) -> list[Case]:
    """All results of a function that has several, alone and together."""
    return [
        *(Case(lambda x, i=i: f(x)[i], draw(3, 4), analytic=analytic) for i in range(f.nout)),
        Case(lambda x: np.stack(f(x)), draw(3), analytic=analytic),
        Case(lambda x: f(x)[0] * f(x)[1], draw(), analytic=analytic),
    ]


def parameters(f: Any, *fixed: Any, draw: Any, **kw: Any) -> list[Case]:
    """Constant parameters before x: of float64, of float32, and two that broadcast."""
    single = tuple(map(np.float32, fixed))
    two = np.array([[0.0], [0.25]], np.float32)
    return [
        Case(lambda x: f(*fixed, x), draw(3, 4), single=False, **kw),
        Case(lambda x: f(*single, x), draw(), **kw),
        Case(lambda x: f(*(v + two for v in single), x), draw(4), **kw),
    ]


left, far, beyond = between(-2.8, -2.2), between(11, 14), between(3, 8)


def named(s: Any) -> dict[str, list[Case]]:
    """The examples by the functions' names, given scipy.special."""
    # fmt: off
    return {
        "expit": [*unary(s.expit, real, False), *unary(s.expit, far, False)],
        "logit": unary(s.logit, inside, False),
        "log_expit": unary(s.log_expit, real, False),
        "ndtr": unary(s.ndtr, real),
        "log_ndtr": [*unary(s.log_ndtr, real, False), *unary(s.log_ndtr, left, False)],
        "ndtri": unary(s.ndtri, inside, False),
        "ndtri_exp": unary(s.ndtri_exp, between(-8, -0.5), False),
        "owens_t": binary(s.owens_t),
        "erf": unary(s.erf),
        "erfc": unary(s.erfc),
        "erfcx": [*unary(s.erfcx), *unary(s.erfcx, beyond), *unary(s.erfcx, far, False)],
        "erfi": unary(s.erfi),
        "erfinv": unary(s.erfinv, unit, False),
        "erfcinv": unary(s.erfcinv, inside, False),
        "dawsn": [*unary(s.dawsn), *unary(s.dawsn, far, False),
                  *unary(s.dawsn, between(-14, -11), False)],
        "fresnel": results(s.fresnel, real, True),
        "gamma": [*unary(s.gamma, positive, False), *unary(s.gamma, left, False)],
        "gammaln": [*unary(s.gammaln, positive, False), *unary(s.gammaln, left, False)],
        "loggamma": unary(s.loggamma, positive, False),
        "rgamma": [*unary(s.rgamma, positive, False), *unary(s.rgamma, between(-3.2, 0.4), False)],
        "psi": [*unary(s.psi, positive, False), *unary(s.psi, left, False)],
        "_zeta": ordered(s.zeta, [1.5, 2.0, 3.5]),
        "poch": [*binary(s.poch, positive, positive),
                 *binary(s.poch, between(-2.4, -2.2), between(2.9, 3.2))],
        "beta": binary(s.beta, positive, positive),
        "betaln": binary(s.betaln, positive, positive),
        "gammainc": [*ordered(s.gammainc, [0.5, 1.0, 2.0, 3.5]),
                     *ordered(s.gammainc, [2.0, 30.0], beyond)],
        "gammaincc": ordered(s.gammaincc, [0.5, 1.0, 2.0, 3.5]),
        "gammaincinv": ordered(s.gammaincinv, [0.7, 1.0, 2.0, 3.5], inside),
        "gammainccinv": ordered(s.gammainccinv, [0.7, 1.0, 2.0, 3.5], inside),
        "betainc": parameters(s.betainc, 1.5, 2.0, draw=inside),
        "betaincc": parameters(s.betaincc, 1.5, 2.0, draw=inside),
        "betaincinv": parameters(s.betaincinv, 1.5, 2.0, draw=inside),
        "stdtr": ordered(s.stdtr, [1.0, 2.5, 30.0], real),
        "stdtrit": ordered(s.stdtrit, [2.0, 2.5, 30.0], inside),
        "chdtr": ordered(s.chdtr, [1.0, 2.0, 5.0]),
        "chdtrc": ordered(s.chdtrc, [1.0, 2.0, 5.0]),
        "xlogy": binary(s.xlogy, positive, positive, analytic=True),
        "xlog1py": binary(s.xlog1py, positive, positive, analytic=True),
        "entr": unary(s.entr, positive, False),
        "rel_entr": binary(s.rel_entr, positive, positive),
        "kl_div": binary(s.kl_div, positive, positive),
        "huber": [*binary(s.huber, between(0.4, 0.6), between(1, 2)),
                  *binary(s.huber, between(0.4, 0.6), between(-0.3, 0.3)),
                  *binary(s.huber, between(0.4, 0.6), between(-2, -1))],
        "pseudo_huber": binary(s.pseudo_huber, positive, real),
        "boxcox": [*binary(s.boxcox, positive, real), *binary(s.boxcox, beyond, between(1, 2))],
        "boxcox1p": [*binary(s.boxcox1p, positive, real),
                     *binary(s.boxcox1p, beyond, between(1, 2))],
        "inv_boxcox": [*binary(s.inv_boxcox, positive, positive),
                       *binary(s.inv_boxcox, unit, between(-0.1, 0.1))],
        "inv_boxcox1p": [*binary(s.inv_boxcox1p, positive, positive),
                         *binary(s.inv_boxcox1p, unit, between(-0.1, 0.1))],
        "expm1": unary(s.expm1),
        "log1p": unary(s.log1p, positive),
        "exp2": unary(s.exp2, real, False),
        "exp10": unary(s.exp10, real, False),
        "cbrt": unary(s.cbrt, positive, False),
        "powm1": binary(s.powm1, positive, real),
        "exprel": [*unary(s.exprel, real, False), *unary(s.exprel, between(-9, -3), False)],
        "cosm1": unary(s.cosm1, real, False),
        "sindg": unary(s.sindg, real, False),
        "cosdg": unary(s.cosdg, real, False),
        "tandg": unary(s.tandg, real, False),
        "cotdg": unary(s.cotdg, between(40, 60), False),
        "j0": unary(s.j0, real, False),
        "j1": unary(s.j1, real, False),
        "jv": ordered(s.jv, [0.0, 1.0, 2.5, -0.3]),
        "y0": unary(s.y0, positive, False),
        "y1": unary(s.y1, positive, False),
        "yn": ordered(s.yn, [0, 1, 3]),
        "yv": ordered(s.yv, [0.0, 1.0, 2.5, -0.5]),
        "hankel1": ordered(lambda v, x: np.real((1 + 2j) * s.hankel1(v, x)), [0.0, 1.0, 2.5]),
        "hankel2": ordered(lambda v, x: np.real((1 + 2j) * s.hankel2(v, x)), [0.0, 1.0, 2.5]),
        "i0": unary(s.i0, real, False),
        "i1": unary(s.i1, real, False),
        "iv": ordered(s.iv, [0.0, 1.0, 2.5, -0.3]),
        "i0e": unary(s.i0e, apart, False),
        "i1e": unary(s.i1e, apart, False),
        "ive": ordered(s.ive, [0.0, 1.0, 2.5]),
        "k0": unary(s.k0, positive, False),
        "k1": unary(s.k1, positive, False),
        "kn": ordered(s.kn, [0, 1, 3]),
        "kv": ordered(s.kv, [0.0, 1.0, 2.5]),
        "k0e": unary(s.k0e, positive, False),
        "k1e": unary(s.k1e, positive, False),
        "kve": ordered(s.kve, [0.0, 1.0, 2.5]),
        "struve": ordered(s.struve, [0.0, 1.0, 2.5]),
        "modstruve": ordered(s.modstruve, [0.0, 1.0, 2.5]),
        "airy": results(s.airy, real, True),
        "expi": unary(s.expi, positive, False),
        "exp1": unary(s.exp1, positive),
        "expn": ordered(s.expn, [0, 1, 2, 3]),
        "sici": [*results(s.sici, positive), *results(s.sici, left)],
        "shichi": results(s.shichi, positive),
        "spence": [*unary(s.spence, positive), *unary(s.spence, beyond)],
        "ellipk": [*unary(s.ellipk, unit, False), *unary(s.ellipk, between(-9, -1), False)],
        "ellipkm1": unary(s.ellipkm1, positive, False),
        "ellipe": [*unary(s.ellipe, unit, False), *unary(s.ellipe, between(-9, -1), False)],
        "ellipkinc": ordered(lambda m, x: s.ellipkinc(x, m), [0.5, -1.0, 0.0], real),
        "ellipeinc": ordered(lambda m, x: s.ellipeinc(x, m), [0.5, -1.0, 0.0], real),
        "agm": [*binary(s.agm, positive, positive), *binary(s.agm, positive, between(9, 10))],
        "_lambertw": [Case(lambda x: np.real(s.lambertw(x)), positive(3, 4), single=False),
                      Case(lambda x: np.real(s.lambertw(x)), between(-0.2, 0.2)(3), single=False),
                      Case(lambda x: np.real(s.lambertw(x, -1)), between(-0.3, -0.1)(3),
                           single=False),
                      Case(lambda x: np.imag(s.lambertw(x, 2)), positive(3), single=False)],
        "wrightomega": unary(s.wrightomega, real, False),
        "hyp0f1": ordered(s.hyp0f1, [0.5, 1.0, 2.5], real),
        "hyp1f1": parameters(s.hyp1f1, 0.5, 1.5, draw=real, analytic=True),
        "hyp2f1": parameters(s.hyp2f1, 0.5, 1.5, 2.5, draw=unit, analytic=True),
        "hyperu": parameters(s.hyperu, 0.5, 1.5, draw=positive),
    }
    # fmt: on


NAMES: dict[str, Any] = {}  # the functions of the table
EXAMPLES: Examples = {}
MISSING: set[str] = set()  # what this version of SciPy has not
UNTRACKED = {"gammasgn", "round"}
if find_spec("scipy"):
    special = import_module("scipy.special")
    late(special.expit)  # joins the table
    NAMES = {f.__name__: f for f in scipy.rules(special)}
    EXAMPLES = {NAMES[name]: cases for name, cases in named(special).items() if name in NAMES}
    MISSING = named(special).keys() - NAMES
