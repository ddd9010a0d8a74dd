"""Functions on symbols by their definition, where NumPy or our code can do them on numbers alone.

They take arrays of terms, or of terms and numbers, and are written with other functions of those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_ce.errors import UnsupportedError
from tinygrad_ce.functions import (
    digamma,
    entr,
    erf,
    erfc,
    erfinv,
    lgamma,
    log_sigmoid,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    sigmoid,
    softmax,
    softplus,
    xlog1py,
    xlogy,
)
from tinygrad_ce.rules.bessel import i0_derivative, sinc_derivative
from tinygrad_ce.rules.elementwise import signum
from tinygrad_ce.rules.softmax import xlog_softmax
from tinygrad_ce.rules.special import binary_log_loss, sigmoid_log_loss
from tinygrad_ce.rules.support import astype, kept, ratio, spread, weigh
from tinygrad_ce.rules.systems import cofactors
from tinygrad_ce.testing.exact import sympy
from tinygrad_ce.testing.symbols import METHODS, Term, branch_of, expression

__all__ = ["DEFINITIONS", "UFUNCS"]


def _each(function: Callable[..., Any], operands: int = 1) -> Callable[..., Any]:
    """A function of expressions as one of arrays."""

    def one(*terms: Any) -> Any:
        return Term(function(*map(expression, terms)), branch_of(*terms))

    universal: Callable[..., Any] = np.frompyfunc(one, operands, 1)
    return universal


def _answer(function: Callable[[Any], bool]) -> Callable[[Any], Any]:
    """A question about each entry."""
    universal = np.frompyfunc(lambda x: bool(function(expression(x))), 1, 1)
    return lambda x: np.asarray(universal(x.entries), dtype=bool)[()]


def _softmax(z: Any, axis: Any = -1) -> Any:
    e = np.exp(z)
    return e / np.sum(e, axis=axis, keepdims=True)


def _logsumexp(z: Any, axis: Any = -1, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(z), axis=axis, keepdims=keepdims))


def _log_softmax(z: Any, axis: Any = -1) -> Any:
    return z - _logsumexp(z, axis, True)


def _sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _softplus(z: Any) -> Any:
    return np.log(1 + np.exp(z))


def _copysign(a: Any, b: Any) -> Any:
    return np.where(np.less(b, 0), -np.abs(a), np.abs(a))


def _sinc(x: Any) -> Any:
    return sympy.sin(sympy.pi * x) / (sympy.pi * x)


def _derivative(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """The n-th derivative of a function of one expression."""

    def derived(x: Any, n: int) -> Any:
        z = sympy.Dummy()
        formula = sympy.diff(function(z), z, n)
        return _each(lambda e: formula.subs(z, e))(x)

    return derived


def _result_type(*args: Any) -> Any:
    return np.result_type(*(getattr(x, "dtype", x) for x in args))


def _matrices(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SymPy's matrices as one of single matrices."""

    def of_matrix(a: Any, *others: Any) -> Any:
        arrays = [np.asarray(x, dtype=object) for x in (a, *others)]
        if any(x.ndim > 2 for x in arrays):
            raise UnsupportedError(
                "a stack of matrices was given", "a proof takes one matrix at a time",
                "give f the shape of one matrix",
            )  # fmt: skip
        branch = branch_of(*(x for array in arrays for x in array.flat))
        found = function(*(sympy.Matrix(np.vectorize(expression, otypes=[object])(x).tolist())
                           for x in arrays))  # fmt: skip
        if not isinstance(found, sympy.MatrixBase):
            return Term(found, branch)
        made = np.empty(found.shape, object)
        for index in np.ndindex(*found.shape):
            made[index] = Term(found[index], branch)
        return made.reshape(arrays[-1].shape) if others else made

    return of_matrix


# Ufuncs that know no object arrays, or none with numbers among the terms.
UFUNCS: dict[Any, Callable[..., Any]] = {
    **{getattr(np, name): _each(f, f.__code__.co_argcount) for name, f in METHODS.items()},
    np.fmod: lambda a, b: a - b * np.trunc(a / b),
    np.isnan: _answer(lambda x: x is sympy.nan),
    np.isinf: _answer(lambda x: x.is_infinite),
    np.isfinite: _answer(lambda x: x is not sympy.nan and not x.is_infinite),
    np.signbit: lambda x: np.less(x, 0),
    np.float_power: np.power,
    np.copysign: _copysign,
    np.logaddexp: lambda a, b: np.log(np.exp(a) + np.exp(b)),
    np.logaddexp2: lambda a, b: np.log2(np.exp2(a) + np.exp2(b)),
    np.heaviside: lambda x, h: np.where(np.equal(x, 0), h, np.greater(x, 0)),
}

# fmt: off
# Functions by their definition, where their code is for floating-point numbers.
DEFINITIONS: dict[Any, Callable[..., Any]] = {
    softmax:          _softmax,
    log_softmax:      _log_softmax,
    logsumexp:        _logsumexp,
    xlog_softmax:     lambda t, z, axis=-1: t * _log_softmax(z, axis),
    sigmoid:          _sigmoid,
    log_sigmoid:      lambda z: -_softplus(-z),
    softplus:         _softplus,
    logit:            lambda y: np.log(y / (1 - y)),
    xlogy:            lambda x, y: x * np.log(y),
    xlog1py:          lambda x, y: x * np.log(1 + y),
    entr:             lambda x: -x * np.log(x),
    binary_log_loss:  lambda y, t: -(t * np.log(y) + (1 - t) * np.log(1 - y)),
    sigmoid_log_loss: lambda z, t: _softplus(z) - t * z,
    erf:              _each(lambda x: sympy.erf(x)),
    erfc:             _each(lambda x: 1 - sympy.erf(x)),
    erfinv:           _each(lambda x: sympy.erfinv(x)),
    lgamma:           _each(lambda x: sympy.loggamma(x)),
    digamma:          _each(lambda x: sympy.digamma(x)),
    polygamma:        _each(lambda n, x: sympy.polygamma(n, x), 2),
    ratio:            lambda x, y: x / y,
    weigh:            lambda w, x: w * x,
    signum:           np.sign,
    astype:           lambda x, dtype: x.astype(dtype),
    spread:           lambda g, shape, axis=None, keepdims=False:
                      np.broadcast_to(kept(g, axis, keepdims), shape),
    np.result_type:   _result_type,
    np.linalg.inv:    _matrices(lambda a: a.inv()),
    np.linalg.det:    _matrices(lambda a: a.det()),
    cofactors:        _matrices(lambda a: a.cofactor_matrix()),
    np.linalg.solve:  _matrices(lambda a, b: a.LUsolve(b)),
    np.sinc:          _each(lambda x: _sinc(x)),
    sinc_derivative:  _derivative(lambda x: _sinc(x)),
    np.i0:            _each(lambda x: sympy.besseli(0, x)),
    i0_derivative:    _derivative(lambda x: sympy.besseli(0, x)),
}
# fmt: on
