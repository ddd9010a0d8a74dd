"""Norms of vectors and matrices, condition numbers.

Kinks: a norm has derivative 0 at 0, as abs has, and by entries that are 0. Of several largest (or
smallest) entries, sums or singular values each takes an equal share. Singular values that are 0
up to rounding have derivative 0 in the nuclear norm and in ord 2 and -2.

ord=0 counts, and is recorded without gradient. `cond` of a singular matrix is infinite in ord 2,
with a gradient of nan or inf; in the other orders it is refused where a gradient is needed.
"""

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.errors import GradientError
from tinygrad_ce.rules.decompositions import svd_factors
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.matrices import precision
from tinygrad_ce.rules.support import astype, conj, kept, ratio, weigh

__all__ = ["RULES", "euclidean", "power_norm"]


@dispatched
def euclidean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The square root of the sum of squares over one, two or all axes.

    >>> euclidean(np.array([3.0, 4.0]))
    np.float64(5.0)
    """
    return np.linalg.norm(x, axis=axis, keepdims=keepdims)


def _euclidean(g: Any, y: Any, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return weigh(conj(x), kept(ratio(g, y), axis, keepdims))


@dispatched
def power_norm(x: Any, p: float, axis: int = 0, keepdims: bool = False) -> Any:
    """(sum |x|^p)^(1/p) along an axis.

    >>> power_norm(np.array([1.0, 8.0]), 3).round(4)
    np.float64(8.0052)
    """
    return np.linalg.norm(x, p, axis=axis, keepdims=keepdims)


def _power_norm(g: Any, y: Any, x: Any, p: Any, axis: Any = 0, keepdims: Any = False) -> Any:
    """g sign(x) (|x| / y)^(p-1)."""
    size = np.abs(x)
    part = ratio(size, kept(y, axis, keepdims)) ** (p - 1)
    return kept(g, axis, keepdims) * weigh(ratio(conj(x), size), part)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if ord is None and axis is None:
        return euclidean(x, keepdims=keepdims)
    axes = _axes(x, axis)
    if len(axes) == 1:
        return _of_vectors(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        norms = _of_matrices(np.moveaxis(x, axes, (-2, -1)), ord)
        return np.expand_dims(norms, axes) if keepdims else norms
    raise ValueError("Improper number of dimensions to norm.")


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes meant, counted from the front; all for None."""
    return normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)


def _of_vectors(x: Any, ord: Any, axis: int, keepdims: Any) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        return euclidean(x, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(astype(np.not_equal(x, 0), np.real(x).dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(np.abs(x), axis=axis, keepdims=keepdims)
    if ord in (np.inf, -np.inf):
        extreme = np.max if ord > 0 else np.min
        return extreme(np.abs(x), axis=axis, keepdims=keepdims)
    return power_norm(x, ord, axis, keepdims)


def _of_matrices(x: Any, ord: Any) -> Any:
    if ord in (None, "fro", "f"):
        return euclidean(x, axis=(-2, -1))
    if ord in (1, -1):
        return _extreme(ord)(np.sum(np.abs(x), axis=-2), axis=-1)
    if ord in (np.inf, -np.inf):
        return _extreme(ord)(np.sum(np.abs(x), axis=-1), axis=-1)
    if ord not in (2, -2, "nuc"):
        raise ValueError("Invalid norm order for matrices.")
    s = svd_factors(x)[1]
    rounding = precision(x) * max(x.shape[-2:]) * s[..., :1]
    s = np.where(s > rounding, s, 0.0)
    return np.sum(s, axis=-1) if ord == "nuc" else _extreme(ord)(s, axis=-1)


def _extreme(ord: Any) -> Any:
    return np.max if ord > 0 else np.min


def _vector_norm(x: Any, *, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    """One axis of all that are summed over."""
    axes = _axes(x, axis)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    flat = np.reshape(np.transpose(x, axes + rest), (-1, *(x.shape[i] for i in rest)))
    norms = _norm(flat, ord, 0)
    return np.expand_dims(norms, axes) if keepdims else norms


def _matrix_norm(x: Any, *, keepdims: Any = False, ord: Any = "fro") -> Any:
    return _norm(x, ord, (-2, -1), keepdims)


def _cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        s = svd_factors(x)[1]
        large, small = s[..., 0], s[..., -1]
        top, bottom = (small, large) if p == -2 else (large, small)
        with np.errstate(divide="ignore"):
            return np.where(np.equal(large, 0), 1.0, top) / bottom  # inf for a matrix of zeros
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError as error:
        raise GradientError(
            f"np.linalg.cond with p={p} was given a singular matrix",
            "the condition number has no derivative there",
            "leave such matrices out, or call it on .detach() of the tensor",
        ) from error
    return _norm(x, p, (-2, -1)) * _norm(inverse, p, (-2, -1))


# fmt: off
RULES: Table = {
    euclidean:             (_euclidean,),
    power_norm:            (_power_norm,),
    np.linalg.norm:        Composed(_norm),
    np.linalg.vector_norm: Composed(_vector_norm),
    np.linalg.matrix_norm: Composed(_matrix_norm),
    np.linalg.cond:        Composed(_cond),
    np.linalg.matrix_rank: None,
}
# fmt: on
