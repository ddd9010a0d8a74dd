"""Real formulas with planted mistakes, and what the diagnosis should say (as a pattern)."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.testing.diagnosis import Comparison, diagnose

RELATIVE = 1e-10  # what a witness by differences with extrapolation reaches
A = np.array([0.3, -1.2, 2.1, 0.7, -0.4, 1.6])
P = np.array([0.31, 0.07, 0.42, 0.2])
SMALL = np.array([0.31, 0.07, 0.55, 0.05])
T = np.array([0.1, 0.4, 0.3, 0.2])
M = np.random.default_rng(7).normal(size=(4, 3))
B = np.random.default_rng(8).normal(size=(3, 5))


def compare(f: Callable[..., Any], *xs: Any, names: str = "xtuv") -> list[Comparison]:
    """The right comparisons of f by each of its arguments; `found` is still the right one."""
    arrays = [np.asarray(x, float) for x in xs]
    jacobians = [tg.jacobian(f, argnums=i)(*arrays) for i in range(len(arrays))]
    made = []
    for name, x, e in zip(names, arrays, jacobians):
        scale = RELATIVE * np.maximum(np.abs(e), 1e-2 * np.abs(e).max(initial=0) + 1e-12)
        every = np.ones(e.shape, bool)
        made.append(Comparison(name, x, "", np.asarray(f(*arrays)), e, e, scale, every))
    return [replace(c, siblings=tuple(s for s in made if s is not c)) for c in made]


def said(f: Callable[..., Any], mistake: Callable[[Any], Any], *xs: Any) -> str | None:
    """The diagnosis of a mistake that is made on the right gradient by the first argument."""
    c = compare(f, *xs)[0]
    return diagnose(replace(c, found=np.asarray(mistake(c.expected))))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def squares(x: Any) -> Any:
    return np.sum(x**2)


def cross_entropy(y: Any, t: Any) -> Any:
    return -np.sum(t * np.log(y))


def mean_square(x: Any) -> Any:
    return np.mean(np.sin(x) + x**2)


def attention(q: Any, k: Any, v: Any) -> Any:
    return np.sum((tg.softmax(q @ k.T / math.sqrt(q.shape[1]), axis=1) @ v) ** 2)


def wave(x: Any) -> Any:
    """A scalar function whose gradient has no pattern."""
    return np.sum(np.sin(3 * x) * np.exp(0.3 * x) + 0.7 * x)


Case = tuple[Any, Callable[[Any], Any], tuple[Any, ...], str]

ARRANGED = np.arange(1.0, 5)[:, None] * np.array([0.3, -0.7, 1.1])
SQUARE = np.random.default_rng(3).normal(size=(4, 4))
SPECIAL = np.array([0.0, 0.5, -1.5, 0.0, 2.2])
TIES = np.array([0.5, 1.5, 0.5, 2.5, 3.5])


def at(mask: Any, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A mistake made where the mask says."""
    return lambda g: np.where(mask, change(g), g)


def scaled(a: float) -> Callable[[Any], Any]:
    return lambda g: a * g


DOUBLE = scaled(2.0)
ROWS = [0, 2, 1, 3]

