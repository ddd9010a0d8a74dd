"""Arrangements by NumPy itself: where did every entry of a result come from?

A function that only moves entries can be asked for their places: hand it the numbers 0, 1, 2, ...
in the arrays' stead (`numbered`), and read the entries there (`gathered`). All its forms,
its broadcasting and its errors are then NumPy's own, and its gradient is that of reading.
"""

from typing import Any

import numpy as np

from tinygrad_ce.dispatch import as_array

__all__ = ["gathered", "numbered"]


def numbered(arrays: Any) -> list[Any]:
    """For each array its shape filled with whole numbers, which go on from array to array.

    >>> numbered([np.zeros((1, 2)), np.zeros(3)])
    [array([[0, 1]]), array([2, 3, 4])]
    """
    found, start = [], 0
    for a in arrays:
        found.append(np.arange(start, start + np.size(a)).reshape(np.shape(a)))
        start += np.size(a)
    return found


def gathered(arrays: Any, places: Any) -> Any:
    """The entries with these numbers.

    >>> gathered([np.array([[1.0, 2.0]]), np.array([3.0, 4.0, 5.0])], np.array([4, 0]))
    array([5., 1.])
    """
    flat = [np.ravel(as_array(a)) for a in arrays]
    return (flat[0] if len(flat) == 1 else np.concatenate(flat))[places]
