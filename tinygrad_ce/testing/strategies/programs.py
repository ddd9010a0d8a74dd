"""Random programs over the rule table: straight-line NumPy with shared values, and its leaves.

A program is the source it prints, so a failure can be pasted into an interpreter. It keeps to the
smooth inside of every function's domain by construction: roots and logarithms of numbers above
1/2, extremes of numbers 1 apart, operands scaled to at most 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_ce import functions
from tinygrad_ce.testing.drawing import Draw, SearchStrategy, composite, hnp, st
from tinygrad_ce.testing.strategies.forms import (
    ALONG,
    ALONG_FULL,
    ANALYTIC,
    ANYWHERE,
    ELEMENTWISE,
    ELEMENTWISE_REAL,
    INDEXED,
    MATRIX,
    POSITIVE,
    REDUCTIONS,
    REDUCTIONS_FULL,
    REDUCTIONS_REAL,
)
from tinygrad_ce.testing.strategies.values import filled, grid

__all__ = ["Program", "programs", "programs_from"]

NAMES = {"np": np, "tg": functions}  # tg, as the reader of a program would import it
LARGEST = 48  # entries of one value
NUMBERS = [x for x in grid(2.0**-8, 1.0) if x]


@dataclass(frozen=True, repr=False, eq=False)
class Leaf:
    """An argument of a program: where it is evaluated."""

    value: Any

    @property
    def source(self) -> str:
        if self.value.size:
            return f"np.array({self.value.tolist()}, np.{self.value.dtype})"
        return f"np.zeros({self.value.shape}, np.{self.value.dtype})"


@dataclass(frozen=True, eq=False)
class Program:
    """A function of arrays or Tensors: one expression a line.

    Attributes:
        leaves: its arguments, x0, x1, ...
        lines: the expressions of v0, v1, ...
        result: the expression that it returns.
        analytic: whether complex numbers may be put in.
    """

    leaves: tuple[Leaf, ...]
    lines: tuple[str, ...]
    result: str
    analytic: bool

    def __repr__(self) -> str:
        arguments = [f"x{i}" for i in range(len(self.leaves))]
        source = [f"def f({', '.join(arguments)}):"]
        source += [f"    v{i} = {line}" for i, line in enumerate(self.lines)]
        source += [f"    return {self.result}"]
        source += [f"x{i} = {leaf.source}" for i, leaf in enumerate(self.leaves)]
        return "\n" + "\n".join(source)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print the fields of a dataclass

    def point(self) -> tuple[Any, ...]:
        """The arguments that the program was drawn with."""
        return tuple(leaf.value.copy() for leaf in self.leaves)

    def __call__(self, *xs: Any) -> Any:
        return self.run(xs, lambda value: value)

    def run(self, xs: tuple[Any, ...], rounding: Callable[[Any], Any]) -> Any:
        """The result, with something done to every argument and every line on the way."""
        values = {f"x{i}": rounding(x) for i, x in enumerate(xs)}
        for i, line in enumerate(self.lines):
            values[f"v{i}"] = rounding(evaluate(line, values))
        return evaluate(self.result, values)


def evaluate(source: str, values: dict[str, Any]) -> Any:
    return eval(source, NAMES, values)


class Maker:
    """A program under construction: its lines, and what they come to at its point."""

    def __init__(self, draw: Draw, leaves: tuple[Leaf, ...], analytic: bool) -> None:
        self.draw = draw
        self.leaves = leaves
        self.analytic = analytic
        self.lines: list[str] = []
        self.values = {f"x{i}": leaf.value for i, leaf in enumerate(leaves)}
        self.unused = list(self.values)

    def pick(self, choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def operand(self, names: list[str]) -> tuple[str, Any]:
        """The name of one of the values, or that of its multiple of size 2."""
        name = self.pick(names)
        if name in self.unused:
            self.unused.remove(name)
        value = self.values[name]
        size = np.max(np.abs(value), initial=0)
        return (name if size <= 2 else f"({2 / float(size):.2g} * {name})"), value

    def step(self, form: str | None = None) -> None:
        """One more line, of this form, or of any that its operand allows."""
        names = self.pick([self.unused or list(self.values), list(self.values)])
        a, x = self.operand(names if form is None else ["x0"])
        b, _ = self.operand([n for n in self.values if self.fits(x, self.values[n])])
        seed = f"np.random.default_rng({self.draw(st.integers(0, 99))})"
        axes = list(range(-x.ndim, x.ndim))
        keep = self.pick(["", ", keepdims=True"])
        every: list[Any] = [None, *axes, *([(0, -1)] if x.ndim > 1 else [])]
        where = self.pick(every)
        line = (form or self.pick(self.forms(x))).format(
            a=a,
            b=b,
            p=POSITIVE.format(a),
            q=POSITIVE.format(b),
            s=f"{seed}.choice([-1.0, 1.0], {x.shape})",
            t=f"3.0 * {seed}.permutation({x.size}).reshape({x.shape})",
            k=self.pick(axes) if axes else 0,
            m=f", axis={where}{keep}",
            n=f"axis={where}{keep}",
        )
        value = np.asarray(evaluate(line, self.values))
        kink = "np.std" in line and not np.all(value)  # of one number
        if value.size <= LARGEST and value.ndim <= 4 and not kink:
            name = f"v{len(self.lines)}"
            self.values[name] = value
            self.unused.append(name)
            self.lines.append(line)

    def forms(self, x: Any) -> list[str]:
        real, full = not self.analytic, x.size > 0
        chosen = [
            (ELEMENTWISE, True),
            (ELEMENTWISE_REAL, real),
            (REDUCTIONS, True),
            (REDUCTIONS_FULL, full),
            (REDUCTIONS_REAL, real and full and x.ndim),
            (ALONG + ALONG_FULL + INDEXED, full and x.ndim),
            (ANYWHERE, True),
            (MATRIX, full and x.ndim == 2),
        ]
        return [form for forms, wanted in chosen if wanted for form in forms]

    @staticmethod
    def fits(x: Any, y: Any) -> bool:
        """Whether the two broadcast, to no more than LARGEST entries."""
        try:
            return int(np.prod(np.broadcast_shapes(x.shape, y.shape))) <= LARGEST
        except ValueError:
            return False

    def result(self) -> str:
        """The last value, plus weighed sums of all that nothing else has used."""
        last = list(self.values)[-1]
        weights = "np.random.default_rng(0).uniform(-1, 1, {})"
        sums = [
            f"np.sum({weights.format(self.values[name].shape)} * {name})"
            for name in self.unused
            if name != last
        ]
        return " + ".join([last, *sums])

    def program(self) -> Program:
        return Program(self.leaves, tuple(self.lines), self.result(), self.analytic)


@composite
def _leaves(draw: Draw, shapes: SearchStrategy[Any]) -> tuple[Leaf, ...]:
    kind = draw(st.sampled_from([np.float64] * 5 + [np.float32]))
    return tuple(
        Leaf(draw(filled(shape, kind, st.sampled_from(NUMBERS)))) for shape in draw(shapes)
    )


def _shapes() -> SearchStrategy[Any]:
    """Of one to three arguments that broadcast against each other, 0-d and empty ones too."""

    def several(count: int, least: int) -> SearchStrategy[Any]:
        found = hnp.mutually_broadcastable_shapes(
            num_shapes=count, min_side=least, max_side=3, max_dims=3
        )
        return found.map(lambda drawn: drawn.input_shapes)

    # Empty arguments end most programs at once, so few of them are.
    counts = st.tuples(st.integers(1, 3), st.sampled_from([1] * 9 + [0]))
    return counts.flatmap(lambda pair: several(*pair))


def programs(analytic: bool | None = None, longest: int = 8) -> SearchStrategy[Program]:
    """Random smooth functions: expressions over the rule table, a line each, with shared values.

    Args:
        analytic: whether to keep to analytic functions, into which complex numbers may be put (for
            a complex step); None draws it.
        longest: the most lines.

    A program is called with arrays or Tensors; `point()` gives the arrays it is meant for, float64
    or float32, 0-d and empty ones too; it prints as source.

    >>> from hypothesis import find
    >>> find(programs(longest=1), lambda p: p.point()[0].size > 0)
    <BLANKLINE>
    def f(x0):
        v0 = np.sin(x0)
        return v0
    x0 = np.array(1.0, np.float64)
    """
    return _programs(analytic, longest)


@composite
def _programs(draw: Draw, analytic: bool | None, longest: int) -> Program:
    if analytic is None:
        analytic = draw(st.booleans())
    maker = Maker(draw, draw(_leaves(_shapes())), analytic)
    for _ in range(draw(st.integers(1, longest))):
        maker.step()
    return maker.program()


def programs_from(form: str) -> SearchStrategy[Program]:
    """Programs of a matrix whose first line has a form out of `forms.FORMS`.

    >>> from hypothesis import find
    >>> find(programs_from("np.cosh({a})"), lambda p: True).lines
    ('np.cosh(x0)',)
    """
    return _programs_from(form)


@composite
def _programs_from(draw: Draw, form: str) -> Program:
    shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=3)
    maker = Maker(draw, draw(_leaves(shapes.map(lambda shape: [shape]))), form in ANALYTIC)
    maker.step(form)
    for _ in range(draw(st.integers(0, 3))):
        maker.step()
    return maker.program()
