"""The exercises, easiest first: rules of the engine's own table, with hints and known mistakes."""

from __future__ import annotations

import numpy as np

from tinygrad_ce.course.exercise import Exercise, Mistake
from tinygrad_ce.course.inputs import (
    classified,
    matrices,
    reduced,
    rows,
    windowed,
    with_axis,
)
from tinygrad_ce.course.whole import layer_norm, softmax_cross_entropy
from tinygrad_ce.rules.softmax import log_softmax, logsumexp, softmax
from tinygrad_ce.rules.special import sigmoid
from tinygrad_ce.rules.windows import correlate
from tinygrad_ce.testing.drawing import st
from tinygrad_ce.testing.strategies import arrays, away_from, broadcastable_arrays, positive

__all__ = ["EXERCISES"]

LOCAL = "A rule is g times the local derivative: the g is missing."
SQUEEZED = "y has lost the axis that was summed over; np.expand_dims(g, axis) puts it back."

_LISTED = (
    Exercise(
        "mul", np.multiply, "a, b", "y = a * b",
        given=lambda: broadcastable_arrays(2),
        hints=(
            "Move a by a little: y moves by that little times something.",
            "dy/da = b. The chain rule: dE/da = dE/dy dy/da.",
        ),
        mistakes=(
            Mistake("g * a", "That is the gradient by b. By a the other factor stays."),
            Mistake("b + 0 * g", LOCAL),
            Mistake("g + b", "The chain rule multiplies g and the local derivative."),
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
        ),
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
        ),
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
        ),
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
        ),
    ),
    Exercise(
        "relu", np.maximum, "a, b", "y = maximum(a, b)",
        given=lambda: st.tuples(away_from(0.0), st.just(0.0)),
        hints=(
            "Which of the two came out? Only that one moves y. relu(x) is maximum(x, 0).",
            "dy/da is 1 where a > b and 0 elsewhere.",
        ),
        mistakes=(
            Mistake("g * (y > 0) * a", "The derivative of a by itself is 1: a mask, no factor a."),
            Mistake("g * 1.0", "Where b came out, a has no say: 0 there."),
            Mistake("g * (a < b)", "The mask is turned round."),
        ),
    ),
    Exercise(
        "sum", np.sum, "a, axis=None", "y = sum(a, axis)",
        given=lambda: reduced(),
        hints=(
            "Every entry of a moves its sum by as much as itself: dy/da = 1. Only shapes remain.",
            "np.broadcast_to(g, a.shape) copies g; " + SQUEEZED,
        ),
        mistakes=(
            Mistake(
                "np.broadcast_to(g, a.shape)", "It goes wrong for axis=1, and is wrong "
                "without a word where both sides are equal. " + SQUEEZED,
            ),
            Mistake("np.ones(a.shape)", LOCAL),
            Mistake("g", "The gradient by a has the shape of a: copy g along the axis."),
        ),
    ),
    Exercise(
        "mean", np.mean, "a, axis=None", "y = mean(a, axis)",
        given=lambda: reduced(),
        hints=(
            "A mean is a sum divided by how many there are.",
            "n = a.size / y.size entries go into each mean. Divide by it, then do as for sum.",
        ),
        mistakes=(
            Mistake(
                "np.ones(a.shape) * (g if axis is None else np.expand_dims(g, axis))",
                "That is the rule of the sum: divide by the number of entries.",
            ),
            Mistake(
                "np.ones(a.shape) * (g if axis is None else np.expand_dims(g, axis)) / a.size",
                "Divide by how many went into one mean; a.size is all of them.",
            ),
            Mistake(
                "np.ones(a.shape) * (g if axis is None else np.expand_dims(g, axis)) / len(a)",
                "len(a) is the length of axis 0; the mean may be along another.",
            ),
        ),
    ),
    Exercise(
        "max", np.max, "a, axis=None", "y = max(a, axis)",
        given=lambda: reduced(),
        hints=(
            "Who moves the largest entry? Itself alone.",
            "a == y is the mask, once y and g have their axis again: np.expand_dims.",
        ),
        mistakes=(
            Mistake(
                "np.ones(a.shape) * (g if axis is None else np.expand_dims(g, axis))",
                "That sends g to everyone; only the largest entry moves the result.",
            ),
            Mistake(
                "(a == np.max(a)) * (g if axis is None else np.expand_dims(g, axis))",
                "Each row has a largest entry of its own: the maximum along the axis.",
            ),
            Mistake(
                "(a == np.max(a, axis, keepdims=True)) * 1.0", LOCAL,
            ),
        ),
    ),
    Exercise(
        "matmul", np.matmul, "a, b", "y = a @ b", operand=1,
        given=lambda: matrices(),
        hints=(
            "Shapes almost decide it: a (n, m), g (n, k), and the gradient by b is (m, k).",
            "y[i, j] = sum_l a[i, l] b[l, j], so dE/db[l, j] = sum_i a[i, l] g[i, j]: X' dY.",
        ),
        mistakes=(
            Mistake("g @ a.T", "In the other order: the transpose of a comes from the left."),
            Mistake("g.T @ a", "That is the gradient's transpose: its shape is (k, m)."),
            Mistake("a @ g", "The transpose of a is missing; shapes fit only where a is square."),
        ),
    ),
    Exercise(
        "softmax", softmax, "z, axis=-1", "y = softmax(z, axis)",
        given=lambda: with_axis(rows(2)),
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
        ),
    ),
    Exercise(
        "logsumexp", logsumexp, "z, axis=-1", "y = log(sum(exp(z), axis))",
        given=lambda: with_axis(rows(2)),
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
        ),
    ),
    Exercise(
        "log_softmax", log_softmax, "z, axis=-1", "y = log(softmax(z, axis))",
        given=lambda: with_axis(rows(2)),
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
        ),
    ),
    Exercise(
        "softmax_cross_entropy", softmax_cross_entropy, "z, t", "y = -sum(t log(softmax(z)))",
        given=lambda: classified(),
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
                "y (1 - y) is the squared error's trouble; here it cancels.",
            ),
        ),
    ),
    Exercise(
        "layer_norm", layer_norm, "x", "y = (x - m) / sqrt(v + 1e-5)",
        given=lambda: rows(),
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
        ),
    ),
    Exercise(
        "conv2d", correlate, "x, w, stride, padding, dilation, groups=1",
        "y = the sum of w times each window of x", operand=1,
        given=lambda: windowed(),
        hints=(
            "Which entries of x does w[o, c, k, l] meet? The same ones for every window: a slice.",
            "dE/dw[o, c, k, l] = sum over n, i, j of g[n, o, i, j] x[n, c, s i + k, s j + l], "
            "with x padded by np.pad.",
            "A loop over k and l, in it np.einsum('noij,ncij->oc', g, slice of x), is enough; "
            "tinygrad_ce.rules.windows.correlate_weight has it without a loop.",
        ),
        mistakes=(
            Mistake(
                "windows.correlate_weight(x, g, w.shape[2:], stride, padding, dilation)"
                "[..., ::-1, ::-1]",
                "The kernel is not turned: this is a correlation.",
            ),
            Mistake(
                "windows.correlate_weight(x, g, w.shape[2:], stride, padding, dilation) / len(x)",
                "The kernel serves every example: gradients add up, no mean is taken.",
            ),
            Mistake(
                "windows.correlate_weight(x[:1], g[:1], w.shape[2:], stride, padding, dilation)",
                "The kernel serves every example: sum over all of them.",
            ),
        ),
    ),
)  # fmt: skip

EXERCISES: dict[str, Exercise] = {exercise.name: exercise for exercise in _LISTED}
