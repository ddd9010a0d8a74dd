"""Inverses, linear systems, least squares, determinants, powers and chains of matrices.

The gradient of `det` is the matrix of cofactors, which is finite at singular matrices: it and its
own derivative are right at every rank. A third derivative needs an invertible matrix, and raises
`LinAlgError` elsewhere, as `inv` does.

`slogdet` at a singular matrix is -inf, and its gradient nan; 0 where none arrives.

`pinv` and `lstsq` jump where the rank changes; their gradient is that among matrices of the same
rank (Golub and Pereyra 1973). `pinv(hermitian=True)` reads the lower triangle, and so the
gradient is 0 above the diagonal.

Powers to 0 are constant.
"""

import operator
from functools import cache
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array, detached, dispatched, is_plain
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.matrices import (
    absent,
    adjoint,
    as_columns,
    diagonal_of,
    of_triangle,
    precision,
    transposed,
)
from tinygrad_ce.rules.support import conj, sum_to, weigh

__all__ = ["RULES", "cofactors", "cofactors_along"]


def _inv(g: Any, y: Any, a: Any) -> Any:
    """-Y^T g Y^T, since d(A^-1) = -A^-1 dA A^-1."""
    y = transposed(y)
    return -(y @ g @ y)


def _solve_by_matrix(g: Any, y: Any, a: Any, b: Any) -> Any:
    """-A^-T g y^T, since dy = -A^-1 dA y."""
    back = np.linalg.solve(transposed(a), as_columns(g, b))
    return sum_to(-(back @ transposed(as_columns(y, b))), a.shape)


def _solve_by_right_side(g: Any, y: Any, a: Any, b: Any) -> Any:
    """A^-T g."""
    back = np.linalg.solve(transposed(a), as_columns(g, b))
    return sum_to(back[..., 0] if b.ndim == 1 else back, b.shape)


def _pinv(
    g: Any, y: Any, a: Any, rcond: Any = None, hermitian: Any = False, *, rtol: Any = None
) -> Any:
    """dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P."""
    if hermitian:
        a = diagonal_of(np.real(a)) + _below(a) + adjoint(_below(a))
    g, p = conj(g), adjoint(y)  # p = P^H
    h = adjoint(g)
    by_a = -(p @ g @ p)
    by_a = by_a + (h - (a @ y) @ h) @ y @ p + p @ y @ (h - (h @ y) @ a)
    return of_triangle(conj(by_a), False) if hermitian else conj(by_a)


def _below(a: Any) -> Any:
    return np.where(np.tri(a.shape[-1], k=-1, dtype=bool), a, 0.0)


