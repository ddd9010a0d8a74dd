"""Why cross-entropy? Because it learns あいうえお: two classifiers, tested on fonts they never saw.

    python examples/aiueo.py            # a minute; needs matplotlib, draws aiueo.png
    python examples/aiueo.py --quick    # a few seconds, NumPy alone, no picture

The founding article of this package asks why networks learn with E = -sum(t log y), and takes the
five kana as its example, each with a one-hot target. Here they are learned, with that loss, twice:

- softmax regression, y = softmax(W x + b): one image of weights for each kana, which a reader can
  look at;
- a small convolutional network: it looks for strokes first, wherever they are.

Both are trained on bent copies of the shipped images (turned, leaned, shifted, thinner, bolder),
drawn anew for every epoch. Weights and cuts of one typeface look alike, so the 35 font families,
not the images, are dealt to five folds: each fold in turn is the test and the other four train.
Every image is thus tested once, by a network that has seen nothing of its family, as it was drawn
and bent eight times. The regression errs on 3 % of the images as drawn and 6 % of the bent ones,
the convolutional network on 1 % and 4 %. The test has no say in the training.

One sees both accuracies, who was taken for whom (お for あ), and, in aiueo.png, the weights of the
regression and mistakes of both. It is type; handwriting would be harder.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.data import Aiueo, aiueo, augment, batches

try:
    from matplotlib.figure import Figure
except ImportError:  # only the picture needs it
    Figure = None

FOLDS, BATCH, COPIES, BENT, SOUNDS = 5, 64, 8, 8, "aiueo"

# What is claimed, as drawn and bent, and checked at the end:
LEAST = {"softmax regression": (0.96, 0.92), "convolutional network": (0.975, 0.95)}

RULE = optim.adam(lr=2e-3)
cross_entropy = nn.CrossEntropyLoss()


def networks() -> dict[str, nn.Module]:
    """Both, untrained; their outputs are logits, as the loss contains the softmax."""
    return {
        "softmax regression": nn.Sequential(nn.Flatten(), nn.Linear(28 * 28, 5)),
        "convolutional network": nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=2, padding=2),  # 28 x 28 -> 8 kinds of stroke, 14 x 14
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, padding=1),  # -> 16 kinds of crossing and bend
            nn.ReLU(),
            nn.MaxPool2d(2),  # -> 7 x 7, a shift by a pixel forgotten
            nn.Flatten(),
            nn.Linear(16 * 7 * 7, 5),
        ),
    }


@tg.compile
def step(model: Any, state: Any, x: Any, t: Any) -> Any:
    """One step of Adam: the model, the optimizer's state and the loss."""
    loss, gradient = tg.value_and_grad(lambda model: cross_entropy(model(x), t))(model)
    model, state = RULE.update(gradient, state, model)
    return model, state, loss


def folds(data: Aiueo, rng: np.random.Generator) -> Iterator[Any]:
    """A mask of the images to test on for every fold: whole families."""
    dealt = rng.permutation(np.unique(data.families))
    for fold in range(FOLDS):
        yield np.isin(data.families, dealt[fold::FOLDS])


def train(model: Any, images: Any, labels: Any, epochs: int, rng: Any) -> tuple[Any, float]:
    """The model after some epochs, and the last one's mean loss."""
    state = RULE.init(model)
    t = np.repeat(labels, COPIES)
    for _ in range(epochs):
        x = augment(np.repeat(images, COPIES, axis=0), rng, dtype=np.float32)[:, None]
        losses = []
        for xb, tb in batches(x, t, BATCH, shuffle=True, generator=rng, drop_last=True):
            model, state, loss = step(model, state, xb, tb)
            losses.append(loss)
    return model, float(np.mean(losses))


