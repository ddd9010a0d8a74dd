"""Softmax and its kin, and the normalisation of layers: entries that share a sum."""

from __future__ import annotations

import numpy as np

from tinygrad_ce.course.exercise import Corner, Exercise, Mistake, Only
from tinygrad_ce.course.exercises.words import OVERFLOW, SQUEEZED
from tinygrad_ce.course.inputs import classified, rows, with_axis
from tinygrad_ce.course.naming import LOCAL
from tinygrad_ce.course.whole import layer_norm, softmax_cross_entropy
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax

__all__ = ["LISTED"]

AXES = (
    Only(
        lambda z, axis: axis == -1,
        "It is right along the last axis, and only there: the axis is an argument.",
    ),
    Only(
        lambda z, axis: axis == -2,
        "It is right along axis -2, and only there: the axis is an argument.",
    ),
    Only(
        lambda z, axis: len(z) == 1 and axis == -1,
        "It is right for a single row, and only there: each row is its own softmax.",
    ),
)
ROW = (
    Only(
        lambda z, *t: len(z) == 1,
        "It is right for a single row, and only there: each row stands for itself.",
    ),
)

LISTED = (
    Exercise(
        "softmax", softmax, "z, axis=-1", "y = softmax(z, axis)",
        given=lambda: with_axis(rows(2)),
        only=AXES,
        hints=(
            "Each z moves every y, as they share a sum: the derivative is a Jacobian, a matrix.",
            "dy_i/dz_j = y_i ([i = j] - y_j). Multiply by g_i and sum over i.",
            "y * (g - sum of g * y along the axis, with keepdims=True).",
        ),
        mistakes=(
            Mistake("g * y * (1 - y)", "That is the diagonal of the Jacobian alone: sigmoid's."),
            Mistake("y * (g - np.sum(g * y))", "Sum along the axis: each row is its own softmax."),
            Mistake(
                "g - y * np.sum(g, axis=axis, keepdims=True)", "That is log_softmax's rule.",
            ),
            Mistake(
                "y * (g + np.sum(g * y, axis=axis, keepdims=True))",
                "The sign: what one y gains, the others lose.",
            ),
            Mistake(
                "y * (g - np.sum(g * y, axis=-1, keepdims=True))",
                "The axis is an argument; it is not always the last one.",
            ),
            Mistake(
                "y * (g - np.sum(g * y, axis=axis))",
                "The sum has lost its axis, and NumPy aligned it with another: keepdims=True.",
            ),
            Mistake(
                "y * (g - np.sum(g, axis=axis, keepdims=True))",
                "In the sum each g_i is weighed with its y_i.",
            ),
            Mistake(
                "y * (g - np.mean(g * y, axis=axis, keepdims=True))",
                "A sum: the y are the weights already, and sum to 1.",
            ),
            Mistake("g * y", "That is exp's rule: the sum that all y are divided by moves, too."),
            Mistake("y * (1 - y) + 0 * g", "The diagonal of the Jacobian alone, without g."),
        ),
        answer="y * (g - np.sum(g * y, axis=axis, keepdims=True))",
        corners=(Corner((np.array([1000.0, 0.0]), -1), OVERFLOW),),
    ),
    Exercise(
        "logsumexp", logsumexp, "z, axis=-1", "y = log(sum(exp(z), axis))",
        given=lambda: with_axis(rows(2)),
        only=AXES,
        hints=(
            "The chain rule: 1 / sum, times exp(z). Have you seen this quotient?",
            "It is softmax(z, axis), times g with its axis put back.",
        ),
        mistakes=(
            Mistake(
                "np.expand_dims(g, axis) * np.exp(z)", "Divide by the sum: log's derivative.",
            ),
            Mistake("tg.softmax(z, axis)", LOCAL),
            Mistake("g * tg.softmax(z, axis)", SQUEEZED),
            Mistake(
                "np.expand_dims(g, axis) * tg.softmax(z)",
                "The axis is an argument; it is not always the last one.",
            ),
            Mistake("g * np.exp(z - y)", SQUEEZED.replace("np.", "likewise for y. np.")),
        ),
        answer="np.expand_dims(g, axis) * tg.softmax(z, axis)",
        corners=(
            Corner(
                (np.array([1000.0, 0.0]), -1),
                "exp overflows there, and inf / inf is nan. tg.softmax subtracts the maximum; or "
                "subtract y before exp.",
            ),
        ),
    ),
    Exercise(
        "log_softmax", log_softmax, "z, axis=-1", "y = log(softmax(z, axis))",
        given=lambda: with_axis(rows(2)),
        only=AXES,
        hints=(
            "y = z - logsumexp(z). The first term sends g, the second you know.",
            "g - softmax(z) * sum of g along the axis; softmax(z) is exp(y).",
        ),
        mistakes=(
            Mistake(
                "g - y * np.sum(g, axis=axis, keepdims=True)",
                "y is the logarithm here; softmax is np.exp(y).",
            ),
            Mistake("g - np.exp(y) * g", "The sum over g is missing: every y has the same sum."),
            Mistake("g / np.exp(y)", "That is log's rule alone: softmax's comes after it."),
            Mistake("g - np.exp(y)", "That holds where g sums to 1; sum g along the axis."),
            Mistake(
                "g - np.exp(y) * np.sum(g)", "Sum along the axis: each row is its own softmax.",
            ),
            Mistake(
                "g - np.exp(y) * np.sum(g, axis=axis)",
                "The sum has lost its axis, and NumPy aligned it with another: keepdims=True.",
            ),
            Mistake(
                "g - np.exp(y) * np.sum(g, axis=-1, keepdims=True)",
                "The axis is an argument; it is not always the last one.",
            ),
            Mistake(
                "g + np.exp(y) * np.sum(g, axis=axis, keepdims=True)",
                "The sign: what one gains, the others lose.",
            ),
        ),
        answer="g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)",
        corners=(
            Corner(
                (np.array([1000.0, 0.0]), -1),
                "exp(1000) overflows, and 0 is divided by nothing good: exp(y) is the softmax, "
                "and finite.",
            ),
        ),
    ),
    Exercise(
        "softmax_cross_entropy", softmax_cross_entropy, "z, t", "y = -sum(t log(softmax(z)))",
        given=lambda: classified(),
        only=ROW,
        shapes="z and t have shape (n, k); y, the loss of each row, and g have (n,).",
        hints=(
            "y is the loss here, one for each row. Let p = tg.softmax(z), and use log_softmax.",
            "By z the loss has the gradient p - t, where t sums to 1.",
            "g has one number for each row: g[..., None] * (p - t).",
        ),
        mistakes=(
            Mistake("g[..., None] * (t - tg.softmax(z))", "The sign: it is a loss, minus log."),
            Mistake(
                "-g[..., None] * t / tg.softmax(z)",
                "That is -t/p, the gradient by the softmax's result; one step is missing.",
            ),
            Mistake(
                "g[..., None] * (tg.softmax(z) - t) / len(z)",
                "No mean was taken here; that of a mean would send g / n by itself.",
            ),
            Mistake("tg.softmax(z) - t", LOCAL),
            Mistake(
                "g[..., None] * (tg.softmax(z) - t) * tg.softmax(z) * (1 - tg.softmax(z))",
                "p (1 - p) is the squared error's trouble; here it cancels.",
            ),
            Mistake(
                "g[..., None] * (np.reshape(y, (-1, 1)) - t)",
                "In y - t the y is softmax(z); here y is the loss.",
            ),
            Mistake(
                "g * (tg.softmax(z) - t)",
                "g has one number for each row; NumPy aligns it with the columns: g[..., None].",
            ),
            Mistake(
                "g[..., None] * (tg.softmax(z, axis=0) - t)",
                "The classes are along the last axis.",
            ),
            Mistake("-g[..., None] * t * (1 - tg.softmax(z))", "The other classes' logits matter, "
                    "too: p - t is p where t is 0."),
            Mistake("-g[..., None] * t", "That is log's part: softmax's sum moves with each z."),
        ),
        answer="g[..., None] * (tg.softmax(z) - t)",
        corners=(
            Corner(
                (np.array([[1000.0, 0.0]]), np.array([[0.0, 1.0]])),
                "exp overflows there, and inf / inf is nan. tg.softmax subtracts the maximum.",
            ),
        ),
    ),
    Exercise(
        "layer_norm", layer_norm, "x", "y = (x - m) / sqrt(v + 1e-5)",
        given=lambda: rows(),
        only=ROW,
        hints=(
            "m and v depend on x too: three paths lead from x to y.",
            "With s = sqrt(v + 1e-5): dy = (dx - mean(dx) - y mean(y dx)) / s.",
            "This map is its own transpose: put g in the place of dx. Means along the last axis.",
        ),
        mistakes=(
            Mistake(
                "g / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)",
                "That holds the mean and the deviation still; both move with x.",
            ),
            Mistake(
                "(g - np.mean(g, axis=-1, keepdims=True)) / "
                "np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)",
                "The mean's path is there, that through the deviation is missing.",
            ),
            Mistake(
                "(g - np.mean(g) - y * np.mean(g * y)) / "
                "np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)",
                "Means along the last axis: each row has its own.",
            ),
            Mistake(
                "(g - np.mean(g, axis=-1, keepdims=True) - y * np.mean(g * y, axis=-1, "
                "keepdims=True)) / np.std(x, axis=-1, keepdims=True)",
                "y was divided by sqrt(v + 1e-5), not by sqrt(v).", "right but for the 1e-5",
            ),
            Mistake(
                "g - np.mean(g, axis=-1, keepdims=True) - y * np.mean(g * y, axis=-1, "
                "keepdims=True)",
                "Divide by s: y is x, divided by it.", "right but for the 1 / s",
            ),
            Mistake(
                "(g - np.mean(g, axis=-1, keepdims=True) - y * np.sum(g * y, axis=-1, "
                "keepdims=True)) / np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)",
                "v is a mean: so is what goes back through it, mean(g y).",
                "right but for a sum in place of the second mean",
            ),
            Mistake(
                "(g - y * np.mean(g * y, axis=-1, keepdims=True)) / "
                "np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)",
                "The deviation's path is there, that through the mean is missing.",
                "right but for the mean of g",
            ),
        ),
        answer="s = np.sqrt(np.var(x, axis=-1, keepdims=True) + 1e-5)\n"
        "mean = np.mean(g, axis=-1, keepdims=True)\n"
        "return (g - mean - y * np.mean(g * y, axis=-1, keepdims=True)) / s",
    ),
)  # fmt: skip
