"""Functions to functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp.

They take functions of arrays, or of trees of arrays, and nest to any order. Arrays in, arrays
out; where an argument is a Tensor, or a variable from outside takes part, the results are Tensors.

Complex numbers. The gradient of a real f by z = x + iy is `df/dx - i df/dy`, as in JAX and HIPS
autograd; PyTorch's is its conjugate, which is the direction of descent. So to first order
`f(z + v) = f(z) + Re(sum(g * v))`, the gradient of the real part of an analytic function h is h',
and the chain rule needs no conjugates. All other transforms follow from the real inner product
`Re(sum(u * v))`: for a function whose derivative along v is `J v` (J linear over the real numbers),
vjp returns the g with `Re(sum(g * v)) = Re(sum(u * J v))`, jvp `J v`, and hvp the derivative of the
gradient along v. The gradient by a real argument is real.
"""

from collections.abc import Callable
from numbers import Number
from typing import Any

import numpy as np

from tinygrad_ce.arguments import carries
from tinygrad_ce.dispatch import as_array, detached, dispatched, is_array
from tinygrad_ce.errors import DTypeError, GradientError, ShapeError
from tinygrad_ce.graph import gradients, tick
from tinygrad_ce.marks import zeros_of
from tinygrad_ce.mode import Mode
from tinygrad_ce.options import function
from tinygrad_ce.rules.support import astype
from tinygrad_ce.run import Argnums, Run, check_argnums
from tinygrad_ce.tensor import Tensor, leaf
from tinygrad_ce.trees import flatten, map_tree

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


def _check_scalar(y: Any) -> None:
    if not isinstance(y, Number | np.generic) and not hasattr(type(y), "__array_function__"):
        raise GradientError(
            f"f returned {y!r:.80}",
            "grad needs a scalar",
            "let f return a number; with has_aux=True, a pair of it and anything else",
        )
    if isinstance(y, bool | np.bool_):
        raise DTypeError(
            f"f returned {y}",
            "grad needs a real floating-point number",
            "return what the comparison is made of",
        )
    # A tensor's own words: NumPy's questions would go through its doors, at ten times the cost.
    shape = y.shape if isinstance(y, Tensor) else np.shape(y)
    dtype = _dtype(y)
    if shape != ():
        raise GradientError(
            f"f returned shape {shape}",
            "grad needs a scalar",
            "use jacobian, or sum the result",
        )
    if dtype.kind == "c":
        raise DTypeError(
            f"f returned dtype {dtype}",
            "grad needs a real scalar",
            "take np.real, np.imag or np.abs of it, or use vjp or jacobian",
        )
    if dtype.kind not in "fO" and isinstance(y, Tensor):
        raise DTypeError(
            f"f returned dtype {dtype}",
            "grad needs a real floating-point number",
            "return a float",
        )


def _dtype(y: Any) -> Any:
    return y.dtype if isinstance(y, Tensor) else np.result_type(y)


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that returns `(f(*args), gradient)` for a scalar f.

    Args:
        f: a function of arrays or trees of arrays to a scalar.
        argnums: the argument, or arguments, to differentiate by.
        has_aux: f returns `(value, anything)`; then the result is `((value, anything), gradient)`.

    Raises:
        GradientError: f returned no scalar.
        DTypeError: an argument holds integers, or f returned a complex number.

    >>> value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    function("f", f)
    check_argnums(argnums)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, kwargs, argnums)
        value, aux = _pair(run.output) if has_aux else (run.output, None)
        _check_scalar(value)
        found = run.answer(run.pull(value, _one(value)))
        value = run.settle(value)
        return ((value, map_tree(run.settle, aux)) if has_aux else value), found

    return _named("value_and_grad", transformed, f)


def _pair(output: Any) -> Any:
    if isinstance(output, tuple | list) and len(output) == 2:
        return output
    raise GradientError(
        f"f returned {output!r:.80}",
        "with has_aux=True it returns a pair of a number and anything else",
        "let f return (value, anything), or leave has_aux out",
    )