def _lstsq_by_matrix(g: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    """The derivative of P b as in `pinv`, of |b - A x|^2, and of the singular values."""
    x, left, p = as_columns(y[0], b), _left(y, a, b), _same_rank(a, rcond)
    g_x, back = as_columns(conj(g[0]), b), adjoint(p)
    by_a = (
        (back @ x) @ adjoint(g_x - p @ (a @ g_x))
        + left @ adjoint(p @ (back @ g_x))
        - (back @ g_x) @ adjoint(x)
    )
    if g[1].size:
        by_a = by_a - 2 * (left * g[1]) @ adjoint(x)
    if not absent(g[3]):
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        by_a = by_a + (u * g[3]) @ vh
    return conj(by_a)


def _lstsq_by_right_side(g: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    by_b = adjoint(_same_rank(a, rcond)) @ as_columns(conj(g[0]), b)
    if g[1].size:
        by_b = by_b + 2 * _left(y, a, b) * g[1]
    return conj(by_b[:, 0] if b.ndim == 1 else by_b)


def _left(y: Any, a: Any, b: Any) -> Any:
    """b - A x."""
    return as_columns(b, b) - a @ as_columns(y[0], b)


def _same_rank(a: Any, rcond: Any) -> Any:
    """The pseudo-inverse that drops the singular values that lstsq dropped."""
    eps = precision(a)
    if rcond is None:
        rcond = eps * max(a.shape)
    return np.linalg.pinv(a, eps if rcond < 0 else rcond)


@dispatched
def cofactors(a: Any) -> Any:
    """The derivatives of the determinants of square matrices by each entry, at any rank.

    det(A) A^-T where A is invertible. From A = U S V^H it is det(U V^H) conj(U) cof(S) conj(V^H),
    and the cofactors of a diagonal are products of the other entries.

    >>> cofactors(np.array([[1.0, 2.0], [3.0, 4.0]])).round(9)
    array([[ 4., -3.],
           [-2.,  1.]])
    >>> cofactors(np.zeros((1, 1)))
    array([[1.]])
    """
    # LU's errors in the inverse and in the determinant cancel, nearly down to singular matrices.
    inverse = _safe_inverse(a, precision(a) ** -0.5)
    if inverse is not None:
        return _stacked(np.linalg.det(a)) * transposed(inverse)
    u, s, vh = np.linalg.svd(a)
    others = np.prod(np.where(np.eye(s.shape[-1], dtype=bool), 1.0, s[..., None, :]), axis=-1)
    return _stacked(np.linalg.det(u @ vh)) * ((conj(u) * others[..., None, :]) @ conj(vh))


@dispatched
def cofactors_along(x: Any, a: Any) -> Any:
    """The derivative of `cofactors(a)` along x, at any rank: det''(A)[x, .].

    det(A) (tr(A^-1 x) A^-1 - A^-1 x A^-1)^T where A is invertible; from A = U S V^H as there.

    >>> cofactors_along(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))).round(9)
    array([[ 4., -3.],
           [-2.,  1.]])
    """
    inverse = _safe_inverse(a, precision(a) ** -0.25)  # two terms of 1 / s^2 cancel
    if inverse is not None:
        p = inverse @ x
        return _stacked(np.linalg.det(a)) * transposed(_trace(p) * inverse - p @ inverse)
    u, s, vh = np.linalg.svd(a)
    inner = adjoint(u) @ x @ adjoint(vh)
    pairs = _products_without_two(s)
    along = pairs @ np.diagonal(inner, 0, -2, -1)[..., None]
    turned = along * np.eye(s.shape[-1], dtype=s.dtype) - pairs * transposed(inner)
    return _stacked(np.linalg.det(u @ vh)) * (conj(u) @ turned @ conj(vh))


def _cofactors_along_by_matrix(g: Any, y: Any, x: Any, a: Any) -> Any:
    """det'''(A)[x, g, .], with p = A^-1 x and q = A^-1 g."""
    inverse = np.linalg.inv(a)
    p, q = inverse @ x, inverse @ g
    one = np.eye(a.shape[-1], dtype=a.dtype)
    inner = (_trace(p) * _trace(q) - _trace(p @ q)) * one + p @ q + q @ p
    inner = inner - _trace(q) * p - _trace(p) * q
    return _stacked(np.linalg.det(a)) * transposed(inner @ inverse)


def _safe_inverse(a: Any, limit: float) -> Any:
    """The inverse, or None where the condition number of one of the matrices passes the limit."""
    if not is_plain(detached(a)):  # not known yet, or far away
        return None
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    condition = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return None if np.any(condition > limit) else inverse


def _products_without_two(s: Any) -> Any:
    """At (i, j) the product of all s_k but s_i and s_j; 0 on the diagonal. Nothing is divided."""
    n = s.shape[-1]
    i, j = np.ogrid[:n, :n]
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], axis=-1), axis=-1)
    turned = s[..., ::-1]
    behind = np.cumprod(np.concatenate([ones, turned[..., :-1]], axis=-1), axis=-1)[..., ::-1]
    between = np.cumprod(np.where(j > i + 1, np.roll(s, 1, axis=-1)[..., None, :], 1.0), axis=-1)
    upper = np.where(j > i, before[..., :, None] * between * behind[..., None, :], 0.0)
    return upper + transposed(upper)


def _trace(x: Any) -> Any:
    return np.sum(diagonal_of(x), axis=(-2, -1), keepdims=True)


