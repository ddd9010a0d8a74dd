r"""A program as equations in LaTeX: `dz = y - t` is `\frac{\partial L}{\partial z} &= y - t`.

Products of arrays entry by entry are written with \odot, those of matrices side by side. In a sum
names have the index that it runs over.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_ce.programs.emit import body
from tinygrad_ce.programs.program import Program

__all__ = ["aligned", "letter", "written"]

# Calls by name: % is the arguments, with commas between them.
_CALLS = {
    "np.exp": r"\exp\left(%\right)", "np.log": r"\log\left(%\right)", "np.sqrt": r"\sqrt{%}",
    "np.square": r"\left(%\right)^{2}", "np.absolute": r"\left|%\right|",
    "np.sin": r"\sin\left(%\right)", "np.cos": r"\cos\left(%\right)",
    "np.tan": r"\tan\left(%\right)", "np.tanh": r"\tanh\left(%\right)",
    "np.sinh": r"\sinh\left(%\right)", "np.cosh": r"\cosh\left(%\right)",
    "np.maximum": r"\max\left(%\right)", "np.minimum": r"\min\left(%\right)",
    "np.linalg.inv": r"\left(%\right)^{-1}", "np.linalg.det": r"\det\left(%\right)",
    "np.conjugate": r"\overline{%}", "np.floor": r"\left\lfloor %\right\rfloor",
    "sigmoid": r"\sigma\left(%\right)", "erf": r"\operatorname{erf}\left(%\right)",
    "np.logical_not": r"\lnot\left(%\right)",
    "ones_at": r"\operatorname{onehot}\left(%\right)", "np.log1p": r"\log\left(1 + %\right)",
    "np.expm1": r"\exp\left(%\right) - 1",
}  # fmt: skip
_REDUCTIONS = {"np.sum": r"\sum", "np.prod": r"\prod", "np.max": r"\max", "np.min": r"\min"}
_ONLY_SHAPE = {"np.expand_dims", "np.reshape", "np.broadcast_to", "np.squeeze", "np.ravel",
               "np.copy"}  # fmt: skip
_COMPARED = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "=",
             ast.NotEq: r"\ne"}  # fmt: skip
_JOINED = {ast.BitAnd: r"\land", ast.BitOr: r"\lor", ast.BitXor: r"\oplus", ast.Mod: r"\bmod"}
_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega",
}  # fmt: skip
# The other capitals look like Latin ones, and LaTeX has no names for them.
_CAPITALS = {"Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
             "Omega"}  # fmt: skip
_INDICES = "ijklmn"
_SUM, _TERM, _FACTOR, _POWER, _WHOLE = range(5)  # how tightly an expression holds together


def aligned(program: Program, by: Sequence[str | None] = ()) -> str:
    r"""The program's lines in an environment `aligned`; `by` names what results are gradients of.

    >>> import numpy as np
    >>> from tinygrad_ce.programs.program import Value, call
    >>> y, t = (Value((3,), np.dtype(float), name=name) for name in "yt")
    >>> line = call(np.subtract, y, t)
    >>> line.result.of = y
    >>> print(aligned(Program("gradient", (y, t), (line,), (line.result,)), ["y"]))
    \begin{aligned}
    \frac{\partial L}{\partial y} &= y - t
    \end{aligned}
    """
    text = body(program).source
    function = ast.parse(text).body[0]
    shapes = {v.name: v.shape for v in program.inputs if v.name}
    for name, shape in re.findall(r"^ *(\w+) = .*?  # (\(.*\))$", text, re.MULTILINE):
        shapes[name] = ast.literal_eval(shape)
    known = {v.name for v in (*program.inputs, *program.makers()) if v.name}
    write = _Writer({name: len(shape) for name, shape in shapes.items()}, known)
    rows = []
    for statement in function.body:  # type: ignore[attr-defined]
        if isinstance(statement, ast.Assign):
            rows.append((write.text(statement.targets[0]), write.text(statement.value)))
        elif isinstance(statement, ast.Return):
            several = isinstance(statement.value, ast.Tuple) and len(by) > 1
            values = statement.value.elts if several else [statement.value]  # type: ignore
            for name, value in zip(by, values):
                if not (isinstance(value, ast.Name) and value.id == f"d{name}"):
                    rows.append((_partial(name or "x"), write.text(value)))
    inside = " \\\\\n".join(f"{left} &= {right}" for left, right in rows)
    return f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"


def written(text: str, letters: Mapping[str, str], ranks: Mapping[str, int]) -> str:
    r"""A Python expression in LaTeX; NumPy's functions may stand without `np.`.

    Args:
        text: the expression.
        letters: how names are written; others as one does it in mathematics.
        ranks: how many axes names have, 0 where they are not in it.

    >>> written("g * exp(x0) / 2", {"x0": "x", "g": r"\partial"}, {})
    '\\frac{\\partial\\,\\exp\\left(x\\right)}{2}'
    """
    tree = _Dotted().visit(ast.parse(text, mode="eval").body)
    return _Writer(dict(ranks), set(letters), letters).text(tree)


class _Dotted(ast.NodeTransformer):
    """Calls of NumPy's functions with the module that they are in."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and hasattr(np, node.func.id):
            node.func = ast.Attribute(ast.Name("np"), node.func.id)
        return node


