"""Text in columns: as wide as it looks, as narrow as a terminal, in letters that it knows."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TextIO

__all__ = ["encoded", "laid", "looks", "padded", "plain", "printable", "room", "widths"]

_WIDE = 44  # characters; what is longer does not widen its column
_COLOURS = ("2", "1", "36", "35", "33")  # faint, bold, cyan, magenta, yellow: a column each
_OURS = str.maketrans({"…": "...", "′": "'", "λ": "lambda"})  # signs of ours in letters of ASCII


def printable(text: str) -> str:
    """Without what moves a terminal's cursor, whatever the user calls things.

    >>> print(printable("a\\x1b[2J"))
    a\\x1b[2J
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def plain(text: str) -> str:
    """Lines that any terminal can show, but for the user's own letters.

    >>> plain("v1′ = 0 … 1")
    "v1' = 0 ... 1"
    """
    return "\n".join(printable(line) for line in text.translate(_OURS).split("\n"))


def encoded(line: str, out: TextIO) -> str:
    """A line in letters that the file can be written in."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    try:
        line.encode(encoding, getattr(out, "errors", None) or "strict")
    except (UnicodeEncodeError, LookupError):
        known = encoding if _is_known(encoding) else "ascii"
        return plain(line).encode(known, "backslashreplace").decode(known)
    return line


def _is_known(encoding: str) -> bool:
    try:
        "".encode(encoding)
    except LookupError:
        return False
    return True


def looks(text: str) -> int:
    """How many columns of a terminal it takes: 2 for a kanji, none for what is put on a letter.

    >>> looks("dE/dw"), looks("損失")
    (5, 4)
    """
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def padded(text: str, width: int) -> str:
    """With spaces behind it, until it takes that many columns."""
    return text + " " * (width - looks(text))


def room(out: TextIO) -> int | None:
    """How many columns a line may have: of a terminal, or what `COLUMNS` says; None: any number."""
    if "COLUMNS" in os.environ or getattr(out, "isatty", lambda: False)():
        return max(shutil.get_terminal_size().columns, 20)
    return None


def widths(rows: Iterable[Sequence[str]]) -> list[int]:
    """How wide each column is, the first one at least 2; very long cells may stick out."""
    found = [2, 0, 0, 0, 0]
    for row in rows:
        for i, cell in enumerate(row):
            if looks(cell) <= _WIDE:
                found[i] = max(found[i], looks(cell))
    return found


def laid(
    row: Sequence[str], wide: list[int], most: int | None = None, coloured: bool = False
) -> list[str]:
    """The cells in their columns, the first on the right; in several lines where one is too long.

    >>> row = ["7", "y", "= x @ w + b", "", "-> 3"]
    >>> laid(row, [2, 3, 12, 0, 0], 60)
    [' 7  y    = x @ w + b   -> 3']
    >>> laid(row, [2, 3, 12, 0, 0], 20)
    [' 7  y  = x @ w + b', '        -> 3']
    """
    cells = [row[0].rjust(wide[0]), *map(padded, row[1:], wide[1:])]
    kept = [(cell, c) for cell, width, c in zip(cells, wide, _COLOURS) if width or cell.strip()]
    length = looks("  ".join(cell for cell, _ in kept).rstrip())
    if most is None or length <= most:
        return ["  ".join(_painted(cell, c, coloured) for cell, c in kept).rstrip()]
    indent = " " * (wide[0] + 6)
    lines, left = [_painted(cells[0], _COLOURS[0], coloured)], most - looks(cells[0])
    for i, (cell, colour) in enumerate(zip(row[1:], _COLOURS[1:])):
        if not cell:
            continue
        pieces = [cell] if looks(cell) + 2 <= left else wrap(cell, most - len(indent))
        if len(pieces) == 1 and (looks(cell) + 2 <= left or not i):
            lines[-1] += "  " + _painted(cell, colour, coloured)
            left -= looks(cell) + 2
            continue
        lines += [indent + _painted(piece, colour, coloured) for piece in pieces]
        left = most - len(indent) - looks(pieces[-1])
    return lines


def _painted(cell: str, colour: str, coloured: bool) -> str:
    return f"\x1b[{colour}m{cell}\x1b[0m" if coloured and cell.strip() else cell
