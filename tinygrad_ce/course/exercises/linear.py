"""Linear functions, whose rules are their transposes: reading entries, products of matrices."""

from __future__ import annotations

import operator

import numpy as np

from tinygrad_ce.course.exercise import Exercise, Mistake, Only
from tinygrad_ce.course.inputs import matrices, picked
from tinygrad_ce.course.naming import LOCAL

__all__ = ["LISTED"]

LISTED = (
    Exercise(
        "getitem", operator.getitem, "a, key", "y = a[key]",
        given=lambda: picked(),
        only=(
            Only(
                lambda a, key: len(np.unique(key)) == len(key),
                "It is right where no index repeats, and only there: an entry that was read twice "
                "collects twice.",
            ),
            Only(
                lambda a, key: a.ndim == 1,
                "It is right where a has one axis, and only there: key may name rows of a matrix.",
            ),
        ),
        hints=(
            "Zeros of a's shape, and each g[i] goes back to where y[i] came from: a[key[i]].",
            "An entry that was read twice collects twice: gradients add up.",
            "d[key] += g adds only once where key repeats; np.add.at(d, key, g) adds every time. "
            "tg.add_at(np.zeros(a.shape), key, g) is the same as a function.",
        ),
        mistakes=(
            Mistake(
                "d = np.zeros(a.shape)\nd[key] = g\nreturn d",
                "An entry that was read twice gets both gradients, added; also d[key] += g keeps "
                "one of them only, as it reads d once. np.add.at adds every time.",
                "the last g that arrived at each place",
            ),
            Mistake("g", "g has the shape of y; it goes back to the places that key names in a."),
            Mistake("g[key]", "That reads once more; the way back writes: d[key] gets g."),
            Mistake(
                "d = np.zeros(a.shape)\nnp.add.at(d, key, 1.0)\nreturn d", LOCAL,
            ),
            Mistake(
                "d = np.zeros(a.shape)\nnp.add.at(d, key, g)\n"
                "many = np.bincount(key, minlength=len(a))\n"
                "return d / np.maximum(many, 1).reshape(-1, *(1,) * (a.ndim - 1))",
                "Gradients add up: no mean is taken of them.", "the mean of what arrived",
            ),
        ),
        answer="d = np.zeros(a.shape)\nnp.add.at(d, key, g)\nreturn d",
        shapes="key is an array of integers, some of them more than once: rows of a, as an "
        "embedding reads them.",
    ),
    Exercise(
        "matmul", np.matmul, "a, b", "y = a @ b", operand=1,
        given=lambda: matrices(),
        only=(
            Only(
                lambda a, b: len(a) == 1,
                "It is right where a has one row, and only there: gradients add up over the rows.",
            ),
        ),
        hints=(
            "Shapes almost decide it: a (n, m), g (n, k), and the gradient by b is (m, k).",
            "y[i, j] = sum_l a[i, l] b[l, j], so dE/db[l, j] = sum_i a[i, l] g[i, j]: X' dY.",
        ),
        mistakes=(
            Mistake("g @ a.T", "In the other order: the transpose of a comes from the left."),
            Mistake("g.T @ a", "That is the gradient's transpose: its shape is (k, m)."),
            Mistake("a @ g", "The transpose of a is missing; shapes fit only where a is square."),
            Mistake("a.T * g", "A product of matrices sums over the rows: @ in place of *."),
            Mistake("a.T @ g / len(a)", "Gradients add up over the rows: no mean is taken."),
        ),
        answer="a.T @ g",
        shapes="a has shape (n, m), b (m, k), y and g (n, k).",
    ),
)  # fmt: skip
