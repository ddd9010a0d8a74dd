"""The functions of ours that a program calls, as source of its own: NumPy and nothing else.

A function is copied with what it needs: other functions, constants, classes of errors. Docstrings,
decorators and annotations stay behind.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tinygrad_ce.errors import TraceError
from tinygrad_ce.programs.printing import constant, dotted
from tinygrad_ce.rules.kinds import Function

__all__ = ["Copied", "copied"]


class Copied:
    """What was copied so far.

    Attributes:
        imports: import statements.
        blocks: definitions, each after those that it needs.
    """

    def __init__(self) -> None:
        self.imports: dict[str, None] = {"import numpy as np": None}
        self.blocks: list[str] = []
        self.names: dict[int, str] = {}
        self.kept: list[Any] = []  # so that no id is used twice
        self.promised: dict[int, str] = {}  # names that the program itself uses

    def add(self, x: Any, wanted: str) -> str:
        """The name under which x, called `wanted` where it is used, stands in the program."""
        x = inspect.unwrap(x) if callable(x) and not isinstance(x, type) else x
        if isinstance(x, ModuleType):
            short = wanted if wanted == x.__name__.split(".")[-1] else f"{x.__name__} as {wanted}"
            root, _, last = x.__name__.rpartition(".")
            line = f"import {short}" if not root else f"from {root} import {last} as {wanted}"
            self.imports[line] = None
            return wanted
        if id(x) in self.names:
            return self.names[id(x)]
        name = self.promised.get(id(x), wanted)
        others = {*self.names.values(), *self.promised.values()}
        while id(x) not in self.promised and name in others:
            name += "_"
        self.names[id(x)] = name
        self.kept.append(x)
        if isinstance(x, np.ufunc):
            self.imports[f"from scipy.special import {x.__name__} as {name}"] = None
        elif isinstance(x, FunctionType | type) and not _from_library(x):
            self.blocks.append(self._definition(x, name))
        elif isinstance(x, FunctionType | BuiltinFunctionType | type):
            renamed = "" if x.__name__ == name else f" as {name}"
            self.imports[f"from {x.__module__} import {x.__name__}{renamed}"] = None
        else:
            self.blocks.append(f"{name} = {ast.unparse(_written(x))}")
        return name

    def taken(self) -> set[str]:
        """The names that mean something in the module."""
        imported = {line.split()[-1].partition(".")[0] for line in self.imports}
        return imported | set(self.names.values())

    def _definition(self, x: FunctionType | type, name: str) -> str:
        try:
            source = textwrap.dedent(inspect.getsource(x))
        except (OSError, TypeError) as error:
            raise TraceError(
                f"the source of {name} is not to be had",
                "a program that stands alone contains the functions it calls",
                "define it in a file, or use the program without its source",
            ) from error
        node = ast.parse(source).body[0]
        if isinstance(x, FunctionType) and not isinstance(node, ast.FunctionDef):
            raise TraceError(
                f"{name} is a lambda",
                "a program that stands alone contains the functions it calls, by name",
                "define it with def",
            )
        node = _Bare({}).visit(node)
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        found = {name: value for name, value in _free(x).items() if name in used}
        node = _Bare({known: self.add(value, known) for known, value in found.items()}).visit(node)
        node.name = name
        return ast.unparse(ast.fix_missing_locations(node))


def _from_library(x: Any) -> bool:
    """Whether x comes with Python or NumPy, and can be imported."""
    module = str(x.__module__).split(".")[0]
    return module != "tinygrad_ce" and module in {"numpy", "scipy", "math", "functools", "warnings",
                                                  "operator", "string", "itertools"}  # fmt: skip


def _free(x: FunctionType | type) -> dict[str, Any]:
    """The names that a function or class looks up outside itself, and what they stand for."""
    if isinstance(x, type):
        scope = vars(inspect.getmodule(x))
        bases = [ast.Name(base.__name__) for base in x.__bases__]
        used = {node.id for node in bases}
        functions = [f for f in vars(x).values() if isinstance(f, FunctionType)]
        for function in functions:
            used |= set(_free(function))
    else:
        scope = {**x.__globals__, **inspect.getclosurevars(x).nonlocals}
        used = _names(x.__code__)
    return {name: scope[name] for name in sorted(used)
            if name in scope and not hasattr(builtins, name)}  # fmt: skip


def _names(code: Any) -> set[str]:
    found = set(code.co_names) | set(code.co_freevars)
    for inner in code.co_consts:
        if inspect.iscode(inner):
            found |= _names(inner)
    return found


class _Bare(ast.NodeTransformer):
    """A definition without docstrings, decorators and annotations, and with other names."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.copy_location(ast.Name(self.names.get(node.id, node.id), node.ctx), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.decorator_list, node.returns = [], None
        arguments = node.args
        every = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        for argument in [*every, arguments.vararg, arguments.kwarg]:
            if argument is not None:
                argument.annotation = None
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = []
        return self._without_docstring(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.generic_visit(node)
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)

    def _without_docstring(self, node: Any) -> ast.AST:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        return self.generic_visit(node)


def _written(x: Any) -> ast.expr:
    """A constant of a module; besides what programs hold, sets and dicts of such."""
    if isinstance(x, dict):
        return ast.Dict([_written(k) for k in x], [_written(v) for v in x.values()])
    if isinstance(x, set | frozenset) and x:
        return ast.Set([_written(item) for item in sorted(x, key=str)])
    if isinstance(x, tuple | list):
        items = [_written(item) for item in x]
        return ast.Tuple(items) if isinstance(x, tuple) else ast.List(items)
    return constant(x)


def copied(functions: list[Function]) -> Copied:
    """The source of functions of ours, and of all that they need.

    >>> from tinygrad_ce.rules.elementwise import signum
    >>> print(copied([signum]).blocks[0].splitlines()[0])
    def signum(x):
    """
    found = Copied()
    for function in functions:
        found.promised[id(inspect.unwrap(function))] = dotted(function)
    for function in functions:
        found.add(function, dotted(function))
    return found
