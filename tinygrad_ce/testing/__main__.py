"""`python -m tinygrad_ce.testing mymodule:my_op ...`: audits operations, for the shell and for CI.

The exit code is 0 where all checks of all operations hold, 1 where one fails, 2 where an operation
cannot be found or called.
"""

import argparse
import importlib
import os
import sys
from dataclasses import replace
from functools import reduce
from typing import Any

from tinygrad_ce.errors import Error
from tinygrad_ce.testing.audit import audit


def named(text: str) -> tuple[str, Any]:
    """What `module:name` or `module:name.name` stands for, after the text itself."""
    module, _, path = text.partition(":")
    if not module or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form module:name")
    try:
        return text, reduce(getattr, path.split("."), importlib.import_module(module))
    except Exception as error:  # a module may raise any
        why = f"{type(error).__name__}: {error}"
        raise argparse.ArgumentTypeError(f"{text!r} cannot be had: {why}") from None


def examples(text: str) -> list[Any]:
    """The examples that `module:name` stands for."""
    _, found = named(text)
    if not isinstance(found, list | tuple):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of tuples, but {found!r:.60}")
    return [*found]


def seed(text: str) -> int:
    """A number that a generator can start from."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def main() -> int:
    """Audit what the command line names."""
    sys.path.insert(0, os.getcwd())
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_ce.testing",
        description="Audit operations with gradient rules: derivatives, shapes, dtypes, memory.",
    )
    parser.add_argument("ops", nargs="+", type=named, metavar="module:op")
    parser.add_argument("--seed", type=seed, default=0, help="of the numbers that are drawn")
    parser.add_argument(
        "--examples", type=examples, default=[], metavar="module:name",
        help="a list of tuples of arguments to call each operation with",
    )  # fmt: skip
    chosen = parser.parse_args()
    try:
        reports = [
            replace(audit(op, *chosen.examples, seed=chosen.seed), name=text)
            for text, op in chosen.ops
        ]
    except Error as error:
        parser.error(str(error))
    print("\n\n".join(map(str, reports)))
    return 0 if all(reports) else 1


if __name__ == "__main__":
    sys.exit(main())
