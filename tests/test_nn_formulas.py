"""The backward pass of each layer, derived by hand as its docstring says, needing no PyTorch.

A formula takes the gradient g by the result, the module and x, and returns the gradient by x and
by the parameters that it names.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce import nn
from tinygrad_ce.trees import map_tree

RNG = np.random.default_rng(11)


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape)


def by_linear(g: Any, m: Any, x: Any) -> Any:
    return {"x": g @ m.weight, "weight": g.T @ x, "bias": g.sum(0)}


def by_embedding(g: Any, m: Any, x: Any) -> Any:
    rows = np.zeros_like(m.weight)
    for index, row in zip(x.ravel(), g.reshape(-1, g.shape[-1])):
        rows[index] += row * (index != m.padding_idx)
    return {"weight": rows}


def by_conv1d(g: Any, m: Any, x: Any) -> Any:
    """Kernel of 2, stride 1: each entry of y sees x at i and at i + 1."""
    w = m.weight
    dx = np.zeros_like(x)
    for k in (0, 1):
        dx[:, :, k : k + g.shape[2]] += np.einsum("noi,oc->nci", g, w[:, :, k])
    dw = [np.einsum("noi,nci->oc", g, x[:, :, k : k + g.shape[2]]) for k in (0, 1)]
    return {"x": dx, "weight": np.stack(dw, -1), "bias": g.sum((0, 2))}


def by_conv2d(g: Any, m: Any, x: Any) -> Any:
    dx, dw = np.zeros_like(x), np.zeros_like(m.weight)
    for i, j in np.ndindex(2, 2):
        part = np.s_[:, :, i : i + g.shape[2], j : j + g.shape[3]]
        dx[part] += np.einsum("nohw,oc->nchw", g, m.weight[:, :, i, j])
        dw[:, :, i, j] = np.einsum("nohw,nchw->oc", g, x[part])
    return {"x": dx, "weight": dw, "bias": g.sum((0, 2, 3))}


def by_conv_transpose2d(g: Any, m: Any, x: Any) -> Any:
    """x lays the kernel down, so it gathers by the convolution with the same weight."""
    dx, dw = np.zeros_like(x), np.zeros_like(m.weight)
    for i, j in np.ndindex(2, 2):
        part = g[:, :, i : i + x.shape[2], j : j + x.shape[3]]
        dx += np.einsum("nohw,co->nchw", part, m.weight[:, :, i, j])
        dw[:, :, i, j] = np.einsum("nohw,nchw->co", part, x)
    return {"x": dx, "weight": dw, "bias": g.sum((0, 2, 3))}


def windows(x: Any) -> Any:
    """Windows of 2 side by side along the last axis."""
    return x.reshape(*x.shape[:-1], -1, 2)


def by_max_pool(g: Any, m: Any, x: Any) -> Any:
    w = windows(x)
    return {"x": (g[..., None] * (w == w.max(-1, keepdims=True))).reshape(x.shape)}


def by_avg_pool(g: Any, m: Any, x: Any) -> Any:
    return {"x": np.repeat(g / 2, 2, axis=-1)}


def normed(x: Any, g: Any, eps: float, axis: Any) -> Any:
    """u = (x - m) / r with r = sqrt(v + eps), and (g - mean(g) - u mean(g u)) / r."""
    r = np.sqrt(x.var(axis, keepdims=True) + eps)
    u = (x - x.mean(axis, keepdims=True)) / r
    return u, (g - g.mean(axis, keepdims=True) - u * (g * u).mean(axis, keepdims=True)) / r


def by_batch_norm(g: Any, m: Any, x: Any) -> Any:
    u, dx = normed(x, g * m.weight, m.eps, 0)
    return {"x": dx, "weight": (g * u).sum(0), "bias": g.sum(0)}


def by_layer_norm(g: Any, m: Any, x: Any) -> Any:
    u, dx = normed(x, g * m.weight, m.eps, -1)
    return {"x": dx, "weight": (g * u).sum(0), "bias": g.sum(0)}


def by_group_norm(g: Any, m: Any, x: Any) -> Any:
    u, dx = normed(x.reshape(len(x), 2, 2), (g * m.weight).reshape(len(x), 2, 2), m.eps, -1)
    return {"x": dx.reshape(x.shape), "weight": (g * u.reshape(x.shape)).sum(0), "bias": g.sum(0)}


def by_rms_norm(g: Any, m: Any, x: Any) -> Any:
    r = np.sqrt((x * x).mean(-1, keepdims=True) + m.eps)
    u, h = x / r, g * m.weight
    return {"x": (h - u * (h * u).mean(-1, keepdims=True)) / r, "weight": (g * u).sum(0)}


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def by_rnn(g: Any, m: Any, x: Any) -> Any:
    """Back through time: k = (g + what comes from later) (1 - h'^2)."""
    w, u = m.weight_ih_l0, m.weight_hh_l0
    hs = [np.zeros((x.shape[1], 3))]
    for step in x:
        hs.append(np.tanh(step @ w.T + m.bias_ih_l0 + hs[-1] @ u.T + m.bias_hh_l0))
    later, dw, du, db, dx = 0.0, 0.0, 0.0, 0.0, np.zeros_like(x)
    for i in reversed(range(len(x))):
        k = (g[i] + later) * (1 - hs[i + 1] ** 2)
        dx[i], later = k @ w, k @ u
        dw, du, db = dw + k.T @ x[i], du + k.T @ hs[i], db + k.sum(0)
    return {"x": dx, "weight_ih_l0": dw, "weight_hh_l0": du, "bias_ih_l0": db, "bias_hh_l0": db}


def by_lstm(g: Any, m: Any, x: Any) -> Any:
    """dc = dh o (1 - tanh(c')^2) + what comes from later; then through the four gates."""
    w, u = m.weight_ih_l0, m.weight_hh_l0
    h = c = np.zeros((x.shape[1], 3))
    kept = []
    for step in x:
        i, f, n, o = np.split(step @ w.T + m.bias_ih_l0 + h @ u.T + m.bias_hh_l0, 4, -1)
        i, f, n, o = sigmoid(i), sigmoid(f), np.tanh(n), sigmoid(o)
        kept.append((i, f, n, o, h, c))
        c = f * c + i * n
        h = o * np.tanh(c)
        kept[-1] = (*kept[-1], np.tanh(c))
    dh, dc, dw, du, db, dx = 0.0, 0.0, 0.0, 0.0, 0.0, np.zeros_like(x)
    for t in reversed(range(len(x))):
        i, f, n, o, h, c, s = kept[t]
        dh = dh + g[t]
        dc = dc + dh * o * (1 - s * s)
        k = np.concatenate([dc * n * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - n * n),
                            dh * s * o * (1 - o)], -1)  # fmt: skip
        dx[t], dh, dc = k @ w, k @ u, dc * f
        dw, du, db = dw + k.T @ x[t], du + k.T @ h, db + k.sum(0)
    return {"x": dx, "weight_ih_l0": dw, "weight_hh_l0": du, "bias_ih_l0": db, "bias_hh_l0": db}


