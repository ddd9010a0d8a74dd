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


# Schedules, clipping, states.

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 9], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    ("LinearLR", {"start_factor": 0.1, "total_iters": 7}),
    ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 1 / (1 + epoch)}),
]


def pair() -> tuple[Any, Any]:
    """An optimizer of ours and of theirs, with two groups."""
    p, q = tg.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1.0, 2.0], requires_grad=True)
    ours = optim.SGD([{"params": [p]}, {"params": [tg.tensor(1.0)], "lr": 0.5}], lr=0.1)
    theirs = torch.optim.SGD([{"params": [q]}, {"params": [torch.tensor(1.0)], "lr": 0.5}], lr=0.1)
    return ours, theirs


def rates(scheduler: Any, optimizer: Any, epochs: int = 20) -> list[list[float]]:
    found = []
    for _ in range(epochs):
        found.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return found


@pytest.mark.parametrize(("name", "kwargs"), SCHEDULES, ids=lambda x: x if type(x) is str else "")
def test_schedules_are_torchs(name: str, kwargs: dict[str, Any]) -> None:
    ours, theirs = pair()
    a = getattr(optim.lr_scheduler, name)(ours, **kwargs)
    b = getattr(torch.optim.lr_scheduler, name)(theirs, **kwargs)
    np.testing.assert_allclose(rates(a, ours), rates(b, theirs), rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_warm_up_and_cosine_in_a_row_are_torchs() -> None:
    found = []
    for library, optimizer in zip((optim, torch.optim), pair(), strict=True):
        schedules = library.lr_scheduler
        warm = schedules.LinearLR(optimizer, start_factor=0.1, total_iters=5)
        cosine = schedules.CosineAnnealingLR(optimizer, T_max=15)
        both = schedules.SequentialLR(optimizer, [warm, cosine], milestones=[5])
        found.append(rates(both, optimizer))
    np.testing.assert_allclose(*found, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kwargs", [
    {"patience": 2}, {"mode": "max", "patience": 0, "cooldown": 2, "factor": 0.5},
    {"threshold_mode": "abs", "threshold": 0.3, "patience": 1, "min_lr": 0.02},
], ids=str)  # fmt: skip
def test_plateaus_are_torchs(kwargs: dict[str, Any]) -> None:
    found: list[list[Any]] = [[], []]
    for library, optimizer, kept in zip((optim, torch.optim), pair(), found, strict=True):
        scheduler = library.lr_scheduler.ReduceLROnPlateau(optimizer, **kwargs)
        for measure in np.abs(np.sin(np.arange(30.0))) + 1:
            scheduler.step(measure)
            kept.append([group["lr"] for group in optimizer.param_groups])
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf")])
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_is_torchs(norm_type: float, max_norm: float) -> None:
    gradients = [np.array([[3.0, -4.0]]), np.array([1.0])]
    ps = [tg.tensor(g, requires_grad=True) for g in gradients]
    qs = [torch.tensor(g, requires_grad=True) for g in gradients]
    for p, q, g in zip(ps, qs, gradients, strict=True):
        p.grad, q.grad = g.copy(), torch.tensor(g)
    a = tg.nn.utils.clip_grad_norm_(ps, max_norm, norm_type)
    b = torch.nn.utils.clip_grad_norm_(qs, max_norm, norm_type)
    assert np.isclose(a, b.item(), rtol=1e-12)
    for p, q in zip(ps, qs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_state_of_torch_goes_on_here(name: str, options: dict[str, Any]) -> None:
    first, targets = starts(np.float64)
    qs = [torch.tensor(p, requires_grad=True) for p in first]
    theirs = getattr(torch.optim, name)(qs, **options)

    def their_step() -> None:
        for q, t in zip(qs, targets, strict=True):
            q.grad = torch.tensor(gradient(q.detach().numpy(), t))
        theirs.step()

    for _ in range(3):
        their_step()
    ps = [tg.tensor(q.detach().numpy(), requires_grad=True) for q in qs]
    ours = getattr(optim, name)(ps)
    ours.load_state_dict(theirs.state_dict())
    for _ in range(3):
        their_step()
        for p, t in zip(ps, targets, strict=True):
            p.grad = gradient(p.data, t)
        ours.step()
    for p, q in zip(ps, qs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=1e-12, atol=1e-12)
