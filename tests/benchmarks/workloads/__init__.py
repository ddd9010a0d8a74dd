"""What is timed: nine workloads, as data, with the goals that the project set itself.

`models.py` holds the losses, `by_hand.py` their gradients in plain NumPy, `engines.py` what makes a
step of them in each engine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from . import by_hand, models

__all__ = ["WORKLOADS", "Goals", "Workload"]

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Goals:
    """At most these ratios of time to another engine's, and this first call in milliseconds."""

    hand: float
    jax: float
    torch: float
    first_call: float
    eager_hand: float = 1.25
    eager_torch: float = 1.0


@dataclass(frozen=True)
class Workload:
    """A loss, the data for it, and the update where it trains.

    `make` draws the parameters and the batches, which are taken in turn.
    """

    name: str
    title: str
    dtype: type
    make: Callable[[np.random.Generator], tuple[Arrays, list[tuple[Any, ...]]]]
    goals: Goals
    update: str = ""

    @property
    def loss(self) -> Callable[..., Any]:
        return getattr(models, self.name)

    @property
    def by_hand(self) -> Callable[..., Any]:
        return getattr(by_hand, self.name)

    @property
    def key(self) -> str:
        """The name, with the dtype."""
        return f"{self.name}-{np.dtype(self.dtype).name}"

    def data(self) -> tuple[Arrays, Arrays, list[tuple[Any, ...]]]:
        """Parameters, the update's state, and batches: every time the same numbers anew."""
        parameters, batches = self.make(np.random.default_rng(0))
        p = {k: self._cast(v) for k, v in parameters.items()}
        state: Arrays = {}
        if self.update == "adam":
            state = {k: {n: np.zeros_like(v) for n, v in p.items()} for k in ("first", "second")}
            state["n"] = np.zeros((), self.dtype)
        return p, state, [tuple(map(self._cast, batch)) for batch in batches]

    def _cast(self, x: Any) -> Any:
        return x.astype(self.dtype) if x.dtype.kind == "f" else x


def _layers(rng: np.random.Generator, *sizes: int) -> Arrays:
    """Weights w1, w2, ... and biases b1, b2, ... of dense layers."""
    return {
        name + str(i): rng.normal(size=shape) / np.sqrt(n) if name == "w" else np.zeros(m)
        for i, (n, m) in enumerate(pairwise(sizes), 1)
        for name, shape in (("w", (n, m)), ("b", (m,)))
    }


def _labelled(
    rng: np.random.Generator, n: int, d: int, classes: int, batches: int
) -> Iterator[tuple[Any, Any]]:
    for _ in range(batches):
        yield rng.random((n, d)), rng.integers(0, classes, n)


def _moons(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    """Two half circles that reach into each other, 50 points each."""
    angle = np.linspace(0, np.pi, 50)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    x = np.concatenate([upper, [1, 0.5] - upper]) + 0.1 * rng.normal(size=(100, 2))
    return _layers(rng, 2, 16, 16, 1), [(x, np.repeat([[-1.0], [1.0]], 50, 0))]


def _digits(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    p = {"w": rng.normal(size=(64, 10)) / 8, "b": np.zeros(10)}
    return p, list(_labelled(rng, 128, 64, 10, 14))


def _mlp(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    return _layers(rng, 784, 256, 128, 10), list(_labelled(rng, 128, 784, 10, 4))


def _lenet(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    p = _layers(rng, 400, 120, 84, 10)
    p |= {"k1": rng.normal(size=(6, 1, 5, 5)) / 5, "c1": np.zeros(6)}
    p |= {"k2": rng.normal(size=(16, 6, 5, 5)) / 12, "c2": np.zeros(16)}
    return p, [(rng.normal(size=(32, 1, 28, 28)), rng.integers(0, 10, 32)) for _ in range(4)]


def _recurrent(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    p = {k: rng.normal(size=(64, 64)) / 8 for k in ("wx", "wh")}
    p |= {"b": np.zeros(64), "wo": rng.normal(size=(64, 8)) / 8, "bo": np.zeros(8)}
    return p, [(rng.normal(size=(64, 32, 64)), np.zeros((32, 64)), rng.normal(size=(32, 8)))]


def _gpt_block(rng: np.random.Generator) -> tuple[Arrays, list[tuple[Any, ...]]]:
    p = {k: rng.normal(size=(64, 64)) / 8 for k in ("wq", "wk", "wv", "wo")}
    p |= {"g1": np.ones(64), "c1": np.zeros(64), "g2": np.ones(64), "c2": np.zeros(64)}
    return p | _layers(rng, 64, 256, 64), [tuple(rng.normal(size=(2, 8, 16, 64)))]


f32, f64 = np.float32, np.float64
# fmt: off
WORKLOADS = (
    Workload("chain", "chain of 100 elementwise ops on (10,)", f64,
             lambda rng: ({"x": np.linspace(0.1, 1.0, 10)}, [()]),
             Goals(0.5, 1.7, 0.1, 30, eager_hand=1.8, eager_torch=0.4)),
    *(Workload("moons", "moons MLP 2-16-16-1, 100 points, SGD", dtype, _moons,
               Goals(0.6, 0.6, 0.2, 30, eager_torch=0.4), "sgd") for dtype in (f64, f32)),
    Workload("digits", "digits softmax (128,64)@(64,10), SGD, fresh batches", f64, _digits,
             Goals(0.7, 0.7, 0.25, 30, eager_torch=0.4), "sgd"),
    Workload("mlp", "MLP 784-256-128-10, batch 128, Adam", f32, _mlp,
             Goals(0.52, 1.0, 0.85, 150), "adam"),
    Workload("softmax_loss", "softmax cross-entropy (4096,1000)", f32,
             lambda rng: ({"z": rng.normal(size=(4096, 1000))}, [(rng.integers(0, 1000, 4096),)]),
             Goals(0.6, 1.3, 0.85, 150)),
    *(Workload("elementwise", "12 elementwise ops on 10^6", dtype,
               lambda rng: ({"x": rng.normal(size=10**6)}, [()]), goals)
      for dtype, goals in ((f64, Goals(0.35, 0.9, 0.35, 150)), (f32, Goals(0.57, 1.0, 0.35, 150)))),
    Workload("lenet", "LeNet, 28x28, batch 32, SGD", f32, _lenet,
             Goals(0.45, 1.0, 0.75, 150), "sgd"),
    Workload("recurrent", "RNN 64 steps, batch 32, hidden 64", f32, _recurrent,
             Goals(0.75, 0.75, 0.35, 150)),
    Workload("gpt_block", "micro-GPT block, 64 wide, 4 heads, context 16, batch 8", f32, _gpt_block,
             Goals(0.8, 0.95, 0.4, 150)),
)
# fmt: on
