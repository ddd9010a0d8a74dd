"""Arrays that stand for what is not known yet: computing with them writes the program down.

A `Traced` arrives at NumPy's functions through NumPy's own doors, alone or inside a Tensor, so the
engine needs to know nothing of it: its rules write the gradient's lines as they write numbers.
Beside each there is an example, the numbers of this run, from which shapes and dtypes follow. What
would depend on the numbers themselves is refused.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_ce.debugging import show
from tinygrad_ce.errors import TraceError
from tinygrad_ce.graph import Node
from tinygrad_ce.marks import alike, arrived, begin_backward, end_backward, has_nan, zeros_of
from tinygrad_ce.programs.effects import DRAWS, draw, generators_in, look_again
from tinygrad_ce.programs.numberless import Known, Numberless
from tinygrad_ce.programs.program import Line, Value, mapped
from tinygrad_ce.programs.refusals import check_call, refuse
from tinygrad_ce.randomness import default_generator, rewound
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.support import astype
from tinygrad_ce.rules.table import TABLE
from tinygrad_ce.targets import hint_probabilities

__all__ = ["Trace", "Traced", "TracedGenerator"]

# What Python's operators do with its own numbers, which stay weak.
_WEAKLY: dict[Function, Function] = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul,
    np.divide: operator.truediv, np.power: operator.pow, np.remainder: operator.mod,
    np.floor_divide: operator.floordiv, np.negative: operator.neg, np.positive: operator.pos,
    np.absolute: abs, np.less: operator.lt, np.less_equal: operator.le, np.greater: operator.gt,
    np.greater_equal: operator.ge, np.equal: operator.eq, np.not_equal: operator.ne,
}  # fmt: skip

# Questions that shapes and dtypes answer.
_STATIC = frozenset(
    {
        np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.iscomplexobj,
        np.isrealobj, np.einsum_path, np.zeros_like, np.ones_like, np.empty_like,
        np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
    }
)  # fmt: skip

_HINTS = frozenset({hint_probabilities})  # for the person who writes, once


class Trace:
    """What was written down so far.

    Attributes:
        lines: the calls, oldest first.
        part: of the program, that is being written.
        refused: what was refused last, in words that NumPy may have swallowed.
        caught: what to say if the function goes on after an error that depends on numbers.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.part = "forward"
        self.depth = 0
        self.constants: dict[int, tuple[Any, Any]] = {}
        self.refused: TraceError | None = None
        self.caught: TraceError | None = None

    def variable(self, example: Any, name: str | None = None) -> Traced:
        """A Traced for an input."""
        value = Value.like(example)
        value.name = name
        return Traced(self, value, example)

    def record(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Write a call down and return what it returns, computed on the examples."""
        kwargs.pop("overwrite_input", None)  # a permission, which changes no result
        given, named = (mapped(self.kept, _values(x), np.ndarray) for x in (args, kwargs))
        check_call(function, given, named)
        result: Any = None
        if function is not show:  # which prints when the program runs
            result = self.computed(function, args, kwargs)
        if function in _STATIC:
            return result
        several = isinstance(result, tuple | list)
        parts = tuple(result) if several else () if result is None else (result,)
        values = tuple(map(Value.like, parts))
        self.lines.append(
            Line(values, function, given, named, self.part,
                 result is None or function in DRAWS, several)
        )  # fmt: skip
        made = [Traced(self, v, x) for v, x in zip(values, parts, strict=True)]
        if not several:
            return made[0] if made else None
        return getattr(type(result), "_make", type(result))(made)

    def computed(self, function: Function, args: Any, kwargs: Any) -> Any:
        """What a call returns on the examples."""
        given, named = _examples(args), _examples(kwargs)
        try:
            if function not in DRAWS:
                return function(*given, **named)
            with rewound(*generators_in((given, named)), default_generator()):
                return function(*given, **named)
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            self.caught = TraceError(
                f"{type(error).__name__} ({error}) was raised and caught",
                "whether it is raised depends on numbers, and a program takes the same way at "
                "every call",
                "use np.where with a condition, or call the function without compiling it",
            )
            raise

    def kept(self, x: Any) -> Any:
        """A constant as it is now: the function may write into it before it returns."""
        original, copy = self.constants.get(id(x), (None, None))
        if original is not x or not np.array_equal(copy, x, equal_nan=x.dtype.kind in "fc"):
            copy = x.copy()
            copy.flags.writeable = False
            self.constants[id(x)] = (x, copy)
        return copy

    def hear(self, function: Function, args: tuple[Any, ...]) -> Any:
        """What the engine told or asked."""
        if function is has_nan:
            self.lines.append(Line((), look_again, (args[0].variable,), {}, self.part, True))
            return False
        if function is arrived:
            g, value = args
            if isinstance(g, Traced) and isinstance(value, Traced) and g.variable.of is None:
                g.variable.of = value.variable
        elif function is alike and not isinstance(args[0], Traced):
            return self.record(np.positive, args[:1], {})  # so that its use is written down
        elif function is alike:
            return args[0]
        elif function is zeros_of:
            return self.record(np.zeros, (args[0].shape, args[0].dtype), {})
        else:
            self.depth += 1 if function is begin_backward else -1
            self.part = "backward" if self.depth else "forward"
        return None


_MARKS = frozenset({has_nan, alike, arrived, begin_backward, end_backward, zeros_of})

# Functions that call a function of the user's on parts of an array: those calls are written down;
# and shortcuts, of which the long way is.
_SPELLED = frozenset({np.piecewise, np.apply_along_axis, np.apply_over_axes}) | {
    function for function, made in TABLE.items() if made.composed is not None and made.rules
}


class Traced(Numberless, NDArrayOperatorsMixin):
    """An array of the program that is being written down.

    Attributes:
        tape: what it is written to.
        variable: its Value there.
        example: its numbers in this run.
    """

    __slots__ = ()
    __array_priority__ = 100.0
    __hash__ = object.__hash__

    # NumPy's doors.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Node) for x in inputs):
            return NotImplemented
        if kwargs.get("out") is not None:
            refuse(
                f"{ufunc.__name__} was to write into an array, by out= or as in x += 1",
                "a program's arrays are written once",
                "write x = x + 1, and return what the caller needs",
            )
        if method != "__call__":
            if method == "at":
                refuse(
                    f"{ufunc.__name__}.at was called",
                    "it writes into its argument, and a program's arrays are written once",
                    "use tg.add_at(x, index, value) or tg.set_at, and return what the caller needs",
                )
            return self.tape.record(getattr(ufunc, method), inputs, kwargs)
        if ufunc in _WEAKLY and not kwargs and all(map(_is_weak, inputs)):
            return self.tape.record(_WEAKLY[ufunc], inputs, {})
        return self.tape.record(ufunc, inputs, kwargs)

    def __array_function__(
        self, function: Function, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if any(issubclass(kind, Node) for kind in types) or any(isinstance(x, Node) for x in args):
            return NotImplemented
        if function in _MARKS:
            return self.tape.hear(function, args)
        if function in _HINTS:
            return function(*_examples(args), **_examples(kwargs))
        if function in _SPELLED:
            return TABLE[function].composed(*args, **kwargs)  # type: ignore[misc]
        return self.tape.record(function, args, kwargs)

    # What is known.

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.variable.dtype

    @property
    def ndim(self) -> int:
        return self.variable.ndim

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a number")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        name = self.variable.name or "array"
        return f"<{name}: {self.dtype} {self.shape}, known when the program runs>"

    # What NumPy's arrays can do.

    def __getitem__(self, key: Any) -> Any:
        return self.tape.record(operator.getitem, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        refuse(
            "an array's entries were assigned to",
            "a program's arrays are written once",
            "use tg.set_at(x, index, value), and return what the caller needs",
        )

    @property
    def T(self) -> Any:  # noqa: N802  NumPy's name
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802  NumPy's name
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    def astype(self, dtype: Any, **options: Any) -> Any:
        return astype(self, np.dtype(dtype))

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> Any:
        axes = axes[0] if len(axes) == 1 else axes
        return np.transpose(self, axes or None)

    def flatten(self, order: Any = "C") -> Any:
        return np.ravel(self, order)

    def held(self, dtype: Any) -> Any:
        """What a Tensor of this array holds."""
        return np.positive(self) if dtype is None else self.astype(dtype)

    def __round__(self, *digits: int) -> Any:
        if self.variable.weak is not None:  # Python rounds its numbers by their decimal digits
            return self.tape.record(round, (self, *digits), {})
        return np.round(self, *digits)  # type: ignore[call-overload]


class TracedGenerator(Known):
    """A generator of random numbers: what it draws, it draws at every run."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.example, name)

        def drawn(*args: Any, **kwargs: Any) -> Any:
            return self.tape.record(draw, (self, name, *args), kwargs)

        return drawn if callable(method) else method


def _method(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    return method


for _name in (
    "all", "any", "argmax", "argmin", "argsort", "clip", "conj", "conjugate", "copy", "cumprod",
    "cumsum", "diagonal", "dot", "max", "mean", "min", "prod", "ravel", "repeat", "round",
    "searchsorted", "squeeze", "std", "sum", "swapaxes", "take", "trace", "var", "nonzero",
):  # fmt: skip
    setattr(Traced, _name, _method(_name))


def _is_weak(x: Any) -> bool:
    return (
        x.variable.weak is not None if isinstance(x, Traced) else type(x) in (float, int, complex)
    )


def _examples(x: Any) -> Any:
    return mapped(lambda traced: traced.example, x, Known)


def _values(x: Any) -> Any:
    return mapped(lambda traced: traced.variable, x, Known)
