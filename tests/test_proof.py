"""Proofs of gradients: right formulas are proved, wrong ones refuted, by numbers."""

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.rules.elementwise import RULES
from tinygrad_ce.testing import prove
from tinygrad_ce.testing.symbols import Branch, Term, expression

sympy = pytest.importorskip("sympy")


def cross_entropy(y: Any, t: Any) -> Any:
    return -np.sum(t * np.log(y))


def shifted_softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


def affine(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


VECTORS = {"y": 3, "t": 3}
LOGITS = {"z": 3, "t": 3}
LAYER = {"x": (2, 3), "w": (3, 2), "b": 2}


# The project's own claims.

CLAIMS = {
    "-t/y": (cross_entropy, lambda y, t: -t / y, VECTORS, {"positive": "y"}),
    "-t/y, the loss": (
        lambda y, t: tg.cross_entropy(y, t, check=False),
        lambda y, t: -t / y, VECTORS, {"positive": "y"},
    ),
    "-t/y, checked": (
        tg.cross_entropy, lambda y, t: -t / y, VECTORS,
        {"positive": ("y", "t"), "sums_to_one": ("y", "t")},
    ),
    "y - t": (
        lambda z, t: cross_entropy(tg.softmax(z), t),
        lambda z, t: tg.softmax(z) - t, LOGITS, {"sums_to_one": "t"},
    ),
    "y - t, the loss": (
        lambda z, t: tg.softmax_cross_entropy(z, t, check=False),
        lambda z, t: tg.softmax(z) - t, LOGITS, {"sums_to_one": "t"},
    ),
    "y - t, two calls": (
        lambda z, t: tg.cross_entropy(tg.softmax(z), t, check=False),
        lambda z, t: tg.softmax(z) - t, LOGITS, {"sums_to_one": "t"},
    ),
    "y sum(t) - t": (
        lambda z, t: tg.softmax_cross_entropy(z, t, check=False),
        lambda z, t: tg.softmax(z) * np.sum(t) - t, LOGITS, {},
    ),
    "y - t, batch": (
        lambda z, t: tg.softmax_cross_entropy(z, t, check=False),
        lambda z, t: (tg.softmax(z) - t) / 2, {"z": (2, 2), "t": (2, 2)}, {"sums_to_one": "t"},
    ),
    "squared error": (tg.squared_error, lambda y, t: y - t, VECTORS, {}),
    "mean squared error": (tg.mean_squared_error, lambda y, t: 2 * (y - t) / 3, VECTORS, {}),
    "sigmoid": (tg.sigmoid, lambda z: tg.sigmoid(z) * (1 - tg.sigmoid(z)), {"z": 3}, {}),
    "sigmoid cross-entropy": (
        lambda z, t: tg.sigmoid_cross_entropy(z, t, reduction="sum", check=False),
        lambda z, t: tg.sigmoid(z) - t, LOGITS, {},
    ),
    "binary cross-entropy": (
        lambda y, t: tg.binary_cross_entropy(y, t, reduction="sum", check=False),
        lambda y, t: -t / y + (1 - t) / (1 - y), VECTORS, {"within": {"y": (0, 1)}},
    ),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, {"x": 3}, {}),
    "softmax": (
        tg.softmax, lambda g, z: tg.softmax(z) * (g - np.sum(g * tg.softmax(z))), {"z": 3}, {},
    ),
    "logsumexp": (tg.logsumexp, lambda z: tg.softmax(z), {"z": 3}, {}),
    "layer by x": (affine, lambda g, x, w, b: g @ w.T, LAYER, {}),
    "layer by w": (affine, lambda g, x, w, b: x.T @ g, LAYER, {"by": "w"}),
    "layer by b": (affine, lambda g, x, w, b: g.sum(0), LAYER, {"by": 2}),
    "inverse": (
        np.linalg.inv, lambda g, a: -np.linalg.inv(a).T @ g @ np.linalg.inv(a).T, {"a": (2, 2)}, {},
    ),
    "determinant": (
        np.linalg.det, lambda a: np.linalg.det(a) * np.linalg.inv(a).T, {"a": (2, 2)}, {},
    ),
    "variance": (lambda x: np.var(x), lambda x: 2 * (x - np.mean(x)) / 3, {"x": 3}, {}),
    "product": (lambda x: np.prod(x), lambda x: np.prod(x) / x, {"x": 3}, {}),
    "reading twice": (
        lambda x: np.sum(x[[0, 0, 2]] ** 2),
        lambda x: np.array([4.0, 0.0, 2.0]) * x, {"x": 3}, {},
    ),
    "einsum": (
        lambda a, b: np.einsum("ij,jk->ik", a, b),
        lambda g, a, b: g @ b.T, {"a": (2, 2), "b": (2, 2)}, {},
    ),
    "convolution": (
        lambda x, w: tg.conv1d(x, w),
        lambda g, x, w: np.stack([np.sum(g[0, 0] * x[0, 0, k : k + 3]) for k in range(2)])
        .reshape(1, 1, 2), {"x": (1, 1, 4), "w": (1, 1, 2)}, {"by": "w"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_right_formula_is_proved_everywhere(claim: Any) -> None:
    f, formula, shapes, given = claim
    proof = prove(f, formula, shapes, **given)
    assert proof
    assert proof.verdict == "proved"
    assert [conditions for conditions, _ in proof.branches] == [()]
    assert {entry.difference for entry in proof.entries} == {0}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
@pytest.mark.parametrize(
    "spoil",
    [lambda x: -x, lambda x: 2 * x, lambda x: x + 1e-9, lambda x: 1.000001 * x],
    ids=["sign", "factor", "offset", "last digits"],
)
def test_a_wrong_formula_is_refuted_by_numbers(claim: Any, spoil: Any) -> None:
    f, formula, shapes, given = claim
    if formula.__code__.co_varnames[0] == "g":
        spoilt = lambda g, *args: spoil(formula(g, *args))
    else:
        spoilt = lambda *args: spoil(formula(*args))
    proof = prove(f, spoilt, shapes, **given)
    assert not proof
    assert proof.verdict == "refuted"
    wrong = [entry for entry in proof.entries if entry.verdict == "refuted"]
    assert wrong
    for entry in wrong:
        engine, found, witness = entry.values
        assert engine == pytest.approx(witness, rel=1e-12)
        assert abs(found - engine) > 1e-10
        assert entry.difference != 0


# Every elementwise rule that SymPy knows: the engine's rule against SymPy's derivative of the value
# itself, and a formula written here.

REAL, POSITIVE, UNIT, ABOVE = (-math.inf, math.inf), (0, math.inf), (-1, 1), (1, math.inf)
LN2, LN10 = math.log(2), math.log(10)
UNARY: dict[Any, tuple[Any, Any]] = {
    np.negative: (lambda x: -1.0, REAL),
    np.positive: (lambda x: 1.0, REAL),
    np.reciprocal: (lambda x: -1 / x**2, REAL),
    np.square: (lambda x: 2 * x, REAL),
    np.sqrt: (lambda x: 0.5 / np.sqrt(x), POSITIVE),
    np.cbrt: (lambda x: x ** (-2 / 3) / 3, POSITIVE),
    np.absolute: (np.sign, REAL),
    np.fabs: (np.sign, REAL),
    np.sign: (lambda x: 0.0, REAL),
    np.conjugate: (lambda x: 1.0, REAL),
    np.real: (lambda x: 1.0, REAL),
    np.deg2rad: (lambda x: np.pi / 180, REAL),
    np.radians: (lambda x: np.pi / 180, REAL),
    np.rad2deg: (lambda x: 180 / np.pi, REAL),
    np.degrees: (lambda x: 180 / np.pi, REAL),
    np.exp: (np.exp, REAL),
    np.exp2: (lambda x: 2**x * LN2, REAL),
    np.expm1: (np.exp, REAL),
    np.log: (lambda x: 1 / x, POSITIVE),
    np.log2: (lambda x: 1 / (x * LN2), POSITIVE),
    np.log10: (lambda x: 1 / (x * LN10), POSITIVE),
    np.log1p: (lambda x: 1 / (1 + x), (-1, math.inf)),
    np.sin: (np.cos, REAL),
    np.cos: (lambda x: -np.sin(x), REAL),
    np.tan: (lambda x: 1 / np.cos(x) ** 2, REAL),
    np.arcsin: (lambda x: 1 / np.sqrt(1 - x * x), UNIT),
    np.arccos: (lambda x: -1 / np.sqrt(1 - x * x), UNIT),
    np.arctan: (lambda x: 1 / (1 + x * x), REAL),
    np.sinh: (np.cosh, REAL),
    np.cosh: (np.sinh, REAL),
    np.tanh: (lambda x: 1 / np.cosh(x) ** 2, REAL),
    np.arcsinh: (lambda x: 1 / np.sqrt(x * x + 1), REAL),
    np.arccosh: (lambda x: 1 / np.sqrt(x * x - 1), ABOVE),
    np.arctanh: (lambda x: 1 / (1 - x * x), UNIT),
    tg.sigmoid: (lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2, REAL),
    tg.softplus: (lambda x: 1 / (1 + np.exp(-x)), REAL),
    tg.log_sigmoid: (lambda x: 1 / (1 + np.exp(x)), REAL),
    tg.logit: (lambda x: 1 / (x * (1 - x)), (0, 1)),
    tg.entr: (lambda x: -np.log(x) - 1, POSITIVE),
    tg.silu: (lambda x: tg.sigmoid(x) * (1 + x * (1 - tg.sigmoid(x))), REAL),
    tg.relu: (lambda x: x > 0, REAL),
    tg.leaky_relu: (lambda x: np.where(x > 0, 1, 0.01), REAL),
    tg.elu: (lambda x: np.where(x > 0, 1, np.exp(x)), REAL),
    tg.erf: (lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x), REAL),
    tg.erfc: (lambda x: -2 / np.sqrt(np.pi) * np.exp(-x * x), REAL),
    tg.erfinv: (lambda x: np.sqrt(np.pi) / 2 * np.exp(tg.erfinv(x) ** 2), UNIT),
    tg.lgamma: (tg.digamma, POSITIVE),
    tg.digamma: (lambda x: tg.polygamma(1, x), POSITIVE),
    np.sinc: (lambda x: (np.cos(np.pi * x) - np.sinc(x)) / x, REAL),
}
BINARY: dict[Any, tuple[Any, Any, Any]] = {
    np.add: (lambda a, b: 1.0, lambda a, b: 1.0, REAL),
    np.subtract: (lambda a, b: 1.0, lambda a, b: -1.0, REAL),
    np.multiply: (lambda a, b: b, lambda a, b: a, REAL),
    np.divide: (lambda a, b: 1 / b, lambda a, b: -a / b**2, REAL),
    np.power: (lambda a, b: b * a ** (b - 1), lambda a, b: a**b * np.log(a), POSITIVE),
    np.float_power: (lambda a, b: b * a ** (b - 1), lambda a, b: a**b * np.log(a), POSITIVE),
    np.remainder: (lambda a, b: 1.0, lambda a, b: -np.floor(a / b), REAL),
    np.fmod: (lambda a, b: 1.0, lambda a, b: -np.trunc(a / b), REAL),
    np.copysign: (lambda a, b: np.sign(a) * np.sign(b), lambda a, b: 0.0, REAL),
    np.logaddexp: (
        lambda a, b: 1 / (1 + np.exp(b - a)), lambda a, b: 1 / (1 + np.exp(a - b)), REAL
    ),
    np.logaddexp2: (lambda a, b: 1 / (1 + 2 ** (b - a)), lambda a, b: 1 / (1 + 2 ** (a - b)), REAL),
    np.arctan2: (lambda a, b: b / (a * a + b * b), lambda a, b: -a / (a * a + b * b), REAL),
    np.hypot: (lambda a, b: a / np.hypot(a, b), lambda a, b: b / np.hypot(a, b), REAL),
    np.maximum: (lambda a, b: a > b, lambda a, b: b > a, REAL),
    np.fmax: (lambda a, b: a > b, lambda a, b: b > a, REAL),
    np.minimum: (lambda a, b: a < b, lambda a, b: b < a, REAL),
    np.fmin: (lambda a, b: a < b, lambda a, b: b < a, REAL),
    tg.xlogy: (lambda a, b: np.log(b), lambda a, b: a / b, POSITIVE),
    tg.xlog1py: (lambda a, b: np.log(1 + b), lambda a, b: a / (1 + b), POSITIVE),
}  # fmt: skip
ELSEWHERE = {  # of complex numbers, or of a choice between arrays
    np.imag, np.angle, np.divmod, np.clip, np.where, np.heaviside,
}  # fmt: skip


def test_every_elementwise_rule_is_walked() -> None:
    differentiable = {f for f, entry in RULES.items() if entry is not None}
    assert differentiable - UNARY.keys() - BINARY.keys() - ELSEWHERE == set()


@pytest.mark.parametrize("f", UNARY, ids=lambda f: f.__name__)
def test_rule_of_one_operand(f: Any) -> None:
    formula, ranges = UNARY[f]
    assert prove(f, formula, {"x": ()}, within={"x": ranges}).verdict == "proved"
    wrong = prove(f, lambda x: formula(x) + 0.25, {"x": ()}, within={"x": ranges})
    assert wrong.verdict == "refuted"


@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("by", [0, 1])
def test_rule_of_two_operands(f: Any, by: int) -> None:
    formula, ranges = BINARY[f][by], BINARY[f][2]
    given = {"a": ranges, "b": ranges}
    assert prove(f, formula, {"a": (), "b": ()}, by=by, within=given).verdict == "proved"
    wrong = prove(f, lambda a, b: formula(a, b) + 0.25, {"a": (), "b": ()}, by=by, within=given)
    assert wrong.verdict == "refuted"


# Three outcomes, and what they say.


def test_the_theorem_is_printed() -> None:
    proof = prove(cross_entropy, lambda y, t: -t / y, VECTORS, positive="y")
    assert str(proof) == (
        "For all y > 0 in R^3, t in R^3: the gradient of cross_entropy by y is -t / y. "
        f"Proved entry by entry by SymPy {sympy.__version__}."
    )
    assert repr(proof) == str(proof)


def test_premises_are_printed() -> None:
    proof = prove(
        lambda a, b, c, d, e: a + np.sum(b + c + d) + np.sum(e),
        lambda a, b, c, d, e: 1.0,
        {"a": (), "b": 2, "c": 2, "d": 2, "e": (2, 2)},
        within={"a": (-1, 1), "b": (2, math.inf), "c": (-math.inf, 3)},
        sums_to_one=("d", "e"),
    )
    assert str(proof).startswith(
        "For all -1 < a < 1 in R, b > 2 in R^2, c < 3 in R^2, d in R^2 with sum(d) = 1, "
        "e in R^2x2 with sum(e, axis=-1) = 1: the gradient of f by a is 1.0."
    )


def test_a_refuted_formula_shows_the_difference_and_numbers() -> None:
    proof = prove(tg.squared_error, lambda y, t: t - y, {"y": 1, "t": 1})
    text = str(proof)
    assert text.startswith("Refuted: the gradient of squared_error by y is t - y, for all y in R^1")
    assert "The formula is the gradient times -1." in text
    assert "difference  2*t[0] - 2*y[0]" in text
    assert "at y[0] = 0.5713, t[0] = 0.8036: engine -0.232227, formula 0.232227" in text


def test_a_transposed_formula_is_named() -> None:
    proof = prove(lambda x, w: x @ w, lambda g, x, w: g.T @ x, {"x": (2, 2), "w": (2, 2)}, by="w")
    assert proof.reason == "The formula is the transpose of the gradient."


def test_a_formula_of_another_shape_is_refuted() -> None:
    proof = prove(affine, lambda g, x, w, b: g.T @ x, LAYER, by="w")
    assert proof.verdict == "refuted"
    assert "The formula has shape (2, 3), the gradient that of w, (3, 2)." in str(proof)


def test_a_formula_that_forgets_to_pull_back_is_refuted() -> None:
    assert prove(lambda x: np.sum(x * x), lambda g, x: 2 * x, {"x": 2}).verdict == "refuted"
    assert prove(lambda x: np.sum(x * x), lambda g, x: g * 2 * x, {"x": 2})


def test_the_sum_of_the_targets_matters() -> None:
    def loss(z: Any, t: Any) -> Any:
        return tg.softmax_cross_entropy(z, t, check=False)

    proof = prove(loss, lambda z, t: tg.softmax(z) - t, LOGITS)
    assert proof.verdict == "refuted"
    assert sympy.simplify(
        proof.entries[0].difference.subs(sympy.Symbol("t[2]", real=True),
        1 - sympy.Symbol("t[0]", real=True) - sympy.Symbol("t[1]", real=True))
    ) == 0  # fmt: skip


def test_what_cannot_be_decided_is_called_undecided() -> None:
    def formula(x: Any) -> Any:
        return 2 * x + (np.arctan(x) + np.arctan(1 / x) - np.pi / 2)  # the bracket is 0

    proof = prove(np.square, formula, {"x": ()}, positive="x")
    assert proof.verdict == "undecided"
    assert not proof
    assert str(proof).startswith("Undecided: the gradient of square by x is formula")


def test_a_constant_that_differs_by_rounding_is_undecided() -> None:
    proof = prove(lambda x: x * 0.7234567890123455, lambda x: 0.7234567890123456, {"x": ()})
    assert proof.verdict == "undecided"


def test_a_wrong_rule_is_found_by_the_witness() -> None:
    cube = tg.primitive(lambda x: x * x * x, rules=lambda g, y, x: g * 2 * x * x)
    same = prove(cube, lambda x: 2 * x * x, {"x": ()})
    assert same.verdict == "refuted"
    assert same.reason == "The formula is what the engine computes, but not the derivative of f."
    assert "SymPy       3*x**2" in str(same)
    right = prove(cube, lambda x: 3 * x * x, {"x": ()})
    assert right.verdict == "refuted"
    assert str(right).startswith("Refuted: the engine's gradient")
    other = prove(cube, lambda x: 4 * x * x, {"x": ()})
    assert other.reason.startswith("Neither")


def test_a_detached_value_is_not_the_derivative() -> None:
    proof = prove(lambda x: x * tg.detach(x), lambda x: x, {"x": ()})
    assert proof.verdict == "refuted"


# Branches.


def test_branches_are_named() -> None:
    proof = prove(tg.relu, lambda x: x > 0, {"x": ()})
    assert proof
    assert {tuple(map(str, c)) for c, _ in proof.branches} == {("x > 0",), ("x < 0",)}
    assert str(proof).endswith("on the 2 branches that samples met: x > 0; x < 0.")


def test_a_formula_that_is_right_on_one_branch_only_is_refuted() -> None:
    proof = prove(tg.relu, lambda x: np.ones_like(x), {"x": ()})
    assert proof.verdict == "refuted"
    assert prove(tg.relu, lambda x: np.ones_like(x), {"x": ()}, positive="x")


def test_a_subtracted_maximum_cancels_on_every_branch() -> None:
    proof = prove(
        lambda z, t: cross_entropy(shifted_softmax(z), t),
        lambda z, t: tg.softmax(z) - t, LOGITS, sums_to_one="t",
    )  # fmt: skip
    assert proof
    assert len(proof.branches) == 3


def test_a_condition_that_is_given_is_no_branch() -> None:
    proof = prove(lambda x: np.sum(np.abs(x - 1)), np.ones_like, {"x": 2}, within={"x": (1, 9)})
    assert proof
    assert proof.branches[0][0] == ()
    proof = prove(lambda x: np.clip(x, 0, 1), np.ones_like, {"x": 2}, positive="x", sums_to_one="x")
    assert proof.branches[0][0] == ()


# What is read out.


def test_derivation_lists_every_entry() -> None:
    proof = prove(cross_entropy, lambda y, t: -t / y, VECTORS, positive="y")
    assert proof.derivation().count("formula     -t[") == 3


def test_latex() -> None:
    proof = prove(cross_entropy, lambda y, t: -t / y, {"y": 1, "t": 1}, positive="y")
    assert r"\frac{\partial f}{\partial y_{0}} &= - \frac{t_{0}}{y_{0}}" in proof.latex()
    assert r"\quad x > 0" in prove(tg.relu, lambda x: x > 0, {"x": ()}).latex()
    assert r"&\ne" in prove(np.sin, np.sin, {"x": ()}).latex()


def test_names_come_from_the_signature() -> None:
    assert prove(cross_entropy, lambda y, t: -t / y, (3, 3), positive="y").argument == "y"
    assert prove(np.sin, np.cos, [2])


# Numbers and terms.


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (0.1, "1/10"), (1 / 3, "1/3"), (-2.5, "-5/2"), (1e-9, "1/1000000000"),
        (math.log(2), "log(2)"), (math.pi / 180, "pi/180"), (math.sqrt(0.5), "sqrt(2)/2"),
        (2 / math.sqrt(math.pi), "2/sqrt(pi)"),
        (1 / math.log(10), "1/log(10)"), (math.inf, "oo"), (7, "7"), (True, "1"),
        (math.sqrt(2 / math.pi), "sqrt(2)/sqrt(pi)"),
    ],
)  # fmt: skip
def test_floats_are_what_they_were_rounded_from(x: Any, text: str) -> None:
    assert str(expression(x)) == text


