"""Programs under PyTorch, as far as its functions mean the same as NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from importlib import import_module
from math import prod
from typing import Any

import numpy as np

__all__ = ["Torch"]

# What PyTorch calls by another name, with the same arguments.
_RENAMED = {
    "equal": "eq", "not_equal": "ne", "power": "pow", "conjugate": "conj_physical",
    "invert": "bitwise_not", "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift", "concatenate": "cat", "copy": "clone",
    "broadcast_arrays": "broadcast_tensors", "positive": "clone",
    "arctan2": "atan2", "rint": "round",
}  # fmt: skip

# The same names, and arguments that PyTorch knows by NumPy's names too.
_SAME = """
    absolute add subtract multiply divide true_divide floor_divide remainder negative exp exp2 expm1
    log log2 log10 log1p sqrt square reciprocal sin cos tan arcsin arccos arctan sinh cosh tanh
    arcsinh arccosh arctanh hypot logaddexp logaddexp2 maximum minimum fmax fmin sign floor ceil
    trunc isfinite isinf isnan signbit copysign heaviside less less_equal greater greater_equal
    logical_and logical_or logical_not logical_xor bitwise_and bitwise_or bitwise_xor matmul
    prod argmax argmin all any cumsum cumprod where reshape ravel broadcast_to swapaxes
    moveaxis squeeze diagonal trace outer inner dot vdot kron tril triu zeros_like ones_like
    real imag isclose nan_to_num roll count_nonzero vstack hstack stack linalg.inv linalg.det
    linalg.solve linalg.cholesky linalg.eigvalsh linalg.slogdet linalg.matrix_power sinc deg2rad
    rad2deg float_power
"""


class Torch:
    """`torch`'s functions under NumPy's names."""

    name = "torch"

    def __init__(self) -> None:
        self.torch = import_module("torch")
        self.own: dict[str, Callable[..., Any]] = {
            "max": self._largest("amax"), "min": self._largest("amin"), "var": self._spread("var"),
            "std": self._spread("std"), "mean": self._summed("mean"), "sum": self._summed("sum"),
            "transpose": self._transposed, "array": self.array,
            "expand_dims": self._expanded, "zeros": self._made("zeros"), "clip": self._clipped,
            "ones": self._made("ones"), "full": self._made("full"), "arange": self._made("arange"),
            "einsum": self.torch.einsum, "take": self._taken, "sort": self._sorted,
            "argsort": self._argsorted, "flip": self._flipped, "tensordot": self._contracted,
        }  # fmt: skip

    def function(self, name: str) -> Callable[..., Any]:
        if name in self.own:
            return self.own[name]
        if name not in _SAME.split() and name not in _RENAMED:
            raise AttributeError(name)
        path = _RENAMED.get(name, name).split(".")
        return reduce(getattr, path, self.torch)  # type: ignore[return-value]

    def array(self, x: Any) -> Any:
        """Python's numbers stay what they are."""
        if isinstance(x, np.ndarray | np.generic):
            return self.torch.tensor(x, dtype=self._dtype(x.dtype))
        return x

    def is_array(self, x: Any) -> bool:
        return isinstance(x, self.torch.Tensor)

    def numpy(self, x: Any) -> Any:
        return x.detach().cpu().numpy() if self.is_array(x) else x

    def cast(self, x: Any, dtype: np.dtype[Any]) -> Any:
        return self.torch.as_tensor(x, dtype=self._dtype(dtype))

    def _dtype(self, dtype: Any) -> Any:
        return getattr(self.torch, np.dtype(dtype).name)

    def scatter(self, x: Any, key: Any, shape: tuple[int, ...]) -> Any:
        n = prod(shape)
        places = self.torch.arange(n).reshape(shape)[key]
        flat = self.torch.zeros(n, dtype=x.dtype)
        return flat.index_add(0, places.reshape(-1), x.reshape(-1)).reshape(shape)

    def assign(self, x: Any, value: Any, key: Any) -> Any:
        made = x.clone()
        made[key] = value
        return made

    def show(self, format: str, *values: Any) -> None:
        print(format.format(*map(self.numpy, values)))

    def whole(self, run: Callable[..., Any]) -> Callable[..., Any]:
        return run

    # Where arguments differ from NumPy's.

    def _largest(self, name: str) -> Callable[..., Any]:
        function = getattr(self.torch, name)
        return lambda x, axis=None, keepdims=False: function(
            x, () if axis is None else axis, keepdims
        )

    def _spread(self, name: str) -> Callable[..., Any]:
        function = getattr(self.torch, name)
        return lambda x, axis=None, *, ddof=0, keepdims=False: function(
            x, axis, correction=ddof, keepdim=keepdims
        )

    def _summed(self, name: str) -> Callable[..., Any]:
        function = getattr(self.torch, name)
        return lambda x, axis=None, *, keepdims=False: function(
            x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims
        )

    def _made(self, name: str) -> Callable[..., Any]:
        function = getattr(self.torch, name)

        def made(*args: Any, dtype: Any = np.float64) -> Any:
            if name != "arange" and len(args) > 1 and name != "full":
                args, dtype = args[:1], args[1]
            return function(*args, dtype=self._dtype(dtype))

        return made

    def _transposed(self, x: Any, axes: Any = None) -> Any:
        return x.permute(tuple(reversed(range(x.ndim))) if axes is None else tuple(axes))

    def _expanded(self, x: Any, axis: Any) -> Any:
        axes = axis if isinstance(axis, tuple) else (axis,)
        n = x.ndim + len(axes)
        for a in sorted(a % n for a in axes):
            x = x.unsqueeze(a)
        return x

    def _clipped(self, x: Any, low: Any = None, high: Any = None) -> Any:
        return self.torch.clamp(x, low, high)

    def _taken(self, x: Any, places: Any, axis: int) -> Any:
        return x[(slice(None),) * (axis % x.ndim) + (places,)]

    def _sorted(self, x: Any, axis: int = -1) -> Any:
        return self.torch.sort(x, dim=axis).values

    def _argsorted(self, x: Any, axis: int = -1) -> Any:
        return self.torch.argsort(x, dim=axis)

    def _flipped(self, x: Any, axis: Any = None) -> Any:
        every = range(x.ndim) if axis is None else axis
        return self.torch.flip(x, (every,) if isinstance(every, int) else tuple(every))

    def _contracted(self, x: Any, y: Any, axes: Any = 2) -> Any:
        return self.torch.tensordot(x, y, dims=axes)
