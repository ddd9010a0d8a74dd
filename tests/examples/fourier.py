"""Every transform of `numpy.fft`: lengths padded and cut, axes also twice, each normalization.

Results and operands are turned by 1 + 2j, so that real and imaginary parts both count.
"""

from typing import Any

import numpy as np
from cases import Case, Examples, holo, real

FFT: list[Any] = [
    (None, -1, None),
    (3, 1, "ortho"),
    (6, 0, "forward"),
    (1, -1, "backward"),
    (2, 0, "forward"),
    (7, 1, None),
]
FFTN: list[Any] = [
    (None, None, None),
    (None, (0, 1), "ortho"),
    ((3, 5), (-1, 0), "forward"),
    ((2, -1), (1, 0), None),
    ((4, 1), (0, 0), "backward"),
]

# fmt: off
EXAMPLES: Examples = {
    **{f: [Case(lambda x, f=f, n=n, k=k, m=m: np.real((1 + 2j) * f(x, n, k, m)), real(3, 4))
           for n, k, m in FFT] for f in (np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.ihfft)},
    **{f: [Case(lambda x, f=f, n=n, k=k, m=m: f((1 + 2j) * x, n, k, m), real(3, 4))
           for n, k, m in FFT] for f in (np.fft.irfft, np.fft.hfft)},
    **{f: [Case(lambda x, f=f, s=s, k=k, m=m: np.real((1 + 2j) * f(x, s, k, m)), real(3, 4, 2))
           for s, k, m in FFTN]
          for f in (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.fft2, np.fft.ifft2,
                    np.fft.rfft2)},
    **{f: [Case(lambda x, f=f, s=s, k=k, m=m: f((1 + 2j) * x, s, k, m), real(3, 4, 2))
           for s, k, m in FFTN] for f in (np.fft.irfftn, np.fft.irfft2)},
    **{f: [holo(lambda x, f=f, k=k: f(x, k), real(3, 4)) for k in (None, 0, -1, (1, 0), (1,))]
       for f in (np.fft.fftshift, np.fft.ifftshift)},
}
# fmt: on
