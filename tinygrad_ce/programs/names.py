"""Names in emitted source: plain identifiers, whatever the user calls things."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from tinygrad_ce.programs.program import Value

__all__ = ["Names"]

_LONG = 40  # characters; what is longer is cut
_RESERVED = {*keyword.kwlist, *keyword.softkwlist, "np"}


class Names:
    """Names that no two things have, and that mean nothing else where they stand.

    >>> names = Names(["softmax"])
    >>> names.free("softmax"), names.free("import os"), names.free("lambda"), names.free("h")
    ('softmax2', 'import_os', 'x_lambda', 'h')
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {*_RESERVED, *dir(builtins), "base64", *taken}
        self.known: dict[Value, str] = {}

    def of(self, value: Value) -> str:
        """A Value's name: the user's, or `d` before that of what it is the gradient of."""
        if value not in self.known:
            if value.name:
                wanted = value.name
            elif value.of is not None and value.of.name:
                wanted = f"d{value.of.name}"
            else:
                wanted = "v1"
            self.known[value] = self.free(wanted)
        return self.known[value]

    def free(self, wanted: str) -> str:
        """The name, or the next one that is free: h, h2, h3."""
        name = re.sub(r"\W", "_", wanted[:_LONG], flags=re.ASCII)
        if not name or name[0].isdigit() or name.startswith("__") or name in _RESERVED:
            name = f"x_{name.lstrip('_')}"
        stem = name.rstrip("0123456789")
        number = int(name[len(stem) :] or 1)
        while name in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken.add(name)
        return name
