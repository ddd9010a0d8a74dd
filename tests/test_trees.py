"""Trees come apart and together again, whatever they are made of."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce.trees import Branch, flatten, leaves, map_tree, paths

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


class Line:
    """A class of any kind that says what it is made of: a slope, and a count that goes along."""

    def __init__(self, slope: Any, count: int) -> None:
        self.slope, self.count = slope, count

    def __tree__(self) -> Branch:
        items = [self.slope, self.count]
        return Branch(lambda items: Line(*items), items, ["slope", "state.count"], [False, True])


def test_a_class_says_what_it_is_made_of() -> None:
    values, structure = flatten({"line": Line([1.0, 2.0], 3)})
    assert values == [1.0, 2.0, 3]
    assert structure.build([4.0, 5.0, 6])["line"].slope == [4.0, 5.0]


def test_constant_leaves_are_known() -> None:
    assert flatten([Line(1.0, 3), 2.0])[1].constants() == [False, True, False]


def test_a_name_with_dots_is_a_way() -> None:
    assert paths(Line([1.0], 3)) == [("slope", "0"), ("state", "count")]


def test_map_leaves_constants_as_they_are() -> None:
    made = map_tree(lambda a, b: a - b, Line(5.0, 3), Line(1.0, 4))
    assert (made.slope, made.count) == (4.0, 3)


def test_nobody_differentiates_by_a_constant() -> None:
    found = tg.grad(lambda line, x: line.slope * x * line.count)(Line(2.0, 3), 5.0)
    assert (found.slope, found.count) == (15.0, 3)


def test_the_derivative_along_a_tree_leaves_constants_out() -> None:
    _, slope = tg.jvp(lambda line: line.slope**2, (Line(3.0, 1),), (Line(1.0, 1),))
    assert slope == 6.0
    assert tg.hvp(lambda line: line.slope**3, Line(2.0, 1), Line(1.0, 1)).slope == 12.0
