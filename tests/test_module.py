"""A Module: what it is made of, its state, and the tree that it is."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.trees import flatten, leaves, map_tree, paths

X = np.random.default_rng(0).normal(size=(8, 4))
T = np.array([0, 1, 2, 0, 1, 2, 0, 1])


class Network(nn.Module):
    """Modules in attributes and in a list, and a parameter of its own."""

    def __init__(self) -> None:
        self.first = nn.Linear(4, 5, dtype=np.float64)
        self.layers = [nn.Linear(5, 5, dtype=np.float64), nn.Tanh()]
        self.last = nn.Linear(5, 3, bias=False, dtype=np.float64)
        self.scale = nn.Parameter(1.5)
        self.depth = 2

    def forward(self, x: Any) -> Any:
        x = np.tanh(self.first(x))
        for layer in self.layers:
            x = layer(x)
        return self.scale * self.last(x)


NAMES = ["scale", "first.weight", "first.bias", "layers.0.weight", "layers.0.bias", "last.weight"]


def loss(model: Any, x: Any, t: Any) -> Any:
    return tg.softmax_cross_entropy(model(x), t)


def eager_gradients(model: nn.Module) -> list[Any]:
    loss(model, X, T).backward()
    found = [p.grad for p in model.parameters()]
    model.zero_grad()
    return found


# What it is made of.


def test_parameters_have_pytorchs_names() -> None:
    assert [name for name, _ in Network().named_parameters()] == NAMES


def test_modules_are_named_by_their_way() -> None:
    names = [name for name, _ in Network().named_modules()]
    assert names == ["", "first", "layers.0", "layers.1", "last"]


def test_a_parameter_stays_one_when_it_is_replaced() -> None:
    model = Network()
    model.scale = np.array(2.0)
    assert "scale" in dict(model.named_parameters())


def test_what_is_computed_is_no_parameter() -> None:
    model = Network()
    model.output = model.scale * 2
    assert [name for name, _ in model.named_parameters()] == NAMES


def test_a_deleted_parameter_is_gone() -> None:
    model = Network()
    del model.scale
    assert [name for name, _ in model.named_parameters()] == NAMES[1:]


def test_a_shared_parameter_comes_once() -> None:
    model = Network()
    model.layers[0].weight = nn.Parameter(np.ones((5, 5)))
    model.tied = model.layers[0].weight
    assert len(list(model.parameters())) == len(NAMES)


def test_frozen_parameters_are_parameters() -> None:
    model = Network().requires_grad_(False)
    assert [name for name, _ in model.named_parameters()] == NAMES


@pytest.mark.parametrize("kind", [list, tuple, lambda ps: dict(enumerate(ps))])
def test_parameters_that_would_not_be_found_are_refused(kind: Any) -> None:
    with pytest.raises(tg.GradientError, match=r"'weights' is a .*ParameterList"):
        Network().weights = kind([nn.Parameter(1.0)])


def test_a_list_of_parameters_is_found() -> None:
    model = Network()
    model.powers = nn.ParameterList([nn.Parameter(1.0), nn.Parameter(2.0)])
    names = [name for name, _ in model.named_parameters()]
    assert names == [*NAMES, "powers.0", "powers.1"]
    assert [w.item() for w in model.powers] == [1.0, 2.0]
    assert tg.grad(lambda m: m.powers[0] * m.powers[1] ** 2)(model).powers[1] == 4.0


def test_a_graph_from_before_a_change_of_dtype_is_refused() -> None:
    layer = nn.Linear(2, 1)
    y = layer(np.ones((1, 2), np.float32)).sum()
    layer.double()
    with pytest.raises(tg.GradientError, match="new data"):
        y.backward()


def test_training_is_said_to_all() -> None:
    assert not any(module.training for module in Network().eval().modules())


def test_apply_comes_to_the_inner_ones_first() -> None:
    seen: list[Any] = []
    model = Network().apply(seen.append)
    assert seen[-1] is model
    assert len(seen) == 5


def test_the_text_has_shapes_and_counts() -> None:
    text = repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    assert "(0): Linear(in_features=2, out_features=3, bias=True)" in text
    assert "weight (3, 2), bias (3,) = 9" in text
    assert text.endswith("9 parameters")


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="forward"):
        nn.Module()(1.0)


def test_another_dtype_holds_for_buffers_too() -> None:
    layer = nn.BatchNorm1d(3).double()
    assert {layer.weight.dtype, layer.running_var.dtype} == {np.dtype(np.float64)}
    assert layer.num_batches_tracked.dtype == int


# Its state.


def test_state_goes_over_to_another_model() -> None:
    a, b = Network(), Network()
    b.load_state_dict(a.state_dict())
    np.testing.assert_array_equal(a(X).numpy(), b(X).numpy())


def test_state_is_a_copy() -> None:
    model = Network()
    state = model.state_dict()
    state["scale"][...] = 7
    assert model.scale.item() == 1.5


def test_a_state_that_lacks_a_name_is_refused() -> None:
    state = Network().state_dict()
    del state["scale"]
    with pytest.raises(KeyError, match=r"missing are \['scale'\]"):
        Network().load_state_dict(state)


def test_missing_and_unexpected_names_are_reported() -> None:
    state = Network().state_dict()
    state["other"] = state.pop("scale")
    keys = Network().load_state_dict(state, strict=False)
    assert keys == (["scale"], ["other"])


def test_a_state_of_other_shapes_changes_nothing() -> None:
    model, state = Network(), Network().state_dict()
    before, state["last.weight"] = model.state_dict(), np.zeros((1, 1))
    with pytest.raises(tg.ShapeError, match=r"last\.weight has shape \(1, 1\)"):
        model.load_state_dict(state)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_has_parameters_of_its_own(again: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 3, dtype=np.float64))
    flatten(model)
    other = again(model)
    model[0].weight.data[...] = 0
    assert leaves(other)[0].all()


# The tree.


def test_its_leaves_are_arrays() -> None:
    model = Network()
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves(model))


def test_its_paths_are_its_names() -> None:
    assert [".".join(path) for path in paths(Network())] == NAMES


def test_it_is_built_again() -> None:
    model = Network()
    values, structure = flatten(model)
    made = structure.build(values)
    assert type(made) is Network
    np.testing.assert_array_equal(made(X), model(X).numpy())


def test_building_leaves_the_model_alone() -> None:
    model = Network()
    map_tree(np.zeros_like, model)
    assert model.scale.item() == 1.5


def test_gradients_are_those_of_backward() -> None:
    model = Network()
    found = tg.grad(loss)(model, X, T)
    for g, expected in zip(leaves(found), eager_gradients(model), strict=True):
        np.testing.assert_array_equal(g, expected)


def test_the_gradient_is_a_module_with_the_same_names() -> None:
    found = tg.grad(loss)(Network(), X, T)
    assert found.layers[0].weight.shape == (5, 5)
    assert type(found.first.bias) is np.ndarray


def test_a_frozen_parameter_has_gradient_zero() -> None:
    model = Network()
    model.first.requires_grad_(False)
    found = tg.grad(loss)(model, X, T)
    assert not found.first.weight.any()
    assert found.last.weight.any()


def test_map_leaves_frozen_parameters_as_they_are() -> None:
    model = Network()
    model.first.requires_grad_(False)
    made = map_tree(np.zeros_like, map_tree(lambda w: w, model))
    assert made.first.weight.all()
    assert not made.last.weight.any()


def test_a_shared_parameter_gets_one_gradient() -> None:
    model = nn.Sequential(nn.Linear(4, 4, dtype=np.float64), nn.Linear(4, 4, dtype=np.float64))
    model[1].weight = model[0].weight
    found = tg.grad(loss)(model, X, T % 4)
    assert found[0].weight is found[1].weight
    np.testing.assert_array_equal(found[0].weight, eager_gradients(model)[0])


def test_a_shared_parameter_stays_shared() -> None:
    model = nn.Sequential(nn.Linear(4, 4, dtype=np.float64), nn.Linear(4, 4, dtype=np.float64))
    model[1].weight = model[0].weight
    for _ in range(2):
        model = map_tree(lambda w, g: w - g, model, tg.grad(loss)(model, X, T % 4))
        assert model[0].weight is model[1].weight


def test_a_gradient_of_a_gradient_goes_through_a_module() -> None:
    model = nn.Linear(4, 3, dtype=np.float64)

    def slope(model: Any) -> Any:
        return sum(np.sum(g * g) for g in leaves(tg.grad(loss)(model, X, T)))

    found, step = tg.grad(slope)(model), 1e-5
    w = model.weight.data
    w[0, 0] += step
    up = slope(model)
    w[0, 0] -= 2 * step
    assert np.isclose(found.weight[0, 0], (up - slope(model)) / (2 * step), rtol=1e-7)


def test_leaves_within_a_function_carry_gradients() -> None:
    def decay(model: Any) -> Any:
        return sum(np.sum(w * w) / 2 for w in leaves(model))

    model = Network()
    found = tg.grad(decay)(model)
    for g, w in zip(leaves(found), leaves(model), strict=True):
        np.testing.assert_array_equal(g, w)


def test_running_statistics_come_out_with_the_model() -> None:
    model = nn.Sequential(nn.Linear(4, 3, dtype=np.float64), nn.BatchNorm1d(3, dtype=np.float64))

    def forward(model: Any) -> Any:
        return loss(model, X, T), model

    (value, after), _ = tg.value_and_grad(forward, has_aux=True)(model)
    assert not model[1].running_mean.any()
    eager = loss(model, X, T).item()
    assert value == eager
    np.testing.assert_array_equal(after[1].running_mean, model[1].running_mean)
    np.testing.assert_array_equal(after[1].running_var, model[1].running_var)


def test_a_model_of_arrays_becomes_one_of_tensors_again() -> None:
    model = map_tree(lambda w: w, Network()).requires_grad_()
    loss(model, X, T).backward()
    assert model.first.weight.grad.any()


def test_a_model_of_arrays_computes_with_arrays() -> None:
    assert type(map_tree(lambda w: w, Network())(X)) is np.ndarray


# Compiled.


def training(rule: Any) -> Any:
    def step(model: Any, state: Any, x: Any, t: Any) -> Any:
        value, gradient = tg.value_and_grad(loss)(model, x, t)
        return *rule.update(gradient, state, model), value

    return step


def test_three_ways_of_training_agree() -> None:
    model, rule = Network(), optim.adamw(lr=0.05)
    optimizer = optim.AdamW(model.parameters(), lr=0.05)
    plain = compiled = (map_tree(np.copy, model), rule.init(model))
    step = training(rule)
    fast = tg.compile(step)
    for _ in range(20):
        *plain, a = step(*plain, X, T)
        *compiled, b = fast(*compiled, X, T)
        c = loss(model, X, T)
        c.backward()
        optimizer.step()
        optimizer.zero_grad()
        assert a == c.item()
        assert np.isclose(a, b, rtol=1e-12)
    for w, p in zip(leaves(plain[0]), model.parameters(), strict=True):
        np.testing.assert_array_equal(w, p.data)
    for w, v in zip(leaves(plain), leaves(compiled), strict=True):
        np.testing.assert_allclose(w, v, rtol=1e-10, atol=1e-13)


def test_a_compiled_function_tells_modules_apart() -> None:
    forward = tg.compile(lambda model, x: model(x))
    for activation in (nn.LeakyReLU(0.1), nn.LeakyReLU(0.3), nn.Tanh()):
        np.testing.assert_allclose(forward(activation, X), activation(X), rtol=1e-15)


def test_a_compiled_function_sees_a_changed_attribute() -> None:
    forward, layer = tg.compile(lambda model, x: model(x)), nn.LeakyReLU(0.1)
    forward(layer, X)
    layer.negative_slope = 0.5
    np.testing.assert_allclose(forward(layer, X), layer(X), rtol=1e-15)


def test_a_compiled_function_is_written_once_for_a_model() -> None:
    calls = []

    @tg.compile
    def forward(model: Any, x: Any) -> Any:
        calls.append(1)
        return model(x)

    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    for _ in range(3):
        forward(model, X)
        model = map_tree(lambda w: w / 2, model)
    assert len(calls) == 1


def test_evaluation_and_training_are_two_programs() -> None:
    forward, model = tg.compile(lambda model, x: model(x)), nn.Dropout(1.0)
    assert not forward(model, X).any()
    np.testing.assert_array_equal(forward(model.eval(), X), X)


def test_running_statistics_come_out_of_a_compiled_step() -> None:
    model = nn.BatchNorm1d(4, dtype=np.float64)

    @tg.compile
    def forward(model: Any, x: Any) -> Any:
        return model(x), model

    y, after = forward(model, X)
    np.testing.assert_allclose(y, model(X).numpy(), rtol=1e-12)
    np.testing.assert_allclose(after.running_mean, model.running_mean, rtol=1e-12)
    assert after.num_batches_tracked == 1


@pytest.mark.parametrize("generator", [None, np.random.default_rng(3)], ids=["ours", "own"])
def test_dropout_draws_anew_at_every_compiled_call(generator: Any) -> None:
    forward = tg.compile(lambda model, x: model(x))
    layer = nn.Dropout(0.5, generator=generator)
    a, b = forward(layer, X), forward(layer, X)
    assert (a != b).any()


def test_compiled_dropout_draws_what_eager_dropout_draws() -> None:
    layer = nn.Dropout(0.5)
    tg.manual_seed(5)
    eager = [layer(X) for _ in range(3)]
    forward = tg.compile(lambda model, x: model(x))
    forward(layer, X)
    tg.manual_seed(5)
    for expected in eager:
        np.testing.assert_array_equal(forward(layer, X), expected)
