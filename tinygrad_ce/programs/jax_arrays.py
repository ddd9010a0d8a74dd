"""Programs under JAX: compiled by XLA, for many cores, GPUs and TPUs."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["Jax"]


class Jax:
    """`jax.numpy` and `jax.jit`, with 64 bits where NumPy has them."""

    name = "jax"

    def __init__(self) -> None:
        self.jax = import_module("jax")
        self.names = import_module("jax.numpy")

    def function(self, name: str) -> Callable[..., Any]:
        return reduce(getattr, name.split("."), self.names)  # type: ignore[return-value]

    def array(self, x: Any) -> Any:
        return x

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.jax.Array)

    def numpy(self, x: Any) -> Any:
        return np.asarray(x) if self.is_array(x) else x

    def cast(self, x: Any, dtype: np.dtype[Any]) -> Any:
        return self.names.asarray(x, dtype)

    def scatter(self, x: Any, key: Any, shape: tuple[int, ...]) -> Any:
        return self.names.zeros(shape, x.dtype).at[_key(key)].add(x)

    def assign(self, x: Any, value: Any, key: Any) -> Any:
        return self.names.asarray(x).at[_key(key)].set(value)

    def show(self, format: str, *values: Any) -> None:
        self.jax.debug.print(format, *values)

    def whole(self, run: Callable[..., Any]) -> Callable[..., Any]:
        compiled = self.jax.jit(run)

        def wide(*inputs: Any) -> Any:
            with self.jax.enable_x64(True):
                return compiled(*inputs)

        return wide


def _key(key: Any) -> Any:
    """An index in which lists are arrays, as JAX wants them."""
    if isinstance(key, tuple):
        return tuple(map(_key, key))
    return np.asarray(key) if isinstance(key, list) else key
