"""The state of a module: its parameters and buffers by name, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import OptionKeyError, ShapeError
from tinygrad_ce.options import instance
from tinygrad_ce.tensor import Tensor

__all__ = ["Keys", "load_state", "state_of"]


class Keys(NamedTuple):
    """What `load_state_dict` did not find, and what it found beside."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def _places(root: Any) -> dict[str, tuple[Any, str]]:
    """The module and the attribute behind each name."""
    return {
        f"{path}.{name}" if path else name: (module, name)
        for path, module in root.named_modules()
        for name in (*module._parameters, *module._buffers)
        if getattr(module, name) is not None
    }


def state_of(root: Any) -> dict[str, NDArray[Any]]:
    """Copies of all parameters and buffers by name."""
    return {name: _array(getattr(*place)) for name, place in _places(root).items()}


def load_state(root: Any, state: Mapping[str, Any], strict: bool) -> Keys:
    """Take over parameters and buffers by name, all or none; see `Module.load_state_dict`."""
    instance(
        "state", state, Mapping, "it is a dict of arrays by name", "pass what state_dict() returned"
    )
    places = _places(root)
    missing = [name for name in places if name not in state]
    unexpected = [name for name in state if name not in places]
    if strict and (missing or unexpected):
        raise OptionKeyError(
            f"{type(root).__name__}: missing are {missing}, not expected {unexpected}",
            "a state has the names of the module's parameters and buffers, and no other",
            "build the module as it was when the state was kept, or pass strict=False",
        )
    arrays = {name: _array(state[name]) for name in places if name in state}
    for name, array in arrays.items():
        shape = np.shape(getattr(*places[name]))
        if array.shape != shape:
            raise ShapeError(
                f"{name} has shape {array.shape} in the state",
                f"in the module it has shape {shape}",
                "build the module with the sizes that it had when the state was kept",
            )
    for name, array in arrays.items():
        _assign(*places[name], array)
    return Keys(missing, unexpected)


def _array(value: Any) -> NDArray[Any]:
    """The numbers of an array, a Tensor, or a tensor of PyTorch's, as an array of their own."""
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    return np.array(value)


def _assign(module: Any, name: str, array: NDArray[Any]) -> None:
    held = getattr(module, name)
    if isinstance(held, Tensor):
        held.data = array.astype(held.dtype)
    else:
        setattr(module, name, array.astype(held.dtype))
