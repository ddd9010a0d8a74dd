"""Activations as layers: elementwise functions with PyTorch's names, and softmax.

Each says its function and, after "Derivative", what a gradient is multiplied with. At a kink the
derivative is PyTorch's. s is the sigmoid.
"""

from math import inf
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce import functions
from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import OptionError, ShapeError
from tinygrad_ce.nn.linear import axis_of
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.parameter import Parameter
from tinygrad_ce.options import count, number, one_of
from tinygrad_ce.rules.support import laid_along

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "LeakyReLU",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "PReLU",
    "ReLU",
    "ReLU6",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
]


class ReLU(Module):
    """max(x, 0). Derivative: 1 for x > 0, otherwise 0.

    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Any) -> Any:
        return functions.relu(x)


class ReLU6(Module):
    """min(max(x, 0), 6). Derivative: 1 for 0 < x < 6, otherwise 0."""

    def forward(self, x: Any) -> Any:
        return np.clip(as_array(x), 0, 6)


class LeakyReLU(Module):
    """x where x > 0, otherwise negative_slope x. Derivative: 1, or negative_slope."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = number("negative_slope", negative_slope)

    def forward(self, x: Any) -> Any:
        return functions.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """x where x > 0, otherwise a x with learned a, one or one a channel (axis 1).

    Derivative by x: 1, or a; by a: the sum of x where x <= 0.
    """

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, dtype: DTypeLike = np.float32
    ) -> None:
        self.num_parameters = n = count("num_parameters", num_parameters)
        self.weight = Parameter(np.full(n, number("init", init), dtype))

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        a = self.weight if x.ndim else self.weight[0]
        if self.num_parameters > 1 and x.ndim > 1:
            a = laid_along(a, 1, x.ndim)
        return np.where(x > 0, x, a * x)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Module):
    """x where x > 0, otherwise alpha (e^x - 1). Derivative: 1, or alpha e^x."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("alpha", alpha)

    def forward(self, x: Any) -> Any:
        return functions.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class CELU(Module):
    """x where x > 0, otherwise alpha (e^(x/alpha) - 1). Derivative: 1, or e^(x/alpha)."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number("alpha", alpha, "a number other than 0")

    def forward(self, x: Any) -> Any:
        return self.alpha * functions.elu(as_array(x) / self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Module):
    """l x where x > 0, otherwise l a (e^x - 1) (Klambauer et al. 2017). Derivative: l, or l a e^x.

    l = 1.0507009873554805, a = 1.6732632423543772: mean 0 and variance 1 reproduce themselves.
    """

    def forward(self, x: Any) -> Any:
        return 1.0507009873554804934193349852946 * functions.elu(
            x, 1.6732632423543772848170429916717
        )


class GELU(Module):
    """x Phi(x), Phi the normal distribution function. Derivative: Phi(x) + x phi(x)."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        choices = ("none", "tanh")
        self.approximate: Literal["none", "tanh"] = one_of("approximate", approximate, choices)

    def forward(self, x: Any) -> Any:
        return functions.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x s(x). Derivative: s(x) + x s(x) (1 - s(x))."""

    def forward(self, x: Any) -> Any:
        return functions.silu(x)


class Mish(Module):
    """x tanh(softplus(x)) (Misra 2019). Derivative: t + x (1 - t^2) s(x), t = tanh(softplus(x))."""

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return x * np.tanh(functions.softplus(x))


class Sigmoid(Module):
    """s(x) = 1 / (1 + e^-x). Derivative: s(x) (1 - s(x))."""

    def forward(self, x: Any) -> Any:
        return functions.sigmoid(x)


class LogSigmoid(Module):
    """log s(x). Derivative: s(-x)."""

    def forward(self, x: Any) -> Any:
        return functions.log_sigmoid(x)


class Tanh(Module):
    """tanh(x). Derivative: 1 - tanh(x)^2."""

    def forward(self, x: Any) -> Any:
        return np.tanh(x)


class Softplus(Module):
    """log(1 + e^(beta x)) / beta, and x where beta x > threshold. Derivative: s(beta x), or 1."""

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = number("beta", beta, "a number other than 0")
        self.threshold = number("threshold", threshold)

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        scaled = self.beta * x
        return np.where(scaled > self.threshold, x, functions.softplus(scaled) / self.beta)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class Softsign(Module):
    """x / (1 + |x|). Derivative: 1 / (1 + |x|)^2."""

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return x / (1 + np.abs(x))


class Hardtanh(Module):
    """x within [min_val, max_val], and these beyond. Derivative: 1 inside, otherwise 0."""

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val, self.max_val = number("min_val", min_val), number("max_val", max_val)
        if not min_val < max_val:
            raise OptionError(
                f"min_val is {min_val} and max_val is {max_val}",
                "the first is below the second",
                "pass the lower one first",
            )

    def forward(self, x: Any) -> Any:
        return np.clip(as_array(x), self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class Hardsigmoid(Module):
    """x / 6 + 1/2 within [0, 1]. Derivative: 1/6 for -3 < x < 3, otherwise 0."""

    def forward(self, x: Any) -> Any:
        return np.clip(as_array(x) + 3, 0, 6) / 6


class Hardswish(Module):
    """x hardsigmoid(x). Derivative: (2 x + 3) / 6 for -3 < x < 3, 0 below and 1 above."""

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        return x * (np.clip(x + 3, 0, 6) / 6)


class GLU(Module):
    """a s(b), a and b the halves of x along an axis (Dauphin et al. 2017).

    Derivative by a: s(b); by b: a s(b) (1 - s(b)).

    >>> GLU()(np.array([1.0, 2.0, 0.0, 0.0]))
    array([0.5, 1. ])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = count("dim", dim, -inf)

    def forward(self, x: Any) -> Any:
        x = as_array(x)
        if x.shape[axis_of(x, self.dim)] % 2:
            raise ShapeError(
                f"x has shape {x.shape}",
                f"GLU halves axis {self.dim}",
                "choose an axis of even length",
            )
        a, b = np.split(x, 2, axis=self.dim)
        return a * functions.sigmoid(b)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(Module):
    """y = e^x / sum e^x along an axis. With g the gradient by y, by x: y (g - sum g y)."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = count("dim", dim, -inf)

    def forward(self, x: Any) -> Any:
        return functions.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """x - log sum e^x along an axis. With g the gradient by it, by x: g - softmax(x) sum g."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = count("dim", dim, -inf)

    def forward(self, x: Any) -> Any:
        return functions.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
