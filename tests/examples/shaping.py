"""The same entries in another arrangement, over every order of memory and kind of axis."""

import numpy as np
from cases import Case, Examples, Untracked, holo, real

from tinygrad_ce.rules import shaping

# fmt: off
EXAMPLES: Examples = {
    np.reshape: [holo(lambda x: np.reshape(x, (4, 3), copy=True), real(3, 4)),
                 holo(lambda x: np.reshape(x, (4, 3)), real(3, 4)),
                 holo(lambda x: np.reshape(x, -1), real(3, 4)),
                 holo(lambda x: np.reshape(x, (2, -1), order="F"), real(3, 4)),
                 holo(lambda x: np.reshape(x, (1, 1)), real()),
                 *(holo(lambda x, k=k: np.reshape(np.copy(x, order=k), (2, 6), order="A"),
                        real(3, 4)) for k in "CF")],
    np.ravel: [holo(np.ravel, real(3, 4)), holo(lambda x: np.ravel(x, order="F"), real(3, 4)),
               *(holo(lambda x, k=k: np.ravel(np.copy(x.T, order=k[0]), order=k[1]), real(3, 4))
                 for k in ("CK", "FK", "CA", "FA"))],
    np.transpose: [holo(np.transpose, real(2, 3, 4)),
                   holo(lambda x: np.transpose(x, (1, 2, 0)), real(2, 3, 4)),
                   holo(lambda x: np.transpose(x, (-1, 0, 1)), real(2, 3, 4))],
    np.swapaxes: [holo(lambda x: np.swapaxes(x, 0, -1), real(2, 3, 4))],
    np.moveaxis: [holo(lambda x: np.moveaxis(x, 0, -1), real(2, 3, 4)),
                  holo(lambda x: np.moveaxis(x, (0, 1), (-1, 0)), real(2, 3, 4))],
    np.squeeze: [holo(np.squeeze, real(1, 3, 1)), holo(lambda x: np.squeeze(x, 0), real(1, 3, 1)),
                 holo(lambda x: np.squeeze(x, axis=(0, -1)), real(1, 3, 1))],
    np.expand_dims: [holo(lambda x, k=k: np.expand_dims(x, k), real(3, 4))
                     for k in (0, -1, (0, 2))],
    np.broadcast_to: [holo(lambda x: np.broadcast_to(x, (2, 3), subok=False), real(3)),
                      holo(lambda x: np.broadcast_to(x, (2, 3, 4)), real(3, 1)),
                      holo(lambda x: np.broadcast_to(x, (3,)), real())],
    np.flip: [holo(lambda x, k=k: np.flip(x, k), real(3, 4)) for k in (None, 0, -1, (0, 1))],
    np.roll: [holo(lambda x: np.roll(x, 2), real(3, 4)),
              holo(lambda x: np.roll(x, -1, axis=1), real(3, 4)),
              holo(lambda x: np.roll(x, (1, 2), axis=(0, -1)), real(3, 4))],
    np.repeat: [holo(lambda x: np.repeat(x, 2), real(3, 4)),
                holo(lambda x: np.repeat(x, 3, axis=0), real(3, 4)),
                holo(lambda x: np.repeat(x, [1, 0, 2], axis=0), real(3, 4)),
                holo(lambda x: np.repeat(x, 2, axis=-1), real(3, 4))],
    np.tile: [holo(lambda x, r=r: np.tile(x, r), real(3, 4)) for r in (2, (2, 1), (2, 1, 3))],
    np.copy: [holo(lambda x: np.copy(x, order="F", subok=True), real(3, 4)),
              holo(np.copy, real(3, 4)), holo(np.copy, real()),
              holo(lambda x: np.copy(x.T, order="C"), real(3, 4))],
    np.fliplr: [holo(np.fliplr, real(3, 4))],
    np.flipud: [holo(np.flipud, real(3, 4)), holo(np.flipud, real(3))],
    np.rot90: [holo(lambda x, k=k, a=a: np.rot90(x, k, a), real(2, 3, 4))
               for k in (0, 1, 2, 3, -1, 6) for a in ((0, 1), (1, 0), (2, 0), (-1, -3))],
    np.rollaxis: [holo(lambda x, k=k, n=n: np.rollaxis(x, k, n), real(2, 3, 4))
                  for k in (0, 2, -1, 1) for n in (0, 1, 2, 3, -1)],
    np.matrix_transpose: [holo(np.matrix_transpose, real(2, 3, 4))],
    np.linalg.matrix_transpose: [holo(np.linalg.matrix_transpose, real(3, 4))],
    np.stack: [holo(lambda a, b, k=k: np.stack([a, b, a], axis=k), real(2, 3), real(2, 3))
               for k in (0, 1, -1)]
              + [Case(lambda a, b: np.stack((a, b), dtype=np.float64), real(2), real(2),
                      single=False)],
}
UNTRACKED: Untracked = {
    shaping.layout: lambda x, n: shaping.layout(x),
}
# fmt: on
