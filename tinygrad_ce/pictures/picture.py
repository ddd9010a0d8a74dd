"""`tg.draw`: the graph behind a result as a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from tinygrad_ce.errors import OptionError
from tinygrad_ce.pictures.boxes import Box, Drawing, drawing
from tinygrad_ce.pictures.scene import look
from tinygrad_ce.pictures.svg import svg
from tinygrad_ce.tensor import Tensor

__all__ = ["Picture", "draw"]


class Picture:
    """A drawn graph: what `tg.draw` gives. A notebook shows it as it is.

    Attributes:
        svg: the picture, one text that stands alone; follows the reader's light or dark scheme.
        mermaid: the same graph in Mermaid's language.
        dot: the same in Graphviz's.
    """

    def __init__(self, drawn: Drawing) -> None:
        self._drawn = drawn
        self.svg = svg(drawn)

    @property
    def mermaid(self) -> str:
        return _mermaid(self._drawn)

    @property
    def dot(self) -> str:
        return _dot(self._drawn)

    def save(self, path: str | Path) -> Path:
        """Write it to a file, by the name's ending: .svg, .mmd for Mermaid, .dot or .gv.

        Returns:
            The path.

        Raises:
            OptionError: another ending.

        >>> import tempfile, tinygrad_ce as tg
        >>> x = tg.tensor(3.0, requires_grad=True)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     tg.draw(x * x).save(f"{folder}/graph.svg").name
        'graph.svg'
        """
        path = Path(path)
        forms = {".svg": "svg", ".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot",
                 ".gv": "dot"}  # fmt: skip
        if path.suffix.lower() not in forms:
            raise OptionError(
                f"a picture was to be saved as {path.name!r}",
                "it is written as .svg, .mmd or .dot",
                "choose one of these endings; a browser turns SVG into PNG",
            )
        path.write_text(getattr(self, forms[path.suffix.lower()]), encoding="utf-8")
        return path

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """What a notebook shows: always the SVG."""
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        drawn = self._drawn
        return f"<picture of {drawn.title}: {len(drawn.boxes)} boxes, {len(drawn.joins)} lines>"


def draw(
    result: Tensor | Callable[[], Tensor],
    gradient: Any = None,
    *,
    names: Mapping[str, Any] | None = None,
    collapse: bool | None = None,
    values: bool = True,
) -> Picture:
    """The graph behind a result as a picture: names, formulas, shapes, values, gradients.

    Args:
        result: a computed Tensor whose graph has not been released; or a function without
            arguments that returns one: it is run, and variables inside of functions give names.
        gradient: the gradient to begin with, of the result's shape; 1 for a scalar. Without one
            the picture of a result that is no scalar shows no gradients.
        names: what tensors and arrays are called. Others have the name of the variable, or the
            attribute or item of one, that holds them where `draw` is called.
        collapse: fold steps that repeat into one box; by default where there are more than 40.
        values: write numbers into the boxes.

    Returns:
        A `Picture`. No `.grad` is touched; hooks are called, as by `backward()`.

    Raises:
        GradientError: the result requires no gradient, or its graph was released.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> picture = tg.draw(y + x)
    >>> picture
    <picture of v2: 3 boxes, 3 lines>
    >>> print(picture.mermaid)
    flowchart TD
        n0(["x<br/>3<br/>∂ 7"])
        n1["y = x * x<br/>9<br/>∂ 1"]
        n2[["v2 = y + x<br/>12"]]
        n0 -- ×2 --> n1
        n1 --> n2
        n0 --> n2
        classDef parameter fill:#e3f4ea,stroke:#24804e,color:#1b2130
        class n0 parameter
        classDef result fill:#fdeedd,stroke:#b9661a,color:#1b2130
        class n2 result
    """
    return Picture(drawing(look(result, gradient, names), collapse, values))


def _rows(box: Box) -> list[str]:
    return [row for row in (box.head, box.value, box.gradient) if row]


_MERMAID = {"parameter": ("([", "])"), "input": ("[/", "/]"), "constant": ("(", ")"),
            "result": ("[[", "]]")}  # fmt: skip
_MERMAID_LINES = {"flow": "-->", "still": "-.->", "aside": "-.-"}


def _by_owner(drawn: Drawing) -> list[tuple[str, list[int]]]:
    """The places of boxes that belong together, with their owner's name; "" for the others."""
    found: dict[str, list[int]] = {"": []}
    for i, box in enumerate(drawn.boxes):
        found.setdefault(box.group, []).append(i)
    return list(found.items())


