"""A course by doing: take one rule of the working engine away, and write it yourself.

    python -m tinygrad_ce.course list
    python -m tinygrad_ce.course start softmax    # writes exercise_softmax.py
    python -m tinygrad_ce.course check softmax    # right? If not: where, how, and a hint
    python -m tinygrad_ce.course hint softmax
    python -m tinygrad_ce.course solution softmax

There is no stub of an engine: `check` puts your rule into the table of the engine itself, in its
own process, and asks the engine for gradients. Inputs are drawn by Hypothesis (`pip install
"tinygrad_ce[testing]"`). Lessons to read and run are in `examples/course/`.
"""

from tinygrad_ce.course.checking import Verdict, check
from tinygrad_ce.course.exercise import Exercise, Mistake, solution, written
from tinygrad_ce.course.exercises import EXERCISES

__all__ = ["EXERCISES", "Exercise", "Mistake", "Verdict", "check", "solution", "written"]
