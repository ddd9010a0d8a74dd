"""What recording costs: `python tests/benchmarks/engine.py` prints times and ratios.

The ratio to hand-written NumPy always, to PyTorch's eager mode (one thread) where it is installed.
Rounds are interleaved, and medians compared, since machines are noisy.
"""

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from timing import ROUNDS, interleaved, pin_threads, ratio, seconds

import tinygrad_ce as tg

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(1)


def chain(v: Any, tanh: Callable[[Any], Any]) -> Any:
    """75 small operations and a sum."""
    for _ in range(15):
        v = tanh(v * 1.01 + 0.5) * v
        v = v - 0.1
    return v.sum()


def chain_by_hand(x: Any) -> Any:
    """The same, forward and backward, written by hand."""
    tape = []
    v = x
    for _ in range(15):
        h = np.tanh(v * 1.01 + 0.5)
        tape.append((v, h))
        v = h * v - 0.1
    v.sum()
    g = np.ones_like(x)
    for v, h in reversed(tape):
        g = g * h + g * v * (1 - h * h) * 1.01
    return g


RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 2))
T = RNG.normal(size=(100, 1))
SHAPES = [(2, 16), (16,), (16, 16), (16,), (16, 1), (1,)]
W = [RNG.normal(size=shape) * 0.5 for shape in SHAPES]


def mlp(x: Any, t: Any, w: list[Any], tanh: Callable[[Any], Any]) -> Any:
    """The loss of a 2-16-16-1 network."""
    h = tanh(x @ w[0] + w[1])
    h = tanh(h @ w[2] + w[3])
    e = h @ w[4] + w[5] - t
    return (e * e).mean()


def mlp_by_hand(x: Any, t: Any, w: list[Any]) -> list[Any]:
    """Its gradients, by hand."""
    a = np.tanh(x @ w[0] + w[1])
    b = np.tanh(a @ w[2] + w[3])
    e = b @ w[4] + w[5] - t
    (e * e).mean()
    g = e * (2 / len(x))
    gb = (g @ w[4].T) * (1 - b * b)
    ga = (gb @ w[2].T) * (1 - a * a)
    return [x.T @ ga, ga.sum(0), a.T @ gb, gb.sum(0), b.T @ g, g.sum(0)]


def workloads() -> dict[str, dict[str, Callable[[], Any]]]:
    """For each workload, the same step in each system."""
    x = np.linspace(0.1, 1.0, 10)
    xt = tg.tensor(x, requires_grad=True)
    ws = [tg.tensor(w, requires_grad=True) for w in W]
    w_numpy = [w.copy() for w in W]

    def ours_chain() -> None:
        xt.grad = None
        chain(xt, np.tanh).backward()

    def ours_mlp() -> None:
        mlp(X, T, ws, np.tanh).backward()
        for w in ws:
            w.data -= 0.01 * w.grad
            w.grad = None

    def hand_mlp() -> None:
        for w, g in zip(w_numpy, mlp_by_hand(X, T, w_numpy), strict=True):
            w -= 0.01 * g

    found = {
        "chain of 76 operations on (10,)": {"ours": ours_chain, "numpy": lambda: chain_by_hand(x)},
        "2-16-16-1 tanh network, 100 points": {"ours": ours_mlp, "numpy": hand_mlp},
    }
    if torch is not None:
        xp = torch.tensor(x, requires_grad=True)
        wp = [torch.tensor(w, requires_grad=True) for w in W]
        xs, ts = torch.tensor(X), torch.tensor(T)

        def torch_chain() -> None:
            xp.grad = None
            chain(xp, torch.tanh).backward()

        def torch_mlp() -> None:
            mlp(xs, ts, wp, torch.tanh).backward()
            with torch.no_grad():
                for w in wp:
                    w -= 0.01 * w.grad
                    w.grad = None

        for steps, step in zip(found.values(), (torch_chain, torch_mlp), strict=True):
            steps["torch"] = step
    return found


def record_cost() -> None:
    """What recording a product adds to NumPy's own call."""
    x = np.linspace(0.1, 1.0, 10)
    t = tg.tensor(x, requires_grad=True)
    y = t * 1.0
    pairs = [(seconds(lambda: y * y, 5000), seconds(lambda: x * x, 5000)) for _ in range(ROUNDS)]
    ours, raw = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{'record of a product on (10,)':38s} {1e9 * (ours - raw):7.0f} ns over NumPy's "
          f"{1e9 * raw:.0f} ns")  # fmt: skip


def import_cost() -> None:
    """What `import tinygrad_ce` adds to `import numpy`, in fresh interpreters with bytecode."""
    code = (
        "import time; import numpy; began = time.perf_counter(); import tinygrad_ce; "
        "print(time.perf_counter() - began)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = [sys.executable, "-c", code]
    times = [
        float(subprocess.run(run, env=environment, capture_output=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    print(f"{'import':38s} {1e3 * statistics.median(times):7.1f} ms over that of NumPy")


def main() -> None:
    """Print the table."""
    pin_threads()
    import_cost()
    record_cost()
    for name, steps in workloads().items():
        times = interleaved(steps)
        ratios = "  ".join(
            f"{ratio(times['ours'], times[system]):.2f} of {system}"
            for system in times
            if system != "ours"
        )
        print(f"{name:38s} {1e6 * statistics.median(times['ours']):7.1f} us  {ratios}")


if __name__ == "__main__":
    main()