def _stacked(numbers: Any) -> Any:
    """A number for each matrix, with the axes of the matrices."""
    return np.expand_dims(numbers, (-2, -1))


def _slogdet(g: Any, y: Any, a: Any) -> Any:
    """g A^-T: the logarithm by its modulus; by its phase, where the sign is complex."""
    g_sign, g_log = g
    sign = y[0]
    if np.iscomplexobj(a):
        g_log = g_log + 1j * np.imag(g_sign * sign)
    singular = _stacked(np.equal(sign, 0))
    invertible = np.where(singular, np.eye(a.shape[-1], dtype=a.dtype), a)
    inverse = np.where(singular, np.nan, transposed(np.linalg.inv(invertible)))
    return weigh(_stacked(g_log), inverse)


def _matrix_power(a: Any, n: int) -> Any:
    """By squaring: a product for each binary digit, and one for each that is 1."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    square, digits = (a if n > 0 else np.linalg.inv(a)), abs(operator.index(n))
    power = None
    while True:
        digits, odd = divmod(digits, 2)
        if odd:
            power = square if power is None else power @ square
        if not digits:
            return power
        square = square @ square


def _multi_dot(arrays: Any) -> Any:
    """The chain in the order that takes the fewest multiplications."""
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    arrays = [as_array(a) for a in arrays]
    first, last = arrays[0], arrays[-1]
    chain = [
        np.expand_dims(first, 0) if first.ndim == 1 else first,
        *arrays[1:-1],
        np.expand_dims(last, 1) if last.ndim == 1 else last,
    ]
    if any(a.ndim != 2 for a in chain):
        raise np.linalg.LinAlgError("multi_dot takes matrices, and vectors at the two ends")
    if any(a.shape[1] != b.shape[0] for a, b in pairwise(chain)):
        raise ValueError("shapes not aligned")
    n = (chain[0].shape[0], *(a.shape[1] for a in chain))

    @cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """The cost of the factors i to j, and the last factor of the left part."""
        if i == j:
            return 0, i
        return min(
            (cheapest(i, k)[0] + cheapest(k + 1, j)[0] + n[i] * n[k + 1] * n[j + 1], k)
            for k in range(i, j)
        )

    def product(i: int, j: int) -> Any:
        k = cheapest(i, j)[1]
        return chain[i] if i == j else product(i, k) @ product(k + 1, j)

    result = product(0, len(chain) - 1)
    result = result[0] if first.ndim == 1 else result
    return result[..., 0] if last.ndim == 1 else result


def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    first, last = a.shape[:ind], a.shape[ind:]
    return np.reshape(np.linalg.inv(np.reshape(a, (prod(first), prod(last)))), last + first)


def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    if axes is not None:
        others = [i for i in range(a.ndim) if i not in axes]
        a = np.transpose(a, (*others, *axes))
    shape = a.shape[b.ndim :]
    n = prod(shape)
    if a.size != n * n:
        raise np.linalg.LinAlgError("a is no square matrix in the axes of b and the others")
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)


# fmt: off
RULES: Table = {
    np.linalg.inv:          (_inv,),
    np.linalg.pinv:         (_pinv,),
    np.linalg.solve:        (_solve_by_matrix, _solve_by_right_side),
    np.linalg.lstsq:        (_lstsq_by_matrix, _lstsq_by_right_side),
    np.linalg.det:          (lambda g, y, a: _stacked(g) * cofactors(a),),
    cofactors:              (lambda g, y, a: cofactors_along(g, a),),
    cofactors_along:        (lambda g, y, x, a: cofactors_along(g, a),
                             _cofactors_along_by_matrix),
    np.linalg.slogdet:      (_slogdet,),
    np.linalg.matrix_power: Composed(_matrix_power),
    np.linalg.multi_dot:    Composed(_multi_dot),
    np.linalg.tensorinv:    Composed(_tensorinv),
    np.linalg.tensorsolve:  Composed(_tensorsolve),
}
# fmt: on
