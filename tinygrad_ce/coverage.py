"""Which of NumPy's functions are differentiable: `python -m tinygrad_ce.coverage` prints the table.

It asks NumPy itself for its public callables, and the rule table for each of them, so that it
knows no more and no less than the engine does. What it prints is `tinygrad_ce/coverage.md`.
"""

import inspect
import sys
from collections.abc import Iterable
from types import ModuleType

import numpy as np
from numpy.lib import stride_tricks

from tinygrad_ce.rules.kinds import Function
from tinygrad_ce.rules.outside import ANSWERS, REFUSED, UNRELATED, reason
from tinygrad_ce.rules.table import TABLE, Primitive

__all__ = ["MODULES", "classes", "document", "names"]

MODULES: tuple[ModuleType, ...] = (np, np.linalg, np.fft, stride_tricks)
DIFFERENTIABLE, RECORDED, PLAIN, REFUSAL = CLASSES = (
    "differentiable",
    "recorded without gradient",
    "answers plainly",
    "refused",
)
METHODS = ("reduce", "accumulate", "outer", "reduceat", "at")

_PEERS = """\
Of the {n} callables of `numpy` itself that are no classes, {ours} are differentiable here, 115 in
HIPS autograd 1.9.1 and 85 in MyGrad 2.5.0; of `numpy.linalg` {linalg}, 9 and 1; of `numpy.fft`
{fft}, 14 and 0. (Names of NumPy 2.4, aliases counted one by one, looked up in November 2026 in the
table of reverse-mode rules of `autograd.core` and in the registers of `mygrad.tensor_base`.)
"""


def names(module: ModuleType) -> dict[str, Function]:
    """The public callables of a module of NumPy, by name.

    Deprecated names that NumPy only makes up on demand are not among them.

    >>> names(stride_tricks)["as_strided"] is stride_tricks.as_strided
    True
    """
    found = vars(module)
    listed = sorted(name for name in dir(module) if name in found and not name.startswith("_"))
    return {name: found[name] for name in listed if callable(found[name])}


def classes(function: Function) -> list[str]:
    """The classes that name a function: one for every public callable of NumPy.

    >>> classes(np.exp), classes(np.floor), classes(np.shape), classes(np.put)
    (['differentiable'], ['recorded without gradient'], ['answers plainly'], ['refused'])
    """
    found = []
    if function in TABLE:
        found.append(DIFFERENTIABLE if TABLE[function].differentiable else RECORDED)
    found += [PLAIN] * (function in ANSWERS) + [PLAIN] * (function in UNRELATED)
    return found + [REFUSAL] * (function in REFUSED)


def document() -> str:
    """The coverage table, as Markdown."""
    version = ".".join(np.__version__.split(".")[:2])
    parts = [
        f"# NumPy {version}, function by function\n",
        "Written by `python -m tinygrad_ce.coverage`; every public callable is in one class.\n",
        _counts(),
        _comparison(),
        "A function in no table, a user's own or a newer NumPy's, is refused when a gradient would "
        "be lost.\n",
        *_differentiable(),
        *_recorded(),
        *_plain(),
        *_refused(),
        *_methods(),
        *_unnamed(),
    ]
    return "\n".join(parts)


def _members(module: ModuleType, kind: str) -> dict[str, Function]:
    return {name: f for name, f in names(module).items() if classes(f)[:1] == [kind]}


def _spellings(members: dict[str, Function]) -> list[tuple[str, Function]]:
    """The functions once each, with all their names."""
    found: dict[Function, list[str]] = {}
    for name, function in members.items():
        found.setdefault(function, []).append(name)
    return [(_code(spelled), function) for function, spelled in found.items()]


