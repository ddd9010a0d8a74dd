"""Every error of the package: catch `Error` for all of them, or the built-in you expect.

A message has three parts: what was found, what holds, what to do.
"""

__all__ = [
    "DTypeError",
    "Error",
    "GradientError",
    "LossWarning",
    "MissingError",
    "OptionError",
    "OptionKeyError",
    "OptionTypeError",
    "ShapeError",
    "TargetError",
    "TraceError",
    "TraceWarning",
    "UnsupportedError",
]


class Error(Exception):
    """The base of all errors raised here, built from the three parts of its message.

    >>> raise Error("f returned shape (3,)", "grad needs a scalar", "use jacobian")
    Traceback (most recent call last):
    tinygrad_ce.errors.Error: f returned shape (3,). grad needs a scalar. use jacobian.
    """

    def __init__(self, found: str, holds: str, remedy: str) -> None:
        super().__init__(found, holds, remedy)

    def __str__(self) -> str:
        return " ".join(f"{part}." for part in self.args)


class GradientError(Error, RuntimeError):
    """A backward pass was asked for that cannot be had."""


class OptionError(Error, ValueError):
    """An option is not what it can be."""


class OptionTypeError(OptionError, TypeError):
    """An option is of another type than it can be."""


class OptionKeyError(OptionError, KeyError):
    """An option names what is not there."""


class ShapeError(Error, ValueError):
    """Arrays whose shapes do not fit one another."""


class TargetError(Error, ValueError):
    """A loss was handed outputs or targets that are not what it is a loss of."""


class DTypeError(Error, TypeError):
    """A dtype that cannot carry gradients."""


class UnsupportedError(Error, TypeError):
    """A function, argument or conversion through which no gradient would flow."""


class TraceError(Error, TypeError):
    """A function to be compiled did what cannot be written down as a program."""


class MissingError(Error, ImportError):
    """A library that one of the extras brings is not installed."""


class LossWarning(UserWarning):
    """A loss was handed values that look like a mistake but may be meant."""


class TraceWarning(UserWarning):
    """A compiled function holds something still that may have been meant to vary."""
