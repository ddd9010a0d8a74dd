"""One network three times: backpropagation by hand, by the engine, by a program the engine writes.

    python examples/mlp_by_hand.py            # some seconds; draws mlp_by_hand.png
    python examples/mlp_by_hand.py --quick    # about one second, NumPy alone

The network tells two moons apart. You see its gradient in three columns, digit by digit, and the
NumPy program behind the third. Training by each, side by side, ends in the same weights: to the
bit with 256 points, where dividing by their number rounds nothing, else to a few roundings.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import data

try:
    from matplotlib.figure import Figure
except ImportError:  # only the picture needs it
    Figure = None

HIDDEN, RATE = 16, 1.0

# The network and its loss: x (n, 2) holds points, t (n, 2) a 1 in the column of each point's class.


def logits(w1: Any, b1: Any, w2: Any, b2: Any, x: Any) -> Any:
    h = np.tanh(x @ w1 + b1)
    return h @ w2 + b2


def loss(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, t: Any) -> Any:
    z = logits(w1, b1, w2, b2, x)
    return -np.mean(np.sum(t * tg.log_softmax(z), axis=1))


# 1. By hand: y - t is what softmax and cross-entropy come to, the rest is the chain rule. A bias is
#    a weight on an input that is always 1.
def by_hand(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, t: Any) -> Any:
    n, ones = len(x), np.ones(len(x))
    h = np.tanh(x @ w1 + b1)
    z = h @ w2 + b2
    z = z - np.max(z, axis=1, keepdims=True)  # softmax stays the same, and exp is at most 1
    e = np.exp(z)
    total = np.sum(e, axis=1, keepdims=True)
    y = e / total
    value = -np.mean(np.sum(t * (z - np.log(total)), axis=1))
    dz = (y - t) / n
    dw2, db2 = h.T @ dz, ones @ dz
    da = (dz @ w2.T) * (1 - h * h)  # tanh' = 1 - tanh^2
    dw1, db1 = x.T @ da, ones @ da
    return value, (dw1, db1, dw2, db2)


# 2. The engine: it records what the loss computes, and goes back through the record.
def engine(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, t: Any) -> Any:
    weights = [tg.tensor(w, requires_grad=True) for w in (w1, b1, w2, b2)]
    value = loss(*weights, x, t)
    value.backward()
    return value.item(), tuple(w.grad for w in weights)


# 3. The program: the engine goes there and back once, writes down what it did, and runs that.
@tg.compile
def program(w1: Any, b1: Any, w2: Any, b2: Any, x: Any, t: Any) -> Any:
    return tg.value_and_grad(loss, argnums=(0, 1, 2, 3))(w1, b1, w2, b2, x, t)


WAYS: dict[str, Callable[..., Any]] = {"by hand": by_hand, "engine": engine, "program": program}


def initial() -> list[Any]:
    """Weights that keep the size of what goes through them, biases 0."""
    rng = np.random.default_rng(0)
    w1, w2 = rng.normal(size=(2, HIDDEN)), rng.normal(size=(HIDDEN, 2)) / np.sqrt(HIDDEN)
    return [w1, np.zeros(HIDDEN), w2, np.zeros(2)]


def compare(x: Any, t: Any) -> None:
    """The first entry of each gradient in three columns, and how many entries agree to the bit."""
    found = {way: gradient(*initial(), x, t)[1] for way, gradient in WAYS.items()}
    print(f"1. The gradient before the first step, with {len(x)} points\n")
    print(" " * 12 + "".join(f"{way:>25}" for way in WAYS))
    for k, name in enumerate(("dw1[0, 0]", "db1[0]", "dw2[0, 0]", "db2[0]")):
        print(f"   {name:9}" + "".join(f"{float(g[k].flat[0])!r:>25}" for g in found.values()))
    hand = np.concatenate([g.ravel() for g in found["by hand"]])
    for way in ("engine", "program"):
        other = np.concatenate([g.ravel() for g in found[way]])
        print(f"   {way}: {np.sum(other == hand)} of {len(hand)} entries to the bit as by hand")
        assert np.allclose(other, hand, rtol=1e-12, atol=1e-15)


def train(x: Any, t: Any, steps: int) -> tuple[dict[str, Any], dict[str, Any], list[float]]:
    """Descent by each way: the weights, the losses, and how far apart the weights were by then."""
    weights = dict.fromkeys(WAYS, initial())
    losses, seconds = ({way: [] for way in WAYS} for _ in range(2))
    apart = []
    for _ in range(steps):
        for way, gradient in WAYS.items():
            began = time.perf_counter()
            value, gradients = gradient(*weights[way], x, t)
            seconds[way].append(time.perf_counter() - began)
            weights[way] = [w - RATE * g for w, g in zip(weights[way], gradients)]
            losses[way].append(float(value))
        pairs = (zip(weights[way], weights["by hand"]) for way in WAYS)
        apart.append(max(np.max(np.abs(a - b)) for pair in pairs for a, b in pair))
    found = f"{apart[-1]:.1e} apart" if any(apart) else "the same to the bit after every step"
    print(f"   {len(x)} points, {steps} steps: the weights are {found}")
    for way in WAYS:
        each = f"{np.median(seconds[way]) * 1e6:.0f} microseconds a gradient"
        print(f"      {way:10} loss {losses[way][-1]!r:24}{each:>26}")
    assert apart[-1] < 1e-10
    return weights, losses, apart


def draw(losses: dict[str, Any], apart: dict[str, list[float]]) -> None:
    """The three losses on top of each other, and what rounding does to the weights."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for way, line in zip(losses, (("#56B4E9", 9, "-"), ("#D55E00", 4, "-"), ("black", 1.2, "--"))):
        colour, width, style = line
        left.loglog(losses[way], style, color=colour, linewidth=width, label=way)
    left.set(title="One loss, computed three ways", xlabel="step", ylabel="cross-entropy")
    left.set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], ["0.02", "0.05", "0.1", "0.2", "0.5"])
    left.set_yticks([], minor=True)
    left.legend()
    for (points, values), colour in zip(apart.items(), ("#0072B2", "#D55E00")):
        right.semilogx(np.multiply(values, 1e15), color=colour, linewidth=2, label=points)
    right.set(title="Weights by hand and by the others", xlabel="step")
    right.set(ylabel="largest difference, in 1e-15")
    right.legend()
    figure.savefig("mlp_by_hand.png", dpi=100)
    print("   drawn: mlp_by_hand.png")


