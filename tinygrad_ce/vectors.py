"""Trees as vectors, for optimizers of SciPy's and others that know nothing else.

start, tree = tg.ravel(model)
found = scipy.optimize.minimize(tg.value_and_grad_of_vector(loss, model), start, jac=True)
model = tree(found.x)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import DTypeError, ShapeError
from tinygrad_ce.options import function
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.tensor import Tensor
from tinygrad_ce.transforms import value_and_grad
from tinygrad_ce.trees import flatten

__all__ = ["ravel", "value_and_grad_of_vector"]

Vector: TypeAlias = NDArray[Any]


def ravel(tree: Any) -> tuple[Vector, Callable[[Any], Any]]:
    """The numbers of a tree end to end, and the function that makes such a tree of a vector.

    Leaves that nobody differentiates by, as buffers of a module, are left out, and are in every
    tree that is made what they are in this one.

    Args:
        tree: of arrays of real floating point: a module, parameters in a dict, ...

    Returns:
        A vector (n,) in the dtype that holds all leaves', a copy; and a function of vectors (n,),
        Tensors too, to trees whose leaves have the shapes and dtypes of this tree's.

    Raises:
        DTypeError: a leaf has another dtype.
        ShapeError: of the function: the vector has another shape.

    >>> vector, tree = ravel({"w": np.eye(2), "b": np.float32(5.0)})
    >>> vector
    array([1., 0., 0., 1., 5.])
    >>> tree(vector * 2)["b"]
    np.float32(10.0)
    """
    values, structure = flatten(tree)
    constants = structure.constants()
    arrays = [np.asarray(as_array(_plain(x))) for x, c in zip(values, constants) if not c]
    for x in arrays:
        if x.dtype.kind != "f":
            raise DTypeError(
                f"a leaf has dtype {x.dtype}",
                "a vector of real numbers holds real floating point alone",
                "leave such leaves out, or turn them into float64 (complex ones into two)",
            )
    ends = np.cumsum([x.size for x in arrays], dtype=int).tolist()
    total = ends[-1] if ends else 0

    def made(vector: Any) -> Any:
        vector = as_array(vector)
        if vector.shape != (total,):
            raise ShapeError(
                f"the vector has shape {vector.shape}",
                f"the tree has {total} numbers",
                f"pass a vector of shape ({total},)",
            )
        parts = iter([_part(vector, x, end) for x, end in zip(arrays, ends, strict=True)])
        return structure.build([x if c else next(parts) for x, c in zip(values, constants)])

    joined = np.concatenate([x.ravel() for x in arrays]) if arrays else np.zeros(0)
    return joined, made


def value_and_grad_of_vector(
    f: Callable[..., Any], tree: Any, *, compiled: bool = True
) -> Callable[..., tuple[float, NDArray[np.float64]]]:
    """`value_and_grad` of f by a vector, as `scipy.optimize.minimize(..., jac=True)` takes it.

    Args:
        f: a function of a tree, and of other arguments, to a scalar.
        tree: whose structure, shapes, dtypes and constant leaves those that f is called with have.
        compiled: whether it runs as a program; pass False for f that cannot be one.

    Returns:
        The function of a vector (n,), as `ravel(tree)` makes one, and the other arguments, to
        `(value, gradient)`: a float, and a vector (n,) float64.

    Raises:
        DTypeError: as in `ravel`.
        TraceError: at the first call, f cannot be compiled.

    >>> f = value_and_grad_of_vector(lambda p, c: c * np.sum(p["w"] ** 2), {"w": np.zeros((1, 2))})
    >>> f(np.array([1.0, 2.0]), 3.0)
    (15.0, array([ 6., 12.]))
    """
    function("f", f)
    _, made = ravel(tree)
    run = value_and_grad(f)
    run = compile(run) if compiled else run

    def of_vector(vector: Any, *args: Any) -> tuple[float, NDArray[np.float64]]:
        value, gradient = run(made(vector), *args)
        found: NDArray[np.float64] = ravel(gradient)[0].astype(np.float64, copy=False)
        return float(value), found

    return of_vector


def _part(vector: Any, like: NDArray[Any], end: int) -> Any:
    part = np.reshape(vector[end - like.size : end], like.shape)
    part = part if part.dtype == like.dtype else part.astype(like.dtype)
    return part if like.shape or isinstance(part, Tensor) else part[()]


def _plain(x: Any) -> Any:
    return x.value if isinstance(x, Tensor) else x
