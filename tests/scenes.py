"""Graphs of every kind that a picture may be asked of, small enough to be looked through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import nn

Made = dict[str, Any]  # the user's variables; the result is "loss"


def network() -> Made:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(4, 3)), np.eye(2)[[0, 1, 1, 0]]
    W1, b1 = tg.tensor(rng.normal(size=(3, 5)), True), tg.tensor(np.zeros(5), True)  # noqa: N806
    W2, b2 = tg.tensor(rng.normal(size=(5, 2)), True), tg.tensor(np.zeros(2), True)  # noqa: N806
    h = tg.relu(x @ W1 + b1)
    z = h @ W2 + b2
    y = tg.softmax(z)
    loss = -np.sum(t * np.log(y)) / 4
    return locals()


def shared() -> Made:
    p, q = tg.tensor(0.5, True), tg.tensor(-2.0, True)
    r = p * q
    u = np.exp(r) + r * r
    loss = np.log(u) / p**3
    return locals()


def single() -> Made:
    x = tg.tensor([1.0, 2.0, 3.0], True, dtype=np.float32)
    w = tg.tensor([0.5, 0.25, 0.125], True, dtype=np.float32)
    loss = np.sum(np.tanh(x * w) * x)
    return locals()


def empty() -> Made:
    x = tg.tensor(np.zeros((0, 3)), True)
    loss = np.sum(np.exp(x) * 2.0)
    return locals()


def large() -> Made:
    x = tg.tensor(np.linspace(-1, 1, 10_000).reshape(100, 100), True)
    loss = np.mean(np.sin(x) ** 2)
    return locals()


def integers() -> Made:
    table = tg.tensor(np.arange(12.0).reshape(4, 3), True)
    rows = np.array([0, 2, 2])
    weights = np.array([1, 2, 3])
    loss = np.sum(table[rows] * weights[:, None])
    return locals()


def second_order() -> Made:
    x = tg.tensor(0.7, True)
    slope = tg.grad(lambda v: np.sin(v) * v)(x)
    loss = slope * slope
    return locals()


def chosen() -> Made:
    a, b = tg.tensor([1.0, -2.0, 3.0], True), tg.tensor([0.5, 0.25, 4.0], True)
    c = np.where(a > 0, a, b)
    loss = np.sum(np.concatenate([c, a, c]) * np.maximum(np.stack([a] * 3).ravel(), 1.0))
    return locals()


def several() -> Made:
    A = tg.tensor([[2.0, 1.0], [0.5, 3.0]], True)  # noqa: N806
    u, s, vh = np.linalg.svd(A)
    loss = np.sum(s) + u[0, 0] ** 2
    return locals()


def waves() -> Made:
    x = tg.tensor([1.0, 0.5, -1.0, 2.0], True)
    loss = np.sum(np.abs(np.fft.fft(x)) ** 2)
    return locals()


def infinite() -> Made:
    x = tg.tensor([0.0, 1.0, 1000.0], True)
    with np.errstate(all="ignore"):
        loss = np.sum(np.exp(x) * np.sqrt(x))
    return locals()


SCENES: dict[str, Callable[[], Made]] = {
    f.__name__: f
    for f in (network, shared, single, empty, large, integers, second_order, chosen, several,
              waves, infinite)
}  # fmt: skip


def recurrent(steps: int = 60) -> Any:
    rng = np.random.default_rng(0)
    W, U = (tg.tensor(rng.normal(size=(4, 4)) / 3, True) for _ in range(2))  # noqa: N806
    h: Any = np.zeros((2, 4))
    for x in rng.normal(size=(steps, 2, 4)):
        h = np.tanh(x @ U + h @ W)
    return np.mean(h**2)


# --- graphs of every kind, for whoever only asks whether all of them are taken -------------------


def _variable(x: Any, dtype: Any = None) -> Any:
    return tg.tensor(x, True, dtype=dtype)


def fused() -> Any:
    y = tg.softmax(_variable([[1.0, 2.0, 3.0]]))
    return tg.cross_entropy(y, [0]) + np.sum(y * y)


def fused_logarithm() -> Any:
    y = tg.softmax(_variable([1.0, 2.0, 3.0]))
    a = np.log(y)
    return np.sum(a * np.arange(3.0)) + np.sum(y * y) + a[0]


def fused_sigmoid() -> Any:
    y = tg.sigmoid(_variable([1.0, 2.0, 3.0]))
    return tg.binary_cross_entropy(y, np.array([0.0, 1.0, 0.0])) + np.sum(y**2)


def checkpointed() -> Any:
    w = _variable(np.arange(9.0).reshape(3, 3) / 9)
    return np.sum(tg.checkpoint(lambda a: np.tanh(a @ w))(_variable(np.ones((2, 3)))))


def own() -> Any:
    cube = tg.primitive(rules=lambda g, y, x: g * 3 * x**2)(lambda x: x * x * x)
    return np.sum(cube(_variable([1.0, 2.0])))


def classifier(*layers: Any, shape: tuple[int, ...] = (8, 10)) -> Any:
    tg.manual_seed(0)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    z = nn.Sequential(*(layer() for layer in layers))(x)
    return nn.CrossEntropyLoss()(z, np.arange(len(z)) % z.shape[1])


def memory(kind: Any) -> Any:
    tg.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    return np.mean(kind(3, 4, batch_first=True)(x)[0] ** 2)


def attention() -> Any:
    tg.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    mask = np.triu(np.ones((4, 4), bool), 1)
    x = nn.Embedding(5, 8)(np.array([[0, 1, 2, 3], [4, 0, 0, 1]]))
    return nn.CrossEntropyLoss()(layer(x, mask).reshape(-1, 8), np.arange(8))


GRAPHS: dict[str, Callable[[], Any]] = {
    **{name: (lambda make=make: make()["loss"]) for name, make in SCENES.items()},  # type: ignore[misc]
    **{f.__name__: f
       for f in (fused, fused_logarithm, fused_sigmoid, checkpointed, own, attention)},
    "no entries": lambda: np.sum(_variable(np.zeros((0, 3))) ** 2),
    "many entries": lambda: np.sum(_variable(np.ones((100, 100))) * 2),
    "float32": lambda: np.sum(_variable(np.ones(3), np.float32) * np.arange(3)),
    "float16": lambda: (lambda x: np.sum(x * x + np.sin(x)))(_variable(np.ones(3), np.float16)),
    "complex": lambda: np.abs(_variable(1.0 + 2.0j)),
    "complex entries": lambda: (
        lambda z, x: np.sum(np.abs(z * np.exp(x)))
    )(_variable(np.array([1 + 1j, 2 - 1j])), _variable([0.1, 0.2])),
    "qr": lambda: np.sum(np.linalg.qr(_variable(np.eye(3)))[1]),
    "eigh": lambda: (lambda w, v: np.sum(w**2) + v[0, 0])(
        *np.linalg.eigh(_variable(np.diag([1.0, 2.0, 4.0])))
    ),
    "svd": lambda: sum(np.sum(x) for x in np.linalg.svd(_variable([[2.0, 1.0], [0.5, 3.0]]))),
    "no scalar": lambda: _variable(np.ones(3)) * 2,
    "a leaf": lambda: _variable(2.0),
    "one step": lambda: _variable(2.0) * 1.0,
    "einsum": lambda: (lambda a: np.einsum("ij,jk,ki->", a, a, a))(_variable(np.eye(2) + 0.5)),
    "einsum of three": lambda: np.einsum(
        "i,ij,j->", _variable(np.ones(2)), _variable(np.eye(2)), np.ones(2)
    ),
    "gradient": lambda: tg.grad(lambda x: np.sum(x**3))(_variable(np.ones(2))) @ np.ones(2),
    "concatenated": lambda: np.sum(np.concatenate([_variable(np.ones(2)), _variable(np.ones(3))])),
    "the same twice": lambda: (
        lambda x: np.sum(np.concatenate([x, x, x * 2]) * np.arange(6.0))
    )(_variable([1.0, 2.0])),
    "broadcast": lambda: (lambda a, b: np.sum(a * b + b))(
        _variable(np.ones((3, 1))), _variable(np.arange(4.0))
    ),
    "logits": lambda: tg.softmax_cross_entropy(_variable(np.zeros((4, 3))), [0, 1, 2, 0]),
    "batch norm": lambda: classifier(
        lambda: nn.Linear(10, 6), lambda: nn.BatchNorm1d(6), nn.ReLU, lambda: nn.Dropout(0.2),
        lambda: nn.Linear(6, 3),
    ),
    "convolution": lambda: classifier(
        lambda: nn.Conv2d(1, 2, 3), nn.ReLU, lambda: nn.MaxPool2d(2), nn.Flatten,
        lambda: nn.Linear(18, 3), shape=(4, 1, 8, 8),
    ),
    "RNN": lambda: memory(nn.RNN),
    "LSTM": lambda: memory(nn.LSTM),
    "GRU": lambda: memory(nn.GRU),
}  # fmt: skip
