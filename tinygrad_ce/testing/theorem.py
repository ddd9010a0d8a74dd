"""What a proof found out, and how it prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tinygrad_ce.testing.exact import sympy

__all__ = ["Entry", "Proof", "Verdict", "pattern"]

Verdict = Literal["proved", "refuted", "undecided"]

_SHOWN = 8  # entries and branches that a proof prints


@dataclass(frozen=True)
class Entry:
    """What was found out about one entry of the gradient on one branch.

    Attributes:
        name: the entry, as NumPy would index it.
        engine: the engine's gradient, a SymPy expression.
        formula: the formula's.
        witness: the derivative of the function's value by SymPy.
        difference: formula - engine, 0 if SymPy could make it 0.
        verdict: of the formula.
        engine_verdict: of the engine, by the witness.
        example: {symbol: number} where they differ, if they do.
        values: (engine, formula, witness) there.
    """

    name: str
    engine: Any
    formula: Any
    witness: Any
    difference: Any
    verdict: Verdict
    engine_verdict: Verdict
    example: Mapping[Any, Any]
    values: tuple[float, ...]

    def derivation(self) -> str:
        """The expressions one below the other."""
        return (
            f"by {self.name}\n"
            f"    engine      {self.engine}\n"
            f"    SymPy       {_short(self.witness)}\n"
            f"    formula     {self.formula}\n"
            f"    difference  {_short(self.difference)}"
        )


@dataclass(frozen=True)
class Proof:
    """What `prove` found: true if the formula is proved. It prints the theorem, or what is wrong.

    Attributes:
        verdict: "proved", "refuted" or "undecided".
        function, formula, argument: what the theorem is about, in words.
        premises: what was given about the arguments.
        branches: the conditions of each branch, and its entries.
        reason: one sentence on what is wrong, "" if nothing is.
    """

    verdict: Verdict
    function: str
    formula: str
    argument: str
    premises: tuple[str, ...]
    branches: tuple[tuple[tuple[Any, ...], tuple[Entry, ...]], ...]
    reason: str

    def __bool__(self) -> bool:
        return self.verdict == "proved"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all branches."""
        return tuple(entry for _, entries in self.branches for entry in entries)

    def __str__(self) -> str:
        whose = "engine's " if "engine" in self.reason else ""
        claim = f"the {whose}gradient of {self.function} by {self.argument} is {self.formula}"
        given = "For all " + ", ".join(self.premises)
        if self.verdict == "proved":
            by = f"Proved entry by entry by SymPy {sympy.__version__}"
            return f"{given}: {claim}. {by}{self._where()}."
        head = "Refuted" if self.verdict == "refuted" else "Undecided"
        lines = [f"{head}: {claim}, {given[0].lower()}{given[1:]}."]
        if self.reason:
            lines.append(self.reason)
        open_ = [entry for entry in self.entries if entry.verdict == self.verdict]
        open_ = open_ or [e for e in self.entries if e.engine_verdict == self.verdict]
        for entry in open_[:_SHOWN]:
            lines += [entry.derivation(), *_counterexample(entry)]
        if len(open_) > _SHOWN:
            lines.append(f"and {len(open_) - _SHOWN} more entries")
        return "\n".join(lines)

    __repr__ = __str__

    def _where(self) -> str:
        named = [conditions for conditions, _ in self.branches if conditions]
        if not named:
            return ""
        text = "; ".join(
            ", ".join(map(str, conditions[:_SHOWN])) + (", ..." if conditions[_SHOWN:] else "")
            for conditions in named[:_SHOWN]
        )
        more = f"; and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        branches = "branch" if len(named) == 1 else "branches"
        return f" on the {len(named)} {branches} that samples met: {text}{more}"

    def derivation(self) -> str:
        """The expressions of every entry on every branch.

        >>> from tinygrad_ce.testing import prove
        >>> print(prove(lambda x: x * x * x, lambda x: 3 * x**2, {"x": ()}).derivation())
        by x
            engine      3*x**2
            SymPy       3*x**2
            formula     3*x**2
            difference  0
        """
        lines = []
        for conditions, entries in self.branches:
            if conditions:
                lines.append("where " + ", ".join(map(str, conditions)))
            lines += [entry.derivation() for entry in entries]
        return "\n".join(lines)

    def latex(self) -> str:
        r"""The equations that were checked, for LaTeX's `align`.

        >>> from tinygrad_ce.testing import prove
        >>> import numpy as np
        >>> print(prove(np.sin, np.cos, {"x": ()}).latex())
        \begin{align*}
        \frac{\partial f}{\partial x} &= \cos{\left(x \right)}
        \end{align*}
        """
        rows = []
        for conditions, entries in self.branches:
            when = r"\quad " + ",\\ ".join(map(_latex, conditions)) if conditions else ""
            rows += [
                rf"\frac{{\partial f}}{{\partial {_latex(sympy.Symbol(entry.name))}}} "
                rf"&{_relation(entry)} {_latex(entry.formula)}{when}"
                for entry in entries
            ]
        return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _short(e: Any) -> Any:
    """The expression, simplified if that makes it shorter."""
    simple = sympy.simplify(e) if sympy.count_ops(e) < 60 else e
    return min((e, simple), key=sympy.count_ops)


