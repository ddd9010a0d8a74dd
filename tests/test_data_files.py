"""IDX and CSV: what is written comes back; what is damaged is refused with words."""

import gzip
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinygrad_ce import FileError
from tinygrad_ce.data import digits, fashion_mnist, images, read_csv, read_idx, read_mnist
from tinygrad_ce.errors import MissingError
from tinygrad_ce.optional import Library

TYPES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx(x: np.ndarray[Any, Any]) -> bytes:
    head = bytes([0, 0, TYPES[x.dtype.str[1:]], x.ndim])
    swapped = x.astype(x.dtype.newbyteorder(">"))
    return head + struct.pack(f">{x.ndim}I", *x.shape) + swapped.tobytes()


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "file"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


arrays = st.sampled_from(list(TYPES)).flatmap(
    lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)


@given(x=arrays, packed=st.booleans())
def test_an_idx_file_comes_back(
    tmp_path_factory: pytest.TempPathFactory, x: np.ndarray[Any, Any], packed: bool
) -> None:
    content = gzip.compress(idx(x)) if packed else idx(x)
    found = read_idx(written(tmp_path_factory.mktemp("idx"), content))
    assert (found.shape, found.dtype) == (x.shape, x.dtype)
    assert np.array_equal(found, x, equal_nan=x.dtype.kind == "f")


WHOLE = idx(np.arange(12, dtype="i2").reshape(3, 4))


@given(end=st.integers(0, len(WHOLE) - 1))
def test_an_idx_file_that_was_cut_is_refused(
    tmp_path_factory: pytest.TempPathFactory, end: int
) -> None:
    with pytest.raises(FileError, match="IDX file is"):
        read_idx(written(tmp_path_factory.mktemp("idx"), WHOLE[:end]))


def test_an_idx_file_with_more_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="24 bytes, and has 25"):
        read_idx(written(tmp_path, WHOLE + b"\0"))


@given(content=st.binary(max_size=40))
def test_no_content_leads_to_another_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    with suppress(FileError):
        read_idx(written(tmp_path_factory.mktemp("idx"), content))


def test_a_shape_beyond_all_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="has 0"):
        read_idx(written(tmp_path, bytes([0, 0, 14, 4]) + b"\xff" * 16))


def test_a_gzip_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be unpacked"):
        read_idx(written(tmp_path, gzip.compress(WHOLE)[:-6]))


def mnist(folder: Path, labels: int = 5) -> Path:
    for name in ("train", "t10k"):
        images = idx(np.arange(20, dtype="u1").reshape(5, 2, 2))
        (folder / f"{name}-images-idx3-ubyte").write_bytes(images)
        packed = gzip.compress(idx(np.arange(labels, dtype="u1")))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(packed)
    return folder


def test_mnist_is_read_packed_or_not(tmp_path: Path) -> None:
    (x, t), (x_test, t_test) = read_mnist(mnist(tmp_path))
    assert x.shape == x_test.shape == (5, 2, 2)
    assert t.tolist() == t_test.tolist() == [0, 1, 2, 3, 4]


def test_labels_of_another_number_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="files of one set"):
        read_mnist(mnist(tmp_path, labels=4))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train-images"):
        read_mnist(tmp_path)


def test_fashion_mnist_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="apt install dataset-fashion-mnist"):
        fashion_mnist(tmp_path / "none")


@pytest.mark.skipif(not images.DEBIAN.is_dir(), reason="dataset-fashion-mnist is not installed")
def test_fashion_mnist_is_debians() -> None:
    (x, _), (_, t_test) = fashion_mnist()
    assert x.shape == (60000, 28, 28)
    assert np.bincount(t_test).tolist() == [1000] * 10


def test_digits_are_scikit_learns() -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    assert np.array_equal(digits()[0].reshape(-1, 64) * 16, datasets.load_digits().data)


def test_a_missing_library_is_named_with_its_extra() -> None:
    absent: Any = Library("sklearn_of_no_name", "scikit-learn", "the digits are its", "sklearn")
    with pytest.raises(MissingError, match=r'pip install "tinygrad_ce\[sklearn\]"'):
        _ = absent.load_digits


# CSV

numbers = st.floats(allow_nan=False, width=64)


@given(x=hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=numbers))
def test_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory, x: np.ndarray[Any, Any]
) -> None:
    text = "\n".join(",".join(map(repr, row)) for row in x.tolist())
    found = read_csv(written(tmp_path_factory.mktemp("csv"), text), header=False)
    assert np.array_equal(found.x, x)


FLOWERS = 'length,"width, cm",kind\n5.1,3.5,setosa\n7.0,3.2,other\n4.9,3.0,setosa\n'


def test_words_become_classes(tmp_path: Path) -> None:
    found = read_csv(written(tmp_path, FLOWERS), target="kind")
    assert (found.t.tolist(), found.classes) == ([1, 0, 1], ["other", "setosa"])


def test_the_other_columns_keep_their_names(tmp_path: Path) -> None:
    found = read_csv(written(tmp_path, FLOWERS), target=-1, dtype=np.float32)
    assert found.columns == ["length", "width, cm"]
    assert found.x.dtype == np.float32


def test_whole_numbers_are_classes_as_they_are(tmp_path: Path) -> None:
    found = read_csv(written(tmp_path, "a,t\n1,3\n2,0\n"), target="t")
    assert (found.t.dtype, found.t.tolist()) == (np.int64, [3, 0])


def test_other_numbers_are_no_classes(tmp_path: Path) -> None:
    found = read_csv(written(tmp_path, "a,t\n1,3.5\n2,0\n"), target="t")
    assert (found.t.tolist(), found.classes) == ([3.5, 0.0], [])


def test_without_a_target_all_are_x(tmp_path: Path) -> None:
    assert read_csv(written(tmp_path, gzip.compress(b"a,b\n1,2\n"))).x.tolist() == [[1, 2]]


def test_a_cell_of_words_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"line 2 of .* has 'setosa' in column 'kind'"):
        read_csv(written(tmp_path, FLOWERS))


def test_a_line_of_another_length_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"line 3 of .* has 1 cells"):
        read_csv(written(tmp_path, "a,b\n1,2\n3\n"))


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="no column 'weight'"):
        read_csv(written(tmp_path, FLOWERS), target="weight")


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"\xff\xfe\x00", b'"a'])
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileError):
        read_csv(written(tmp_path, content))
