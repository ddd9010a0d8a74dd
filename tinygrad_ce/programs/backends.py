"""Where programs run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_ce.programs.lower import lower
from tinygrad_ce.programs.plan import planned
from tinygrad_ce.programs.program import Program
from tinygrad_ce.programs.tiles import tiled


def executing(backend: str) -> Callable[[Program], Callable[..., Any]]:
    return lambda program: planned(tiled(lower(program)))
