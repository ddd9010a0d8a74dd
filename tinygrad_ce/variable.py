"""The gradient's side of a tensor: backward, hooks, and data that change between the passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.arguments import values_of
from tinygrad_ce.array import Array
from tinygrad_ce.errors import DTypeError, GradientError, ShapeError
from tinygrad_ce.graph import Hook, extras_of, gradients, order, release, tick
from tinygrad_ce.options import function

__all__ = ["Variable", "check_differentiable"]


class Variable(Array):
    """A node with data of its own, and with the gradient that belongs to it."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        """The values as an array. A leaf's may be written, and assigned: `w.data -= 0.1 * w.grad`.

        While a graph still needs them, you get a copy to write, and the graph keeps its own.
        """
        value = self.value
        if type(value) is np.ndarray:
            if self.primitive is not None:
                value.flags.writeable = False
            elif not value.flags.writeable:
                value = self.value = value.copy()
        return value

    @data.setter
    def data(self, data: Any) -> None:
        if self.primitive is not None:
            raise GradientError(
                "data was assigned to a computed tensor",
                "only a leaf has data of its own",
                "make a new tensor, or use .detach()",
            )
        if data is self.value:
            self.number = tick()
            return
        _check_assigned(np.asarray(data).dtype, self.dtype)
        value = np.asarray(data, dtype=self.dtype)
        if value.shape != self.shape:
            raise ShapeError(
                f"data of shape {value.shape} were assigned to a tensor of shape {self.shape}",
                "a leaf keeps its shape",
                "make a new tensor",
            )
        self.value = value
        self.number = tick()

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add to `.grad` of every leaf the gradient of this tensor by it.

        Args:
            gradient: the gradient that arrives here, of this tensor's shape; 1 for a scalar.
            retain_graph: keep the graph for another backward pass.

        Raises:
            GradientError: nothing here requires a gradient, a gradient is missing for a tensor
                that is no scalar, the graph was released, or a leaf was changed since.
            ShapeError: the gradient has another shape.
            DTypeError: the gradient is complex and the tensor real, or a leaf holds integers.

        >>> import tinygrad_ce as tg
        >>> x = tg.tensor([1.0, 2.0], requires_grad=True)
        >>> (3 * x).backward(np.array([1.0, 10.0]))
        >>> x.grad
        array([ 3., 30.])
        """
        if not self.requires_grad:
            raise GradientError(
                "backward() was called on a tensor that does not require a gradient",
                "gradients flow to tensors made with requires_grad=True",
                "make its leaves with requires_grad=True, and compute outside no_grad",
            )
        seed = self._seed(gradient)
        nodes = order(self)
        collected = gradients(self, seed, nodes=nodes)
        for node in collected:
            check_differentiable(node.value, True)
        for node, g in collected.items():
            node.grad = g if node.grad is None else node.grad + g
        if not retain_graph:
            release(nodes)

    def _seed(self, gradient: Any) -> Any:
        if gradient is None:
            if self.dtype.kind == "c":
                raise GradientError(
                    "backward() was called on a complex tensor",
                    "without a gradient to start from it needs a real scalar",
                    "take np.real or np.abs of it first, or pass gradient=",
                )
            if self.size != 1:
                raise GradientError(
                    f"backward() was called on a tensor of shape {self.shape}",
                    "without a gradient to start from it needs a scalar",
                    "sum or average it first, or pass gradient=, an array of its shape",
                )
            return np.ones(self.shape, self.dtype)[()] if self.ndim else self.dtype.type(1)
        gradient = np.asarray(values_of(gradient))
        if gradient.dtype.kind not in "biufc" and self.dtype.kind != "O":
            raise DTypeError(
                f"backward() was given a gradient of dtype {gradient.dtype}",
                "it holds numbers",
                "pass an array of numbers of the tensor's shape",
            )
        if gradient.dtype.kind == "c" and self.dtype.kind != "c":
            raise DTypeError(
                "backward() of a real tensor was given a complex gradient",
                "the gradient by a real number is real",
                "pass np.real of it, or call backward() on a complex tensor",
            )
        gradient = np.asarray(gradient, dtype=self.dtype)
        if gradient.shape != self.shape:
            raise ShapeError(
                f"backward() was given a gradient of shape {gradient.shape}",
                f"it has the shape of the tensor, {self.shape}",
                "pass an array of that shape",
            )
        return gradient[()]

    def retain_grad(self) -> None:
        """Let `backward()` store the gradient of this computed tensor too.

        Raises:
            GradientError: no gradient will arrive here.
        """
        self._check_gradient("retain_grad")
        extras_of(self).keeps_grad = True

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Show the gradient that arrives here to a function, each time a pass computes it.

        Args:
            hook: called with the gradient, an array of this shape (a Tensor where gradients are
                recorded); what it returns takes the gradient's place, None leaves it.

        Returns:
            A handle, whose `.remove()` takes the hook away.

        Raises:
            GradientError: no gradient will arrive here.

        >>> import tinygrad_ce as tg
        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> hook = x.register_hook(lambda g: 10 * g)
        >>> (x * x).backward()
        >>> x.grad
        np.float64(60.0)
        """
        self._check_gradient("register_hook")
        function("hook", hook)
        return Hook(extras_of(self).hooks, hook)

    def _check_gradient(self, asked: str) -> None:
        if not self.requires_grad:
            raise GradientError(
                f"{asked}() was called on a tensor that does not require a gradient",
                "no gradient will arrive here",
                "compute it from tensors made with requires_grad=True",
            )


def _check_assigned(found: np.dtype[Any], kept: np.dtype[Any]) -> None:
    """Refuse data that a leaf could not hold without losing a part of them."""
    loses = found.kind not in "biufc" or (found.kind == "c" and kept.kind != "c")
    if loses and kept.kind != "O":
        raise DTypeError(
            f"data of dtype {found} were assigned to a tensor of dtype {kept}",
            "a leaf keeps its dtype",
            "convert them, or make a new tensor",
        )


def check_differentiable(value: Any, requires_grad: bool) -> None:
    if requires_grad and value.dtype.kind not in "fcO":
        raise DTypeError(
            f"a tensor of dtype {value.dtype} was to require a gradient",
            "only floating-point numbers do, real or complex",
            "convert the data, for example with dtype=float",
        )
