"""What layers do beside their formulas: chance, masks, refusals."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce import nn

X = np.ones((50, 40))


def test_the_same_seed_gives_the_same_network() -> None:
    tg.manual_seed(3)
    a = nn.LSTM(3, 4).state_dict()
    tg.manual_seed(3)
    b = nn.LSTM(3, 4).state_dict()
    assert all((a[name] == b[name]).all() for name in a)


def test_a_generator_of_ones_own_is_used() -> None:
    a, b = (nn.Linear(3, 4, generator=np.random.default_rng(7)) for _ in range(2))
    assert (a.weight.data == b.weight.data).all()


def test_a_generator_of_ones_own_leaves_the_librarys_alone() -> None:
    before = tg.manual_seed(3).bit_generator.state
    nn.Linear(3, 4, generator=np.random.default_rng(7))
    assert tg.default_generator().bit_generator.state == before


def test_dropout_keeps_the_mean() -> None:
    y = nn.Dropout(0.3, np.random.default_rng(0))(X)
    assert abs(y.mean() - 1) < 0.05
    assert set(np.unique(y)) == {0, 1 / 0.7}


def test_dropout_sends_gradients_where_it_let_x_pass() -> None:
    x = tg.tensor(X, requires_grad=True)
    y = nn.Dropout(0.3)(x)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.numpy())


def test_dropout_of_channels_takes_whole_ones() -> None:
    y = nn.Dropout2d(0.5)(np.ones((8, 9, 3, 2)))
    assert (y == y[:, :, :1, :1]).all()
    assert 0 < (y == 0).mean() < 1


@given(st.floats(0, 1))
def test_dropout_does_nothing_in_use(p: float) -> None:
    assert nn.Dropout(p).eval()(X) is X


def test_a_probability_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        nn.Dropout(1.5)


def test_causal_attention_does_not_look_ahead() -> None:
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = np.random.default_rng(0).normal(size=(2, 5, 8))
    changed = x.copy()
    changed[:, 3:] += 1
    a, b = block(x, is_causal=True).numpy(), block(changed, is_causal=True).numpy()
    np.testing.assert_array_equal(a[:, :3], b[:, :3])
    assert (a[:, 3:] != b[:, 3:]).all()


def test_a_causal_mask_is_the_causal_way() -> None:
    block = nn.MultiheadAttention(8, 2)
    x = np.random.default_rng(0).normal(size=(5, 2, 8))
    a, b = block(x, x, x, is_causal=True)[0], block(x, x, x, attn_mask=nn.causal_mask(5))[0]
    np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_weights_of_attention_sum_to_one() -> None:
    x = np.random.default_rng(0).normal(size=(5, 2, 8))
    _, weights = nn.MultiheadAttention(8, 2, dtype=np.float64)(x, x, x)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=1e-12)


def test_a_state_goes_on_from_where_a_sequence_ended() -> None:
    x = np.random.default_rng(0).normal(size=(6, 2, 3))
    for layer in (nn.RNN(3, 4), nn.GRU(3, 4, 2), nn.LSTM(3, 4, 2)):
        whole, _ = layer(x)
        _, state = layer(x[:3])
        rest, _ = layer(x[3:], state)
        np.testing.assert_allclose(rest.numpy(), whole.numpy()[3:], rtol=1e-6)


REFUSED: list[tuple[Any, Any, str]] = [
    (nn.Linear(3, 4), np.ones((2, 5)), r"x has shape \(2, 5\)"),
    (nn.Embedding(3, 4), np.array([3]), "an index is 3"),
    (nn.Embedding(3, 4), np.array([-1]), "an index is -1"),
    (nn.Embedding(3, 4), np.array([1.0]), "dtype float64"),
    (nn.Conv2d(3, 4, 2), np.ones((2, 5)), "channels and 2 axes more"),
    (nn.BatchNorm1d(3), np.ones((1, 3)), "needs several"),
    (nn.BatchNorm2d(3), np.ones((2, 3)), "4 axes"),
    (nn.LayerNorm(3), np.ones((2, 4)), r"shape \(3,\)"),
    (nn.RNN(3, 4), np.ones((5, 2, 4)), "3 features"),
    (nn.GLU(), np.ones((2, 3)), "halves"),
]


@pytest.mark.parametrize(("layer", "x", "words"), REFUSED, ids=lambda x: type(x).__name__)
def test_what_does_not_fit_is_refused_with_words(layer: Any, x: Any, words: str) -> None:
    with pytest.raises((tg.ShapeError, tg.TargetError), match=words):
        layer(x)


def test_containers_count_and_slice() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert len(model) == 3
    assert len(model[1:]) == 2
    assert model[-1].out_features == 1


def test_a_sequence_of_named_modules_keeps_the_names() -> None:
    model = nn.Sequential({"hidden": nn.Linear(2, 3), "out": nn.Linear(3, 1)})
    assert next(iter(model.state_dict())) == "hidden.weight"


def test_a_single_example_needs_no_batch() -> None:
    layer = nn.Conv2d(1, 2, 3)
    x = np.random.default_rng(0).normal(size=(1, 5, 5))
    np.testing.assert_array_equal(layer(x).numpy(), layer(x[None]).numpy()[0])