def by_gru(g: Any, m: Any, x: Any) -> Any:
    """h' = (1 - z) n + z h: through n, z, and r, which stands before U_n h + c_n."""
    w, u = m.weight_ih_l0, m.weight_hh_l0
    h = np.zeros((x.shape[1], 3))
    kept = []
    for step in x:
        ar, az, an = np.split(step @ w.T + m.bias_ih_l0, 3, -1)
        br, bz, bn = np.split(h @ u.T + m.bias_hh_l0, 3, -1)
        r, z = sigmoid(ar + br), sigmoid(az + bz)
        n = np.tanh(an + r * bn)
        kept.append((r, z, n, bn, h))
        h = (1 - z) * n + z * h
    dh, dw, du, da, db, dx = 0.0, 0.0, 0.0, 0.0, 0.0, np.zeros_like(x)
    for t in reversed(range(len(x))):
        r, z, n, bn, h = kept[t]
        dh = dh + g[t]
        kn = dh * (1 - z) * (1 - n * n)
        kz = dh * (h - n) * z * (1 - z)
        kr = kn * bn * r * (1 - r)
        k, j = np.concatenate([kr, kz, kn], -1), np.concatenate([kr, kz, kn * r], -1)
        dx[t], dh = k @ w, dh * z + j @ u
        dw, du, da, db = dw + k.T @ x[t], du + j.T @ h, da + k.sum(0), db + j.sum(0)
    return {"x": dx, "weight_ih_l0": dw, "weight_hh_l0": du, "bias_ih_l0": da, "bias_hh_l0": db}


