"""The walk through a run as text: every value computed, then every gradient taken back.

explain(loss)               # numbered, aligned; coloured in a terminal
explain(loss, step=True)    # one step at a time
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

import numpy as np

from tinygrad_ce.pictures.numerals import numbers
from tinygrad_ce.pictures.scene import Arrival, Scene, Step, look
from tinygrad_ce.rules.kinds import Several

__all__ = ["explain"]

_WIDE = 44  # characters; what is longer does not widen its column
_COLOURS = ("2", "1", "36", "35", "33")  # faint, bold, cyan, magenta, yellow: a column each
Row = tuple[str, str, str, str, str]  # number, name, formula, the same with numbers, result


def explain(
    loss: Any,
    step: bool = False,
    file: TextIO | None = None,
    *,
    gradient: Any = None,
    names: Mapping[str, Any] | None = None,
) -> None:
    """Print a run step by step: formulas, numbers, and gradients as they add up.

    Forward a line says how a value was made. Backward it says what goes on to an operand, and
    where there was something already, the running sum, `0.46 + 0.13 -> 0.59`.

    Args:
        loss: a Tensor that was computed from others that require a gradient.
        step: wait for the return key after each step; `q` before it ends the walk.
        file: where to print; standard output where none is given. Only a terminal gets colours.
        gradient: the gradient to begin with, of the loss's shape; 1 for a scalar. Without one the
            walk of what is no scalar goes forward only.
        names: names of tensors, which go before those that are found.

    Raises:
        GradientError: the loss requires no gradient, or its graph was released.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> E = y + x
    >>> explain(E)
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
    """
    out = sys.stdout if file is None else file
    scene = look(loss, gradient, names)
    coloured = bool(getattr(out, "isatty", lambda: False)()) and "NO_COLOR" not in os.environ
    count = 0
    for title in ("forward", "backward"):
        steps = [s for s in scene.steps if s.direction == title]
        blocks = [_rows(s, scene, count + i) for i, s in enumerate(steps, 1)]
        count += len(blocks)
        if blocks:
            print(title, file=out)
        widths = _widths(row for block in blocks for row in block)
        for block in blocks:
            for row in block:
                print(_laid(row, widths, coloured), file=out)
            if step and not _goes_on(out):
                return


def _goes_on(out: TextIO) -> bool:
    """Wait for the return key; where nobody is there to press it, go on."""
    out.flush()
    return sys.stdin.readline().strip().lower() != "q"


def _rows(step: Step, scene: Scene, count: int) -> list[Row]:
    v = step.vertex
    if step.direction == "forward":
        made = f"= {v.formula}" if v.formula else ""
        return [_cleaned((str(count), v.label, made, _equal(v.numeric, v.formula), _to(v.value)))]
    whole = _to(v.gradient)
    past = [e.target.label for e in v.uses if e.aside]
    if past and any(a.edge.aside is False for a in step.arrived):
        whole += f"; here {numbers(v.flowing)}, the rest went past with {past[0]}"
    rows = [(str(count), scene.d(v), "", "", whole)]
    for arrival in step.sent:
        rows.append(_sent(arrival, scene))
    return [_cleaned(row) for row in rows]


def _equal(numeric: str | None, formula: str | None) -> str:
    return f"= {numeric}" if numeric and numeric != formula else ""


def _sent(arrival: Arrival, scene: Scene) -> Row:
    """What goes on along one edge, and what it makes of the sum there."""
    edge = arrival.edge
    name = f"  to {scene.d(edge.source)}"
    if edge.aside:
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


def _cleaned(row: Row) -> Row:
    """Without what moves a terminal's cursor, whatever the user calls things."""
    one, two, three, four, five = (
        "".join(c if c.isprintable() else repr(c)[1:-1] for c in cell) for cell in row
    )
    return one, two, three, four, five


def _widths(rows: Iterator[Row]) -> list[int]:
    widths = [2, 0, 0, 0, 0]
    for row in rows:
        for i, cell in enumerate(row):
            if len(cell) <= _WIDE:
                widths[i] = max(widths[i], len(cell))
    return widths


def _laid(row: Row, widths: list[int], coloured: bool) -> str:
    """The cells in their columns: the number on the right, the others on the left."""
    cells = [row[0].rjust(widths[0])]
    cells += [cell.ljust(width) for cell, width in zip(row[1:], widths[1:])]
    if coloured:
        cells = [f"\x1b[{colour}m{cell}\x1b[0m" if cell.strip() else cell
                 for cell, colour in zip(cells, _COLOURS)]  # fmt: skip
    return "  ".join(cell for cell, width in zip(cells, widths) if width).rstrip()
