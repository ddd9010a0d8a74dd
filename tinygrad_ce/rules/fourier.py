"""NumPy's discrete Fourier transforms, `numpy.fft`.

The matrix of `fft` is symmetric, so `fft` is its own transpose, and `ifft` too. An input that is
cut off or continued with zeros to n entries sends its gradient back the other way round.

`rfft` and `irfft` are each other's transpose but for a conjugate and a factor 2: an entry of the
half spectrum stands for itself and its mirror image, except the first one and, for even n, the
last one. `irfft` reads only the real parts of these two; no gradient flows to their imaginary ones.
"""

from typing import Any

import numpy as np

from tinygrad_ce.rules.indexing import scatter
from tinygrad_ce.rules.kinds import Composed, Table
from tinygrad_ce.rules.support import axes_of, conj, laid_along

__all__ = ["RULES"]

# The norm with which the inverse transform divides as this one does.
_INVERSE: dict[Any, Any] = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}


def _resized(x: Any, n: int, axis: int) -> Any:
    """x cut off, or continued with zeros, to n entries along the axis."""
    old = x.shape[axis]
    if n == old:
        return x
    part = (slice(None),) * (axis % x.ndim) + (slice(min(n, old)),)
    if n < old:
        return x[part]
    shape = list(x.shape)
    shape[axis] = n
    return scatter(x, part, tuple(shape))


def _images(n: int, axis: int, like: Any) -> Any:
    """How many entries of a real signal's spectrum of length n each of its first half stands for.

    1, 2, 2, ... 2, with a last 1 for even n, in the dtype and along an axis of `like`.
    """
    counts = np.full(n // 2 + 1, 2, like.dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return laid_along(counts, axis, like.ndim)


def _fft(g: Any, y: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _resized(np.fft.fft(g, axis=axis, norm=norm), a.shape[axis], axis)


def _ifft(g: Any, y: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return _resized(np.fft.ifft(g, axis=axis, norm=norm), a.shape[axis], axis)


def _rfft(g: Any, y: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    """Re sum_k g_k exp(-2 pi i j k / n): irfft adds each entry's mirror image, so it gets half."""
    n = a.shape[axis] if n is None else n
    x = np.fft.irfft(conj(g) / _images(n, axis, g), n, axis, _INVERSE[norm])
    return _resized(x, a.shape[axis], axis)


def _irfft(g: Any, y: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    n = y.shape[axis]
    spectrum = conj(np.fft.rfft(g, n, axis, _INVERSE[norm])) * _images(n, axis, g)
    return _resized(spectrum, a.shape[axis], axis)


def _hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return np.fft.irfft(np.conjugate(a), n, axis, _INVERSE[norm])


def _ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None) -> Any:
    return np.conjugate(np.fft.rfft(a, n, axis, _INVERSE[norm]))


def _steps(a: Any, s: Any, axes: Any) -> list[tuple[Any, int]]:
    """The (length, axis) of each one-dimensional transform; a length of -1 is the axis's own."""
    if axes is None:
        axes = range(-(a.ndim if s is None else len(s)), 0)
    lengths = [-1] * len(axes) if s is None else s
    if len(lengths) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [(a.shape[i] if n == -1 else n, i) for n, i in zip(lengths, axes)]


def _fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    for n, axis in reversed(_steps(a, s, axes)):
        a = np.fft.fft(a, n, axis, norm)
    return a


def _ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    for n, axis in reversed(_steps(a, s, axes)):
        a = np.fft.ifft(a, n, axis, norm)
    return a


def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    *steps, (n, axis) = _steps(a, s, axes)
    a = np.fft.rfft(a, n, axis, norm)
    for n, axis in reversed(steps):
        a = np.fft.fft(a, n, axis, norm)
    return a


def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    *steps, (last, last_axis) = _steps(a, s, axes)
    for n, axis in steps:
        a = np.fft.ifft(a, n, axis, norm)
    return np.fft.irfft(a, None if s is None else last, last_axis, norm)


def _fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _fftn(a, s, axes, norm)


def _ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _ifftn(a, s, axes, norm)


def _rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _rfftn(a, s, axes, norm)


def _irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None) -> Any:
    return _irfftn(a, s, axes, norm)


def _fftshift(x: Any, axes: Any = None) -> Any:
    axes = axes_of(axes, x.ndim, allow_duplicate=True)
    return np.roll(x, tuple(x.shape[i] // 2 for i in axes), axes)


def _ifftshift(x: Any, axes: Any = None) -> Any:
    axes = axes_of(axes, x.ndim, allow_duplicate=True)
    return np.roll(x, tuple(-(x.shape[i] // 2) for i in axes), axes)


# fmt: off
RULES: Table = {
    np.fft.fft:       (_fft,),
    np.fft.ifft:      (_ifft,),
    np.fft.rfft:      (_rfft,),
    np.fft.irfft:     (_irfft,),
    np.fft.hfft:      Composed(_hfft),
    np.fft.ihfft:     Composed(_ihfft),
    np.fft.fftn:      Composed(_fftn),
    np.fft.ifftn:     Composed(_ifftn),
    np.fft.rfftn:     Composed(_rfftn),
    np.fft.irfftn:    Composed(_irfftn),
    np.fft.fft2:      Composed(_fft2),
    np.fft.ifft2:     Composed(_ifft2),
    np.fft.rfft2:     Composed(_rfft2),
    np.fft.irfft2:    Composed(_irfft2),
    np.fft.fftshift:  Composed(_fftshift),
    np.fft.ifftshift: Composed(_ifftshift),
}
# fmt: on
