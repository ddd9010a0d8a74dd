"""Sums along axes, copies and extremes: which entries a gradient goes back to, and its shape."""

from __future__ import annotations

import numpy as np

from tinygrad_ce.course.exercise import Corner, Exercise, Mistake, Only
from tinygrad_ce.course.exercises.words import SQUEEZED
from tinygrad_ce.course.inputs import broadcast, reduced
from tinygrad_ce.course.naming import LOCAL
from tinygrad_ce.testing.drawing import st
from tinygrad_ce.testing.strategies import arrays

__all__ = ["LISTED"]

SPREAD = "(g if axis is None else np.expand_dims(g, axis))"
ONLY = (
    Only(lambda a, axis: axis is None, "It is right for axis=None, and only there. " + SQUEEZED),
    Only(
        lambda a, axis: axis is not None,
        "It is right where there is an axis, and only there: axis=None takes all entries, and "
        "then g is one number.",
    ),
    Only(lambda a, axis: axis == 0, "It is right for axis=0, and only there. " + SQUEEZED),
    Only(lambda a, axis: axis == 1, "It is right for axis=1, and only there. " + SQUEEZED),
    Only(
        lambda a, axis: axis != 1,
        "It is right for axis=None and axis=0, and only there: NumPy aligns from behind. "
        + SQUEEZED,
    ),
    Only(
        lambda a, axis: axis != 0,
        "It is right for axis=None and axis=1, and only there. " + SQUEEZED,
    ),
)
COPIES = (
    Only(
        lambda a, shape: 1 not in a.shape,
        "It is right where a has no axis of length 1, and only there: along such a one sum, too, "
        "with keepdims=True.",
    ),
    Only(
        lambda a, shape: a.ndim == len(shape),
        "It is right where a has all axes, and only there: those that it lacks are the first of y.",
    ),
    Only(
        lambda a, shape: a.shape == shape,
        "It is right where nothing was copied, and only there: sum over the copies.",
    ),
)

