"""Functions of a model, compiled where that is possible; the loss of a batch and its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from warnings import warn

from tinygrad_ce.errors import TraceError, TraceWarning
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.utils import clip_grad_norm_
from tinygrad_ce.programs.compiled import Compiled, compile
from tinygrad_ce.transforms import value_and_grad
from tinygrad_ce.trees import flatten, paths

__all__ = ["Attempt", "Gradients"]


class Attempt:
    """A program of a function, or, where that cannot be, the function itself.

    Args:
        program: a function that was compiled.
        compiled: whether it is tried at all.

    >>> Attempt(compile(lambda x: x + 1), compiled=False)(1)
    2
    """

    def __init__(self, program: Compiled, compiled: bool) -> None:
        self.function = program.function
        self.program = program if compiled else None

    def __call__(self, *args: Any) -> Any:
        if self.program is not None:
            try:
                return self.program(*args)
            except TraceError as error:
                warn(
                    f"The model cannot be compiled, and runs eagerly. {error} "
                    "Pass compiled=False to run it so from the beginning.",
                    TraceWarning,
                    stacklevel=5,
                )
                self.program = None
        return self.function(*args)


class Gradients:
    """The loss of a batch, and its gradients, which go to the parameters' `grad`.

    What the forward pass changes, as the running means of BatchNorm, is changed in the model.

    Args:
        model: whose parameters are Tensors.
        loss: a function of its outputs and the targets.
        compiled: whether it is compiled.
        clip_norm: the largest norm of all gradients together.

    >>> import numpy as np
    >>> from tinygrad_ce import nn
    >>> model = nn.Linear(2, 1)
    >>> gradients = Gradients(model, nn.MSELoss(), compiled=True)
    >>> error = gradients(np.ones((3, 2), np.float32), np.zeros((3, 1), np.float32))
    >>> model.bias.grad.shape
    (1,)
    """

    def __init__(
        self, model: Module, loss: Callable[..., Any], compiled: bool,
        clip_norm: float | None = None,
    ) -> None:  # fmt: skip
        def gradients(model: Module, x: Any, t: Any) -> Any:
            def error(model: Module) -> Any:
                return loss(model(x), t), model

            (value, changed), gradient = value_and_grad(error, has_aux=True)(model)
            return value, _variable(gradient), dict(changed.named_buffers())

        self.model, self.clip_norm = model, clip_norm
        self.run = Attempt(compile(gradients), compiled)
        self.look()

    def look(self) -> None:
        """Find the model's parameters and buffers, which may have changed."""
        constants = flatten(self.model)[1].constants()
        names = [".".join(way) for way, held in zip(paths(self.model), constants) if not held]
        known = dict(self.model.named_parameters())
        modules = dict(self.model.named_modules())
        self.parameters = [known[name] for name in names]
        self.buffers = {
            name: (modules[name.rpartition(".")[0]], name.rpartition(".")[2])
            for name, _ in self.model.named_buffers()
        }

    def __call__(self, x: Any, t: Any) -> Any:
        value, found, buffers = self.run(self.model, x, t)
        for parameter, gradient in zip(self.parameters, found, strict=True):
            parameter.grad = gradient
        for name, buffer in buffers.items():
            module, attribute = self.buffers[name]
            setattr(module, attribute, buffer)
        if self.clip_norm is not None:
            clip_grad_norm_(self.parameters, self.clip_norm)
        return value


def _variable(tree: Any) -> list[Any]:
    values, structure = flatten(tree)
    return [x for x, held in zip(values, structure.constants(), strict=True) if not held]