class SelfAttention(nn.MultiheadAttention):
    """Attention of x to itself."""

    def forward(self, x: Any, *more: Any, **options: Any) -> Any:
        return super().forward(x, x, x)


def by_attention(g: Any, m: Any, x: Any) -> Any:
    """One head, no batch: the formulas of scaled_dot_product_attention between the matrices."""
    e = x.shape[-1]
    w, scale = m.in_proj_weight, 1 / np.sqrt(e)
    q, k, v = np.split(x @ w.T + m.in_proj_bias, 3, -1)
    z = q @ k.T * scale
    a = np.exp(z - z.max(-1, keepdims=True))
    a = a / a.sum(-1, keepdims=True)
    y = a @ v
    dy = g @ m.out_proj.weight
    s = dy @ v.T
    s = a * (s - (a * s).sum(-1, keepdims=True)) * scale
    d = np.concatenate([s @ k, s.T @ q, a.T @ dy], -1)
    return {"x": d @ w, "in_proj_weight": d.T @ x, "in_proj_bias": d.sum(0),
            "out_proj.weight": g.T @ y, "out_proj.bias": g.sum(0)}  # fmt: skip


def by_softmax(g: Any, m: Any, x: Any) -> Any:
    y = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    return {"x": y * (g - (g * y).sum(-1, keepdims=True))}


def by_log_softmax(g: Any, m: Any, x: Any) -> Any:
    y = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    return {"x": g - y * g.sum(-1, keepdims=True)}


def by_prelu(g: Any, m: Any, x: Any) -> Any:
    return {"x": g * np.where(x > 0, 1, m.weight), "weight": np.sum(g * x * (x <= 0))[None]}


def by_glu(g: Any, m: Any, x: Any) -> Any:
    a, b = np.split(x, 2, -1)
    s = sigmoid(b)
    return {"x": np.concatenate([g * s, g * a * s * (1 - s)], -1)}


Formula = Callable[[Any, Any, Any], dict[str, Any]]

LAYERS: list[tuple[nn.Module, Any, Formula]] = [
    (nn.Linear(4, 3), normal(5, 4), by_linear),
    (nn.Embedding(6, 3, padding_idx=2), np.array([[0, 2, 5], [5, 1, 2]]), by_embedding),
    (nn.Conv1d(2, 3, 2), normal(2, 2, 4), by_conv1d),
    (nn.Conv2d(2, 3, 2), normal(2, 2, 3, 4), by_conv2d),
    (nn.ConvTranspose2d(2, 3, 2), normal(2, 2, 3, 2), by_conv_transpose2d),
    (nn.MaxPool1d(2), normal(2, 3, 6), by_max_pool),
    (nn.AvgPool1d(2), normal(2, 3, 6), by_avg_pool),
    (nn.BatchNorm1d(3), normal(6, 3), by_batch_norm),
    (nn.LayerNorm(4), normal(5, 4), by_layer_norm),
    (nn.GroupNorm(2, 4), normal(5, 4), by_group_norm),
    (nn.RMSNorm(4, eps=1e-3), normal(5, 4), by_rms_norm),
    (nn.RNN(2, 3), normal(4, 2, 2), by_rnn),
    (nn.LSTM(2, 3), normal(4, 2, 2), by_lstm),
    (nn.GRU(2, 3), normal(4, 2, 2), by_gru),
    (SelfAttention(4, 1), normal(3, 4), by_attention),
    (nn.Softmax(), normal(3, 4), by_softmax),
    (nn.LogSoftmax(), normal(3, 4), by_log_softmax),
    (nn.PReLU(), normal(3, 4), by_prelu),
    (nn.GLU(), normal(3, 4), by_glu),
]


