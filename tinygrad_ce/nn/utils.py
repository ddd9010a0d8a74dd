"""What is done to all gradients or parameters at once: clipping, and one long vector of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import GradientError, OptionTypeError, ShapeError
from tinygrad_ce.options import number
from tinygrad_ce.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]

Parameters = Tensor | Iterable[Tensor]


def clip_grad_norm_(
    parameters: Parameters, max_norm: float, norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Any:  # fmt: skip
    """Shorten all gradients together, so that their norm is at most max_norm.

    Args:
        parameters: Tensors; those without a gradient do not count.
        max_norm: the norm allowed.
        norm_type: p of the p-norm over all entries, or inf.
        error_if_nonfinite: refuse a norm of inf or nan.

    Returns:
        The norm that they had.

    Raises:
        GradientError: the norm is inf or nan, and that is refused.

    With n the norm they are multiplied with min(1, max_norm / (n + 1e-6)) (Pascanu et al. 2013).

    >>> import tinygrad_ce as tg
    >>> w = tg.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_norm_([w], 1.0)
    np.float64(10.0)
    >>> w.grad
    array([0.59999994, 0.79999992])
    """
    number("max_norm", max_norm, "a number from 0")
    number("norm_type", norm_type)
    found = _with_gradient(parameters)
    if not found:
        return np.float64(0.0)
    joined = np.concatenate([np.ravel(p.grad) for p in found])
    norm = np.linalg.norm(joined, norm_type)
    if error_if_nonfinite and not np.isfinite(norm):
        raise GradientError(
            f"the norm of the gradients is {norm}",
            "a gradient holds inf or nan, or its square overflows",
            "look where it begins, or pass error_if_nonfinite=False",
        )
    factor = float(max_norm / (norm + 1e-6))
    _hand_back(joined if factor >= 1 else joined * factor, found)
    return norm


def clip_grad_value_(parameters: Parameters, clip_value: float) -> None:
    """Cut every entry of every gradient off at +-clip_value.

    >>> import tinygrad_ce as tg
    >>> w = tg.tensor([3.0, -0.1], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> clip_grad_value_([w], 1.0)
    >>> w.grad
    array([ 1. , -0.2])
    """
    number("clip_value", clip_value, "a number from 0")
    found = _with_gradient(parameters)
    if found:
        joined = np.concatenate([np.ravel(p.grad) for p in found])
        _hand_back(np.clip(joined, -clip_value, clip_value), found)


def parameters_to_vector(parameters: Iterable[Any]) -> NDArray[Any]:
    """All parameters end to end, as `scipy.optimize` takes them.

    >>> parameters_to_vector([np.eye(2), np.zeros(1)])
    array([1., 0., 0., 1., 0.])
    """
    return np.concatenate([np.ravel(getattr(p, "value", p)) for p in parameters])


def vector_to_parameters(vec: Any, parameters: Iterable[Tensor]) -> None:
    """Set all parameters to parts of a vector, in their order.

    Raises:
        ShapeError: the vector has another length than all parameters together.
    """
    ps = _listed(parameters)
    vec = np.asarray(getattr(vec, "value", vec))
    total = sum(p.size for p in ps)
    if vec.shape != (total,):
        raise ShapeError(
            f"the vector has shape {vec.shape}",
            f"the parameters have {total} entries together",
            "pass a vector of that length",
        )
    end = 0
    for p in ps:
        p.data = vec[end : end + p.size].reshape(p.shape).astype(p.dtype)
        end += p.size


def _with_gradient(parameters: Parameters) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else _listed(parameters)
    return [p for p in given if p.grad is not None]


def _listed(parameters: Any) -> list[Tensor]:
    found = list(parameters) if isinstance(parameters, Iterable) else [parameters]
    for p in found:
        if not isinstance(p, Tensor):
            raise OptionTypeError(
                f"parameters hold {type(p).__name__}", "they are Tensors", "pass model.parameters()"
            )
    return found


def _hand_back(joined: Any, parameters: list[Tensor]) -> None:
    """Give every parameter its part of the gradients that were joined."""
    end = 0
    for p in parameters:
        p.grad = joined[end : end + p.size].reshape(p.shape).astype(p.dtype, copy=False)
        end += p.size
