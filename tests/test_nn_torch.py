"""Layers and losses against PyTorch's, with its weights, where it is installed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce import nn
from tinygrad_ce.trees import leaves

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides", "ignore:dropout option")

RNG = np.random.default_rng(5)


def short(x: Any) -> str:
    """The name of a case in the report."""
    if isinstance(x, np.ndarray):
        return "x".join(map(str, x.shape))
    if isinstance(x, list | tuple):
        return ",".join(map(short, x))
    return ",".join(f"{k}={short(v)}" for k, v in x.items()) if isinstance(x, dict) else str(x)


PRECISIONS = [(np.float64, 1e-12), (np.float32, 1e-6)]
precise = pytest.mark.parametrize(("dtype", "near"), PRECISIONS, ids=["float64", "float32"])


def normal(*shape: int) -> Any:
    return RNG.normal(size=shape)


def causal(n: int) -> Any:
    return np.triu(np.ones((n, n), bool), k=1)


Case = tuple[str, tuple[Any, ...], dict[str, Any], list[Any]]

# The name of a layer, the arguments that build it, and what it is called with.
LAYERS: list[Case] = [
    ("Linear", (4, 3), {}, [normal(5, 4)]),
    ("Linear", (4, 3), {"bias": False}, [normal(2, 5, 4)]),
    ("Linear", (4, 3), {}, [normal(4)]),
    ("Embedding", (7, 3), {}, [RNG.integers(0, 7, (4, 5))]),
    ("Embedding", (7, 3), {"padding_idx": 2}, [RNG.integers(0, 7, (4, 5))]),
    ("Flatten", (), {}, [normal(2, 3, 4)]),
    ("Flatten", (0, 1), {}, [normal(2, 3, 4)]),
    ("Identity", (), {}, [normal(2)]),
    ("Conv1d", (2, 4, 3), {}, [normal(3, 2, 8)]),
    ("Conv1d", (2, 4, 3), {"stride": 2, "padding": 1}, [normal(2, 8)]),
    ("Conv2d", (2, 4, 3), {}, [normal(3, 2, 6, 7)]),
    ("Conv2d", (2, 4, (3, 2)), {"stride": (2, 1), "padding": 1, "dilation": (1, 2), "groups": 2},
     [normal(3, 2, 6, 7)]),
    ("Conv2d", (2, 4, 3), {"padding": "same", "bias": False}, [normal(2, 6, 7)]),
    ("Conv2d", (2, 4, 3), {"padding": (1, 2), "padding_mode": "reflect"}, [normal(3, 2, 6, 7)]),
    ("Conv2d", (2, 4, 3), {"padding": 1, "padding_mode": "replicate"}, [normal(3, 2, 6, 7)]),
    ("Conv2d", (2, 4, 3), {"padding": "same", "padding_mode": "circular"}, [normal(3, 2, 6, 7)]),
    ("ConvTranspose2d", (4, 2, 3), {}, [normal(3, 4, 5, 4)]),
    ("ConvTranspose2d", (4, 2, 3), {"stride": 2, "padding": 1, "output_padding": 1, "groups": 2,
     "dilation": 2}, [normal(3, 4, 5, 4)]),
    ("MaxPool1d", (2,), {}, [normal(3, 4, 7)]),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, [normal(3, 4, 7, 6)]),
    ("MaxPool2d", (2,), {}, [normal(4, 7, 6)]),
    ("AvgPool1d", (2,), {}, [normal(3, 4, 7)]),
    ("AvgPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False},
     [normal(3, 4, 7, 6)]),
    ("BatchNorm1d", (4,), {}, [normal(6, 4)]),
    ("BatchNorm1d", (4,), {"momentum": None, "affine": False}, [normal(6, 4, 3)]),
    ("BatchNorm2d", (4,), {"eps": 1e-3, "momentum": 0.3}, [normal(6, 4, 3, 2)]),
    ("BatchNorm2d", (4,), {"track_running_stats": False}, [normal(6, 4, 3, 2)]),
    ("LayerNorm", (4,), {}, [normal(6, 4)]),
    ("LayerNorm", ((3, 4),), {"bias": False}, [normal(6, 3, 4)]),
    ("GroupNorm", (2, 4), {}, [normal(6, 4, 3)]),
    ("RMSNorm", (4,), {}, [normal(6, 4)]),
    ("RMSNorm", ((3, 4),), {"eps": 1e-3}, [normal(6, 3, 4)]),
    ("RNN", (3, 4), {}, [normal(6, 2, 3)]),
    ("RNN", (3, 4), {"num_layers": 2, "nonlinearity": "relu", "bidirectional": True,
     "batch_first": True}, [normal(2, 6, 3), normal(4, 2, 4)]),
    ("LSTM", (3, 4), {}, [normal(6, 2, 3)]),
    ("LSTM", (3, 4), {"num_layers": 2, "bidirectional": True, "bias": False},
     [normal(6, 2, 3), (normal(4, 2, 4), normal(4, 2, 4))]),
    ("LSTM", (3, 4), {}, [normal(6, 3)]),
    ("GRU", (3, 4), {}, [normal(6, 2, 3)]),
    ("GRU", (3, 4), {"num_layers": 2, "batch_first": True, "bidirectional": True},
     [normal(2, 6, 3)]),
    ("MultiheadAttention", (8, 2), {}, [normal(5, 3, 8), normal(4, 3, 8), normal(4, 3, 8)]),
    ("MultiheadAttention", (8, 2), {"batch_first": True, "bias": False}, [normal(3, 5, 8)] * 3),
    ("MultiheadAttention", (8, 4), {}, [normal(5, 8)] * 3),
    ("TransformerEncoderLayer", (8, 2, 16), {"dropout": 0.0}, [normal(5, 3, 8), causal(5)]),
    ("TransformerEncoderLayer", (8, 2, 16), {"dropout": 0.0, "norm_first": True,
     "batch_first": True, "activation": "gelu"}, [normal(3, 5, 8)]),
    *(
        (name, arguments, {}, [np.concatenate([normal(4, 6), [[-25.0, 25, 5, -5, 0.1, -0.1]]])])
        for name, arguments in [
            ("ReLU", ()), ("ReLU6", ()), ("LeakyReLU", (0.2,)), ("PReLU", ()), ("PReLU", (6,)),
            ("ELU", (1.5,)), ("CELU", (1.5,)), ("SELU", ()), ("GELU", ()), ("GELU", ("tanh",)),
            ("SiLU", ()), ("Mish", ()), ("Sigmoid", ()), ("LogSigmoid", ()), ("Tanh", ()),
            ("Softplus", (2.0, 10.0)), ("Softsign", ()), ("Hardtanh", ()), ("Hardsigmoid", ()),
            ("Hardswish", ()), ("GLU", ()), ("Softmax", (1,)), ("LogSoftmax", (0,)),
            ("Hardshrink", ()), ("Softshrink", ()), ("Tanhshrink", ()), ("Threshold", (0.3, 2.0)),
            ("Softmin", (1,)),
        ]
    ),
]  # fmt: skip


def built(name: str, args: Any, kwargs: dict[str, Any], dtype: Any) -> tuple[Any, Any]:
    """Our layer and theirs, with the same weights, drawn by them."""
    if name == "GELU" and args:
        args, kwargs = (), {"approximate": args[0]}
    torch.manual_seed(0)
    theirs = getattr(torch.nn, name)(*args, **kwargs).to(getattr(torch, np.dtype(dtype).name))
    ours = getattr(nn, name)(*args, **kwargs).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def placed(x: Any, dtype: Any, make: Callable[[Any], Any]) -> Any:
    if isinstance(x, tuple):
        return tuple(placed(part, dtype, make) for part in x)
    return make(x.astype(dtype) if x.dtype.kind == "f" else x)


def of_torch(x: Any) -> Any:
    return torch.tensor(x, requires_grad=x.dtype.kind == "f")


def of_ours(x: Any) -> Any:
    return tg.tensor(x, requires_grad=True) if x.dtype.kind == "f" else x


def compare(ours: Any, theirs: Any, inputs: list[Any], dtype: Any, near: float) -> None:
    """Results, and the gradients of a weighted sum of them by parameters and inputs."""
    xs, zs = placed(tuple(inputs), dtype, of_ours), placed(tuple(inputs), dtype, of_torch)
    ys, us = leaves(ours(*xs)), leaves(theirs(*zs))
    assert len(ys) == len(us)
    total, sums = 0.0, 0.0
    for y, u in zip(ys, us, strict=True):
        np.testing.assert_allclose(y.numpy(), u.detach().numpy(), rtol=near, atol=near)
        assert y.dtype == dtype
        w = np.cos(np.arange(y.size)).reshape(y.shape).astype(dtype)
        total, sums = total + (y * w).sum(), sums + (u * torch.tensor(w)).sum()
    total.backward()
    sums.backward()
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    pairs += [(x, z) for x, z in zip(leaves(xs), leaves(zs)) if hasattr(x, "grad")]
    for p, q in pairs:
        if q.grad is not None:
            size = max(1.0, float(np.abs(q.grad.numpy()).max(initial=0)))
            np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=near, atol=near * size)


@precise
@pytest.mark.parametrize(("name", "args", "kwargs", "inputs"), LAYERS, ids=short)
def test_layers_are_torchs(
    name: str, args: Any, kwargs: Any, inputs: Any, dtype: Any, near: float
) -> None:
    if name == "Hardsigmoid":  # theirs multiplies the gradient with a 1/6 of float32, always
        near = 1e-6
    compare(*built(name, args, kwargs, dtype), inputs, dtype, near)


@precise
@pytest.mark.parametrize("case", [c for c in LAYERS if c[0].startswith("Batch")], ids=short)
def test_batch_norm_keeps_torchs_statistics(case: Case, dtype: Any, near: float) -> None:
    name, args, kwargs, (x,) = case
    ours, theirs = built(name, args, kwargs, dtype)
    for scale in (1.0, 3.0):
        ours((scale * x).astype(dtype))
        theirs(torch.tensor((scale * x).astype(dtype)))
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=near, atol=near)
    compare(ours.eval(), theirs.eval(), [x], dtype, near)


@pytest.mark.parametrize(("name", "args", "kwargs", "inputs"), LAYERS, ids=short)
def test_state_goes_to_torch(name: str, args: Any, kwargs: Any, inputs: Any) -> None:
    ours, theirs = built(name, args, kwargs, np.float32)
    state = {key: torch.tensor(value) for key, value in ours.state_dict().items()}
    assert theirs.load_state_dict(state).missing_keys == []


Z, LOGS = normal(6, 4), np.log(np.full((6, 4), 0.25) + 0.1 * RNG.dirichlet(np.ones(4), 6))
T, SOFT = RNG.integers(0, 4, 6), RNG.dirichlet(np.ones(4), 6)
IGNORED = np.where(np.arange(6) < 2, -100, T)
WEIGHT = np.array([0.5, 1.0, 2.0, 0.1])
UNIT = RNG.uniform(0.05, 0.95, (6, 4))

LOSSES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("CrossEntropyLoss", {}, Z, T),
    ("CrossEntropyLoss", {"weight": WEIGHT}, Z, IGNORED),
    ("CrossEntropyLoss", {"label_smoothing": 0.1, "weight": WEIGHT}, Z, IGNORED),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, Z, SOFT),
    ("CrossEntropyLoss", {"weight": WEIGHT}, Z, SOFT),
    ("CrossEntropyLoss", {}, normal(3, 4, 5), RNG.integers(0, 4, (3, 5))),
    ("CrossEntropyLoss", {}, Z[0], T[0]),
    ("NLLLoss", {}, LOGS - 0.5, T),
    ("NLLLoss", {"weight": WEIGHT, "ignore_index": 1}, LOGS - 0.5, T),
    ("MSELoss", {}, Z, UNIT),
    ("L1Loss", {}, Z, UNIT),
    ("HuberLoss", {"delta": 0.7}, Z, UNIT),
    ("SmoothL1Loss", {"beta": 0.7}, Z, UNIT),
    ("SmoothL1Loss", {"beta": 0.0}, Z, UNIT),
    ("BCELoss", {}, UNIT, UNIT[::-1].copy()),
    ("BCELoss", {"weight": WEIGHT}, UNIT, UNIT[::-1].copy()),
    ("BCEWithLogitsLoss", {}, Z, UNIT),
    ("BCEWithLogitsLoss", {"pos_weight": WEIGHT, "weight": WEIGHT}, 30 * Z, UNIT),
    ("KLDivLoss", {}, LOGS, SOFT),
    ("KLDivLoss", {"log_target": True}, LOGS, np.log(SOFT)),
]  # fmt: skip


@precise
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "kwargs", "y", "t"), LOSSES, ids=short)
def test_losses_are_torchs(
    name: str, kwargs: Any, y: Any, t: Any, reduction: str, dtype: Any, near: float
) -> None:
    weights = {k: v.astype(dtype) for k, v in kwargs.items() if hasattr(v, "astype")}
    plain = {k: v for k, v in kwargs.items() if k not in weights}
    ours = getattr(nn, name)(reduction=reduction, **plain, **weights)
    theirs = getattr(torch.nn, name)(
        reduction=reduction, **plain, **{k: torch.tensor(v) for k, v in weights.items()}
    )
    t = t.astype(dtype) if t.dtype.kind == "f" else t
    x, z = of_ours(y.astype(dtype)), of_torch(y.astype(dtype))
    loss, other = ours(x, t), theirs(z, torch.tensor(t))
    size = max(1.0, float(other.detach().abs().max()))
    np.testing.assert_allclose(loss.numpy(), other.detach().numpy(), rtol=near, atol=near * size)
    w = np.cos(np.arange(loss.size)).reshape(loss.shape).astype(dtype)
    (loss * w).sum().backward()
    (other * torch.tensor(w)).sum().backward()
    np.testing.assert_allclose(x.grad, z.grad.numpy(), rtol=near, atol=near * 10)


def test_batchmean_is_torchs() -> None:
    other = torch.nn.KLDivLoss(reduction="batchmean")(torch.tensor(LOGS), torch.tensor(SOFT))
    assert np.isclose(nn.KLDivLoss("batchmean")(LOGS, SOFT), other.item(), rtol=1e-12)


@pytest.mark.parametrize("given", ["mask", "numbers", "per head", "padding", "both"])
def test_masks_of_attention_are_torchs(given: str) -> None:
    ours, theirs = built("MultiheadAttention", (8, 2), {"batch_first": True}, np.float64)
    padding = np.array([[False, False, False, True], [False, True, False, False]])
    mask = causal(4)
    masks: dict[str, Any] = {
        "mask": {"attn_mask": mask},
        "numbers": {"attn_mask": np.where(mask, -3.0, 0.5)},
        "per head": {"attn_mask": np.stack([mask, mask, mask.T, np.zeros_like(mask)])},
        "padding": {"key_padding_mask": padding},
        "both": {"attn_mask": mask, "key_padding_mask": padding},
    }[given]
    x = normal(2, 4, 8)
    u = torch.tensor(x)
    y, w = ours(x, x, x, average_attn_weights=False, **masks)
    theirs_masks = {k: torch.tensor(v) for k, v in masks.items()}
    v, s = theirs(u, u, u, average_attn_weights=False, **theirs_masks)
    np.testing.assert_allclose(y.numpy(), v.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(w.numpy(), s.detach().numpy(), rtol=1e-12, atol=1e-12)


INITIALS = [
    ("uniform_", {"a": -2.0, "b": 3.0}), ("normal_", {"mean": 1.0, "std": 2.0}),
    ("xavier_uniform_", {"gain": 2.0}), ("xavier_normal_", {}), ("kaiming_uniform_", {"a": 5**0.5}),
    ("kaiming_normal_", {"mode": "fan_out", "nonlinearity": "relu"}), ("orthogonal_", {}),
    ("trunc_normal_", {"std": 1.5}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kwargs"), INITIALS, ids=short)
def test_initial_numbers_are_distributed_as_torchs(name: str, kwargs: Any) -> None:
    ours, theirs = tg.tensor(np.zeros((200, 40, 5))), torch.zeros(200, 40, 5)
    getattr(nn.init, name)(ours, **kwargs, generator=np.random.default_rng(0))
    torch.manual_seed(0)
    getattr(torch.nn.init, name)(theirs, **kwargs)
    q = np.linspace(0.02, 0.98, 13)
    a, b = np.quantile(ours.numpy(), q), np.quantile(theirs.numpy(), q)
    np.testing.assert_allclose(a, b, atol=0.06 * theirs.std().item())


@pytest.mark.parametrize(
    "case", [c for c in LAYERS if c[0] in ("Linear", "Conv2d", "LSTM", "Embedding",
                                           "MultiheadAttention", "ConvTranspose2d")], ids=short,
)  # fmt: skip
def test_layers_begin_as_torchs(case: Case) -> None:
    name, args, kwargs, _ = case
    args = tuple(a * 16 if isinstance(a, int) and i < 2 else a for i, a in enumerate(args))
    theirs = dict(getattr(torch.nn, name)(*args, **kwargs).named_parameters())
    for key, p in getattr(nn, name)(*args, **kwargs).named_parameters():
        q = theirs[key].detach().numpy()
        assert p.shape == q.shape
        if p.size > 500:
            assert np.isclose(p.data.std(), q.std(), rtol=0.1)
            assert np.isclose(np.abs(p.data).max(), np.abs(q).max(), rtol=0.1) or q.max() > 3
