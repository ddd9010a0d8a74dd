"""Running a function once on arrays that write its program down."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from tinygrad_ce.errors import TraceError, TraceWarning
from tinygrad_ce.programs.numberless import Known
from tinygrad_ce.programs.program import Program, Value
from tinygrad_ce.programs.tracer import Trace, Traced, TracedGenerator
from tinygrad_ce.tensor import Tensor, leaf
from tinygrad_ce.trees import Structure, flatten, paths

__all__ = ["Tracing", "is_dynamic", "trace"]

# Files in which a local variable is not called as the user calls it.
_NOT_THE_USERS = (
    *(str(Path(file).parent) for file in (Path(__file__).parent, np.__file__, inspect.__file__)),
    "<frozen",
)


@dataclass(frozen=True)
class Tracing:
    """What a run on traced arrays found.

    Attributes:
        program: what was written down.
        structure: the tree that the program's outputs are the leaves of.
        tensors: for each output, whether it was a Tensor.
        constants: arrays from outside, and the copies of them in the program.
    """

    program: Program
    structure: Structure
    tensors: tuple[bool, ...]
    constants: tuple[tuple[Any, Any], ...] = ()


def is_dynamic(x: Any) -> bool:
    """Whether an argument's numbers may change from call to call; anything else is static."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.kind in "biufc"
    if type(x) is int:
        return -(2**63) <= x < 2**63  # what an int64 holds
    return type(x) in (float, complex) or isinstance(x, Tensor | np.random.Generator)


def trace(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tracing:
    """The program of f for arguments of these shapes and dtypes.

    Leaves that are arrays, numbers, Tensors and generators become the program's inputs; others
    keep their value.

    Raises:
        TraceError: f did what cannot be written down.
    """
    values, structure = flatten((args, kwargs))
    held = Trace()
    inputs: list[Known] = []
    given = []
    for value, name in zip(values, _input_names(f, args, kwargs), strict=True):
        if not is_dynamic(value):
            given.append(value)
            continue
        if isinstance(value, np.random.Generator):
            known: Known = TracedGenerator(held, Value((), np.dtype(object)), deepcopy(value))
        else:
            known = held.variable(value.value if isinstance(value, Tensor) else value)
        known.variable.name = name
        inputs.append(known)
        given.append(leaf(known, value.requires_grad) if isinstance(value, Tensor) else known)
    full, named = structure.build(given)
    try:
        with _locals_named(), np.errstate(all="ignore"):  # silent, as the program is
            result = f(*full, **named)
    except TraceError:
        raise
    except Exception as error:
        if held.refused is None:
            raise
        raise held.refused from error
    if held.caught is not None:
        raise held.caught
    outputs, form = flatten(result)
    _check_captured(outputs, given)
    inner = [x.value if isinstance(x, Tensor) else x for x in outputs]
    program = Program(
        getattr(f, "__name__", "program"),
        tuple(known.variable for known in inputs),
        tuple(held.lines),
        tuple(x.variable if isinstance(x, Known) else _kept(x) for x in inner),
    )
    kinds = tuple(isinstance(x, Tensor) for x in outputs)
    return Tracing(program, form, kinds, tuple(held.constants.values()))


def _kept(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def _check_captured(outputs: list[Any], given: list[Any]) -> None:
    """Warn where a result depends on a variable that is no argument: it is a constant now."""
    if any(isinstance(x, Tensor) and x.requires_grad for x in given):
        return
    if any(isinstance(x, Tensor) and x.requires_grad for x in outputs):
        warnings.warn(
            "the function uses a tensor from outside that requires a gradient. In the program it "
            "is a constant, with the numbers that it has now. Pass it as an argument.",
            TraceWarning,
            stacklevel=4,
        )


def _input_names(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    """A name for each leaf: the argument's, or the last keys that tell it from the others."""
    ways: list[tuple[str, ...]] = []
    for name, arg in zip(_parameters(f, len(args)), args):
        ways += [(name, *way) for way in paths(arg)]
    ways += paths(kwargs)
    short = [way[-1] if not way[-1].isdigit() else "_".join(way[-2:]) for way in ways]
    counts = Counter(short)
    return [
        name if counts[name] == 1 else "_".join(way) for name, way in zip(short, ways, strict=True)
    ]


def _parameters(f: Callable[..., Any], n: int) -> list[str]:
    """The names of the first n arguments by position."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{i}" for i in range(n - len(names))]
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
    return (names + [f"argument_{i}" for i in range(len(names), n)])[:n]


@contextmanager
def _locals_named() -> Iterator[None]:
    """Give the Values in the user's local variables those names, when a function returns."""
    if sys.getprofile() is not None:  # someone measures: the names are worth less
        yield
        return

    others: dict[int, CodeType] = {}  # not the user's; there are many calls, and few functions

    def on_event(frame: FrameType, event: str, arg: Any) -> None:
        if event != "return" or id(code := frame.f_code) in others:
            return
        written = (code.co_filename, code.co_name) == ("<string>", "__init__")  # of a dataclass
        if written or code.co_filename.startswith(_NOT_THE_USERS):
            others[id(code)] = code
            return
        for name, x in frame.f_locals.items():
            _name(x, name)

    sys.setprofile(on_event)
    try:
        yield
    finally:
        sys.setprofile(None)


def _name(x: Any, name: str, depth: int = 2) -> None:
    """Name the Values in x; what has a name keeps it."""
    if isinstance(x, Tensor):
        x = x.value
    if isinstance(x, Traced):
        if x.variable.name is None and x.variable.of is None:
            x.variable.name = name
    elif depth and (isinstance(x, dict | list | tuple) or is_dataclass(x)):
        values, _ = flatten(x)
        if len(values) < 100:
            for value, way in zip(values, paths(x), strict=True):
                _name(value, "_".join((name, *way)), depth - 1)
