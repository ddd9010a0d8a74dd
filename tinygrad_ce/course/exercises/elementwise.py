"""Elementwise functions: g times the slope, entry by entry."""

from __future__ import annotations

import numpy as np

from tinygrad_ce.course.exercise import Corner, Exercise, Mistake
from tinygrad_ce.course.exercises.words import OVERFLOW
from tinygrad_ce.course.inputs import compared, factors
from tinygrad_ce.course.naming import LOCAL
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.testing.drawing import st
from tinygrad_ce.testing.strategies import arrays, positive

__all__ = ["LISTED"]

LISTED = (
    Exercise(
        "mul", np.multiply, "a, b", "y = a * b",
        given=lambda: factors(),
        hints=(
            "Move a by a little: y moves by that little times something.",
            "dy/da = b. The chain rule: dE/da = dE/dy dy/da.",
        ),
        mistakes=(
            Mistake("g * a", "That is the gradient by b. By a the other factor stays."),
            Mistake("b + 0 * g", LOCAL),
            Mistake("g + b", "The chain rule multiplies g and the local derivative."),
            Mistake("np.sum(g * b)", "Each entry of a has a gradient of its own: no sum is taken."),
            Mistake("g * a * b", "y is a times b; by a it has the derivative b."),
        ),
        answer="g * b",
        corners=(
            Corner(
                (np.array([0.0]), np.array([2.0])),
                "y / a is b only where a is not 0; there it is nan. b is at hand.",
            ),
        ),
    ),
    Exercise(
        "div", np.divide, "a, b", "y = a / b", operand=1,
        given=lambda: st.integers(1, 3).flatmap(lambda n: st.tuples(arrays(n), positive(n))),
        hints=(
            "Write a / b as a * b**-1 and differentiate by b.",
            "dy/db = -a / b**2. With y at hand that is -y / b.",
        ),
        mistakes=(
            Mistake("g * y / b", "The sign: y falls where b grows."),
            Mistake("g / b", "That is the gradient by a."),
            Mistake("-g * a / b", "One b is missing: (b**-1)' = -b**-2."),
            Mistake("-g / b**2", "The a is missing: it stands above, as a factor."),
        ),
        answer="-g * y / b",
    ),
    Exercise(
        "exp", np.exp, "x", "y = exp(x)",
        given=lambda: arrays(),
        hints=(
            "Which function is its own derivative?",
            "dy/dx = exp(x), and that number is here already: y.",
        ),
        mistakes=(
            Mistake("g * x * np.exp(x - 1)", "That is the rule of powers, x**n; x is above here."),
            Mistake("g * np.exp(y)", "y is exp(x) already; its derivative is y itself."),
            Mistake("y + 0 * g", LOCAL),
            Mistake("g * x", "exp is not linear: its slope is not x."),
        ),
        answer="g * y",
    ),
    Exercise(
        "log", np.log, "x", "y = log(x)",
        given=lambda: positive(),
        hints=(
            "Invert: x = exp(y), so dx/dy = x.",
            "dy/dx = 1 / x. This is where the -t / y of the cross-entropy comes from.",
        ),
        mistakes=(
            Mistake("g / y", "Divide by what went in, x; y is its logarithm."),
            Mistake("1 / x + 0 * g", LOCAL),
            Mistake("g * x", "That is dx/dy, the derivative of the inverse."),
            Mistake("g / (x + 1e-7)", "An epsilon makes it another function; none is needed."),
        ),
        answer="g / x",
        corners=(
            Corner(
                (np.array([1e-30]),),
                "The slope is 1 / x there, however large: nothing is clipped, nothing added to x.",
            ),
        ),
    ),
    Exercise(
        "tanh", np.tanh, "x", "y = tanh(x)",
        given=lambda: arrays(),
        hints=(
            "tanh = sinh / cosh: the rule of quotients, and cosh**2 - sinh**2 = 1.",
            "dy/dx = 1 - tanh(x)**2, and tanh(x) is y.",
        ),
        mistakes=(
            Mistake("g * (1 - x * x)", "Square what came out, y, instead of x."),
            Mistake("g * y * (1 - y)", "That is sigmoid's derivative."),
            Mistake("g * (1 - y)", "The square is missing: 1 - y**2."),
            Mistake("g * (1 - y) ** 2", "1 - y**2, not (1 - y)**2."),
        ),
        answer="g * (1 - y**2)",
        corners=(Corner((np.array([800.0, -800.0]),), OVERFLOW),),
    ),
    Exercise(
        "sigmoid", sigmoid, "z", "y = 1 / (1 + exp(-z))",
        given=lambda: arrays(),
        hints=(
            "Differentiate (1 + exp(-z))**-1, then write exp(-z) by y.",
            "dy/dz = y (1 - y). It is 1/4 at most, and near 0 where y is near 0 or 1: saturated.",
        ),
        mistakes=(
            Mistake("g * z * (1 - z)", "The formula is in y, the result, not in z."),
            Mistake("g * (1 - y * y)", "That is tanh's derivative."),
            Mistake("-g * y * (1 - y)", "The sign: two minus signs meet, of -z and of the power."),
            Mistake("y * (1 - y) + 0 * g", LOCAL),
            Mistake("g * y", "Half of it: y (1 - y), the factor 1 - y is missing."),
            Mistake("g * (1 - y)", "Half of it: y (1 - y), the factor y is missing."),
        ),
        answer="g * y * (1 - y)",
        corners=(Corner((np.array([800.0, -800.0]),), OVERFLOW),),
    ),
    Exercise(
        "relu", np.maximum, "a, b", "y = maximum(a, b)",
        given=lambda: compared(),
        hints=(
            "Which of the two came out? Only that one moves y. relu(x) is maximum(x, 0).",
            "dy/da is 1 where a > b and 0 elsewhere.",
        ),
        mistakes=(
            Mistake("g * (y > 0) * a", "The derivative of a by itself is 1: a mask, no factor a."),
            Mistake("g * 1.0", "Where b came out, a has no say: 0 there."),
            Mistake("g * (a < b)", "The mask is turned round."),
            Mistake("g * (a > 0)", "That is right for b = 0 only: compare a with b."),
            Mistake("g * (y > 0)", "That is right for b = 0 only: compare a with b."),
            Mistake("g * a", "The derivative of a by itself is 1: a mask, no factor a."),
            Mistake("(a > b) * 1.0", LOCAL),
            Mistake("np.maximum(g, b)", "The mask is a's, of the forward pass: g may be below b."),
            Mistake("g * (a > b) * (g > 0)", "g has a say as a factor only, whatever its sign."),
        ),
        answer="g * (a > b)",
    ),
)  # fmt: skip
