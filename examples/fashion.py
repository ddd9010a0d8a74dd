"""LeNet learns Fashion-MNIST: 70,000 photographs of clothes, ten kinds, at least 88 % right.

    python examples/fashion.py                  # a minute; needs matplotlib, draws fashion.png
    python examples/fashion.py --quick          # a few seconds, NumPy alone, no picture
    python examples/fashion.py --folder DIR     # the four IDX files are in DIR

On Debian and Ubuntu the data are a package: apt-get install dataset-fashion-mnist (31 MB). Where
it is missing, --quick reads a stand-in that it writes itself, ten noisy patterns in IDX files.

LeNet-5 (LeCun et al. 1998) is the convolutional network that read cheques for the banks.
Here it has ReLU and max-pooling, as one would build it now: 61,706 weights. It sees the 60,000
training images three times, in batches of 64, while the rate of Adam falls to 0 along a cosine.
The 10,000 test images are looked at once, at the end, so nothing is chosen by them.

One sees the loss fall, the accuracy of each kind, and, in fashion.png, what is taken for what and
the mistakes that the network was surest of. Shirts are the hard kind, for people as well.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import data, nn, optim

try:
    from matplotlib.figure import Figure
except ImportError:  # only the picture needs it
    Figure = None

BATCH, RATE, LEAST = 64, 2e-3, 0.88
KINDS = data.fashion_classes


class LeNet(nn.Module):
    """Images (n, 1, 28, 28) to the logits of ten classes."""

    def __init__(self) -> None:
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.dense = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)
        )

    def forward(self, x: Any) -> Any:
        x = tg.max_pool(tg.relu(self.conv1(x)), 2)  # 6 x 14 x 14
        x = tg.max_pool(tg.relu(self.conv2(x)), 2)  # 16 x 5 x 5
        return self.dense(np.reshape(x, (len(x), -1)))


rule = optim.adam()
cross_entropy = nn.CrossEntropyLoss()


@tg.compile
def step(model: Any, state: Any, x: Any, t: Any, rate: Any) -> Any:
    """One step of Adam: the model, the optimizer's state and the loss."""
    loss, gradient = tg.value_and_grad(lambda model: cross_entropy(model(x), t))(model)
    model, state = rule.update(gradient, state, model, lr=rate)
    return model, state, loss


@tg.compile
def probabilities(model: Any, x: Any) -> Any:
    return tg.softmax(model(x))


def numbers(images: Any) -> Any:
    """Bytes (n, 28, 28) as the network wants them: one channel, about -1 to 2, float32."""
    return (images[:, None].astype(np.float32) - 73) / 90  # mean and deviation of the set


def train(x: Any, t: Any, epochs: int) -> tuple[Any, list[float]]:
    """A trained network, and the loss of every step."""
    model = LeNet()
    print(f"{model}\n")
    state, losses = rule.init(model), []
    parts = data.batches(x, t, BATCH, shuffle=True, generator=0, drop_last=True)
    steps = epochs * len(parts)
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        for xb, tb in parts:
            rate = np.float32(RATE * (1 + np.cos(np.pi * len(losses) / steps)) / 2)
            model, state, loss = step(model, state, numbers(xb), tb, rate)
            losses.append(float(loss))
        mean, spent = np.mean(losses[-len(parts) :]), time.perf_counter() - began
        print(f"epoch {epoch} of {epochs}: loss {mean:.3f}  ({spent:.0f} s)", flush=True)
    return model, losses


def stand_in(folder: str) -> None:
    """Ten noisy patterns under the names and in the format of Fashion-MNIST's four files."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2)
    for name, n in (("train", 4000), ("t10k", 1000)):
        t = rng.integers(0, 10, n)
        x = np.clip(patterns[t] + rng.normal(0, 80, (n, 28, 28)), 0, 255)
        for kind, array in (("images", x), ("labels", t)):
            # IDX: two zeros, the code of uint8, the number of axes; their lengths; the bytes
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            path = Path(folder, f"{name}-{kind}-idx{array.ndim}-ubyte")
            path.write_bytes(head + array.astype(np.uint8).tobytes())


def draw(losses: list[float], x: Any, t: Any, y: Any) -> None:
    """The loss, what is taken for what, and the mistakes that the network was surest of."""
    read = np.argmax(y, axis=1)
    figure = Figure(figsize=(13, 8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.25])
    top, bottom = left.subplots(2, 1, height_ratios=[1, 2.2])
    smooth = np.convolve(losses, np.ones(50) / 50, mode="valid")
    top.plot(np.arange(len(smooth)) + 50, smooth)
    top.set(title="Loss, mean of 50 steps", xlabel="step", ylabel="cross-entropy")
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (t, read), 1)
    bottom.imshow(np.sqrt(counts), cmap="Blues")
    for i, j in np.argwhere(counts):
        colour = "white" if counts[i, j] > 400 else "black"
        bottom.text(j, i, counts[i, j], ha="center", va="center", fontsize=7, color=colour)
    bottom.set_xticks(range(10), KINDS, rotation=45, ha="right")
    bottom.set_yticks(range(10), KINDS)
    bottom.set(title="Test images", xlabel="read as", ylabel="is")
    wrong = np.flatnonzero(read != t)
    surest = wrong[np.argsort(-np.max(y[wrong], axis=1))][:30]
    right.suptitle("The mistakes it was surest of")
    for axes, row in zip(right.subplots(5, 6).ravel(), surest):
        axes.imshow(x[row], cmap="gray_r")
        axes.set_title(f"{KINDS[t[row]]},\nread {KINDS[read[row]]}", fontsize=8)
        axes.axis("off")
    figure.savefig("fashion.png", dpi=100)
    print("drawn: fashion.png")


def main() -> None:
    """Read, train, test."""
    parser = argparse.ArgumentParser(description="LeNet on Fashion-MNIST.")
    parser.add_argument("--quick", action="store_true", help="few images, no picture")
    parser.add_argument("--folder", help="where the four IDX files are, if not where Debian's are")
    options = parser.parse_args()
    if not options.quick and Figure is None:
        parser.error('the picture needs matplotlib: pip install "tinygrad_ce[pictures]"')
    try:
        found = data.fashion_mnist(options.folder) if options.folder else data.fashion_mnist()
    except FileNotFoundError as error:
        if not options.quick or options.folder:
            parser.error(str(error))
        print("Fashion-MNIST is not installed; ten noisy patterns stand in for it.\n")
        with tempfile.TemporaryDirectory() as folder:
            stand_in(folder)
            found = data.fashion_mnist(folder)
    (x, t), (unseen, classes) = found
    if options.quick:
        x, t, unseen, classes = x[:6400], t[:6400], unseen[:1000], classes[:1000]
    tg.manual_seed(0)
    model, losses = train(x, t, 1 if options.quick else 3)
    parts = data.batches(unseen, size=500)
    y = np.concatenate([probabilities(model, numbers(images)) for images in parts])
    right = np.argmax(y, axis=1) == classes
    print("\naccuracy on unseen images")
    for k, kind in enumerate(KINDS):
        print(f"  {kind:10} {np.mean(right[classes == k]):.3f}")
    print(f"  all        {np.mean(right):.3f}  ({np.sum(right)} of {len(right)})")
    if options.quick:
        assert np.mean(right) > 0.5  # by chance it would be 0.1
        return
    draw(losses, unseen, classes, y)
    assert np.mean(right) >= LEAST, f"{np.mean(right):.4f}, claimed {LEAST}"


if __name__ == "__main__":
    main()
