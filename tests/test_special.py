"""Special functions against values of 50 digits, and at the ends of their domains.

The tables are mpmath's, rounded to float64; where mpmath is there, random places are compared too.
Tolerances are in ulp of the value, or for sums that cross 0 of their largest term.
"""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.rules.special import binary_log_loss, sigmoid_log_loss

INF, NAN = np.inf, np.nan

# fmt: off
TABLES: dict[str, Any] = {
    "lgamma": (tg.lgamma, 5, [
        (1e-300, 690.7755278982137), (0.1, 2.252712651734206), (0.75, 0.20328095143129538),
        (1 + 2**-40, -5.249745890076018e-13), (1.5, -0.12078223763524522),
        (2 - 2**-40, -3.845201127643794e-13), (2.2, 0.09694746679063887), (7.5, 7.534364236758733),
        (9.999, 12.799575780077413), (10.0, 12.801827480081469), (100.5, 361.4355404677776),
        (1e10, 220258509288.81058), (1e300, 6.897755278982137e302), (-0.5, 1.2655121234846454),
        (-1.5, 0.860047015376481), (-7.25, -7.54188344347575), (-1e-20, 46.051701859880914)]),
    "digamma": (tg.digamma, 5, [
        (1e-300, -9.999999999999999e299), (0.1, -10.423754940411076), (0.75, -1.0858608797864722),
        (1.0, -0.5772156649015329), (1.4616321449683622, -9.241265521729427e-17),
        (1.5, 0.03648997397857652), (2.2, 0.5442934367411452), (9.999, 2.2516474172057355),
        (10.0, 2.251752589066721), (100.5, 4.605174352581845), (1e10, 23.025850929890456),
        (-1.25, 3.714139120213528), (-7.25, 5.189977214956288), (-1e-20, 1e20)]),
    "trigamma": (lambda x: tg.polygamma(1, x), 5, [
        (1e-10, 1e20), (0.3, 12.245364546107732), (1.0, 1.6449340668482264),
        (2.5, 0.49035775610023485), (10.0, 0.10516633568168575), (77.7, 0.012953186766097862),
        (1e6, 1.0000005000001667e-06), (-0.5, 8.934802200544679), (-3.125, 67.11971770191228)]),
    "polygamma 2": (lambda x: tg.polygamma(2, x), 6, [
        (1e-10, -1.9999999999999998e30), (0.3, -75.27253658872604), (1.0, -2.4041138063191885),
        (2.5, -0.2362040516417274), (10.0, -0.011049834970802067), (77.7, -0.00016778270166147258),
        (1e6, -1.0000010000005e-12), (-0.25, 122.69736678366236), (-3.125, 1022.2196793127599)]),
    "polygamma 12": (lambda x: tg.polygamma(12, x), 11, [
        (1e-10, -4.790015999999998e138), (0.3, -3004420073742747.5), (1.0, -479060379.8898314),
        (2.5, -3256.697980402698), (10.0, -6.888529381558792e-05), (77.7, -8.897637051570796e-16),
        (1e6, -3.9917039501318915e-65), (-0.25, 3.2145233067527972e16),
        (-3.125, 2.6333391445903983e20)]),
    "erfinv": (tg.erfinv, 4, [
        (1e-300, 8.86226925452758e-301), (1e-8, 8.86226925452758e-09), (0.25, 0.2253120550121781),
        (0.49, 0.46586860023505733), (0.51, 0.4881220505159588), (0.9, 1.1630871536766743),
        (1 - 2**-20, 3.465505025803331), (1 - 2**-53, 5.8635847487551676),
        (-0.5, -0.4769362762044699)]),
    "logit": (tg.logit, 2, [
        (1e-300, -690.7755278982137), (0.1, -2.197224577336219), (0.25, -1.0986122886681098),
        (0.4999, -0.0004000000053332894), (0.5 + 2**-40, 3.637978807091713e-12),
        (0.75, 1.0986122886681098), (0.76, 1.1526795099383855), (1 - 2**-53, 36.7368005696771)]),
    "entr": (tg.entr, 2, [
        (1e-300, 6.9077552789821376e-298), (0.1, 0.23025850929940458), (0.5, 0.34657359027997264),
        (1 - 2**-53, 1.1102230246251564e-16), (1 + 2**-40, -9.094947017733418e-13),
        (10.0, -23.025850929940457), (1e300, -6.907755278982137e302)]),
}
ENDS: dict[str, Any] = {
    # x, value, gradient
    "lgamma": (tg.lgamma, [(0.0, INF, -INF), (-0.0, INF, INF), (-1.0, INF, NAN), (INF, INF, INF),
                           (NAN, NAN, NAN)]),
    "digamma": (tg.digamma, [(0.0, -INF, INF), (-0.0, INF, INF), (-2.0, NAN, INF), (INF, INF, 0),
                             (-INF, NAN, NAN)]),
    "trigamma": (lambda x: tg.polygamma(1, x), [(0.0, INF, -INF), (-0.0, INF, INF),
                                                (-2.0, INF, NAN), (INF, 0, 0)]),
    "erf": (tg.erf, [(INF, 1, 0), (-INF, -1, 0), (40.0, 1, 0), (NAN, NAN, NAN)]),
    "erfc": (tg.erfc, [(INF, 0, 0), (-INF, 2, 0), (40.0, 0, 0), (NAN, NAN, NAN)]),
    "erfinv": (tg.erfinv, [(1.0, INF, INF), (-1.0, -INF, INF), (1.5, NAN, NAN), (NAN, NAN, NAN)]),
    "logit": (tg.logit, [(0.0, -INF, INF), (1.0, INF, INF)]),
    "entr": (tg.entr, [(0.0, 0, INF), (-1.0, -INF, NAN), (INF, -INF, -INF), (NAN, NAN, NAN)]),
    "xlog1py": (lambda y: tg.xlog1py(0.0, y), [(-1.0, 0, 0), (INF, 0, 0), (3.0, 0, 0)]),
    "gelu tanh": (lambda x: tg.gelu(x, approximate="tanh"), [
        (1e13, 1e13, 1), (-1e13, 0, 0), (1e300, 1e300, 1), (-1e300, 0, 0), (INF, INF, 1),
        (-INF, 0, 0), (30.0, 30, 1), (-30.0, 0, 0), (31.0, 31, 1)]),
}
# fmt: on