def test_a_term_compares_at_its_sample() -> None:
    x, y = sympy.symbols("x y", real=True)
    branch = Branch({x: sympy.Integer(2), y: sympy.Integer(3)}, {})
    a, b = Term(x, branch), Term(y, branch)
    assert a < b
    assert a != b
    assert a <= b
    assert a * b >= 6
    assert max(a, b) is b
    assert abs(-a) == a
    assert {str(condition) for condition in branch.conditions.values()} == {
        "x < y", "Eq(x*y, 6)", "x > 0",
    }  # fmt: skip


# Refusals.


def test_float_of_a_symbol_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="sample"):
        prove(lambda x: np.sum(x) * float(tg.detach(x[0])), lambda x: x, {"x": 2})


def test_code_for_floats_alone_is_refused() -> None:
    with pytest.raises(tg.UnsupportedError, match="check the gradient by numbers"):
        prove(lambda x: np.sum(tg.max_pool(x, 2)), np.ones_like, {"x": (1, 1, 2, 2)})


def test_a_formula_without_g_needs_the_result_in_the_arguments_shape() -> None:
    with pytest.raises(tg.ShapeError, match="lambda g"):
        prove(affine, lambda x, w, b: x, LAYER)


def test_wrong_names_are_refused() -> None:
    with pytest.raises(ValueError, match="none of the arguments"):
        prove(np.sin, np.cos, {"x": 2}, positive="y")
    with pytest.raises(ValueError, match="none of the arguments"):
        prove(np.sin, np.cos, {"x": 2}, by="y")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"shapes": 3}, "a shape for each argument"),
        ({"shapes": [3], "by": 1}, "none of the arguments"),
        ({"shapes": [3], "samples": 0}, "samples=0"),
        ({"shapes": {"x": 3}, "within": {"x": (2, 1)}}, "between 2 and 1"),
    ],
)
def test_premises_that_make_no_sense_are_refused(options: Any, said: str) -> None:
    """Of no point, or of an empty interval, anything could be proved."""
    with pytest.raises(ValueError, match=said):
        prove(lambda x: np.sin(x), np.cos, **options)


