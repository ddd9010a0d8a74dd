"""The two ends of a compiled call as Python written for one signature.

`entrance` takes the arguments apart if they are of the signature, `departure` puts the results
together. Both are straight lines of code, since a recursion over trees costs more than many a
program. Nothing of the user's is in their text: keys, types and
values are looked up by names of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from tinygrad_ce.programs.signature import Static, attributes
from tinygrad_ce.tensor import Tensor, leaf
from tinygrad_ce.trees import opened

__all__ = ["departure", "entrance"]

_MANY = 2000  # lines of code, more of which take longer to compile than they save
_SINGLE = (str, bytes, int)


class _Unfit(Exception):  # noqa: N818  it is no error
    """The signature has something in it that takes a closer look at every call."""


class _Code:
    """Lines of a function, and what they refer to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.scope: dict[str, Any] = {"ndarray": np.ndarray, "Tensor": Tensor, "leaf": leaf}
        self.inputs: list[str] = []
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"x{self.count}"

    def constant(self, x: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = x
        return name

    def function(self, head: str) -> Any:
        text = "\n    ".join([head, *self.lines])
        exec(compile(text, "<tinygrad_ce: the ends of a call>", "exec"), self.scope)
        return self.scope[head.split()[1].partition("(")[0]]


def entrance(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
    """A function of (args, kwargs): the program's inputs as a tuple, or None for other signatures.

    >>> enter = entrance((np.ones(2), {"b": 1.0}), {})
    >>> enter((np.zeros(2), {"b": 3.0}), {})
    (array([0., 0.]), 3.0)
    >>> enter((np.zeros(3), {"b": 3.0}), {}) is None
    True
    """
    code = _Code()
    try:
        _take(code, args, "args")
        _take(code, kwargs, "kwargs")
    except _Unfit:
        return lambda args, kwargs: None
    if len(code.lines) > _MANY:
        return lambda args, kwargs: None
    code.lines.append(f"return ({''.join(f'{name}, ' for name in code.inputs)})")
    return code.function("def enter(args, kwargs):")  # type: ignore[no-any-return]


def _take(code: _Code, x: Any, name: str) -> None:
    """Check what stands in `name`, and take it apart."""
    kind = type(x)

    def check(*conditions: str) -> None:
        code.lines.append(f"if not ({' and '.join(conditions)}): return None")

    if x is None:
        check(f"{name} is None")
    elif kind is dict:
        _take_dict(code, x, name, check)
    elif isinstance(x, list | tuple) and not attributes(x):
        check(f"type({name}) is {code.constant(kind)}", f"len({name}) == {len(x)}")
        _take_parts(code, list(x), name)
    elif hasattr(kind, "__tree__"):
        branch, inner = x.__tree__(), code.new()
        check(f"type({name}) is {code.constant(kind)}")
        code.lines.append(f"{inner} = {name}.__tree__()")
        check(f"{inner}.static == {code.constant(branch.static)}",
              f"{inner}.constant == {code.constant(branch.constant)}")  # fmt: skip
        _take_parts(code, branch.items, f"{inner}.items")
    elif is_dataclass(x) and kind is not type:
        names = [field.name for field in fields(x)]
        if attributes(x, names):
            raise _Unfit
        check(f"type({name}) is {code.constant(kind)}")
        if hasattr(x, "__dict__"):
            check(f"len({name}.__dict__) == {len(vars(x))}")
        for part in names:
            inner = code.new()
            code.lines.append(f"{inner} = getattr({name}, {code.constant(part)})")
            _take(code, getattr(x, part), inner)
    else:
        _take_leaf(code, x, name, check)


def _take_dict(code: _Code, x: dict[Any, Any], name: str, check: Callable[..., None]) -> None:
    if not x:
        check(f"not {name}", f"type({name}) is dict")
        return
    if any(type(key) is not str for key in x):
        raise _Unfit  # 1 and True are the same key
    check(f"type({name}) is dict", f"[*{name}] == {code.constant(list(x))}")
    _take_parts(code, list(x.values()), f"{name}.values()")


def _take_parts(code: _Code, parts: list[Any], source: str) -> None:
    names = [code.new() for _ in parts]
    if names:
        code.lines.append(f"{', '.join(names)}, = {source}")
    for part, name in zip(parts, names):
        _take(code, part, name)


def _take_leaf(code: _Code, x: Any, name: str, check: Callable[..., None]) -> None:
    kind = type(x)
    if kind is Static:
        value = x.value
        same = f"{name} is {code.constant(value)}"
        if type(value) in _SINGLE:
            kept = code.constant(type(value))
            same = f"({same} or type({name}) is {kept} and {name} == {code.constant(value)})"
        check(same)
        return
    if kind in (bool, str):
        check(f"type({name}) is {code.constant(kind)}", f"{name} == {code.constant(x)}")
        return
    if kind is Tensor:
        if x.requires_grad:
            raise _Unfit
        inner = code.new()
        check(f"type({name}) is Tensor", f"not {name}.requires_grad")
        code.lines.append(f"{inner} = {name}.value")
        _take_leaf(code, x.value, inner, check)
        return
    if kind is np.ndarray:
        dtype, shape = code.constant(x.dtype), code.constant(x.shape)
        check(f"type({name}) is ndarray", f"{name}.dtype is {dtype}", f"{name}.shape == {shape}")
    elif kind is int:
        check(f"type({name}) is {code.constant(int)}", f"{-(2**63)} <= {name} < {2**63}")
    elif kind in (float, complex) or isinstance(x, np.number | np.bool | np.random.Generator):
        check(f"type({name}) is {code.constant(kind)}")
    else:
        raise _Unfit
    code.inputs.append(name)


def departure(run: Callable[..., Any], tree: Any, tensors: tuple[bool, ...]) -> Any:
    """A function of the inputs that runs the program, without warnings, and builds a tree.

    Args:
        run: takes the inputs and returns a tuple of the outputs.
        tree: any tree of the results' structure.
        tensors: which outputs are to be Tensors.

    >>> departure(lambda x: (2 * x,), {"double": 0}, (False,))(4.0)
    {'double': 8.0}
    """
    code = _Code()
    names = [code.new() for _ in tensors]
    call = f"{''.join(f'{name}, ' for name in names)}= run(*inputs)" if names else "run(*inputs)"
    if _SETTING is None:
        code.scope["run"] = np.errstate(all="ignore")(run)
        code.lines.append(call)
    else:
        variable, silent = _SETTING
        code.scope |= {"run": run, "change": variable.set, "back": variable.reset, "silent": silent}
        code.lines += ["token = change(silent)", "try:", f"    {call}", "finally:",
                       "    back(token)"]  # fmt: skip
    ready = iter([f"leaf({n})" if tensor else n for n, tensor in zip(names, tensors)])
    code.lines.append(f"return {_put(code, tree, ready)}")
    return code.function("def leave(*inputs):")


def _put(code: _Code, tree: Any, ready: Iterator[str]) -> str:
    """The expression that builds a tree like this one."""
    if tree is None:
        return "None"
    parts = opened(tree)
    if parts is None:
        return next(ready)
    rebuild, items, _ = parts
    inner = [_put(code, item, ready) for item in items]
    kind = type(tree)
    if kind is dict:
        keys = [code.constant(key) for key in tree]
        return "{" + ", ".join(f"{key}: {part}" for key, part in zip(keys, inner)) + "}"
    if kind is tuple:
        return f"({''.join(f'{part}, ' for part in inner)})"
    if kind is list:
        return f"[{', '.join(inner)}]"
    return f"{code.constant(rebuild)}([{', '.join(inner)}])"


def _setting() -> tuple[ContextVar[Any], Any] | None:
    """The variable in which NumPy keeps its error handling, and what `all="ignore"` is there.

    Found by looking at what np.errstate changes. To set it directly takes a fifth of the time.
    """
    before = copy_context()
    with np.errstate(all="ignore"):
        inside = copy_context()
    changed = [variable for variable in inside if inside[variable] is not before.get(variable)]
    return (changed[0], inside[changed[0]]) if len(changed) == 1 else None


_SETTING = _setting()