def slope(f: Any, x: Any) -> Any:
    return np.asarray(tg.grad(lambda v: np.sum(f(v)))(np.asarray(x)))


@pytest.mark.parametrize("name", TABLES)
def test_values_are_those_of_50_digits(name: str) -> None:
    f, ulp, pairs = TABLES[name]
    x, y = np.array(pairs).T
    assert np.all(np.abs(f(x) - y) <= ulp * np.spacing(np.abs(y)))


@pytest.mark.parametrize("name", TABLES)
def test_float32_is_the_rounded_value(name: str) -> None:
    """Computed in float64 by lgamma, polygamma and erfinv; 3 ulp for what NumPy does in float32."""
    f, _, pairs = TABLES[name]
    x = np.array([x for x, _ in pairs if 0.05 < abs(x) < 100], np.float32)
    found, right = f(x), f(x.astype(np.float64)).astype(np.float32)
    assert found.dtype == np.float32
    found, right = found[np.isfinite(right)], right[np.isfinite(right)]
    assert np.all(np.abs(found - right) <= 3 * np.spacing(np.abs(right)))


@pytest.mark.parametrize("name", ENDS)
def test_ends_of_the_domain(name: str) -> None:
    f, rows = ENDS[name]
    for x, y, g in rows:
        np.testing.assert_array_equal(f(np.array(x)), y, err_msg=str(x))
        np.testing.assert_array_equal(slope(f, x), g, err_msg=str(x))


@pytest.mark.parametrize("name", ["lgamma", "digamma", "trigamma", "erfinv", "entr", "logit"])
def test_numbers_integers_and_lists_are_taken(name: str) -> None:
    f = TABLES[name][0]
    assert isinstance(f(0.75), np.float64)
    np.testing.assert_array_equal(f([1, 0]), f(np.array([1.0, 0.0])))


@pytest.mark.parametrize("name", [*TABLES, "erf", "erfc"])
def test_complex_numbers_are_refused(name: str) -> None:
    f = TABLES[name][0] if name in TABLES else getattr(tg, name)
    with pytest.raises(tg.UnsupportedError, match="complex numbers"):
        f(np.array(0.5 + 1j))


@pytest.mark.parametrize("n", [-1, 170, 1.0, None])
def test_polygamma_names_orders_it_has_not(n: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="order"):
        tg.polygamma(n, 1.0)


def test_polygamma_0_is_digamma() -> None:
    x = np.array([0.3, 2.0, -1.5])
    np.testing.assert_array_equal(tg.polygamma(0, x), tg.digamma(x))
    np.testing.assert_array_equal(slope(lambda x: tg.polygamma(0, x), x), slope(tg.digamma, x))


def test_derivatives_of_lgamma_reach_any_order() -> None:
    f: Any = tg.lgamma
    for _ in range(7):
        f = tg.grad(f)
    assert f(1.75) == tg.polygamma(6, 1.75)


