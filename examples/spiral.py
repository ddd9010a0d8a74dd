"""Three spirals in one another, and the boundaries a network draws between them as it learns.

    python examples/spiral.py            # about half a minute; draws spiral.png and spiral.gif
    python examples/spiral.py --quick    # about one second, NumPy alone

A network of two hidden layers sees 600 points. First it parts the plane by lines, and for a
while it seems to learn little; then the arms come out within a hundred steps, from the rim
inwards. Colours are classes, paler where the network doubts, and lines where it changes its mind.
"""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import data, nn, optim

try:
    from matplotlib.animation import PillowWriter
    from matplotlib.figure import Figure
except ImportError:  # only the pictures need it
    Figure = None

STEPS, REACH, CELLS = 600, 1.15, 160
STILLS = (0, 20, 60, 80, 100, 120, 200, 600)
COLOURS = np.array([[0x00, 0x44, 0x88], [0xDD, 0xAA, 0x33], [0xBB, 0x55, 0x66]]) / 255
MARKS = "o^s"  # the colours differ in grey, too, and for all kinds of colour blindness (P. Tol)

loss = nn.CrossEntropyLoss()
rule = optim.adam(lr=0.01)


@tg.compile
def step(model: Any, state: Any, x: Any, t: Any) -> Any:
    """The model and the state of Adam after a step, and the loss before it; as NumPy alone."""
    value, gradient = tg.value_and_grad(lambda model: loss(model(x), t))(model)
    model, state = rule.update(gradient, state, model)
    return model, state, value


@dataclass
class Frame:
    """What is seen at a step: the loss, accuracy on unseen points, probabilities over the plane."""

    step: int
    loss: float
    accuracy: float
    plane: Any


def plane(model: Any) -> Any:
    """The classes' probabilities at the centres of CELLS x CELLS squares, from below to above."""
    centres = REACH * (2 * (np.arange(CELLS, dtype=np.float32) + 0.5) / CELLS - 1)
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    with tg.no_grad():
        return np.asarray(tg.softmax(model(points))).reshape(CELLS, CELLS, 3)


def learn(seed: int, steps: int, shown: Any) -> tuple[list[Frame], Any, Any]:
    """A network trained on 600 points: frames at the steps shown, and the points."""
    points = data.spirals(1800, classes=3, turns=1.5, noise=0.02, seed=seed, dtype=np.float32)
    (x, t), (unseen, classes) = data.split(*points, test=1200, seed=seed)
    tg.manual_seed(seed)
    layers = nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 3)
    model = nn.Sequential(*layers)
    state = rule.init(model)
    frames = []
    for k in range(steps + 1):
        after, state, value = step(model, state, x, t)
        if k in shown:
            accuracy = np.mean(np.argmax(model(unseen), axis=1) == classes)
            frames.append(Frame(k, float(value), float(accuracy), plane(model)))
        model = after
    return frames, x, t


def draw(axes: Any, frame: Frame, x: Any, t: Any) -> None:
    """The likeliest class's colour, in four shades, the boundaries, and the points learned from."""
    axes.clear()
    extent = (-REACH, REACH, -REACH, REACH)
    shade = np.round(4 * (1.5 * np.max(frame.plane, axis=2, keepdims=True) - 0.5)) / 4
    shown = 1 - 0.5 * shade * (1 - COLOURS[np.argmax(frame.plane, axis=2)])
    axes.imshow(shown, origin="lower", extent=extent)
    for k in range(3):
        ahead = frame.plane[:, :, k] - np.max(np.delete(frame.plane, k, axis=2), axis=2)
        axes.contour(ahead, [0], extent=extent, colors="black", linewidths=0.8)
        axes.scatter(*x[t == k].T, s=7, marker=MARKS[k], color=0.75 * COLOURS[k], linewidths=0)
    axes.set(xticks=[], yticks=[])
    axes.set_title(f"step {frame.step}: {frame.accuracy:.0%} of unseen points", fontsize=10)


def save(frames: list[Frame], x: Any, t: Any) -> None:
    """Eight stills in spiral.png, all frames in spiral.gif."""
    figure = Figure(figsize=(9.6, 5.1), layout="constrained")
    stills = [frame for frame in frames if frame.step in STILLS]
    for axes, frame in zip(figure.subplots(2, 4).flat, stills):
        draw(axes, frame, x, t)
    figure.savefig("spiral.png", dpi=80)
    figure = Figure(figsize=(4, 4.3), layout="constrained")
    axes = figure.subplots()
    writer = PillowWriter(fps=10)
    with writer.saving(figure, "spiral.gif", dpi=80):
        for frame in frames + frames[-1:] * 20:
            draw(axes, frame, x, t)
            writer.grab_frame()
    print("drawn: spiral.png, spiral.gif")


def main() -> None:
    """Learn, tell how it went, draw."""
    parser = argparse.ArgumentParser(description="A network learns three spirals.")
    parser.add_argument("--quick", action="store_true", help="fewer steps, no pictures")
    quick = parser.parse_args().quick
    if not quick and Figure is None:
        parser.error('the pictures need matplotlib: pip install "tinygrad_ce[pictures]"')
    steps = 150 if quick else STEPS
    shown = {*STILLS, *range(0, 40, 4), *range(40, 160, 2), *range(160, 601, 40)}
    frames, x, t = learn(0, steps, set(STILLS) if quick else shown)
    for frame in frames:
        if frame.step in STILLS:
            right = f"{frame.accuracy:.1%} of unseen points"
            print(f"step {frame.step:4d}: loss {frame.loss:.4f}, {right}")
    if quick:
        assert frames[-1].loss < frames[0].loss
    else:
        assert frames[-1].accuracy >= 0.97
        save(frames, x, t)


if __name__ == "__main__":
    main()