def name(x: Any) -> str:
    return type(x).__name__ if isinstance(x, nn.Module) else ""


def first(result: Any) -> Any:
    """A layer's main result: recurrent layers and attention return more."""
    return result[0] if isinstance(result, tuple) else result


@pytest.mark.parametrize(("layer", "x", "formula"), LAYERS, ids=name)
def test_the_backward_pass_is_the_one_on_paper(layer: Any, x: Any, formula: Formula) -> None:
    model = map_tree(lambda w: RNG.normal(size=w.shape), layer.double())
    w = normal(*np.shape(first(model(x))))
    expected = formula(w, model, x)

    def total(model: Any, x: Any) -> Any:
        return np.sum(first(model(x)) * w)

    found = tg.grad(total)(model, x)
    for key, value in found.named_parameters():
        np.testing.assert_allclose(value, expected.pop(key), rtol=1e-10, atol=1e-12)
    if x.dtype.kind == "f":
        by_x = tg.grad(total, argnums=1)(model, x)
        np.testing.assert_allclose(by_x, expected.pop("x"), rtol=1e-10, atol=1e-12)
    assert not expected


ACTIVATIONS: list[tuple[nn.Module, Callable[[Any], Any]]] = [
    (nn.ReLU(), lambda x: x > 0),
    (nn.ReLU6(), lambda x: (x > 0) & (x < 6)),
    (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, 1, 0.2)),
    (nn.ELU(1.5), lambda x: np.where(x > 0, 1, 1.5 * np.exp(x))),
    (nn.CELU(1.5), lambda x: np.where(x > 0, 1, np.exp(x / 1.5))),
    (nn.SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, 1, 1.6732632423543772 * np.exp(x))),
    (nn.SiLU(), lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x)))),
    (nn.Mish(), lambda x: (t := np.tanh(np.log1p(np.exp(x)))) + x * (1 - t * t) * sigmoid(x)),
    (nn.Sigmoid(), lambda x: sigmoid(x) * (1 - sigmoid(x))),
    (nn.LogSigmoid(), lambda x: sigmoid(-x)),
    (nn.Tanh(), lambda x: 1 - np.tanh(x) ** 2),
    (nn.Softplus(2.0), lambda x: sigmoid(2 * x)),
    (nn.Softsign(), lambda x: 1 / (1 + abs(x)) ** 2),
    (nn.Hardtanh(), lambda x: abs(x) < 1),
    (nn.Hardshrink(), lambda x: abs(x) > 0.5),
    (nn.Softshrink(), lambda x: abs(x) > 0.5),
    (nn.Tanhshrink(), lambda x: np.tanh(x) ** 2),
    (nn.Threshold(0.3, 2.0), lambda x: x > 0.3),
    (nn.Hardsigmoid(), lambda x: (abs(x) < 3) / 6),
    (nn.Hardswish(), lambda x: np.where(x > 3, 1, (abs(x) < 3) * (2 * x + 3) / 6)),
    (nn.GELU("tanh"), lambda x: (
        (u := np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) * 0 + (1 + np.tanh(u)) / 2
        + x / 2 * (1 - np.tanh(u) ** 2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x * x))),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "slope"), ACTIVATIONS, ids=name)
def test_activations_have_the_slope_on_paper(layer: Any, slope: Callable[[Any], Any]) -> None:
    x = np.linspace(-7.3, 7.1, 25)
    found = tg.grad(lambda x: np.sum(layer(x)))(x)
    np.testing.assert_allclose(found, slope(x), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("layer", "x"), [(layer, x) for layer, x, _ in LAYERS if x.dtype.kind == "f"], ids=name
)
def test_a_numerical_witness_agrees(layer: Any, x: Any) -> None:
    model = map_tree(lambda w: RNG.normal(size=w.shape), layer.double())
    tgt.assert_gradients(lambda x: np.sum(np.sin(first(model(x)))), x)