def draw(weights: Any, views: Any, labels: Any, answers: dict[str, Any]) -> None:
    """The weights of softmax regression as images, and what each classifier got wrong."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    parts = figure.subfigures(3, 1, height_ratios=[1.4, 1, 1])
    parts[0].suptitle("Weights of softmax regression: ink speaks for (red) or against it (blue)")
    limit = np.abs(weights).max()
    for axes, weight, sound in zip(parts[0].subplots(1, 5), weights, SOUNDS):
        axes.imshow(weight.reshape(28, 28), cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(sound)
        axes.axis("off")
    for part, (name, read) in zip(parts[1:], answers.items()):
        wrong = np.argwhere((read != labels[:, None]).T)[:, ::-1]  # those as drawn come first
        straight = np.sum(wrong[:, 1] == 0)
        title = f"{name}, mistakes: {straight} as drawn, then some of {len(wrong) - straight} bent"
        part.suptitle(title[0].upper() + title[1:])
        every = max((len(wrong) - straight) // (12 - straight), 1) if straight < 12 else 1
        shown = [*wrong[:straight], *wrong[straight::every]][:12]
        for axes, (row, view) in zip(part.subplots(1, 12), shown):
            axes.imshow(1 - views[row, view], cmap="gray", vmin=0, vmax=1)
            axes.set_title(f"{SOUNDS[labels[row]]}, read {SOUNDS[read[row, view]]}", fontsize=8)
            axes.axis("off")
    figure.savefig("aiueo.png", dpi=100)
    print("\ndrawn: aiueo.png")


def main() -> None:
    """Every fold with both classifiers, then what came of it."""
    parser = argparse.ArgumentParser(description="Two classifiers of あいうえお.")
    parser.add_argument("--quick", action="store_true", help="one fold, few epochs, no picture")
    quick = parser.parse_args().quick
    if not quick and Figure is None:
        parser.error('the picture needs matplotlib: pip install "tinygrad_ce[pictures]"')
    sys.stdout.reconfigure(encoding="utf-8")
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    data = aiueo()
    labels, epochs = data.labels, 3 if quick else 12
    bent = augment(np.repeat(data.images, BENT, axis=0), rng, dtype=np.float32)
    straight = data.images[:, None] / np.float32(255)
    views = np.concatenate([straight, bent.reshape(len(data), BENT, 28, 28)], axis=1)
    answers = {name: np.full((len(data), 1 + BENT), -1) for name in networks()}
    print(f"{data}\n")
    for fold, test in enumerate(folds(data, rng), start=1):
        for name, model in networks().items():
            began = time.perf_counter()
            model, loss = train(model, data.images[~test], labels[~test], epochs, rng)
            logits = model(views[test].reshape(-1, 1, 28, 28))
            answers[name][test] = np.argmax(logits, axis=1).reshape(-1, 1 + BENT)
            if name == "softmax regression":
                weights = model[1].weight
            spent = time.perf_counter() - began
            print(f"fold {fold}, {name:21} loss {loss:.3f}  ({spent:.1f} s)", flush=True)
        if quick:
            break

    tested = answers["softmax regression"][:, 0] >= 0
    accuracy = {}
    for name, read in answers.items():
        right = (read == labels[:, None])[tested]
        accuracy[name] = np.mean(right[:, 0]), np.mean(right[:, 1:])
        counts = np.zeros((5, 5), int)
        np.add.at(counts, (labels[tested, None], read[tested]), 1)
        print(f"\n{name}, on unseen font families ({len(right)} images and {BENT} bent copies):")
        print("accuracy {:.3f} as drawn, {:.3f} bent".format(*accuracy[name]))
        print("rows: the kana, columns: what was read\n     " + "   ".join(data.kana))
        for kana, row in zip(data.kana, counts):
            print(f" {kana}" + "".join(f"{count:5d}" for count in row))
    if quick:
        assert min(min(pair) for pair in accuracy.values()) > 0.5  # by chance it would be 0.2
        return
    draw(weights, views, labels, answers)
    for name, claimed in LEAST.items():
        found = accuracy[name]
        assert np.all(np.array(found) >= claimed), f"{name}: {found}, claimed {claimed}"


if __name__ == "__main__":
    main()
