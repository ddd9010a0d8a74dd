"""Tensor: a NumPy array that remembers how it was computed.

Operators and methods, and NumPy's functions through its two protocols (NEP 13 and NEP 18), all
lead to `apply`, which looks the function up in the rule table, computes it on plain arrays, and
records the result when one of its operands requires a gradient. What a Tensor is besides stands
in `array.py` (what can be read off it) and `variable.py` (its gradient).
"""

from __future__ import annotations

import copy as copying
import numbers
import operator
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Self, final

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.arguments import (
    PLAIN,
    as_operand,
    bound,
    carries,
    check_known,
    in_dtype,
    is_convertible,
    values_of,
)
from tinygrad_ce.array import refuse_loss
from tinygrad_ce.dispatch import is_array, is_plain
from tinygrad_ce.errors import DTypeError, TraceError, UnsupportedError
from tinygrad_ce.graph import Node, extras_of, tick
from tinygrad_ce.locks import lock
from tinygrad_ce.mode import blocks, recording
from tinygrad_ce.rules.joining import pieces
from tinygrad_ce.rules.kinds import Kept, Several
from tinygrad_ce.rules.outside import ANSWERS, reason
from tinygrad_ce.rules.support import astype, output
from tinygrad_ce.rules.table import FUSED, TABLE, Primitive, late
from tinygrad_ce.variable import Variable, check_differentiable

__all__ = ["Tensor", "apply", "detach", "leaf", "recorded", "tensor"]

_new = object.__new__
_ndarray = np.ndarray
_EMPTY: dict[str, Any] = {}
_FUSIBLE = {inner for _, pairs in FUSED.values() for inner in pairs}


def leaf(value: Any, requires_grad: bool = False) -> Tensor:
    """A Tensor that nothing made, of an array that is taken as it is."""
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
    """A computed Tensor from which gradients go on; the arguments are `Node`'s attributes."""
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
        return leaf(value)

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
            return leaf(value)
        if type(b) not in PLAIN:
            return _other(a, b, False)
        x = a.value
        value = call(x, b)
        if a.requires_grad and left and (not blocks() or recording()):
            operands, args = (a, b), (x, b)
            plain = type(b) is _ndarray
            held = _locks(operands, args) if plain or a.primitive is None else None
            return recorded(value, primitive, operands, args, _EMPTY, (a,), left, held)
        return leaf(value)

    def reflected(b: Tensor, a: Any) -> Any:
        if type(a) not in PLAIN:
            return _other(b, a, True)
        y = b.value
        value = call(a, y)
        if b.requires_grad and right and (not blocks() or recording()):
            operands, args = (a, b), (a, y)
            plain = type(a) is _ndarray
            held = _locks(operands, args) if plain or b.primitive is None else None
            return recorded(value, primitive, operands, args, _EMPTY, (b,), right, held)
        return leaf(value)

    def _other(tensor: Tensor, other: Any, swap: bool) -> Any:
        """Numbers and sequences that NumPy takes as arrays; anything else may know better."""
        known = isinstance(other, numbers.Number | np.generic | list | tuple | range | np.ndarray)
        if not known and not is_convertible(other) and not is_array(other):
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
        args, kwargs = bound(primitive, args, kwargs)
        if "dtype" in kwargs and isinstance(function, np.ufunc) and primitive.rules:
            args, kwargs = in_dtype(primitive, args, kwargs)
    if function in FUSED and not kwargs:
        fused = _fused(primitive, args)
        if fused is not None:
            return fused
    if primitive.composed is not None and not (primitive.rules and all(map(_is_numpys, args))):
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
        elif kind not in PLAIN:
            if i < n:
                operands[i] = a = as_operand(a)
            raw[i] = values_of(a)
            if i >= n and kind in (list, tuple, slice):
                operands[i] = raw[i]  # a list could be changed before the rule sees it
            if carries(a):
                variables.append(i)
    parameters = values_of(kwargs) if kwargs else kwargs
    live = n and (variables or (kwargs and carries(kwargs))) and recording()
    if live:
        check_known(primitive, args, kwargs, n)
    if live and primitive.keeping is not None:
        value, onward = primitive.keeping(*raw, **parameters)
        rule: Any = Kept(onward, primitive.rules[0])
        return _made(value, primitive, operands, raw, parameters, operands[:1], (rule,))
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
        made.locks = _locks(operands, raw)
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
        if type(value) is not _ndarray and not is_array(value):
            value = np.asarray(value)[()]
        if value.dtype.kind in "mM":
            raise DTypeError(
                f"{primitive.name} of a tensor that requires a gradient made dtype {value.dtype}",
                "no gradient flows through times and dates",
                "divide them by np.timedelta64(1, 's') or another unit first",
            )
        if value.dtype.kind not in "fcO":
            return leaf(value)  # integers do not follow their operands smoothly
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


def _is_numpys(x: Any) -> bool:
    """Whether x is NumPy's own, alone or in a tensor: no array of another kind."""
    x = getattr(x, "value", x)
    return is_plain(x) or not is_array(x)


