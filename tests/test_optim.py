"""The optimizers: what they change, when, and at what cost."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.optim.formulas import Formula
from tinygrad_ce.trees import leaves

RULES = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"]
CLASSES = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Lion"]


def variable(*shape: int, dtype: Any = np.float64, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).normal(size=shape)
    return tg.tensor(values, requires_grad=True, dtype=dtype)


@pytest.mark.parametrize("name", RULES)
def test_rules_go_down(name: str) -> None:
    rule = getattr(optim, name)(lr=0.05)
    w = np.array([1.0, -2.0])
    state = rule.init(w)
    for _ in range(300):
        w, state = rule.update(2 * w, state, w)
    assert np.abs(w).max() < 1


def test_lion_is_its_formula() -> None:
    """m = 0 at first: the sign of (1 - b1) g; then m = (1 - b2) g (Chen et al. 2023)."""
    rule = optim.lion(lr=0.1, betas=(0.9, 0.8), weight_decay=0.5)
    w, state = rule.update(np.array([2.0]), rule.init(np.ones(1)), np.ones(1))
    np.testing.assert_allclose(w, 1 * (1 - 0.1 * 0.5) - 0.1)
    np.testing.assert_allclose(leaves(state)[-1], 0.2 * 2)
    w, _ = rule.update(np.array([-1.0]), state, w)
    np.testing.assert_allclose(w, 0.85 * 0.95 - 0.1 * np.sign(0.9 * 0.4 - 0.1))


def test_a_parameter_without_gradient_is_left_alone() -> None:
    a, b = variable(3), variable(3, seed=1)
    before = b.numpy()
    optimizer = optim.AdamW([a, b])
    (a * a).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(b.data, before)


def test_a_parameter_that_comes_later_counts_its_own_steps() -> None:
    a, b, c = variable(3), variable(3, seed=1), variable(3, seed=1)
    both, alone = optim.Adam([a, b]), optim.Adam([c])
    for step in range(5):
        a.grad = np.ones(3)
        b.grad = c.grad = None if step < 2 else np.arange(3.0)
        both.step()
        alone.step()
    np.testing.assert_array_equal(b.data, c.data)
    assert both.state_dict()["state"][1]["step"] == 3


def test_groups_have_options_of_their_own() -> None:
    a, b = variable(2), variable(2)
    optimizer = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.0}], lr=0.1)
    before = a.numpy()
    a.grad = b.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_allclose(a.data, before - 0.1)
    np.testing.assert_array_equal(b.data, before)


def test_a_group_may_come_later() -> None:
    a, b = variable(2), variable(2)
    optimizer = optim.SGD([a], lr=0.1)
    optimizer.add_param_group({"params": [b], "lr": 1.0})
    before = b.numpy()
    b.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_allclose(b.data, before - 1)


def test_a_closure_is_called_and_its_loss_returned() -> None:
    w = variable(2)
    optimizer = optim.SGD([w], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        return loss

    before = w.numpy()
    with tg.no_grad():
        loss = optimizer.step(closure)
    assert np.isclose(loss.item(), (before**2).sum())
    np.testing.assert_allclose(w.data, 0.8 * before)


def test_data_replaced_by_the_user_is_what_is_changed() -> None:
    w = variable(2)
    optimizer = optim.SGD([w], lr=1.0)
    for values in (np.zeros(2), np.full(2, 5.0)):
        w.data = values
        w.grad = np.ones(2)
        optimizer.step()
        np.testing.assert_array_equal(w.data, values - 1)


def test_data_written_in_place_is_what_is_changed() -> None:
    w = variable(2)
    optimizer = optim.SGD([w], lr=1.0)
    for _ in range(2):
        w.data[...] = 5
        w.grad = np.ones(2)
        optimizer.step()
    np.testing.assert_array_equal(w.data, [4.0, 4.0])


def test_a_graph_that_is_kept_keeps_its_values() -> None:
    w = variable(2)
    optimizer = optim.SGD([w], lr=1.0)
    before = w.numpy()
    y = w * w
    w.grad = np.ones(2)
    optimizer.step()
    np.testing.assert_array_equal(y.numpy(), before**2)
    np.testing.assert_array_equal(w.data, before - 1)
    with pytest.raises(tg.GradientError, match="new data"):
        y.sum().backward()


def test_a_graph_from_before_a_later_step_is_refused() -> None:
    w = variable(2)
    optimizer = optim.SGD([w], lr=1.0)
    w.grad = np.ones(2)
    optimizer.step()
    y = (w * w).sum()
    w.grad = np.ones(2)
    optimizer.step()
    with pytest.raises(tg.GradientError, match="new data"):
        y.backward()


def test_dtypes_stay() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1, dtype=np.float64))
    optimizer = optim.Adam(model.parameters())
    model(np.ones((1, 2))).sum().backward()
    optimizer.step()
    assert [p.dtype.char for p in model.parameters()] == ["f", "f", "d", "d"]


def test_a_gradient_of_another_shape_is_refused() -> None:
    w = variable(2, 3)
    w.grad = np.ones((3, 2))
    with pytest.raises(tg.ShapeError, match=r"its gradient \(3, 2\)"):
        optim.SGD([w]).step()


def test_a_parameter_that_changed_its_dtype_is_refused() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.SGD(model.parameters())
    model(np.ones((1, 2))).sum().backward()
    optimizer.step()
    model.double()(np.ones((1, 2))).sum().backward()
    with pytest.raises(tg.DTypeError, match="float64 and had float32"):
        optimizer.step()


@pytest.mark.parametrize("name", CLASSES)
def test_training_goes_on_bit_for_bit(name: str) -> None:
    def gradients(p: Any, step: int) -> Any:
        return np.sin(p.data * (step + 1))

    def steps(optimizer: Any, p: Any, some: range) -> None:
        for step in some:
            p.grad = gradients(p, step)
            optimizer.step()

    a = variable(4)
    through = getattr(optim, name)([a])
    steps(through, a, range(3))
    b = tg.tensor(a.numpy(), requires_grad=True)
    again = getattr(optim, name)([b])
    again.load_state_dict(through.state_dict())
    steps(through, a, range(3, 6))
    steps(again, b, range(3, 6))
    np.testing.assert_array_equal(a.data, b.data)


def test_a_state_of_other_groups_is_refused() -> None:
    state = optim.Adam([variable(2)]).state_dict()
    with pytest.raises(ValueError, match=r"groups of \[1\]"):
        optim.Adam([variable(2), variable(3)]).load_state_dict(state)


def test_many_small_parameters_cost_as_many_calls_as_one() -> None:
    calls = []

    def update(p: Any, g: Any, s: Any, step: Any, o: Any) -> Any:
        calls.append(p.size)
        return p - o["lr"] * g, s

    rule = optim.Rule(Formula(update, lambda o: {}), {"lr": 0.1, "maximize": False})
    ps = [variable(3, seed=i) for i in range(200)]
    optimizer = optim.Optimizer(ps, rule)
    for p in ps:
        p.grad = np.ones(3)
    optimizer.step()
    rule.update([np.ones(3)] * 200, rule.init([p.data for p in ps]), [p.data for p in ps])
    assert calls == [600, 600]


@pytest.mark.parametrize("name", RULES)
def test_large_parameters_are_worked_through_in_parts(name: str) -> None:
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=(200, 150)), rng.normal(size=(200, 150))
    rule = getattr(optim, name)()
    state = rule.init(w)
    whole, _ = rule.formula.update(w, g, state["slots"][0], 1, rule.options)
    np.testing.assert_array_equal(rule.update(g, state, w)[0], whole)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 99))
def test_parts_of_any_size_are_changed_alike(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    ws = [rng.normal(size=n).astype(np.float32) for n in sizes]
    gs = [rng.normal(size=n).astype(np.float32) for n in sizes]
    rule = optim.adam(lr=0.1)
    together, _ = rule.update(gs, rule.init(ws), ws)
    for w, g, found in zip(ws, gs, together, strict=True):
        np.testing.assert_array_equal(rule.update(g, rule.init(w), w)[0], found)


def test_a_rate_of_its_own_for_a_step() -> None:
    rule = optim.sgd(lr=0.1)
    w, _ = rule.update(np.ones(2), rule.init(np.zeros(2)), np.zeros(2), lr=0.5)
    np.testing.assert_array_equal(w, [-0.5, -0.5])


def test_gradients_that_do_not_fit_are_refused() -> None:
    rule = optim.sgd()
    with pytest.raises(tg.ShapeError, match=r"\(3,\)"):
        rule.update(np.ones(3), rule.init(np.zeros(2)), np.zeros(2))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: optim.SGD([]), "no parameters"),
        (lambda: optim.SGD([np.ones(2)]), "is ndarray"),
        (lambda: optim.SGD([variable(2) * 2]), "computed"),
        (lambda: optim.SGD([w := variable(2), w]), "twice"),
        (lambda: optim.SGD([{"params": [variable(2)], "momentun": 1}]), "momentun"),
        (lambda: optim.SGD([variable(2)], lr=-1.0), "number from 0"),
        (lambda: optim.Adam([variable(2)], betas=(1.0, 0.9)), "below 1"),
        (lambda: optim.SGD([variable(2)], nesterov=True), "needs a momentum"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any, words: str) -> None:
    with pytest.raises((tg.Error, ValueError), match=words):
        make()


# Schedules and clipping.


def test_a_schedule_is_taken_up_again() -> None:
    optimizers = [optim.SGD([variable(2)], lr=0.1) for _ in range(2)]
    a, b = (optim.lr_scheduler.CosineAnnealingLR(o, T_max=10) for o in optimizers)
    for _ in range(4):
        a.step()
    b.load_state_dict(a.state_dict())
    a.step()
    b.step()
    assert a.get_last_lr() == b.get_last_lr()


def test_clipping_keeps_the_direction() -> None:
    ps = [variable(2), variable(3)]
    for p in ps:
        p.grad = p.numpy() * 100
    norm = nn.utils.clip_grad_norm_(ps, 1.0)
    joined = np.concatenate([p.grad for p in ps])
    assert np.isclose(np.linalg.norm(joined), 1)
    np.testing.assert_allclose(joined * norm, 100 * nn.utils.parameters_to_vector(ps), rtol=1e-6)


def test_an_infinite_norm_is_refused_where_asked() -> None:
    p = variable(2)
    p.grad = np.array([np.inf, 1])
    with pytest.raises(tg.GradientError, match="norm of the gradients is inf"):
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


def test_values_are_cut_off() -> None:
    p = variable(2)
    p.grad = np.array([-3.0, 0.5])
    nn.utils.clip_grad_value_([p], 1.0)
    np.testing.assert_array_equal(p.grad, [-1.0, 0.5])


def test_a_vector_goes_into_parameters_and_back() -> None:
    ps = [variable(2, 3), variable(), variable(4)]
    vector = np.arange(11.0)
    nn.utils.vector_to_parameters(vector, ps)
    np.testing.assert_array_equal(nn.utils.parameters_to_vector(ps), vector)
    with pytest.raises(tg.ShapeError, match="11 entries"):
        nn.utils.vector_to_parameters(np.ones(3), ps)
