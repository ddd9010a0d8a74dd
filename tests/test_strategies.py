"""Each promise of the strategies is a property; each shrinks to what one would write oneself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_ce as tg
from tinygrad_ce.testing.strategies import (
    Layer,
    Pair,
    alike,
    arrays,
    away_from,
    broadcastable_arrays,
    conditioned,
    edge,
    labels,
    logits,
    one_hot,
    positive,
    probabilities,
    programs,
    soft_targets,
    spd_matrices,
    trees,
)
from tinygrad_ce.trees import flatten, leaves

ROOT = Path(__file__).parents[1]
KINDS = [np.float16, np.float32, np.float64]
DTYPES = st.sampled_from(KINDS)
FIND = settings(max_examples=2000, derandomize=True, database=None)
AXES = st.integers(-3, 2)
SHAPES = hnp.array_shapes(min_dims=3, max_dims=3, max_side=4)
OF_A_SHAPE = [arrays, positive, probabilities, one_hot, soft_targets, logits]
SIMPLEX = [probabilities, one_hot, soft_targets]


def gaps(x: Any) -> Any:
    return np.diff(np.sort(x, axis=None))


def occurs(strategy: Any, condition: Any) -> Any:
    """A draw for which the condition holds; an error if there is none."""
    return find(strategy, condition, settings=settings(FIND, phases=[Phase.generate]))


def simplest(strategy: Any, condition: Any = lambda x: True) -> Any:
    return find(strategy, condition, settings=FIND)


@pytest.mark.parametrize("strategy", OF_A_SHAPE)
@given(data=st.data(), shape=SHAPES, kind=DTYPES)
def test_shape_and_dtype_are_those_asked_for(
    strategy: Any, data: Any, shape: Any, kind: Any
) -> None:
    x = data.draw(strategy(shape, dtype=kind))
    assert x.shape == shape
    assert x.dtype == kind


@pytest.mark.parametrize("strategy", OF_A_SHAPE)
@given(data=st.data())
def test_shape_and_dtype_may_be_strategies(strategy: Any, data: Any) -> None:
    x = data.draw(strategy(SHAPES, dtype=DTYPES))
    assert x.ndim == 3
    assert x.dtype in KINDS


@pytest.mark.parametrize("strategy", OF_A_SHAPE)
@given(data=st.data())
def test_arrays_may_be_written_to(strategy: Any, data: Any) -> None:
    x = data.draw(strategy(3))
    assert x.flags.writeable
    assert x.flags.c_contiguous


@given(arrays(dtype=st.sampled_from([*KINDS, np.complex64, np.complex128])))
def test_arrays_are_distinct_moderate_and_away_from_0(x: Any) -> None:
    parts = np.array([x.real, x.imag] if np.iscomplexobj(x) else [x])
    assert np.unique(x).size == x.size
    assert np.all((np.abs(parts) >= 0.25) & (np.abs(parts) <= 4))


@given(arrays())
def test_entries_of_arrays_are_a_step_apart(x: Any) -> None:
    assert np.all(gaps(x) >= 2.0**-7)


@given(arrays(elements=conditioned()))
def test_conditioned_numbers_are_moderate_and_away_from_0(x: Any) -> None:
    assert np.all((np.abs(x) >= 0.25) & (np.abs(x) <= 4))


def test_too_many_distinct_entries_are_refused() -> None:
    with pytest.raises(tg.ShapeError, match="its 963 entries are to be distinct, out of 962"):
        find(arrays(963), lambda x: True)


@given(st.data())
def test_empty_and_0d_arrays_are_drawn(data: Any) -> None:
    assert data.draw(arrays((0, 3))).shape == (0, 3)
    assert data.draw(arrays(())).shape == ()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", ["0", "-0", "subnormal", "tiny", "max", "-max", "eps", "above 1", "below 1", "1"]
)
def test_edges_occur(kind: Any, name: str) -> None:
    info = np.finfo(kind)
    condition = {
        "0": lambda x: x == 0 and not np.signbit(x),
        "-0": lambda x: x == 0 and np.signbit(x),
        "subnormal": lambda x: x == info.smallest_subnormal,
        "tiny": lambda x: x == info.tiny,
        "max": lambda x: x == info.max,
        "-max": lambda x: x == -info.max,
        "eps": lambda x: x == info.eps,
        "above 1": lambda x: x == 1 + info.eps,
        "below 1": lambda x: x == 1 - info.epsneg,
        "1": lambda x: x == 1,
    }[name]
    occurs(edge(kind), condition)


@given(arrays(dtype=np.float32, elements=edge(np.float32)))
def test_edges_are_finite_unless_asked_for(x: Any) -> None:
    assert np.all(np.isfinite(x))


@pytest.mark.parametrize("kind", KINDS)
def test_infinities_and_nan_occur_on_request(kind: Any) -> None:
    assert occurs(edge(kind, infinite=True), lambda x: x == -np.inf).dtype == kind
    assert occurs(edge(kind, nan=True), np.isnan).dtype == kind


@given(arrays(elements=edge(infinite=True)))
def test_nan_is_asked_for_by_itself(x: Any) -> None:
    assert not np.any(np.isnan(x))


@given(positive())
def test_positive_is_positive(x: Any) -> None:
    assert np.all(x >= 0.25)


@given(away_from([0.0, 1.5], 0.1))
def test_kinks_and_ties_are_kept_away_from(x: Any) -> None:
    assert np.all(np.abs(x) >= 0.1)
    assert np.all(np.abs(x - 1.5) >= 0.1)
    assert np.all(gaps(x) >= 0.1)


@given(away_from([], 1.0, 3, largest=8.0))
def test_without_kinks_only_ties_are_kept_away_from(x: Any) -> None:
    assert np.all(gaps(x) >= 1)
    assert np.all(np.abs(x) <= 8)


@given(away_from([0.0], 2.0))
def test_few_numbers_make_short_arrays(x: Any) -> None:
    assert x.ndim == 1
    assert np.all(np.isin(x, [-4, -2, 2, 4]))


def test_no_number_far_enough_away_is_an_error() -> None:
    with pytest.raises(tg.ShapeError, match="out of 0 numbers"):
        find(away_from([0.0], 8.0), lambda x: True, settings=FIND)


@given(away_from(range(-4, 5)))
def test_differences_do_not_see_the_jumps(x: Any) -> None:
    np.testing.assert_array_equal(np.floor(x - 2.0**-6), np.floor(x + 2.0**-6))


@given(broadcastable_arrays(3))
def test_broadcastable_arrays_broadcast_and_have_no_ties(xs: Any) -> None:
    np.broadcast_shapes(*(x.shape for x in xs))
    entries = np.concatenate([x.ravel() for x in xs])
    assert np.unique(entries).size == entries.size


@pytest.mark.parametrize(
    "way",
    [
        lambda a, b: a.ndim == 0 < b.ndim,
        lambda a, b: a.ndim < b.ndim,
        lambda a, b: a.ndim == b.ndim == 2 and a.shape[0] == 1 < b.shape[0],
        lambda a, b: a.shape[-1:] == (1,) and b.shape[-1:] == (3,),
        lambda a, b: a.size == 0,
    ],
)
def test_every_way_to_broadcast_occurs(way: Any) -> None:
    occurs(broadcastable_arrays(2, min_side=0), lambda pair: way(*pair))


@given(broadcastable_arrays(signature="(m,n),(n,k)->(m,k)", dtype=np.float32))
def test_signature_gives_the_core_axes(pair: Any) -> None:
    assert np.matmul(*pair).dtype == np.float32


@pytest.mark.parametrize("strategy", SIMPLEX)
@given(data=st.data(), axis=AXES, kind=DTYPES)
def test_points_of_the_simplex_sum_to_1(strategy: Any, data: Any, axis: int, kind: Any) -> None:
    p = data.draw(strategy(axis=axis, dtype=kind))
    assert np.all((p >= 0) & (p <= 1))
    n = p.shape[axis]
    assert 2 <= n <= 5
    off = np.abs(np.sum(p.astype(np.float64), axis=axis) - 1)
    assert np.all(off <= n / 2 * np.finfo(kind).eps)


@given(probabilities())
def test_probabilities_are_interior(p: Any) -> None:
    assert np.all(p.max(-1) <= 100.001 * p.min(-1))


@given(probabilities((2, 3), zeros=True))
def test_probabilities_with_zeros_sum_to_1(p: Any) -> None:
    np.testing.assert_allclose(p.sum(-1), 1, rtol=1e-15)


def test_zeros_occur_beside_other_numbers() -> None:
    p = simplest(probabilities(3, zeros=True), lambda p: np.count_nonzero(p == 0) == 1)
    np.testing.assert_array_equal(np.sort(p), [0, 0.5, 0.5])


@given(st.data(), AXES)
def test_one_hot_has_one_1(data: Any, axis: int) -> None:
    t = data.draw(one_hot(axis=axis))
    assert np.all((t == 0) | (t == 1))
    assert np.all(t.sum(axis) == 1)


def test_soft_targets_are_of_every_kind() -> None:
    targets = soft_targets(3)
    occurs(targets, lambda t: t[1] == 1)
    occurs(targets, lambda t: np.count_nonzero(t) == 2)
    occurs(targets, lambda t: np.all(t > 0) and t[0] < 0.05)


@given(alike(logits, labels, shape=(4, 2, 3)), AXES)
def test_labels_have_the_shape_without_classes(pair: Any, axis: int) -> None:
    z, t = pair
    assert t.shape == (4, 2)
    assert t.dtype == np.int64
    assert np.all((t >= 0) & (t < 3))
    tg.softmax_cross_entropy(z, t, check=False)


@given(st.data(), AXES)
def test_labels_are_along_any_axis(data: Any, axis: int) -> None:
    t = data.draw(labels((4, 2, 3), axis, np.int32))
    assert t.shape == np.sum(np.zeros((4, 2, 3)), axis).shape
    assert t.dtype == np.int32
    assert np.all(t < (4, 2, 3)[axis])


@given(logits())
def test_logits_are_distinct_unless_asked_for(z: Any) -> None:
    assert np.all(gaps(z) >= 2.0**-5)
    assert np.all(np.abs(z) <= 16)


@pytest.mark.parametrize(("least", "expected"), [(1, [0, 0, 1]), (2, [0, 0, 0])])
def test_ties_occur(least: int, expected: Any) -> None:
    z = simplest(logits(3, ties=True), lambda z: np.count_nonzero(gaps(z) == 0) == least)
    np.testing.assert_array_equal(np.sort(z), expected)


def test_ties_are_frequent() -> None:
    found = []

    @given(logits((4,), ties=True))
    def draws(z: Any) -> None:
        found.append(np.any(gaps(z) == 0))

    draws()
    assert np.mean(found) > 0.25


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_extremes_occur(ties: bool, kind: Any) -> None:
    z = occurs(
        logits(2, dtype=kind, ties=ties, extreme=True), lambda z: z[0] == 1e4 and z[1] == -1e4
    )
    assert z.dtype == kind


@given(st.data(), AXES)
def test_masks_leave_something_of_every_row(data: Any, axis: int) -> None:
    z = data.draw(logits((2, 3, 4), axis, masks=True))
    assert np.all(np.isfinite(z).any(axis))
    assert not np.any(z == np.inf)


def test_masks_occur_anywhere() -> None:
    for k in range(3):
        occurs(logits(3, masks=True), lambda z, k=k: np.isinf(z[k]))
        occurs(logits(3, masks=True), lambda z, k=k: np.isfinite(z[k]) and np.isinf(z).sum() == 2)


def test_rows_of_masks_occur_on_request() -> None:
    occurs(logits((2, 3), masked_rows=True), lambda z: np.isinf(z).all(-1).any())


@given(spd_matrices(condition=50.0))
def test_condition_is_bounded(a: Any) -> None:
    np.testing.assert_array_equal(a, a.T)
    w = np.linalg.eigvalsh(a)
    assert w[0] > 1 - 1e-12
    assert w[-1] < 50 * (1 + 1e-12)


def test_matrices_off_the_diagonal_occur() -> None:
    occurs(spd_matrices((3, 3)), lambda a: np.linalg.cond(a) > 50 and np.all(np.abs(a) > 0.1))


@given(spd_matrices((2, 5, 5), distinct=True))
def test_distinct_eigenvalues_are_apart(a: Any) -> None:
    w = np.linalg.eigvalsh(a)
    assert np.all(np.diff(w, axis=-1) > 1e-3)
    assert np.all(w < 100 * (1 + 1e-12))


@pytest.mark.parametrize("shape", [(3,), (2, 3), 3])
def test_matrices_that_are_not_square_are_refused(shape: Any) -> None:
    with pytest.raises(tg.ShapeError, match="square"):
        find(spd_matrices(shape), lambda a: True)


@given(trees())
def test_leaves_of_trees_are_arrays(tree: Any) -> None:
    found, structure = flatten(tree)
    assert 1 <= len(found) <= 5
    assert all(isinstance(leaf, np.ndarray) for leaf in found)
    assert type(structure.build(found)) is type(tree)


@pytest.mark.parametrize("kind", [np.ndarray, dict, list, tuple, Pair, Layer])
def test_trees_of_every_kind_occur(kind: type) -> None:
    occurs(trees(), lambda tree: type(tree) is kind)


def test_trees_within_trees_occur() -> None:
    occurs(trees(), lambda tree: type(tree) is dict and Layer in map(type, tree.values()))


@given(trees())
def test_gradients_of_trees_are_trees(tree: Any) -> None:
    g = tg.grad(lambda t: sum(np.sum(x**2) for x in leaves(t)))(tree)
    assert type(g) is type(tree)
    for found, x in zip(leaves(g), leaves(tree), strict=True):
        np.testing.assert_array_equal(found, 2 * x)


@given(programs())
def test_programs_print_what_they_compute(p: Any) -> None:
    names: dict[str, Any] = {"np": np, "tg": tg}
    exec(repr(p), names)
    xs = [names[f"x{i}"] for i in range(len(p.leaves))]
    assert all(x.dtype == y.dtype and x.shape == y.shape for x, y in zip(xs, p.point()))
    np.testing.assert_array_equal(names["f"](*xs), p(*p.point()))


@given(programs())
def test_programs_have_finite_values(p: Any) -> None:
    assert np.all(np.isfinite(p(*p.point())))


@given(programs(analytic=True))
def test_analytic_programs_take_complex_numbers(p: Any) -> None:
    xs = p.point()
    assume(all(x.dtype == np.float64 for x in xs))
    y = p(*(x.astype(complex) for x in xs))
    np.testing.assert_allclose(np.real(y), p(*xs), rtol=1e-6, atol=1e-9)


def test_programs_shrink_to_one_line_of_simple_numbers() -> None:
    p = simplest(programs(), lambda p: len(p.lines) > 0)
    assert p.lines == ("np.sin(x0)",)
    assert [leaf.value.tolist() for leaf in p.leaves] == [1.0]


def test_programs_share_values() -> None:
    occurs(programs(), lambda p: sum("v0" in line for line in (*p.lines, p.result)) > 1)


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (arrays(), [1]),
        (arrays(2), [1, -1]),
        (arrays(2, elements=conditioned()), [1, 1]),
        (arrays(2, elements=edge()), [0, 0]),
        (positive(2), [1, 2]),
        (away_from([0.0]), [1]),
        (away_from([1.0], shape=2), [0, -1]),
        (probabilities(), [0.5, 0.5]),
        (probabilities(zeros=True), [1, 0]),
        (one_hot(), [1, 0]),
        (soft_targets(), [1, 0]),
        (labels(2), 0),
        (logits(), [0, 1]),
        (logits(ties=True, extreme=True, masks=True), [0, 0]),
        (spd_matrices(), [[1]]),
        (trees(), [1]),
    ],
)
def test_the_simplest_example_is_simple(strategy: Any, expected: Any) -> None:
    np.testing.assert_array_equal(simplest(strategy), expected)


@pytest.mark.parametrize(
    ("strategy", "condition", "expected"),
    [
        (arrays(), lambda x: x.size > 2, [1, -1, 2]),
        (arrays(1), lambda x: np.any(x < -2), [-3]),
        (probabilities(), lambda p: p.max() > 0.9, [0.9090909090909091, 0.09090909090909091]),
        (logits(), lambda z: np.argmax(z) == 0, [1, 0]),
        (logits(ties=True, extreme=True), lambda z: z.max() > 100, [0, 1e4]),
    ],
)
def test_failures_shrink_to_simple_arrays(strategy: Any, condition: Any, expected: Any) -> None:
    found = simplest(strategy, condition)
    np.testing.assert_array_equal(np.sort(found), np.sort(expected))


def test_the_type_of_a_tensor_draws_tensors() -> None:
    program = (
        "import tinygrad_ce.testing.entry\n"
        "import numpy as np\n"
        "import tinygrad_ce as tg\n"
        "from hypothesis import find, settings, strategies as st\n"
        "def f(x: tg.Tensor): return x\n"
        "steady = settings(max_examples=2000, derandomize=True, database=None)\n"
        "x = find(st.builds(f), lambda x: x.size > 1, settings=steady)\n"
        "print(x.requires_grad, x.detach().numpy())\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.split("\n")[0] == "True [ 1. -1.]", done.stderr


@pytest.mark.parametrize("kind", [int, bool])
@pytest.mark.parametrize(
    "strategy", [arrays, positive, away_from, probabilities, logits, spd_matrices]
)
def test_floats_are_not_cut_to_integers(strategy: Any, kind: type) -> None:
    """Probabilities that are all 0 would be no probabilities."""
    made = strategy([0.0], dtype=kind) if strategy is away_from else strategy(dtype=kind)
    with pytest.raises(tg.DTypeError, match="were asked for"):
        find(made, lambda x: True, settings=FIND)


@pytest.mark.parametrize("kind", [int, complex])
def test_edges_are_of_real_floats(kind: type) -> None:
    with pytest.raises(tg.DTypeError, match="were asked for"):
        edge(kind)


@pytest.mark.parametrize("strategy", [probabilities, one_hot, labels, logits])
@pytest.mark.parametrize(("shape", "axis"), [((), -1), ((2, 3), 2), ((2, 3), -3)])
def test_classes_lie_along_an_axis_that_is_there(strategy: Any, shape: Any, axis: int) -> None:
    with pytest.raises(tg.ShapeError, match="none of its axes"):
        find(strategy(shape, axis), lambda x: True, settings=FIND)


@pytest.mark.parametrize("distance", [0.0, -1.0, np.nan])
def test_a_distance_is_positive(distance: float) -> None:
    with pytest.raises(tg.Error, match="positive distance"):
        away_from([0.0], distance)


def test_one_kink_needs_no_list() -> None:
    np.testing.assert_array_equal(simplest(away_from(1.0, 0.5)), [0])


def test_numpys_integers_are_shapes() -> None:
    assert simplest(arrays(np.int64(3))).shape == (3,)
