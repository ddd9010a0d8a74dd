"""Random programs over the rule table: straight-line NumPy with shared values, and its leaves.

`programs()` is a Hypothesis strategy. A program is the source it prints, so a failure can be pasted
into an interpreter. It keeps to the smooth inside of every function's domain by construction: roots
and logarithms of numbers above 1/2, extremes of numbers 1 apart, operands scaled to at most 2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import tinygrad_ce as tg

NAMES = {"np": np, "tg": tg}
LARGEST = 48  # entries of one value
Draw = Callable[[Any], Any]


@dataclass(frozen=True)
class Leaf:
    """An argument of a program: where it is evaluated, drawn from a seed."""

    shape: tuple[int, ...]
    dtype: str
    seed: int

    @property
    def source(self) -> str:
        values = f"np.random.default_rng({self.seed}).uniform(-1, 1, {self.shape})"
        return f"np.asarray({values}, np.{self.dtype})"


@dataclass(frozen=True)
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
        return tuple(evaluate(leaf.source, {}) for leaf in self.leaves)

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


# a, b: operands of size at most 2. p, q: the same made positive. s: a sign for each entry of a.
POSITIVE = "(1.5 + np.tanh({}))"
ELEMENTWISE = [
    "np.sin({a})", "np.cos({a})", "np.tan(0.5 * {a})", "np.arcsin(0.5 * np.sin({a}))",
    "np.arccos(0.5 * np.sin({a}))", "np.arctan(0.4 * {a})", "np.sinh({a})", "np.cosh({a})",
    "np.tanh({a})", "np.arcsinh(0.4 * {a})", "np.arccosh(1 + {p})",
    "np.arctanh(0.5 * np.sin({a}))", "np.exp({a})", "np.exp2({a})", "np.expm1({a})",
    "np.log({p})", "np.log2({p})", "np.log10({p})", "np.log1p({p})", "np.log(1 + 0.2 * {a} * {a})",
    "np.sqrt({p})", "np.reciprocal({p})", "np.square({a})", "-{a}", "+{a}", "{a} ** 3", "{a} ** 2",
    "{p} ** -1.5", "2.0 ** {a}", "1 / {p}", "3 - {a}", "np.copy({a})", "0.5 * {a} + 1",
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / {q}", "{p} ** {b}", "np.power({p}, {b})",
    "np.float_power({p}, {b})", "np.multiply({a}, {a})", "tg.xlogy({a}, {q})",
    "np.where({s} > 0, {a}, {b})", "np.maximum(np.tanh({a}) + 2 * {s}, 0.1 * {b})",
    "np.minimum(np.tanh({a}) + 2 * {s}, 0.1 * {b})",
    "np.fmax(0.1 * {b}, np.tanh({a}) + 2 * {s})",
]  # fmt: skip
ELEMENTWISE_REAL = [
    "np.abs(np.tanh({a}) + 2 * {s})", "np.fabs(np.tanh({a}) + 2 * {s})", "np.cbrt({p})",
    "np.deg2rad(30 * {a})", "np.rad2deg(0.03 * {a})", "np.copysign({p}, {s})",
    "np.clip(np.tanh({a}) + 2 * {s}, -2, 2.1)", "np.clip(np.tanh({a}) + 3 * {s}, -1, None)",
    "np.hypot({p}, {b})", "np.arctan2({a}, {q})", "np.logaddexp({a}, {b})",
    "np.logaddexp2({a}, {b})", "np.remainder(0.2 * np.tanh({a}) + 2.5, 1)",
    "np.fmod(2 * {s} + 0.5, 0.95 + 0.05 * np.tanh({b}))", "np.sign({s} + 0.5 * np.tanh({a})) * {b}",
    "tg.relu(np.tanh({a}) + 2 * {s})", "tg.leaky_relu(np.tanh({a}) + 2 * {s})", "tg.sigmoid({a})",
    "tg.softplus({a})", "tg.log_sigmoid({a})", "tg.silu({a})", "tg.gelu({a})",
    "tg.elu(np.tanh({a}) + 2 * {s})", "tg.erf({a})", "tg.erfc({a})",
]  # fmt: skip
# k: an axis; m: keyword arguments of a reduction; t: numbers 3 apart.
REDUCTIONS = ["np.sum({a}{m})", "np.prod(1 + 0.3 * np.sin({a}){m})", "{a}.sum({n})"]
REDUCTIONS_FULL = [
    "np.mean({a}{m})", "np.max(np.tanh({a}) + {t}{m})", "np.min(np.tanh({a}) + {t}{m})",
]  # fmt: skip
REDUCTIONS_REAL = [
    "np.var({a}{m})", "np.std(np.tanh({a}) + {t}{m})", "tg.logsumexp({a}{m})",
    "np.linalg.norm(1 + {p})", "np.linalg.norm(np.tanh({a}) + {t} + 2, axis={k})",
]  # fmt: skip
ALONG = [
    "np.cumsum({a}, axis={k})", "np.cumprod(1 + 0.3 * np.sin({a}), axis={k})",
    "np.flip({a}, {k})", "np.roll({a}, 1, axis={k})", "np.repeat({a}, 2, axis={k})",
    "np.expand_dims({a}, {k})", "np.moveaxis({a}, {k}, 0)", "np.swapaxes({a}, {k}, -1)",
    "np.concatenate([{a}, np.sin({a})], axis={k})", "np.stack([{a}, {a} * {a}], axis={k})",
    "np.diff({a}, axis={k})", "np.sum({a}, axis={k}) + {a}.mean()", "np.argsort({t}, {k}) * {a}",
]  # fmt: skip
ALONG_FULL = [
    "tg.softmax({a}, {k})", "tg.log_softmax({a}, {k})", "np.sort(np.tanh({a}) + {t}, axis={k})",
    "np.take({a}, [0, -1, 0], axis={k})",
    "np.take_along_axis({a}, np.argsort({t}, axis={k}), {k})",
]  # fmt: skip
ANYWHERE = [
    "np.ravel({a})", "{a}.reshape(-1)", "np.transpose({a})", "{a}.T", "{a}[None]", "{a}[..., None]",
    "{a}[...]", "np.reshape({a}, {a}.shape[::-1])", "np.tile({a}, 2)", "np.pad({a}, 1)",
    "np.squeeze({a})", "np.broadcast_to({a}, (2, *{a}.shape))", "np.outer({a}, {b})",
    "{a}[{s} > 0]", "{a}.flatten()",
]  # fmt: skip
INDEXED = ["{a}[0]", "{a}[-1]", "{a}[[0, -1, 0]]", "{a}[..., 0]", "{a}[..., [0, 0]]"]
MATRIX = [
    "{a} @ {a}.T", "np.einsum('ij,kj->ik', {a}, np.cos({a}))", "np.einsum('ij->j', {a})",
    "np.dot({a}.T, {a})", "np.tensordot({a}, {a}, ((0,), (0,)))", "np.trace({a} @ {a}.T)",
    "np.inner({a}, {a})", "np.diagonal({a})", "np.einsum('ij,ij->i', {a}, {a})",
    "np.matmul({a}, np.sin({a}[0]))", "{a}[:, ::-1]", "{a}[1:, :-1]",
]  # fmt: skip


ANALYTIC = [*ELEMENTWISE, *REDUCTIONS, *REDUCTIONS_FULL, *ALONG, *ALONG_FULL, *INDEXED, *ANYWHERE]
ANALYTIC += MATRIX
FORMS = [*ANALYTIC, *ELEMENTWISE_REAL, *REDUCTIONS_REAL]


class Maker:
    """A program under construction: its lines, and what they come to at its point."""

    def __init__(self, draw: Draw, leaves: tuple[Leaf, ...], analytic: bool) -> None:
        self.draw = draw
        self.analytic = analytic
        self.lines: list[str] = []
        self.values = {f"x{i}": evaluate(leaf.source, {}) for i, leaf in enumerate(leaves)}
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


@st.composite
def leaves(draw: Draw) -> tuple[Leaf, ...]:
    """One to three arguments that broadcast against each other, 0-d and empty ones too."""
    common = [(3,), (2, 3), (3, 2), (2, 3, 2)]
    sides = draw(st.sampled_from(common * 4 + [(), (0,), (3, 0)]))
    dtype = draw(st.sampled_from(["float64"] * 5 + ["float32"]))
    found = []
    for _ in range(draw(st.integers(1, 3))):
        own = sides[draw(st.sampled_from([0, 0, 0, 1])) :]
        shape = tuple(draw(st.sampled_from([side] * 5 + [1])) for side in own)
        found.append(Leaf(shape, dtype, draw(st.integers(0, 999))))
    return tuple(found)


@st.composite
def programs(draw: Draw, analytic: bool | None = None, longest: int = 8) -> Program:
    """A program of at most `longest` lines, in analytic functions alone or not."""
    if analytic is None:
        analytic = draw(st.booleans())
    arguments = draw(leaves())
    maker = Maker(draw, arguments, analytic)
    for _ in range(draw(st.integers(1, longest))):
        maker.step()
    return Program(arguments, tuple(maker.lines), maker.result(), analytic)


@st.composite
def programs_from(draw: Draw, form: str) -> Program:
    """A program whose first line has this form, of a matrix."""
    shape = draw(st.sampled_from([(2, 3), (3, 2), (3, 3)]))
    arguments = (Leaf(shape, "float64", draw(st.integers(0, 999))),)
    maker = Maker(draw, arguments, form in ANALYTIC)
    maker.step(form)
    for _ in range(draw(st.integers(0, 3))):
        maker.step()
    return Program(arguments, tuple(maker.lines), maker.result(), maker.analytic)
