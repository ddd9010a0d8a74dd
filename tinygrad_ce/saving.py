"""Trees in files: `save` and `load`, as NumPy's .npz, without pickle; or as safetensors.

What can be saved: arrays, Tensors, numbers, texts, True, False, None, and dicts, lists and tuples
of these: a model's `state_dict()`, an optimizer's, a generator's `bit_generator.state`, together:

    tg.save("training.npz", {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(),
        "generator": generator.bit_generator.state, "epoch": epoch,
    })

A file is written whole or not at all; one that is not whole, or not of this form, is refused, and
nothing in it is ever run.
"""

import json
import os
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.errors import Error
from tinygrad_ce.optional import Library
from tinygrad_ce.options import instance
from tinygrad_ce.tensor import Tensor

__all__ = ["FileError", "check_path", "load", "save"]

_safetensors = Library(
    "safetensors.numpy", "safetensors", "it reads and writes files of this form", "safetensors"
)

_TREE = "tree.json"  # the entry that says where in the tree each array stands
_VERSION = 1


class FileError(Error, ValueError):
    """A file is not what `load` can read, or `save` was handed what it cannot write."""


def save(path: str | Path, tree: Any) -> None:
    """Write a tree to a file.

    Args:
        path: of the file; with the ending .safetensors a dict of arrays by name is written in that
            form, which PyTorch's users read (needs the package safetensors).
        tree: as at the head of this file; a module stands for its `state_dict()`.

    Raises:
        FileError: something in the tree cannot be saved.
        MissingError: the package safetensors is not there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/a.npz", {"w": np.ones(2), "step": 3})
    ...     load(f"{folder}/a.npz")
    {'w': array([1., 1.]), 'step': 3}
    """
    check_path(path)
    if hasattr(tree, "state_dict"):
        tree = tree.state_dict()
    if Path(path).suffix == ".safetensors":
        if not isinstance(tree, Mapping):
            raise FileError(
                f"the tree is {type(tree).__name__}",
                "in the form safetensors a file holds arrays by name, nothing else",
                "save a state_dict(), or use the ending .npz",
            )
        tensors = {name: np.ascontiguousarray(_named_array(name, x)) for name, x in tree.items()}
        content = _safetensors.save(tensors)
        _write(path, lambda file: file.write(content))
        return
    arrays: dict[str, NDArray[Any]] = {}
    form = {"version": _VERSION, "tree": _taken_apart(tree, arrays, "")}
    entries: dict[str, Any] = {_TREE: np.frombuffer(json.dumps(form).encode(), np.uint8), **arrays}
    _write(path, lambda file: np.savez(file, **entries))


def load(path: str | Path) -> Any:
    """The tree that `save` wrote to a file; of another .npz or .safetensors, its arrays by name.

    Raises:
        FileError: the file is damaged, or holds what only pickle could read.
        FileNotFoundError: there is none.
    """
    check_path(path)
    try:
        if Path(path).suffix == ".safetensors":
            return _safetensors.load(Path(path).read_bytes())
        with open(path, "rb") as raw:  # np.load would not close a damaged file
            file = np.load(raw, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            arrays = {name: file[name] for name in file.files}
        if _TREE not in arrays:
            return arrays
        form = json.loads(bytes(arrays.pop(_TREE)).decode())
        if form["version"] != _VERSION:
            raise ValueError(f"it has version {form['version']}")
        return _put_together(form["tree"], arrays)
    except (FileNotFoundError, IsADirectoryError, PermissionError, ImportError):
        raise
    except Exception as error:  # whatever a damaged file leads to
        raise FileError(
            f"{path} cannot be read ({error})",
            "a file that save wrote holds arrays and a list of their places, and is whole",
            "load it from where it was saved, or save it anew",
        ) from error


def check_path(path: Any, name: str = "path") -> None:
    """Refuse what is no path of a file."""
    instance(name, path, (str, os.PathLike), "it is a path, of text", "pass for example 'a.npz'")


def _write(path: str | Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Write a file whole, or leave what is there: first beside it, then in its place."""
    path = Path(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}-{next(_numbers)}")
    try:
        with open(beside, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


_numbers = count()


def _named_array(name: Any, x: Any) -> Any:
    x = x.value if isinstance(x, Tensor) else x
    if not isinstance(name, str) or not isinstance(x, np.ndarray | np.generic):
        raise FileError(
            f"{name!r} is {type(x).__name__}",
            "in the form safetensors a file holds arrays by name, nothing else",
            "save a state_dict(), or use the ending .npz",
        )
    return np.asarray(x)


# A tree as text: [kind, content], with the arrays beside it.


def _taken_apart(x: Any, arrays: dict[str, Any], way: str) -> Any:
    kind = type(x)
    if isinstance(x, Tensor):
        x = x.value
    if isinstance(x, np.ndarray | np.generic):
        if x.dtype.hasobject:
            raise _not_saved(x, way)
        name = f"{len(arrays)}{way}"
        arrays[name] = x
        return ["array" if isinstance(x, np.ndarray) else "number", name]
    if x is None or kind in (bool, int, str):
        return ["value", x]
    if kind is float:
        return ["float", x.hex()]
    if isinstance(x, Mapping):
        items = [
            [_taken_apart(k, arrays, way), _taken_apart(v, arrays, f"{way}.{k}")]
            for k, v in x.items()
        ]
        return ["dict", items]
    if kind in (list, tuple):
        parts = [_taken_apart(v, arrays, f"{way}.{i}") for i, v in enumerate(x)]
        return [kind.__name__, parts]
    raise _not_saved(x, way)


def _not_saved(x: Any, way: str) -> FileError:
    return FileError(
        f"the tree holds {type(x).__name__} at {way.lstrip('.') or 'its root'}",
        "files hold arrays, numbers, texts, and dicts, lists and tuples of these",
        "save its state: state_dict(), or bit_generator.state of a generator",
    )


def _put_together(form: Any, arrays: dict[str, Any]) -> Any:
    kind, content = form
    if kind == "array":
        return arrays[content]
    if kind == "number":
        return arrays[content][()]
    if kind == "value":
        if content is not None and type(content) not in (bool, int, str):
            raise ValueError(f"a value is {type(content).__name__}")
        return content
    if kind == "float":
        return float.fromhex(content)
    if kind == "dict":
        return {_put_together(k, arrays): _put_together(v, arrays) for k, v in content}
    parts = [_put_together(part, arrays) for part in content]
    return {"list": list, "tuple": tuple}[kind](parts)
