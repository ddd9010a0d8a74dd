"""`tg.player`: a run as a page to step through, forward and back, one file that needs nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_ce.errors import GradientError
from tinygrad_ce.pictures.boxes import drawing
from tinygrad_ce.pictures.numerals import number, numbers
from tinygrad_ce.pictures.scene import Arrival, Edge, Scene, Vertex, look
from tinygrad_ce.pictures.svg import clean, svg
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.tensor import Tensor

__all__ = ["Player", "player"]

_ENTRIES, _ROWS = 144, 12  # what is shown whole; the rows and columns shown of more
_KINDS = {
    "parameter": "A leaf by which the gradient is wanted.",
    "input": "Given: no gradient is wanted by it.",
    "constant": "A constant: no gradient is wanted by it.",
    "operation": "Computed.",
}


class Player:
    """A run to step through: what `tg.player` gives. `.html` is the page, one text.

    A notebook shows it as it is, in a frame of its own.
    """

    def __init__(self, html: str, title: str, steps: int) -> None:
        self.html, self.title, self.steps = html, title, steps

    def save(self, path: str | Path) -> Path:
        """Write the page to a file; `#12` behind its address opens it at step 12.

        Returns:
            The path.
        """
        path = Path(path)
        path.write_text(self.html, encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        frame = 'style="width:100%;height:640px;border:1px solid #8888;border-radius:8px"'
        return f'<iframe sandbox="allow-scripts" {frame} srcdoc="{clean(self.html)}"></iframe>'

    def __repr__(self) -> str:
        return f"<player of {self.title}: {self.steps} steps>"


def player(
    result: Tensor | Callable[[], Tensor],
    gradient: Any = None,
    *,
    names: Mapping[str, Any] | None = None,
) -> Player:
    """A page that steps through a run: each value as it is computed, each gradient as it goes back.

    Every step shows the formula with the numbers in it; on the way back what arrives, the local
    derivative of each edge, what goes on, and sums as they grow: `0.46 + 0.13 -> 0.59`.

    Args:
        result: a computed Tensor whose graph has not been released; or a function without
            arguments that returns one: it is run, and variables inside of functions give names.
        gradient: the gradient to begin with, of the result's shape; 1 for a scalar.
        names: what tensors and arrays are called, as for `tg.draw`.

    Returns:
        A `Player`: `.save("backprop.html")` writes one file that fetches nothing. No `.grad` is
        touched; hooks are called, as by `backward()`.

    Raises:
        GradientError: the result requires no gradient, is no scalar and came without a gradient,
            or its graph was released.

    >>> import tinygrad_ce as tg
    >>> x = tg.tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> tg.player(y + x)
    <player of v2: 6 steps>
    """
    scene = look(result, gradient, names)
    if scene.seed is None:
        raise GradientError(
            f"player() was given a tensor of {_kind(scene.root.value)}",
            "without a gradient to start from it needs a real scalar",
            "sum or average it first, or pass gradient=, an array of its shape",
        )
    title = f"How {scene.root.label} was computed, and its gradient"
    parts = {
        "title": clean(title),
        "style": _read("player.css"),
        "script": _read("player.js"),
    }
    drawn = drawing(scene)
    box = {member: i for i, one in enumerate(drawn.boxes) for member in one.members}
    parts["svg"] = svg(drawn)
    parts["data"] = _embedded(_Told(scene, box).data)
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _read("player.html"))
    return Player(page, scene.root.label, len(scene.steps))


def _kind(x: Any) -> str:
    return f"shape {x.shape} and dtype {x.dtype}"


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8").strip()


def _embedded(data: Any) -> str:
    """JSON that may stand in a script element: nothing in it can end one, or begin a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


