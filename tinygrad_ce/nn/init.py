"""How parameters begin: PyTorch's functions of `torch.nn.init`, in place, from our generators.

All take `generator`, a NumPy `Generator`; without one they draw from the library's.
"""

from math import prod, sqrt
from typing import Any, Literal

import numpy as np

from tinygrad_ce.errors import OptionError, ShapeError
from tinygrad_ce.options import instance, number, one_of
from tinygrad_ce.randomness import Generator, chosen, normal, uniform
from tinygrad_ce.tensor import Tensor

__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

Mode = Literal["fan_in", "fan_out"]
_LINEAR = (
    "linear", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
)  # fmt: skip
_GAINS = {"relu": sqrt(2), "tanh": 5 / 3, "selu": 3 / 4} | dict.fromkeys(_LINEAR, 1.0)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much weights are larger before an activation: `leaky_relu` has sqrt(2 / (1 + a^2)).

    >>> calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        return sqrt(2 / (1 + number("param", 0.01 if param is None else param) ** 2))
    return _GAINS[one_of("nonlinearity", nonlinearity, ("leaky_relu", *_GAINS))]


def uniform_(w: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill w with numbers that are equally likely anywhere from a to b."""
    _in_order(a, b)
    return _filled(w, uniform(a, b, _held(w).shape, w.dtype, generator))


def normal_(w: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill w with numbers of the normal distribution."""
    number("mean", mean)
    return _filled(w, normal(mean, std, _held(w).shape, w.dtype, generator))


def trunc_normal_(
    w: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
    generator: Generator = None,
) -> Tensor:  # fmt: skip
    """Fill w with numbers of the normal distribution, drawn anew where they are not in [a, b]."""
    number("mean", mean)
    number("std", std, "a number above 0")
    _in_order(a, b)
    drawn = normal(mean, std, _held(w).shape, np.float64, generator)
    while (outside := (drawn < a) | (drawn > b)).any():
        drawn[outside] = normal(mean, std, (int(outside.sum()),), np.float64, generator)
    return _filled(w, drawn)


def constant_(w: Tensor, val: float) -> Tensor:
    """Fill w with one number."""
    return _filled(w, np.full(_held(w).shape, number("val", val), w.dtype))


def zeros_(w: Tensor) -> Tensor:
    """Fill w with zeros."""
    return constant_(w, 0.0)


def ones_(w: Tensor) -> Tensor:
    """Fill w with ones."""
    return constant_(w, 1.0)


def xavier_uniform_(w: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Uniform within gain sqrt(6 / (fan_in + fan_out)) of 0 (Glorot and Bengio 2010)."""
    bound = number("gain", gain, "a number from 0") * sqrt(6 / sum(_fans(w)))
    return uniform_(w, -bound, bound, generator)


def xavier_normal_(w: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out))."""
    std = number("gain", gain, "a number from 0") * sqrt(2 / sum(_fans(w)))
    return normal_(w, 0.0, std, generator)


def kaiming_uniform_(
    w: Tensor, a: float = 0.0, mode: Mode = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:  # fmt: skip
    """Uniform within gain sqrt(3 / fan) of 0 (He, Zhang, Ren, Sun 2015)."""
    bound = calculate_gain(nonlinearity, a) * sqrt(3 / _fan(w, mode))
    return uniform_(w, -bound, bound, generator)


def kaiming_normal_(
    w: Tensor, a: float = 0.0, mode: Mode = "fan_in", nonlinearity: str = "leaky_relu",
    generator: Generator = None,
) -> Tensor:  # fmt: skip
    """Normal with standard deviation gain / sqrt(fan)."""
    std = calculate_gain(nonlinearity, a) / sqrt(_fan(w, mode))
    return normal_(w, 0.0, std, generator)


def orthogonal_(w: Tensor, gain: float = 1.0, generator: Generator = None) -> Tensor:
    """Fill w, seen as a matrix of len(w) rows, with orthonormal rows or columns, times gain."""
    _fans(w)
    number("gain", gain)
    rows, columns = len(w), w.size // len(w)
    drawn = chosen(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(drawn)
    q = q * np.sign(np.diagonal(r))  # uniformly distributed (Mezzadri 2007)
    return _filled(w, gain * (q if rows >= columns else q.T).reshape(w.shape))


def _fans(w: Tensor) -> tuple[int, int]:
    """How many entries of w meet in an entry of the output, and of the input."""
    if _held(w).ndim < 2:
        raise ShapeError(
            f"the weight has shape {w.shape}",
            "what flows in and out is counted for weights of at least two axes",
            "use uniform_ or normal_ for a bias",
        )
    window = prod(w.shape[2:])
    return w.shape[1] * window, w.shape[0] * window


def _fan(w: Tensor, mode: Mode) -> int:
    return _fans(w)[one_of("mode", mode, ("fan_in", "fan_out")) == "fan_out"]


def _held(w: Tensor) -> Tensor:
    return instance("w", w, Tensor, "it is a Tensor, which is filled", "pass a layer's weight")


def _in_order(a: float, b: float) -> None:
    """Refuse bounds between which there is no number."""
    number("a", a)
    number("b", b)
    if a > b:
        raise OptionError(f"a is {a} and b is {b}", "b is not below a", "pass the lower one first")


def _filled(w: Any, values: Any) -> Tensor:
    w.data = values.astype(w.dtype)
    return w  # type: ignore[no-any-return]
