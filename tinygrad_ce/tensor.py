"""Tensor: a NumPy array that remembers how it was computed.

Operators and methods, and NumPy's functions through its two protocols (NEP 13 and NEP 18), all
lead to `apply`, which looks the function up in the rule table, computes it on plain arrays, and
records the result when one of its operands requires a gradient.
"""

from __future__ import annotations

import copy as copying
import numbers
import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from inspect import CO_VARARGS
from typing import Any, Self, final

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.errors import DTypeError, GradientError, ShapeError, UnsupportedError
from tinygrad_ce.graph import Extras, Hook, Node, blocks, gradients, order, recording, release, tick
from tinygrad_ce.locks import lock
from tinygrad_ce.rules.joining import pieces
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.outside import ANSWERS, reason
from tinygrad_ce.rules.support import astype, output
from tinygrad_ce.rules.table import FUSED, TABLE, Primitive, late

__all__ = ["Tensor", "apply", "detach", "recorded", "tensor"]

_new = object.__new__
_ndarray = np.ndarray
_EMPTY: dict[str, Any] = {}
_PLAIN = (float, int, np.ndarray)
_FUSIBLE = {inner for _, pairs in FUSED.values() for inner in pairs}


def _leaf(value: Any, requires_grad: bool = False) -> Tensor:
    made = _new(Tensor)
    made.value = value
    made.requires_grad = requires_grad
    made.number = tick()
    made.primitive = made.grad = made.locks = made.extras = None
    made.parents = made.rules = made.operands = made.args = ()
    made.parameters = _EMPTY
    return made


def recorded(
    value: Any,
    primitive: Primitive,
    operands: Any,
    args: Any,
    parameters: dict[str, Any],
    parents: tuple[Node, ...],
    rules: tuple[Any, ...],
    locks: Any,
) -> Tensor:
    made = _new(Tensor)
    made.value = value
    made.requires_grad = True
    made.number = tick()
    made.primitive = primitive
    made.operands = operands
    made.args = args
    made.parameters = parameters
    made.parents = parents
    made.rules = rules
    made.grad = made.extras = None
    made.locks = locks
    return made


def _locks(operands: Any, args: Any) -> Any:
    """Locks on the arrays that others could write to: those of leaves, and plain ones."""
    locks: Any = None
    for operand, arg in zip(operands, args):
        kind = type(arg)
        if kind is _ndarray:
            if type(operand) is not Tensor or operand.primitive is None:
                locks = (lock(arg), locks)
        elif kind is list or kind is tuple:
            locks = (_locks(arg, arg), locks)
    return locks


def _unary(function: Callable[..., Any]) -> Callable[[Tensor], Tensor]:
    primitive = TABLE[function]
    call, rules = primitive.call, primitive.alone

    def operate(x: Tensor) -> Tensor:
        arg = x.value
        value = call(arg)
        if x.requires_grad and rules and (not blocks() or recording()):
            held = _locks((x,), (arg,)) if x.primitive is None else None
            return recorded(value, primitive, (x,), (arg,), _EMPTY, (x,), rules, held)
        return _leaf(value)

    return operate


def _binary(
    function: Callable[..., Any],
) -> tuple[Callable[[Tensor, Any], Any], Callable[[Tensor, Any], Any]]:
    """The operator of a function of two operands, and the reflected one."""
    primitive = TABLE[function]
    call, both = primitive.call, primitive.rules
    left, right = primitive.alone[:1], primitive.alone[1:]

    def operate(a: Tensor, b: Any) -> Any:
        if type(b) is Tensor:
            x, y = a.value, b.value
            value = call(x, y)
            if (a.requires_grad or b.requires_grad) and left and (not blocks() or recording()):
                operands, args = (a, b), (x, y)
                held = None
                if a.primitive is None or b.primitive is None:
                    held = _locks(operands, args)
                if not b.requires_grad:
                    return recorded(value, primitive, operands, args, _EMPTY, (a,), left, held)
                if not a.requires_grad:
                    return recorded(value, primitive, operands, args, _EMPTY, (b,), right, held)
                return recorded(value, primitive, operands, args, _EMPTY, operands, both, held)
            return _leaf(value)
        if type(b) not in _PLAIN:
            return _other(a, b, False)
        x = a.value
        value = call(x, b)
        if a.requires_grad and left and (not blocks() or recording()):
            operands, args = (a, b), (x, b)
            plain = type(b) is _ndarray
            held = _locks(operands, args) if plain or a.primitive is None else None
            return recorded(value, primitive, operands, args, _EMPTY, (a,), left, held)
        return _leaf(value)

    def reflected(b: Tensor, a: Any) -> Any:
        if type(a) not in _PLAIN:
            return _other(b, a, True)
        y = b.value
        value = call(a, y)
        if b.requires_grad and right and (not blocks() or recording()):
            operands, args = (a, b), (a, y)
            plain = type(a) is _ndarray
            held = _locks(operands, args) if plain or b.primitive is None else None
            return recorded(value, primitive, operands, args, _EMPTY, (b,), right, held)
        return _leaf(value)

    def _other(tensor: Tensor, other: Any, swap: bool) -> Any:
        """Numbers and sequences that NumPy takes as arrays; anything else may know better."""
        known = isinstance(other, numbers.Number | np.generic | list | tuple | np.ndarray)
        if not known and not hasattr(type(other), "__array_function__"):
            return NotImplemented
        pair = (other, tensor) if swap else (tensor, other)
        return apply(function, pair, {})

    return operate, reflected