def _mermaid(drawn: Drawing) -> str:
    lines = ["flowchart TD"]
    for k, (owner, members) in enumerate(_by_owner(drawn)):
        indent = "        " if owner else "    "
        lines += [f'    subgraph g{k}["{_quoted(owner)}"]'] if owner else []
        for i in members:
            box = drawn.boxes[i]
            start, end = _MERMAID.get(box.kind, ("[", "]"))
            text = "<br/>".join(map(_quoted, _rows(box)))
            lines.append(f'{indent}n{i}{start}"{text}"{end}')
        lines += ["    end"] if owner else []
    for join in drawn.joins:
        arrow = _MERMAID_LINES[join.kind]
        if join.times > 1:
            arrow = f"-- ×{join.times} -->" if join.kind == "flow" else f"-. ×{join.times} .->"
        lines.append(f"    n{join.source} {arrow} n{join.target}")
    for kind in dict.fromkeys(box.kind for box in drawn.boxes if box.kind in _LOOKS):
        fill, stroke = _LOOKS[kind]
        alike = ",".join(f"n{i}" for i, box in enumerate(drawn.boxes) if box.kind == kind)
        lines.append(f"    classDef {kind} fill:{fill},stroke:{stroke},color:#1b2130")
        lines.append(f"    class {alike} {kind}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Text within Mermaid's quotes: signs that mean something there as numbers.

    Mermaid takes `$$` for mathematics and `fa:` for a picture even so, unless they are parted.
    """
    text = re.sub(r"\$(?=\$)|\bfa[a-z]?(?=:)", "\\g<0>\u200b", text)
    return "".join(f"#{ord(c)};" if c in "#&<>\"'`\\;{}|%" or ord(c) < 32 else c for c in text)


_LOOKS = {"parameter": ("#e3f4ea", "#24804e"), "input": ("#e6effd", "#3567c4"),
          "repeated": ("#f4effb", "#7a53b0"), "result": ("#fdeedd", "#b9661a")}  # fmt: skip
_DOT = {"parameter": "shape=box, style=\"rounded,filled\"",
        "input": "shape=parallelogram, style=filled",
        "constant": "shape=box, style=dashed", "operation": "shape=box",
        "repeated": "shape=box, style=\"dashed,filled\"",
        "result": "shape=box, peripheries=2, style=filled"}  # fmt: skip
_DOT_LINES = {"flow": "", "still": "style=dashed", "aside": "style=dotted"}


def _dot(drawn: Drawing) -> str:
    lines = ["digraph {", '    node [fontname="monospace", fontsize=10]']
    for k, (owner, members) in enumerate(_by_owner(drawn)):
        indent = "        " if owner else "    "
        if owner:
            label = f'label={_in_quotes(owner)}; fontname="monospace"; fontsize=10; style=dashed'
            lines.append(f"    subgraph cluster_{k} {{ {label}")
        for i in members:
            box = drawn.boxes[i]
            look = _DOT[box.kind]
            if box.kind in _LOOKS:
                look += ', fillcolor="{}", color="{}"'.format(*_LOOKS[box.kind])
            lines.append(f"{indent}n{i} [label={_in_quotes(*_rows(box))}, {look}]")
        lines += ["    }"] if owner else []
    for join in drawn.joins:
        label = f'label="×{join.times}"' if join.times > 1 else ""
        style = ", ".join(filter(None, (_DOT_LINES[join.kind], label)))
        lines.append(f"    n{join.source} -> n{join.target}" + (f" [{style}]" if style else ""))
    return "\n".join([*lines, "}"])


def _in_quotes(*rows: str) -> str:
    """Rows as one of Graphviz's strings, in which it reads entities, too."""
    signs = {"\\": "\\\\", '"': '\\"', "&": "&amp;"}
    return '"' + "\\n".join("".join(signs.get(c, c) for c in row) for row in rows) + '"'
