"""What stands outside the rule table: functions that answer plainly, and those that are refused.

Together with the table they name every public callable of `numpy`, `numpy.linalg`, `numpy.fft`
and `numpy.lib.stride_tricks`, each in one place; `tinygrad_ce/coverage.md` shows them all.
"""

from types import BuiltinMethodType, ModuleType
from typing import TypeAlias

import numpy as np
from numpy.lib import stride_tricks

from tinygrad_ce.rules.kinds import Function

__all__ = ["ANSWERS", "REFUSED", "UNRELATED", "reason"]

Reason: TypeAlias = tuple[str, str]


def _present(name: str, *modules: ModuleType) -> tuple[Function, ...]:
    """What has this name in NumPy or in modules of it, if the version at hand has it."""
    return tuple(vars(m)[name] for m in modules or (np,) if name in vars(m))


# Questions about an array, answered by NumPy on its values.
ANSWERS: frozenset[Function] = frozenset(
    {
        np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type,
        np.common_type, np.iscomplexobj, np.isrealobj, np.allclose, np.array_equal,
        np.array_equiv, np.shares_memory, np.may_share_memory, np.array2string, np.array_repr,
        np.array_str, np.nonzero, np.flatnonzero, np.argwhere, np.einsum_path,
        np.diag_indices_from, np.tril_indices_from, np.triu_indices_from, np.ravel_multi_index,
        np.unravel_index,
    }
)  # fmt: skip

# Functions in which no entry of a tensor has a place: they never reach the engine.
UNRELATED: frozenset[Function] = frozenset(
    {
        # arrays of constants and of places
        np.arange, np.zeros, np.ones, np.full, np.empty, np.eye, np.identity, np.tri, np.indices,
        np.fromfunction, np.bartlett, np.blackman, np.hamming, np.hanning, np.kaiser,
        np.diag_indices, np.tril_indices, np.triu_indices, np.mask_indices, np.ndindex,
        np.broadcast_shapes, np.fft.fftfreq, np.fft.rfftfreq,
        # dtypes and kinds of object
        np.dtype, np.finfo, np.iinfo, np.isdtype, np.issubdtype, np.promote_types,
        np.mintypecode, np.typename, np.isscalar, np.iterable,
        # settings, information, NumPy's own tests
        np.errstate, np.seterr, np.geterr, np.seterrcall, np.geterrcall, np.setbufsize,
        np.getbufsize, np.printoptions, np.set_printoptions, np.get_printoptions, np.info,
        np.get_include, np.show_config, np.show_runtime, np.linalg.LinAlgError,
        *_present("test", np, np.linalg, np.fft),
    }
)  # fmt: skip

_WRITES = "it writes into its argument, which is not differentiable"
_AT = (
    _WRITES,
    "use add_at(x, index, value) for np.add.at, else set_at(x, index, f(x[index], value))",
)

