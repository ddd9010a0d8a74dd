"""The shipped data keeps its promises: what the archive holds, how it is split and distorted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce.data
from tinygrad_ce.data import Aiueo, aiueo, augment

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "tinygrad_ce" / "data" / "aiueo.npz"
SCRIPT = ROOT / "examples" / "make_aiueo.py"
PERMISSIVE = {"Apache-2.0", "BSD-3-Clause", "MIT", "OFL-1.1", "public-domain"}
STILL: dict[str, Any] = dict.fromkeys(
    ("rotate", "scale", "shear", "shift", "stroke", "contrast"), 0.0
)
TEXTS = ("families", "designs", "licences", "sources")


@pytest.fixture(scope="module")
def data() -> Aiueo:
    return aiueo()


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], cwd=ROOT, capture_output=True, text=True
    )


# The archive


def test_archive_is_under_60_kilobytes() -> None:
    assert ARCHIVE.stat().st_size < 60_000


def test_archive_loads_without_pickle() -> None:
    with np.load(ARCHIVE, allow_pickle=False) as archive:
        assert set(archive) == {"images", *TEXTS}


def test_images_are_28_by_28_bytes(data: Aiueo) -> None:
    assert data.images.dtype == np.uint8
    assert data.images.shape == (320, 28, 28)


def test_labels_are_int64_indices_into_kana(data: Aiueo) -> None:
    assert data.labels.dtype == np.int64
    assert set(data.labels) == set(range(len(data.kana)))


@pytest.mark.parametrize("name", TEXTS)
def test_every_image_has_its_texts(data: Aiueo, name: str) -> None:
    column = getattr(data, name)
    assert column.dtype.kind == "U"
    assert column.shape == (320,)
    assert all(column)


def test_thirty_families_or_more(data: Aiueo) -> None:
    assert len(np.unique(data.families)) >= 30


def test_every_design_has_each_kana_once(data: Aiueo) -> None:
    for design in np.unique(data.designs):
        assert sorted(data.labels[data.designs == design]) == [0, 1, 2, 3, 4], design


def test_the_five_kana_of_a_design_are_five_pictures(data: Aiueo) -> None:
    five = data.images.reshape(-1, 5, 28 * 28) / 255
    gaps = np.abs(five[:, :, None] - five[:, None]).mean(-1) + np.eye(5)
    assert gaps.min() > 0.04


def test_no_two_designs_look_the_same(data: Aiueo) -> None:
    flat = data.images.reshape(-1, 5 * 28 * 28) / 255
    gaps = np.abs(flat[:, None] - flat).mean(-1) + np.eye(len(flat))
    assert gaps.min() > 0.012


def test_no_design_has_a_near_copy_in_another_family(data: Aiueo) -> None:
    flat, families = data.images.reshape(-1, 5 * 28 * 28) / 255, data.families[::5]
    gaps = np.abs(flat[:, None] - flat).mean(-1)
    assert gaps[families[:, None] != families].min() > 0.04


def test_a_design_has_one_family_licence_and_source(data: Aiueo) -> None:
    rows = set(zip(data.designs, data.families, data.licences, data.sources, strict=True))
    assert len(rows) == len(np.unique(data.designs))


def test_every_licence_is_permissive(data: Aiueo) -> None:
    assert set(data.licences) <= PERMISSIVE


def test_every_source_is_a_named_package(data: Aiueo) -> None:
    assert all(source.startswith(("debian:fonts-", "npm:@fontsource/")) for source in data.sources)


def test_ink_fills_22_pixels_and_leaves_3_around(data: Aiueo) -> None:
    for image in data.images:
        where = np.argwhere(image)
        assert where.min() >= 3
        assert where.max() < 25
        # Of the 22 a faint tip or two may have rounded to no ink.
        assert np.ptp(where, axis=0).max() + 1 >= 20


def test_heavier_weights_have_more_ink(data: Aiueo) -> None:
    light, medium, black = (
        data.images[data.designs == f"Noto Sans JP {weight}"].mean()
        for weight in ("Light", "Medium", "Black")
    )
    assert light < medium < black


def test_every_call_hands_out_its_own_arrays(data: Aiueo) -> None:
    mine = aiueo()
    mine.images[:] = 7
    assert (aiueo().images == data.images).all()


def test_repr_counts_images_designs_and_families(data: Aiueo) -> None:
    assert repr(data) == "<Aiueo: 320 images, 64 designs, 35 families>"


def test_import_opens_no_data() -> None:
    done = python(
        "import sys\n"
        "sys.addaudithook(lambda event, args: event == 'open' and '.npz' in str(args) and 1 / 0)\n"
        "import tinygrad_ce.data\n"
        "print('PIL' in sys.modules)"
    )
    assert done.stdout.strip() == "False", done.stderr


def test_public_names_are_sorted() -> None:
    names = tinygrad_ce.data.__all__
    assert names == sorted(names)


# The split


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 34), seed=st.integers(0, 2**32 - 1))
def test_split_shares_no_family_and_loses_no_image(count: int, seed: int) -> None:
    train, test = aiueo().split(count, seed)
    assert not set(train.families) & set(test.families)
    assert len(np.unique(test.families)) == count
    assert len(train) + len(test) == 320


def test_split_keeps_rows_together(data: Aiueo) -> None:
    whole = {
        image.tobytes(): (label, design)
        for image, label, design in zip(data.images, data.labels, data.designs, strict=True)
    }
    for part in data.split(7, 3):
        for image, label, design in zip(part.images, part.labels, part.designs, strict=True):
            assert whole[image.tobytes()] == (label, design)


def test_split_by_share_rounds_to_families(data: Aiueo) -> None:
    assert len(np.unique(data.split(0.2)[1].families)) == 7


def test_split_depends_on_the_seed_alone(data: Aiueo) -> None:
    first, again, other = (set(data.split(7, seed)[1].families) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("bad", [0, 35, 36, -1, 0.0, 0.001, 0.999, 2.5, float("nan"), float("inf")])
def test_split_refuses_an_empty_side(data: Aiueo, bad: float) -> None:
    with pytest.raises(ValueError, match=r"35 families\. .* at least one each\. ask for 1 to 34"):
        data.split(bad)


# The distortions


def test_same_seed_same_images(data: Aiueo) -> None:
    assert (augment(data.images, rng(5)) == augment(data.images, rng(5))).all()


def test_another_seed_other_images(data: Aiueo) -> None:
    assert (augment(data.images, rng(5)) != augment(data.images, rng(6))).any((1, 2)).all()


def test_an_image_does_not_depend_on_how_many_are_done_at_once(
    data: Aiueo, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = augment(data.images, rng())
    monkeypatch.setattr(sys.modules["tinygrad_ce.data.aiueo"], "BLOCK", 7)
    assert np.allclose(augment(data.images, rng()), whole, rtol=0, atol=1e-14)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    strength=st.floats(0, 1),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_values_stay_within_0_and_1(seed: int, strength: float, dtype: type[Any]) -> None:
    images = rng(seed).integers(0, 256, (8, 9, 11), np.uint8)
    x = augment(
        images,
        rng(seed),
        rotate=180 * strength,
        scale=0.9 * strength,
        shear=strength,
        shift=20 * strength,
        stroke=strength,
        contrast=strength,
        dtype=dtype,
    )
    assert x.dtype == dtype
    assert x.shape == images.shape
    assert x.min() >= 0
    assert x.max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_strength_returns_the_images(data: Aiueo, dtype: type[Any]) -> None:
    x = augment(data.images, rng(), **STILL, dtype=dtype)
    assert (x == data.images.astype(dtype) / dtype(255)).all()


def test_floating_images_are_taken_as_they_are(data: Aiueo) -> None:
    x = data.images / 255
    assert np.allclose(augment(x, rng()), augment(data.images, rng()), rtol=0, atol=1e-14)


def test_the_images_handed_in_are_left_alone(data: Aiueo) -> None:
    x = data.images / 255
    before = x.copy()
    augment(x, rng())
    assert (x == before).all()


def test_both_dtypes_draw_the_same_distortion(data: Aiueo) -> None:
    single, double = (augment(data.images, rng(), dtype=t) for t in (np.float32, np.float64))
    assert np.abs(single - double).max() < 1e-4


@pytest.mark.parametrize(
    ("strength", "moved"),
    [("rotate", 30.0), ("scale", 0.5), ("shear", 0.5), ("shift", 4.0)],
)
def test_geometry_keeps_a_centred_point_but_for_a_shift(strength: str, moved: float) -> None:
    dot = np.zeros((20, 9, 9))
    dot[:, 4, 4] = 1
    x = augment(dot, rng(), **{**STILL, strength: moved})
    assert (x[:, 4, 4] == 1).all() == (strength != "shift")


def test_a_shift_by_whole_pixels_moves_the_picture_down_and_right() -> None:
    class Ones(np.random.Generator):
        def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
            return np.full(size, high)  # always the upper end: no chance in this test

    x = np.zeros((1, 9, 9))
    x[0, 2, 3] = 1
    y = augment(x, Ones(np.random.PCG64()), **{**STILL, "shift": 2.0})
    assert np.argwhere(y[0]).tolist() == [[4, 5]]


def test_bolder_and_thinner_change_the_ink(data: Aiueo) -> None:
    ink = augment(data.images, rng(), **{**STILL, "stroke": 1.0}).sum((1, 2))
    plain = (data.images / 255).sum((1, 2))
    assert (ink > plain).any()
    assert (ink < plain).any()


def test_contrast_scales_the_ink(data: Aiueo) -> None:
    peaks = augment(data.images, rng(), **{**STILL, "contrast": 0.5}).max((1, 2))
    assert (peaks / (data.images / 255).max((1, 2)) >= 0.5 - 1e-12).all()


def test_no_images_give_no_images() -> None:
    assert augment(np.zeros((0, 28, 28)), rng()).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((28, 28)), r"shape \(28, 28\).* needs \(n, h, w\).*image\[None\]"),
        (np.zeros((2, 784)), r"shape \(2, 784\)"),
        (np.zeros((2, 4, 4), int), r"dtype int64\. augment needs .* uint8 or floating"),
        (np.full((2, 4, 4), 255.0), r"values from 255\.0 to 255\.0\. .* divide"),
        (np.full((2, 4, 4), -0.5), r"values from -0\.5"),
        (np.full((2, 4, 4), np.nan), r"values from nan"),
    ],
)
def test_augment_refuses_other_images(images: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        augment(images, rng())


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, -1.0) for name in STILL]
    + [(name, float("nan")) for name in STILL]
    + [("rotate", float("inf")), ("scale", 1.0), ("stroke", 1.5), ("contrast", 1.5)],
)
def test_augment_refuses_what_is_no_strength(data: Aiueo, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name}( is |=){value:g}"):
        augment(data.images, rng(), **{**STILL, name: value})


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, complex])
def test_augment_refuses_other_dtypes(data: Aiueo, dtype: type[Any]) -> None:
    with pytest.raises(ValueError, match="use float32 or float64"):
        augment(data.images, rng(), dtype=dtype)


def test_families_never_seen_are_told_apart(data: Aiueo) -> None:
    # Least squares on 14x14 pixels: the plainest linear classifier, solved and not trained.
    def pixels(x: Any) -> Any:
        small = x.reshape(len(x), 14, 2, 14, 2).mean((2, 4)).reshape(len(x), -1)
        return np.c_[small, np.ones(len(x))]

    rates = []
    for seed in range(5):
        train, test = data.split(7, seed)
        x = pixels(augment(np.repeat(train.images, 10, axis=0), rng(seed)))
        answers = np.eye(5)[np.repeat(train.labels, 10)]
        weights = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ answers)
        guesses = (pixels(test.images / 255) @ weights).argmax(1)
        rates.append((guesses == test.labels).mean())
    assert np.mean(rates) > 0.9


# The script that drew them


def script(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a Python where Pillow cannot be imported."""
    return python(
        "import runpy, sys\n"
        "sys.modules['PIL'] = None\n"
        f"sys.argv = ['make_aiueo', *{arguments!r}]\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )


def test_script_checks_the_archive_without_pillow_or_fonts() -> None:
    done = script("--quick")
    assert done.returncode == 0, done.stderr
    assert "all as the table says" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--quick", "--sheet", "sheet.png")])
def test_script_names_the_extra_where_pillow_is_missing(arguments: tuple[str, ...]) -> None:
    done = script(*arguments)
    assert done.returncode == 1
    assert 'pip install "tinygrad_ce[fonts]"' in done.stderr