LISTED = (
    Exercise(
        "sum", np.sum, "a, axis=None", "y = sum(a, axis)",
        given=lambda: reduced(),
        only=ONLY,
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
            Mistake(
                f"np.ones(a.shape) * {SPREAD} * y.size / a.size",
                "That is the rule of the mean: nothing is divided in a sum.",
                "the rule of the mean",
            ),
            Mistake(
                "np.full(a.shape, np.sum(g))", "Each sum has a g of its own: " + SQUEEZED,
                "the sum of g everywhere",
            ),
        ),
        answer=f"np.broadcast_to{SPREAD[:-1]}, a.shape)",
    ),
    Exercise(
        "mean", np.mean, "a, axis=None", "y = mean(a, axis)",
        given=lambda: reduced(),
        only=ONLY,
        hints=(
            "A mean is a sum divided by how many there are.",
            "n = a.size / y.size entries go into each mean. Divide by it, then do as for sum.",
        ),
        mistakes=(
            Mistake(
                f"np.ones(a.shape) * {SPREAD}",
                "Divide by how many entries went into one mean.", "the rule of the sum",
            ),
            Mistake(
                f"np.ones(a.shape) * {SPREAD} / a.size",
                "Divide by how many went into one mean; a.size is all of them.",
                "g divided by a.size",
            ),
            Mistake(
                f"np.ones(a.shape) * {SPREAD} / len(a)",
                "len(a) is the length of axis 0; the mean may be along another.",
                "g divided by len(a)",
            ),
            Mistake(
                f"np.ones(a.shape) * {SPREAD} / a.shape[-1]",
                "That is the length of the last axis; the mean may be along another.",
                "g divided by a.shape[-1]",
            ),
            Mistake("np.broadcast_to(g * y.size / a.size, a.shape)", SQUEEZED),
            Mistake("np.broadcast_to(g / a.size, a.shape)", SQUEEZED),
            Mistake("np.ones(a.shape) * y.size / a.size", LOCAL),
        ),
        answer=f"np.ones(a.shape) * {SPREAD} * y.size / a.size",
    ),
    Exercise(
        "broadcast", np.broadcast_to, "a, shape", "y = broadcast_to(a, shape)",
        given=lambda: broadcast(),
        only=COPIES,
        hints=(
            "One entry of a stands in y several times. Gradients add up: sum g over its copies.",
            "Axes that a lacks are the first of y: np.sum(g, axis=0) takes the first one away.",
            "Along an axis of length 1 sum with keepdims=True, so that it stays.",
        ),
        mistakes=(
            Mistake("g", "g has the shape of y. Where the forward pass copies, sum."),
            Mistake(
                "np.sum(g, axis=0)", "That is right for an axis that a lacks; where a has length "
                "1 along it, keep it: keepdims=True.",
            ),
            Mistake(
                "np.sum(g, axis=0, keepdims=True)", "Axes that a lacks must go, and it may be "
                "axis 1 along which a has length 1.",
            ),
            Mistake("np.full(a.shape, np.sum(g))", "Sum over copies only, of each entry its own."),
            Mistake(
                "g = np.mean(g, axis=tuple(range(g.ndim - a.ndim)))\n"
                "wide = tuple(i for i, n in enumerate(a.shape) if n == 1)\n"
                "return np.mean(g, axis=wide, keepdims=True)",
                "Gradients add up: a sum over the copies.", "the mean over the copies",
            ),
            Mistake(
                "return g[tuple(slice(n) for n in a.shape)] if a.ndim == g.ndim else g[0]",
                "All copies count, and their gradients add up.", "the g of the first copy",
            ),
        ),
        answer="g = np.sum(g, axis=tuple(range(g.ndim - a.ndim)))  # axes that a lacks\n"
        "wide = tuple(i for i, n in enumerate(a.shape) if n == 1)\n"
        "return np.sum(g, axis=wide, keepdims=True)",
    ),
    Exercise(
        "max", np.max, "a, axis=None", "y = max(a, axis)",
        given=lambda: reduced(),
        only=ONLY,
        hints=(
            "Who moves the largest entry? Itself alone.",
            "a == y is the mask, once y and g have their axis again: np.expand_dims.",
            "Where several are the largest they share g: divide by how many the mask has.",
        ),
        mistakes=(
            Mistake(
                f"np.ones(a.shape) * {SPREAD}",
                "That sends g to everyone; only the largest entry moves the result.",
                "the rule of the sum",
            ),
            Mistake(
                f"(a == np.max(a)) * {SPREAD}",
                "Each row has a largest entry of its own: the maximum along the axis.",
                "g where the largest of all stands",
            ),
            Mistake(
                "(a == np.max(a, axis, keepdims=True)) * 1.0", LOCAL,
            ),
            Mistake("(a == y) * g", SQUEEZED),
            Mistake(
                f"(a == np.max(a, axis, keepdims=True)) * a * {SPREAD}",
                "The derivative of an entry by itself is 1: a mask, no factor a.",
                "the largest entries times g",
            ),
        ),
        answer="largest = a == np.max(a, axis, keepdims=True)\n"
        "shared = largest / np.sum(largest, axis, keepdims=True)\n"
        f"return shared * {SPREAD}",
        corners=(
            Corner(
                (np.array([2.0, 1.0, 2.0]), None),
                "The largest entries are equal: moved together, by s, they move y by s, not by "
                "twice as much. So they share g, or one takes it, but not each all of it.",
                moved=True,
            ),
        ),
    ),
    Exercise(
        "prod", np.prod, "a", "y = prod(a)",
        given=lambda: st.integers(2, 4).flatmap(arrays),
        hints=(
            "Move one entry: the others are its factor.",
            "The product of the others is y / a[i], but what if a[i] is 0?",
            "np.delete(a, i) is a without entry i; np.prod of it for every i.",
        ),
        mistakes=(
            Mistake("np.full(a.shape, g * y)", "By a[i] the others are the factor, without a[i]."),
            Mistake("g / a", "The factor is the product of the others: y / a[i], where that is."),
            Mistake("g * a", "By a[i] the factor is the product of the others, not a[i] itself."),
            Mistake("y / a + 0 * g", LOCAL),
        ),
        answer="g * np.array([np.prod(np.delete(a, i)) for i in range(len(a))])",
        corners=(
            Corner(
                (np.array([2.0, 0.0, 3.0]),),
                "y / a is nan where an entry is 0, but the product of the others is there: here "
                "6 for the 0, and 0 for the others. Do not divide.",
            ),
        ),
    ),
)  # fmt: skip
