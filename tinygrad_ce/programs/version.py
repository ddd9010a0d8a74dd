"""One version of a compiled function: the program for one signature, ready to run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.effects import DRAWS, LookAgain, generators_in
from tinygrad_ce.programs.emit import emit
from tinygrad_ce.programs.ends import departure, entrance
from tinygrad_ce.programs.guards import QUESTIONS, guarded
from tinygrad_ce.programs.names import Names
from tinygrad_ce.programs.owned import owned
from tinygrad_ce.programs.program import Pass, Program, Value
from tinygrad_ce.programs.signature import Static
from tinygrad_ce.programs.simplify import readable, simplify
from tinygrad_ce.programs.surroundings import names_of_arrays, undisturbed
from tinygrad_ce.programs.trace import trace
from tinygrad_ce.randomness import default_generator

__all__ = ["Execute", "Version"]

Execute = Callable[[Program], Callable[..., Any]]  # what runs a program, as NumPy or elsewhere


class Version:
    """The program of a function for one signature.

    Attributes:
        key: the signature.
        program: its lines, simplified.
        constants: names of arrays in it, by their id.
        enter: a function of (args, kwargs): the program's inputs, or None for other signatures.
        leave: a function of the inputs: what f returns.
        seconds: what it took to write the program.
        calls: how often it was called; calls at the same time may count as one.
    """

    def __init__(
        self, key: Any, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any],
        passes: Iterable[Pass], execute: Execute,
    ) -> None:  # fmt: skip
        start = perf_counter()
        self.key = key
        with undisturbed(f), np.errstate(all="ignore"):
            traced = trace(_called(f), args, kwargs)
        for output in traced.program.outputs:
            _check_output(output)
        names = names_of_arrays(f)
        known = ((original, copy) for original, copy in traced.constants if id(original) in names)
        self.constants = {id(copy): names[id(original)] for original, copy in known}
        self.passes = tuple(passes)
        self.program = guarded(owned(simplify(traced.program, self.passes), traced.program))
        run = execute(self.program)
        tree = traced.structure.build(range(len(self.program.outputs)))
        self.leave = _rewinding(self.program, departure(run, tree, traced.tensors))
        self.enter = entrance(args, kwargs)
        self.seconds = perf_counter() - start
        self.calls = 0

    @property
    def readable(self) -> Program:
        """The program as a person would write it, without the engine's questions."""
        lines = [line for line in self.program.lines if line.function not in QUESTIONS]
        return readable(self.program.rewritten(lines, {}), self.passes)

    @property
    def source(self) -> str:
        """The program as a module that stands alone."""
        return emit(self.readable, self.constants)

    def __str__(self) -> str:
        inputs = ", ".join(f"{x.name}: {x.dtype.name} {x.shape}" for x in self.program.inputs)
        return f"{self.program.name}({inputs})"


def _called(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, which is handed static arguments as they are, under a name that a program can have."""

    @wraps(f)
    def called(*args: Any, **kwargs: Any) -> Any:
        return f(*map(_given, args), **{key: _given(x) for key, x in kwargs.items()})

    called.__name__ = _name(f)
    return called


def _given(x: Any) -> Any:
    return x.value if type(x) is Static else x


def _name(f: Callable[..., Any]) -> str:
    name = getattr(f, "__name__", None) or getattr(getattr(f, "func", None), "__name__", "f")
    return "f" if name == "<lambda>" else Names(()).free(str(name))


_FIRM = (str, bytes, bool, int, float, complex, np.dtype, np.generic, type, range)


def _check_output(x: Any) -> None:
    """Refuse results in which arrays could hide that the program does not know."""
    plain = isinstance(x, np.ndarray) and not x.dtype.hasobject
    if not (plain or isinstance(x, (Value, *_FIRM))):
        raise TraceError(
            f"the function returned a {type(x).__name__}",
            "a program returns trees of arrays: dicts, lists, tuples and dataclasses of them",
            "return its arrays in a dict, or make its class a dataclass",
        )


def _rewinding(program: Program, leave: Callable[..., Any]) -> Callable[..., Any]:
    """leave, after which f can be run anew: the generators are where they were."""
    drawing = [line for line in program.lines if line.function in DRAWS]
    if not drawing:
        return leave
    fixed = [g for line in drawing for g in generators_in((line.args, dict(line.kwargs)))]

    def rewinding(*inputs: Any) -> Any:
        generators = [*generators_in(inputs), *fixed, default_generator()]
        states = [x.bit_generator.state for x in generators]
        try:
            return leave(*inputs)
        except LookAgain:
            for x, state in zip(generators, states):
                x.bit_generator.state = state
            raise

    return rewinding