def apply(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a function of the rule table gives for Tensors: computed, and recorded where needed.

    Raises:
        UnsupportedError: the function has no rule, or the rule does not know an argument, and a
            gradient would be lost.
    """
    primitive = TABLE.get(function) or late(function)
    if primitive is None:
        return _unlisted(function, args, kwargs)
    if kwargs:
        args, kwargs = _bound(primitive, args, kwargs)
        if "dtype" in kwargs and isinstance(function, np.ufunc) and primitive.rules:
            args, kwargs = _in_dtype(primitive, args, kwargs)
    if function in FUSED:
        fused = _fused(primitive, args)
        if fused is not None:
            return fused
    if primitive.composed is not None:
        return _composed(primitive, primitive.composed, args, kwargs)
    if primitive.each is not None:
        return _apply_each(primitive, primitive.each, args, kwargs)
    n = len(primitive.rules)
    operands, raw = list(args), list(args)
    variables = []
    for i, a in enumerate(args):
        kind = type(a)
        if kind is Tensor:
            raw[i] = a.value
            if a.requires_grad:
                variables.append(i)
        elif kind not in _PLAIN:
            if i < n:
                operands[i] = a = _array(a)
            raw[i] = _raw(a)
            if _carries(a):
                variables.append(i)
    parameters = _raw(kwargs) if kwargs else kwargs
    live = n and (variables or (kwargs and _carries(kwargs))) and recording()
    if live:
        _check(primitive, args, kwargs, n)
    value = primitive.call(*raw, **parameters)
    if live:
        rules: Any = primitive.alone if len(variables) == 1 else primitive.rules
        if n == 1:
            return _made(value, primitive, operands, raw, parameters, operands[:1], rules)
        flowing = [i for i in variables if rules[i] is not None]
        if flowing:
            parents = [operands[i] for i in flowing]
            rules = tuple(rules[i] for i in flowing)
            return _made(value, primitive, operands, raw, parameters, parents, rules)
    made = _wrapped(value)
    if function in _FUSIBLE and type(made) is Tensor:
        made.primitive, made.parameters = primitive, parameters
        made.operands, made.args = tuple(operands), tuple(raw)
    return made


def _made(
    value: Any,
    primitive: Primitive,
    operands: list[Any],
    raw: list[Any],
    parameters: dict[str, Any],
    parents: list[Any],
    rules: tuple[Any, ...],
) -> Any:
    """The record of a call; of one with several results, a record for each."""
    operands_, args, locks = tuple(operands), tuple(raw), _locks(operands, raw)
    if parameters:
        named = parameters.values()
        locks = (_locks(named, named), locks)
    if not isinstance(value, tuple):
        known = type(value) is _ndarray or isinstance(value, np.generic)
        if not known and not hasattr(type(value), "__array_function__"):
            value = np.asarray(value)[()]
        if value.dtype.kind not in "fcO":
            return _leaf(value)  # integers do not follow their operands smoothly
        return recorded(value, primitive, operands_, args, parameters, tuple(parents), rules, locks)
    node = recorded(
        Several(value), primitive, operands_, args, parameters, tuple(parents), rules, locks
    )
    parts = [
        output(node, i) if np.result_type(part).kind in "fc" else _wrapped(part)
        for i, part in enumerate(value)
    ]
    make = getattr(type(value), "_make", tuple)
    return make(parts)


def _composed(
    primitive: Primitive, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A function written with others; where no gradient is needed, NumPy's own."""
    if not recording() or not (_carries(args) or _carries(kwargs)):
        return _wrapped(primitive.call(*_raw(args), **_raw(kwargs)))
    _check(primitive, args, kwargs, 0)
    if args and not _carries(args[0]):
        with suppress(ValueError):  # arrays of different shapes stay a list
            args = (_array(args[0]), *args[1:])
    return _wrapped(function(*args, **kwargs))


def _apply_each(
    primitive: Primitive, each: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not args:
        raise TypeError(f"np.{primitive.name} takes its first argument by position")
    if each.form is not None:
        args = each.form(args)
    if each.after_first:
        operands = [args[0], *map(_array, args[1:])]
        items = operands[1:]
    else:
        items = [_array(a) for a in args[0]]
        operands = [items, *args[1:]]
    flowing = [i for i, a in enumerate(items) if _carries(a)]
    live = (flowing or _carries(args[1:]) or _carries(kwargs)) and recording()
    if live:
        _check(primitive, args, kwargs, len(args) if each.after_first else 1)
    raw, parameters = [_raw(a) for a in operands], _raw(kwargs)
    value = primitive.call(*raw, **parameters)
    if live:
        rules = tuple(partial(each.rule, i) for i in flowing)
        parents = [items[i] for i in flowing]
        return _made(value, primitive, operands, raw, parameters, parents, rules)
    return _wrapped(value)


def _fused(outer: Primitive, args: tuple[Any, ...]) -> Any:
    """outer(inner(z)) in one stable step, where the table knows the pair; otherwise None."""
    place, pairs = FUSED[outer.function]
    inner = args[place] if place < len(args) else None
    if not isinstance(inner, Tensor) or inner.primitive is None or not inner.operands:
        return None
    if inner.dtype.kind == "c":  # the one step may leave the logarithm's principal branch
        return None
    function = pairs.get(inner.primitive.function)
    if function is None:
        return None
    spliced = (*args[:place], *inner.operands, *args[place + 1 :])
    made = apply(function, spliced, inner.parameters)
    if made.parents and inner.requires_grad:
        _extras(made).aside = (outer, args, inner)
    return made


def _extras(node: Node) -> Extras:
    found = node.extras
    if found is None:
        found = node.extras = Extras()
    return found


def _bound(
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


def _in_dtype(
    primitive: Primitive, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A ufunc computes in the dtype it is told by casting its operands first; so do we."""
    dtype = kwargs["dtype"]
    if dtype is not None:
        primitive.call(*_raw(args), **_raw(kwargs))  # for what NumPy has to say about the cast
        args = tuple(astype(a, dtype) if hasattr(a, "astype") else a for a in args)
    return args, {k: v for k, v in kwargs.items() if k != "dtype"}


def _check(primitive: Primitive, args: Any, kwargs: dict[str, Any], operands: int) -> None:
    """Refuse what the rules do not know, and variables where no gradient can flow."""
    known = ", ".join(name for name in primitive.names if name != "out") or "none"
    place = operands + primitive.names.index("out") if "out" in primitive.names else len(args)
    if len(args) > place and args[place] is not None:
        _no_out(primitive)
    for name in kwargs:
        if name not in primitive.names:
            raise UnsupportedError(
                f"{primitive.name} was called with {name}=",
                f"its gradient rule knows these arguments: {known}",
                "leave it out, or write it with np.where, astype or indexing",
            )
    if primitive.composed is not None:
        code = primitive.composed.__code__
        if len(args) > code.co_argcount and not code.co_flags & CO_VARARGS:
            _too_many(primitive, len(args), code.co_argcount)
        return
    if len(args) - operands > len(primitive.names):
        _too_many(primitive, len(args), operands + len(primitive.names))
    if _carries(args[operands:]) or _carries(kwargs):
        raise UnsupportedError(
            f"{primitive.name} was given a variable where no gradient can flow",
            f"gradients flow to its first {operands} argument(s)",
            "pass .detach() of it",
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


def _unlisted(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A question is answered; a function without a rule computes if no gradient is lost by it."""
    if function in ANSWERS:
        return function(*_raw(args), **_raw(kwargs))
    if recording() and (_carries(args) or _carries(kwargs)):
        raise UnsupportedError(
            f"{Primitive(function, None).name} was called on a tensor that requires a gradient",
            *reason(function),
        )
    return _wrapped(function(*_raw(args), **_raw(kwargs)))


def _raw(x: Any) -> Any:
    """x with every Tensor in it, however it is nested in tuples, lists and slices, as its array."""
    kind = type(x)
    if kind is Tensor:
        return x.value
    if kind is tuple or kind is list:
        return kind(map(_raw, x))
    if kind is dict:
        return {k: _raw(v) for k, v in x.items()}
    if kind is slice:
        return slice(_raw(x.start), _raw(x.stop), _raw(x.step))
    return x


def _carries(x: Any) -> bool:
    """Whether x is, or holds, a tensor that requires a gradient."""
    kind = type(x)
    if kind is Tensor:
        return x.requires_grad  # type: ignore[no-any-return]
    if isinstance(x, tuple | list):
        return any(map(_carries, x))
    if kind is dict:
        return any(map(_carries, x.values()))
    return kind is slice and _carries((x.start, x.stop, x.step))


def _array(x: Any) -> Any:
    """An operand as NumPy takes it: sequences become arrays."""
    kind = type(x)
    if kind is Tensor or kind in _PLAIN:
        return x
    if isinstance(x, list | tuple):
        return np.asarray(x)
    if isinstance(x, np.ma.MaskedArray | np.matrix):
        raise UnsupportedError(
            f"an operand is a {type(x).__name__}",
            "its arithmetic differs from that of arrays, and the rules are for arrays",
            "pass np.asarray of it, or np.where with its mask",
        )
    return x


def _wrapped(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return _leaf(value)
    if isinstance(value, tuple | list):
        return getattr(type(value), "_make", type(value))(map(_wrapped, value))
    return value


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return apply(function, (self, *args), kwargs)

    method.__name__ = method.__qualname__ = getattr(function, "__name__", "method")
    method.__doc__ = f"`np.{method.__name__}` of this tensor."
    return method


# Ufuncs that need nothing but their operands, and have a rule for each, go the short way.
_DIRECT = {
    f
    for f, primitive in TABLE.items()
    if isinstance(f, np.ufunc)
    and f not in FUSED
    and primitive.composed is None
    and None not in primitive.rules
}
_UNARY = {f: _unary(f) for f in _DIRECT if f.nin == 1}
_BINARY = {f: _binary(f) for f in _DIRECT if f.nin == 2}

_add, _radd = _BINARY[np.add]
_sub, _rsub = _BINARY[np.subtract]
_mul, _rmul = _BINARY[np.multiply]
_div, _rdiv = _BINARY[np.divide]
_pow, _rpow = _BINARY[np.power]
_mod, _rmod = _BINARY[np.remainder]
_floordiv, _rfloordiv = _BINARY[np.floor_divide]
_matmul, _rmatmul = _BINARY[np.matmul]
_and, _rand = _BINARY[np.bitwise_and]
_or, _ror = _BINARY[np.bitwise_or]
_xor, _rxor = _BINARY[np.bitwise_xor]
_square, _sqrt, _reciprocal = _UNARY[np.square], _UNARY[np.sqrt], _UNARY[np.reciprocal]


@final
class Tensor(Node):
    """An array of numbers, with the gradient that belongs to it.

    Args:
        data: numbers as `np.array` takes them; copied.
        requires_grad: whether gradients by it are wanted. Needs a floating dtype, real or complex.
        dtype: the dtype, NumPy's own choice by default.

    Raises:
        DTypeError: the data are no numbers, or cannot carry a gradient.
        UnsupportedError: the data are tensors whose gradients would be lost.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4.])
    """

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    def __new__(
        cls, data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None
    ) -> Self:
        if isinstance(data, Tensor):
            _refuse_loss(data, "tensor(...)", "use .detach(), or np.copy(t) to keep its gradients")
            data = data.value
        data = _array(data) if isinstance(data, np.ndarray) else data
        value = np.array(data, dtype=dtype)
        if value.dtype.kind not in "biufc" and not (value.dtype == object and dtype is not None):
            raise DTypeError(
                f"the data have dtype {value.dtype}",
                "a tensor holds numbers",
                "convert the data to numbers first",
            )
        _check_differentiable(value, requires_grad)
        return _leaf(value, bool(requires_grad))

    # What it is.

    @property
    def data(self) -> Any:
        """The values as an array. A leaf's may be written, and assigned: `w.data -= 0.1 * w.grad`.

        While a graph still needs them, you get a copy to write, and the graph keeps its own.
        """
        value = self.value
        if type(value) is _ndarray:
            if self.primitive is not None:
                value.flags.writeable = False
            elif not value.flags.writeable:
                value = self.value = value.copy()
        return value

    @data.setter
    def data(self, data: Any) -> None:
        if self.primitive is not None:
            raise GradientError(
                "data was assigned to a computed tensor",
                "only a leaf has data of its own",
                "make a new tensor, or use .detach()",
            )
        if data is self.value:
            self.number = tick()
            return
        value = np.asarray(data, dtype=self.dtype)
        if value.shape != self.shape:
            raise ShapeError(
                f"data of shape {value.shape} were assigned to a tensor of shape {self.shape}",
                "a leaf keeps its shape",
                "make a new tensor",
            )
        self.value = value
        self.number = tick()

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.value.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the entries."""
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def T(self) -> Tensor:  # noqa: N802  NumPy's name
        """The tensor with its axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Tensor:  # noqa: N802  NumPy's name
        """The tensor with its last two axes swapped."""
        return self.swapaxes(-1, -2)  # type: ignore[no-any-return]

    @property
    def real(self) -> Tensor:
        """The real part."""
        return apply(np.real, (self,), {})  # type: ignore[no-any-return]

    @property
    def imag(self) -> Tensor:
        """The imaginary part."""
        return apply(np.imag, (self,), {})  # type: ignore[no-any-return]

    def item(self, *index: int) -> Any:
        """The value as a Python number; of a tensor with several entries, the one at `index`."""
        return self.value.item(*index)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.value.tolist()

    def numpy(self) -> Any:
        """The values as an array of their own, without gradient."""
        return np.array(self.value)

    def detach(self) -> Tensor:
        """The same values as a constant: no gradient flows through it."""
        return _leaf(self.value)

    # Gradients.

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add to `.grad` of every leaf the gradient of this tensor by it.

        Args:
            gradient: the gradient that arrives here, of this tensor's shape; 1 for a scalar.
            retain_graph: keep the graph for another backward pass.

        Raises:
            GradientError: nothing here requires a gradient, a gradient is missing for a tensor
                that is no scalar, the graph was released, or a leaf was changed since.
            ShapeError: the gradient has another shape.
        """
        if not self.requires_grad:
            raise GradientError(
                "backward() was called on a tensor that does not require a gradient",
                "gradients flow to tensors made with requires_grad=True",
                "make its leaves with requires_grad=True, and compute outside no_grad",
            )
        seed = self._seed(gradient)
        nodes = order(self)
        collected = gradients(self, seed, nodes=nodes)
        for node, g in collected.items():
            node.grad = g if node.grad is None else node.grad + g
        if not retain_graph:
            release(nodes)

    def _seed(self, gradient: Any) -> Any:
        if gradient is None:
            if self.dtype.kind == "c":
                raise GradientError(
                    "backward() was called on a complex tensor",
                    "without a gradient to start from it needs a real scalar",
                    "take np.real or np.abs of it first, or pass gradient=",
                )
            if self.size != 1:
                raise GradientError(
                    f"backward() was called on a tensor of shape {self.shape}",
                    "without a gradient to start from it needs a scalar",
                    "sum or average it first, or pass gradient=, an array of its shape",
                )
            return np.ones(self.shape, self.dtype)[()] if self.ndim else self.dtype.type(1)
        gradient = np.asarray(_raw(gradient))
        if gradient.dtype.kind == "c" and self.dtype.kind != "c":
            raise DTypeError(
                "backward() of a real tensor was given a complex gradient",
                "the gradient by a real number is real",
                "pass np.real of it, or call backward() on a complex tensor",
            )
        gradient = np.asarray(gradient, dtype=self.dtype)
        if gradient.shape != self.shape:
            raise ShapeError(
                f"backward() was given a gradient of shape {gradient.shape}",
                f"it has the shape of the tensor, {self.shape}",
                "pass an array of that shape",
            )
        return gradient[()]

    def retain_grad(self) -> None:
        """Let `backward()` store the gradient of this computed tensor too."""
        self._check_gradient("retain_grad")
        _extras(self).keeps_grad = True

    def register_hook(self, hook: Callable[[Any], Any]) -> Hook:
        """Show the gradient that arrives here to a function, each time a pass computes it.

        Args:
            hook: called with the gradient, an array of this shape (a Tensor where gradients are
                recorded); what it returns takes the gradient's place, None leaves it.

        Returns:
            A handle, whose `.remove()` takes the hook away.

        Raises:
            GradientError: no gradient will arrive here.

        >>> x = Tensor(3.0, requires_grad=True)
        >>> hook = x.register_hook(lambda g: 10 * g)
        >>> (x * x).backward()
        >>> x.grad
        np.float64(60.0)
        """
        self._check_gradient("register_hook")
        return Hook(_extras(self).hooks, hook)

    def _check_gradient(self, asked: str) -> None:
        if not self.requires_grad:
            raise GradientError(
                f"{asked}() was called on a tensor that does not require a gradient",
                "no gradient will arrive here",
                "compute it from tensors made with requires_grad=True",
            )

    # Operators.

    __add__, __radd__ = _add, _radd
    __sub__, __rsub__ = _sub, _rsub
    __mul__, __rmul__ = _mul, _rmul
    __truediv__, __rtruediv__ = _div, _rdiv
    __mod__, __rmod__ = _mod, _rmod
    __floordiv__, __rfloordiv__ = _floordiv, _rfloordiv
    __matmul__, __rmatmul__ = _matmul, _rmatmul
    __and__, __rand__ = _and, _rand
    __or__, __ror__ = _or, _ror
    __xor__, __rxor__ = _xor, _rxor
    __rpow__ = _rpow
    __neg__, __pos__ = _UNARY[np.negative], _UNARY[np.positive]
    __abs__, __invert__ = _UNARY[np.absolute], _UNARY[np.invert]
    __lt__, __le__ = _BINARY[np.less][0], _BINARY[np.less_equal][0]
    __gt__, __ge__ = _BINARY[np.greater][0], _BINARY[np.greater_equal][0]
    __eq__ = _BINARY[np.equal][0]
    __ne__ = _BINARY[np.not_equal][0]

    def __pow__(self, exponent: Any) -> Any:
        # The exponents that NumPy's own operator answers by a faster function.
        if type(exponent) in (int, float) and self.value.dtype.kind in "fc":
            if exponent == 2:
                return _square(self)
            if exponent == 0.5:
                return _sqrt(self)
            if exponent == -1:
                return _reciprocal(self)
        return _pow(self, exponent)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __getitem__(self, key: Any) -> Any:
        return apply(operator.getitem, (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        raise UnsupportedError(
            "a tensor's entries were assigned to",
            "assignment in place is not differentiable",
            "use tg.set_at(x, index, value); a leaf's .data can be written",
        )

    def __isub__(self, other: Any) -> Any:
        return self._updated(self - other)

    def __iadd__(self, other: Any) -> Any:
        return self._updated(self + other)

    def __imul__(self, other: Any) -> Any:
        return self._updated(self * other)

    def __itruediv__(self, other: Any) -> Any:
        return self._updated(self / other)

    def __ipow__(self, other: Any) -> Any:
        return self._updated(self**other)

    def _updated(self, new: Tensor) -> Tensor:
        """Within no_grad a leaf is updated in place; elsewhere the name gets the new value."""
        if self.primitive is None and self.requires_grad and not recording():
            self.data = new.value
            return self
        return new

    # Conversions, as NumPy has them; those that would lose a gradient are refused.

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (part.squeeze(0) for part in pieces(self, range(len(self) + 1), 0))

    def __contains__(self, item: Any) -> bool:
        return bool((self.value == _raw(item)).any())

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        _refuse_loss(self, "float(t)", "use t.item() for the number, or np.log(t) for math.log(t)")
        return float(self.value)

    def __int__(self) -> int:
        _refuse_loss(self, "int(t)", "use t.item()")
        return int(self.value)

    def __complex__(self) -> complex:
        _refuse_loss(self, "complex(t)", "use t.item()")
        return complex(self.value)

    def __index__(self) -> int:
        return operator.index(self.value)

    def __round__(self, digits: int = 0) -> Any:
        return self.round(digits)

    def __format__(self, spec: str) -> str:
        return format(self.value.item(), spec) if spec and not self.ndim else str(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        _refuse_loss(
            self, "converting a tensor to an array",
            "use t.detach() or t.numpy() for the values, np.stack([t, ...]) to join tensors",
        )  # fmt: skip
        return np.array(self.value, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.value), separator=", ", prefix="tensor(")
        if self.dtype not in (np.float64, np.int64, np.bool_):
            text += f", dtype={self.dtype}"
        if self.requires_grad:
            by = "requires_grad=True" if self.primitive is None else f"by={self.primitive.name}"
            text += f", {by}"
        return f"tensor({text})"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and callable(getattr(np, name, None)):
            raise AttributeError(f"a tensor has no method {name!r}; NumPy's function does it: "
                                 f"np.{name}(t)")  # fmt: skip
        if hasattr(np.ndarray, name):
            raise AttributeError(
                f"a tensor lacks {name!r}, which reaches into an array's memory: t.numpy() is one"
            )
        raise AttributeError(f"a tensor has no attribute {name!r}")

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        made = _restored(*self._state())
        made.value, made.grad = copying.copy(made.value), copying.copy(made.grad)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, self._state()

    def _state(self) -> tuple[Any, ...]:
        if self.primitive is not None:
            _refuse_loss(
                self, "copying or pickling a computed tensor", "use t.detach(), or np.copy(t)"
            )
        return self.value, self.requires_grad, self.grad

    # Methods that are NumPy's functions.

    sum, mean, prod = _method(np.sum), _method(np.mean), _method(np.prod)
    var, std = _method(np.var), _method(np.std)
    max, min = _method(np.max), _method(np.min)
    argmax, argmin, argsort = _method(np.argmax), _method(np.argmin), _method(np.argsort)
    cumsum, cumprod = _method(np.cumsum), _method(np.cumprod)
    any, all = _method(np.any), _method(np.all)
    clip, round = _method(np.clip), _method(np.round)
    conj = conjugate = _method(np.conjugate)
    ravel = flatten = _method(np.ravel)
    squeeze, swapaxes = _method(np.squeeze), _method(np.swapaxes)
    repeat, take, diagonal, trace = (
        _method(np.repeat), _method(np.take), _method(np.diagonal), _method(np.trace)
    )  # fmt: skip
    dot, copy, nonzero = _method(np.dot), _method(np.copy), _method(np.nonzero)
    astype = _method(astype)

    def reshape(self, *shape: Any, **options: Any) -> Tensor:
        """`np.reshape` of this tensor, to a shape or to lengths given one by one."""
        return apply(np.reshape, (self, _unpacked(shape)), options)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Tensor:
        """`np.transpose` of this tensor; without axes they are reversed."""
        order = _unpacked(axes) if axes and axes != (None,) else None
        return apply(np.transpose, (self, order), {})  # type: ignore[no-any-return]

    # NumPy's doors.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method == "__call__":
            if not kwargs:
                unary = _UNARY.get(ufunc)
                if unary is not None:
                    return unary(inputs[0])
                binary = _BINARY.get(ufunc)
                if binary is not None:
                    a, b = inputs
                    return binary[0](a, b) if type(a) is Tensor else binary[1](b, a)
            return apply(ufunc, inputs, kwargs)
        return apply(getattr(ufunc, method), inputs, kwargs)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        return apply(function, args, kwargs)


def _unpacked(lengths: tuple[Any, ...]) -> Any:
    return lengths[0] if len(lengths) == 1 else lengths


def _restored(value: Any, requires_grad: bool, grad: Any) -> Tensor:
    made = _leaf(value, requires_grad)
    made.grad = grad
    return made


def _check_differentiable(value: Any, requires_grad: bool) -> None:
    if requires_grad and value.dtype.kind not in "fcO":
        raise DTypeError(
            f"a tensor of dtype {value.dtype} was to require a gradient",
            "only floating-point numbers do, real or complex",
            "convert the data, for example with dtype=float",
        )


def _refuse_loss(x: Tensor, what: str, remedy: str) -> None:
    if x.requires_grad:
        raise UnsupportedError(
            f"{what} was asked of a tensor that requires a gradient", "the gradient would be lost",
            remedy,
        )  # fmt: skip


def tensor(data: Any, requires_grad: bool = False, dtype: DTypeLike | None = None) -> Tensor:
    """A Tensor of the data; the same as calling the class.

    >>> tensor([1, 2])
    tensor([1, 2])
    """
    return Tensor(data, requires_grad, dtype)


def detach(x: Any) -> Any:
    """x as a constant, through which no gradient flows: JAX's `stop_gradient`.

    >>> detach(tensor([1.0], requires_grad=True))
    tensor([1.])
    """
    return x.detach() if isinstance(x, Tensor) else x
