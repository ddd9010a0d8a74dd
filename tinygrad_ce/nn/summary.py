"""Summary: a table of a model's layers, what they return, and how many parameters they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.mode import no_grad
from tinygrad_ce.record import Record
from tinygrad_ce.trees import leaves, map_tree

__all__ = ["Row", "Summary", "summary"]


class Row(Record):
    """A module.

    Attributes:
        name: where it is in the model, "layers.0"; "" for the model itself.
        layer: its class.
        shape: of what it returned, or shapes, as text; "" where it was not called.
        parameters: how many numbers its own parameters have, not counted above already.
    """

    name: str
    layer: str
    shape: str
    parameters: int


class Summary(Record):
    """What `summary` returns; its text is a table.

    Attributes:
        rows: the modules from above to below.
        parameters: how many numbers all parameters have.
        trainable: how many of them require a gradient.
        size: of parameters and buffers, in bytes.
    """

    rows: list[Row]
    parameters: int
    trainable: int
    size: int

    def __str__(self) -> str:
        cells = [("", "layer", "output", "parameters")]
        for row in self.rows:
            indent = "  " * (row.name.count(".") + bool(row.name))
            count = f"{row.parameters:,}" if row.parameters else ""
            cells.append((indent + row.name.rpartition(".")[2], row.layer, row.shape, count))
        kept = [i for i in range(4) if any(cell[i] for cell in cells[1:])]
        widths = {i: max(len(cell[i]) for cell in cells) for i in kept}
        lines = [
            "  ".join(c[i].rjust(widths[i]) if i == 3 else c[i].ljust(widths[i]) for i in kept)
            for c in cells
        ]
        trained = "" if self.trainable == self.parameters else f", {self.trainable:,} trainable"
        total = f"{self.parameters:,} parameters{trained}, {self.size / 1024:,.1f} KiB"
        return "\n".join([*(line.rstrip() for line in lines), total])

    __repr__ = __str__


def summary(model: Any, *inputs: Any) -> Summary:
    """The layers of a model with their shapes and counts.

    Args:
        model: a module; it is not changed.
        inputs: what it is called with, in eval mode, to see the shapes; without them there are
            none.

    >>> from tinygrad_ce import nn
    >>> model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
    >>> summary(model, np.zeros((5, 2), np.float32))
         layer       output   parameters
         Sequential  (5, 3)
      0  Linear      (5, 16)          48
      1  ReLU        (5, 16)
      2  Linear      (5, 3)           51
    99 parameters, 0.4 KiB
    """
    shapes = _shapes(model, inputs) if inputs else {}
    seen: set[int] = set()
    rows = []
    for name, module in model.named_modules():
        own = [x for k in module._parameters if (x := getattr(module, k)) is not None]
        fresh = {id(x): x for x in own if id(x) not in seen}
        seen |= fresh.keys()
        count = sum(int(np.size(_plain(x))) for x in fresh.values())
        rows.append(Row(name, type(module).__name__, shapes.get(name, ""), count))
    parameters = list(model.parameters())
    trained = [x for x in parameters if getattr(x, "requires_grad", True)]
    arrays = [_plain(x) for x in (*parameters, *model.buffers())]
    return Summary(
        rows,
        sum(int(np.size(_plain(x))) for x in parameters),
        sum(int(np.size(_plain(x))) for x in trained),
        sum(int(np.asarray(x).nbytes) for x in arrays),
    )


def _shapes(model: Any, inputs: tuple[Any, ...]) -> dict[str, str]:
    """The shapes that the modules of a copy return, by name."""
    copy = map_tree(lambda x: x, model).eval()
    found: dict[str, str] = {}
    for name, module in copy.named_modules():
        vars(module)["forward"] = _noting(module.forward, name, found)
    with no_grad():
        copy(*inputs)
    return found


def _noting(forward: Callable[..., Any], name: str, found: dict[str, str]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        y = forward(*args, **kwargs)
        found[name] = ", ".join(str(np.shape(_plain(x))) for x in leaves(y))
        return y

    return noting


def _plain(x: Any) -> Any:
    return getattr(x, "value", x)
