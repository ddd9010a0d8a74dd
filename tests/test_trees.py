"""Trees come apart and together again, whatever they are made of."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from tinygrad_ce.trees import flatten, leaves, map_tree

Pair = namedtuple("Pair", ["w", "b"])


@dataclass
class Layer:
    w: Any
    b: Any


@dataclass(frozen=True)
class Frozen:
    w: Any
    b: Any


@dataclass
class Derived:
    w: float
    twice: float = field(init=False, default=0.0)


TREES = [
    1.0,
    [],
    (),
    {},
    None,
    [1.0, 2.0],
    (1.0, [2.0]),
    {"b": 1.0, "a": {"c": (2.0,)}},
    OrderedDict(b=1.0, a=2.0),
    Pair(1.0, 2.0),
    Layer(1.0, [2.0, 3.0]),
    Frozen(1.0, Pair(2.0, None)),
    Derived(1.0),
]


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_tree_is_built_again(tree: Any) -> None:
    values, structure = flatten(tree)
    assert structure.build(values) == tree


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_built_tree_is_of_the_same_kind(tree: Any) -> None:
    values, structure = flatten(tree)
    assert type(structure.build(values)) is type(tree)


def test_leaves_come_from_left_to_right() -> None:
    assert leaves({"b": 1, "a": (2, [3, Layer(4, 5)])}) == [1, 2, 3, 4, 5]


def test_none_has_no_leaves() -> None:
    assert leaves([None, 1]) == [1]


def test_array_is_a_leaf() -> None:
    array = np.ones(3)
    assert leaves(array)[0] is array


def test_dataclass_itself_is_a_leaf() -> None:
    assert leaves(Layer) == [Layer]


def test_text_is_a_leaf() -> None:
    assert leaves(["ab"]) == ["ab"]


def test_build_leaves_the_original_alone() -> None:
    tree = {"a": [1]}
    flatten(tree)[1].build([2])
    assert tree == {"a": [1]}


def test_default_factory_is_kept() -> None:
    made = map_tree(lambda x: x, defaultdict(list, a=1))
    assert made["new"] == []


def test_frozen_dataclass_is_built_with_new_leaves() -> None:
    assert map_tree(lambda x: -x, Frozen(1, 2)) == Frozen(-1, -2)


def test_map_takes_several_trees() -> None:
    assert map_tree(lambda a, b: a - b, {"a": [5, 6]}, {"a": [1, 2]}) == {"a": [4, 4]}


def test_map_over_trees_of_other_lengths_raises() -> None:
    with pytest.raises(ValueError, match="shorter"):
        map_tree(lambda a, b: a, [1, 2], [1])


def test_map_matches_dicts_by_key() -> None:
    assert map_tree(lambda a, b: a - b, {"a": 5, "b": 7}, {"b": 2, "a": 1}) == {"a": 4, "b": 5}
