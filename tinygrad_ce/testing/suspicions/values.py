"""Suspicions by value: zero, not finite, sign, a constant factor, a term, lost precision."""

import math
from collections.abc import Iterator

import numpy as np

from tinygrad_ce.testing.comparison import (
    EPS,
    Array,
    Comparison,
    agree,
    counts,
    live,
    number,
    spread,
    wrong,
)

__all__ = [
    "constant_factor",
    "extra_term",
    "limited",
    "lost_precision",
    "not_finite",
    "should_be_zero",
    "softened",
    "wrong_sign",
    "zero",
]

# fmt: off
CONSTANTS = (  # found / expected: what it looks like
    (2.0,                  "the 1/2 before a square were missing"),
    (1 / 2,                "the 2 of a square were missing, or one of 2 equal contributions lost"),
    (3.0,                  "the 1/3 before a cube were missing"),
    (1 / 3,                "the 3 of a cube were missing, or two of 3 equal contributions lost"),
    (math.log(2),          "the factor 1/ln 2 of log2 were missing"),
    (1 / math.log(2),      "the factor ln 2 of 2^x were missing"),
    (math.log(10),         "the factor 1/ln 10 of log10 were missing"),
    (1 / math.log(10),     "the factor ln 10 of 10^x were missing"),
    (180 / math.pi,        "the factor pi/180 of degrees were missing"),
    (1 / (2 * math.pi),    "the factor 2 pi were missing"),
    (math.sqrt(math.pi)/2, "the factor 2/sqrt(pi) of erf were missing"),
    (math.sqrt(2*math.pi), "the factor 1/sqrt(2 pi) of the normal density were missing"),
)
# fmt: on


def zero(c: Comparison) -> str | None:
    """Zero or missing everywhere."""
    if not c.found.size and c.expected.size:
        return f"is missing: found has shape {c.found.shape} and no entries"
    if c.found.any() or not c.judged.any():
        return None
    largest = np.abs(c.expected[c.judged]).max()
    if not (np.abs(c.expected) > c.tolerance)[c.judged].any():
        return None
    return (
        f"is zero, where up to {number(largest)} is expected, "
        f"as if nothing flowed back to {c.argument}"
    )


def should_be_zero(c: Comparison) -> str | None:
    """Expected is zero wherever it is judged."""
    if wrong(c).any() and (np.abs(c.expected) <= c.tolerance)[c.judged].all():
        return f"should be zero: nothing depends on {c.argument} here"
    return None


def not_finite(c: Comparison) -> str | None:
    """NaN or infinity where the witness is finite."""
    if c.found.shape != c.expected.shape:
        return None
    bad = c.judged & ~np.isfinite(c.found)
    if not bad.any():
        return None
    first = tuple(int(i) for i in np.argwhere(bad)[0])
    kind = "NaN" if np.isnan(c.found[bad]).all() else "infinite"
    if kind == "infinite" and np.isnan(c.found[bad]).any():
        kind = "NaN or infinite"
    x = c.by_argument(c.value)
    exact = bool((bad == (c.judged & (x == 0))).all())
    place = f"where {c.argument} = 0 " if exact else ""
    entry = f", first at [{', '.join(map(str, first))}]" if first else ""
    return (
        f"is {kind} {place}at {bad.sum()} of {c.judged.sum()} entries{entry}"
        f", where {c.argument} is {number(x[first])} and {number(c.expected[first])} is expected"
    )


def wrong_sign(c: Comparison) -> str | None:
    if agree(c, c.found, -c.expected, c.tolerance, needed=3):
        return "has the wrong sign, its size is right"
    return None


def constant_factor(c: Comparison) -> str | None:
    """found = r expected, with one r for all entries."""
    if not live(c).any():
        return None
    k = _surest(c, np.abs(c.expected))
    r = float(c.found[k] / c.expected[k])
    error = float(c.tolerance[k] / abs(c.expected[k]))  # relative, of r
    if not (r and math.isfinite(r)) or abs(r - 1) <= 4 * error * max(abs(r), 1):
        return None
    slack = abs(r) * (c.tolerance + error * np.abs(c.expected))
    hints = list(_causes(c, abs(r), error))
    if not agree(c, c.found, r * c.expected, slack, fitted=0 if hints else 1):
        return None
    sign = "has the wrong sign and " if r < 0 else ""
    said = f"{sign}is {_times(abs(r))}"
    return f"{said}, as if {', or '.join(hints[:3])}" if hints else said


def _surest(c: Comparison, a: Array) -> tuple[int, ...]:
    """Where `a` is largest beside the tolerance."""
    floor = np.maximum(c.tolerance, EPS * np.abs(c.expected)) + 1e-300
    ratio = np.where(c.judged, a / floor, -1)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))


def _times(r: float) -> str:
    word, factor = ("large", r) if r > 1 else ("small", 1 / r)
    digits = 3 if factor > 1.01 else 2 - math.floor(math.log10(factor - 1))
    shown = f"{factor:.{digits}f}" if factor < 1e5 else f"{factor:.4g}"
    return f"{shown} times too {word}"


