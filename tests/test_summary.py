"""summary: shapes and counts of every layer, and the model as it was."""

from typing import Any

import numpy as np

from tinygrad_ce import nn


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 2))


X = np.zeros((5, 1, 8, 8), np.float32)


def test_every_layer_has_its_output_shape() -> None:
    shapes = [row.shape for row in network().summary(X).rows]
    assert shapes == ["(5, 2)", "(5, 4, 6, 6)", "(5, 4, 6, 6)", "(5, 144)", "(5, 2)"]


def test_rows_have_their_own_parameters() -> None:
    assert [row.parameters for row in network().summary().rows] == [0, 40, 8, 0, 290]


def test_the_total_is_that_of_the_parameters() -> None:
    assert network().summary().parameters == 338


def test_frozen_parameters_are_not_trainable() -> None:
    model = network()
    model[0].requires_grad_(False)
    assert model.summary().trainable == 298


def test_the_size_counts_buffers() -> None:
    assert nn.BatchNorm1d(3).summary().size == 4 * 12 + 8


def test_a_shared_layer_counts_once() -> None:
    layer = nn.Linear(2, 2)
    assert nn.Sequential(layer, layer).summary().parameters == 6


def test_several_outputs_have_several_shapes() -> None:
    x = np.zeros((2, 7, 3), np.float32)
    assert nn.GRU(3, 4, batch_first=True).summary(x).rows[0].shape == "(2, 7, 4), (1, 2, 4)"


def test_the_model_stays_as_it_was() -> None:
    model = network()
    before: Any = {name: dict(vars(m)) for name, m in model.named_modules()}
    model.summary(X)
    for name, m in model.named_modules():
        found = {k: v for k, v in vars(m).items() if k != "_plan"}
        assert found == {k: v for k, v in before[name].items() if k != "_plan"}


def test_without_inputs_there_is_no_column_of_shapes() -> None:
    assert "output" not in str(network().summary())
