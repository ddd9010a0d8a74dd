"""The rules of scipy.special's ufuncs, each against other ways to its derivative.

`EXAMPLES` names every function of the table. Differences and complex steps are compared within the
tolerances of `cases.py`; `DIGITS` compares with 50 digits where mpmath is installed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import (
    DIFFERENCE,
    EXACT,
    Case,
    apart,
    between,
    binary,
    derivative,
    directions,
    dotted,
    gradient,
    inside,
    moved,
    positive,
    real,
    size,
    unary,
    unit,
    weights,
)

import tinygrad_ce as tg
from tinygrad_ce.rules import scipy as rules_of_scipy
from tinygrad_ce.rules.table import TABLE, late

ROOT = Path(__file__).parents[1]
s = pytest.importorskip("scipy.special")
late(s.expit)  # joins the table
NAMES = {f.__name__: f for f in rules_of_scipy.rules(s)}


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
    single = tuple(map(np.float32, fixed))
    return [
        Case(lambda x: f(*fixed, x), draw(3, 4), single=False, **kw),
        Case(lambda x: f(*single, x), draw(), **kw),
    ]


left, far, beyond = between(-2.8, -2.2), between(11, 14), between(3, 8)
# fmt: off
EXAMPLES: dict[str, list[Case]] = {
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
    "boxcox1p": [*binary(s.boxcox1p, positive, real), *binary(s.boxcox1p, beyond, between(1, 2))],
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
    "hankel1": [Case(lambda x, v=v: np.real((1 + 2j) * s.hankel1(v, x)), positive(3),
                     single=False)
                for v in (0, 1, 2.5)],
    "hankel2": [Case(lambda x, v=v: np.real((1 + 2j) * s.hankel2(v, x)), positive(3),
                     single=False)
                for v in (0, 1, 2.5)],
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
    "ellipkinc": [Case(lambda x, m=m: s.ellipkinc(x, m), real(3))
                  for m in np.float32([0.5, -1, 0])],
    "ellipeinc": [Case(lambda x, m=m: s.ellipeinc(x, m), real(3))
                  for m in np.float32([0.5, -1, 0])],
    "agm": [*binary(s.agm, positive, positive), *binary(s.agm, positive, between(9, 10))],
    "_lambertw": [Case(lambda x: np.real(s.lambertw(x)), positive(3, 4), single=False),
                  Case(lambda x: np.real(s.lambertw(x)), between(-0.2, 0.2)(3), single=False),
                  Case(lambda x: np.real(s.lambertw(x, -1)), between(-0.3, -0.1)(3), single=False),
                  Case(lambda x: np.imag(s.lambertw(x, 2)), positive(3), single=False)],
    "wrightomega": unary(s.wrightomega, real, False),
    "hyp0f1": ordered(s.hyp0f1, [0.5, 1.0, 2.5], real),
    "hyp1f1": parameters(s.hyp1f1, 0.5, 1.5, draw=real, analytic=True),
    "hyp2f1": parameters(s.hyp2f1, 0.5, 1.5, 2.5, draw=unit, analytic=True),
    "hyperu": parameters(s.hyperu, 0.5, 1.5, draw=positive),
}
# fmt: on
UNTRACKED = {"gammasgn", "round"}


def params(wanted: Any = lambda case: True) -> Any:
    return [
        pytest.param(case, id=f"{name}-{i}")
        for name, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if name in NAMES and wanted(case)
    ]


EVERY = pytest.mark.parametrize("case", params())


def test_every_entry_has_an_example() -> None:
    assert set(NAMES) - UNTRACKED == {name for name in EXAMPLES if name in NAMES}


def test_this_version_of_scipy_has_every_function() -> None:
    missing = {name for name in EXAMPLES if name not in NAMES}
    assert missing <= {"ndtri_exp", "log_expit", "powm1"}


@EVERY
def test_value_is_scipys(case: Case) -> None:
    xs = case.arguments()
    found = case.f(*(tg.tensor(x, requires_grad=True) for x in xs)).numpy()
    np.testing.assert_allclose(found, case.f(*xs), rtol=EXACT, atol=EXACT)


@EVERY
def test_gradient_is_that_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = derivative(lambda *a: np.sum(w * case.f(*a)), xs, vs)
    assert abs(dotted(gs, vs) - expected) <= DIFFERENCE * (size(gs) + size([w * case.f(*xs)]))


@pytest.mark.parametrize("case", params(lambda case: case.analytic))
def test_gradient_is_that_of_a_complex_step(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)
    gs = gradient(lambda *a: np.sum(w * case.f(*a)), xs)
    expected = np.sum(w * case.f(*moved(xs, vs, 1e-30j))).imag / 1e-30
    assert abs(dotted(gs, vs) - expected) <= EXACT * size(gs)


@EVERY
def test_hessian_product_is_that_of_central_differences(case: Case) -> None:
    xs, w = case.arguments(), weights(case)
    vs = directions(xs)

    def loss(*a: Any) -> Any:
        return np.sum(w * case.f(*a) ** 2)

    found = tg.hvp(loss, xs, vs)
    scale = size(found) + size(gradient(loss, xs))
    for i, h in enumerate(found):
        expected = derivative(lambda *a, i=i: gradient(loss, a)[i], xs, vs)
        np.testing.assert_allclose(h, expected, rtol=0, atol=DIFFERENCE * scale)


@EVERY
def test_pull_back_is_linear(case: Case) -> None:
    _, pull = tg.vjp(case.f, *case.arguments())
    u, v = weights(case), weights(case, 3)
    together = pull(2 * u - 3 * v)
    for g, a, b in zip(together, pull(u), pull(v), strict=True):
        np.testing.assert_allclose(g, 2 * a - 3 * b, rtol=0, atol=EXACT * size([a, b]))


@EVERY
def test_float32_stays_float32(case: Case) -> None:
    xs = [x.astype(np.float32) for x in case.arguments()]
    value, pull = tg.vjp(case.f, *xs)
    assert value.dtype == case.f(*xs).dtype
    assert value.dtype == np.float32 or not case.single
    found = pull(weights(case))
    assert [(g.shape, g.dtype) for g in found] == [(x.shape, x.dtype) for x in xs]
    # Some 100 operations of eps = 1.2e-7 each, with room for condition numbers near 10.
    expected = tg.vjp(case.f, *(x.astype(float) for x in xs))[1](weights(case))
    for g, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=0, atol=1e-4 * size(expected))


# fmt: off
COMPLEX: list[Any] = [
    s.ndtr, s.log_ndtr, s.erf, s.erfc, s.erfcx, s.erfi, s.dawsn, s.gamma, s.loggamma, s.rgamma,
    s.expm1, s.log1p, s.expi, s.exp1, s.spence, s.lambertw, s.wrightomega,
    *(lambda z, i=i: s.fresnel(z)[i] for i in range(2)),
    *(lambda z, i=i: s.sici(z)[i] for i in range(2)),
    *(lambda z, i=i: s.shichi(z)[i] for i in range(2)),
    *(lambda z, i=i: s.airy(z)[i] for i in range(4)),
    *(lambda z, f=f: f(1.5, z) for f in (s.jv, s.yv, s.iv, s.ive, s.kv, s.kve, s.hyp0f1, s.xlogy,
                                         s.xlog1py, s.hankel1, s.hankel2)),
    lambda z: s.hyp1f1(0.5, 1.5, z), lambda z: s.hyp2f1(0.5, 1.5, 2.5, z / 3),
]
# fmt: on


@pytest.mark.parametrize("f", COMPLEX, ids=lambda f: getattr(f, "__name__", str(f)))
@pytest.mark.parametrize("z", [0.6 + 0.3j, 1.7 - 0.8j, -0.4 - 1.2j])
def test_gradient_by_a_complex_number(f: Any, z: complex) -> None:
    """By z = x + iy a real loss has the gradient d/dx - i d/dy."""
    loss = lambda z: np.real((1 - 2j) * f(z))
    found = tg.grad(loss)(np.complex128(z))
    by_x = derivative(lambda x: loss(x + 1j * z.imag), (z.real,), (1.0,))
    by_y = derivative(lambda y: loss(z.real + 1j * y), (z.imag,), (1.0,))
    assert abs(found - (by_x - 1j * by_y)) <= DIFFERENCE * (abs(found) + abs(loss(z)) + 1)


def test_second_derivative_of_a_complex_gamma_function_is_refused() -> None:
    z = np.complex128(0.6 + 0.3j)
    first = lambda z: np.real(tg.grad(lambda z: np.real(s.gamma(z)))(z))
    with pytest.raises(tg.UnsupportedError, match="complex number"):
        tg.grad(first)(z)


def nth(f: Any, order: int) -> Any:
    for _ in range(order):
        f = tg.grad(f)
    return f


# Where a formula meets 0/0, inf - inf or 0 inf: (function, where, the derivatives in order).
# fmt: off
LIMITS: list[tuple[str, Any, float, tuple[float, ...]]] = [
    ("rgamma", s.rgamma, 0.0, (1.0, 2 * np.euler_gamma)),
    ("rgamma", s.rgamma, -3.0, (-6.0,)),
    ("poch", lambda z: s.poch(z, 2.0), 0.0, (1.0,)),
    ("gammainc 1", lambda x: s.gammainc(1.0, x), 0.0, (1.0, -1.0, 1.0)),
    ("gammainc 2", lambda x: s.gammainc(2.0, x), 0.0, (0.0, 1.0, -2.0)),
    ("gammainc 1/2", lambda x: s.gammainc(0.5, x), 0.0, (np.inf,)),
    ("gammainc 300", lambda x: s.gammainc(300.0, x), 0.0, (0.0, 0.0)),
    ("gammaincinv", lambda p: s.gammaincinv(0.5, p), 0.0, (0.0,)),
    ("betainc", lambda x: s.betainc(2.0, 3.0, x), 0.0, (0.0, 12.0)),
    ("betainc", lambda x: s.betainc(2.0, 3.0, x), 1.0, (0.0, 0.0)),
    ("betainc", lambda x: s.betainc(600.0, 600.0, x), 0.0, (0.0,)),
    ("xlogy", lambda z: s.xlogy(0.0, z), 0.0, (0.0, 0.0)),
    ("xlog1py", lambda z: s.xlog1py(0.0, z), -1.0, (0.0, 0.0)),
    ("entr", s.entr, 0.0, (np.inf,)),
    ("rel_entr", lambda z: s.rel_entr(0.0, z), 0.0, (0.0,)),
    ("kl_div", lambda z: s.kl_div(0.0, z), 0.0, (1.0,)),
    ("huber", lambda r: s.huber(0.0, r), 0.0, (0.0,)),
    ("pseudo_huber", lambda r: s.pseudo_huber(0.0, r), 0.0, (0.0,)),
    ("pseudo_huber", lambda r: s.pseudo_huber(2.0, r), 0.0, (0.0, 1.0)),
    ("pseudo_huber", lambda d: s.pseudo_huber(d, 0.0), 0.0, (0.0,)),
    ("boxcox", lambda p: s.boxcox(0.0, p), 2.0, (0.25,)),
    ("boxcox", lambda p: s.boxcox(np.e, p), 0.0, (1 / 2, 1 / 3, 1 / 4)),
    ("inv_boxcox", lambda p: s.inv_boxcox(1.0, p), 0.0, (-np.e / 2,)),
    ("powm1", lambda a: s.powm1(a, 0.0), 0.0, (0.0,)),
    ("exprel", s.exprel, 0.0, (1 / 2, 1 / 3, 1 / 4)),
    ("exprel", s.exprel, np.inf, (np.inf,)),
    ("exprel", s.exprel, -np.inf, (0.0,)),
    ("erfcx", s.erfcx, np.inf, (0.0,)),
    ("dawsn", s.dawsn, -np.inf, (0.0,)),
    ("log_ndtr", s.log_ndtr, np.inf, (0.0,)),
    ("expit", s.expit, 800.0, (0.0, 0.0)),
    ("log_expit", s.log_expit, -np.inf, (1.0, 0.0)),
    ("ndtri", s.ndtri, 0.0, (np.inf,)),
    ("erfinv", s.erfinv, -1.0, (np.inf,)),
    ("j1", s.j1, 0.0, (1 / 2, 0.0)),
    ("jv", lambda x: s.jv(2, x), 0.0, (0.0, 1 / 4)),
    ("iv", lambda x: s.iv(2, x), 0.0, (0.0, 1 / 4)),
    ("y0", s.y0, 0.0, (np.inf, -np.inf)),
    ("y1", s.y1, 0.0, (np.inf, -np.inf)),
    ("k1", s.k1, 0.0, (-np.inf, np.inf)),
    ("k0e", s.k0e, 0.0, (-np.inf, np.inf)),
    ("k1e", s.k1e, 0.0, (-np.inf, np.inf)),
    ("kve", lambda x: s.kve(2.0, x), 0.0, (-np.inf, np.inf)),
    ("struve", lambda x: s.struve(0, x), 0.0, (2 / np.pi,)),
    ("sici", lambda x: s.sici(x)[0], 0.0, (1.0,)),
    ("shichi", lambda x: s.shichi(x)[0], 0.0, (1.0,)),
    ("airy", lambda x: s.airy(x)[0], 1000.0, (0.0, 0.0)),  # where Bi overflows
    ("shichi", lambda x: s.shichi(x)[0] * 1e-9, 2000.0, (np.inf,)),
    ("gammainc", lambda x: s.gammainc(3.0, x), np.inf, (0.0, 0.0)),
    ("expn", lambda x: s.expn(2, x), 0.0, (-np.inf,)),
    ("spence", s.spence, 1.0, (-1.0, 1 / 2, -2 / 3)),
    ("ellipk", s.ellipk, 0.0, (np.pi / 8, 9 * np.pi / 64)),
    ("ellipk", s.ellipk, 1.0, (np.inf,)),
    ("ellipkm1", s.ellipkm1, 1.0, (-np.pi / 8, 9 * np.pi / 64)),
    ("ellipe", s.ellipe, 0.0, (-np.pi / 8, -3 * np.pi / 64)),
    ("ellipe", s.ellipe, 1.0, (-np.inf,)),
    ("agm", lambda b: s.agm(3.0, b), 3.0, (1 / 2, -1 / 24)),
    ("lambertw", lambda x: np.real(s.lambertw(x)), 0.0, (1.0, -2.0, 9.0)),
]
# fmt: on


@pytest.mark.parametrize(("name", "f", "x", "expected"), LIMITS, ids=lambda v: str(v)[:12])
def test_limits(name: str, f: Any, x: float, expected: tuple[float, ...]) -> None:
    with np.errstate(all="ignore"):
        found = [nth(f, order)(x) for order in range(1, len(expected) + 1)]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


LARGE = (0.1, 1.5, 30.0)
# name: (function, the same in mpmath, where, order of the derivatives, relative error)
DIGITS: dict[str, tuple[Any, Any, tuple[float, ...], int, float]] = {
    "expit": (s.expit, lambda m, x: 1 / (1 + m.exp(-x)), (-700, -1, 0.5, 40), 2, 1e-15),
    "log_expit": (s.log_expit, lambda m, x: -m.log1p(m.exp(-x)), (-40, -1, 0.5, 40), 2, 1e-15),
    "ndtr": (s.ndtr, lambda m, x: m.ncdf(x), (-30, -5, 0.1, 8), 2, 1e-15),
    "log_ndtr": (s.log_ndtr, lambda m, x: m.log(m.ncdf(x)), (-1e4, -15, -3, 0, 8), 2, 1e-13),
    "ndtri": (s.ndtri, lambda m, p: m.sqrt(2) * m.erfinv(2 * p - 1), (1e-9, 0.1, 0.5), 2, 1e-14),
    "erfcx": (s.erfcx, lambda m, x: m.exp(x * x) * m.erfc(x), (-5, 0.3, 3, 11, 1e4), 3, 1e-12),
    "dawsn": (
        s.dawsn,
        lambda m, x: m.sqrt(m.pi) / 2 * m.exp(-x * x) * m.erfi(x),
        (-50, 0.3, 3, 11),
        3,
        1e-12,
    ),
    "gamma": (s.gamma, lambda m, x: m.gamma(x), (-3.5, -0.3, *LARGE), 3, 1e-14),
    "gammaln": (s.gammaln, lambda m, x: m.loggamma(x), (*LARGE, 1e5), 3, 1e-14),
    "psi": (s.psi, lambda m, x: m.digamma(x), (-3.3, *LARGE, 1e5), 3, 1e-14),
    "rgamma": (s.rgamma, lambda m, x: m.rgamma(x), (-5, -3.5, 0, *LARGE), 2, 1e-13),
    "gammainc": (
        lambda x: s.gammainc(30.0, x),
        lambda m, x: m.gammainc(30, 0, x, regularized=True),
        (0.5, 1.5, 25, 60),
        2,
        1e-13,
    ),
    "exprel": (s.exprel, lambda m, x: m.expm1(x) / x, (-700, -5, 0.01, 3, 600), 3, 1e-14),
    "boxcox": (
        lambda p: s.boxcox(20.0, p),
        lambda m, p: m.quad(lambda t: t ** (p - 1), [1, 20]),
        (-1.5, 1e-8, 0.3, 2),
        2,
        1e-14,
    ),
    "ellipk": (s.ellipk, lambda m, x: m.ellipk(x), (-1e6, -0.31, 0.01, 0.29, 0.9), 2, 1e-14),
    "ellipe": (s.ellipe, lambda m, x: m.ellipe(x), (-1e6, -0.31, 0.01, 0.29, 0.9), 2, 1e-13),
    "spence": (s.spence, lambda m, z: m.polylog(2, 1 - z), (1e-9, 0.51, 0.999, 1.5), 2, 1e-14),
    "sici": (lambda x: s.sici(x)[0], lambda m, x: m.si(x), (-50, 1e-5, 0.5, 1.1, 30), 3, 1e-14),
    "expn": (lambda x: s.expn(3, x), lambda m, x: m.expint(3, x), (0.1, 2, 20), 4, 1e-14),
    "wrightomega": (s.wrightomega, lambda m, x: m.lambertw(m.exp(x)), (-30, 0, 100), 2, 1e-14),
}


@pytest.mark.parametrize("name", DIGITS)
def test_derivatives_to_fifty_digits(name: str) -> None:
    mpmath = pytest.importorskip("mpmath")
    f, exact, points, orders, tolerance = DIGITS[name]
    with mpmath.workdps(50):
        for x in points:
            for order in range(1, orders + 1):
                expected = float(mpmath.diff(lambda t: exact(mpmath, t), mpmath.mpf(x), order))
                found = nth(f, order)(float(x))
                assert abs(found - expected) <= tolerance * abs(expected), (x, order)


ORDERS: dict[str, Any] = {
    "jv": lambda v: s.jv(v, 1.0),
    "gammainc": lambda v: s.gammainc(v, 1.0),
    "zeta": lambda v: s.zeta(v, 2.0),
    "betainc": lambda v: s.betainc(2.0, v, 0.5),
    "hyp2f1": lambda v: s.hyp2f1(1.0, v, 2.0, 0.5),
    "ellipkinc": lambda v: s.ellipkinc(0.5, v / 9),
    "chdtr": lambda v: s.chdtr(v, 1.0),
}


@pytest.mark.parametrize("name", ORDERS)
def test_gradient_by_an_order_is_refused(name: str) -> None:
    with pytest.raises(tg.UnsupportedError, match=f"parameter of scipy.special.{name}"):
        tg.grad(ORDERS[name])(1.5)


def test_an_order_may_be_a_variable_that_is_not_asked_for() -> None:
    found = tg.grad(lambda x: s.jv(tg.tensor(2.0), x))(1.0)
    assert found == tg.grad(lambda x: s.jv(2.0, x))(1.0)


def test_function_without_rule_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="no gradient rule for voigt_profile"):
        tg.grad(lambda x: s.voigt_profile(x, 1.0, 1.0))(0.5)
    with pytest.raises(tg.UnsupportedError, match="no gradient rule for pbdv"):
        tg.grad(lambda x: s.pbdv(1.0, x)[0])(0.5)


def test_function_without_rule_computes_on_constants() -> None:
    x = np.linspace(-1, 1, 3)
    found = s.voigt_profile(tg.tensor(x), 1.0, 1.0)
    np.testing.assert_array_equal(found.numpy(), s.voigt_profile(x, 1.0, 1.0))
    with tg.no_grad():
        found = s.voigt_profile(tg.tensor(x, requires_grad=True), 1.0, 1.0)
    np.testing.assert_array_equal(found.numpy(), s.voigt_profile(x, 1.0, 1.0))


@pytest.mark.parametrize("method", ["reduce", "accumulate", "outer"])
def test_methods_of_ufuncs_are_refused(method: str) -> None:
    f = getattr(s.xlogy, method)
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(tg.UnsupportedError, match="no gradient rule"):
        f(x, x) if method == "outer" else f(x)


def test_out_is_refused() -> None:
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(tg.UnsupportedError, match="out="):
        s.expit(x, out=np.zeros(2))
    with pytest.raises(tg.UnsupportedError, match="where="):
        s.expit(x, where=np.array([True, False]))


PYTHON: list[Any] = [
    s.logsumexp, s.softmax, s.log_softmax, s.polygamma, s.multigammaln, s.factorial, s.comb,
    s.spherical_jn, s.softplus, s.diric, s.jvp, s.zeta,
]  # fmt: skip
CALLS: dict[Any, Any] = {
    s.polygamma: lambda x: s.polygamma(1, x),
    s.multigammaln: lambda x: s.multigammaln(x, 1),
    s.comb: lambda x: s.comb(x, 2),
    s.spherical_jn: lambda x: s.spherical_jn(1, x),
    s.diric: lambda x: s.diric(x, 3),
    s.jvp: lambda x: s.jvp(1, x),
}


@pytest.mark.parametrize("f", PYTHON, ids=lambda f: f.__name__)
def test_functions_that_are_no_ufuncs_lose_no_gradient(f: Any) -> None:
    """SciPy's Python functions either call ufuncs, with the right gradient, or raise."""
    x = np.array([1.5, 2.5, 3.0])
    call = CALLS.get(f, f)
    loss = lambda x: np.sum(np.arange(1, 4) * call(x))
    try:
        found = tg.grad(loss)(x)
    except tg.UnsupportedError:
        return
    expected = derivative(loss, (x,), (np.ones(3),))
    np.testing.assert_allclose(np.sum(found), expected, rtol=DIFFERENCE)


