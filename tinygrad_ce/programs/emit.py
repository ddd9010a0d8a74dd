"""A program as Python source that stands alone: NumPy, and nothing of ours.

Values have the user's names where they have one, `d` before the name of what they are the gradient
of, and else a letter with a number. What is used once is written where it is used, as long as the
line stays readable.
"""

from __future__ import annotations

import ast
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_ce.debugging import show
from tinygrad_ce.programs.effects import draw
from tinygrad_ce.programs.helpers import copied
from tinygrad_ce.programs.layout import WIDTH, laid_out
from tinygrad_ce.programs.names import Names
from tinygrad_ce.programs.printing import constant, dotted, expression
from tinygrad_ce.programs.program import Line, Program, Value, mapped
from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.labels import ones_at
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.rules.support import astype

__all__ = ["USUAL", "Body", "body", "emit", "foreign", "ufuncs"]

_SMALL = 6  # entries of an array that is written where it is used
_MANY = 1000  # entries of an array that is written as text of numbers


def emit(program: Program, called: Mapping[int, str] | None = None) -> str:
    """The program as a module with one function, which takes the inputs and returns the outputs.

    Args:
        program: the program.
        called: names of constant arrays, by their id.

    >>> from tinygrad_ce.programs.program import call
    >>> x = Value((3,), np.dtype(float), name="x")
    >>> square = call(np.multiply, x, x)
    >>> emit(Program("f", (x,), (square,), (square.result,))).splitlines()[-2:]
    ['def f(x):', '    return x * x']
    """
    copies = copied([*foreign(program), *ufuncs(program)])
    text = body(program, copies.taken(), called)
    constants = [f"{name} = {_array(x)}" for name, x in text.constants.items()]
    if any("base64" in line for line in constants):
        copies.imports["import base64"] = None
    imports = sorted(copies.imports, key=lambda line: ("numpy" in line, line))
    blocks = [f"\n{laid_out(block)}\n" if block.startswith(("def", "class")) else laid_out(block)
              for block in copies.blocks]  # fmt: skip
    sections = [[f'"""{text.title}."""'], imports, constants, blocks]
    head = "\n\n".join("\n".join(part) for part in sections if part)
    silent = '@np.errstate(all="ignore")\n' if _may_divide_by_zero(program) else ""
    return f"{head.strip()}\n\n\n{silent}{text.source}\n"


_CAREFUL = (np.divide, np.power, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.reciprocal,
            np.float_power, np.arctanh, np.cbrt, np.arcsin, np.arccos, np.arccosh)  # fmt: skip


def _may_divide_by_zero(program: Program) -> bool:
    """Whether a gradient may be infinite: the backward part gives no warning."""
    return any(line.part == "backward" and line.function in _CAREFUL for line in program.lines)


def foreign(program: Program) -> list[Function]:
    """The functions in a program that are not NumPy's own."""
    found: dict[Function, None] = {}
    for line in program.lines:
        function = line.function
        plain = isinstance(function, np.ufunc) or dotted(function).startswith("np.")
        if not plain and function not in (astype, draw, show) and not _is_operator(function):
            found[function] = None
    return list(found)


def ufuncs(program: Program) -> list[Function]:
    """The ufuncs that are not NumPy's, but SciPy's."""
    used = dict.fromkeys(line.function for line in program.lines)
    return [f for f in used if isinstance(f, np.ufunc) and not dotted(f).startswith("np.")]


def _is_operator(function: Function) -> bool:
    return getattr(function, "__module__", "") in ("_operator", "builtins")


class Body:
    """The text of a program's function, and what it refers to.

    Attributes:
        title: its name and arguments with their dtypes and shapes.
        source: `def name(...): ...`.
        constants: the arrays it uses, by name.
    """

    def __init__(self, title: str, source: str, constants: dict[str, Any]) -> None:
        self.title, self.source, self.constants = title, source, constants


def body(
    program: Program, taken: Iterable[str] = (), called: Mapping[int, str] | None = None
) -> Body:
    """The program as one function; `taken` are names that mean something else around it."""
    return _Writer(program, taken, called or {}).write()


