"""The walk through a run as text: every value computed, then every gradient taken back.

explain(loss)               # numbered, aligned; coloured in a terminal
explain(loss, step=True)    # one step at a time
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

from tinygrad_ce.pictures.columns import encoded, laid, printable, room, widths
from tinygrad_ce.pictures.numerals import numbers
from tinygrad_ce.pictures.paths import is_hooked
from tinygrad_ce.pictures.scene import Arrival, Scene, Step, look
from tinygrad_ce.rules.kinds import Several

__all__ = ["Walk", "explain"]

_HINT = "(return: the next step; q and return: the end)"
Row = tuple[str, ...]  # number, name, formula, the same with numbers, result


@dataclass(frozen=True)
class Walk:
    """What `explain` printed.

    Attributes:
        text: the lines, without colours.
        steps: how many steps were shown.
    """

    text: str
    steps: int

    def __repr__(self) -> str:
        return f"{self.steps} steps, printed above; .text has them"

    def _ipython_display_(self) -> None:
        """A notebook shows what was printed, and that is enough."""


def explain(
    loss: Any,
    step: bool = False,
    file: TextIO | None = None,
    *,
    gradient: Any = None,
    names: Mapping[str, Any] | None = None,
) -> Walk:
    """Print a run step by step: formulas, numbers, and gradients as they add up.

    Forward a line says how a value was made. Backward it says what goes on to an operand, and
    where there was something already, the running sum, `0.46 + 0.13 -> 0.59`.

    Args:
        loss: a Tensor that was computed from others that require a gradient.
        step: wait for the return key after each step; `q` before it ends the walk. Where nobody is
            there to press it, it goes on.
        file: where to print; standard output where none is given. Only a terminal gets colours,
            and lines no wider than it is; `COLUMNS` says how wide others are.
        gradient: the gradient to begin with, of the loss's shape; 1 for a scalar. Without one the
            walk of what is no scalar goes forward only.
        names: names of tensors, which go before those that are found.

    Returns:
        The walk that was printed: its `text`, without colours.

    Raises:
        GradientError: the loss requires no gradient, or its graph was released.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> E = y + x
    >>> walk = explain(E)
    forward
     1  x                    -> 3
     2  y  = x * x  = 3 * 3  -> 9
     3  E  = y + x  = 9 + 3  -> 12
    backward
     4  dE/dE                             -> 1
          to dE/dy  = dE/dE      = 1      -> 1
          to dE/dx  = dE/dE      = 1      -> 1
     5  dE/dy                             -> 1
          to dE/dx  + dE/dy * x  + 1 * 3  1 + 3 -> 4
          to dE/dx  + dE/dy * x  + 1 * 3  4 + 3 -> 7
     6  dE/dx                             -> 7
    >>> walk
    6 steps, printed above; .text has them
    """
    out = sys.stdout if file is None else file
    scene = look(loss, gradient, names)
    told: list[str] = []
    count = shown = 0
    waits = step
    for title in ("forward", "backward"):
        steps = [s for s in scene.steps if s.direction == title]
        blocks = [_rows(s, scene, count + i) for i, s in enumerate(steps, 1)]
        count += len(blocks)
        if blocks:
            told.append(title)
            _print(title, out)
        wide = widths(row for block in blocks for row in block)
        for block in blocks:
            for row in block:
                told += laid(row, wide)
                for line in laid(row, wide, room(out), _is_coloured(out)):
                    _print(line, out)
            shown += 1
            if waits:
                if shown == 1:
                    _print(_HINT, out)
                key = _pressed(out)
                waits = key is not None
                if key == "q":
                    return Walk("\n".join(told), shown)
    return Walk("\n".join(told), shown)


def _print(line: str, out: TextIO) -> None:
    print(encoded(line, out), file=out)


def _is_coloured(out: TextIO) -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    knows = sys.platform != "win32" or bool({"WT_SESSION", "ANSICON", "TERM"} & set(os.environ))
    return knows and bool(getattr(out, "isatty", lambda: False)())


def _pressed(out: TextIO) -> str | None:
    """What was typed before the return key; None where nobody is there to press it."""
    out.flush()
    try:
        return input().strip().lower()
    except (EOFError, OSError, RuntimeError, ValueError, NotImplementedError):
        return None  # standard input has ended, is closed, missing, or no notebook's


def _rows(step: Step, scene: Scene, count: int) -> list[Row]:
    v = step.vertex
    if step.direction == "forward":
        made = f"= {v.formula}" if v.formula else ""
        return [_cleaned(str(count), v.label, made, _equal(v.numeric, v.formula), _to(v.value))]
    whole = _to(v.gradient)
    past = [e.target.label for e in v.uses if e.aside]
    if past and any(a.edge.aside is False for a in step.arrived):
        whole += f"; here {numbers(v.flowing)}, the rest went past with {past[0]}"
    if is_hooked(v) and step.arrived and _differ(step.arrived[-1].after, v.gradient):
        whole += f", from {numbers(step.arrived[-1].after)} by a hook"
    rows: list[Row] = [(str(count), scene.d(v), "", "", whole)]
    for arrival in step.sent:
        rows.append(_sent(arrival, scene))
    return [_cleaned(*row) for row in rows]


def _cleaned(*row: str) -> Row:
    return tuple(map(printable, row))


def _differ(a: Any, b: Any) -> bool:
    return type(a) is not Several and not np.array_equal(a, b, equal_nan=True)


def _equal(numeric: str | None, formula: str | None) -> str:
    return f"= {numeric}" if numeric and numeric != formula else ""


def _sent(arrival: Arrival, scene: Scene) -> Row:
    """What goes on along one edge, and what it makes of the sum there."""
    edge = arrival.edge
    name = f"  to {scene.d(edge.source)}"
    if edge.aside and not is_hooked(edge.source):
        return ("", name, f"shown only: computed in one step with {edge.target.label}", "",
                _to(arrival.added))  # fmt: skip
    formula = edge.formula or f"the rule of {edge.target.function}"
    sign = "=" if arrival.before is None else "+"
    numeric = f"{sign} {edge.formula_numeric}" if edge.formula_numeric else ""
    if arrival.before is None:
        result = _to(arrival.after)
    else:
        result = f"{_short(arrival.before)} + {_short(arrival.added)} {_to(arrival.after)}"
    return "", name, f"{sign} {formula}", numeric, result


def _short(x: Any) -> str:
    text = numbers(x)
    return f"({text})" if text.startswith("-") or "…" in text else text


def _to(x: Any) -> str:
    shape = "" if type(x) is Several or np.ndim(x) == 0 else f" {np.shape(x)}".replace(",)", ")")
    return f"-> {numbers(x)}{shape}"