def letter(name: str) -> str:
    r"""A name in LaTeX, whatever the user calls things: `w1` is `w_{1}`, `mu` is Greek.

    >>> letter("w1"), letter("model.W")
    ('w_{1}', '\\text{model.W}')
    >>> letter("σ_1"), letter("y′")
    ('\\sigma_{\\mathrm{1}}', "y'")
    """
    if name.endswith("′"):
        return letter(name[:-1]) + "'"
    if (greek := _greek(name[:1])) and not name[1:2].isalpha():
        name = greek + name[1:]
    if re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        return _letter(name)
    printable = "".join(c if c.isprintable() else " " for c in name)
    safe = _words(printable.replace("\\", "\0"))
    for sign, command in (("\0", "backslash"), ("^", "asciicircum"), ("~", "asciitilde")):
        safe = safe.replace(sign, rf"\text{command}{{}}")
    return rf"\text{{{safe}}}"


def _greek(sign: str) -> str:
    """The name of a Greek letter, "" where LaTeX has none."""
    known = unicodedata.name(sign, "") if sign else ""
    case, _, name = known.removeprefix("GREEK ").partition(" LETTER ")
    word = name.lower().replace("lamda", "lambda")
    word = word.title() if case == "CAPITAL" else word
    return word if case in ("SMALL", "CAPITAL") and word in _GREEK | _CAPITALS else ""


def _partial(name: str) -> str:
    return rf"\frac{{\partial L}}{{\partial {_letter(name)}}}"


def _letter(name: str) -> str:
    """A name as one does it in mathematics: w1 is w with an index, mu is Greek."""
    stem, *rest = name.strip("_").split("_")
    if rest and len(stem) > 1 and stem not in _GREEK:
        return rf"\mathrm{{{_words(name)}}}"
    stem, digits = re.fullmatch(r"(.*?)(\d*)", stem).groups()  # type: ignore[union-attr]
    known = stem in _GREEK or stem in _CAPITALS
    letter = f"\\{stem}" if known else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    lower = ",".join([*([digits] if digits else []), *(rf"\mathrm{{{part}}}" for part in rest)])
    return f"{letter}_{{{lower}}}" if lower else letter


