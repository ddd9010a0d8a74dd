"""Optional libraries: imported when used, or an error that names the extra they come in."""

from __future__ import annotations

import importlib
from typing import Any

from tinygrad_ce.errors import MissingError

__all__ = ["Library"]


class Library:
    """A module that is imported at the first use of one of its names."""

    def __init__(self, module: str, title: str, purpose: str, extra: str) -> None:
        self._module = module
        self._missing = (
            f"{title} is not installed", purpose, f'pip install "tinygrad_ce[{extra}]"'
        )  # fmt: skip

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # what doctest asks of everything
            raise AttributeError(name)
        try:
            return getattr(importlib.import_module(self._module), name)
        except ModuleNotFoundError as error:
            raise MissingError(*self._missing) from error
