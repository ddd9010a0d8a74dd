"""`tg.compile`: run a function once, keep the program it leaves, and run that from then on."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from functools import partial, update_wrapper
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from tinygrad_ce.arguments import carries
from tinygrad_ce.errors import TraceError
from tinygrad_ce.mode import recording
from tinygrad_ce.programs.emit import emit
from tinygrad_ce.programs.execute import executable
from tinygrad_ce.programs.program import Pass, Program, Value, call
from tinygrad_ce.programs.simplify import SIMPLIFY, simplify
from tinygrad_ce.programs.trace import Tracing, is_dynamic, trace
from tinygrad_ce.programs.tracer import Known, LookAgain, look_again
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.trees import flatten

__all__ = ["Compiled", "compile"]


class _Entry:
    """One signature's program, ready to run."""

    def __init__(self, traced: Tracing, program: Program, passes: Iterable[Pass]) -> None:
        self.program = program
        self.structure, self.tensors = traced.structure, traced.tensors
        self.run = executable(program)
        self.single = len(program.outputs) == 1

    def __call__(self, inputs: list[Any]) -> Any:
        with np.errstate(all="ignore"):
            found = self.run(*inputs)
        outputs = [found] if self.single else list(found)
        if any(self.tensors):
            outputs = [Tensor(x) if t else x for x, t in zip(outputs, self.tensors, strict=True)]
        return self.structure.build(outputs)


class Compiled:
    """A function that is traced at its first call with a signature, and runs as a program then.

    Attributes:
        function: what was compiled.
        source: the program of the last call as a module that stands alone.
    """

    def __init__(
        self, f: Callable[..., Any], static_argnums: Sequence[int], static_argnames: Sequence[str],
        passes: Iterable[Pass], maxsize: int,
    ) -> None:  # fmt: skip
        update_wrapper(self, f)
        self.function = f
        self._numbers, self._names = frozenset(static_argnums), frozenset(static_argnames)
        self._passes, self._maxsize = tuple(passes), maxsize
        self._entries: OrderedDict[Any, _Entry] = OrderedDict()
        self._last: _Entry | None = None
        self._lock = RLock()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values, _ = flatten((args, kwargs))
        if _is_inside_another(values) or (carries(values) and recording()):
            return self.function(*args, **kwargs)
        key = _signature(args, kwargs, values)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._traced(key, args, kwargs)
        self._last = entry
        try:
            return entry([getattr(x, "value", x) for x in values if is_dynamic(x)])
        except LookAgain:
            return self.function(*args, **kwargs)

    def _traced(self, key: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Entry:
        with self._lock:
            if key not in self._entries:
                traced = trace(self.function, args, kwargs)
                program = owned(simplify(traced.program, self._passes), traced.program)
                self._entries[key] = _Entry(traced, program, self._passes)
                while len(self._entries) > self._maxsize:
                    self._entries.popitem(last=False)
            return self._entries[key]

    @property
    def source(self) -> str:
        if self._last is None:
            raise TraceError(
                "the source was asked for before the first call",
                "the program depends on the shapes and dtypes of the arguments",
                "call the function first",
            )
        return emit(without(self._last.program, look_again))

    def save(self, path: str | Path) -> None:
        """Write the source of the last call's program to a file."""
        Path(path).write_text(self.source, encoding="utf-8")

    def clear(self) -> None:
        """Forget all programs."""
        with self._lock:
            self._entries.clear()
            self._last = None


def _is_inside_another(values: list[Any]) -> bool:
    return any(isinstance(getattr(x, "value", x), Known) for x in values)


def _signature(args: Any, kwargs: Any, values: list[Any]) -> Any:
    return (_form(args), _form(kwargs), *(_kind(x) for x in values))


def _form(x: Any) -> Any:
    if isinstance(x, dict):
        return (type(x), *((k, _form(v)) for k, v in x.items()))
    if isinstance(x, list | tuple):
        return (type(x), *map(_form, x))
    if hasattr(type(x), "__tree__"):
        return x.__tree__().static
    return type(x)


def _kind(x: Any) -> Any:
    if not is_dynamic(x):
        return x
    if isinstance(x, np.ndarray | np.generic | Tensor):
        return (x.dtype, x.shape)
    return type(x)


def without(program: Program, function: Callable[..., Any]) -> Program:
    """The program without the lines that call a function."""
    return program.rewritten([line for line in program.lines if line.function is not function], {})


_VIEWS = frozenset({np.broadcast_to, np.transpose, np.reshape, np.squeeze, np.expand_dims, np.ravel,
                    np.swapaxes, np.moveaxis})  # fmt: skip


def owned(program: Program, original: Program) -> Program:
    """Let every result have memory of its own, as gradients have, unless f returned an argument.

    A simplified program may return an input, or the same array twice, where f computed them.
    """
    makers = program.makers()
    handed = {x for x in original.outputs if isinstance(x, Value) and x in original.inputs}
    lines, outputs = list(program.lines), []
    for output in program.outputs:
        if isinstance(output, Value) and output not in handed:
            line = makers.get(output)
            if line is None or (line.part == "backward" and line.function in _VIEWS):
                lines.append(call(np.copy, output))
                output = lines[-1].result
            handed.add(output)
        elif isinstance(output, Value) and output not in original.inputs:
            lines.append(call(np.copy, output))
            output = lines[-1].result
        outputs.append(output)
    return Program(program.name, program.inputs, tuple(lines), tuple(outputs), program.log)


def compile(
    f: Callable[..., Any] | None = None,
    *,
    static_argnums: Sequence[int] = (),
    static_argnames: Sequence[str] = (),
    passes: Iterable[Pass] = SIMPLIFY,
    maxsize: int = 64,
) -> Any:
    """f as a program of NumPy calls, written at the first call with a signature, and run then.

    >>> import tinygrad_ce as tg
    >>> step = compile(tg.grad(lambda y, t: -np.sum(t * np.log(y))))
    >>> step(np.array([0.25, 0.75]), np.array([0.0, 1.0]))
    array([-0.        , -1.33333333])
    """
    if f is None:
        return partial(
            compile, static_argnums=static_argnums, static_argnames=static_argnames,
            passes=passes, maxsize=maxsize,
        )  # fmt: skip
    return Compiled(f, static_argnums, static_argnames, passes, maxsize)
