"""Cholesky, QR, singular values, eigenvalues.

What is read. `cholesky`, `eigh` and `eigvalsh` read one triangle of their argument, and of a
complex diagonal the real part. The gradient is that of NumPy's function: what stands in the other
triangle changes nothing, and has gradient 0. To differentiate by a symmetric matrix, hand them
(x + x.T) / 2; the gradient by x is then symmetric, as JAX and PyTorch give it.

Freedom. Eigenvectors and singular vectors are fixed up to a factor of modulus 1, which for real
ones is a sign and changes no derivative. Of complex ones only losses have a gradient that do not
depend on the factor: |v|, v v^H, u and v together. An exception is `eig`: LAPACK makes the columns
of norm 1 and their largest entry real, the gradient knows, and every loss has one.
In R of `qr` the diagonal is real, which fixes all.

Equal values. Vectors of equal eigenvalues (or singular values) have no derivative: a gradient that
reaches them gives nan, where values alone, or vectors of single values, get what is right. A
function of the matrix, such as V exp(w) V^H, has a derivative there which the vectors do not
know: with 0/0 taken for 0 it would be wrong without a word. Equal is what differs by less than
rounding. The extra columns of svd's full_matrices=True share the value 0; where there are two or
more, second derivatives by vectors need full_matrices=False. A gradient of exactly 0 is taken at
its word: V exp(w) V^-1 at the identity does not change with V, and so no nan warns there.
Without a basis of eigenvectors there is no gradient through `eig` and `eigvals`: nan, or
LinAlgError. `eigvals` has the order of `eig`, which in large matrices may not be that of NumPy's
`eigvals`.

`qr` needs linearly independent columns (its first ones, where it has more columns than rows).
The modes raw, and complete with more rows than columns, are refused: the columns of Q that R does
not touch are an arbitrary basis.

Gradients of complex matrices follow the convention of the package: df/dx - i df/dy. In the rules
below, names such as `by_u` are its conjugate, so that the formulas are those of the literature:
Giles 2008 (An extended collection of matrix derivative results), Murray 2016 (Differentiation of
the Cholesky decomposition), Townsend 2016 (Differentiating the singular value decomposition),
Boeddeker and others 2017 (complex eigenvalues), Walter and Lehmann 2010 (QR).
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import dispatched
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.matrices import (
    absent,
    adjoint,
    diagonal_of,
    guarded,
    of_triangle,
    over_gaps,
    precision,
    transposed,
)
from tinygrad_ce.rules.support import conj, ratio

__all__ = ["RULES", "qr_factors", "svd_factors"]

_SVD: Any = type(np.linalg.svd(np.ones((1, 1))))  # the named tuples that NumPy answers with
_QR: Any = type(np.linalg.qr(np.ones((1, 1))))


def _cholesky(g: Any, y: Any, a: Any, *, upper: Any = False) -> Any:
    """L^-H phi(L^H G) L^-1, phi the lower triangle with half the diagonal."""
    factor, g = (adjoint(y), adjoint(g)) if upper else (y, g)
    n = a.shape[-1]
    inner = (transposed(factor) @ g) * (np.tri(n) - np.eye(n) / 2).astype(a.dtype)
    inverse = np.linalg.inv(factor)
    return of_triangle(transposed(inverse) @ inner @ conj(inverse), upper)


def _eigh(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:  # noqa: N803  NumPy's own name
    """V (diag(G_w) + (V^H G_V)_ij / (w_j - w_i)) V^H."""
    values, vectors = y
    left = conj(vectors) * np.expand_dims(g[0], -2)
    if not absent(g[1]):
        left = left + conj(vectors) @ over_gaps(transposed(vectors) @ g[1], values, g[1])
    return of_triangle(left @ transposed(vectors), UPLO.upper() == "U")


def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:  # noqa: N803
    return np.linalg.eigh(a, UPLO)[0]


def _eig(g: Any, y: Any, a: Any) -> Any:
    """V^-T (diag(g_w) + (V^T h)_ij / (w_j - w_i)) V^T, h the gradient by columns of any length."""
    values, vectors = y
    back = transposed(vectors)
    inner = np.expand_dims(g[0], -1) * transposed(guarded(vectors, values))
    if not absent(g[1]):
        by_vectors = _of_any_length(g[1], vectors)
        inner = inner + over_gaps(back @ by_vectors, values, by_vectors) @ back
    inverse = np.linalg.inv(back)
    condition = _size(back) * _size(inverse)
    return np.where(condition > 0.1 / precision(values), np.nan, inverse @ inner)


def _size(x: Any) -> Any:
    return np.sqrt(np.sum(np.abs(x) ** 2, axis=(-2, -1), keepdims=True))


def _of_any_length(g: Any, vectors: Any) -> Any:
    """The gradient by columns that are then brought to norm 1 and a real largest entry.

    g - Re(g.v) conj(v) - i Im(g.v) / v_k e_k, where v_k is that entry.
    """
    along = np.sum(g * vectors, axis=-2, keepdims=True)
    if not np.iscomplexobj(vectors):
        return g - along * vectors
    # Of entries of the same modulus it is the one that LAPACK made real.
    rank = np.abs(vectors) * (1.0 + np.equal(np.imag(vectors), 0))
    rows = np.expand_dims(np.arange(vectors.shape[-1]), -1)
    largest = np.equal(rows, np.expand_dims(np.argmax(rank, axis=-2), -2))
    turned = ratio(np.where(largest, 1j * np.imag(along), 0.0), vectors)
    return g - np.real(along) * conj(vectors) - turned


def _eigvals(a: Any) -> Any:
    return np.linalg.eig(a)[0]


@dispatched
def svd_factors(a: Any, full_matrices: bool = False) -> Any:
    """`np.linalg.svd` with its vectors.

    >>> svd_factors(np.array([[0.0, 2.0]])).S
    array([2.])
    """
    return np.linalg.svd(a, full_matrices=full_matrices)


def _svd_factors(g: Any, y: Any, a: Any, full_matrices: Any = False) -> Any:
    """U P V^H + (1 - U U^H) G_U S^-1 V^H + U S^-1 G_V^H (1 - V V^H), where P is diag(G_S) and

    P_ij = ((D + E)_ij / (s_j - s_i) + (D - E)_ij / (s_j + s_i)) / 2,
    D = U^H G_U - G_U^H U, E = V^H G_V - G_V^H V.
    """
    u, s, vh = y
    k = s.shape[-1]
    if absent(g[0]) and absent(g[2]):
        return conj(u[..., :k]) * np.expand_dims(g[1], -2) @ conj(vh[..., :k, :])
    v, by_u, by_v = adjoint(vh), conj(g[0]), transposed(g[2])
    u, by_u, beside_u = _split(u, by_u, k)
    v, by_v, beside_v = _split(v, by_v, k)
    in_u, in_v = adjoint(u) @ by_u, adjoint(v) @ by_v
    apart = over_gaps(in_u, s, by_u) + over_gaps(in_v, s, by_v)
    sums = np.expand_dims(s, -2) + np.expand_dims(s, -1)
    inner = apart + adjoint(apart) + ratio(in_u - adjoint(in_u) - in_v + adjoint(in_v), sums)
    inner = inner / 2 + np.expand_dims(g[1], -2) * np.eye(k, dtype=s.dtype)
    back = u @ inner @ adjoint(v)
    if a.shape[-2] > k:
        back = back + ratio(by_u - u @ in_u - beside_u, np.expand_dims(s, -2)) @ adjoint(v)
    if a.shape[-1] > k:
        back = back + u @ adjoint(ratio(by_v - v @ in_v - beside_v, np.expand_dims(s, -2)))
    return conj(back)


def _split(u: Any, by_u: Any, k: int) -> tuple[Any, Any, Any]:
    """The first k columns, their gradient, and what the other columns' gradient takes off it.

    With U = (U_1, U_2): dU_2 = -U_1 (U_2^H dU_1)^H, and so U_2 (G_2^H U_1).
    """
    if u.shape[-1] == k:
        return u, by_u, 0.0
    first, others, by_others = u[..., :k], u[..., k:], by_u[..., k:]
    beside = adjoint(by_others) @ first
    if not absent(by_others):
        zeros = np.zeros(others.shape[-1], beside.dtype)  # the singular value that they share
        mixed = over_gaps(adjoint(others) @ by_others, zeros, by_others)
        beside = beside + np.sum(mixed, axis=-1, keepdims=True)
    return first, by_u[..., :k], others @ beside


def _svd(a: Any, full_matrices: Any = True, compute_uv: Any = True, hermitian: Any = False) -> Any:
    if not hermitian:
        return svd_factors(a, full_matrices) if compute_uv else svd_factors(a, False)[1]
    values, vectors = np.linalg.eigh(a)
    size = np.abs(values)
    falling = np.flip(np.argsort(size, axis=-1), -1)
    size = np.take_along_axis(size, falling, -1)
    if not compute_uv:
        return size
    signs = np.expand_dims(np.take_along_axis(np.sign(values), falling, -1), -2)
    vectors = np.take_along_axis(vectors, np.expand_dims(falling, -2), -1)
    return _SVD(vectors, size, adjoint(vectors * signs))


def _svdvals(x: Any) -> Any:
    return svd_factors(x, False)[1]


@dispatched
def qr_factors(a: Any) -> Any:
    """`np.linalg.qr` in its mode reduced.

    >>> qr_factors(np.array([[-2.0]])).R
    array([[-2.]])
    """
    return np.linalg.qr(a)


def _qr_factors(g: Any, y: Any, a: Any) -> Any:
    """(G_Q - Q Q^H G_Q + Q T) R^-H, where T = G_R R^H + low(B - B^H) + i Im diag(B) and

    B = Q^H G_Q - G_R R^H. Where there are more columns than rows, A = (A_1, A_2) = Q (R_1, R_2)
    and R_2 = Q^H A_2.
    """
    q, r = y
    by_q, by_r = conj(g[0]), conj(g[1])
    k = q.shape[-1]
    others = by_r[..., k:]
    if a.shape[-1] > k:
        by_q = by_q + a[..., k:] @ adjoint(others)
        r, by_r = r[..., :k], by_r[..., :k]
    in_q, in_r = adjoint(q) @ by_q, by_r @ adjoint(r)
    low = np.tri(k, k=-1, dtype=bool)
    mixed = in_q - in_r
    inner = np.where(low, mixed - adjoint(mixed), 0.0) + in_r
    if np.iscomplexobj(inner):
        inner = inner + diagonal_of(1j * np.imag(mixed))
    back = q @ inner
    if a.shape[-2] > k:
        back = back + by_q - q @ in_q
    back = adjoint(np.linalg.solve(r, adjoint(back)))
    if a.shape[-1] > k:
        back = np.concatenate([back, q @ others], axis=-1)
    return conj(back)


def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode == "r":
        return qr_factors(a)[1]
    if mode == "reduced" or (mode == "complete" and a.shape[-2] <= a.shape[-1]):
        return qr_factors(a)
    raise UnsupportedError(
        f"np.linalg.qr was called with mode={mode!r} on shape {a.shape}",
        "gradients flow through the modes reduced and r, and through complete for no more rows "
        "than columns",
        "use the mode reduced",
    )


# fmt: off
RULES: Table = {
    np.linalg.cholesky: (_cholesky,),
    np.linalg.eigh:     (_eigh,),
    np.linalg.eigvalsh: Composed(_eigvalsh),
    np.linalg.eig:      (_eig,),
    np.linalg.eigvals:  Composed(_eigvals),
    svd_factors:        (_svd_factors,),
    np.linalg.svd:      Composed(_svd),
    np.linalg.svdvals:  Composed(_svdvals),
    qr_factors:         (_qr_factors,),
    np.linalg.qr:       Composed(_qr),
}
# fmt: on
