"""A drawing as SVG: one text that stands alone, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from unicodedata import east_asian_width

from tinygrad_ce.pictures.boxes import Box, Drawing, Join, shortened
from tinygrad_ce.pictures.layers import Layout, Point, lay_out

__all__ = ["clean", "svg"]

_CHARACTER, _ROW, _SIDE, _TOP = 7.3, 16.0, 12.0, 7.0  # of 12 pixel monospace; of a box
_MARGIN, _LEGEND = 18.0, 40.0
_KINDS = {
    "parameter": "parameter", "input": "input", "constant": "constant", "operation": "operation",
    "repeated": "repeated steps", "result": "result",
}  # fmt: skip

# What is drawn how: (class, property, light, dark).
_COLOURS = (
    ("paper", "fill", "#ffffff", "#15181e"),
    ("tg", "color", "#1b2130", "#e7eaf0"),
    ("value", "fill", "#535d70", "#a6b0c1"),
    ("owner", "fill", "#535d70", "#a6b0c1"),
    ("owner", "stroke", "#e9f0ec", "#222c2d"),
    ("slope", "fill", "#ad2f28", "#ff9d92"),
    ("parameter", "fill", "#e3f4ea", "#15321f"),
    ("parameter", "stroke", "#24804e", "#5cc78d"),
    ("input", "fill", "#e6effd", "#16284a"),
    ("input", "stroke", "#3567c4", "#86adf7"),
    ("constant", "fill", "#f3f3f5", "#23262e"),
    ("constant", "stroke", "#7b818e", "#959dad"),
    ("operation", "fill", "#ffffff", "#1d212a"),
    ("operation", "stroke", "#4c576c", "#aab4c5"),
    ("repeated", "fill", "#f4effb", "#2a2140"),
    ("repeated", "stroke", "#7a53b0", "#bd9df0"),
    ("result", "fill", "#fdeedd", "#3a270f"),
    ("result", "stroke", "#b9661a", "#f2a95e"),
    ("group", "fill", "#e9f0ec", "#222c2d"),
    ("bridge", "stroke", "#e9f0ec", "#222c2d"),
    ("line", "stroke", "#6b7688", "#8e99ab"),
    ("tip", "fill", "#6b7688", "#8e99ab"),
)


def clean(text: str) -> str:
    """Text that may stand anywhere in XML or HTML: escaped, and without control characters."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f￾￿]", "\ufffd", text), quote=True)


def svg(drawing: Drawing) -> str:
    """The drawing as an SVG document."""
    sizes = [_size(box) for box in drawing.boxes]
    layout = lay_out(sizes, [(join.source, join.target) for join in drawing.joins])
    kinds = [k for k in _KINDS if any(box.kind == k for box in drawing.boxes)]
    legend = max(sum(map(_legend_width, kinds)), sum(map(_sign_width, _signs(drawing))))
    wide = max(layout.width, legend) + 2 * _MARGIN
    high = layout.height + 2 * _MARGIN + _LEGEND
    left = (wide - layout.width) / 2
    fields, owners = _groups(drawing, layout, sizes)
    title = f"How {drawing.title} was computed"
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="tg" role="img" '
        f'viewBox="0 0 {_n(wide)} {_n(high)}" width="{_n(wide)}" height="{_n(high)}" '
        f'aria-label="{clean(title)}">',
        f"<title>{clean(title)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="paper" width="{_n(wide)}" height="{_n(high)}" rx="8"/>',
        f'<g transform="translate({_n(left)} {_n(_MARGIN)})">',
        *fields,
        *(_line(join, line) for join, line in zip(drawing.joins, layout.lines)),
        *(_boxed(i, *three) for i, three in enumerate(zip(drawing.boxes, layout.places, sizes))),
        *owners,
        "</g>",
        *_legend(kinds, high, drawing),
        "</svg>",
    ]
    return "\n".join(rows) + "\n"


def _n(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0")


def _style() -> str:
    fixed = (
        ".tg text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;fill:currentColor;text-anchor:middle;white-space:pre}"
        ".tg .head{font-weight:600}.tg .small{font-size:10.5px}.tg .start{text-anchor:start}"
        ".tg .line{fill:none;stroke-width:1.3}.tg .still{stroke-dasharray:5 4}"
        ".tg .bridge{fill:none;stroke-width:22}.tg .aside{stroke-dasharray:1.5 3.5}"
        ".tg .box{stroke-width:1.3}.tg .owner{paint-order:stroke;stroke-width:4}"
        ".tg .constant,.tg .repeated{stroke-dasharray:4 3}.tg .result{stroke-width:2.4}"
    )
    parts = []
    for column in (2, 3):
        rules = "".join(
            f"{'.tg' if row[0] == 'tg' else '.tg .' + row[0]}{{{row[1]}:{row[column]}}}"
            for row in _COLOURS
        )
        for kind in ("value", "slope", "owner"):
            rules = rules.replace(f".tg .{kind}{{", f".tg text.{kind}{{")
        parts.append(rules if column == 2 else f"@media(prefers-color-scheme:dark){{{rules}}}")
    return fixed + "".join(parts)


def _width(text: str) -> float:
    """Of monospace text: signs of East Asia are twice as wide."""
    return _CHARACTER * sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def _rows(box: Box) -> list[tuple[str, str]]:
    rows = [("head", box.head), ("value", box.value), ("slope", box.gradient)]
    return [(kind, text) for kind, text in rows if text]


def _size(box: Box) -> Point:
    rows = _rows(box)
    wide = max(_width(text) for _, text in rows) + 2 * _SIDE
    return max(wide, 44.0), _ROW * len(rows) + 2 * _TOP


def _boxed(i: int, box: Box, place: Point, size: Point) -> str:
    x, y = place
    w, h = size
    text = "".join(
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y - h / 2 + _TOP + _ROW * k + 12)}">'
        f"{clean(row)}</text>"
        for k, (kind, row) in enumerate(_rows(box))
    )
    shape = _shape(box.kind, x, y, w, h)
    return f'<g class="v" data-v="{i}"><title>{clean(box.tip)}</title>{shape}{text}</g>'