def main() -> None:
    """The gradient, the program, training, and how well the network reads unseen points."""
    parser = argparse.ArgumentParser(description="Backpropagation by hand and by the engine.")
    parser.add_argument("--quick", action="store_true", help="fewer steps, no picture")
    quick = parser.parse_args().quick
    if not quick and Figure is None:
        parser.error('the picture needs matplotlib: pip install "tinygrad_ce[pictures]"')
    points = data.moons(1256, noise=0.15)
    (x, c), (unseen, classes) = data.split(*points, test=1000)
    t = np.eye(2)[c]
    compare(x, t)
    print("\n2. The program, as the engine wrote it (with its softmax and log_softmax above)\n")
    source = program.source
    print("   " + source[source.index("def program") :].strip().replace("\n", "\n   "))
    print("\n3. Training, side by side (the program adds the loss up in another order)\n")
    steps = 100 if quick else 3000
    weights, losses, exact = train(x, t, steps)
    rounded = train(x[:250], t[:250], steps)[2]
    read = np.argmax(logits(*weights["by hand"], unseen), axis=1)
    print(f"\n   accuracy on {len(unseen)} unseen points: {np.mean(read == classes):.3f}")
    if not quick:
        assert not any(exact)
        assert np.mean(read == classes) >= 0.98
        draw(losses, {"256 points": exact, "250 points": rounded})


if __name__ == "__main__":
    main()
