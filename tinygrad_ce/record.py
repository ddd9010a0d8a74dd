"""Classes that are data: fields with names, made in one call, shown and compared by them.

`class Point(Record)` is `@dataclass(frozen=True) class Point` without the five functions that
`dataclasses` writes and compiles for each class: they took a quarter of the package's import.
A default stands in the class and is shared, so it is nothing that is written to.
"""

from inspect import get_annotations
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

__all__ = ["Record"]


@dataclass_transform(frozen_default=True)
class Record:
    """Fields that are given once, in the order in which the class names them.

    Args of a class:
        eq: whether records with equal fields are equal; otherwise each is equal to itself alone.

    >>> class Point(Record):
    ...     x: float
    ...     y: float = 0.0
    >>> Point(1.0)
    Point(x=1.0, y=0.0)
    >>> Point(1.0).but(y=2.0) == Point(x=1.0, y=2.0)
    True
    >>> Point(1.0).x = 3.0
    Traceback (most recent call last):
    AttributeError: the field 'x' of a Point is not written; .but(x=...) makes another one
    """

    _fields_: ClassVar[tuple[str, ...]] = ()
    _needed_: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, eq: bool = True) -> None:
        own = get_annotations(cls).items()
        cls._fields_ += tuple(name for name, kind in own if "ClassVar" not in str(kind))
        cls._needed_ = tuple(name for name in cls._fields_ if not hasattr(cls, name))
        if not eq:
            cls.__eq__, cls.__hash__ = object.__eq__, object.__hash__  # type: ignore[method-assign]

    def __init__(self, *args: Any, **named: Any) -> None:
        given = self.__dict__
        given.update(zip(self._fields_, args))
        if named:
            wrong = [name for name in named if name in given or name not in self._fields_]
            if wrong:
                self._refuse(f"was given {', '.join(wrong)} twice or without having it")
            given.update(named)
        if len(args) > len(self._fields_):
            self._refuse(f"was given {len(args)} values")
        if len(args) < len(self._needed_):
            missing = [name for name in self._needed_ if name not in given]
            if missing:
                self._refuse(f"was made without {', '.join(missing)}")

    def _refuse(self, found: str) -> NoReturn:
        raise TypeError(f"{type(self).__name__} {found}; its fields are {', '.join(self._fields_)}")

    def but(self, **changes: Any) -> Self:
        """The same with other values in these fields."""
        return type(self)(**{name: getattr(self, name) for name in self._fields_} | changes)

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self._fields_)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"the field {name!r} of a {type(self).__name__} is not written; "
                             f".but({name}=...) makes another one")  # fmt: skip

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields_)
        return f"{type(self).__name__}({shown})"
