"""Data in files: the IDX form of MNIST, and CSV. Both may be compressed by gzip."""

from __future__ import annotations

import csv
import gzip
import zlib
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_ce.errors import OptionError, OptionKeyError
from tinygrad_ce.saving import FileError, check_path

__all__ = ["Table", "read_csv", "read_idx", "read_mnist"]

Examples: TypeAlias = tuple[NDArray[Any], NDArray[np.int64]]

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
IDX_FORM = (
    "an IDX file is two zero bytes, a type, the number of axes, their lengths, and the numbers, "
    "no more and no less"
)


def read_idx(path: str | Path) -> NDArray[Any]:
    """Read an array from a file of the IDX form, of MNIST and its kin; .gz too.

    Args:
        path: of the file.

    Returns:
        An array of the file's shape and dtype, in this machine's byte order.

    Raises:
        FileError: the file is of another form, or damaged.
        FileNotFoundError: there is none.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.idx")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    ...     read_idx(path)
    array([5, 7], dtype=uint8)
    """
    content = _content(path)
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes
    if content[:2] != b"\0\0" or len(content) < start or content[2] not in IDX_TYPES or axes > 32:
        raise FileError(
            f"{path} begins with {content[:4].hex(' ') or 'nothing'}",
            IDX_FORM,
            "pass such a file, as train-images-idx3-ubyte.gz",
        )
    dtype = np.dtype(IDX_TYPES[content[2]])
    shape = np.frombuffer(content, ">u4", axes, 4).tolist()
    expected, found = prod(shape) * dtype.itemsize, len(content) - start
    if found != expected:
        raise FileError(
            f"{path} says shape {tuple(shape)}, {expected} bytes, and has {found}",
            IDX_FORM,
            "fetch the file anew",
        )
    numbers = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return numbers.astype(dtype.newbyteorder("="))


def read_mnist(folder: str | Path) -> tuple[Examples, Examples]:
    """Read the four files of MNIST or a set of its form: `(x, t), (x_test, t_test)`.

    Args:
        folder: where train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
            t10k-labels-idx1-ubyte are, each with .gz or without.

    Returns:
        Images x (n, height, width) uint8, and classes t (n,) int64, to train on and to test on.

    Raises:
        FileNotFoundError: one is missing.
        FileError: one is damaged, or the labels are not as many as the images.
    """
    check_path(folder, "folder")
    train, test = (_mnist_part(Path(folder), name) for name in ("train", "t10k"))
    return train, test


def _mnist_part(folder: Path, name: str) -> Examples:
    x = read_idx(_with_or_without_gz(folder / f"{name}-images-idx3-ubyte"))
    t = read_idx(_with_or_without_gz(folder / f"{name}-labels-idx1-ubyte"))
    if x.ndim != 3 or t.shape != x.shape[:1]:
        raise FileError(
            f"{folder} has {name} images of shape {x.shape} and labels of shape {t.shape}",
            "n images have shape (n, height, width), their labels (n,)",
            "put files of one set into the folder",
        )
    return x, t.astype(np.int64)


def _with_or_without_gz(path: Path) -> Path:
    packed = path.with_name(f"{path.name}.gz")
    return packed if packed.exists() else path


class Table(NamedTuple):
    """What `read_csv` read.

    Attributes:
        x: the numbers (n, k).
        t: the column of targets (n,): classes int64 where it held words, else numbers; or None.
        columns: the k names.
        classes: the words, in order, that the classes are numbers of; or empty.
    """

    x: NDArray[Any]
    t: NDArray[Any] | None
    columns: list[str]
    classes: list[str]


def read_csv(
    path: str | Path, target: str | int | None = None, *, header: bool = True,
    delimiter: str = ",", dtype: DTypeLike = np.float64,
) -> Table:  # fmt: skip
    """Read a table of numbers from a CSV file; .gz too.

    Args:
        path: of the file, in UTF-8.
        target: the column to predict, by name or place; its cells may be words.
        header: whether the first line names the columns; else they are "0", "1", ...
        delimiter: what stands between the cells.
        dtype: of the numbers.

    Raises:
        FileError: a line is longer or shorter than the first, or a cell is no number.
        OptionError: there is no such column (a KeyError, too), or the delimiter is not one sign.
        FileNotFoundError: there is no such file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "iris.csv")
    ...     _ = path.write_text("length,kind\\n5.1,setosa\\n7.0,other\\n")
    ...     read_csv(path, target="kind")
    Table(x=array([[5.1],
           [7. ]]), t=array([1, 0]), columns=['length'], classes=['other', 'setosa'])
    """
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise OptionError(
            f"delimiter is {delimiter!r:.60}", "it is one sign", "pass for example delimiter=';'"
        )
    try:
        text = _content(path).decode("utf-8-sig")
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
        lines = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileError(
            f"{path} is no CSV ({error})", "it is text in UTF-8", "save it as CSV, in UTF-8"
        ) from error
    names = [name.strip() for name in lines[0][1]] if header and lines else []
    rows = lines[1:] if header else lines
    if not rows:
        raise FileError(
            f"{path} has no rows",
            "a table has at least one",
            "pass header=False if it has one line",
        )
    width = len(names) or len(rows[0][1])
    names = names or [str(i) for i in range(width)]
    for number, row in rows:
        if len(row) != width:
            raise FileError(
                f"line {number} of {path} has {len(row)} cells",
                f"the first has {width}",
                f"mend the line, or pass another delimiter than {delimiter!r}",
            )
    at = None if target is None else _place(target, names, path)
    kept = [i for i in range(width) if i != at]
    x = np.array([[_number(path, line, names[i], line[1][i]) for i in kept] for line in rows])
    t, classes = (None, []) if at is None else _targets([row[at].strip() for _, row in rows], dtype)
    return Table(x.reshape(len(rows), -1).astype(dtype), t, [names[i] for i in kept], classes)


def _place(target: str | int, names: list[str], path: str | Path) -> int:
    if isinstance(target, int) and -len(names) <= target < len(names):
        return target % len(names)
    if target in names:
        return names.index(str(target))
    raise OptionKeyError(
        f"{path} has no column {target!r}", f"its columns are {names}", "pass one of these"
    )


def _targets(cells: list[str], dtype: DTypeLike) -> tuple[NDArray[Any], list[str]]:
    """Words as classes; whole numbers as int64; other numbers as they are."""
    for kind in (np.int64, dtype):
        try:
            return np.array([int(c) if kind is np.int64 else float(c) for c in cells], kind), []
        except (ValueError, OverflowError):
            continue
    classes, t = np.unique(cells, return_inverse=True)
    return t.astype(np.int64), classes.tolist()


def _number(path: str | Path, line: tuple[int, list[str]], name: str, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise FileError(
            f"line {line[0]} of {path} has {cell!r:.40} in column {name!r}",
            "every cell but the target's is a number",
            "leave the column out, put numbers for its words, or nan where one is missing",
        ) from None


def _content(path: str | Path) -> bytes:
    check_path(path)
    content = Path(path).read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError(
            f"{path} cannot be unpacked ({error})",
            "it begins as a file of gzip does, which has to be whole",
            "fetch the file anew",
        ) from error
