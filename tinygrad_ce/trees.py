"""Trees: arrays nested in dicts, lists, tuples, named tuples and dataclasses, taken as one value.

`flatten` takes a tree apart into its leaves, `Structure.build` puts leaves back together. A class
of any kind is a tree if it has a method `__tree__` that returns its `Branch`, as modules do.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from copy import copy
from dataclasses import fields, is_dataclass
from itertools import repeat
from typing import Any

from tinygrad_ce.errors import ShapeError
from tinygrad_ce.record import Record

__all__ = ["Branch", "Structure", "flatten", "leaves", "map_tree", "opened", "paths"]


class Branch(Record):
    """What a class that is a tree says of itself, by its method `__tree__`.

    Attributes:
        rebuild: makes a tree of this kind from a list of other items.
        items: the parts: leaves or trees.
        names: of the parts; a dot stands between the steps of a longer way.
        constant: for each part, whether it is a leaf that nobody differentiates by or maps: state
            that goes along.
        static: anything hashable that tells two trees apart whose items have the same form.
    """

    rebuild: Callable[[list[Any]], Any]
    items: list[Any]
    names: list[str]
    constant: list[bool]
    static: Hashable = None


class Structure(Record):
    """The shape of a tree without its leaves; `rebuild` is None where a leaf stands.

    `constant` says of a leaf that nobody differentiates by it or maps it.
    """

    rebuild: Callable[[list[Any]], Any] | None
    children: tuple["Structure", ...] = ()
    constant: bool = False

    def build(self, values: Iterable[Any]) -> Any:
        """The tree of this structure whose leaves are `values`, in the order of `flatten`."""
        return self._build(iter(values))

    def constants(self) -> list[bool]:
        """For each leaf, whether it is constant."""
        if self.rebuild is None:
            return [self.constant]
        return [constant for child in self.children for constant in child.constants()]

    def _build(self, values: Iterator[Any]) -> Any:
        if self.rebuild is None:
            return next(values)
        return self.rebuild([child._build(values) for child in self.children])


_LEAF, _CONSTANT = Structure(None), Structure(None, constant=True)


def flatten(tree: Any) -> tuple[list[Any], Structure]:
    """The leaves of a tree from left to right, and the structure that builds it again.

    Dicts keep their order. None is a tree without leaves.

    >>> values, structure = flatten({"w": [1.0, 2.0], "b": 3.0})
    >>> values
    [1.0, 2.0, 3.0]
    >>> structure.build([v * 10 for v in values])
    {'w': [10.0, 20.0], 'b': 30.0}
    """
    node = opened(tree)
    if node is None:
        return [tree], _LEAF
    rebuild, items, constant = node
    parts = [
        ([item], _CONSTANT) if held else flatten(item)
        for item, held in zip(items, constant or repeat(False))
    ]
    structure = Structure(rebuild, tuple(structure for _, structure in parts))
    return [leaf for found, _ in parts for leaf in found], structure


_Opened = tuple[Callable[[list[Any]], Any], list[Any], list[bool] | None]


def opened(tree: Any) -> _Opened | None:
    """How to build a node again from its parts, the parts, and which are constant (None: none).

    None for a leaf.

    >>> rebuild, parts, _ = opened((1, [2]))
    >>> rebuild(parts)
    (1, [2])
    """
    kind = type(tree)
    if tree is None:
        return lambda _: None, [], None
    if hasattr(kind, "__tree__"):
        branch: Branch = tree.__tree__()
        return branch.rebuild, branch.items, branch.constant
    if isinstance(tree, dict):
        return lambda items: _refilled(tree, items), list(tree.values()), None
    if isinstance(tree, tuple) and hasattr(kind, "_make"):
        return kind._make, list(tree), None
    if isinstance(tree, list | tuple):
        return kind, list(tree), None
    if is_dataclass(tree) and not isinstance(tree, type):
        names = [field.name for field in fields(tree)]
        items = [getattr(tree, name) for name in names]
        return lambda items: _reset(tree, names, items), items, None
    return None


def _refilled(original: dict[Any, Any], items: list[Any]) -> Any:
    """A dict of the original's kind (its default factory included) with other values."""
    made = copy(original)
    made.update(zip(original, items, strict=True))
    return made


def _reset(original: Any, names: list[str], items: list[Any]) -> Any:
    """A dataclass like the original with other fields; frozen ones too, so past `__setattr__`."""
    made = copy(original)
    for name, item in zip(names, items, strict=True):
        object.__setattr__(made, name, item)
    return made


def leaves(tree: Any) -> list[Any]:
    """The leaves of a tree from left to right.

    >>> leaves({"a": (1, 2), "b": None})
    [1, 2]
    """
    return flatten(tree)[0]


def paths(tree: Any) -> list[tuple[str, ...]]:
    """The way to each leaf: keys, places and names of fields, as text.

    >>> paths({"layers": [1.0, 2.0], "bias": 3.0})
    [('layers', '0'), ('layers', '1'), ('bias',)]
    """
    node = opened(tree)
    if node is None:
        return [()]
    items, constant = node[1], node[2] or repeat(False)
    return [
        (*step, *rest)
        for step, item, held in zip(_steps(tree, len(items)), items, constant)
        for rest in ([()] if held else paths(item))
    ]


def _steps(tree: Any, n: int) -> list[tuple[str, ...]]:
    """The way from a tree to each of its n items."""
    keys: Iterable[Any] = range(n)
    if hasattr(type(tree), "__tree__"):
        return [tuple(name.split(".")) for name in tree.__tree__().names]
    if isinstance(tree, dict):
        keys = tree
    elif hasattr(tree, "_fields"):
        keys = tree._fields
    elif is_dataclass(tree):
        keys = (field.name for field in fields(tree))
    return [(str(key),) for key in keys]


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """The tree of `function(leaf, ...)` over a tree and others of the same structure.

    Dicts are matched by key, whatever the order of their entries. Constant leaves stay as they are.

    Raises:
        ShapeError: another tree lacks a part of the first, or has one more.

    >>> map_tree(lambda p, g: p - 0.5 * g, {"w": 1.0}, {"w": 4.0})
    {'w': -1.0}
    """
    node = opened(tree)
    if node is None:
        return function(tree, *others)
    rebuild, items, constant = node
    columns = [_matched(tree, items, other) for other in others]
    rows = zip(items, *columns, strict=True)
    return rebuild(
        [row[0] if held else map_tree(function, *row)
         for row, held in zip(rows, constant or repeat(False))]
    )  # fmt: skip


def _matched(tree: Any, items: list[Any], other: Any) -> list[Any]:
    """The parts of another tree in the order of the first one's."""
    node = opened(other)
    if isinstance(tree, dict) and isinstance(other, dict) and tree.keys() == other.keys():
        return [other[key] for key in tree]
    if node is None or isinstance(tree, dict) or len(node[1]) != len(items):
        raise ShapeError(
            f"a tree has {other!r:.80} where the first has {tree!r:.80}",
            "trees that are mapped together have the same structure",
            "pass trees with the same keys and lengths (a longer or shorter one does not fit)",
        )
    return node[1]
