"""The coverage table: every public callable of NumPy in one class, and each class true."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import stride_tricks

import tinygrad_ce as tg
from tinygrad_ce import coverage
from tinygrad_ce.rules import outside
from tinygrad_ce.rules.outside import ANSWERS, REFUSED, UNRELATED, reason

ROOT = Path(__file__).parents[1]
PUBLIC: dict[str, Any] = {
    f"{module.__name__}.{name}": function
    for module in coverage.MODULES
    for name, function in coverage.names(module).items()
}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_callable_is_in_one_class(name: str) -> None:
    assert len(coverage.classes(PUBLIC[name])) == 1


def test_every_ufunc_is_in_one_class() -> None:
    ufuncs = {n for n, f in PUBLIC.items() if isinstance(f, np.ufunc)}
    assert len(ufuncs) > 90
    assert {n for n in ufuncs if len(coverage.classes(PUBLIC[n])) != 1} == set()


def test_no_function_has_two_reasons() -> None:
    grouped = [f for *_, functions in outside._GROUPS for f in functions]
    assert len(grouped) == len(set(grouped)) == len(REFUSED)


def test_reasons_are_parts_of_a_message() -> None:
    """`Error` puts the full stops."""
    words = [part for why in REFUSED.values() for part in why]
    assert all(part and not part.endswith(".") for part in words)


# Tensors for every call: numbers, whole numbers from 0 to 2, a square matrix.
T = tg.tensor([0.5, 2.0, 1.0], requires_grad=True)
M = tg.tensor([[2.0, 1.0, 0.5], [1.0, 3.0, 0.0], [0.5, 0.0, 1.0]], requires_grad=True)
S = tg.tensor(2.0, requires_grad=True)
PLACES = np.array([0, 1, 2])


def zeros() -> Any:
    return np.zeros(3)


def file() -> Any:
    return io.BytesIO()


# Refused at NumPy's doors, with the words of `outside.py`.
AT_THE_DOOR: dict[Any, Callable[[], Any]] = {
    np.copyto: lambda: np.copyto(zeros(), T),
    np.fill_diagonal: lambda: np.fill_diagonal(M, 1.0),
    np.place: lambda: np.place(zeros(), PLACES > 0, T),
    np.put: lambda: np.put(zeros(), PLACES, T),
    np.put_along_axis: lambda: np.put_along_axis(zeros(), PLACES, T, 0),
    np.putmask: lambda: np.putmask(zeros(), PLACES > 0, T),
    np.add.at: lambda: np.add.at(zeros(), PLACES, T),
    np.save: lambda: np.save(file(), T),
    np.savez: lambda: np.savez(file(), T),
    np.savez_compressed: lambda: np.savez_compressed(file(), T),
    np.savetxt: lambda: np.savetxt(file(), T),
    np.busday_count: lambda: np.busday_count(T, T),
    np.busday_offset: lambda: np.busday_offset(T, T),
    np.is_busday: lambda: np.is_busday(T),
    np.isnat: lambda: np.isnat(T),
    np.datetime_as_string: lambda: np.datetime_as_string(T),
    np.histogram: lambda: np.histogram(T),
    np.histogram2d: lambda: np.histogram2d(T, T),
    np.histogramdd: lambda: np.histogramdd([T]),
    np.histogram_bin_edges: lambda: np.histogram_bin_edges(T),
    np.poly: lambda: np.poly(T),
    np.polydiv: lambda: np.polydiv(T, T),
    np.polyfit: lambda: np.polyfit(PLACES, T, 1),
    np.roots: lambda: np.roots(T),
    np.intersect1d: lambda: np.intersect1d(T, T),
    np.setdiff1d: lambda: np.setdiff1d(T, zeros()),
    np.setxor1d: lambda: np.setxor1d(T, zeros()),
    np.union1d: lambda: np.union1d(zeros(), T),
    **{
        f: lambda f=f: f(T)
        for f in (np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values)
    },
    np.sort_complex: lambda: np.sort_complex(T),
}
# Refused where the tensor would be turned into an array or a number.
CONVERTED: dict[Any, Callable[[], Any]] = {
    **{
        f: lambda f=f: f(T)
        for f in (np.array, np.asarray, np.asanyarray, np.asarray_chkfinite, np.ascontiguousarray,
                  np.asfortranarray, np.require, stride_tricks.as_strided, np.broadcast)
    },
    np.ndenumerate: lambda: list(np.ndenumerate(T)),
    np.vectorize: lambda: np.vectorize(lambda x: 2 * x)(T),
    np.frompyfunc: lambda: np.frompyfunc(lambda x: 2 * x, 1, 1)(T),
    np.base_repr: lambda: np.base_repr(S),
    np.format_float_positional: lambda: np.format_float_positional(S),
    np.format_float_scientific: lambda: np.format_float_scientific(S),
    **{
        t: lambda t=t: t(S)
        for t in REFUSED
        if isinstance(t, type) and issubclass(t, np.number) and t in np.sctypeDict.values()
        and not issubclass(t, np.timedelta64)
    },
}  # fmt: skip
# Refused by NumPy itself: a tensor is no memory, no Python integer, no writable array.
BY_NUMPY: dict[Any, Callable[[], Any]] = {
    np.frombuffer: lambda: np.frombuffer(T),
    np.from_dlpack: lambda: np.from_dlpack(T),
    np.fromiter: lambda: np.fromiter(T, float),
    np.fromstring: lambda: np.fromstring(T, sep=" "),
    np.ndarray: lambda: np.ndarray(2, buffer=T),
    np.isfortran: lambda: np.isfortran(T),
    np.nditer: lambda: np.nditer(T),
    np.nested_iters: lambda: np.nested_iters([T, T], [[0], []]),
    np.binary_repr: lambda: np.binary_repr(S),
    np.fill_diagonal: lambda: np.fill_diagonal(np.zeros((3, 3)), T),
}


@pytest.mark.parametrize("function", AT_THE_DOOR, ids=lambda f: f.__name__)
def test_refused_function_raises(function: Any) -> None:
    with pytest.raises(tg.UnsupportedError):
        AT_THE_DOOR[function]()


@pytest.mark.parametrize("function", AT_THE_DOOR, ids=lambda f: f.__name__)
def test_refused_function_says_why(function: Any) -> None:
    with pytest.raises(tg.UnsupportedError) as caught:
        AT_THE_DOOR[function]()
    assert caught.value.args[1:] == reason(function)


@pytest.mark.parametrize("function", CONVERTED, ids=lambda f: f.__name__)
def test_conversion_to_numbers_is_refused(function: Any) -> None:
    with pytest.raises(tg.UnsupportedError, match="gradient"):
        CONVERTED[function]()


@pytest.mark.parametrize("function", BY_NUMPY, ids=lambda f: f.__name__)
def test_numpy_itself_takes_no_tensor(function: Any) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        BY_NUMPY[function]()


def test_every_refused_function_that_dispatches_is_tried() -> None:
    dispatching = {f for f in REFUSED if type(f) is type(np.copyto)} - {vars(np).get("in1d")}
    assert dispatching <= AT_THE_DOOR.keys()


def test_at_writes_so_it_is_refused_for_every_ufunc() -> None:
    assert reason(np.subtract.at)[0] == reason(np.put)[0]


ASKED: dict[Any, Callable[[Any, Any], Any]] = {
    **{
        f: lambda x, m, f=f: f(x)
        for f in (np.shape, np.ndim, np.size, np.min_scalar_type, np.common_type, np.iscomplexobj,
                  np.isrealobj, np.array2string, np.array_repr, np.array_str, np.nonzero,
                  np.flatnonzero, np.argwhere)
    },
    **{
        f: lambda x, m, f=f: f(x, x)
        for f in (np.result_type, np.allclose, np.array_equal, np.array_equiv, np.shares_memory,
                  np.may_share_memory)
    },
    **{
        f: lambda x, m, f=f: f(m)
        for f in (np.diag_indices_from, np.tril_indices_from, np.triu_indices_from)
    },
    np.can_cast: lambda x, m: np.can_cast(x.dtype, np.float32),
    np.einsum_path: lambda x, m: np.einsum_path("ij,jk,k->i", m, m, x)[0],
    np.ravel_multi_index: lambda x, m: np.ravel_multi_index((np.astype(x, int),), (3,)),
    np.unravel_index: lambda x, m: np.unravel_index(np.astype(x, int), (3, 3)),
}  # fmt: skip


def test_every_question_is_asked() -> None:
    assert ASKED.keys() == ANSWERS


@pytest.mark.parametrize("function", ASKED, ids=lambda f: f.__name__)
def test_questions_are_answered_as_for_the_values(function: Any) -> None:
    found, expected = ASKED[function](T, M), ASKED[function](T.numpy(), M.numpy())
    np.testing.assert_equal(found, expected)
    assert not isinstance(found, tg.Tensor)


NUMBERS: list[Callable[[], Any]] = [
    lambda: np.arange(S), lambda: np.arange(0, S), lambda: np.zeros(S), lambda: np.ones(S),
    lambda: np.full(3, S), lambda: np.full(3, T), lambda: np.empty(S), lambda: np.eye(S),
    lambda: np.identity(S), lambda: np.indices((S,)), lambda: np.bartlett(S),
    lambda: np.blackman(S), lambda: np.hamming(S), lambda: np.hanning(S), lambda: np.kaiser(3, S),
    lambda: np.tril_indices(S), lambda: np.triu_indices(S), lambda: np.diag_indices(S),
    lambda: np.broadcast_shapes((S,)),
]  # fmt: skip


@pytest.mark.parametrize("call", NUMBERS)
def test_no_variable_slips_into_a_constant(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


def test_functions_without_operands_do_not_dispatch() -> None:
    assert {f for f in UNRELATED if type(f) is type(np.copyto) or isinstance(f, np.ufunc)} == set()


def test_document_names_every_callable() -> None:
    text = coverage.document()
    missing = {n for n in PUBLIC if f"`{n.split('.')[-1]}`" not in text}
    assert missing - {"numpy.lib.stride_tricks.as_strided"} == set()


def test_document_in_the_package_is_the_commands_output() -> None:
    kept = (ROOT / "tinygrad_ce" / "coverage.md").read_text(encoding="utf-8")
    made = coverage.document()
    if kept.splitlines()[0] != made.splitlines()[0]:
        pytest.skip(f"it is of another version: {kept.splitlines()[0]}")
    if not hasattr(np, "float128"):
        pytest.skip("this machine's NumPy has other scalar types")
    assert kept == made, "python -m tinygrad_ce.coverage > tinygrad_ce/coverage.md"


def test_command_prints_the_document() -> None:
    command = [sys.executable, "-W", "error", "-m", "tinygrad_ce.coverage"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == coverage.document()