CASES: dict[str, Case] = {
    # zero, not finite
    "zero": (squares, scaled(0.0), (A,), "is zero, where up to 4.2 is expected"),
    "missing": (squares, lambda g: np.zeros(0), (A,), "is missing"),
    "nan": (
        lambda x: np.sum(np.sinc(x) + x),
        at(SPECIAL == 0, lambda g: g * np.nan),
        (SPECIAL,),
        r"is NaN where x = 0 at 2 of 5 entries, first at \[0\]",
    ),
    "inf": (squares, at(A < -1, lambda g: g * np.inf), (A,), "is infinite at 1 of"),
    # shape
    "transpose shape": (wave, np.transpose, (M,), r"shape \(3, 4\) where \(4, 3\).*transposed"),
    "bias not summed": (
        lambda b: np.sum(np.sin(M + b)),
        lambda g: np.cos(M + B[:, 0]),
        (B[:, 0],),
        r"shape \(4, 3\) where \(3,\) is due: the sum over axis 0, along which x",
    ),
    "column not summed": (
        lambda b: np.sum(np.sin(M + b)),
        lambda g: np.cos(M + M[:, :1]),
        (M[:, :1],),
        "sum over axis 1, along which x",
    ),
    "axis kept": (wave, lambda g: g[:, None], (A,), "axis of length 1 too many was kept"),
    "flattened": (wave, np.ravel, (M,), "only a reshape is missing"),
    "summed too much": (wave, lambda g: g.sum(0), (M,), "it was summed over axis 0"),
    "not spread": (
        lambda x: np.sum(np.sum(x, 1) ** 2),
        lambda g: g[:, 0],
        (M,),
        "not spread back over axis 1",
    ),
    "jacobian shape": (lambda x: M @ x, np.transpose, (B[:, 0],), "the Jacobian is transposed"),
    "some shape": (wave, lambda g: np.ones((2, 7)), (A,), r"shape \(2, 7\) where \(6,\) is due\."),
    # sign and factors
    "sign": (cross_entropy, scaled(-1), (P, T), "wrong sign, its size is right"),
    "square": (squares, scaled(0.5), (A,), "2.000 times too small.*2 of a square"),
    "half square": (lambda x: squares(x) / 2, DOUBLE, (A,), "2.000 times too large.*the 1/2"),
    "sum not mean": (
        mean_square,
        scaled(32),
        (np.linspace(-2, 1, 32),),
        "32.000 times too large, as if 1/N with N = 32, the number of entries of x",
    ),
    "mean not sum": (wave, scaled(1 / 12), (M,), "divided by N = 12, the number of entries"),
    "rows": (mean_square, scaled(4), (M,), "N = 4, the number of rows of x"),
    "columns": (
        lambda x: mean_square(x[:, :3]),
        scaled(5),
        (SQUARE @ SQUARE[:, [0, 1, 2, 3, 0]],),
        "N = 5, the number of columns of x",
    ),
    "attention scale": (
        attention,
        scaled(math.sqrt(3)),
        (M, M + 1, M - 1),
        r"1/sqrt\(N\) with N = 3, the number of columns",
    ),
    "sign and factor": (squares, scaled(-0.5), (A,), "wrong sign and is 2.000 times too small"),
    "log2": (
        lambda x: np.sum(np.log2(x)),
        scaled(math.log(2)),
        (P,),
        "1.443 times too small.*1/ln 2 of log2",
    ),
    "ddof": (wave, scaled(6 / 5), (A,), "N - 1 = 5 in place of N"),
    "small factor": (wave, scaled(1 + 1e-6), (A,), "is 1.000001000 times too large"),
    "scalar": (lambda x: x**2, scaled(0.5), (1.7,), "2 of a square"),
    # order
    "transposed": (wave, np.transpose, (SQUARE,), "is transposed"),
    "axes": (wave, lambda g: g.transpose(1, 0, 2), (SQUARE.reshape(2, 2, 4),), "axes permuted"),
    "jacobian": (lambda x: SQUARE @ x, np.transpose, (P,), "transposed as a Jacobian"),
    "reversed": (wave, lambda g: g[::-1], (A,), "entries of x in reverse order"),
    "rolled": (
        wave,
        lambda g: np.roll(g, 1, 1),
        (ARRANGED @ SQUARE[:3],),
        "columns of x rolled by 1",
    ),
    "swapped rows": (
        wave,
        lambda g: g[ROWS],
        (M,),
        "rows of x in another order: 1 and 2 are swapped",
    ),
    "other order": (wave, lambda g: g[[2, 0, 3, 1]], (M,), r"another order: \[2, 0, 3, 1\]"),
    "sorted": (wave, lambda g: g[np.argsort(A)], (A,), "order of sorted x"),
    "entries": (wave, lambda g: np.roll(g.ravel(), 5).reshape(g.shape), (M,), "at other entries"),
    # chain factors
    "no 1/x": (
        lambda x: np.sum(np.log(x)),
        lambda g: np.ones(4),
        (P,),
        "lacks the factor 1 / x, the derivative of log",
    ),
    "no sigmoid'": (
        sigmoid,
        lambda g: np.eye(6),
        (A,),
        r"lacks the factor y \(1 - y\), the derivative of sigmoid",
    ),
    "sum of sigmoids": (
        lambda x: np.sum(sigmoid(x) * np.cos(x * x)),
        lambda g: g / sigmoid(A) / sigmoid(-A),
        (A,),
        r"lacks the factor sigmoid\(x\) \(1 - sigmoid",
    ),
    "tanh": (
        np.tanh,
        lambda g: np.eye(6),
        (A,),
        "lacks the factor 1 - y.2, the derivative of tanh",
    ),
    "tanh twice": (np.tanh, lambda g: g**2, (A,), "has the factor 1 - y.2.* once too often"),
    "cos": (lambda x: np.sum(np.sin(x)), lambda g: np.ones(6), (A,), "lacks the factor cos x"),
    "exp": (np.exp, lambda g: np.eye(6), (A,), "lacks the factor y, the derivative of exp"),
    "arctan": (
        lambda x: np.sum(np.arctan(x)),
        lambda g: np.ones(6),
        (A,),
        r"lacks the factor 1 / \(1 \+ x\^2\)",
    ),
    "softplus": (
        lambda x: np.sum(np.logaddexp(0, x)),
        lambda g: np.ones(6),
        (A,),
        r"lacks the factor sigmoid\(x\), the",
    ),
    "scalar sigmoid": (sigmoid, lambda g: np.ones(()), (0.3,), r"lacks the factor y \(1 - y\)"),
    "no t": (cross_entropy, lambda g: -1 / P, (P, T), "lacks the factor t"),
    "no 1/y": (cross_entropy, lambda g: -T, (P, T), "lacks the factor 1 / x"),
    "no sign": (
        lambda x: np.sum(np.abs(x) * A[::-1]),
        lambda g: A[::-1],
        (A,),
        r"lacks the factor sign\(x\), the derivative of abs\.",
    ),
    # Jacobians
    "softmax diagonal": (tg.softmax, lambda g: np.diag(np.diag(g)), (A,), "has its diagonal only"),
    "softmax - y y": (
        tg.softmax,
        lambda g: np.diag(tg.softmax(A)),
        (A,),
        "lacks the term -y_i y_j",
    ),
    "no diagonal": (tg.softmax, lambda g: g - np.diag(np.diag(g)), (A,), "lacks its diagonal"),
    "softmax in a loss": (
        lambda x: np.sum(tg.softmax(x) * P),
        lambda g: tg.softmax(T) * P,
        (T,),
        r"lacks the term - s sum\(g s\)",
    ),
    "softmax elementwise": (
        lambda x: np.sum(tg.softmax(x) * P),
        lambda g: tg.softmax(T) * (1 - tg.softmax(T)) * P,
        (T,),
        "off the diagonal",
    ),
    "centring": (
        lambda x: np.sum((x - np.mean(x, 1, keepdims=True)) * SQUARE),
        lambda g: SQUARE,
        (SQUARE + 1,),
        "subtraction of its mean over axis 1",
    ),
    # epsilon, clipping, penalties, precision
    "epsilon": (
        cross_entropy,
        lambda g: -T / (P + 1e-3),
        (P, T),
        "an epsilon of 0.001 was added to x",
    ),
    "clipped log": (
        cross_entropy,
        lambda g: -T / np.maximum(SMALL, 0.09),
        (SMALL, T),
        "right only where x >= 0.09: x was clipped there",
    ),
    "clipped": (
        wave,
        lambda g: np.clip(g, -1, 1),
        (np.linspace(-2, 2, 9),),
        "clipped to at most 1 in size",
    ),
    "penalty": (
        lambda x: np.sum(np.sin(x)) + 0.05 * np.sum(x**2),
        lambda g: np.cos(A),
        (A,),
        r"lacks the term 0.1 x, as of a penalty 0.05 sum\(x\^2\)",
    ),
    "l1": (
        lambda x: wave(x) + 0.3 * np.sum(np.abs(x)),
        lambda g: g - 0.3 * np.sign(A),
        (A,),
        r"lacks the term 0.3 sign\(x\)",
    ),
    "constant": (wave, lambda g: g - 0.7, (A,), "lacks the term 0.7 "),
    "no target": (
        lambda x, t: np.logaddexp.reduce(x) * np.sum(T) - np.sum(t * x),
        lambda g: g + T,
        (A[:4], T),
        "lacks the term -t",
    ),
    "float32": (wave, lambda g: g.astype(np.float32), (A,), "looks like single precision"),
    "differences": (
        wave,
        lambda g: g + 1e-6 * np.cos(50 * A),
        (A,),
        "right to about 6 digits only",
    ),
    "overwritten": (
        lambda x: np.sum(np.sin(x)[np.array([0, 1, 1, 2, 3, 3, 3, 4, 5])]),
        lambda g: np.cos(A),
        (A,),
        r"too small by whole numbers \(2, 3\) at 2 of 6 entries.*overwritten",
    ),
    "overwritten twice": (
        lambda x: np.sum(np.sin(x)[np.array([0, 1, 2, 3, 4, 5, 3, 1])]),
        lambda g: np.cos(A),
        (A,),
        r"whole numbers \(2\) at 2 of 6",
    ),
    "not zero": (
        lambda x: np.sum(0 * x),
        lambda g: A,
        (A,),
        "should be zero: nothing depends on x",
    ),
    # places
    "negative factor": (
        wave,
        at(A < 0, scaled(0.01)),
        (A,),
        "wrong only where x < 0 .2 of 6 entries.; there it is 100.000 times too small",
    ),
    "mask missing": (
        lambda x: np.sum(np.maximum(x, 0) * A[::-1]),
        lambda g: A[::-1],
        (A,),
        "only where x < 0.*should be zero",
    ),
    "positive": (
        wave,
        at(A > 0, scaled(0.0)),
        (A,),
        "only where x > 0 .4 of 6 .*; there it is zero",
    ),
    "large": (wave, at(np.abs(A) > 1, lambda g: -g), (A,), r"only where \|x\| > 1 .*wrong sign"),
    "at zero": (
        lambda x: np.sum(np.sinc(x) + x),
        at(SPECIAL == 0, scaled(0.0)),
        (SPECIAL,),
        "only where x = 0 .2 of",
    ),
    "ties": (wave, at(np.isin(TIES, 0.5), DOUBLE), (TIES,), "only at ties .equal entries of x"),
    "one entry": (
        wave,
        at(np.arange(12).reshape(4, 3) == 7, scaled(1.3)),
        (M,),
        r"only at x\[2, 1\] .expected",
    ),
    "last entry": (
        wave,
        at(np.arange(6) == 5, scaled(1.3)),
        (A,),
        r"only at x\[5\], the last entry",
    ),
    "first row": (wave, at(np.arange(4)[:, None] == 0, scaled(1.3)), (M,), "in the first row of x"),
    "last column": (wave, at(np.arange(3) == 2, np.sin), (M,), "in the last column of x"),
    "row": (
        wave,
        at(np.arange(4)[:, None] == 2, DOUBLE),
        (M,),
        "in row 2 of x .3 of 12.*2.000 times too large",
    ),
    "both ends": (
        wave,
        at([True] + [False] * 4 + [True], np.sin),
        (A,),
        "in the first and last entry of x",
    ),
    "jacobian row": (
        lambda x: np.cos(SQUARE @ x),
        at(np.arange(4)[:, None] == 2, np.sin),
        (P,),
        "in entry 2 of the result",
    ),
    "jacobian diagonal": (
        tg.softmax,
        at(np.eye(6) > 0, lambda g: np.sin(3 * g)),
        (A,),
        "on the diagonal of the Jacobian",
    ),
}
