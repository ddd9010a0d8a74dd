"""Paths and the chain rule: the summands add up to the engine's gradient, the formulas give it."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tests.scenes import GRAPHS
from tinygrad_ce.graph import gradients, order
from tinygrad_ce.rules.kinds import Several

FUNCTIONS = {"exp": np.exp, "sin": np.sin, "cos": np.cos, "tanh": np.tanh, "sigmoid": tg.sigmoid,
             "sum": np.sum, "where": np.where, "softmax": tg.softmax, "reshape": np.reshape,
             "broadcast_to": np.broadcast_to, "maximum": np.maximum, "equal": np.equal,
             "greater": np.greater}  # fmt: skip


def variable(x: Any, dtype: Any = None) -> Any:
    return tg.tensor(x, requires_grad=True, dtype=dtype)


UNARY = [np.exp, np.sin, np.tanh, tg.sigmoid, np.square, np.negative, lambda x: 2 - x]
BINARY = [np.add, np.multiply, np.subtract]


@st.composite
def runs(draw: Any) -> Any:
    shape = draw(st.sampled_from([(), (3,), (0,), (2, 2)]))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    numbers = st.floats(-1.5, 1.5, width=32)
    data = draw(st.lists(numbers, min_size=4, max_size=4))
    leaf = variable(np.resize(data, shape), dtype)
    known = [leaf, variable(np.resize(data[::-1], shape), dtype)]
    for _ in range(draw(st.integers(1, 9))):
        a, b = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        known.append(
            draw(st.sampled_from(UNARY))(a)
            if draw(st.booleans())
            else draw(st.sampled_from(BINARY))(a, b)
        )
    return np.sum(known[-1]), draw(st.integers(1, 30))


def engine(loss: Any) -> dict[Any, Any]:
    return gradients(loss, loss.dtype.type(1), set(order(loss)))


@settings(deadline=None, max_examples=100)
@given(runs())
def test_the_paths_add_up_to_the_gradient(run: Any) -> None:
    loss, most = run
    for node, g in engine(loss).items():
        found = tg.paths(loss, wrt=node, most=most)
        assert len(found) == min(found.count, most)
        total = sum(path.share for path in found)
        if found.rest is not None:
            total = total + found.rest
        size = sum(np.abs(path.share) for path in found) + np.abs(g)
        assert np.all(np.abs(total - g) <= 64 * np.finfo(g.dtype).eps * size)
        assert all(path.share.shape == node.shape for path in found)
        np.testing.assert_array_equal(found.gradient, g)
        for path in found:
            chain = [edge.source for edge in path.edges[1:]]
            assert chain == [edge.target for edge in path.edges[:-1]]
    assert all(node.grad is None for node in order(loss))
    loss.backward()


def test_three_uses_are_three_summands() -> None:
    y = variable(3.0)
    a = y * y
    E = a + 2 * y  # noqa: N806
    found = tg.paths(E, wrt=y)
    assert [float(path.share) for path in found] == [3.0, 3.0, 2.0]
    assert [path.route[0] for path in found] == ["y"] * 3
    assert str(found).splitlines() == [
        "dE/dy = 8, the sum over 3 paths",
        "  y -> a (operand a) -> E  3",
        "  y -> a (operand b) -> E  3",
        "  y -> v2 -> E             2",
    ]


def test_of_very_many_paths_the_rest_is_one_summand() -> None:
    x = variable([0.5, 0.9])
    y = x
    for _ in range(60):
        y = 0.5 * (y + y)
    found = tg.paths(np.sum(y), wrt=x, most=3)
    assert found.count == 2**60
    assert len(found) == 3
    np.testing.assert_allclose(found.rest, 1.0)
    assert "the other 1152921504606846973 together" in str(found)
    assert max(map(len, str(found).splitlines())) < 400


def test_branches_not_taken_give_nothing() -> None:
    x = variable([-1.0, 2.0])
    with np.errstate(all="ignore"):
        loss = np.sum(np.where(x.detach() > 0, np.log(x) + np.sqrt(x), 0.0))
    found = tg.paths(loss, wrt=x)
    assert found.count == 2
    assert all(path.share[0] == 0 for path in found)
    np.testing.assert_allclose(sum(p.share for p in found), found.gradient)


def test_what_went_past_in_one_step_is_a_path_too() -> None:
    z = variable([[1.0, 2.0, 3.0]])
    y = tg.softmax(z)
    loss = tg.cross_entropy(y, [0])
    found = tg.paths(loss, wrt=y)
    assert found.count == 1
    np.testing.assert_allclose(next(iter(found)).share, [[-1 / y.value[0, 0], 0, 0]])
    both = loss + np.sum(y * y)
    found = tg.paths(both, wrt=y)
    assert found.count == 3
    expected = 2 * y.value + [[-1 / y.value[0, 0], 0, 0]]
    np.testing.assert_allclose(sum(p.share for p in found), expected)


def test_functions_with_several_results() -> None:
    a = variable(np.eye(3) * 2 + 0.1)
    q, r = np.linalg.qr(a)
    loss = np.sum(q * 2.0) + np.sum(np.sin(r))
    found = tg.paths(loss, wrt=a)
    assert found.count == 2
    np.testing.assert_allclose(sum(p.share for p in found), engine(loss)[a], atol=1e-12)


def test_complex_numbers() -> None:
    z = variable(np.array([1.0 + 1.0j, 2.0 - 1.0j]))
    loss = np.sum(np.abs(z * z))
    np.testing.assert_allclose(sum(p.share for p in tg.paths(loss, wrt=z)), engine(loss)[z])


def test_a_hook_has_no_share() -> None:
    x = variable(2.0)
    y = x * x
    y.register_hook(lambda g: np.clip(g, -1, 1))
    with pytest.raises(tg.GradientError, match="a hook stands at y"):
        tg.paths(3 * y, wrt=x)


def test_what_is_not_on_the_way_is_refused() -> None:
    x, other = variable(2.0), variable(3.0)
    loss = x * x
    for ask in (tg.paths, tg.chain_rule):
        with pytest.raises(tg.GradientError, match="does not flow to"):
            ask(loss, wrt=other)
        with pytest.raises(tg.GradientError, match="requires no gradient"):
            ask(tg.tensor(1.0), wrt=x)


# --- the chain rule ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(runs())
def test_the_formulas_compute_the_gradients(run: Any) -> None:
    loss, _ = run
    names = {f"n{i}": node for i, node in enumerate(order(loss))}
    found = engine(loss)
    leaf = order(loss)[-1]
    chain = tg.chain_rule(loss, wrt=leaf, names=names)
    known: dict[str, Any] = {**FUNCTIONS, **{name: node.value for name, node in names.items()}}
    known |= {f"d{name}": found[node] for name, node in names.items()}
    for equation in chain.equations:
        node = names[equation.name.split("/d")[1]]
        np.testing.assert_array_equal(equation.value, found[node])
        formula = equation.formula.replace("dn0/", "")
        for part in re.findall(r"where (.*)", formula):
            assert part is None, "each of these rules is one expression"
        value = eval(formula, {}, known)
        np.testing.assert_allclose(
            np.broadcast_to(value, node.shape), found[node], rtol=2e-3, atol=2e-3
        )
    assert chain.latex.count("{") == chain.latex.count("}")
    assert r"\frac{\partial n_{0}}" in chain.latex
    loss.backward()


def test_the_users_names_make_the_chain() -> None:
    z = variable(2.0)
    y = np.exp(z)
    E = np.sin(y)  # noqa: N806
    chain = tg.chain_rule(E, wrt=z)
    assert chain.whole == "dE/dz = dE/dy dy/dz"
    assert [e.formula for e in chain.equations] == ["cos(y)", "dE/dy * y"]
    assert str(chain).splitlines()[0] == chain.whole
    assert chain._repr_latex_().startswith("$")


def test_softmax_and_cross_entropy_are_told_in_two_steps() -> None:
    z = variable([[1.0, 2.0, 3.0]])
    y = tg.softmax(z)
    E = tg.cross_entropy(y, [0], reduction="sum")  # noqa: N806
    assert str(tg.chain_rule(E, wrt=z)).splitlines()[0].endswith("/dy dy/dz")
    last = tg.chain_rule(E, wrt=y).equations[-1]
    assert re.fullmatch(r"dE/dv\d+ \* \(?v\d+ / y\)?", last.formula)
    np.testing.assert_allclose(last.value, [[-1 / y.value[0, 0], 0, 0]])


def test_hostile_names_stay_text() -> None:
    x = variable(2.0)
    loss = np.exp(x) * x
    names = {"\\input{evil}_$x^2~&%#\x1b[2J\n<script>": x, "loss": loss}
    chain = tg.chain_rule(loss, wrt=x, names=names)
    assert "\x1b" not in str(chain)
    assert r"\textbackslash{}input\{evil\}\_\$x\textasciicircum{}2" in chain.latex
    assert r"\input" not in chain.latex
    assert "\x1b" not in chain.latex


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", GRAPHS)
def test_every_kind_of_graph_has_its_paths_and_its_chain(name: str) -> None:
    loss = GRAPHS[name]()
    nodes = order(loss)
    leaves = [node for node in nodes if not node.parents]
    sums = gradients(loss, np.ones_like(loss.value), {*leaves[:9]}).values()
    rules_sum = max((np.max(np.abs(g), initial=0) for g in sums), default=0)
    for node in [*nodes[:: max(len(nodes) // 6, 1)], *leaves[:3]]:
        chain = tg.chain_rule(loss, wrt=node)
        assert str(chain)
        assert chain.latex.startswith("\\begin{aligned}\n")
        found = tg.paths(loss, wrt=node, most=500)
        assert str(found)
        if type(found.gradient) is Several or name == "infinite":
            continue
        assert found.count
        shares = [path.share for path in found] + ([] if found.rest is None else [found.rest])
        size = sum(np.abs(share) for share in shares) + np.max(np.abs(found.gradient), initial=0)
        size = size + (rules_sum if name == "attention" else 0)  # means are taken away in its rules
        error = np.abs(sum(shares) - found.gradient)
        assert np.all(error <= 256 * np.finfo(found.gradient.dtype).eps * size)


def test_deep_graphs() -> None:
    x = variable(1.0)
    y = x
    for _ in range(3000):
        y = y + 0.0
    assert tg.paths(y, wrt=x).count == 1
    assert "more" in str(tg.paths(y, wrt=x))


def test_of_very_many_equations_some_are_written() -> None:
    x = variable(1.0)
    y = x
    for _ in range(1000):
        y = np.sin(y)
    chain = tg.chain_rule(y, wrt=x)
    assert len(chain.equations) == 1000
    assert "  ... 900 more ..." in str(chain).splitlines()
    assert str(chain).count("\n") < 500
    assert chain.latex.count(r"\vdots") == 1


def test_what_went_past_a_step_is_no_share_of_it() -> None:
    z = variable([[1.0, 2.0, 3.0]])
    y = tg.softmax(z)
    loss = tg.cross_entropy(y, [0])
    (only,) = tg.paths(loss, wrt=z)
    np.testing.assert_allclose(only.share, y.value - [[1, 0, 0]], atol=1e-15)


def test_a_hook_at_the_end_or_past_a_step_has_no_share() -> None:
    x = variable(2.0)
    x.register_hook(lambda g: 2 * g)
    with pytest.raises(tg.GradientError, match="a hook stands at x"):
        tg.paths(3 * x, wrt=x)
    z = variable([1.0, 2.0, 3.0])
    y = tg.softmax(z)
    loss = tg.cross_entropy(y, 0)
    y.register_hook(lambda g: 2 * g)
    for end in (z, y):
        with pytest.raises(tg.GradientError, match="a hook stands at y"):
            tg.paths(loss, wrt=end)
    *_, before, last = tg.chain_rule(loss, wrt=z).equations
    assert before.formula.startswith("hook(")
    np.testing.assert_allclose(before.value, [-2 / y.value[0], 0, 0])
    assert last.name == "dloss/dz"


@pytest.mark.parametrize(
    ("name", "letter"),
    [("w1", "w_{1}"), ("alpha", r"\alpha"), ("Delta", r"\Delta"), ("Alpha", r"\mathrm{Alpha}"),
     ("σ_1", r"\sigma_{\mathrm{1}}"), ("損失", r"\text{損失}"), ("w_in", r"w_{\mathrm{in}}"),
     ("a%b", r"\text{a\%b}")],
)  # fmt: skip
def test_names_in_latex(name: str, letter: str) -> None:
    x = variable(2.0)
    assert rf"\partial {letter}}}" in tg.chain_rule(np.exp(x), wrt=x, names={name: x}).latex


def test_signs_of_ours_are_ascii() -> None:
    x = variable(np.linspace(0, 1, 50))
    y = np.exp(x)
    loss = np.sum(y)
    for told in (tg.paths(loss, wrt=x), tg.chain_rule(loss, wrt=x)):
        assert str(told).isascii()
    損失 = loss * 1.0  # noqa: N806
    assert "d損失/dx" in str(tg.paths(損失, wrt=x))


def test_a_formula_kept_for_its_form_has_its_own_numbers() -> None:
    # The same function, shapes and dtypes; other settings, other constants among them.
    for _ in range(2):
        for key in ((0, 1), (1, 0), [2, 1]):
            x = variable(np.array([1.0, 2.0, 3.0]))
            loss = np.sum(x[np.array(key)] ** 2)
            (first, *_) = tg.chain_rule(loss, wrt=x).equations[-1:]
            assert "x" in first.name
        for power in (2.5, 3.5):
            x = variable(np.array([1.0, 2.0]))
            formula = tg.chain_rule(np.sum(x**power), wrt=x).equations[-1].formula
            assert str(power) in formula
        for axis in (0, 1):
            x = variable(np.ones((2, 2)))
            y = tg.softmax(x, axis=axis)
            formula = tg.chain_rule(np.sum(y * np.eye(2)), wrt=x).equations[-1].formula
            assert f"axis={axis}" in formula
