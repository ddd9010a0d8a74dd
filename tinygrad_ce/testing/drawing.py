"""Hypothesis, or an error that names the extra that brings it."""

from tinygrad_ce.testing.exact import MissingError

try:
    import hypothesis
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ModuleNotFoundError as error:
    raise MissingError(
        "Hypothesis is not installed",
        "it is what draws the inputs of property-based tests",
        'pip install "tinygrad_ce[testing]"',
    ) from error

__all__ = ["SearchStrategy", "hypothesis", "st"]
