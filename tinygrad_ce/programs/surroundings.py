"""What a function reaches outside its arguments, and whether tracing it changed any of that.

A program computes with what it is given. Random numbers of a generator outside would be drawn
once, when the program is written down, and be the same at every call; a gradient written to a
tensor outside would be written once. Both are looked at before and after, and refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.numberless import Known
from tinygrad_ce.tensor import Tensor

__all__ = ["names_of_arrays", "reached", "undisturbed"]

_MANY = 10_000  # objects, after which the search ends
_LIBRARIES = ("numpy", "tinygrad_ce")  # which hold nothing of the user's but in closures


@contextmanager
def undisturbed(f: Callable[..., Any]) -> Iterator[None]:
    """Refuse what a run of f draws and writes outside itself.

    Raises:
        TraceError: a generator of random numbers moved on, or a tensor was written to.
    """
    found = reached(f)
    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    generators = [(x, _state(x)) for x in found if isinstance(x, kinds)]
    tensors = [(x, x.value, x.grad) for x in found if isinstance(x, Tensor)]
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        written = [x for x, value, grad in tensors if _is_traced(x)]
        for x, value, grad in tensors:
            if _is_traced(x):
                x.value, x.grad = value, grad
    for generator, state in generators:
        if not _is_same(_state(generator), state):
            _refuse_draw(f"a {type(generator).__name__} from outside")
    if not _is_same(np.random.get_state(), numpys) or random.getstate() != pythons:
        _refuse_draw("the random numbers of np.random or random")
    if written:
        raise TraceError(
            f"the function writes to a tensor from outside, of shape {written[0].shape}, as "
            "backward() does to .grad",
            "a program returns its results, and writes nothing",
            "return the gradients of an argument: tg.grad or tg.value_and_grad",
        )


def _refuse_draw(what: str) -> None:
    raise TraceError(
        f"{what} moved on while the program was written down",
        "what is drawn outside is drawn once, and would be the same at every call",
        "pass a generator as an argument, np.random.default_rng(seed): it draws anew at each call",
    )


def _is_traced(x: Tensor) -> bool:
    return any(isinstance(getattr(held, "value", held), Known) for held in (x.value, x.grad))


def _state(x: Any) -> Any:
    if isinstance(x, random.Random):
        return x.getstate()
    return x.bit_generator.state if isinstance(x, np.random.Generator) else x.get_state()


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return all(_is_same(a[key], b[key]) for key in a)
    if isinstance(a, tuple):
        return all(map(_is_same, a, b))
    return bool(np.array_equal(a, b))


def reached(f: Callable[..., Any]) -> list[Any]:
    """The objects that a function can reach by its closure, globals, defaults and `self`.

    >>> scale = [2.0]
    >>> any(x is scale for x in reached(lambda x, s=scale: s[0] * x))
    True
    """
    seen: dict[int, Any] = {}
    waiting = [f]
    while waiting and len(seen) < _MANY:
        x = waiting.pop()
        if id(x) not in seen:
            seen[id(x)] = x
            waiting += _next(x)
    return list(seen.values())


def _next(x: Any) -> list[Any]:
    """What an object holds."""
    if isinstance(x, FunctionType):
        held = [_content(cell) for cell in x.__closure__ or ()]
        held += [*(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
        return held if str(x.__module__).startswith(_LIBRARIES) else held + _looked_up(x)
    if isinstance(x, partial):
        return [x.func, *x.args, *x.keywords.values()]
    if isinstance(x, MethodType):
        return [x.__func__, x.__self__]
    if isinstance(x, dict):
        return list(x.values())
    if isinstance(x, list | tuple | set | frozenset):
        return list(x)
    if isinstance(x, ModuleType | type | Known) or type(x).__module__.startswith(_LIBRARIES):
        return []
    return list(getattr(x, "__dict__", {}).values())


def _looked_up(f: FunctionType) -> list[Any]:
    """The globals that f's code names, and what it names in modules."""
    names = _names(f.__code__)
    held = [f.__globals__[name] for name in names if name in f.__globals__]
    modules = [vars(x) for x in held if isinstance(x, ModuleType)]
    return held + [scope[name] for scope in modules for name in names if name in scope]


def names_of_arrays(f: Callable[..., Any]) -> dict[int, str]:
    """What a function calls the arrays outside it, by their id.

    >>> w = np.ones(2)
    >>> def close(w):
    ...     return lambda x: w @ x
    >>> names_of_arrays(close(w))[id(w)]
    'w'
    """
    found: dict[int, str] = {}
    for x in reached(f):
        if not isinstance(x, FunctionType):
            continue
        cells = zip(x.__code__.co_freevars, x.__closure__ or ())
        named = [(name, _content(cell)) for name, cell in cells]
        named += [(name, x.__globals__.get(name)) for name in _names(x.__code__)]
        for name, value in named:
            value = value.value if isinstance(value, Tensor) else value
            if isinstance(value, np.ndarray):
                found.setdefault(id(value), name)
    return found


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _names(code: CodeType) -> set[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*inner)
