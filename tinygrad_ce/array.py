"""What can be read off a tensor as off an array: its shape, its numbers, its text.

What would lose a gradient is refused.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.arguments import values_of
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.graph import Node
from tinygrad_ce.hints import of_method

__all__ = ["Array", "refuse_loss"]


class Array(Node):
    """A node that answers as NumPy's arrays do."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.value.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        return self.value.dtype  # type: ignore[no-any-return]

    def item(self, *index: int) -> Any:
        """The value as a Python number; of a tensor with several entries, the one at `index`."""
        return self.value.item(*index)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.value.tolist()

    def numpy(self) -> Any:
        """The values as an array of their own, without gradient."""
        return np.array(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __contains__(self, item: Any) -> bool:
        return bool((self.value == values_of(item)).any())

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        refuse_loss(self, "float(t)", "use t.item() for the number, or np.log(t) for math.log(t)")
        return float(self.value)

    def __int__(self) -> int:
        refuse_loss(self, "int(t)", "use t.item()")
        return int(self.value)

    def __complex__(self) -> complex:
        refuse_loss(self, "complex(t)", "use t.item()")
        return complex(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value.item(), spec) if spec and not self.ndim else str(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        refuse_loss(
            self, "converting a tensor to an array",
            "use t.detach() or t.numpy() for the values, np.stack([t, ...]) to join tensors",
        )  # fmt: skip
        return np.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.value), separator=", ", prefix="tensor(")
        if self.dtype not in (np.float64, np.int64, np.bool_):
            text += f", dtype={self.dtype}"
        if self.requires_grad:
            by = "requires_grad=True" if self.primitive is None else f"by={self.primitive.name}"
            text += f", {by}"
        return f"tensor({text})"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(of_method(name))


def refuse_loss(x: Node, what: str, remedy: str) -> None:
    """Refuse what would go on with the values alone, where they carry a gradient."""
    if x.requires_grad:
        raise UnsupportedError(
            f"{what} was asked of a tensor that requires a gradient", "the gradient would be lost",
            remedy,
        )  # fmt: skip
