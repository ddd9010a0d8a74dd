"""Losses, functions, convolutions and pooling: compiled, with every option, as uncompiled."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from test_compiled_equality import check_same, outcome

import tinygrad_ce as tg
from tinygrad_ce.programs.compiled import compile

N, K = 4, 3
Make = Callable[[int], Any]


def logits(seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(N, K))


def shares(seed: int) -> Any:
    return np.exp(logits(seed)) / np.sum(np.exp(logits(seed)), -1, keepdims=True)


def logarithms(seed: int) -> Any:
    return np.log(shares(seed))


def units(seed: int) -> Any:
    return np.random.default_rng(seed).uniform(0.01, 0.99, (N, K))


def labels(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, K, N)


def with_ignored(seed: int) -> Any:
    return np.where(np.arange(N) == seed % N, -1, labels(seed))


def answers(seed: int) -> Any:
    return units(seed) > 0.5


WEIGHT = np.array([1.0, 2.0, 0.5])
INDEXED = {tg.cross_entropy: shares, tg.softmax_cross_entropy: logits,
           tg.negative_log_likelihood: logarithms, tg.focal: logits}  # fmt: skip
PLAIN: list[tuple[Any, Make, Make]] = [
    (tg.kl_divergence, shares, shares), (tg.hinge, logits, labels),
    (tg.squared_error, units, units), (tg.mean_squared_error, units, units),
    (tg.huber, logits, logits), (tg.binary_cross_entropy, units, units),
    (tg.binary_cross_entropy, units, answers), (tg.sigmoid_cross_entropy, logits, units),
    (tg.sigmoid_cross_entropy, logits, answers),
]  # fmt: skip
REDUCTIONS = ("mean", "sum", "none")


def options() -> list[Any]:
    found: list[Any] = []
    for (loss, make), target, reduction, weight, check in product(
        INDEXED.items(), (labels, shares, with_ignored), REDUCTIONS, (None, WEIGHT), (True, False)
    ):
        given: dict[str, Any] = {"reduction": reduction, "weight": weight, "check": check}
        if target is with_ignored:
            given["ignore_index"] = -1
        smooth = (0.0, 0.1) if loss in (tg.cross_entropy, tg.softmax_cross_entropy) else ()
        for extra in [{"label_smoothing": s} for s in smooth] or [{}]:
            found.append((loss, make, target, given | extra))
    found += [(*case, {"reduction": r}) for case, r in product(PLAIN, REDUCTIONS)]
    return [pytest.param(*case, id=f"{case[0].__name__}-{i}") for i, case in enumerate(found)]


def pulled(f: Callable[..., Any]) -> Callable[..., Any]:
    """Value and gradients by all arguments."""

    def computed(*xs: Any) -> Any:
        y, pull = tg.vjp(f, *xs)
        n = int(np.prod(np.shape(y)))
        return y, pull(np.linspace(0.5, 1.5, n).reshape(np.shape(y)))

    return computed


def check_points(f: Callable[..., Any], *where: Any) -> None:
    compiled = compile(f)
    for xs in where:
        check_same(outcome(compiled, xs), outcome(f, xs), 200)


@pytest.mark.parametrize(("loss", "make", "target", "given"), options())
def test_losses(loss: Any, make: Make, target: Make, given: Any) -> None:
    """At other targets too, and at wrong ones, which are refused at every call."""

    def f(y: Any, t: Any) -> Any:
        return pulled(lambda y: loss(y, t, **given))(y)

    def elsewhere(seed: int) -> Any:
        return (make(seed), target(seed + 1))

    wrong = (make(6), 5 * target(7) + 1)
    check_points(f, elsewhere(0), elsewhere(2), elsewhere(4), wrong)


FUNCTIONS = (
    "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "log_sigmoid", "softmax",
    "log_softmax", "logsumexp", "erf", "erfc", "erfinv", "entr", "digamma", "lgamma", "logit",
    "xlogy", "xlog1py",
)  # fmt: skip
EDGES = np.array([0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e308, -3, 1e-310, 0.5, 2])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str) -> None:
    n = 2 if name in ("xlogy", "xlog1py") else 1
    some = [tuple(sign * units(seed + i) for i in range(n)) for seed, sign in ((0, 1), (2, -1))]
    check_points(pulled(getattr(tg, name)), *some, (EDGES.reshape(N, K),) * n)


IMAGES = [np.random.default_rng(seed).normal(size=(2, 4, 6, 6)) for seed in range(2)]


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 2), ((1, 2), 1, 2, 1)]
)
def test_convolutions(stride: Any, padding: int, dilation: int, groups: int) -> None:
    w = np.random.default_rng(5).normal(size=(4, 4 // groups, 2, 3))
    b = np.arange(4.0)
    forth = pulled(lambda x, w, b: tg.conv2d(x, w, b, stride, padding, dilation, groups))
    check_points(forth, *((x, w, b) for x in IMAGES))
    back = pulled(
        lambda x, w: tg.conv_transpose2d(x, w, None, stride, padding, 0, groups, dilation)
    )
    check_points(back, *((x, w) for x in IMAGES))


@pytest.mark.parametrize("pool", [tg.max_pool, tg.avg_pool])
@pytest.mark.parametrize("given", [{}, {"stride": 1}, {"padding": 1}])
def test_pooling(pool: Any, given: Any) -> None:
    """With ties, too."""
    f = pulled(lambda x: pool(x, 2, **given))
    check_points(f, *((x,) for x in (*IMAGES, np.round(IMAGES[0]), np.zeros((2, 4, 6, 6)))))


def test_checkpoints() -> None:
    def loss(x: Any, w: Any) -> Any:
        return np.sum(tg.checkpoint(lambda x, w: np.tanh(x @ w) ** 2)(x, w) ** 2)

    where = [(logits(s), logits(s + 1)[:3]) for s in (0, 2)]
    check_points(tg.value_and_grad(loss, (0, 1)), *where)
    check_points(lambda x, w: tg.hvp(loss, (x, w), (x, w)), *where)


def test_jacobian_of_what_is_not_analytic_is_refused_at_every_call() -> None:
    f = tg.jacobian(lambda z: np.where(np.real(z) > 0, z * z, np.conj(z)))
    check_points(f, (np.array([1.0 + 1j, 2.0]),), (np.array([1.0 + 1j, -2.0]),))


@pytest.mark.parametrize("name", ["gammaln", "expit", "ndtr", "j0", "betaln", "xlogy"])
def test_functions_of_scipy(name: str) -> None:
    special = pytest.importorskip("scipy.special")
    n = getattr(special, name).nin
    check_points(pulled(getattr(special, name)), *((units(s), units(s + 1))[:n] for s in (0, 2)))