class _Told:
    """A scene as plain data: arrays by their places in one list, as many share their numbers."""

    def __init__(self, scene: Scene, box: dict[int, int]) -> None:
        self.scene = scene
        self.arrays: list[dict[str, Any]] = []
        self.known: dict[str, int] = {}
        vertices = [self._vertex(v, box[v.number]) for v in scene.vertices]
        places: dict[int, int] = {}
        arrivals: list[dict[str, Any]] = []
        for vertex in scene.vertices:
            for arrival in vertex.arrivals:
                places[id(arrival.edge)] = len(arrivals)
                arrivals.append(self._arrival(arrival))
        steps = [
            {
                "v": step.vertex.number,
                "back": step.direction == "backward",
                "arrived": [places[id(a.edge)] for a in step.arrived],
                "sent": [places[id(a.edge)] for a in step.sent],
            }
            for step in scene.steps
        ]
        self.data = {
            "root": scene.root.number, "kinds": _KINDS, "vertices": vertices,
            "arrivals": arrivals, "steps": steps, "arrays": self.arrays,
        }  # fmt: skip

    def _vertex(self, vertex: Vertex, box: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "l": vertex.label, "k": vertex.kind, "f": vertex.formula, "n": vertex.numeric,
            "o": [e.source.number for e in vertex.operands if not e.aside], "b": box,
            "v": self._array(vertex.value), "g": self._array(vertex.gradient),
        }  # fmt: skip
        past = [e for e in vertex.uses if e.aside]
        if past:
            target = past[0].target
            found["note"] = (
                f"{target.label} was computed in one stable step from what this was made of: what "
                f"comes from {target.label} goes that way, and is only shown here."
            )
        if _hooked(vertex):
            found["hook"] = True
        return found

    def _arrival(self, arrival: Arrival) -> dict[str, Any]:
        edge = arrival.edge
        elementwise = edge.local is not None
        return {
            "from": edge.target.number, "to": edge.source.number, "aside": edge.aside,
            "arg": edge.argument,
            "local": edge.local, "localn": edge.local_numeric,
            "value": self._array(edge.local_value) if elementwise else None,
            "rule": edge.formula, "rulen": edge.formula_numeric,
            "uses": [] if elementwise else _uses(edge),
            "before": self._array(arrival.before), "added": self._array(arrival.added),
            "after": self._array(arrival.after),
        }  # fmt: skip

    def _array(self, x: Any) -> int | None:
        """The place of an array in the list; None for None."""
        if x is None:
            return None
        found = _array(x)
        key = json.dumps(found)
        if key not in self.known:
            self.known[key] = len(self.arrays)
            self.arrays.append(found)
        return self.known[key]


def _hooked(vertex: Vertex) -> bool:
    node = vertex.node
    return node is not None and node.extras is not None and bool(node.extras.hooks)


def _uses(edge: Edge) -> list[int]:
    """The values that are named in what an edge passes on."""
    around = [e.source for e in edge.target.operands] + [edge.target]
    text = edge.formula or ""
    return [
        v.number
        for v in dict.fromkeys(around)
        if re.search(rf"(?<![\w/.]){re.escape(v.label)}(?![\w\[])", text)
    ]


def _array(x: Any) -> dict[str, Any]:
    """An array as data: shape, text, and entries; of a large one those of some rows and columns."""
    if type(x) is Several:
        return {"s": [], "t": numbers(x)}
    x = np.asarray(x)
    if not x.ndim:
        return {"s": [], "t": number(x[()]), "d": [_exact(x[()])]}
    found: dict[str, Any] = {"s": list(x.shape), "t": numbers(x)}
    if not x.size:
        return found
    table = x.reshape(-1, x.shape[-1])
    rows, columns = (np.arange(n) for n in table.shape)
    if x.size > _ENTRIES:
        rows, columns = (_some(n) for n in table.shape)
        high, wide = table.shape
        found["p"] = f"shown: {len(rows)} of {high} rows, {len(columns)} of {wide} columns"
    entries = table[np.ix_(rows, columns)].ravel()
    found["d"] = [_exact(entry) for entry in entries]
    if x.dtype.kind == "c":
        found["m"] = [_exact(abs(entry)) for entry in entries]
    if len(entries) <= 36:
        found["w"] = [number(entry) for entry in entries]
    found.update(r=len(rows), c=len(columns), j=columns.tolist())
    found["i"] = [", ".join(map(str, _index(int(r), x.shape[:-1]))) for r in rows]
    return found


def _some(n: int) -> Any:
    return np.unique(np.linspace(0, n - 1, min(n, _ROWS)).round().astype(int))


def _index(row: int, shape: tuple[int, ...]) -> list[int]:
    return [int(i) for i in np.unravel_index(row, shape)] if shape else []


def _exact(x: Any) -> Any:
    """A number for the page, to seven digits; as text where JSON has none."""
    x = np.asarray(x)
    if x.dtype.kind == "b":
        return int(x)
    if x.dtype.kind in "iu":
        return int(x) if abs(int(x)) < 2**53 else str(int(x))
    if x.dtype.kind == "f" and np.isfinite(x):
        return float(f"{float(x) + 0.0:.7g}")
    return number(x[()])
