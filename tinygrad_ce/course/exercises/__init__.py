"""The exercises, easiest first: rules of the engine's own table, with hints and known mistakes."""

from tinygrad_ce.course.exercise import Exercise
from tinygrad_ce.course.exercises import axes, classes, elementwise, linear, windows

__all__ = ["EXERCISES"]

_FILES = (elementwise, axes, linear, classes, windows)

EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise for file in _FILES for exercise in file.LISTED
}