def test_arguments_are_those_of_f_in_whatever_order_they_are_named() -> None:
    proof = prove(lambda a, b: a * b, lambda a, b: b, {"b": 3, "a": 3})
    assert str(proof).startswith("For all a in R^3, b in R^3: the gradient of f by a is b.")


def test_branches_far_out_are_met() -> None:
    square = lambda x: x * x
    assert prove(square, lambda x: np.where(x < -2.5, 0, 2 * x), [()]).verdict == "refuted"


@pytest.mark.parametrize("returned", [None, [1.0]])
def test_what_returns_no_array_is_refused(returned: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match=r"^f returned"):
        prove(lambda x: returned, np.cos, [()])
    with pytest.raises(tg.UnsupportedError, match=r"^the formula returned"):
        prove(lambda x: np.sin(x), lambda x: returned, [()])


def test_without_sympy_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['sympy'] = None\n"
        "import numpy as np\n"
        "from tinygrad_ce.testing import prove\n"
        "try: prove(np.sin, np.cos, {'x': 2})\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert 'pip install "tinygrad_ce[proof]"' in done.stdout


def test_arguments_cannot_be_written_to() -> None:
    def loss(y: Any, t: Any) -> Any:
        t /= np.sum(t)
        return -np.sum(t * np.log(y))

    with pytest.raises(ValueError, match="read-only"):
        prove(loss, lambda y, t: -t / y, VECTORS, positive=("y", "t"))


def test_a_range_of_a_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="may be positive"):
        prove(np.exp, np.exp, {"x": 2}, sums_to_one="x", within={"x": (0, 1)})


def test_symbols_are_no_integers() -> None:
    with pytest.raises(tg.UnsupportedError, match="int64"):
        prove(lambda x: np.sum(x * x.astype(int)), lambda x: x, {"x": 2})
    assert prove(lambda x: np.sum(x.astype(np.float32), dtype=float), np.ones_like, {"x": 2})