def _causes(c: Comparison, r: float, error: float) -> Iterator[str]:
    """Known constants near r; nothing where r is too uncertain to tell them apart."""

    def close(to: float) -> bool:
        return abs(r / to - 1) <= 2 * error + 1e-11 and abs(to - 1) > 1e-9

    if error > 1e-3:
        return
    sizes = counts(c)
    for constant, cause in CONSTANTS:
        if close(constant):
            yield cause
    for n, name in sizes.items():
        if close(n):
            yield f"1/N with N = {n}, {name}, were missing (a sum where a mean is meant)"
        if close(1 / n):
            yield f"it were divided by N = {n}, {name} (a mean where a sum is meant)"
    for n, name in sizes.items():
        width = n > 2 and "entries" not in name  # as attention divides by
        if width and close(math.sqrt(n)):
            yield f"1/sqrt(N) with N = {n}, {name}, were missing"
        if width and close(1 / math.sqrt(n)):
            yield f"it were divided by sqrt(N) with N = {n}, {name}"
        if n > 2 and close(n / (n - 1)):
            yield f"it were divided by N - 1 = {n - 1} in place of N, {name}"
        if n > 2 and close((n - 1) / n):
            yield f"it were divided by N = {n}, {name}, in place of N - 1"


def extra_term(c: Comparison) -> str | None:
    """found - expected = k u for u = 1, x, sign x, another argument, or y."""
    x, y = c.by_argument(c.value), c.by_result(c.output)
    terms = [(c.argument, x), ("", np.ones(x.shape)), (f"sign({c.argument})", np.sign(x))]
    terms += [
        (s.argument, c.by_argument(s.value)) for s in c.siblings if s.value.shape == c.value.shape
    ]
    if c.output.ndim:
        terms.append((f"{c.result or 'y'} (the result)", y))
    error = c.found - c.expected
    for name, u in terms:
        k = _surest(c, np.abs(error) * (u != 0))
        if not u[k] or (name and not spread(u[live(c)])):
            continue
        factor = error[k] / u[k]
        slack = c.tolerance + c.tolerance[k] * np.abs(u / u[k])
        slack = slack + 8 * EPS * (np.abs(c.found) + np.abs(c.expected))
        if agree(c, error, factor * u, slack, fitted=1):
            size = number(abs(factor))
            term = f"{size} {name}".removeprefix("1 " if name else "").rstrip()
            missing, extra = (term, f"-{term}") if factor < 0 else (f"-{term}", term)
            penalty = f", as of a penalty {number(-factor / 2)} sum({name}^2)"
            why = penalty if name == c.argument and factor < 0 else ""
            return f"lacks the term {missing}{why} (or {extra} is too much), the rest is right"
    return None


def softened(c: Comparison) -> str | None:
    """found = expected z / (z + epsilon), or z / max(z, epsilon): a guarded logarithm."""
    options = [(c.argument, c.by_argument(c.value))]
    options += [
        (s.argument, c.by_argument(s.value)) for s in c.siblings if s.value.shape == c.value.shape
    ]
    if c.output.ndim:
        options.append((c.result or "the result", c.by_result(c.output)))
    k = _surest(c, np.abs(c.found - c.expected))
    if not wrong(c)[k] or not c.found[k]:
        return None
    loose = c.tolerance[k] / abs(c.found[k] - c.expected[k])  # relative error of epsilon
    slack = 2 * c.tolerance + loose * np.abs(c.found - c.expected)
    for name, z in options:
        if not (z[live(c)] > 0).all() or not spread(z[wrong(c)]):
            continue
        added = z[k] * (c.expected[k] / c.found[k] - 1)
        floor = z[k] * c.expected[k] / c.found[k]
        if 0 < added < 0.1 and agree(c, c.found, c.expected * z / (z + added), slack, fitted=1):
            return (
                f"is right for {name} + {number(added)} in place of {name}: "
                f"an epsilon of {number(added)} was added to {name}"
            )
        if 0 < floor < 0.1:
            slack = 2 * c.tolerance + c.tolerance[k] / abs(c.found[k]) * np.abs(c.found)
            if agree(c, c.found, c.expected * z / np.maximum(z, floor), slack, fitted=1):
                return f"is right only where {name} >= {number(floor)}: {name} was clipped there"
    return None


def limited(c: Comparison) -> str | None:
    """found = expected, clipped to [-limit, limit]."""
    if not live(c).any():
        return None
    limit = np.abs(c.found[c.judged]).max()
    if (
        not (live(c) & ~wrong(c)).any()
        or np.sum(wrong(c)) < 2
        or not spread(np.abs(c.expected[wrong(c)]))
    ):
        return None
    if agree(c, c.found, np.clip(c.expected, -limit, limit), 2 * c.tolerance, fitted=1):
        return (
            f"is clipped to at most {number(limit)} in size; "
            f"up to {number(np.abs(c.expected[c.judged]).max())} is expected"
        )
    return None


def lost_precision(c: Comparison) -> str | None:
    """Right to some digits everywhere: every relative error below 1e-3, most of them wrong."""
    seen = live(c)
    if not seen.any() or 2 * wrong(c).sum() < seen.sum():
        return None
    error = np.abs(c.found - c.expected)[seen] / np.abs(c.expected)[seen]
    largest = error.max()
    if not largest < 1e-3:
        return None
    single = np.array_equal(c.found[seen], c.found[seen].astype(np.float32))
    digits = round(-math.log10(largest))
    fact = f"is right to about {digits} digits only (largest relative error {largest:.1e})"
    if single and largest < 1e-5:
        return f"{fact}: every found value is a float32 number, it looks like single precision"
    return f"{fact}, as in single precision or in a numerical derivative with too large a step"