class _Writer:
    """Writes one program, line after line."""

    def __init__(self, program: Program, taken: Iterable[str], called: Mapping[int, str]) -> None:
        self.program, self.called = program, called
        self.names = Names(taken)
        self.uses = program.uses()
        self.constants: dict[str, Any] = {}
        self.kept: dict[int, Value] = {}  # what stands for a constant array
        self.written: dict[Value, ast.expr] = {}  # what stands for a Value
        self.waiting: set[Value] = set()  # those that are written where they are used
        self.rows: list[tuple[str, str]] = []  # text, comment

    def write(self) -> Body:
        name = self.names.free(self.program.name)
        inputs = [self.names.of(value) for value in self.program.inputs]
        self.written.update(
            (value, ast.Name(name)) for value, name in zip(self.program.inputs, inputs)
        )
        parts = {line.part for line in self.program.lines}
        part, seen = None, set()
        for line in self.program.lines:
            if line.part != part and len(parts) > 1:
                part = line.part
                self.rows.append((f"# {'then' if part in seen else part}", ""))
                seen.add(part)
            self._line(line)
        outputs = self._outputs()
        self.rows.append((f"return {outputs}", ""))
        width = min(max((len(text) for text, note in self.rows if note), default=0), 60)
        rows = [f"    {text:{width}}  # {note}" if note else f"    {text}"
                for text, note in _without_empty_sections(self.rows)]  # fmt: skip
        title = ", ".join(f"{n}: {_kind(value)}" for n, value in zip(inputs, self.program.inputs))
        source = laid_out("\n".join([f"def {name}({', '.join(inputs)}):", *rows]))
        return Body(f"{name}({title}), in NumPy", source, self.constants)

    def _line(self, line: Line) -> None:
        line = self._with_named_constants(line)
        text = self._fitting(lambda: expression(line, self.written.__getitem__))
        if not line.results:
            self.rows.append((ast.unparse(text), ""))
        elif line.several:
            names = [self._target(v) if v in self.uses else "_" for v in line.results]
            targets = ", ".join(names) + "," * (len(names) == 1)
            self.rows.append((f"{targets} = {ast.unparse(text)}", ""))
        elif self._stays_here(line):
            self.rows.append(
                (f"{self._target(line.result)} = {ast.unparse(text)}", _shape(line.result))
            )
        else:
            self.written[line.result] = text
            self.waiting.add(line.result)

    def _stays_here(self, line: Line) -> bool:
        """Whether a line is written as one, and not inside the one that uses it."""
        value = line.result
        if value.name is None and self.uses.get(value, 0) > 0:
            value.name = USUAL.get(line.function)
        known = value.name or (value.of is not None and value.of.name)
        return bool(line.effect or known or self.uses.get(value, 0) != 1)

    def _fitting(self, written: Callable[[], ast.expr]) -> ast.expr:
        """An expression that is short enough; what waits in it gets lines of its own, if not."""
        while True:
            found = written()
            inside = [v for v in self.waiting if _contains(found, self.written[v])]
            if len(ast.unparse(found)) <= WIDTH - 16 or not inside:
                self.waiting.difference_update(inside)
                return found
            self._settle(max(inside, key=lambda v: len(ast.unparse(self.written[v]))))

    def _settle(self, value: Value) -> None:
        text = ast.unparse(self.written[value])
        self.waiting.discard(value)
        self.rows.append((f"{self._target(value)} = {text}", _shape(value)))

    def _target(self, value: Value) -> str:
        name = self.names.of(value)
        self.written[value] = ast.Name(name)
        return name

    def _outputs(self) -> str:
        def written() -> ast.expr:
            items = [self.written[x] if isinstance(x, Value) else self._constant(x)
                     for x in self.program.outputs]  # fmt: skip
            return items[0] if len(items) == 1 else ast.Tuple(items)

        return (
            ast.unparse(self._fitting(written)).removeprefix("(").removesuffix(")")
            if len(self.program.outputs) > 1
            else ast.unparse(self._fitting(written))
        )

    def _constant(self, x: Any) -> ast.expr:
        kept = self._named(x)
        return self.written[kept] if isinstance(kept, Value) else constant(kept)

    def _with_named_constants(self, line: Line) -> Line:
        """The line with a name in the place of each array that is not small."""
        args = mapped(self._named, line.args, np.ndarray)
        kwargs = mapped(self._named, dict(line.kwargs), np.ndarray)
        return Line(line.results, line.function, args, kwargs, line.part, line.effect, line.several)

    def _named(self, x: Any) -> Any:
        if not isinstance(x, np.ndarray) or x.size <= _SMALL:
            return x
        if id(x) not in self.kept:
            name = self.names.free(self.called.get(id(x), "C1"))
            self.constants[name] = x
            self.kept[id(x)] = Value.like(x)
            self.written[self.kept[id(x)]] = ast.Name(name)
        return self.kept[id(x)]


# What the results of these are usually called.
USUAL: dict[Function, str] = {
    softmax: "y",
    sigmoid: "y",
    log_softmax: "log_y",
    ones_at: "one_hot",
    logsumexp: "log_sum",
}


def _contains(tree: ast.expr, part: ast.expr) -> bool:
    return any(node is part for node in ast.walk(tree))


def _shape(value: Value) -> str:
    return "" if value.weak else str(value.shape) if value.shape else ""


def _without_empty_sections(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without headings under which nothing is left, as all of it moved further down."""
    kept = [row for row, after in zip(rows, [*rows[1:], ("", "")])
            if not (row[0].startswith("# ") and after[0].startswith("# "))]  # fmt: skip
    headings = [row for row in kept if row[0].startswith("# ")]
    return kept if len(headings) > 1 else [row for row in kept if row not in headings]


def _kind(value: Value) -> str:
    if value.weak or value.dtype.hasobject:
        return value.weak.__name__ if value.weak else "np.random.Generator"
    return f"{value.dtype.name} {value.shape}"


def _array(x: Any) -> str:
    """The text that makes a constant array again."""
    if x.size <= _MANY:
        return laid_out(ast.unparse(constant(x)))
    data = binascii.b2a_base64(np.ascontiguousarray(x).tobytes(), newline=False).decode()
    rows = "\n".join(f'    "{data[i : i + 76]}"' for i in range(0, len(data), 76))
    dtype = ast.unparse(constant(x.dtype))
    return f"np.frombuffer(base64.b64decode(\n{rows}\n), {dtype}).reshape({x.shape})"
