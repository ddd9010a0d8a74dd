"""Records: what is given is there, what is wrong is named, as dataclasses do it."""

import copy
import pickle
from typing import Any, ClassVar

import pytest

from tinygrad_ce.record import Record


class Point(Record):
    x: float
    y: float = 0.0
    unit: ClassVar[str] = "m"


class Named(Point):
    name: str = "P"


class Alone(Record, eq=False):
    x: float


def test_fields_are_given_by_place_or_name() -> None:
    assert Point(1.0, 2.0) == Point(y=2.0, x=1.0)
    assert Point(1.0) != Point(1.0, 1.0)
    assert Point(1.0) != Named(1.0)
    assert repr(Named(1.0, name="Q")) == "Named(x=1.0, y=0.0, name='Q')"
    assert hash(Point(1.0)) == hash(Point(1.0, 0.0))
    assert Alone(1.0) != Alone(1.0)
    assert len({Alone(1.0), Alone(1.0)}) == 2


@pytest.mark.parametrize(
    ("args", "named", "message"),
    [
        ((), {}, "was made without x"),
        ((), {"y": 1.0}, "was made without x"),
        ((1.0,), {"x": 1.0}, "was given x twice"),
        ((1.0,), {"unit": "km"}, "was given unit twice or without having it; its fields are x, y"),
        ((1.0, 2.0, 3.0), {}, "was given 3 values"),
    ],
)
def test_wrong_fields_are_refused(args: Any, named: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Point(*args, **named)


def test_a_field_is_not_written() -> None:
    with pytest.raises(AttributeError, match=r"\.but\(x=\.\.\.\) makes another"):
        Point(1.0).x = 2.0  # type: ignore[misc]
    assert Point(1.0).but(x=2.0) == Point(2.0)


def test_copies_are_equal() -> None:
    p = Named(1.0, 2.0)
    assert copy.deepcopy(p) == pickle.loads(pickle.dumps(p)) == copy.copy(p) == p
