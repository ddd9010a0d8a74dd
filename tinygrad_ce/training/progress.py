"""What `fit` shows while it runs: a bar where tqdm is installed, else a line for each epoch."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["Progress", "is_watched"]


def is_watched() -> bool:
    """Whether someone looks on: in a terminal or a notebook, not in CI, nor in a pipe."""
    if os.environ.get("CI"):
        return False
    return "ipykernel" in sys.modules or sys.stderr.isatty()


class Progress:
    """What is shown, on standard error.

    Args:
        shown: whether anything is; None where someone looks on.
        done: how many epochs are over.
        epochs: how many there will be.
        batches: how many an epoch has, if that is known.
    """

    def __init__(self, shown: bool | None, done: int, epochs: int, batches: int | None) -> None:
        self.shown = is_watched() if shown is None else shown
        self.done, self.epochs = done, epochs
        self.bar: Any = None
        if self.shown and is_watched():
            total = None if batches is None else batches * epochs
            self.bar = _bar(total, done * (batches or 0))

    def batch(self) -> None:
        """A batch is over."""
        if self.bar is not None:
            self.bar.update()

    def epoch(self, entry: Mapping[str, float], seconds: float) -> None:
        """An epoch is over."""
        self.done += 1
        if not self.shown:
            return
        measures = "  ".join(f"{name} {value:.4g}" for name, value in entry.items())
        if self.bar is not None:
            self.bar.set_description_str(f"epoch {self.done}/{self.epochs}", refresh=False)
            self.bar.set_postfix_str(measures)
        else:
            self.say(f"epoch {self.done}/{self.epochs}  {measures}  {seconds:.2g} s")

    def say(self, text: str) -> None:
        """Show a line."""
        if self.bar is not None:
            self.bar.write(text, file=sys.stderr)
        elif self.shown:
            print(text, file=sys.stderr, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


def _bar(total: int | None, done: int) -> Any:
    try:
        tqdm = importlib.import_module("tqdm").tqdm
    except ImportError:
        return None
    return tqdm(total=total, initial=done, unit="batch")