def _named(kind: str, transformed: Callable[..., Any], f: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is called after f and has f's parameters, for those who ask."""
    name = str(getattr(f, "__name__", "f")).replace("<lambda>", "f")
    transformed.__name__ = transformed.__qualname__ = f"{kind}_{name}"
    transformed.__wrapped__ = f  # type: ignore[attr-defined]
    return transformed


def _one(y: Any) -> Any:
    return np.ones((), _dtype(y))[()]


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of a scalar function f.

    Args:
        f: a function of arrays or trees of arrays to a scalar.
        argnums: the argument, or arguments, to differentiate by.
        has_aux: f returns `(value, anything)`; then the result is `(gradient, anything)`.

    Raises:
        GradientError: f returned no scalar.
        DTypeError: an argument holds integers, or f returned a complex number.

    >>> grad(grad(lambda x: x**3))(2.0)
    np.float64(12.0)
    """
    inner = value_and_grad(f, argnums, has_aux)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, found = inner(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return _named("grad", transformed, f)


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f, and the function that pulls a gradient by it back to its arguments.

    Args:
        f: a function of arrays or trees.
        primals: its arguments.

    Returns:
        The value, and a function: of a gradient in the form of the value, it returns the tuple of
        the gradients by the arguments. It may be called again.

    Raises:
        ShapeError: a gradient has another shape than the result.
        DTypeError: a gradient is complex, the result is not.

    >>> value, pull = vjp(lambda x: x * x, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    run = Run(function("f", f), primals, {}, tuple(range(len(primals))))
    outputs, structure = flatten(run.output)

    def pull(cotangent: Any) -> tuple[Any, ...]:
        seeds = _along(run.output, cotangent)
        total = _total(run, outputs, seeds)
        return run.answer(total)  # type: ignore[no-any-return]

    return structure.build([run.settle(y) for y in outputs]), pull


def _total(run: Run, outputs: list[Any], seeds: list[Any]) -> list[Any]:
    """The sum over the results of their gradients by each variable."""
    if len(outputs) != len(seeds):
        raise ShapeError(
            f"{len(seeds)} gradients were given for {len(outputs)} results",
            "each result has one",
            "pass a tree like the result of f",
        )
    total: list[Any] = []
    for y, seed in zip(outputs, seeds, strict=True):
        if np.shape(seed) != np.shape(y):
            raise ShapeError(
                f"a gradient of shape {np.shape(seed)} was given for a result of shape "
                f"{np.shape(y)}",
                "they have the same shape",
                "pass an array of that shape",
            )
        _check_number(seed, "gradient")
        _check_real(seed, y, "gradient", "result")
        if not isinstance(seed, Tensor):
            seed, dtype = as_array(seed), np.result_type(y)
            seed = (seed if seed.dtype == dtype else astype(seed, dtype))[()]
        found = run.pull(y, seed)
        total = [a + b for a, b in zip(total, found, strict=True)] if total else found
    return total


def _check_real(x: Any, of: Any, name: str, owner: str) -> None:
    if np.iscomplexobj(x) and not np.iscomplexobj(of):
        raise DTypeError(
            f"a complex {name} was given for a real {owner}",
            f"the {name} of a real {owner} is real",
            "take np.real of it, or make the function complex by astype(complex)",
        )


def _check_number(x: Any, name: str) -> None:
    dtype = _dtype(x) if is_array(x) else np.asarray(x).dtype
    if dtype.kind not in "biufcO" or x is None:
        raise DTypeError(
            f"{x!r:.80} was given as a {name}",
            f"a {name} is an array of numbers",
            "pass one of its dtype and shape",
        )


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of f, and its derivative along the tangents, exact, by pulling back twice.

    Args:
        f: a function of arrays or trees.
        primals: a tuple of its arguments; a single argument may stand alone.
        tangents: a direction for each, of the same form; real where the argument is.

    Raises:
        ShapeError: a tangent has another shape than its argument.
        DTypeError: a tangent is complex, its argument is not.

    >>> jvp(lambda x: x * x, (np.array([1.0, 2.0]),), (np.array([1.0, 0.5]),))
    (array([1., 4.]), array([2., 2.]))
    """
    function("f", f)
    primals = _arguments(primals)
    directions = _directions(primals, _arguments(tangents))
    run = Run(f, primals, {}, tuple(range(len(primals))))
    outputs, structure = flatten(run.output)
    # Re(sum(pull(u) * t)) = Re(sum(u * J t)): its gradient by u is J t.
    since = tick()
    found = []
    for y in outputs:
        dummy = leaf(zeros_of(detached(y)), True)
        with Mode(True):
            pulled = run.pull(y, dummy, record=True)
            parts = [_product(p, t) for p, t in zip(pulled, directions, strict=True)
                     if carries(p)]  # fmt: skip
            total = sum(parts[1:], parts[0]) if parts else None
        if total is None:
            found.append(np.zeros(np.shape(y), np.result_type(y))[()])
            continue
        nested = run.outside and (run.reaches_outside(total) or carries(directions))
        with Mode(nested):
            one = np.ones((), total.dtype)[()]
            g = gradients(total, one, {dummy}, since=min(since, dummy.number), record=nested)
        found.append(g.get(dummy, np.zeros(dummy.shape, dummy.dtype)))
    values = structure.build([run.settle(y) for y in outputs])
    return values, structure.build([run.settle(g) for g in found])


def _product(a: Any, b: Any) -> Any:
    """The real inner product, Re(sum(a * b))."""
    product = np.sum(a * b)
    return np.real(product) if np.iscomplexobj(product) else product


def _directions(primals: Any, tangents: Any) -> list[Any]:
    """The tangents as a list, one for each leaf of the arguments."""
    points, directions = _along(primals, primals), _along(primals, tangents)
    if [np.shape(t) for t in directions] != [np.shape(x) for x in points]:
        raise ShapeError(
            f"the tangents have shapes {[np.shape(t) for t in directions]}",
            f"they have those of the arguments, {[np.shape(x) for x in points]}",
            "pass a tangent for each argument",
        )
    for t, x in zip(directions, points, strict=True):
        _check_number(t, "tangent")
        _check_real(t, x, "tangent", "argument")
    return directions


def _arguments(x: Any) -> tuple[Any, ...]:
    return x if _is_several(x) else (x,)


def _is_several(x: Any) -> bool:
    """Whether x is a tuple of arguments; a named tuple is one argument, a tree."""
    return isinstance(x, tuple) and not hasattr(x, "_fields")


def _along(tree: Any, other: Any) -> list[Any]:
    """The leaves of another tree in the order of the first one's leaves."""
    found: list[Any] = []
    map_tree(lambda _, leaf: found.append(leaf), tree, other)
    return found


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns all derivatives of f: an array of shape (*result, *argument).

    One backward pass for each entry of the result, two for a complex one. With trees, for each leaf
    of the result a tree like the argument.

    Args:
        f: a function of arrays or trees.
        argnums: the argument, or arguments, to differentiate by.

    By a complex argument z the rows of a real result are its gradients, so that f changes by
    `Re(J v)` along v. A complex result changes by `J v`, where there is such a J: where f satisfies
    the Cauchy-Riemann equations at z. They are checked at every call, to half the digits.

    Raises:
        DTypeError: an argument holds integers, or the complex result is not analytic in it.

    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    function("f", f)
    check_argnums(argnums)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        run = Run(f, args, kwargs, argnums)
        outputs, structure = flatten(run.output)
        for y in outputs:
            _check_number(y, "result")
        return structure.build([run.answer(_rows(run, y)) for y in outputs])

    return _named("jacobian", transformed, f)


def _rows(run: Run, y: Any) -> list[Any]:
    shape = np.shape(y)
    rows = []
    for index in np.ndindex(shape):
        seed = np.zeros(shape, np.result_type(y))
        seed[index] = 1
        row = run.pull(y, seed[()])
        if np.iscomplexobj(y):
            row = list(map(_analytic, row, run.pull(y, 1j * seed[()])))
        rows.append(row)
    if not rows:
        return [np.zeros((*shape, *v.shape), v.dtype) for v in run.variables]
    columns = zip(*rows, strict=True)
    return [
        np.reshape(np.stack([_expanded(g) for g in column]), (*shape, *v.shape))
        for column, v in zip(columns, run.variables, strict=True)
    ]


def _analytic(a: Any, b: Any) -> Any:
    """The row of the jacobian of a complex entry, of the gradients of its real part and of -imag.

    By a real argument it is a - i b. An analytic entry has b = i a.
    """
    if not np.iscomplexobj(a):
        return a - 1j * b
    _check_analytic(detached(a), detached(b))
    return (a - 1j * b) / 2


@dispatched
def _check_analytic(real: Any, imag: Any) -> None:
    """Refuse gradients of the real and of -imag that are not those of an analytic entry."""
    scale = np.max(np.abs(real) + np.abs(imag), initial=0)
    if np.any(np.abs(imag - 1j * real) > np.sqrt(np.finfo(real.dtype).eps) * scale):
        raise DTypeError(
            "a complex result depends on a complex argument and is not analytic in it",
            "then no complex matrix is its derivative",
            "use jvp or hvp, or differentiate by x and y the real and imaginary part of "
            "f(x + 1j * y)",
        )


def _expanded(g: Any) -> Any:
    return as_array(g)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that returns all second derivatives of a scalar f, the jacobian of its gradient.

    By complex arguments that exists only where the gradient is analytic, as for the real part of an
    analytic function; hvp always exists.

    Args:
        f: a function of arrays or trees to a scalar.
        argnums: the argument, or arguments, to differentiate by.

    Returns:
        A function: for an array of shape s it returns one of shape (*s, *s), for a tree in each
        leaf's place a tree.

    Raises:
        GradientError: f returned no scalar.
        DTypeError: an argument holds integers, f returned a complex number, or the gradient by a
            complex argument is not analytic.

    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return _named("hessian", jacobian(grad(f, argnums), argnums), f)


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of a scalar f times a vector, at the cost of a few gradients.

    Args:
        f: a function of arrays or trees to a scalar.
        primals: a tuple of its arguments; a single argument may stand alone.
        tangents: the vector, of the same form; real where the argument is.

    By complex arguments too it is the derivative of the gradient along the vector.

    Raises:
        GradientError: f returned no scalar.
        ShapeError: a tangent has another shape than its argument.
        DTypeError: a tangent is complex, its argument is not; or as grad.

    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    function("f", f)
    points = _arguments(primals)
    directions = _directions(points, _arguments(tangents))
    numbers = tuple(range(len(points)))
    gradient = grad(f, numbers)

    def slope(*arguments: Any) -> Any:
        found = _along(arguments, gradient(*arguments))
        return sum((_product(g, t) for g, t in zip(found, directions, strict=True)), 0.0)

    found = grad(slope, numbers)(*points)
    return found if _is_several(primals) else found[0]