class _Writer:
    """Writes expressions; knows how many axes names have, and which are gradients."""

    def __init__(
        self, ranks: dict[str, int], known: set[str], letters: Mapping[str, str] | None = None
    ) -> None:
        self.ranks, self.known, self.letters = ranks, known, letters or {}
        self.indices = ""  # of the entry that is written, inside a sum

    def text(self, node: ast.expr, least: int = _SUM) -> str:
        """The expression, in brackets if it holds together less than wanted."""
        text, level = self.written(node)
        return text if level >= least else rf"\left({text}\right)"

    def written(self, node: ast.expr) -> tuple[str, int]:
        """The expression, and how tightly it holds together."""
        if isinstance(node, ast.Name):
            return self._name(node.id), _WHOLE
        if isinstance(node, ast.Constant):
            return _number(node.value), _WHOLE
        if isinstance(node, ast.UnaryOp):
            sign = r"\lnot " if isinstance(node.op, ast.Invert) else "-"
            return f"{sign}{self.text(node.operand, _FACTOR)}", _TERM
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Compare):
            sign = _COMPARED[type(node.ops[0])]
            left, right = self.text(node.left, _TERM), self.text(node.comparators[0], _TERM)
            return f"{left} {sign} {right}", _SUM
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return rf"{self._plain(node.value, _POWER)}^{{\top}}", _POWER
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            place = ", ".join(map(self._place, parts))
            return f"{{{self._plain(node.value, _POWER)}}}_{{{place}}}", _POWER
        if isinstance(node, ast.Tuple | ast.List):
            return rf"\left({', '.join(map(self.text, node.elts))}\right)", _WHOLE
        return rf"\text{{{_words(ast.unparse(node).removeprefix('np.'))}}}", _WHOLE

    def _name(self, name: str) -> str:
        own = name[1:] if name not in self.known and name[:1] == "d" else ""
        letter = _partial(own) if own in self.known else self.letters.get(name) or _letter(name)
        index = self.indices[max(len(self.indices) - self.ranks.get(name, 0), 0) :]
        if not index:
            return letter
        if own in self.known:
            return rf"\frac{{\partial L}}{{\partial {_letter(own)}_{{{index}}}}}"
        if letter.startswith(r"\frac"):
            return rf"\left({letter}\right)_{{{index}}}"
        return f"{letter[:-1]},{index}}}" if letter.endswith("}") and "_{" in letter else (
            f"{letter}_{{{index}}}"
        )  # fmt: skip

    def _place(self, node: ast.expr) -> str:
        """An index: slices as in Python, arrays as themselves."""
        if isinstance(node, ast.Slice) or ast.unparse(node) == "None":
            return _words(ast.unparse(node)).replace("None", r"\ast")
        return self._plain(node, _SUM)

    def _plain(self, node: ast.expr, least: int) -> str:
        """Without indices, as they are none of single entries."""
        kept, self.indices = self.indices, ""
        text = self.text(node, least)
        self.indices = kept
        return text

    def _operation(self, node: ast.BinOp) -> tuple[str, int]:
        a, b, kind = node.left, node.right, type(node.op)
        if kind is ast.Add:
            return f"{self.text(a)} + {self.text(b)}", _SUM
        if kind is ast.Sub:
            return f"{self.text(a)} - {self.text(b, _TERM)}", _SUM
        if kind is ast.Div:
            if isinstance(a, ast.UnaryOp) and isinstance(a.op, ast.USub):
                return rf"-\frac{{{self.text(a.operand)}}}{{{self.text(b)}}}", _TERM
            return rf"\frac{{{self.text(a)}}}{{{self.text(b)}}}", _FACTOR
        if kind is ast.Pow:
            return f"{self.text(a, _WHOLE)}^{{{self.text(b)}}}", _POWER
        if kind is ast.MatMult:
            left, right = self._plain(a, _FACTOR), self._plain(b, _FACTOR)
            text = rf"{left}\,{right}"
            return (rf"\left({text}\right)_{{{self.indices}}}", _WHOLE) if self.indices and (
                self.rank(node)) else (text, _TERM)  # fmt: skip
        if kind is ast.Mult:
            if isinstance(b, ast.Constant) and not isinstance(a, ast.Constant):
                a, b = b, a
            entries = self.rank(a) and self.rank(b) and not self.indices
            sign = r" \odot " if entries else r" \cdot " if isinstance(b, ast.Constant) else r"\,"
            return f"{self.text(a, _TERM)}{sign}{self.text(b, _FACTOR)}", _TERM
        sign = _JOINED.get(kind, "/")
        return f"{self.text(a, _FACTOR)} {sign} {self.text(b, _FACTOR)}", _SUM

    def _call(self, node: ast.Call) -> tuple[str, int]:
        name, args = ast.unparse(node.func), node.args
        if isinstance(node.func, ast.Attribute) and node.func.attr == "astype":
            return self.written(node.func.value)
        if name in _ONLY_SHAPE:
            return self.written(args[0])
        if name in _REDUCTIONS:
            return self._reduction(_REDUCTIONS[name], node)
        if name == "np.where" and len(args) == 3:
            condition, a, b = map(self.text, (args[0], args[1], args[2]))
            rows = rf"{a} & \text{{if }} {condition} \\ {b} & \text{{else}}"
            return rf"\begin{{cases}} {rows} \end{{cases}}", _SUM
        if name == "np.array":
            return self._array(args[0]), _WHOLE
        if name == "complex":
            return f"{self.text(args[0])} + {self.text(args[1])}i", _SUM
        shown = [x for x in args if not _is_setting(x)] if len(args) > 1 else args
        inside = ", ".join(map(self.text, shown[:1] if name == "ones_at" else shown))
        title = rf"\operatorname{{{_words(name.split('.')[-1])}}}\left(%\right)"
        text = _CALLS.get(name, title).replace("%", inside)
        return text, _SUM if name == "np.expm1" else _POWER if "^" in text[-5:] else _WHOLE

    def _array(self, node: ast.expr) -> str:
        """Numbers in brackets."""
        rows = node.elts if isinstance(node, ast.List) else [node]
        nested = any(isinstance(row, ast.List) for row in rows)
        texts = [
            " & ".join(map(self.text, row.elts)) if isinstance(row, ast.List) else self.text(row)
            for row in rows
        ]
        inside = (r" \\ " if nested else " & ").join(texts)
        return rf"\begin{{pmatrix}} {inside} \end{{pmatrix}}"

    def _reduction(self, sign: str, node: ast.Call) -> tuple[str, int]:
        """A sum, with the index that it runs over at every name in it."""
        x, n = node.args[0], self.rank(node.args[0])
        axes = _axes(node, n)
        kept, self.indices = self.indices, _INDICES[:n]
        over = "".join(_INDICES[a] for a in axes)
        inside = self.text(x, _TERM)
        self.indices = kept
        return (rf"{sign}_{{{over}}} {inside}" if over else inside), _TERM

    def rank(self, node: ast.expr) -> int:
        """How many axes an expression has."""
        if isinstance(node, ast.Name):
            return self.ranks.get(node.id, 0)
        if isinstance(node, ast.BinOp):
            a, b = self.rank(node.left), self.rank(node.right)
            product = isinstance(node.op, ast.MatMult)
            return max(a, b) if not product else max(a + b - 2, 0) if min(a, b) < 2 else max(a, b)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _REDUCTIONS:
            n = self.rank(node.args[0])
            keeps = any(k.arg == "keepdims" for k in node.keywords)
            return n if keeps else n - len(_axes(node, n))
        if isinstance(node, ast.List):
            return 1 + max(map(self.rank, node.elts), default=0)
        inside = [x for x in ast.iter_child_nodes(node) if isinstance(x, ast.expr)]
        return max(map(self.rank, inside), default=0)


def _axes(node: ast.Call, n: int) -> list[int]:
    """The axes that a reduction runs over."""
    given = [k.value for k in node.keywords if k.arg == "axis"] or node.args[1:2]
    axis: Any = ast.literal_eval(given[0]) if given else None
    every = range(n) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return [a % n for a in every if n]


def _is_setting(x: ast.expr) -> bool:
    """Whether an argument says how, and not with what."""
    return isinstance(x, ast.Tuple | ast.Attribute) or (
        isinstance(x, ast.Constant) and not isinstance(x.value, int | float)
    )


def _number(x: Any) -> str:
    if isinstance(x, float) and x == int(x) and abs(x) < 1e6:
        return str(int(x))
    mantissa, _, power = f"{x}".partition("e")
    if not isinstance(x, int | float) or isinstance(x, bool):
        return rf"\text{{{_words(str(x))}}}"
    return rf"{mantissa} \cdot 10^{{{int(power)}}}" if power else mantissa


def _words(text: str) -> str:
    return re.sub(r"([_%#&${}])", r"\\\1", text)
