"""Programs' sources, run in a fresh interpreter that has NumPy and nothing of ours."""

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["results"]

_RUNNER = """
import pickle, sys, warnings
sys.modules["tinygrad_ce"] = None  # what imports it fails
import numpy as np
warnings.simplefilter("ignore")
with open(sys.argv[1], "rb") as file:
    programs = pickle.load(file)
found = []
for source, name, arguments in programs:
    scope = {"__name__": "program"}
    with np.errstate(all="ignore"):
        try:
            exec(source, scope)
            found.append(scope[name](*arguments))
        except Exception as error:
            found.append(repr(error))
with open(sys.argv[2], "wb") as file:
    pickle.dump(found, file)
"""


def results(compiled: list[tuple[Any, Any]], folder: Path) -> list[Any]:
    """What the sources of compiled functions return in an interpreter of its own, as flat lists.

    Args:
        compiled: (what was compiled and called, its arguments).
        folder: where the programs are written to.
    """
    programs = [(c.source, _function(c.source), xs) for c, xs in compiled]
    given, made = folder / "programs", folder / "results"
    given.write_bytes(pickle.dumps(programs))
    command = [sys.executable, "-I", "-c", _RUNNER, str(given), str(made)]
    subprocess.run(command, check=True, cwd=folder, timeout=300)
    found = pickle.loads(made.read_bytes())
    for (source, *_), each in zip(programs, found, strict=True):
        assert not isinstance(each, str), f"{each}\n{source}"
    return [list(each) if isinstance(each, tuple) else [each] for each in found]


def _function(source: str) -> str:
    """The name of the last function that a source defines."""
    line = [line for line in source.splitlines() if line.startswith("def ")][-1]
    return line.removeprefix("def ").partition("(")[0]
