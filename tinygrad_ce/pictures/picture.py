"""`tg.draw`: the graph behind a result as a picture."""

from __future__ import annotations

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
    """
    return Picture(drawing(look(result, gradient, names), collapse, values))


def _rows(box: Box) -> list[str]:
    return [row for row in (box.head, box.value, box.gradient) if row]


_MERMAID = {"parameter": ("([", "])"), "input": ("[/", "/]"), "constant": ("(", ")"),
            "result": ("[[", "]]")}  # fmt: skip
_MERMAID_LINES = {"flow": "-->", "still": "-.->", "aside": "-.-"}


def _mermaid(drawn: Drawing) -> str:
    lines = ["flowchart TD"]
    for i, box in enumerate(drawn.boxes):
        start, end = _MERMAID.get(box.kind, ("[", "]"))
        text = "<br/>".join(map(_quoted, _rows(box)))
        lines.append(f'    n{i}{start}"{text}"{end}')
    for join in drawn.joins:
        arrow = _MERMAID_LINES[join.kind]
        if join.times > 1:
            arrow = f"-- ×{join.times} -->" if join.kind == "flow" else f"-. ×{join.times} .->"
        lines.append(f"    n{join.source} {arrow} n{join.target}")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Text within Mermaid's quotes: signs that mean something there as numbers."""
    return "".join(f"#{ord(c)};" if c in "#&<>\"'`\\;{}|%" or ord(c) < 32 else c for c in text)


_DOT = {"parameter": 'shape=box, style="rounded,filled", fillcolor="#e3f4ea"',
        "input": 'shape=parallelogram, style=filled, fillcolor="#e6effd"',
        "constant": "shape=box, style=dashed", "operation": "shape=box",
        "repeated": 'shape=box, style="dashed,filled", fillcolor="#f4effb"',
        "result": 'shape=box, peripheries=2, style=filled, fillcolor="#fdeedd"'}  # fmt: skip
_DOT_LINES = {"flow": "", "still": "style=dashed", "aside": "style=dotted"}


def _dot(drawn: Drawing) -> str:
    lines = ["digraph {", '    node [fontname="monospace", fontsize=10]']
    for i, box in enumerate(drawn.boxes):
        text = "\\n".join(row.replace("\\", "\\\\").replace('"', '\\"') for row in _rows(box))
        lines.append(f'    n{i} [label="{text}", {_DOT[box.kind]}]')
    for join in drawn.joins:
        label = f'label="×{join.times}"' if join.times > 1 else ""
        style = ", ".join(filter(None, (_DOT_LINES[join.kind], label)))
        lines.append(f"    n{join.source} -> n{join.target}" + (f" [{style}]" if style else ""))
    return "\n".join([*lines, "}"])