def _relation(entry: Entry) -> str:
    """Of the derivative and the formula: known where the engine's gradient is the derivative."""
    known = {"proved": "=", "refuted": r"\ne"} if entry.engine_verdict == "proved" else {}
    return known.get(entry.verdict, r"\overset{?}{=}")


def _counterexample(entry: Entry) -> list[str]:
    if "refuted" not in (entry.verdict, entry.engine_verdict):
        return []
    used = set().union(*(e.free_symbols for e in (entry.engine, entry.formula)))
    at = ", ".join(f"{s} = {float(v):.4g}" for s, v in entry.example.items() if s in used)
    names = ("engine", "formula", "SymPy")
    values = ", ".join(f"{n} {v:.6g}" for n, v in zip(names, entry.values))
    return [f"    at {at}: {values}" if at else f"    {values}"]


def _latex(e: Any) -> str:
    """x[0, 1] as x_{0,1}."""
    names = {
        s: s.name.replace("[", "_{").replace("]", "}").replace(", ", ",") for s in e.free_symbols
    }
    return str(sympy.latex(e, symbol_names=names))


def pattern(entries: Sequence[Entry], verdict: str) -> str:
    """How a refuted formula is wrong, where that can be said in a sentence."""
    if verdict == "undecided":
        return "The two agree to 12 digits at every sample; SymPy does not make the difference 0."
    if verdict == "proved":
        return ""
    if not any(entry.verdict == "refuted" for entry in entries):
        return "The formula is what the engine computes, but not the derivative of f."
    if any(entry.engine_verdict == "refuted" for entry in entries):
        right = all(abs(e.values[1] - e.values[2]) <= 1e-12 * abs(e.values[2]) for e in entries)
        return (
            "The formula is the derivative of f, but not what the engine computes."
            if right
            else "Neither the formula nor the engine's gradient is the derivative of f."
        )
    first, *others = (e for e in entries if e.verdict == "refuted")
    factor = first.values[1] / first.values[0] if first.values[0] else 0.0
    if factor and all(abs(e.values[1] - factor * e.values[0]) <= 1e-12 for e in others):
        ratio = sympy.simplify(first.formula / first.engine)
        if ratio.is_number and len(entries) == 1 + len(others):
            return f"The formula is the gradient times {ratio}."
    if _transposed(entries):
        return "The formula is the transpose of the gradient."
    return ""


def _transposed(entries: Sequence[Entry]) -> bool:
    """Whether, of a matrix, the formula has at [i, j] what the engine has at [j, i]."""
    engine = {_index(entry.name): entry.engine for entry in entries}
    pairs = [(engine.get(_index(e.name)[::-1]), e.formula) for e in entries]
    square = all(len(index) == 2 for index in engine)
    return square and all(a is not None and sympy.simplify(a - b) == 0 for a, b in pairs)


def _index(name: str) -> tuple[str, ...]:
    return tuple(name.partition("[")[2].rstrip("]").split(", "))