@given(st.floats(1e-3, 1e3))
def test_gamma_functions_keep_their_recurrence(x: float) -> None:
    up = x + 1
    assume(up - 1 == x)
    terms = abs(tg.lgamma(x)) + abs(tg.lgamma(up)) + abs(math.log(x))
    assert abs(tg.lgamma(up) - tg.lgamma(x) - math.log(x)) <= 5 * 2**-52 * terms
    for n in (0, 1, 4):
        step = (-1) ** n * math.factorial(n) / x ** (n + 1)
        low, high = tg.polygamma(n, x), tg.polygamma(n, up)
        assert abs(high - low - step) <= 8 * 2**-52 * (abs(low) + abs(high) + abs(step))


@given(st.floats(-5, 5))
def test_erfinv_inverts_erf(x: float) -> None:
    y = tg.erf(np.array(x))
    # y is rounded; erf's derivative tells by how much that moves x.
    room = 4 * 2**-52 * (abs(x) + 1 / (2 / math.sqrt(math.pi) * math.exp(-x * x)))
    assert abs(tg.erfinv(y) - x) <= room


@given(st.floats(-30, 30))
def test_logit_inverts_sigmoid(z: float) -> None:
    y = tg.sigmoid(np.array(z))
    room = 4 * 2**-52 * (abs(z) + 1 / (1 - y))
    assert abs(tg.logit(y) - z) <= room


@pytest.mark.parametrize("name", ["lgamma", "digamma"])
@given(data=st.data())
def test_anywhere_equal_to_50_digits(name: str, data: Any) -> None:
    mp = pytest.importorskip("mpmath")
    x = data.draw(st.floats(-50, 200).filter(lambda x: abs(x) > 1e-3))
    with mp.workdps(50):
        z = mp.mpf(x)
        if name == "lgamma":
            right = mp.log(abs(mp.gamma(z))) if x != round(x) or x > 0 else mp.inf
            sine = abs(mp.sin(mp.pi * z))
            term = max(abs(mp.log(sine / mp.pi)), abs(mp.loggamma(abs(z)))) if sine else 1
        else:
            if x == round(x) and x <= 0:
                return
            right = mp.digamma(z)
            term = abs(mp.pi * mp.cot(mp.pi * z))
        found = getattr(tg, name)(x)
        if x > 0 and right:
            assert abs(mp.mpf(float(found)) - right) <= 5 * math.ulp(float(right))
        elif right != mp.inf:
            room = 5 * 2**-52 * max(1, term, abs(right))
            assert abs(mp.mpf(float(found)) - right) <= room
        else:
            assert found == INF


@pytest.mark.parametrize("loss", [binary_log_loss, sigmoid_log_loss])
def test_losses_compute_in_the_promoted_dtype(loss: Any) -> None:
    y, t = np.array([0.1, 0.3, 0.9]), np.array([0.1, 0.3, 1e-9], np.float32)
    assert loss(y, t).dtype == np.float64
    np.testing.assert_array_equal(loss(y, t), loss(y, t.astype(np.float64)))
    for a, b in ((y, t), (y.astype(np.float32), t.astype(np.float64))):
        g = tg.grad(lambda y, t: np.sum(loss(y, t)), (0, 1))(a, b)
        wide = [x.astype(np.float64) for x in (a, b)]
        right = tg.grad(lambda y, t: np.sum(loss(y, t)), (0, 1))(*wide)
        for found, expected, x in zip(g, right, (a, b), strict=True):
            eps = np.finfo(np.float32).eps if a.dtype == np.float32 else np.finfo(x.dtype).eps
            np.testing.assert_allclose(found, expected, rtol=0, atol=4 * eps * abs(expected).max())


@pytest.mark.parametrize(
    "loss",
    [
        lambda: tg.softmax_cross_entropy(np.array([1e4, 0.0]), 0),
        lambda: tg.softmax_cross_entropy(np.array([[1e4, 0.0]]), [0], reduction="none"),
        lambda: tg.cross_entropy(np.array([1.0, 0.0]), 0),
        lambda: tg.negative_log_likelihood(np.array([0.0, -5.0]), 0),
        lambda: tg.focal(np.array([1e4, 0.0]), 0),
        lambda: tg.kl_divergence(np.array([1.0, 0.0]), np.array([1.0, 0.0])),
        lambda: tg.hinge(np.array([5.0, 0.0]), 0),
        lambda: tg.binary_cross_entropy(np.array([1.0, 0.0]), np.array([1.0, 0.0])),
        lambda: tg.sigmoid_cross_entropy(np.array([1e4, -1e4]), np.array([1.0, 0.0])),
    ],
)
def test_a_loss_of_0_has_no_sign(loss: Any) -> None:
    value = loss()
    assert np.all(value == 0)
    assert not np.any(np.signbit(value))
