"""What a function of the rule table was called with: operands in their place, plain values.

And what is refused: arguments that no rule knows, and variables where no gradient can flow.
"""

from inspect import CO_VARARGS
from typing import Any

import numpy as np

from tinygrad_ce.dispatch import check_arithmetic
from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.graph import Node
from tinygrad_ce.hints import KEYWORDS
from tinygrad_ce.rules.support import astype
from tinygrad_ce.rules.table import Primitive

__all__ = ["PLAIN", "as_operand", "bound", "carries", "check_known", "in_dtype", "is_convertible",
           "values_of"]  # fmt: skip

PLAIN = (float, int, np.ndarray)  # the types of operands that are taken as they are
_WHOLE = {*PLAIN, bool, str, type(None)}  # types that hold no Tensor, known without asking
_SEQUENCES = (tuple, list)
_LISTS = (*_SEQUENCES, range)


def bound(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with operands in their place, without the keywords that say nothing."""
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue}
    if kwargs.get("where") is True:
        del kwargs["where"]
    if "out" in kwargs:
        out = kwargs.pop("out")
        if any(o is not None for o in (out if isinstance(out, tuple) else (out,))):
            _no_out(primitive)
    for name in primitive.operands[len(args) :]:
        if name not in kwargs:
            break
        args = (*args, kwargs.pop(name))
    return args, kwargs


def in_dtype(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A ufunc computes in the dtype it is told by casting its operands first; so do we."""
    dtype = kwargs["dtype"]
    if dtype is not None:
        # For what NumPy has to say about the cast.
        primitive.call(*values_of(args), **values_of(kwargs))
        args = tuple(astype(a, dtype) if hasattr(a, "astype") else a for a in args)
    return args, {k: v for k, v in kwargs.items() if k != "dtype"}


def check_known(primitive: Primitive, args: Any, kwargs: dict[str, Any], operands: int) -> None:
    """Refuse what the rules do not know, and variables where no gradient can flow."""
    known = ", ".join(name for name in primitive.names if name != "out") or "none"
    place = operands + primitive.names.index("out") if "out" in primitive.names else len(args)
    if len(args) > place and args[place] is not None:
        _no_out(primitive)
    for name in kwargs:
        if name not in primitive.names:
            other = KEYWORDS.get(name)
            raise UnsupportedError(
                f"{primitive.name} was called with {name}=",
                f"its gradient rule knows these arguments: {known}",
                f"NumPy's name for it is {other}=" if other
                else "leave it out, or write it with np.where, astype or indexing",
            )  # fmt: skip
    if primitive.composed is not None:
        code = primitive.composed.__code__
        if len(args) > code.co_argcount and not code.co_flags & CO_VARARGS:
            _too_many(primitive, len(args), code.co_argcount)
        return
    if len(args) - operands > len(primitive.names):
        _too_many(primitive, len(args), operands + len(primitive.names))
    if carries(args[operands:]) or carries(kwargs):
        named = "".join(f" as {name}=" for name, x in kwargs.items() if carries(x))
        raise UnsupportedError(
            f"{primitive.name} was given a variable{named} where no gradient can flow",
            f"gradients flow to its first {operands} argument(s)",
            "leave it out, or pass .detach() of it" if named else "pass .detach() of it",
        )


def _no_out(primitive: Primitive) -> None:
    raise UnsupportedError(
        f"{primitive.name} was called with out=",
        "writing into an array is not differentiable",
        "use the value that it returns",
    )


def _too_many(primitive: Primitive, found: int, known: int) -> None:
    raise UnsupportedError(
        f"{primitive.name} was called with {found} arguments",
        f"its gradient rule knows {known} of them",
        "leave the rest out, or write them with np.where, astype or indexing",
    )


def values_of(x: Any) -> Any:
    """x with every Tensor in it, however it is nested in tuples, lists and slices, as its array."""
    kind = type(x)
    if kind in _WHOLE:
        return x
    if kind is tuple or kind is list:
        return kind(map(values_of, x))
    if isinstance(x, Node):
        return x.value
    if kind is slice:
        return slice(values_of(x.start), values_of(x.stop), values_of(x.step))
    if kind is dict:
        return {k: values_of(v) for k, v in x.items()}
    return x


def carries(x: Any) -> bool:
    """Whether x is, or holds, a tensor that requires a gradient."""
    kind = type(x)
    if kind in _WHOLE:
        return False
    if isinstance(x, Node):
        return x.requires_grad
    if isinstance(x, _SEQUENCES):
        return any(map(carries, x))
    if kind is dict:
        return any(map(carries, x.values()))
    return kind is slice and carries((x.start, x.stop, x.step))


def as_operand(x: Any) -> Any:
    """An operand as NumPy takes it: sequences become arrays."""
    if type(x) in PLAIN or isinstance(x, Node):
        return x
    if isinstance(x, _LISTS) or is_convertible(x):
        return np.asarray(x)
    check_arithmetic(x)
    return x


def is_convertible(x: Any) -> bool:
    """Whether x says how it becomes an array, and is not of a kind that computes for itself."""
    kind = type(x)
    return hasattr(kind, "__array__") and not hasattr(kind, "__array_function__")
