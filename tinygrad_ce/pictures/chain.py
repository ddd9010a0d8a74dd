r"""The chain rule of a run, written out: as text, and in LaTeX.

print(tg.chain_rule(E, wrt=z))         # dE/dz = dE/dy dy/dz, with rules and numbers
tg.chain_rule(E, wrt=z).latex          # the same, an environment `aligned`
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinygrad_ce.pictures.columns import looks, padded, plain
from tinygrad_ce.pictures.formula import local, passed_on
from tinygrad_ce.pictures.numerals import numbers
from tinygrad_ce.pictures.paths import begun, end_of, is_hooked, leading
from tinygrad_ce.pictures.scene import Edge, Scene, Vertex, look
from tinygrad_ce.programs.latex import letter, written
from tinygrad_ce.record import Record
from tinygrad_ce.rules.kinds import Several

__all__ = ["ChainRule", "Equation", "chain_rule"]

_WAYS = 4  # products, to be written side by side
_FACTORS = 40
_MANY = 100  # equations; of more than that some are written


class Equation(Record):
    """A gradient as the sum of what comes from each use of the value.

    Attributes:
        name: what it is called, `dE/dy`.
        factors: by the chain rule, `dE/dv dv/dy + ...`.
        formula: with the rules of the functions, `dE/dv * exp(y) + ...`.
        value: the numbers.
        latex: all of it but the numbers.
    """

    name: str
    factors: str
    formula: str
    value: Any
    latex: str


class ChainRule(Record):
    """The chain rule from a result to a variable.

    Attributes:
        whole: the gradient as the sum of one product for each path, "" where there are many.
        equations: one for each value on the way, from the result to the variable; of more than a
            hundred the first and the last ones are printed.
    """

    whole: str
    equations: tuple[Equation, ...]
    whole_latex: str = ""

    @property
    def text(self) -> str:
        """The equations, with numbers."""
        rows = [self.whole] if self.whole else []
        width = max(looks(e.name) for e in self.equations)
        for e in self._shown():
            if e is None:
                rows.append(f"  ... {self._left()} more ...")
                continue
            parts = dict.fromkeys((e.factors, e.formula, numbers(e.value)))
            rows += [
                f"  {padded(e.name if not i else '', width)} = {part}"
                for i, part in enumerate(part for part in parts if part)
            ]
        return "\n".join(map(plain, rows))

    @property
    def latex(self) -> str:
        """The equations in LaTeX, without dollar signs."""
        rows = [self.whole_latex] if self.whole_latex else []
        rows += [r"&\;\;\vdots" if e is None else e.latex for e in self._shown()]
        inside = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{inside}\n\\end{{aligned}}"

    def _shown(self) -> list[Equation | None]:
        """The equations; of very many the first and the last ones, None between them."""
        if not self._left():
            return list(self.equations)
        half = _MANY // 2
        return [*self.equations[:half], None, *self.equations[-half:]]

    def _left(self) -> int:
        return len(self.equations) - _MANY if len(self.equations) > _MANY else 0

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex}$"

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def chain_rule(
    loss: Any, wrt: Any, *, gradient: Any = None, names: Mapping[str, Any] | None = None
) -> ChainRule:
    r"""The chain rule of the run behind a loss, from it to a variable, with the user's names.

    Args:
        loss: a Tensor that was computed from others that require a gradient.
        wrt: a Tensor that it depends on, a leaf or computed.
        gradient: the gradient to begin with, of the loss's shape; 1 everywhere where none is given.
        names: names of tensors, which go before those that are found.

    Raises:
        GradientError: the loss requires no gradient, or does not depend on `wrt`.

    >>> import tinygrad_ce as tg
    >>> z = tg.tensor(2.0, requires_grad=True)
    >>> y = np.exp(z)
    >>> E = np.sin(y)
    >>> print(chain_rule(E, wrt=z))
    dE/dz = dE/dy dy/dz
      dE/dy = cos(y)
            = 0.4484
      dE/dz = dE/dy dy/dz
            = dE/dy * y
            = 3.313
    >>> print(chain_rule(E, wrt=z).latex)
    \begin{aligned}
    \frac{\partial E}{\partial z} &= \frac{\partial E}{\partial y}\,\frac{\partial y}{\partial z} \\
    \frac{\partial E}{\partial y} &= \cos\left(y\right) \\
    \frac{\partial E}{\partial z} &= \frac{\partial E}{\partial y}\,y
    \end{aligned}
    """
    scene = look(loss, begun(loss, gradient), names)
    end = end_of(scene, wrt)
    leads = leading(scene, end)
    past = {e.target for e in end.uses if e.aside}
    if past:  # the step is fused: the way from it to the result is on the way too
        for target in past:
            leads = {**leading(scene, target), **leads, target: []}
    on_way = sorted(leads, key=lambda v: -v.number)
    equations = [_equation(v, leads, scene) for v in on_way if v is not scene.root]
    if not equations:
        equations = [Equation(scene.d(end), "", "1", end.gradient, f"{_fraction(scene, end)} &= 1")]
    ways = _products(scene, end, leads)
    if not ways or len(equations) < 2:
        return ChainRule("", tuple(equations))
    text = " + ".join(" ".join(f"d{a}/d{b}" for a, b in way) for way in ways)
    signs = " + ".join(
        r"\,".join(_quotient(letter(a), letter(b)) for a, b in way) for way in ways
    )  # fmt: skip
    return ChainRule(
        f"{scene.d(end)} = {text}", tuple(equations), f"{_fraction(scene, end)} &= {signs}"
    )


def _uses(vertex: Vertex, leads: dict[Vertex, list[Edge]]) -> list[Edge]:
    """The uses through which the gradient comes, those that a fused step went past among them."""
    return [e for e in vertex.uses if e.target in leads and (e.gradient is not None or e.aside)]


def _step(edge: Edge) -> list[tuple[str, str]]:
    """The quotients of one use: two, where a fused step took two at once."""
    source, target = edge.source.label, edge.target.label
    if not edge.aside:
        for aside in edge.target.operands:
            if aside.aside and any(e.source is edge.source for e in aside.source.operands):
                return [(target, aside.source.label), (aside.source.label, source)]
    return [(target, source)]


def _products(
    scene: Scene, end: Vertex, leads: dict[Vertex, list[Edge]]
) -> list[list[tuple[str, str]]]:
    """The quotients along each path, from the result on; none where they are many."""
    ways: list[list[tuple[str, str]]] = []
    waiting: list[tuple[Vertex, list[tuple[str, str]]]] = [(end, [])]
    while waiting:
        vertex, way = waiting.pop()
        if vertex is scene.root:
            ways.append(way)
        else:
            waiting += [(e.target, _step(e) + way) for e in reversed(_uses(vertex, leads))]
        if len(ways) > _WAYS or len(waiting) > _WAYS or len(way) > _FACTORS // 2:
            return []
    return ways if sum(map(len, ways)) <= _FACTORS else []


def _equation(vertex: Vertex, leads: dict[Vertex, list[Edge]], scene: Scene) -> Equation:
    edges = sorted(_uses(vertex, leads), key=lambda e: e.turn)
    root = scene.root
    starts = [[] if e.target is root else [(root.label, e.target.label)] for e in edges]
    terms = [start + _step(e) for start, e in zip(starts, edges)]
    factors = " + ".join(" ".join(f"d{a}/d{b}" for a, b in term) for term in terms)
    name = scene.d(vertex)
    formula = _sum([_formula(e, scene) for e in edges])
    whole = [r"\,".join(_quotient(letter(a), letter(b)) for a, b in term) for term in terms]
    parts = [" + ".join(whole), _sum([_formula_latex(e, scene) for e in edges])]
    left = _fraction(scene, vertex)
    parts = [part for part in dict.fromkeys(parts) if part != left]
    if all(e.target is root for e in edges) or (len(parts) > 1 and len(edges) == 1):
        parts = parts[-1:]  # what was multiplied stands in the first line
    if is_hooked(vertex):
        formula, parts = f"hook({formula})", [rf"\operatorname{{hook}}\left({parts[-1]}\right)"]
    return Equation(
        name, "" if factors == name else factors, formula, vertex.gradient,
        f"{left} &= " + " = ".join(parts),
    )  # fmt: skip


def _sum(terms: list[str]) -> str:
    text = terms[0] if terms else "0"
    for term in terms[1:]:
        text += f" - {term[1:]}" if _is_negative(term) else f" + {term}"
    return text


def _is_negative(term: str) -> bool:
    """Whether a term begins with a sign that may stand between it and the one before."""
    return term.startswith("-") and not any(sign in term[1:] for sign in (" + ", " - "))


def _formula(edge: Edge, scene: Scene) -> str:
    """What comes back through one use; where the way begins its 1 is left out."""
    found = _rule(edge, scene, scene.label, scene.d(edge.target))
    return found or f"what the rule of {edge.target.function} makes of {scene.d(edge.target)}"


def _rule(edge: Edge, scene: Scene, labels: Callable[[Any], str], gradient: str) -> str | None:
    """The rule of an edge as an expression; the 1 that the way begins with is not written."""
    node: Any = edge.target.node
    place = edge.parent
    if edge.aside:
        node, place, labels = *_two_steps(node), partial(_called, node, labels)
    if node is None or place is None:
        return None
    if edge.target is scene.root and np.all(scene.seed == 1):
        return local(node, place, labels) or passed_on(node, place, labels, "1")
    return passed_on(node, place, labels, gradient)


def _two_steps(node: Any) -> tuple[Any, int]:
    """The second of the two steps that were taken at once, as if it had been taken alone."""
    outer, operands, past = node.extras.aside
    place = next(i for i, x in enumerate(operands) if x is past)
    return SimpleNamespace(
        primitive=outer, operands=operands, parameters={}, parents=(past,), value=node.value,
        args=tuple(getattr(x, "value", x) for x in operands), rules=(outer.rules[place],),
    ), 0  # fmt: skip


def _called(node: Any, labels: Callable[[Any], str], thing: Any) -> str:
    """The label, where what is only like the node has the node's."""
    return labels(node if isinstance(thing, SimpleNamespace) else thing)


