"""Python on lines that can be read: what is too wide is broken at its brackets."""

from __future__ import annotations

import ast
import io
import tokenize
from itertools import pairwise

__all__ = ["WIDTH", "laid_out"]

WIDTH = 88
_OPEN, _CLOSE = "([{", ")]}"


def laid_out(source: str, width: int = WIDTH) -> str:
    """The same program on lines of that width, as far as its names and texts allow.

    >>> print(laid_out("total = first(a, b) + second(c, d)", 20))
    total = first(
        a, b
    ) + second(c, d)
    """
    lines = source.split("\n")
    if all(len(line) <= width for line in lines):
        return source
    made = "\n".join(part for line in lines for part in _broken(line, width))
    return made if ast.dump(ast.parse(made)) == ast.dump(ast.parse(source)) else source


def _broken(line: str, width: int) -> list[str]:
    """One line as several, if it is too wide and has brackets."""
    code, note = _without_comment(line)
    pairs, commas = _brackets(code)
    if len(line) <= width or not pairs:
        return [line]
    start, end = max(pairs, key=lambda pair: pair[1] - pair[0])
    cuts = [place for place, within in commas if within == start]
    edges = [start, *cuts, end]
    items = [code[a + 1 : b].strip() for a, b in pairwise(edges)]
    items = [item for item in items if item]
    indent = " " * (len(code) - len(code.lstrip()))
    inner = f"{indent}    {', '.join(items)}{',' * (len(cuts) == len(items))}"
    if len(items) > 1 and len(inner) > width:
        body = [f"{indent}    {item}," for item in items]
    else:
        body = [inner]
    if not items:
        return [line]
    rest = [part for row in body for part in _broken(row, width)]
    last = f"{indent}{code[end:]}"
    return [code[: start + 1] + note, *rest, *_broken(last, width)]


def _without_comment(line: str) -> tuple[str, str]:
    """The line's code, and its comment with the space before it."""
    for token in _tokens(line):
        if token.type == tokenize.COMMENT:
            code = line[: token.start[1]].rstrip()
            return code, f"  {token.string}" if code else line
    return line, ""


def _brackets(code: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The outermost pairs of brackets, and each comma with the bracket that it is in."""
    pairs, commas, opened = [], [], []
    for token in _tokens(code):
        place = token.start[1]
        if token.type != tokenize.OP:
            continue
        if token.string in _OPEN:
            opened.append(place)
        elif token.string in _CLOSE and opened:
            start = opened.pop()
            if not opened:
                pairs.append((start, place))
        elif token.string == "," and opened:
            commas.append((place, opened[-1]))
    return pairs, commas


def _tokens(line: str) -> list[tokenize.TokenInfo]:
    """The tokens of a line that need not be a whole statement."""
    found = []
    indent = len(line) - len(line.lstrip())
    try:
        for token in tokenize.generate_tokens(io.StringIO(line[indent:]).readline):
            start = (token.start[0], token.start[1] + indent)
            found.append(token._replace(start=start))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return found
