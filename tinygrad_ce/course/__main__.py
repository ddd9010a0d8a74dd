"""`python -m tinygrad_ce.course`: list, start, check, hint and solution of the exercises."""

import argparse
import io
import os
import runpy
import shlex
import sys
import tempfile
import traceback
from inspect import signature
from pathlib import Path
from typing import Any

from tinygrad_ce.course.checking import check
from tinygrad_ce.course.exercise import Exercise, solution, written
from tinygrad_ce.course.exercises import EXERCISES
from tinygrad_ce.errors import Error


def listed() -> str:
    """Every exercise, easiest first."""
    width = max(map(len, EXERCISES))
    lines = [f"{e.name:{width}}  {e.formula}, by {e.by}" for e in EXERCISES.values()]
    return "\n".join([*lines, "", "Next: python -m tinygrad_ce.course start mul"])


def started(exercise: Exercise, folder: Path) -> str:
    """Write the learner's file; one that is there is left alone."""
    path = file_of(exercise, folder)
    if path.exists():
        raise Error(
            f"{path} is there already",
            "start never writes over your work",
            "go on with it, or move it away to begin anew",
        )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(written(exercise), encoding="utf-8")
    return f"{path} is yours: write the rule, then\n  {_again('check', exercise, folder)}"


def checked(exercise: Exercise, folder: Path) -> tuple[bool, str]:
    """Whether the rule in the learner's file is right, and what to say about it."""
    verdict = check(exercise, rule_in(file_of(exercise, folder), exercise))
    if verdict:
        rest = [*EXERCISES][[*EXERCISES].index(exercise.name) + 1 :]
        after = (
            f"next: python -m tinygrad_ce.course start {rest[0]}"
            if rest
            else "That was the last one."
        )
    else:
        after = f"more: {_again('hint', exercise, folder)}"
    return bool(verdict), f"{verdict}\n{after}"


def hint(exercise: Exercise, number: int) -> str:
    """One of the hints, and how to get the next."""
    hints = exercise.hints
    number = min(max(number, 1), len(hints))
    name, count = exercise.name, len(hints)
    more = f"hint {name} {number + 1}" if number < count else f"solution {name}"
    return f"{number} of {count}: {hints[number - 1]}\nmore: python -m tinygrad_ce.course {more}"


def file_of(exercise: Exercise, folder: Path) -> Path:
    return folder / f"exercise_{exercise.name}.py"


def rule_in(path: Path, exercise: Exercise) -> Any:
    """The learner's rule, as the file at hand defines it."""
    if not path.exists():
        raise Error(
            f"{path} is not there",
            "check reads the rule from the file that start wrote",
            f"run python -m tinygrad_ce.course start {exercise.name}, or name its --folder",
        )
    try:
        rule = runpy.run_path(str(path)).get("rule")
    except (Exception, SystemExit) as error:
        raise Error(
            f"{path} cannot be run{_line(error, path)}, {type(error).__name__}: {error}",
            "the file is plain Python",
            "mend that line",
        ) from error
    wanted = ["g", "y", *exercise.names]
    found = _arguments(rule)
    if found != wanted:
        raise Error(
            f"rule takes ({', '.join(found)})" if found is not None else f"{path} defines no rule",
            f"the engine calls rule({', '.join(wanted)})",
            "write def rule(...) with these arguments",
        )
    return rule


def _line(error: BaseException, path: Path) -> str:
    """The line of the file that an error comes from; a SyntaxError names it itself."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""


def _arguments(rule: Any) -> list[str] | None:
    """The names of a rule's arguments; None where it has none that are known."""
    try:
        return [*signature(rule).parameters]
    except (TypeError, ValueError):
        return None


def _again(command: str, exercise: Exercise, folder: Path) -> str:
    there = f" --folder {shlex.quote(str(folder))}"
    there = "" if folder == Path() or command == "hint" else there
    return f"python -m tinygrad_ce.course {command} {exercise.name}{there}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_ce.course",
        description="Blank out one rule of the working engine, and write it yourself.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="all exercises, easiest first")
    texts = {
        "start": "write the file to work in",
        "check": "is your rule right?",
        "hint": "a hint, or the hint of that number",
        "solution": "the library's own rule",
    }
    for command, text in texts.items():
        one = commands.add_parser(command, help=text)
        one.add_argument("name", choices=[*EXERCISES], metavar="name")
        if command in ("start", "check"):
            one.add_argument("--folder", type=Path, default=Path(), help="where your file lies")
        if command == "hint":
            one.add_argument("number", type=int, nargs="?", default=1)
    return parser


def main(words: list[str] | None = None) -> int:
    """Do what the command line says; 0 where all is well, 1 where a rule is not right yet.

    It ends with 2 where it cannot be done: no file, no rule in it, no such exercise.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may know ASCII alone
    parser = _parser()
    chosen = parser.parse_args(words)
    right = True
    try:
        if chosen.command == "list":
            text = listed()
        else:
            exercise = EXERCISES[chosen.name]
            if chosen.command == "start":
                text = started(exercise, chosen.folder)
            elif chosen.command == "check":
                right, text = checked(exercise, chosen.folder)
            elif chosen.command == "hint":
                text = hint(exercise, chosen.number)
            else:
                text = solution(exercise)
    except Error as error:
        parser.exit(2, f"{error}\n")
    print(text)
    return 0 if right else 1


if __name__ == "__main__":
    # Hypothesis keeps a few files between runs, which shall not lie among the learner's.
    kept = os.path.join(tempfile.gettempdir(), "tinygrad_ce_course")
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", kept)
    sys.exit(main())
