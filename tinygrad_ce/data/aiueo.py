"""あいうえお: five hiragana in 64 free type designs, to train a first classifier on.

``aiueo()`` reads the images, ``.split()`` holds whole type families back for the test, and
``augment()`` turns few images into many. NumPy only, and nothing is read before ``aiueo()`` is
called. ``examples/make_aiueo.py`` drew the images and names the source and licence of each design.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.errors import OptionError, ShapeError
from tinygrad_ce.options import number
from tinygrad_ce.randomness import seeded

__all__ = ["Aiueo", "aiueo", "augment"]

BLOCK = 256  # images warped at once: their coordinates and weights then stay in the cache


@dataclass(frozen=True, eq=False, repr=False)
class Aiueo:
    """Images of あ い う え お, and what is known of each: row i of every array tells of image i.

    It is *type*, not handwriting: a few designs are brush or pen faces, but each was drawn once,
    as a font, and its kana look the same every time.

    ``images`` (n, 28, 28) uint8, 255 is ink and 0 is ground; ``labels`` (n,) int64, an index into
    ``kana``; ``families``, ``designs``, ``licences`` (SPDX names, or "public-domain") and
    ``sources`` ("debian:PACKAGE" or "npm:PACKAGE") are (n,) arrays of str.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    families: NDArray[np.str_]
    designs: NDArray[np.str_]
    licences: NDArray[np.str_]
    sources: NDArray[np.str_]

    kana: ClassVar[str] = "あいうえお"

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        designs, families = len(np.unique(self.designs)), len(np.unique(self.families))
        return f"<Aiueo: {len(self)} images, {designs} designs, {families} families>"

    def split(self, test_families: int | float = 0.2, seed: int = 0) -> tuple[Aiueo, Aiueo]:
        """Split into (train, test) so that every type family is wholly on one side.

        ``test_families`` is the number of families to hold back (an int) or their share of all
        families (a float between 0 and 1); ``seed`` chooses which. Weights of one typeface are
        near copies, so a split by image or by design would test on what was trained on.

        Raises OptionError where train or test would get no family.

        >>> train, test = aiueo().split(test_families=7, seed=0)
        >>> train, test
        (<Aiueo: 270 images, 54 designs, 28 families>, <Aiueo: 50 images, 10 designs, 7 families>)
        """
        names = np.unique(self.families)
        if not isinstance(test_families, float):
            number("test_families", test_families)
        share = 0 < test_families < 1
        count = round(test_families * len(names)) if share else test_families
        if not 0 < count < len(names) or count % 1:
            raise OptionError(
                f"test_families={test_families!r} means {count} of {len(names)} families",
                "train and test need at least one each",
                f"ask for 1 to {len(names) - 1}, or for a share such as 0.2",
            )
        held = np.isin(self.families, seeded(seed).permutation(names)[: int(count)])
        return self._where(~held), self._where(held)

    def _where(self, mask: NDArray[np.bool_]) -> Aiueo:
        return Aiueo(**{name: column[mask] for name, column in vars(self).items()})


