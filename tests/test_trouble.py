"""Why is it nan, inf or 0: the first value or gradient that went astray is found, and why."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tests.scenes import GRAPHS, classifier
from tinygrad_ce import nn
from tinygrad_ce.graph import gradients, order
from tinygrad_ce.pictures.trouble import Trouble

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 64))
LABELS = RNG.integers(0, 3, 32)


def variable(x: Any, dtype: Any = None) -> Any:
    return tg.tensor(x, requires_grad=True, dtype=dtype)


def by_hand(z: Any) -> Any:
    return np.exp(z) / np.sum(np.exp(z), axis=-1, keepdims=True)


def network(scale: float, bias: float, act: Callable[[Any], Any], out: float = 1.0) -> Any:
    rng = np.random.default_rng(1)
    w1, w2 = variable(rng.normal(size=(64, 10)) * scale), variable(rng.normal(size=(10, 3)) * out)
    h = act(X @ w1 + variable(np.full(10, bias)))
    return tg.softmax_cross_entropy(h @ w2, LABELS)


def clipped(y: Any) -> Any:
    return -np.log(np.clip(y, 1e-7, 1.0))[0]


def scaled(x: Any) -> Any:
    return (variable(x, np.float32) * np.float32(1e-20)) @ variable(np.full(3, 1e20), np.float32)


# (what was computed, kind, direction, index, words of the reason, words of the remedy)
CASES: dict[str, tuple[Callable[[], Any], str, str, Any, str, str]] = {
    "softmax by hand": (
        lambda: tg.cross_entropy(by_hand(variable([[0.0, 1000.0, 3.0]])), [0], check=False),
        "inf", "forward", (0, 1), "exp overflows beyond 709.8", "softmax_cross_entropy",
    ),
    "logarithm of a sum": (
        lambda: np.log(np.sum(np.exp(variable([1.0, 1000.0])))),
        "inf", "forward", (1,), "overflow", "logsumexp",
    ),
    "sigmoid by hand": (
        lambda: (1 / (1 + np.exp(-variable(-1000.0))) - 1) ** 2,
        "inf", "forward", (), "overflow", "sigmoid",
    ),
    "float32": (
        lambda: np.sum(np.exp(variable([1.0, 89.0], np.float32))),
        "inf", "forward", (1,), "float32 ends at 3.403e+38, so exp overflows beyond 88.72", "softm",
    ),
    "0 log 0": (
        lambda: -np.sum(np.array([0.0, 1.0]) * np.log(variable([0.0, 1.0]))),
        "inf", "forward", (0,), "log 0 is -inf", "xlogy",
    ),
    "log 0": (
        lambda: tg.cross_entropy(variable([0.0, 1.0]), 0),
        "inf", "forward", (0,), "log 0 is -inf", "cross_entropy",
    ),
    "log of a negative": (
        lambda: np.sum(np.log(variable([1.0, -2.0]))),
        "nan", "forward", (1,), "the logarithm of a negative number", "softplus",
    ),
    "division": (
        lambda: np.sum(np.ones(3) / variable([1.0, 0.0, 2.0])),
        "inf", "forward", (1,), "division by zero", "np.where(b == 0",
    ),
    "a constant over 0": (
        lambda: 1 / variable(0.0), "inf", "forward", (), "division by zero", "np.where(b == 0",
    ),
    "root of a negative": (
        lambda: np.sum(np.sqrt(variable([4.0, -1.0]))),
        "nan", "forward", (1,), "square root of a negative", "np.var",
    ),
    "broken power": (
        lambda: np.sum(variable([4.0, -1.0]) ** 0.3),
        "nan", "forward", (1,), "to a broken power", "softplus",
    ),
    "negative power of 0": (
        lambda: np.sum(variable([4.0, 0.0]) ** -2.0),
        "inf", "forward", (1,), "division by zero", "np.where",
    ),
    "arcsin": (
        lambda: np.sum(np.arcsin(variable([2.0]))),
        "nan", "forward", (0,), "between -1 and 1", "np.clip",
    ),
    "inf - inf": (
        lambda: np.sum(variable([np.inf]) - np.array([np.inf])),
        "inf", "forward", (0,), "from the start", "logsumexp",
    ),
    "a leaf": (
        lambda: np.sum(2 * variable([1.0, np.nan])),
        "nan", "forward", (1,), "from the start", "learning rate",
    ),
    "data": (
        lambda: np.sum(variable([1.0, 2.0]) * np.array([1.0, np.nan])),
        "nan", "forward", (1,), "a constant", "np.isfinite",
    ),
    "products": (
        lambda: np.sum(variable(np.full((3, 3), 1e200)) @ np.full((3, 3), 1e200)),
        "inf", "forward", (0, 0), "overflow", "scale",
    ),
    "no numbers": (
        lambda: np.mean(variable(np.zeros((0, 3)))),
        "nan", "forward", (), "of no numbers", "empty",
    ),
    "hidden by a mask": (
        lambda: np.sum(tg.softmax(variable(np.ones((2, 2))) + np.full((2, 2), -np.inf))[0]),
        "inf", "forward", (0, 0), "a constant", "at least one entry of each row finite",
    ),
    "root of 0": (
        lambda: np.sum(np.sqrt(variable([4.0, 0.0]))),
        "inf", "backward", (1,), "infinite at 0", "np.linalg.norm",
    ),
    "arccos of 1": (
        lambda: np.sum(np.arccos(variable([0.0, 1.0]))),
        "inf", "backward", (1,), "infinite at -1 and 1", "arctan2",
    ),
    "small power of 0": (
        lambda: np.sum(variable([1.0, 0.0]) ** 0.5),
        "inf", "backward", (1,), "infinite", "np.where",
    ),
    "saturated sigmoid": (
        lambda: np.mean((tg.sigmoid(variable([50.0, 60.0])) - 0.0) ** 2),
        "zero", "backward", (0,), "saturated sigmoid", "sigmoid_cross_entropy",
    ),
    "saturated softmax": (
        lambda: np.sum((tg.softmax(variable([0.0, 1000.0])) - np.array([1.0, 0.0])) ** 2),
        "zero", "backward", (0,), "saturated softmax", "softmax_cross_entropy",
    ),
    "ill-scaled": (
        lambda: network(50.0, 0.0, np.tanh),
        "zero", "backward", (0, 0), "saturated tanh", "begin with 1 / sqrt(64) = 0.125",
    ),
    "dead relu": (
        lambda: network(0.1, -1e3, tg.relu),
        "zero", "backward", (0, 0), "dead relu", "leaky_relu",
    ),
    "zeros to begin with": (
        lambda: network(0.1, 0.0, np.tanh, 0.0),
        "zero", "backward", (0, 0), "are all 0", "small random numbers",
    ),
    "clipped": (
        lambda: clipped(variable([1e-9, 0.5])),
        "zero", "backward", (0,), "clipped", "do not clip",
    ),
    "nothing to learn": (
        lambda: tg.mean_squared_error(variable(np.ones(3)), np.ones(3)),
        "zero", "backward", (0,), "is 0 everywhere", "agree exactly",
    ),
    "square of 0": (
        lambda: variable(0.0) ** 2, "zero", "backward", (), "at 0 is 0", "random",
    ),
    "the other branch": (
        lambda: np.sum(np.where(np.array([True, True]), 1.0, variable([1.0, 2.0]))),
        "zero", "backward", (0,), "other branch", "condition",
    ),
    "masked": (
        lambda: np.sum(variable([1.0, 2.0]) * np.zeros(2)),
        "zero", "backward", (0,), "0 everywhere", "look at",
    ),
    "cancelled": (
        lambda: (lambda x: np.sum(3 * x - x * 3))(variable([1.0, 2.0])),
        "zero", "backward", (0,), "cancels", "does not depend",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_first_trouble_is_found_with_its_reason(name: str) -> None:
    compute, kind, direction, index, reason, remedy = CASES[name]
    found = tg.trouble(compute())
    assert found
    assert (found.kind, found.direction, found.index) == (kind, direction, index)
    assert reason in found.reason
    assert remedy in found.remedy
    assert reason in str(found)
    assert str(found).splitlines()[0].count("\n") == 0


# (what is done wrong, what the remedy says to do, a word of the remedy, where)
CURES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], str, Any]] = {
    "logsumexp by hand": (
        lambda z: np.log(np.sum(np.exp(z))), tg.logsumexp, "logsumexp(", [1.0, 800.0],
    ),
    "logsumexp that underflows": (
        lambda z: np.log(np.sum(np.exp(z))), tg.logsumexp, "logsumexp(", [-1000.0, -900.0],
    ),
    "softmax by hand": (
        lambda z: -np.log((np.exp(z) / np.sum(np.exp(z)))[0]),
        lambda z: tg.softmax_cross_entropy(z, 0), "softmax_cross_entropy(", [1.0, 800.0],
    ),
    "softmax by hand, exponentials kept": (
        lambda z: (lambda e: np.sum(e / np.sum(e) * np.arange(2)))(np.exp(z)),
        lambda z: np.sum(tg.softmax(z) * np.arange(2)), "softmax(", [770.0, 800.0],
    ),
    "softplus by hand": (
        lambda z: np.sum(np.log(1 + np.exp(z))), lambda z: np.sum(tg.softplus(z)), "softplus(",
        [800.0, 1.0],
    ),
    "sigmoid by hand": (
        lambda z: np.sum(1 / (1 + np.exp(-z))), lambda z: np.sum(tg.sigmoid(z)), "use sigmoid(",
        [-800.0, 1.0],
    ),
    "tanh by hand": (
        lambda z: np.sum((np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
        lambda z: np.sum(np.tanh(z)), "np.tanh", [800.0, 1.0],
    ),
    "binary cross-entropy by hand": (
        lambda z: -np.mean(np.array([1.0, 0.0]) * np.log(tg.sigmoid(z))
                           + np.array([0.0, 1.0]) * np.log(1 - tg.sigmoid(z))),
        lambda z: tg.sigmoid_cross_entropy(z, np.array([1.0, 0.0])), "sigmoid_cross_entropy(",
        [-3.0, 50.0],
    ),
    "entropy": (
        lambda p: -np.sum(np.array([0.0, 1.0]) * np.log(p)),
        lambda p: -np.sum(tg.xlogy(np.array([0.0, 1.0]), p)), "xlogy(", [0.0, 1.0],
    ),
    "likelihood as a product": (
        lambda p: np.log(np.prod(p)), lambda p: np.sum(np.log(p)), "np.sum(np.log(p))", [0.1] * 400,
    ),
    "product that underflows": (
        np.prod, lambda p: np.sum(np.log(p)), "np.sum(np.log(p))", [0.1] * 400,
    ),
    "norm by hand": (
        lambda x: np.sqrt(np.sum(x**2)) + np.sum(x), lambda x: np.linalg.norm(x) + np.sum(x),
        "np.linalg.norm", [0.0, 0.0],
    ),
    "standard deviation by hand": (
        lambda x: np.sqrt(np.mean((x - np.mean(x)) ** 2)) + np.sum(x),
        lambda x: np.std(x) + np.sum(x), "np.std", [2.0, 2.0, 2.0],
    ),
    "magnitude by hand": (
        lambda x: np.sum(np.sqrt(x * x)), lambda x: np.sum(np.abs(x)), "np.abs(x)", [0.0, 1.0],
    ),
    "unit vector": (
        lambda x: np.sum(x / np.linalg.norm(x)),
        lambda x: np.sum(x / np.maximum(np.linalg.norm(x), 1e-12)),
        "np.maximum(norm, 1e-12)", [0.0, 0.0],
    ),
    "feature without spread": (
        lambda x: np.sum((x - np.mean(x)) / np.std(x) * np.arange(3) + x),
        lambda x: np.sum((x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5) * np.arange(3) + x),
        "np.sqrt(variance + 1e-5)", [7.0, 7.0, 7.0],
    ),
    "mean of what a mask leaves": (
        lambda x: np.sum(x) / np.sum(np.zeros(2)),
        lambda x: np.sum(x) / np.maximum(np.sum(np.zeros(2)), 1), "np.maximum(count, 1)",
        [1.0, 2.0],
    ),
    "quotient": (
        lambda x: np.sum(x / (x * x - x)),
        lambda x: (lambda b: np.sum(np.where(b == 0, 0, x / np.where(b == 0, 1, b))))(x * x - x),
        "np.where(b == 0", [1.0, 2.0],
    ),
    "sine and cosine": (
        lambda c: np.sum(np.arccos(c)), lambda c: np.sum(np.arctan2(np.sqrt(1 - 0.25), c)),
        "np.arctan2(sine, cosine)", [1.0, 0.5],
    ),
    "exponent that is trained by mistake": (
        lambda p: np.sum(np.array([-2.0]) ** p), lambda p: np.sum(p**2.0), "a plain number", [3.0],
    ),
    "determinant": (
        lambda a: np.log(np.linalg.det(np.diag(a))),
        lambda a: np.linalg.slogdet(np.diag(a))[1], "np.linalg.slogdet", [1e-200, 1e-200],
    ),
    "probabilities into the loss": (
        lambda z: tg.binary_cross_entropy(1.0 * tg.sigmoid(z), np.array([0.0])),
        lambda z: tg.sigmoid_cross_entropy(z, np.array([0.0])), "sigmoid_cross_entropy(", [50.0],
    ),
    "squared error of a sigmoid": (
        lambda z: np.mean((tg.sigmoid(z) - 0.0) ** 2),
        lambda z: tg.sigmoid_cross_entropy(z, np.zeros(2)), "sigmoid_cross_entropy", [50.0, 60.0],
    ),
    "a sum of probabilities": (
        lambda z: np.sum(tg.softmax(z)), lambda z: tg.cross_entropy(tg.softmax(z), 0),
        "cross_entropy", [1.0, 2.0],
    ),
    "scores that are too large": (
        lambda z: np.sum((tg.softmax(z * 100) @ np.array([[1.0], [3.0], [2.0]])) ** 2),
        lambda z: np.sum((tg.softmax(z) @ np.array([[1.0], [3.0], [2.0]])) ** 2),
        "divide them by sqrt", [10.0, -20.0, 40.0],
    ),
    "vectors of equal eigenvalues": (
        lambda x: np.linalg.eigh(np.diag(x))[1][0, 0],
        lambda x: np.sum(np.linalg.eigvalsh(np.diag(x))),
        "np.linalg.eigvalsh", [1.0, 1.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CURES)
def test_the_remedy_cures(name: str) -> None:
    wrong, right, word, x = CURES[name]
    found = tg.trouble(wrong(variable(x)))
    assert found, "no trouble was found"
    assert word in found.remedy, str(found)
    cured = tg.trouble(right(variable(x)))
    assert not cured, str(cured)


# (what was computed, words of the reason, words of the remedy)
REASONS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "a relu that is off hides the weights behind": (
        lambda: (lambda h: np.sum((h @ variable(np.ones((10, 3)))) - 1.0) ** 2)(
            tg.relu(X @ variable(np.ones((64, 10)) * 0.1) - 1e3)
        ),
        "dead relu", "smaller learning rate",
    ),
    "a sigmoid that is near its middle is not saturated": (
        lambda: deep(40, np.float32), "a vanishing gradient: over", "are too small: their standard",
    ),
    "targets that are all ignored": (
        lambda: nn.CrossEntropyLoss()(variable(np.ones((3, 4))), np.full(3, -100)),
        "0 everywhere", "ignored",
    ),
    "float16": (
        lambda: np.sum(variable([300.0, 1.0], np.float16) ** 2),
        "overflow: v0 has entries up to 300, and float16 ends at", "compute in float32",
    ),
    "float16 sum": (
        lambda: np.sum(variable([1000.0] * 100, np.float16)), "100 of them are added", "float32",
    ),
    "product of many": (
        lambda: np.prod(variable(np.full(400, 1e10))), "the product of 400 numbers", "np.log(x)",
    ),
    "rounding": (
        lambda: np.arccos(variable(1.0) * (1 + 1e-15)), "= 1.000000000000001", "np.clip(x, -1, 1)",
    ),
    "inverse of tanh": (
        lambda: np.sum(np.arctanh(variable([1.0, 0.3]))), "infinite at -1 and 1", "np.tanh",
    ),
    "variance": (
        lambda: (lambda x: np.sqrt(np.mean(x**2) - np.mean(x) ** 2))(
            variable([10000.1, 10000.2, 10000.3], np.float32)
        ),
        "squares that cancel but for rounding", "np.var",
    ),
    "mask that hides a row": (
        lambda: np.sum(tg.softmax(np.where([[True], [False]], -np.inf, variable(X[:2])))[0] * X[0]),
        "np.where chose -inf", "at least one entry of each row",
    ),
    "mask that leaves one entry": (
        lambda: np.sum(tg.softmax(variable([1.0, 2.0]) + np.array([0, -np.inf])) * [1.0, 2.0]),
        "one entry that no mask hides", "mask",
    ),
    "inputs of pixels": (
        lambda: tg.softmax_cross_entropy(
            tg.sigmoid((X * 255) @ variable(RNG.normal(size=(64, 10)))) @ variable(X[:10, :3]),
            LABELS,
        ),
        "saturated sigmoid", "normalised inputs",
    ),
    "feature without spread in the data": (
        lambda: np.sum((np.array([[1.0, np.nan], [2.0, np.nan]]) @ variable(np.ones(2))) ** 2),
        "in all of column 1", "standard deviation 0",
    ),
    "the output is right": (
        lambda: tg.softmax_cross_entropy(variable([[1e4, 0.0]]), [0]), "to the last bit", "right",
    ),
    "LoRA": (
        lambda: np.mean((X @ variable(X[:2].T) @ variable(np.zeros((2, 3))) - 1) ** 2),
        "all 0", "small random numbers",
    ),
}  # fmt: skip


def deep(layers: int, dtype: Any) -> Any:
    rng = np.random.default_rng(0)
    h = rng.normal(size=(4, 8)).astype(dtype)
    for _ in range(layers):
        h = tg.sigmoid(h @ variable(rng.normal(size=(8, 8)) * 0.01, dtype))
    return np.mean((h - 1) ** 2)


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_is_the_right_one(name: str) -> None:
    compute, reason, remedy = REASONS[name]
    found = tg.trouble(compute())
    assert reason in found.reason, str(found)
    assert remedy in found.remedy, str(found)


def test_weights_of_zero_that_move_themselves_hold_up_one_step_only() -> None:
    b = variable(np.zeros((2, 3)))
    found = tg.trouble(np.mean((X @ variable(X[:2].T) @ b - 1) ** 2))
    assert "in this step; b does" in found.after
    assert "will not move in this step" not in tg.trouble(network(0.0, 0.0, np.tanh, 0.0)).after


HEALTHY = {name: make for name, make in GRAPHS.items() if name not in ("infinite", "one step")} | {
    "relu": lambda: classifier(lambda: nn.Linear(10, 32), nn.ReLU, lambda: nn.Linear(32, 3)),
    "dropout": lambda: classifier(
        lambda: nn.Linear(10, 32), nn.ReLU, lambda: nn.Dropout(0.9), lambda: nn.Linear(32, 3)
    ),
    "causal mask": lambda: np.sum(
        (tg.softmax(variable(X[:6, :6]) + np.triu(np.full((6, 6), -np.inf), 1)) @ X[:6, :3]) ** 2
    ),
    "short causal mask of finite numbers": lambda: np.sum(
        (tg.softmax(variable(X[:2, :2]) + np.triu(np.full((2, 2), -1e9), 1)) @ X[:2, :3]) ** 2
    ),
    "padding": lambda: np.sum(
        (tg.softmax(variable(X[:2, :8]) + np.where(np.arange(8) > 2, -1e9, 0.0)) @ X[:8, :3]) ** 2
    ),
    "scores that begin at 0": lambda: np.sum(tg.softmax(variable(np.zeros(3))) * np.arange(3)),
    "biases of 0 in a penalty": lambda: (lambda w, b: tg.softmax_cross_entropy(X @ w + b, LABELS)
        + 1e-3 * (np.sum(w**2) + np.sum(b**2)))(variable(X[:3].T), variable(np.zeros(3))),
    "margin": lambda: tg.hinge(variable(X[:8, :3] * 2), LABELS[:8]),
    "regression from 0": lambda: np.mean((X @ variable(np.zeros((64, 1))) - 1) ** 2),
    "half of the gates": lambda: np.mean(tg.sigmoid(variable([100.0, -100.0, 1.0, 2.0]))),
    "unused rows of an embedding": lambda: np.sum(variable(X)[np.array([1, 1, 3])] ** 2),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_no_trouble(name: str) -> None:
    loss = HEALTHY[name]()
    found = tg.trouble(loss)
    assert not found, str(found)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.forgotten = nn.Linear(64, 3), nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return self.used(x)


def test_a_parameter_that_was_forgotten_is_named() -> None:
    model = Net()
    loss = tg.softmax_cross_entropy(model(X.astype(np.float32)), LABELS)
    assert not tg.trouble(loss)
    assert not tg.trouble(loss, wrt=model.used)
    for wrt in (model, model.parameters(), dict(model.named_parameters())):
        found = tg.trouble(loss, wrt=wrt)
        assert (found.kind, found.count, found.size) == ("unreached", 2, 4)
        assert str(found).splitlines()[0] == (
            "no gradient arrives at model.forgotten.weight and model.forgotten.bias"
        )
        assert "no step of the run used it" in found.reason


def cut(how: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    w, other = variable([1.5, 2.5]), variable([1.0, 2.0])
    return w, other, np.sum(how(w) * other)


def without(w: Any) -> Any:
    with tg.no_grad():
        return np.tanh(w)


@pytest.mark.parametrize(
    ("how", "reason"),
    [(lambda w: w.detach(), "shares"), (lambda w: np.tanh(w).detach(), "without a graph"),
     (np.sign, "without a graph"), (np.round, "without a graph"), (without, "without a graph"),
     (lambda w: w.data, "its numbers take part"), (lambda w: 1.0, "no step of the run used it")],
)  # fmt: skip
def test_a_parameter_that_was_cut_off_is_named(how: Any, reason: str) -> None:
    w, other, loss = cut(how)
    found = tg.trouble(loss, wrt={"w": w, "other": other})
    assert found.kind == "unreached"
    assert found.label == "w"
    assert reason.replace("shares", "its numbers take part as the constant") in found.reason
    assert not tg.trouble(loss, wrt=other)
    assert not tg.trouble(loss)


def test_what_requires_no_gradient_is_named() -> None:
    w, z = tg.tensor([1.0, 2.0]), variable([1.0, 2.0])
    assert "does not require a gradient" in tg.trouble(np.sum(w * z), wrt=[w, z]).reason
    assert "plain ndarray" in tg.trouble(np.sum(w.numpy() * z), wrt=[w.numpy()]).reason
    found = tg.trouble(np.sum(np.round(z)), wrt=z)
    assert "the result requires no gradient" in found.reason
    assert "none of the tensors" in tg.trouble(np.sum(w), wrt=w).reason


def test_zeros_of_others_are_no_trouble_of_what_was_asked() -> None:
    a, b = variable(1.0), variable(2.0)
    loss = a**2 + 0.0 * b**2
    assert tg.trouble(loss).kind == "zero"
    assert not tg.trouble(loss, wrt=a)
    assert tg.trouble(loss, wrt=b).kind == "zero"


def test_a_function_is_run_and_its_lines_noted() -> None:
    def compute() -> Any:
        probability = variable([0.0, 1.0])
        return np.sum(np.log(probability))

    found = tg.trouble(compute)
    assert "log(probability)" in str(found)
    assert "return np.sum(np.log(probability))" in str(found)


def test_names_that_are_given_go_first() -> None:
    x = variable([0.0, 1.0])
    assert "log(probability)" in str(tg.trouble(np.sum(np.log(x)), names={"probability": x}))


def attention(scores: Any) -> Any:
    mask = np.triu(np.full((4, 4), -np.inf), 1)
    return np.sum(tg.softmax(scores + mask, axis=-1)[:, 0] ** 2)


@pytest.mark.parametrize("compute", [
    lambda: attention(variable(RNG.normal(size=(4, 4)))),
    lambda: np.sum(np.where(np.array([False, True]), np.log(variable([-1.0, 2.0])), 0.0)),
    lambda: tg.cross_entropy(variable([0.0, 1.0]), np.array([0.0, 1.0])),
    lambda: tg.softmax_cross_entropy(variable([0.0, 1e4]), 0),
    lambda: network(0.1, 0.0, tg.relu),
    lambda: np.sum(variable(np.zeros((0, 3)))),
    lambda: 2 * variable([1.0 + 1.0j, 2.0]),
    lambda: np.sum(np.abs(variable([1.0 + 1.0j, 2.0]))),
    lambda: np.sum(np.linalg.qr(variable(RNG.normal(size=(3, 3))))[1]),
    lambda: np.sum(variable(RNG.normal(size=(100, 100)))[np.arange(50)] ** 2),
    lambda: tg.grad(lambda x: np.sum(x**3))(variable([1.0, 2.0])),
], ids=range(11))  # fmt: skip
def test_where_nothing_went_astray_the_answer_is_false(compute: Callable[[], Any]) -> None:
    found = tg.trouble(compute())
    assert not found, str(found)
    assert str(found).startswith("no trouble: ")


FUNCTIONS: list[Callable[[Any], Any]] = [
    np.exp, np.log, np.sqrt, np.square, np.tanh, np.sin, np.arccos, np.abs, np.negative, tg.relu,
    tg.sigmoid, tg.softmax, tg.logsumexp, np.sum, np.mean, np.cumsum, np.sort, np.log1p,
    np.reciprocal, np.expm1, np.std, np.linalg.norm,
    lambda x: x * x, lambda x: x - x, lambda x: x / x, lambda x: x**1.5, lambda x: 1 / x,
    lambda x: np.where(np.greater(x, 0), x, 0.0), lambda x: np.clip(x, -1, 1), lambda x: 1e3 * x,
    lambda x: x * np.inf, lambda x: x[..., None] @ x[..., None, :] if x.ndim else x,
    lambda x: np.concatenate([x, x]) if x.ndim else x,
]  # fmt: skip
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 0.5, -3.0, 800.0, 1e-300, 1e200, np.inf, np.nan, 40.0])


@settings(deadline=None, max_examples=150)
@given(
    st.lists(NUMBERS, max_size=4),
    st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=5),
    st.sampled_from([np.float64, np.float32]),
)
def test_trouble_is_what_the_engine_meets(xs: Any, path: Any, dtype: Any) -> None:
    x = variable(np.array(xs), dtype)
    with np.errstate(all="ignore"):
        y = x
        for f in path:
            try:
                y = f(y)
            except (ValueError, tg.Error):  # no numbers to take the largest of
                return
            if y.ndim > 3:
                return
        loss = np.sum(y)
    if not loss.requires_grad:
        return
    found = tg.trouble(loss)
    assert str(found).startswith("no trouble") == (not found)
    assert not found or (found.reason and found.remedy and found.label)
    g = gradients(loss, loss.dtype.type(1)).get(x)
    sound = np.isfinite(loss.value) and (g is None or np.isfinite(g).all())
    if not sound:
        assert found.kind in ("nan", "inf")
    elif g is not None and g.size and not g.any():
        assert found.kind == "zero"
    elif g is not None:
        assert found.kind in ("", "zero")
    if found.direction == "forward" and found.kind:
        values = [node.value for node in order(loss)]
        assert any(not np.isfinite(v).all() for v in values) or "constant" in found.reason
    assert x.grad is None
    loss.backward()  # the graph is still there


def test_source_lines_name_the_step() -> None:
    with tg.source_lines():
        x = variable([1.0, 0.0])
        y = np.log(x)
    found = tg.trouble(np.sum(y * np.array([1.0, 0.0])))
    assert found.place is not None
    assert found.place[0].endswith("test_trouble.py")
    assert "y = np.log(x)" in str(found)
    assert f"{found.place[0]}:{found.place[1]}" in str(found)


def test_lines_are_noted_only_while_asked() -> None:
    with tg.source_lines(), tg.source_lines():
        pass
    assert np.log(variable(2.0)).extras is None


def test_lines_of_a_library_function_are_those_of_its_caller() -> None:
    with tg.source_lines():
        loss = tg.cross_entropy(variable([0.0, 1.0]), 0)
    assert "loss = tg.cross_entropy" in str(tg.trouble(loss))


def test_the_users_names_are_used() -> None:
    probability = variable([0.0, 1.0])
    assert "log(probability)" in str(tg.trouble(np.sum(np.log(probability))))


def test_gradients_given_to_begin_with() -> None:
    x = variable([1.0, 2.0])
    assert tg.trouble(x * x, np.array([0.0, 1.0])).kind == ""
    found = tg.trouble(x * x, np.array([np.nan, 1.0]))
    assert (found.kind, found.reason) == ("nan", "the pass began with it")


def test_a_hook_is_named() -> None:
    x = variable([1.0, 2.0])
    x.register_hook(lambda g: g * np.nan)
    assert tg.trouble(np.sum(x * x)).reason == "a hook put it there"


def test_a_constant_has_no_trouble_to_look_for() -> None:
    with pytest.raises(tg.GradientError, match="requires no gradient"):
        tg.trouble(tg.tensor(np.nan))
    x = variable(2.0)
    loss = x * x
    loss.backward()
    with pytest.raises(tg.GradientError, match="released"):
        tg.trouble(loss)


def test_an_answer_is_data() -> None:
    assert not Trouble()
    found = tg.trouble(np.log(variable(0.0)))
    assert found.value == -np.inf
    assert (found.count, found.size, found.label) == (1, 1, "v1")


def test_most_of_a_relu_is_dead() -> None:
    x, w = variable(np.linspace(-1, 0.05, 100)), variable(2.0)
    found = tg.trouble(np.sum(w * tg.relu(x)))
    assert (found.kind, found.count, found.index) == ("zero", 95, (0,))
    assert "dead relu: x <= 0 in 95 of 100 entries" in found.reason
    assert not tg.trouble(np.sum(w * tg.relu(variable(np.linspace(-1, 0.5, 100)))))


def test_a_margin_that_most_examples_keep_is_no_dead_relu() -> None:
    x = variable(np.linspace(-1, 0.05, 100))
    assert not tg.trouble(np.mean(tg.relu(x)))
    found = tg.trouble(np.mean(np.maximum(0, 1 - variable([3.0, 4.0]))))
    assert "every example keeps it" in found.remedy


def test_way_past_a_small_dead_relu_is_no_trouble() -> None:
    x = variable([-1.0, -2.0])
    assert not tg.trouble(np.sum(tg.relu(x) + x))


def test_lines_of_other_threads_are_not_noted() -> None:
    found: list[Any] = []
    x = variable(2.0)
    with tg.source_lines():
        thread = Thread(target=lambda: found.append(np.log(x)))
        thread.start()
        thread.join()
        here = np.log(x)
    assert found[0].extras is None
    assert here.extras.place[0].endswith("test_trouble.py")


def test_an_error_ends_the_noting() -> None:
    with pytest.raises(ZeroDivisionError), tg.source_lines():
        1 / 0  # noqa: B018
    assert np.log(variable(2.0)).extras is None
