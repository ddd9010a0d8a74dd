"""Arrays that a graph needs for its gradients are read-only for as long as it needs them.

A graph that met an array holds its `Lock`. When the last graph lets go, the array can be written
again. So `x[0] = 5` between the forward and the backward pass is refused by NumPy itself, and a
batch buffer can be refilled after the backward pass.

Not reached: views of the array that were made before, which NumPy gives a flag of their own.
"""

from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lock", "lock"]

_held: dict[int, "ref[Lock]"] = {}


class Lock:
    """One block of memory made read-only, together with the views of it that were locked."""

    __slots__ = ("__weakref__", "arrays", "owner")

    owner: NDArray[Any]
    arrays: list[NDArray[Any]]

    def close(self, array: NDArray[Any]) -> None:
        """Make an array read-only until this lock goes; read-only ones are left as they are."""
        flags = array.flags
        if flags.writeable:
            flags.writeable = False
            self.arrays.append(array)

    def __del__(self) -> None:
        for array in self.arrays:  # the owner first: a view can only follow its owner
            array.flags.writeable = True
        known = _held.get(id(self.owner))
        if known is not None and known() in (None, self):
            del _held[id(self.owner)]


def lock(array: NDArray[Any]) -> Lock:
    """The lock that keeps `array`, and the array whose memory it views, read-only.

    >>> x = np.ones(2)
    >>> held = lock(x)
    >>> x[0] = 5
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    >>> del held
    >>> x[0] = 5
    """
    owner = array
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    known = _held.get(id(owner))
    found = None if known is None else known()
    if found is None:
        found = Lock()
        found.owner = owner
        found.arrays = []
        _held[id(owner)] = ref(found)
        found.close(owner)
    if array is not owner:
        found.close(array)
    return found
