"""Arrays that a graph needs for its gradients are read-only for as long as it needs them.

A graph that met an array holds its `Lock`. When the last graph lets go, the array can be written
again. So `x[0] = 5` between the forward and the backward pass is refused by NumPy itself, and a
batch buffer can be refilled after the backward pass.

Not reached: views of the array that were made before, which NumPy gives a flag of their own.
"""

from threading import RLock
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lock", "lock"]


class Lock:
    """Held by the graphs that need a block of memory unchanged."""

    __slots__ = ("__weakref__",)


class _Closed(ref[Lock]):
    """What a lock made read-only (the owner of the memory, views of it), opened when it ends."""

    __slots__ = ("arrays", "owner")

    owner: NDArray[Any]
    arrays: list[NDArray[Any]]

    def open(self) -> None:
        with _changing:
            if _closed.get(id(self.owner)) is not self:
                return  # another lock took the arrays over
            del _closed[id(self.owner)]
            for array in self.arrays:  # the owner first: a view can only follow its owner
                try:
                    array.setflags(write=True)
                except ValueError:  # a view that outlived its owner's being made read-only
                    continue


_closed: dict[int, _Closed] = {}
_changing = RLock()  # a lock may end at any moment, and in another thread


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
    base = array.base
    while isinstance(base, np.ndarray):
        owner, base = base, base.base
    closed = _closed.get(id(owner))
    found = None if closed is None else closed()
    if found is not None and array is owner:
        return found
    with _changing:
        closed = _closed.get(id(owner))
        found = None if closed is None else closed()
        if closed is None or found is None:
            found, before = Lock(), closed
            closed = _closed[id(owner)] = _Closed(found, _Closed.open)
            closed.owner, closed.arrays = owner, [] if before is None else before.arrays
            if owner.flags.writeable:
                owner.setflags(write=False)
                closed.arrays.append(owner)
        if array is not owner and array.flags.writeable:
            array.setflags(write=False)
            closed.arrays.append(array)
        return found