def _code(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _header(*cells: str) -> list[str]:
    return [_row(*cells), _row(*("---" for _ in cells))]


def _counts() -> str:
    lines = _header("names of", *CLASSES, "all")
    for module in MODULES:
        counts = [len(_members(module, kind)) for kind in CLASSES]
        lines.append(_row(_code([module.__name__]), *counts, len(names(module))))
    return "\n".join(lines) + "\n"


def _comparison() -> str:
    functions = [f for f in names(np).values() if not isinstance(f, type)]
    ours = sum(DIFFERENTIABLE in classes(f) for f in functions)
    linalg, fft = (len(_members(module, DIFFERENTIABLE)) for module in (np.linalg, np.fft))
    return _PEERS.format(n=len(functions), ours=ours, linalg=linalg, fft=fft)


def _differentiable() -> list[str]:
    parts = [
        "## Differentiable, to any order\n",
        "The docstrings of `tinygrad_ce/rules/` say what holds at kinks. An argument that is not "
        "listed is refused where a gradient would be lost. *Composed*: written with functions that "
        "have rules; gradients flow to every argument that these let them flow to.\n",
    ]
    for module in MODULES:
        members = _spellings(_members(module, DIFFERENTIABLE))
        if members:
            lines = _header(module.__name__, "gradient by", "arguments known")
            lines += [_row(spelled, *_arguments(TABLE[f])) for spelled, f in members]
            parts.append("\n".join(lines) + "\n")
    return parts


def _arguments(primitive: Primitive) -> tuple[str, str]:
    """The arguments that gradients flow to, and those that the rules know beside them."""
    if primitive.composed is not None:
        return "composed", _code(inspect.signature(primitive.composed).parameters)
    others = _code(name for name in primitive.names if name != "out")
    if primitive.each is not None:
        return "each operand", others
    flowing = [name for name, rule in zip(primitive.operands, primitive.rules) if rule is not None]
    return _code(flowing), others


def _recorded() -> list[str]:
    parts = [
        "## Recorded without gradient\n",
        "Piecewise constant, or of whole numbers: the derivative is 0 where there is one.\n",
    ]
    return parts + _lists(RECORDED, lambda f: True)


def _plain() -> list[str]:
    return [
        "## Answers plainly\n",
        "Questions about an array: a tensor is answered as its values are.\n",
        *_lists(PLAIN, lambda f: f in ANSWERS),
        "Constants, places, dtypes and settings: no entry of a tensor has a place in them, and a "
        "tensor that requires a gradient is refused where it would be turned into a number.\n",
        *_lists(PLAIN, lambda f: f in UNRELATED),
    ]


def _lists(kind: str, chosen: Function) -> list[str]:
    parts = []
    for module in MODULES:
        members = {n: f for n, f in _members(module, kind).items() if chosen(f)}
        if members:
            parts.append(f"{module.__name__}: {_code(members)}\n")
    return parts


def _refused() -> list[str]:
    """One row for each reason."""
    rows: dict[tuple[str, str], list[str]] = {}
    for module in MODULES:
        prefix = module.__name__.removeprefix("numpy").removeprefix(".")
        for name, function in _members(module, REFUSAL).items():
            rows.setdefault(REFUSED[function], []).append(f"{prefix}.{name}".removeprefix("."))
    order = {why: i for i, why in enumerate(dict.fromkeys(REFUSED.values()))}
    lines = _header("functions", "the reason", "the way")
    for why in sorted(rows, key=lambda why: order[why]):
        lines.append(_row(_code(rows[why]), *why))
    return ["## Refused, where a gradient would be lost\n", "\n".join(lines) + "\n"]


def _methods() -> list[str]:
    """What the methods of the ufuncs do."""
    ufuncs = {f.__name__: f for f in names(np).values() if isinstance(f, np.ufunc)}
    lines = _header("method", DIFFERENTIABLE, RECORDED, "the others")
    for method in METHODS:
        found: dict[str, list[str]] = {DIFFERENTIABLE: [], RECORDED: []}
        for name, ufunc in sorted(ufuncs.items()):
            for kind in classes(getattr(ufunc, method)):
                found[kind].append(name)
        why = reason(np.add.at) if method == "at" else ("no rule", "use functions that have one")
        lines.append(_row(_code([method]), *map(_code, found.values()), ": ".join(why)))
    return ["## Methods of the ufuncs\n", "\n".join(lines) + "\n"]


def _unnamed() -> list[str]:
    left = [
        f"{module.__name__}: {_code(n for n, f in names(module).items() if not classes(f))}\n"
        for module in MODULES
        if any(not classes(f) for f in names(module).values())
    ]
    return ["## In no class yet\n", *left] if left else []


if __name__ == "__main__":
    sys.stdout.write(document())