def _composed(
    primitive: Primitive, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """A function written with others; where no gradient is needed, NumPy's own."""
    if not recording() or not (carries(args) or carries(kwargs)):
        return _wrapped(primitive.call(*values_of(args), **values_of(kwargs)))
    check_known(primitive, args, kwargs, 0)
    if args and not carries(args[0]):
        with suppress(ValueError, TraceError):  # arrays of several shapes, or not known yet
            args = (as_operand(args[0]), *args[1:])
    return _wrapped(function(*args, **kwargs))


def _apply_each(
    primitive: Primitive, each: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    if not args:
        raise TypeError(f"np.{primitive.name} takes its first argument by position")
    if each.form is not None:
        args = each.form(args)
    if each.after_first:
        operands = [args[0], *map(as_operand, args[1:])]
        items = operands[1:]
    else:
        items = [as_operand(a) for a in args[0]]
        operands = [items, *args[1:]]
    flowing = [i for i, a in enumerate(items) if carries(a)]
    live = (flowing or carries(args[1:]) or carries(kwargs)) and recording()
    if live:
        check_known(primitive, args, kwargs, len(args) if each.after_first else 1)
    raw, parameters = [values_of(a) for a in operands], values_of(kwargs)
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
    if function is None or (inner.parents and not _is_open(inner)):
        return None
    if inner.parents:
        sources = inner.operands
    elif inner.requires_grad:  # made as a constant, and a leaf since: the gradient ends here
        return None
    else:  # a constant, though its operands may be variables, as after no_grad
        sources = inner.args
    made = apply(function, (*args[:place], *sources, *args[place + 1 :]), inner.parameters)
    if made.parents and inner.requires_grad:
        extras_of(made).aside = (outer, args, inner)
    return made


def _is_open(inner: Tensor) -> bool:
    """Whether a step may go past a variable to its operands: no hook stands in the way, and they
    are as they were."""
    if inner.extras is not None and inner.extras.hooks:
        return False
    return all(getattr(x, "value", x) is arg for x, arg in zip(inner.operands, inner.args))


def _unlisted(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A question is answered; a function without a rule computes if no gradient is lost by it."""
    if function in ANSWERS:
        return function(*values_of(args), **values_of(kwargs))
    if recording() and (carries(args) or carries(kwargs)):
        raise UnsupportedError(
            f"{Primitive(function, None).name} was called on a tensor that requires a gradient",
            *reason(function),
        )
    return _wrapped(function(*values_of(args), **values_of(kwargs)))


def _wrapped(value: Any) -> Any:
    if type(value) is not Tensor and is_array(value):
        return leaf(value)
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
class Tensor(Variable):
    """An array of numbers, with the gradient that belongs to it.

    Args:
        data: numbers as `np.array` takes them; copied.
        requires_grad: whether gradients by it are wanted. Needs a floating dtype, real or complex.
        dtype: the dtype, NumPy's own choice by default.

    Attributes:
        grad: the array that `backward()` adds gradients to, None before; set it to None to begin
            anew.
        requires_grad: as above; of a leaf it may be set.

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
            refuse_loss(data, "tensor(...)", "use .detach(), or np.copy(t) to keep its gradients")
            data = data.value
        data = as_operand(data) if isinstance(data, np.ndarray) else data
        hold = getattr(type(data), "held", None)  # an array that stays of its kind
        value = hold(data, dtype) if hold else np.array(data, dtype=dtype)
        if value.dtype.kind not in "biufc" and not (value.dtype == object and dtype is not None):
            raise DTypeError(
                f"the data have dtype {value.dtype}",
                "a tensor holds numbers",
                "convert the data to numbers first",
            )
        check_differentiable(value, requires_grad)
        return leaf(value, bool(requires_grad))

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

    def detach(self) -> Tensor:
        """The same values as a constant: no gradient flows through it."""
        return leaf(self.value)

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

    # Other forms of it.

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return (part.squeeze(0) for part in pieces(self, range(len(self) + 1), 0))

    def __round__(self, digits: int = 0) -> Any:
        return self.round(digits)

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
            refuse_loss(
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
                    made = binary[0](a, b) if type(a) is Tensor else binary[1](b, a)
                    if made is NotImplemented:
                        _check_stranger(ufunc, b if type(a) is Tensor else a)
                    return made
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


def _check_stranger(ufunc: np.ufunc, x: Any) -> None:
    """Refuse an operand that is no array, and does not know better itself."""
    if not hasattr(type(x), "__array_ufunc__"):
        raise UnsupportedError(
            f"np.{ufunc.__name__} was called with a {type(x).__name__}",
            "operands are tensors, arrays and numbers",
            "make an array of numbers of it first",
        )


def _unpacked(lengths: tuple[Any, ...]) -> Any:
    return lengths[0] if len(lengths) == 1 else lengths


def _restored(value: Any, requires_grad: bool, grad: Any) -> Tensor:
    made = leaf(value, requires_grad)
    made.grad = grad
    return made


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
