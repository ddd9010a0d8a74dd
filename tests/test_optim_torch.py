"""The optimizers against PyTorch's, where it is installed."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce import optim

torch = pytest.importorskip("torch")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.01, "maximize": True}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.2, "amsgrad": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.01, "weight_decay": 0.1,
                 "initial_accumulator_value": 0.5}),
]  # fmt: skip
SHAPES = [(3, 4), (), (5,), (150, 150)]
STEPS = 100


def gradient(p: Any, target: Any) -> Any:
    """Of a loss that is no parabola."""
    return np.tanh(p - target)


def starts(dtype: Any) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    return (
        [rng.normal(size=s).astype(dtype) for s in SHAPES],
        [rng.normal(size=s).astype(dtype) for s in SHAPES],
    )


def by_torch(name: str, options: dict[str, Any], dtype: Any) -> list[Any]:
    first, targets = starts(dtype)
    ps = [torch.tensor(p, requires_grad=True) for p in first]
    optimizer = getattr(torch.optim, name)(ps, **options)
    for _ in range(STEPS):
        for p, t in zip(ps, targets, strict=True):
            p.grad = torch.tensor(gradient(p.detach().numpy(), t))
        optimizer.step()
    return [p.detach().numpy() for p in ps]


def by_class(name: str, options: dict[str, Any], dtype: Any) -> list[Any]:
    first, targets = starts(dtype)
    ps = [tg.tensor(p, requires_grad=True) for p in first]
    optimizer = getattr(optim, name)(ps, **options)
    for _ in range(STEPS):
        for p, t in zip(ps, targets, strict=True):
            p.grad = gradient(p.data, t)
        optimizer.step()
    return [p.data for p in ps]


def by_rule(name: str, options: dict[str, Any], dtype: Any) -> list[Any]:
    ps, targets = starts(dtype)
    rule = getattr(optim, name.lower())(**options)
    state = rule.init(ps)
    for _ in range(STEPS):
        ps, state = rule.update([gradient(p, t) for p, t in zip(ps, targets)], state, ps)
    return ps


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
@pytest.mark.parametrize(("dtype", "near"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_hundred_steps_are_torchs(
    name: str, options: dict[str, Any], dtype: Any, near: float
) -> None:
    for p, q in zip(by_class(name, options, dtype), by_torch(name, options, dtype), strict=True):
        np.testing.assert_allclose(p, q, rtol=near, atol=near)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_class_and_function_give_the_same_bits(name: str, options: dict[str, Any]) -> None:
    pairs = zip(by_class(name, options, np.float32), by_rule(name, options, np.float32))
    for p, q in pairs:
        np.testing.assert_array_equal(p, q)
