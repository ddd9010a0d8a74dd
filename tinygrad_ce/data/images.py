"""Real images that come with other packages: scikit-learn's digits, Debian's Fashion-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.data.files import Examples, read_mnist
from tinygrad_ce.optional import Library
from tinygrad_ce.saving import check_path

__all__ = ["digits", "fashion_classes", "fashion_mnist"]

fashion_classes = (
    "T-shirt", "trousers", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip

DEBIAN = Path("/usr/share/datasets/fashion-mnist")

_datasets = Library(
    "sklearn.datasets", "scikit-learn", "the digits come with it", "sklearn"
)  # fmt: skip


def digits(dtype: DTypeLike = np.float64) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Scikit-learn's 1797 handwritten digits: images x (1797, 8, 8) from 0 to 1, classes t (1797,).

    Raises:
        MissingError: scikit-learn is not installed.

    >>> x, t = digits(np.float32)
    >>> x.shape, x.dtype, float(x.max()), t[:5].tolist()
    ((1797, 8, 8), dtype('float32'), 1.0, [0, 1, 2, 3, 4])
    """
    found = _datasets.load_digits()
    return (found.images / 16).astype(dtype), found.target.astype(np.int64)


def fashion_mnist(folder: str | Path = DEBIAN) -> tuple[Examples, Examples]:
    """Fashion-MNIST: 60,000 images to train on and 10,000 to test on, `(x, t), (x_test, t_test)`.

    Xiao, Rasul and Vollgraf (2017), MIT licence. `fashion_classes` names the ten kinds.

    Args:
        folder: where its four files are; where Debian puts them by default.

    Returns:
        Images x (n, 28, 28) uint8, 255 is bright, and classes t (n,) int64, each twice.

    Raises:
        FileNotFoundError: they are not there.
        FileError: one is damaged.
    """
    check_path(folder, "folder")
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {folder}. Fashion-MNIST is read from its four IDX files. On "
            "Debian and Ubuntu install them by sudo apt install dataset-fashion-mnist; elsewhere "
            "fetch them from github.com/zalandoresearch/fashion-mnist, and pass the folder."
        )
    return read_mnist(folder)