def aiueo() -> Aiueo:
    """Read the data set: 320 images, the five kana in each of 64 designs of 35 type families.

    The file is 45 KB and comes with the package. Every call reads it anew, so the arrays are
    yours to change. The images are type, not handwriting (see ``Aiueo``).

    >>> data = aiueo()
    >>> data.images.shape, data.images.dtype, data.kana[data.labels[3]]
    ((320, 28, 28), dtype('uint8'), 'え')
    """
    five = len(Aiueo.kana)
    with np.load(Path(__file__).with_name("aiueo.npz")) as archive:
        images = archive["images"]  # design by design, the five kana of each in order
        columns = {
            name: np.repeat(archive[name], five)
            for name in ("families", "designs", "licences", "sources")
        }
    labels = np.tile(np.arange(five, dtype=np.int64), len(images) // five)
    return Aiueo(images, labels, **columns)


def augment(
    images: NDArray[Any],
    rng: np.random.Generator,
    *,
    rotate: float = 10.0,
    scale: float = 0.2,
    shear: float = 0.2,
    shift: float = 1.5,
    stroke: float = 0.5,
    contrast: float = 0.2,
    dtype: DTypeLike = np.float64,
) -> NDArray[Any]:
    """Return a randomly distorted copy of each image, with values from 0 to 1.

    ``images`` (n, h, w): uint8, where 255 becomes 1, or floating, from 0 to 1, taken as it is.
    Returns (n, h, w) of ``dtype``, float32 or float64. The same state of ``rng`` gives the same
    images. Each image draws its own numbers, all uniform:

    - ``rotate``: angle within +-rotate, degrees;
    - ``scale``: height and width, each times 1 +- scale;
    - ``shear``: sideways lean within +-shear, pixels per pixel;
    - ``shift``: down and right, each within +-shift, pixels;
    - ``stroke``: from -stroke (thinner) to +stroke (bolder); 1 is one pixel on every side;
    - ``contrast``: ink times a number from 1 - contrast to 1.

    With all of them 0 the images come back unchanged. For more copies of an image, repeat it:
    ``augment(np.repeat(images, 20, axis=0), rng)``.

    Raises OptionError for images of another shape or dtype or with values outside 0 to 1, for a
    strength that is negative, infinite or too large (scale below 1; stroke and contrast at most
    1), and for another ``dtype``.

    >>> x = augment(aiueo().images, np.random.default_rng(0), dtype=np.float32)
    >>> x.shape, x.dtype
    ((320, 28, 28), dtype('float32'))
    """
    images, dtype, rng = np.asarray(images), np.dtype(dtype), seeded(rng, "rng")
    _check_images(images)
    _check_strength(np.inf, rotate=rotate, shear=shear, shift=shift)
    _check_strength(1.0, scale=scale, stroke=stroke, contrast=contrast)
    if scale == 1:
        raise OptionError(
            "scale=1 can shrink an image to nothing", "it is below 1", "pass for example scale=0.2"
        )
    if dtype not in (np.float32, np.float64):
        raise OptionError(
            f"dtype={dtype} cannot hold the images",
            "their values are from 0 to 1",
            "use float32 or float64",
        )

    # All numbers are drawn first, in float64: block size and dtype then change no image.
    n, height, width = images.shape
    angle = np.radians(rng.uniform(-rotate, rotate, n))
    zoom = 1 + rng.uniform(-scale, scale, (n, 2, 1))
    lean = rng.uniform(-shear, shear, n)
    move = rng.uniform(-shift, shift, (n, 2, 1))
    bold = rng.uniform(-stroke, stroke, (n, 1, 1)).astype(dtype)
    ink = rng.uniform(1 - contrast, 1, (n, 1, 1)).astype(dtype)

    # Pixel p, as (row, column), shows the source at back @ (p - centre - move) + centre.
    cos, sin = np.cos(angle), np.sin(angle)
    back = np.array([[cos, -sin], [sin + lean * cos, cos - lean * sin]]).transpose(2, 0, 1) / zoom
    centre = np.array([[height - 1], [width - 1]]) / 2
    pixels = np.indices((height, width)).reshape(2, -1) - centre

    out = np.empty(images.shape, dtype)
    for start in range(0, n, BLOCK):
        block = slice(start, start + BLOCK)
        x = images[block].astype(dtype)
        if images.dtype == np.uint8:
            x /= 255
        at = back[block] @ (pixels - move[block]) + centre
        out[block] = _sample(_thicken(x, bold[block]), at.astype(dtype)) * ink[block]
    return out


def _thicken(x: NDArray[Any], amount: NDArray[Any]) -> NDArray[Any]:
    """Move each image by |amount| towards its 3x3 maximum (bolder) or, below 0, minimum."""
    p = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    out = x.copy()
    for pick, part in ((np.maximum, np.maximum(amount, 0)), (np.minimum, np.maximum(-amount, 0))):
        rows = pick(pick(p[:, :-2], p[:, 1:-1]), p[:, 2:])
        out += part * (pick(pick(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:]) - x)
    return out


def _sample(x: NDArray[Any], at: NDArray[Any]) -> NDArray[Any]:
    """Read images (n, h, w) at the points (n, 2, h * w), bilinearly; outside of them is 0."""
    n, height, width = x.shape
    # One row of zeros before and two after: every clipped point has four neighbours to read.
    flat = np.pad(x, ((0, 0), (1, 2), (1, 2))).ravel()
    at = np.clip(at + 1, 0, np.array([[height + 1], [width + 1]], at.dtype))
    corner = np.floor(at)
    down, right = np.moveaxis(at - corner, 1, 0)
    i, j = np.moveaxis(corner.astype(np.intp), 1, 0)
    size = width + 3
    i = (np.arange(n)[:, None] * (height + 3) + i) * size + j
    above: NDArray[Any] = flat[i] + right * (flat[i + 1] - flat[i])
    i += size
    below = flat[i] + right * (flat[i + 1] - flat[i])
    above += down * (below - above)
    return above.reshape(x.shape)


def _check_images(images: NDArray[Any]) -> None:
    if images.ndim != 3 or not (images.dtype == np.uint8 or images.dtype.kind == "f"):
        raise ShapeError(
            f"images have shape {images.shape} and dtype {images.dtype}",
            "augment needs (n, h, w) of uint8 or floating",
            "for a single image pass image[None]",
        )
    # Written so that NaN, which compares false, is refused too.
    if images.dtype != np.uint8 and images.size and not (images.min() >= 0 and images.max() <= 1):
        raise OptionError(
            f"images have values from {images.min()} to {images.max()}",
            "floating images are within 0 to 1",
            "divide by their maximum first",
        )


def _check_strength(most: float, **strengths: float) -> None:
    for name, value in strengths.items():
        number(name, value, it="a strength")
        if not (0 <= value <= most and np.isfinite(value)):
            limit = "" if most == np.inf else f" and at most {most}"
            raise OptionError(
                f"{name}={value} is no strength",
                f"a strength is finite, not negative{limit}",
                f"pass {name}=0 to switch it off",
            )