# What is refused: what holds, what to do, and where.
_GROUPS: tuple[tuple[str, str, tuple[Function, ...]], ...] = (
    (_WRITES, "use np.where(mask, new, old), or set_at", (np.copyto, np.putmask)),
    (_WRITES, "use set_at(x, mask, values)", (np.place,)),
    (_WRITES, "use set_at(x.ravel(), places, values), and reshape it", (np.put,)),
    (_WRITES, "use set_at(x, index, values)", (np.put_along_axis,)),
    (_WRITES, "use set_at(x, np.diag_indices(n), values)", (np.fill_diagonal,)),
    (
        "it makes a plain array of its argument, and the gradient would be lost",
        "leave the tensor as it is, join tensors with np.stack or np.concatenate, or pass "
        ".detach() of it",
        (np.array, np.asarray, np.asanyarray, np.asarray_chkfinite, np.ascontiguousarray,
         np.asfortranarray, np.require),
    ),
    (
        "it makes an array of memory, text or Python numbers, which a tensor is not",
        "make a tensor of what it returns, or join tensors with np.stack",
        (np.frombuffer, np.from_dlpack, np.fromiter, np.fromstring, np.ndarray),
    ),
    (
        "it reads memory by steps in bytes, which may pass the array's bounds",
        "use np.lib.stride_tricks.sliding_window_view, or index the tensor",
        (stride_tricks.as_strided,),
    ),
    (
        "a tensor promises no order of its entries in memory",
        "ask it of t.numpy()",
        (np.isfortran,),
    ),
    (
        "a matrix or record has an arithmetic of its own, and the rules are for arrays",
        "use arrays of two dimensions with @ and np.block, and one array per field",
        (np.matrix, np.asmatrix, np.bmat, np.recarray),
    ),
    (
        "it walks through the memory of plain arrays",
        "use a function of whole arrays, or index the tensor; pass .detach() for the values",
        (np.nditer, np.nested_iters, np.ndenumerate, np.flatiter, np.broadcast),
    ),
    (
        "it calls a Python function with one number after the other",
        "call the function with the whole tensor, written with NumPy's functions",
        (np.vectorize, np.frompyfunc, np.ufunc),
    ),
    (
        "a NumPy scalar carries no gradient",
        "use t.astype(dtype), or t.item() for the number",
        tuple({t for t in vars(np).values() if isinstance(t, type) and issubclass(t, np.generic)}),
    ),
    (
        "it reads or writes files",
        "save t.numpy(), and make a tensor of what was loaded",
        (np.save, np.savez, np.savez_compressed, np.savetxt, np.load, np.loadtxt, np.genfromtxt,
         np.fromfile, np.fromregex, np.memmap),
    ),
    (
        "it writes a number as text",
        "pass t.item()",
        (np.base_repr, np.binary_repr, np.format_float_positional, np.format_float_scientific),
    ),
    (
        "it is about dates, and a tensor holds numbers",
        "call it on arrays of datetime64",
        (np.busday_count, np.busday_offset, np.busdaycalendar, np.is_busday,
         np.isnat, np.datetime_as_string, np.datetime_data),
    ),
    (
        "which entries it keeps depends on their values",
        "find the places with np.unique(t.detach(), return_index=True) or np.isin, and read the "
        "tensor there: t[places]",
        (np.intersect1d, np.setdiff1d, np.setxor1d, np.union1d, np.unique_all, np.unique_counts,
         np.unique_inverse, np.unique_values),
    ),
    (
        "its counts do not change with the entries, and its edges follow the extremes alone",
        "count .detach() of the tensor; for weights that carry a gradient use "
        "np.bincount(np.digitize(x, edges), weights)",
        (np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges),
    ),
    (
        "a polynomial object holds plain coefficients",
        "use an array of coefficients with np.polyval, np.polyadd, np.polymul, np.polyder",
        (np.poly1d,),
    ),
    (
        "how many coefficients its remainder has depends on the entries",
        "solve for the quotient with np.linalg.lstsq, and subtract np.polymul of it",
        (np.polydiv,),
    ),
    (
        "it solves by singular values on the way and reports on them",
        "use np.linalg.lstsq(np.vander(x, degree + 1), y)[0]",
        (np.polyfit,),
    ),
    (
        "roots are eigenvalues: complex, in no order, and without derivative where two meet",
        "use np.linalg.eigvals of the companion matrix; from roots to coefficients, np.polymul of "
        "[1, -root] one after the other",
        (np.roots, np.poly),
    ),
    (
        "complex numbers have no order of their own",
        "use np.sort for real numbers, or index by np.argsort of the key you mean",
        (np.sort_complex,),
    ),
    ("later versions of NumPy lack it", "use np.trapezoid", _present("trapz")),
    ("later versions of NumPy lack it", "use np.isin", _present("in1d")),
    ("later versions of NumPy lack it", "use np.vstack", _present("row_stack")),
)  # fmt: skip

REFUSED: dict[Function, Reason] = {
    function: (holds, remedy) for holds, remedy, functions in _GROUPS for function in functions
}


def reason(function: Function) -> Reason:
    """What holds for a function that stands in no table, and what to do instead.

    >>> reason(np.copyto)[0]
    'it writes into its argument, which is not differentiable'
    >>> reason(np.add.at)[0] == reason(np.copyto)[0]
    True
    >>> reason(len)[0]
    'tinygrad_ce has no gradient rule for len'
    """
    if function in REFUSED:
        return REFUSED[function]
    name = str(getattr(function, "__name__", function))
    if isinstance(function, BuiltinMethodType) and isinstance(function.__self__, np.ufunc):
        if name == "at":
            return _AT
        name = f"{function.__self__.__name__}.{name}"
    return (
        f"tinygrad_ce has no gradient rule for {name}",
        "write it with functions that have one, or call it on .detach() of the tensor",
    )