def _shape(kind: str, x: float, y: float, w: float, h: float) -> str:
    """Round for what is learned, slanted for what is given, square for what is computed."""
    if kind == "input":
        s = min(7.0, w / 6)
        corners = [(x - w / 2 - s / 2, y + h / 2), (x - w / 2 + s / 2, y - h / 2),
                   (x + w / 2 + s / 2, y - h / 2), (x + w / 2 - s / 2, y + h / 2)]  # fmt: skip
        points = " ".join(f"{_n(a)},{_n(b)}" for a, b in corners)
        return f'<polygon class="box input" points="{points}"/>'
    round_ = min(h / 2, 16.0) if kind == "parameter" else 3.0
    return (
        f'<rect class="box {kind}" x="{_n(x - w / 2)}" y="{_n(y - h / 2)}" '
        f'width="{_n(w)}" height="{_n(h)}" rx="{_n(round_)}"/>'
    )


def _line(join: Join, points: Sequence[Point]) -> str:
    """A smooth line that leaves and arrives upright, with a tip at its end."""
    end = points[-1]
    path = _way([*points[:-1], (end[0], end[1] - 6)])
    tip = f"M{_n(end[0])} {_n(end[1])}l-3.5 -7h7z"
    many = ""
    if join.times > 1:
        (a, above), (b, below) = points[0], points[1]
        aside, down = (5, 4) if abs(b - a) < 8 else (8, -4) if b > a else (8, 11)  # off the line
        many = (
            f'<text class="small start" x="{_n((a + b) / 2 + aside)}" '
            f'y="{_n((above + below) / 2 + down)}">×{join.times}</text>'
        )
    inside = f'<path class="line {join.kind}" d="{path}"/><path class="tip" d="{tip}"/>{many}'
    return f'<g class="e" data-e="{join.source} {join.target}">{inside}</g>'


def _way(points: Sequence[Point]) -> str:
    (x, y), *rest = points
    path = [f"M{_n(x)} {_n(y)}"]
    for a, b in rest:
        bend = (b - y) / 2
        curve = f"C{_n(x)} {_n(y + bend)} {_n(a)} {_n(b - bend)} {_n(a)} {_n(b)}"
        path.append(curve if abs(a - x) > 0.05 else f"V{_n(b)}")
        x, y = a, b
    return "".join(path)


def _groups(
    drawing: Drawing, layout: Layout, sizes: Sequence[Point]
) -> tuple[list[str], list[str]]:
    """Fields behind boxes of one owner and behind the lines between them; and the owners' names."""
    boxes = drawing.boxes
    bridges = [
        f'<path class="bridge" d="{_way(line)}"/>'
        for join, line in zip(drawing.joins, layout.lines)
        if boxes[join.source].group and boxes[join.source].group == boxes[join.target].group
    ]
    fields, labels, named = [], [], set()
    for box, (x, y), (w, h) in zip(boxes, layout.places, sizes):
        if not box.group:
            continue
        field = f'x="{_n(x - w / 2 - 11)}" y="{_n(y - h / 2 - 9)}" rx="12"'
        size = f'width="{_n(w + 22)}" height="{_n(h + 18)}"'
        fields.append(f'<rect class="group" {field} {size}/>')
        if box.kind != "parameter" and box.group not in named:
            named.add(box.group)
            labels.append(
                f'<text class="small start owner" x="{_n(x - w / 2)}" y="{_n(y + h / 2 + 11)}">'
                f"{clean(box.group)}</text>"
            )
    return bridges + fields, labels


def _legend_width(kind: str) -> float:
    return 0.9 * _width(_KINDS[kind]) + 38


_LINES = {"flow": "gradient flows", "still": "none flows", "aside": "only shown"}


def _signs(drawing: Drawing) -> list[tuple[str, str]]:
    """What the second row of the legend explains: a class, and its text."""
    lines = [kind for kind in _LINES if any(join.kind == kind for join in drawing.joins)]
    signs = [(kind, _LINES[kind]) for kind in lines] if lines not in ([], ["flow"]) else []
    if any(box.gradient.startswith("∂") for box in drawing.boxes):
        signs.append(("slope", f"∂: gradient of {shortened(drawing.title, 24)}"))
    return signs


def _sign_width(sign: tuple[str, str]) -> float:
    return 0.9 * _width(sign[1]) + (14 if sign[0] == "slope" else 42)


def _legend(kinds: Sequence[str], high: float, drawing: Drawing) -> list[str]:
    rows, x, y = [], _MARGIN, high - _LEGEND + 6
    for kind in kinds:
        rows.append(
            _shape(kind, x + 9, y, 18, 11)
            + f'<text class="small start value" x="{_n(x + 24)}" y="{_n(y + 4)}">'
            f"{_KINDS[kind]}</text>"
        )
        x += _legend_width(kind)
    x, y = _MARGIN, y + 19
    for sign in _signs(drawing):
        kind, text = sign
        if kind == "slope":
            rows.append(
                f'<text class="small start slope" x="{_n(x)}" y="{_n(y)}">{clean(text)}</text>'
            )
        else:
            rows.append(
                f'<path class="line {kind}" d="M{_n(x)} {_n(y - 4)}h22"/>'
                f'<text class="small start value" x="{_n(x + 28)}" y="{_n(y)}">{text}</text>'
            )
        x += _sign_width(sign)
    return rows