@pytest.mark.parametrize("f", [s.logsumexp, s.softmax, s.log_softmax], ids=lambda f: f.__name__)
def test_softmax_of_scipy_is_refused_with_words(f: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="the gradient would be lost"):
        f(tg.tensor([1.0, 2.0], requires_grad=True))


def test_joined_functions_keep_what_a_user_gave_them() -> None:
    program = (
        "import tinygrad_ce as tg, scipy.special as s\n"
        "tg.primitive(s.expit, rules=lambda g, y, x: g * 7, elementwise=True)\n"
        "assert tg.grad(s.expit)(0.0) == 7\n"
        "assert tg.grad(s.ndtr)(0.0) > 0\n"
        "assert tg.grad(s.expit)(0.0) == 7\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_scipy_may_be_imported_after_the_first_unknown_ufunc() -> None:
    program = (
        "import sys, numpy as np, tinygrad_ce as tg\n"
        "double = np.frompyfunc(lambda x: 2 * x, 1, 1)\n"
        "assert double(tg.tensor([1.0])).numpy().tolist() == [2.0]\n"
        "assert 'scipy' not in sys.modules\n"
        "import scipy.special as s\n"
        "assert tg.grad(s.expit)(0.0) == 0.25\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_an_older_scipy_has_fewer_entries() -> None:
    class Older:
        expit = s.expit

    assert set(rules_of_scipy.rules(Older)) == {s.expit}


def test_entries_broadcast() -> None:
    assert all(TABLE[f].broadcasts for f in NAMES.values())