N = 6.0  # entries of the losses below
Z, T, LABELS = normal(2, 3), RNG.uniform(0.1, 0.9, (2, 3)), np.array([0, 2])
ONE_HOT = np.eye(3)[LABELS]
P = np.array([1.0, 2.0, 0.5])

LOSSES: list[tuple[nn.Module, Any, Any, Callable[[Any], Any]]] = [
    (nn.CrossEntropyLoss(), Z, LABELS, lambda z: (tg.softmax(z) - ONE_HOT) / 2),
    (nn.NLLLoss(), -np.abs(Z), LABELS, lambda z: -ONE_HOT / 2),
    (nn.MSELoss(), Z, T, lambda y: 2 * (y - T) / N),
    (nn.L1Loss(), Z, T, lambda y: np.sign(y - T) / N),
    (nn.HuberLoss(delta=0.5), Z, T, lambda y: np.clip(y - T, -0.5, 0.5) / N),
    (nn.SmoothL1Loss(beta=0.5), Z, T, lambda y: np.clip((y - T) / 0.5, -1, 1) / N),
    (nn.BCELoss(), T, T[::-1], lambda y: (-T[::-1] / y + (1 - T[::-1]) / (1 - y)) / N),
    (nn.BCEWithLogitsLoss(), Z, T, lambda z: (sigmoid(z) - T) / N),
    (nn.BCEWithLogitsLoss(pos_weight=P), Z, T,
     lambda z: ((1 - T) * sigmoid(z) - P * T * (1 - sigmoid(z))) / N),
    (nn.KLDivLoss(), np.log(T), T, lambda y: -T / N),
    (nn.KLDivLoss("batchmean"), np.log(T), T, lambda y: -T / 2),
]  # fmt: skip


@pytest.mark.parametrize(("loss", "y", "t", "formula"), LOSSES, ids=name)
def test_losses_have_the_gradient_on_paper(loss: Any, y: Any, t: Any, formula: Any) -> None:
    found = tg.grad(lambda y: loss(y, t))(y)
    np.testing.assert_allclose(found, formula(y), rtol=1e-10, atol=1e-12)


def test_a_batch_in_which_all_is_ignored_costs_nothing() -> None:
    value, g = tg.value_and_grad(nn.CrossEntropyLoss())(Z, np.array([-100, -100]))
    assert value == 0
    assert not g.any()


@pytest.mark.parametrize(("layer", "x"), [(layer, x) for layer, x, _ in LAYERS], ids=name)
def test_compiled_layers_are_the_eager_ones(layer: Any, x: Any) -> None:
    model = map_tree(lambda w: RNG.normal(size=w.shape), layer.double())

    def total(model: Any, x: Any) -> Any:
        return np.sum(np.sin(first(model(x))))

    value, g = tg.value_and_grad(total)(model, x)
    fast, h = tg.compile(tg.value_and_grad(total))(model, x)
    assert np.isclose(value, fast, rtol=1e-12)
    for a, b in zip(g.parameters(), h.parameters(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("layer", "_"), ACTIVATIONS, ids=name)
def test_compiled_activations_are_the_eager_ones(layer: Any, _: Any) -> None:
    x = np.linspace(-7.3, 7.1, 25)
    slope = tg.grad(lambda x: np.sum(layer(x)))
    np.testing.assert_allclose(tg.compile(slope)(x), slope(x), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("loss", "y", "t", "_"), LOSSES, ids=name)
def test_compiled_losses_are_the_eager_ones(loss: Any, y: Any, t: Any, _: Any) -> None:
    f = tg.value_and_grad(lambda y, t: loss(y, t))
    for a, b in zip(tg.compile(f)(y, t), f(y, t), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
