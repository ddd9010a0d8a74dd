"""The rules of scipy.special's ufuncs, each against other ways to its derivative.

The examples stand in `examples/scipy.py`. `DIGITS` compares with 50 digits where mpmath is
installed.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import (
    DIFFERENCE,
    Case,
    derivative,
    has_the_gradient_of_a_complex_step,
    has_the_gradient_of_central_differences,
    has_the_hessian_product_of_central_differences,
    has_the_value_of_plain_arrays,
    pulls_back_linearly,
    size,
    weights,
)
from examples.scipy import EXAMPLES, MISSING, NAMES, UNTRACKED

import tinygrad_ce as tg
from tinygrad_ce.rules import scipy as rules_of_scipy
from tinygrad_ce.rules.table import TABLE

ROOT = Path(__file__).parents[1]
s = pytest.importorskip("scipy.special")


def params(wanted: Any = lambda case: True) -> Any:
    return [
        pytest.param(case, id=f"{f.__name__}-{i}")
        for f, cases in EXAMPLES.items()
        for i, case in enumerate(cases)
        if wanted(case)
    ]


EVERY = pytest.mark.parametrize("case", params())


def test_every_entry_has_an_example() -> None:
    assert set(NAMES) - UNTRACKED == {f.__name__ for f in EXAMPLES}


def test_this_version_of_scipy_has_every_function() -> None:
    assert not MISSING - {"ndtri_exp", "log_expit", "powm1"}


@EVERY
def test_value_is_scipys(case: Case) -> None:
    has_the_value_of_plain_arrays(case)


@EVERY
def test_gradient_is_that_of_central_differences(case: Case) -> None:
    has_the_gradient_of_central_differences(case)


@pytest.mark.parametrize("case", params(lambda case: case.analytic))
def test_gradient_is_that_of_a_complex_step(case: Case) -> None:
    has_the_gradient_of_a_complex_step(case)


@EVERY
def test_hessian_product_is_that_of_central_differences(case: Case) -> None:
    has_the_hessian_product_of_central_differences(case)


@EVERY
def test_pull_back_is_linear(case: Case) -> None:
    pulls_back_linearly(case)


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
