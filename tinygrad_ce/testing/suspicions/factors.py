"""Suspicions about the chain rule: a factor that is a known function of the numbers at hand."""

from collections.abc import Callable, Iterator

import numpy as np

from tinygrad_ce.testing.comparison import Array, Comparison, agree, live, spread, wrong

__all__ = ["chain_factor", "overwritten", "overwritten_once"]

Function = Callable[[Array], Array]


def _sigmoid(x: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0, -x)))


# fmt: off
OF_Y: tuple[tuple[str, str, Function], ...] = (
    ("y (1 - y)",   "sigmoid",  lambda y: y * (1 - y)),
    ("1 - y^2",     "tanh",     lambda y: 1 - y**2),
    ("y",           "exp",      lambda y: y),
    ("1 / (2 y)",   "sqrt",     lambda y: 1 / (2 * y)),
    ("-y^2",        "1 / x",    lambda y: -(y**2)),
)
OF_X: tuple[tuple[str, str, Function], ...] = (
    ("1 / x",                     "log",      lambda x: 1 / x),
    ("2 x",                       "x^2",      lambda x: 2 * x),
    ("3 x^2",                     "x^3",      lambda x: 3 * x**2),
    ("cos x",                     "sin",      np.cos),
    ("-sin x",                    "cos",      lambda x: -np.sin(x)),
    ("exp(x)",                    "exp",      np.exp),
    ("sigmoid(x) (1 - sigmoid(x))", "sigmoid", lambda x: _sigmoid(x) * _sigmoid(-x)),
    ("1 - tanh(x)^2",             "tanh",     lambda x: 1 - np.tanh(x) ** 2),
    ("sigmoid(x)",                "softplus", _sigmoid),
    ("1 / (1 + x^2)",             "arctan",   lambda x: 1 / (1 + x**2)),
    ("1 / sqrt(1 - x^2)",         "arcsin",   lambda x: 1 / np.sqrt(1 - x**2)),
    ("1 / (2 sqrt(x))",           "sqrt",     lambda x: 1 / (2 * np.sqrt(x))),
    ("-1 / x^2",                  "1 / x",    lambda x: -1 / x**2),
    ("1 / cos(x)^2",              "tan",      lambda x: 1 / np.cos(x) ** 2),
    ("sign(x)",                   "abs",      np.sign),
    ("x",                         "",         lambda x: x),
    ("x^2",                       "",         lambda x: x**2),
)
PLAIN: tuple[tuple[str, Function], ...] = (
    ("t",     lambda t: t),
    ("1 / t", lambda t: 1 / t),
    ("1 - t", lambda t: 1 - t),
)
# fmt: on


def _known(c: Comparison) -> Iterator[tuple[str, Array]]:
    """Factors with their names, spread over the entries of the derivative."""
    y, x = c.by_result(c.output), c.by_argument(c.value)
    for name, of, function in OF_Y:
        yield f"{name}, the derivative of {of}, y the {c.result or 'result'},", function(y)
    for name, of, function in OF_X:
        also = f", the derivative of {of}," if of else ""
        aside = f" at x = {c.argument}" if c.argument != "x" else ""
        yield f"{name}{aside}{also}", function(x)
    for s in c.siblings:
        if s.value.shape == c.value.shape or not s.value.ndim:
            for name, function in PLAIN:
                yield name.replace("t", s.argument), function(c.by_argument(s.value))


def chain_factor(c: Comparison) -> str | None:
    """A known factor is missing, or stands once too often."""
    readings: dict[str, str] = {}
    for name, w in _known(c):
        if not _telling(c, w):
            continue
        if agree(c, c.found * w, c.expected, c.tolerance):
            readings.setdefault("lacks", name)
        if agree(c, c.found, c.expected * w, c.tolerance * np.abs(w)):
            readings.setdefault("often", name)
    if "lacks" in readings:
        often = readings.get("often", "").rstrip(",")
        other = often and readings["often"] != readings["lacks"]  # a sign is its own inverse
        also = f" (or {often} stands in it once too often)" if other else ""
        return f"lacks the factor {readings['lacks'].rstrip(',')}{also}"
    if "often" in readings:
        return f"has the factor {readings['often']} once too often".replace(",,", ",")
    return None


def _telling(c: Comparison, w: Array) -> bool:
    """Whether w is there and is more than a constant: one value, if plain, shows no function."""
    seen = w[live(c)]
    if not seen.size or not np.isfinite(seen).all():
        return False
    return spread(seen) or bool(np.abs(12 * seen[0] - np.round(12 * seen[0])) > 1e-6)


def overwritten(c: Comparison) -> str | None:
    """expected = k found with several whole k > 1: of k equal contributions one is left."""
    return _repeated(c, several=True)


def overwritten_once(c: Comparison) -> str | None:
    """The same with one k > 1, at entries that no region describes."""
    return _repeated(c, several=False)


def _repeated(c: Comparison, several: bool) -> str | None:
    at = live(c) & (c.found != 0)
    if not (live(c) == at).all() or not at.any():
        return None
    k = np.where(at, np.round(c.expected / np.where(at, c.found, 1)), 1)
    if k[at].min() < 1 or k[at].max() > 100 or not spread(k[at]):
        return None
    if not agree(c, c.found, c.expected / k, c.tolerance / k):
        return None
    often = np.unique(k[at & wrong(c)]).astype(int)
    if several != (often.size > 1):
        return None
    shown = ", ".join(map(str, often[:4])) + (", ..." if often.size > 4 else "")
    return (
        f"is too small by whole numbers ({shown}) at {wrong(c).sum()} of {c.judged.sum()} entries, "
        f"as if {c.argument} were used so often there and overwritten in place of added up"
    )
