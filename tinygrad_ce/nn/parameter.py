"""Parameters: Tensors that a module finds among its attributes."""

from typing import Any

from numpy.typing import DTypeLike

from tinygrad_ce.errors import GradientError
from tinygrad_ce.tensor import Tensor

__all__ = ["Parameter", "check_no_variables", "is_variable"]


def Parameter(data: Any, dtype: DTypeLike | None = None) -> Tensor:  # noqa: N802  PyTorch's name
    """A Tensor that requires a gradient: an attribute that is one is a parameter of its module.

    >>> Parameter([1.0, 2.0])
    tensor([1., 2.], requires_grad=True)
    """
    return Tensor(data, requires_grad=True, dtype=dtype)


def is_variable(x: Any) -> bool:
    """Whether x is a Tensor that nothing made and that requires a gradient."""
    return isinstance(x, Tensor) and x.requires_grad and x.primitive is None


def check_no_variables(name: str, value: Any) -> None:
    """Refuse parameters where a module would not find them."""
    if any(map(is_variable, value.values() if isinstance(value, dict) else value)):
        raise GradientError(
            f"the attribute {name!r} is a {type(value).__name__} with parameters in it",
            "a module finds parameters that are attributes, and modules in lists",
            "use nn.ParameterList, or give each parameter a name",
        )
