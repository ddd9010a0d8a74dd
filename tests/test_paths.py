"""Paths and the chain rule: the summands add up to the engine's gradient, the formulas give it."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.graph import gradients, order

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


@pytest.mark.parametrize("loss", [
    np.sum(variable(np.zeros((0, 3))) ** 2),
    np.sum(variable(np.ones((100, 100))) * 2),
    np.sum(variable(np.ones(3), np.float32) * np.arange(3)),
    np.abs(variable(1.0 + 2.0j)),
    np.sum(np.linalg.qr(variable(np.eye(3)))[1]),
    variable(np.ones(3)) * 2,
    np.einsum("i,ij,j->", variable(np.ones(2)), variable(np.eye(2)), np.ones(2)),
    tg.grad(lambda x: np.sum(x**3))(variable(np.ones(2))) @ np.ones(2),
    np.sum(np.concatenate([variable(np.ones(2)), variable(np.ones(3))])),
    tg.softmax_cross_entropy(variable(np.zeros((4, 3))), [0, 1, 2, 0]),
    variable(2.0) * 1.0,
], ids=range(11))  # fmt: skip
def test_every_kind_of_graph_has_its_chain(loss: Any) -> None:
    for node in order(loss):
        chain = tg.chain_rule(loss, wrt=node)
        assert str(chain)
        assert chain.latex.startswith("\\begin{aligned}\n")
        assert str(tg.paths(loss, wrt=node))


def test_deep_graphs() -> None:
    x = variable(1.0)
    y = x
    for _ in range(3000):
        y = y + 0.0
    assert tg.paths(y, wrt=x).count == 1
    assert "more" in str(tg.paths(y, wrt=x))
