"""Module: an object whose attributes are parameters, buffers and other modules.

    class Network(nn.Module):
        def __init__(self):
            self.hidden = nn.Linear(2, 16)
            self.output = nn.Linear(16, 2)

        def forward(self, x):
            return self.output(np.tanh(self.hidden(x)))

It is used in two ways, which give the same numbers. As in PyTorch: its parameters are Tensors,
`loss.backward()` adds to their `grad`, an optimizer changes them. Or as a value, a tree whose
leaves are arrays: `tg.grad(loss)(model, x, t)` is a module of gradients, and
`map_tree(lambda w, g: w - 0.1 * g, model, gradient)` a new module. What a forward pass changes in
such a module (the running mean of BatchNorm) is in the copy that the function was handed: return
that from it, with `has_aux=True`. Its leaves are values: a gradient by a model of Tensors that
`tg.grad` returns is not recorded for a later `backward()`; within a function that is
differentiated by the model, it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.errors import OptionTypeError
from tinygrad_ce.nn.parameter import check_no_variables, is_variable
from tinygrad_ce.nn.state import Keys, load_state, state_of
from tinygrad_ce.nn.structure import branch, changed
from tinygrad_ce.nn.summary import Summary, summary
from tinygrad_ce.options import function as check_function
from tinygrad_ce.options import instance
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.trees import Branch

__all__ = ["Module"]


class Module:
    """The base of all layers and networks: write `__init__` and `forward`.

    An attribute that is a leaf Tensor with `requires_grad=True` is a parameter, for good; modules
    are found in attributes, and in lists, tuples and dicts that are attributes.

    Attributes:
        training: whether layers that differ in training (Dropout, BatchNorm) behave so.

    >>> from tinygrad_ce.nn.parameter import Parameter
    >>> class Double(Module):
    ...     def __init__(self):
    ...         self.factor = Parameter(2.0)
    ...
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> Double()(np.array([1.0, 3.0]))
    tensor([2., 6.], by=multiply)
    """

    training: bool
    _parameters: dict[str, None]
    _buffers: dict[str, None]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        vars(made).update(training=True, _parameters={}, _buffers={})
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        found = is_variable(value)
        if isinstance(value, list | tuple | dict):
            check_no_variables(name, value)
        if found and name not in self._buffers:
            self._parameters[name] = None
        is_state = name in self._parameters or name in self._buffers
        if found or not is_state or value is None or vars(self).get(name) is None:
            changed()
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_plan"}

    def __delattr__(self, name: str) -> None:
        changed()
        super().__delattr__(name)
        self._parameters.pop(name, None)
        self._buffers.pop(name, None)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; a subclass says it."""
        raise NotImplementedError(f"{type(self).__name__} has no method forward")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def register_parameter(self, name: str, value: Tensor | None) -> None:
        """Make an attribute a parameter, one that requires no gradient too."""
        if value is not None:
            instance(name, value, Tensor, "a parameter is a Tensor", "pass nn.Parameter(array)")
            self._parameters[name] = None
        setattr(self, name, value)

    def register_buffer(self, name: str, value: Any) -> None:
        """Make an attribute state that no gradient belongs to, as a running mean: an array."""
        instance("the name of a buffer", name, str, "it is a text", "pass the name first")
        if value is not None:
            self._buffers[name] = None
        setattr(self, name, value)

    # What it is made of.

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules right below this one."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple | dict):
                items = value.items() if isinstance(value, dict) else enumerate(value)
                yield from ((f"{name}.{k}", x) for k, x in items if isinstance(x, Module))

    def children(self) -> Iterator[Module]:
        """The modules right below this one."""
        return (module for _, module in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module, named "", and all below, each once."""
        seen = {id(self)}
        waiting: list[tuple[str, Module]] = [("", self)]
        while waiting:
            name, module = waiting.pop()
            yield name, module
            below = [(k, m) for k, m in module.named_children() if id(m) not in seen]
            waiting += [(f"{name}.{k}" if name else k, m) for k, m in reversed(below)]
            seen.update(id(m) for _, m in below)

    def modules(self) -> Iterator[Module]:
        """This module and all below, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """All parameters with their names, `layers.0.weight`; a shared one once."""
        seen: set[int] = set()
        for name, value in _named(self, "_parameters"):
            if id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def parameters(self) -> Iterator[Any]:
        """All parameters, as an optimizer takes them."""
        return (value for _, value in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """All buffers with their names."""
        return iter(_named(self, "_buffers"))

    def buffers(self) -> Iterator[Any]:
        """All buffers."""
        return (value for _, value in self.named_buffers())

    # Its state.

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Copies of all parameters and buffers by name, the names that PyTorch gives them.

        >>> from tinygrad_ce import nn
        >>> list(nn.Linear(2, 1).state_dict())
        ['weight', 'bias']
        """
        return state_of(self)

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Keys:
        """Take over parameters and buffers by name: arrays, Tensors, or PyTorch's on the CPU.

        Args:
            state: what `state_dict` returned, here or in PyTorch.
            strict: whether every name has to be there, and no other.

        Returns:
            The names that were missing, and those that were not expected.

        Raises:
            KeyError: with `strict`, where there are such names.
            ShapeError: an array has another shape than the parameter. Then nothing was changed.
        """
        return load_state(self, state, strict)

    # What may be said to all of it at once.

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call a function with every module, those below first, as to initialise them."""
        check_function("function", function)
        for module in reversed(list(self.modules())):
            function(module)
        return self

    def train(self, mode: bool = True) -> Self:
        """Let it behave as in training, Dropout dropping and BatchNorm counting."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Let it behave as in use, the same for an example whatever else is in the batch."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Let all parameters require gradients or not; those that are arrays become Tensors."""
        for module in self.modules():
            for name in module._parameters:
                value = getattr(module, name)
                if value is None:
                    continue
                if not isinstance(value, Tensor):
                    value = Tensor(value)
                    setattr(module, name, value)
                value.requires_grad = requires_grad
            vars(module).pop("_lent", None)
        changed()
        return self

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for value in self.parameters():
            if isinstance(value, Tensor):
                value.grad = None

    def to(self, dtype: DTypeLike) -> Self:
        """Turn parameters and buffers of floating point into those of another dtype, in place."""
        try:
            np.dtype(dtype)
        except TypeError:
            raise OptionTypeError(
                f"dtype is {dtype!r:.60}",
                "it is a type of NumPy's numbers, all of which are in the memory that NumPy uses",
                "pass for example np.float64",
            ) from None
        for module in self.modules():
            for name in (*module._parameters, *module._buffers):
                value = getattr(module, name)
                if value is None or value.dtype.kind not in "fc":
                    continue
                if not isinstance(value, Tensor):
                    setattr(module, name, value.astype(dtype))
                else:
                    value.value, value.grad = value.value.astype(dtype), None
                    value.data = value.value  # a graph from before is out of date
        return self

    def double(self) -> Self:
        """Turn it into float64."""
        return self.to(np.float64)

    def float(self) -> Self:
        """Turn it into float32."""
        return self.to(np.float32)

    def summary(self, *inputs: Any) -> Summary:
        """A table of its layers, their outputs' shapes for such inputs, and their counts."""
        return summary(self, *inputs)

    # The tree.

    def __tree__(self) -> Branch:
        return branch(self)

    # Its text.

    def extra_repr(self) -> str:
        """What a layer's text says in its brackets."""
        return ""

    def __repr__(self) -> str:
        name, own = type(self).__name__, self.extra_repr()
        children = list(self.named_children())
        if not children:
            shapes = ", ".join(
                f"{k} {np.shape(getattr(self, k))}" for k in self._parameters
                if getattr(self, k) is not None
            )  # fmt: skip
            count = f" = {_count(self):,}" if shapes else ""
            return f"{name}({own})" + (f": {shapes}{count}" if shapes else "")
        lines = [own] if own else []
        lines += [f"({k}): {m!r}" for k, m in children]
        text = "\n".join(lines).replace("\n", "\n  ")
        return f"{name}(\n  {text}\n): {_count(self):,} parameters"


def _count(module: Module) -> int:
    return sum(int(np.size(getattr(value, "value", value))) for value in module.parameters())


def _named(root: Module, kind: str) -> list[tuple[str, Any]]:
    return [
        (f"{path}.{name}" if path else name, getattr(module, name))
        for path, module in root.named_modules()
        for name in getattr(module, kind)
        if getattr(module, name) is not None
    ]
