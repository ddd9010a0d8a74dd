"""`python -m tinygrad_ce.testing mymodule:my_op ...`: audits operations, for the shell and for CI.

The exit code is 0 where all checks of all operations hold, 1 where one fails, 2 where an operation
cannot be found or called.
"""

import argparse
import importlib
import os
import sys
from functools import reduce
from typing import Any

from tinygrad_ce.errors import Error
from tinygrad_ce.testing.audit import audit


def named(text: str) -> Any:
    """What `module:name` or `module:name.name` stands for."""
    module, colon, path = text.partition(":")
    if not colon or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form module:name")
    try:
        return reduce(getattr, path.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} cannot be found: {error}") from None


def main() -> int:
    """Audit what the command line names."""
    sys.path.insert(0, os.getcwd())
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_ce.testing",
        description="Audit operations with gradient rules: derivatives, shapes, dtypes, memory.",
    )
    parser.add_argument("ops", nargs="+", type=named, metavar="module:op")
    parser.add_argument("--seed", type=int, default=0, help="of the numbers that are drawn")
    parser.add_argument(
        "--examples", type=named, metavar="module:name",
        help="a list of tuples of arguments to call each operation with",
    )  # fmt: skip
    chosen = parser.parse_args()
    try:
        reports = [audit(op, *(chosen.examples or ()), seed=chosen.seed) for op in chosen.ops]
    except Error as error:
        parser.error(str(error))
    print("\n\n".join(map(str, reports)))
    return 0 if all(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