def _formula_latex(edge: Edge, scene: Scene) -> str:
    letters: dict[str, str] = {}
    ranks: dict[str, int] = {}

    def labels(thing: Any) -> str:
        vertex = scene.of(thing)
        if vertex is None:
            return scene.label(thing)
        letters[f"n{vertex.number}"] = letter(vertex.label)
        ranks[f"n{vertex.number}"] = _ndim(vertex.value)
        return f"n{vertex.number}"

    letters["gradient"] = _fraction(scene, edge.target)
    ranks["gradient"] = _ndim(edge.target.value)
    text = _rule(edge, scene, labels, "gradient")
    if text is None:
        return letter(_formula(edge, scene))
    for name in re.findall(r"\b[vy]\d+\b", text):  # what the rule computes on the way
        ranks.setdefault(name, ranks["gradient"])
    result, _, where = text.partition(" where ")
    try:
        found = written(result, letters, ranks)
        rows = re.split(r", (?=[vy]\d+ = )", where) if where else []
        for i, row in enumerate(rows):
            name, _, value = row.partition(" = ")
            sign = r",\; " if i else r"\quad\text{where } "
            found += f"{sign}{letter(name)} = {written(value, letters, ranks)}"
    except (SyntaxError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return letter(_formula(edge, scene))
    return found


def _ndim(x: Any) -> int:
    return 0 if type(x) is Several else np.ndim(x)


def _quotient(a: str, b: str) -> str:
    return rf"\frac{{\partial {a}}}{{\partial {b}}}"


def _fraction(scene: Scene, vertex: Vertex) -> str:
    return _quotient(letter(scene.root.label), letter(vertex.label))
