"""Graphs of every kind that a picture may be asked of, small enough to be looked through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ce as tg

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
