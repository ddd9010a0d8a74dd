"""`python -m tinygrad_ce`: the two formulas found by the engine, and a classifier of あいうえお."""

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.data import Aiueo, aiueo, augment

SPLITS, COPIES, EPOCHS, BATCH, HIDDEN, RATE = 5, 20, 20, 64, 64, 3e-3


def ulps(a: Any, b: Any) -> float:
    """The largest difference of two arrays in units of the last place of b."""
    return float(np.max(np.abs(a - b) / np.spacing(np.abs(b))))


def formulas() -> None:
    """One example: what the engine finds beside what one derives by hand."""
    z = tg.tensor([1.0, 2.0, 0.5, -1.0, 0.3], requires_grad=True)
    t = np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    y = tg.softmax(z)
    y.retain_grad()
    loss = tg.cross_entropy(y, t)
    loss.backward()
    by_y, by_z = -t / y.numpy(), y.numpy() - t
    print("1. The cross-entropy of y = softmax(z), and its gradients\n")
    print(f"   E = -sum(t log y) = {loss:.6f}\n")
    head = ("z", "y", "t", "dE/dy", "-t/y", "dE/dz", "y - t")
    print("   " + "".join(f"{name:>10}" for name in head))
    columns = (z.numpy(), y.numpy(), t, y.grad + 0.0, by_y + 0.0, z.grad, by_z)
    for row in zip(*columns, strict=True):
        print("   " + "".join(f"{number:10.5f}" for number in row))
    print("\n   largest difference between the engine and the hand-derived formula:")
    print(f"   dE/dy {ulps(y.grad, by_y):g} ulp, dE/dz {ulps(z.grad, by_z):g} ulp\n")


def pooled(images: Any) -> Any:
    """28x28 images as rows of 14x14 block means."""
    return images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(images), 196)


def network(x: Any, weights: list[Any]) -> Any:
    """Logits of the classes: two layers with relu between them."""
    w1, b1, w2, b2 = weights
    return tg.relu(x @ w1 + b1) @ w2 + b2


def initial(rng: np.random.Generator) -> list[tg.Tensor]:
    """Weights and biases from +-1/sqrt(inputs), float32."""
    sizes = [(196, HIDDEN), (HIDDEN, 5)]
    drawn = [
        rng.uniform(-1, 1, shape) / np.sqrt(n)
        for n, m in sizes
        for shape in ((n, m), (m,))
    ]  # fmt: skip
    return [tg.tensor(w, requires_grad=True, dtype=np.float32) for w in drawn]


def train(data: Aiueo, seed: int) -> list[tg.Tensor]:
    """A network trained on distorted copies of the images, by Adam (Kingma and Ba 2015)."""
    rng = np.random.default_rng(seed)
    x = pooled(augment(np.repeat(data.images, COPIES, axis=0), rng, dtype=np.float32))
    t = np.repeat(data.labels, COPIES)
    weights = initial(rng)
    first = [np.zeros(w.shape, w.dtype) for w in weights]
    second = [np.zeros(w.shape, w.dtype) for w in weights]
    step = 0
    for epoch in range(1, EPOCHS + 1):
        order = rng.permutation(len(x))
        total = 0.0
        for start in range(0, len(x), BATCH):
            rows = order[start : start + BATCH]
            loss = tg.softmax_cross_entropy(network(x[rows], weights), t[rows])
            loss.backward()
            step += 1
            total += loss.item() * len(rows)
            for w, m, v in zip(weights, first, second, strict=True):
                m += 0.1 * (w.grad - m)
                v += 0.001 * (w.grad * w.grad - v)
                unbiased = m / (1 - 0.9**step), v / (1 - 0.999**step)
                w.data -= RATE * unbiased[0] / (np.sqrt(unbiased[1]) + 1e-8)
                w.grad = None
        progress(seed, epoch, total / len(x))
    return weights


def progress(seed: int, epoch: int, loss: float) -> None:
    """One line: rewritten in a terminal, printed once a split elsewhere."""
    text = f"   split {seed + 1} of {SPLITS}, epoch {epoch:2d} of {EPOCHS}, loss {loss:.4f}"
    if sys.stdout.isatty():
        print(f"\r{text}", end="\n" if epoch == EPOCHS else "", flush=True)
    elif epoch == EPOCHS:
        print(text, flush=True)


def classifier() -> None:
    """Learn あいうえお from some font families and read it in others, for several splits."""
    data = aiueo()
    print(f"2. あいうえお in {len(set(data.designs))} font designs: type, not handwriting")
    print("   Each split trains on 28 font families and reads 7 families it never saw.\n")
    began = time.perf_counter()
    accuracies, counts = [], np.zeros((5, 5), int)
    for seed in range(SPLITS):
        training, test = data.split(7, seed=seed)
        weights = train(training, seed)
        with tg.no_grad():
            logits = network(pooled(test.images / np.float32(255)), weights)
        read = logits.numpy().argmax(axis=1)
        accuracies.append(np.mean(read == test.labels))
        np.add.at(counts, (test.labels, read), 1)
    each = " ".join(f"{accuracy:.3f}" for accuracy in accuracies)
    print(f"\n   accuracy on unseen families: {each}, mean {np.mean(accuracies):.3f}")
    print(f"   ({time.perf_counter() - began:.1f} s)\n")
    print("   rows: the kana, columns: what was read, all splits together")
    print("       " + "  ".join(data.kana))
    for kana, row in zip(data.kana, counts, strict=True):
        print(f"   {kana}" + "".join(f"{count:4d}" for count in row))


def main() -> None:
    """All three parts."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    formulas()
    classifier()
    print("\n3. What to look at next\n")
    print("   tg.derive(f, x, explain=True)          the gradient as a program, step by step")
    print("   tg.explain(loss), tg.draw(loss)        a run in words, and as a picture")
    print("   tg.player(loss).save('backprop.html')  a page to step through it")
    print("   python -m tinygrad_ce.course list      write a gradient rule of the engine yourself")
    print("   examples/course/                       eleven lessons: what learners ask, run")
    print("   examples/                              networks that learn, the article computed")
    print("   README.md                the API, the numerical policy, how the package is built")
    print("   tinygrad_ce/__main__.py  this program, a whole training loop")
    print("   tinygrad_ce/rules/       every gradient rule, in plain NumPy")
    print("   tinygrad_ce/coverage.md  what of NumPy is differentiable: nearly all of it")
    print("   help(tinygrad_ce.cross_entropy)")


def alone() -> None:
    """Run in a process whose BLAS uses one thread: with matrices as small as these, several would
    spend a busy machine's time waiting for each other."""
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if os.environ.keys() & one.keys():
        main()
    else:
        again = [sys.executable, "-m", "tinygrad_ce"]
        raise SystemExit(subprocess.run(again, env={**os.environ, **one}, check=False).returncode)


if __name__ == "__main__":
    alone()
