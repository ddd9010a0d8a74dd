"""What a gradient check found: a verdict for every entry, and a page that a student can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.testing.diagnosis import Comparison, diagnose

__all__ = ["KINK", "RIGHT", "UNDECIDABLE", "WRONG", "Report", "Verdicts", "WrongGradientError"]

RIGHT, KINK, UNDECIDABLE, WRONG = "right", "kink", "undecidable", "wrong"
ORDER = (RIGHT, KINK, UNDECIDABLE, WRONG)  # the verdict of many is the last that occurs
SHOWN = 5


class WrongGradientError(AssertionError):
    """A gradient is not right; the message is the report."""


@dataclass(frozen=True)
class Verdicts:
    """One result by one argument: the verdict of each entry, and the one-sided derivatives."""

    comparison: Comparison
    codes: NDArray[Any]  # places in ORDER, of the shape of `comparison.expected`
    error: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]

    @property
    def worst(self) -> str:
        return ORDER[int(self.codes.max(initial=0))]

    def lines(self) -> list[str]:
        """The entries that are not right, worst first, in labelled columns."""
        c = self.comparison
        if c.found.shape != c.expected.shape:
            return [
                f"  the gradient by {c.argument} has shape {c.found.shape}, not {c.expected.shape}"
            ]
        off = np.abs(c.found - c.expected) / np.maximum(c.tolerance, np.finfo(float).tiny)
        off = np.where(np.isnan(off), np.inf, off)
        ranks = self.codes * 1e300 + np.minimum(off, 1e299)
        chosen = np.argsort(-ranks, axis=None)[: min(SHOWN, np.count_nonzero(self.codes))]
        rows = [("entry", f"{c.argument} there", "expected", "found", "allowed", "verdict")]
        for place in chosen:
            index = np.unravel_index(place, c.expected.shape)
            at = index[len(index) - c.value.ndim :]
            result = f"{c.result or 'result'}{_brackets(index[: len(index) - c.value.ndim])} by "
            rows.append((
                (result if c.output.ndim else "") + c.argument + _brackets(at),
                _number(c.value[at]), self._expected(index), _number(c.found[index]),
                self._allowed(index), self._verdict(index),
            ))  # fmt: skip
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        widths[-1] = 0  # the words of the last column stand on the left
        lines = ["  " + "  ".join(t.rjust(w) for t, w in zip(row, widths)) for row in rows]
        more = int(np.count_nonzero(self.codes)) - len(chosen)
        return [*lines, f"  and {more} more of {self.codes.size}"] if more else lines

    def _expected(self, index: Any) -> str:
        if self._bends(index):
            return f"{_number(self.left[index])} or {_number(self.right[index])}"
        return "?" if self._ends(index) else _number(self.comparison.expected[index])

    def _allowed(self, index: Any) -> str:
        known = not (self._bends(index) or self._ends(index))
        return f"{self.comparison.tolerance[index]:.1e}" if known else ""

    def _verdict(self, index: Any) -> str:
        code = ORDER[int(self.codes[index])]
        if self._bends(index):
            inside = "between" if code == KINK else "not between"
            head = "" if code == KINK else f"{code}: "
            return f"{head}kink, slopes from the left and from the right; found is {inside}"
        if self._ends(index):
            return "undecidable: f ends, jumps or is infinitely steep there"
        if code == UNDECIDABLE:
            single = self.comparison.output.dtype == np.float32
            way = "; in float64 it could be decided" if single else ""
            return f"undecidable: the witness is sure to {self.error[index]:.1e} only{way}"
        return code

    def _bends(self, index: Any) -> bool:
        """Whether the one-sided derivatives differ."""
        known = np.isfinite(self.comparison.expected[index])
        return bool(not self.comparison.judged[index] and known and not self._ends(index))

    def _ends(self, index: Any) -> bool:
        """Whether a one-sided derivative is missing."""
        return not bool(np.isfinite(self.left[index]) and np.isfinite(self.right[index]))


def _brackets(index: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if index else ""


def _number(x: Any) -> str:
    return f"{x:.10g}" if np.isrealobj(x) else f"{x:.6g}"


@dataclass(frozen=True)
class Report:
    """What a check found. It is true where no entry is wrong or undecidable.

    At a kink any value between the one-sided derivatives passes.

    Attributes:
        name: the function's.
        method: how the expected derivatives were measured.
        evaluations: how often f was called for it.
        parts: the verdicts, one for each result by each argument.
        higher: the report of the next order.
        blame: what is to blame within the program, if it was looked for.
    """

    name: str
    method: str
    evaluations: int
    parts: tuple[Verdicts, ...]
    order: int = 1
    higher: Report | None = None
    blame: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """The gravest verdict of all: right, kink, undecidable or wrong."""
        higher = [] if self.higher is None else [self.higher.verdict]  # a wrong one is false
        return max([part.worst for part in self.parts] + higher, key=ORDER.index, default=RIGHT)

    @property
    def diagnosis(self) -> tuple[str, ...]:
        """How the wrong ones are wrong, a sentence each."""
        wrong = [part.comparison for part in self.parts if part.worst == WRONG]
        return tuple(text for text in map(diagnose, wrong) if text)

    def __bool__(self) -> bool:
        return self.verdict in (RIGHT, KINK)

    def __str__(self) -> str:
        what = "gradient" if self.order == 1 else f"derivative of order {self.order}"
        worst = max((p.worst for p in self.parts), key=ORDER.index)
        entries = sum(part.codes.size for part in self.parts)
        plural = "entry" if entries == 1 else "entries"
        lines = [
            f"{self.name}: the {what} is {'right but for kinks' if worst == KINK else worst}"
            f" ({entries} {plural}, {self.method}, {self.evaluations} calls)"
        ]
        for part in self.parts:
            c = part.comparison
            by = f"{c.result} by {c.argument}" if c.result else f"by {c.argument}"
            if part.worst == RIGHT:
                allowed = f"up to {c.tolerance.max(initial=0):.1e} allowed"
                off = np.abs(c.found - c.expected).max(initial=0) if c.expected.size else 0.0
                lines.append(f"  {by}: right, off by {off:.1e} at most, {allowed}")
            else:
                lines += [f"  {by}, shape {c.value.shape}: {part.worst}", *part.lines()]
        lines += [f"  -> {text}" for text in (*self.diagnosis, *self.blame, *self.notes)]
        if self.higher is not None:
            lines.append(str(self.higher))
        return "\n".join(lines)

    __repr__ = __str__
