"""History: what `fit` measured after each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tinygrad_ce.optional import Library

__all__ = ["History"]

_pyplot = Library("matplotlib.pyplot", "matplotlib", "it draws the curves", "pictures")


class History(Mapping[str, list[float]]):
    """Measures by name, each a list with an entry for every epoch: `history["val_loss"][-1]`.

    Attributes:
        best: the epoch, counted from 0, whose weights the model has; None: the last.
        ended: why training ended: "epochs", "patience", "interrupted" or "stopped".
        seconds: how long each epoch took.

    >>> history = History()
    >>> history.add({"loss": 0.5}, 0.1)
    >>> history["loss"]
    [0.5]
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {}
        self.seconds: list[float] = []
        self.best: int | None = None
        self.ended = "epochs"

    def add(self, entry: Mapping[str, float], seconds: float) -> None:
        """Take in the measures of an epoch."""
        for name, value in entry.items():
            self._columns.setdefault(name, []).append(value)
        self.seconds.append(seconds)

    @property
    def epochs(self) -> int:
        """How many epochs are over."""
        return len(self.seconds)

    def __getitem__(self, name: str) -> list[float]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def plot(self, ax: Any = None) -> Any:
        """Draw all measures over the epochs.

        Args:
            ax: axes of matplotlib's; new ones by default.

        Raises:
            MissingError: matplotlib is not installed.
        """
        ax = ax or _pyplot.subplots()[1]
        for name, values in self.items():
            ax.plot(range(1, len(values) + 1), values, label=name)
        ax.set_xlabel("epoch")
        ax.legend()
        return ax

    def __repr__(self) -> str:
        at = self.epochs - 1 if self.best is None else self.best
        which = "last" if self.best is None else "best"
        measures = ", ".join(f"{name} {values[at]:.4g}" for name, values in self.items())
        chosen = f", {which} {at + 1}: {measures}" if self.epochs else ""
        return f"<History: {self.epochs} epochs{chosen}>"
