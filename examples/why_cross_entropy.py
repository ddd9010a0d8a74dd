"""Why is cross-entropy the loss of classifiers? The article's statements, computed one by one.

    python examples/why_cross_entropy.py                         # the numbers
    python examples/why_cross_entropy.py --quick                 # the same, learning for less long
    python examples/why_cross_entropy.py --lang ja               # in Japanese
    python examples/why_cross_entropy.py --pictures FOLDER       # and four pictures (matplotlib)

Every number comes out of the library: gradients from its engine, formulas from `derive`. A
statement that did not hold would end the program with an error. In the comparison of learning the
start matters: spoiled for more than SPOILED steps, the squared error did not arrive.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce.data import Aiueo, aiueo

try:
    import matplotlib as mpl
    from matplotlib import font_manager
    from matplotlib import pyplot as plt
except ImportError:  # the numbers need none
    mpl = None  # type: ignore[assignment]

BLUE, ORANGE = "#2563b0", "#e08a00"  # squared error, cross-entropy: the article's colours
WRONG, RATE, GOAL = 1e-3, 0.5, 0.95
SPOILED, STEPS = 100, 6000  # steps toward the wrong kana, and at most toward the right ones
CLIP = 1e-7
CLIP_TEXT = np.format_float_scientific(CLIP, trim="-", exp_digits=1)
JAPANESE_FONTS = ("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic",
                  "VL Gothic", "Hiragino Sans", "Yu Gothic", "Meiryo", "MS Gothic")  # fmt: skip

WORDS = {
    "en": {
        "title": "Why cross-entropy?",
        1: "E = -sum q log p, for soft teachers too",
        2: "E is never less than the teacher's entropy H(q), and equal at p = q alone",
        3: "of a one-hot teacher one term is left, -log p; terms with q = 0 vanish, at p = 0 too",
        4: "あいうえお as one-hot rows, read by a network trained here",
        5: "-log p is 0 at p = 1 and grows without bound toward 0",
        6: "the squared error has derivative y - t; written with a minus, as there, -y + t",
        7: "the derivative of cross-entropy by y is -t / y, and so the engine prints it",
        8: "toward y = 0 the one derivative is -1, the other -1 / y",
        9: "the same network, the same confidently wrong start, the same learning rate",
        10: "the squared error gets there too, later",
        11: "through softmax, -t / y becomes y - t; the squared error keeps a factor y (1 - y)",
        12: "clipping at {} makes a plateau at {:.3f}, where nothing is learned",
        "gap": "smallest E - H(q) of {} pairs: {:.2e}; at p = q: {:.1e}",
        "accuracy": "accuracy on unseen type families: {:.3f}",
        "steps": "steps to {:.0%} accuracy: cross-entropy {}, squared error {}",
        "first": "gradient by the weights at the start: cross-entropy {:.3g}, squared error {:.3g}",
        "signal": "at p = {}: cross-entropy gives the logit {:.4f}, the squared error {:.6f}: "
                  "{:.0f} times (without its 1/2, {:.0f})",
        "plateau": "gradient at p = 1e-9: clipped {:g}, not clipped {:.4g}",
        "loss": "loss", "acc": "accuracy", "step": "step", "p": "p of the true class",
        "dy": "derivative by y", "dz": "gradient by the logit",
        "ce": "cross-entropy", "se": "squared error",
        "no_font": "no Japanese font was found: the pictures have English labels",
        "no_matplotlib": 'the pictures need matplotlib: pip install "tinygrad_ce[pictures]"',
        "saved": "saved {}",
    },
    "ja": {
        "title": "なぜ交差エントロピーか",
        1: "E = -Σ q log p。教師が確率分布でも成り立つ",
        2: "E は教師のエントロピー H(q) より小さくならず、等しいのは p = q のときだけ",
        3: "one-hot の教師では -log p の一項だけが残る。q = 0 の項は p = 0 でも消える",
        4: "「あいうえお」を one-hot の行で表し、ここで学習したネットワークに読ませる",
        5: "-log p は p = 1 で 0、0 に近づくと限りなく大きくなる",
        6: "二乗誤差の微分は y - t。記事のように負号を付けて書けば -y + t",
        7: "交差エントロピーの y による微分は -t / y。エンジンもそう出力する",
        8: "y = 0 に近づくと、一方の微分は -1、他方は -1 / y",
        9: "同じネットワーク、同じ「自信をもって間違った」出発点、同じ学習率",
        10: "二乗誤差でも到達するが、遅い",
        11: "softmax を通すと -t / y は y - t になる。二乗誤差には係数 y (1 - y) が残る",
        12: "{} でクリップすると {:.3f} で頭打ちになり、そこでは何も学習されない",
        "gap": "{} 組での E - H(q) の最小値: {:.2e}、p = q では {:.1e}",
        "accuracy": "未知の書体での正解率: {:.3f}",
        "steps": "正解率 {:.0%} までのステップ数: 交差エントロピー {}、二乗誤差 {}",
        "first": "出発点での重みの勾配: 交差エントロピー {:.3g}、二乗誤差 {:.3g}",
        "signal": "p = {}: ロジットへの勾配は交差エントロピー {:.4f}、二乗誤差 {:.6f}: "
                  "{:.0f} 倍(1/2 を付けなければ {:.0f} 倍)",
        "plateau": "p = 1e-9 での勾配: クリップすると {:g}、しなければ {:.4g}",
        "loss": "損失", "acc": "正解率", "step": "ステップ", "p": "正解クラスの確率 p",
        "dy": "y による微分", "dz": "ロジットによる勾配",
        "ce": "交差エントロピー", "se": "二乗誤差",
        "no_font": "日本語フォントが見つからないため、図の文字は英語にします",
        "no_matplotlib": '図には matplotlib が必要です: pip install "tinygrad_ce[pictures]"',
        "saved": "{} に保存しました",
    },
}  # fmt: skip


def half_squared(y: Any, t: Any) -> Any:
    """(1/2) sum (y - t)**2."""
    return np.sum((y - t) ** 2) / 2


def written_entropy(y: Any, t: Any) -> Any:
    """-sum t log y, as one writes it."""
    return -np.sum(t * np.log(y))


def printed(loss: Any, y: Any, t: Any) -> str:
    """The line of the derived program that is the gradient by y."""
    lines = str(tg.derive(loss, y, t)).splitlines()
    return next(line for line in lines if "dy = " in line).split("#")[0].strip()


def check(name: str, holds: Any) -> None:
    """End the program where a statement does not hold."""
    if not np.all(holds):
        raise SystemExit(f"does not hold: {name}")


def near(a: Any, b: Any) -> bool:
    """Whether numbers agree to rounding."""
    return bool(np.allclose(a, b, rtol=1e-12, atol=1e-14))


def distributions(rng: np.random.Generator, n: int) -> Any:
    """n random distributions over five classes, sharp ones among them."""
    z = rng.normal(size=(n, 5)) * rng.uniform(0.1, 5, size=(n, 1))
    return tg.softmax(z)


def at_true(p: float) -> Any:
    """Five probabilities: p of the first, true class, the others alike."""
    return np.array([p, *[(1 - p) / 4] * 4])


def by_logits(loss: Any, p: float) -> float:
    """The gradient by the true class's logit where it has probability p."""
    t = np.eye(5)[0]
    return float(tg.grad(lambda z: loss(tg.softmax(z), t))(np.log(at_true(p)))[0])


def row(number: int, statement: str, *found: str) -> None:
    """Print a statement, and beneath it what was computed."""
    print("\n      ".join([f"{number:2d}. {statement}", *found]))


def of_the_loss(words: dict[Any, Any]) -> None:
    """Rows 1 to 3."""
    rng = np.random.default_rng(0)
    p, q = distributions(rng, 1000), distributions(rng, 1000)
    e = tg.cross_entropy(p, q, reduction="none")
    check("row 1", near(e, -np.sum(q * np.log(p), axis=1)))
    row(1, words[1])
    entropy = -np.sum(q * np.log(q), axis=1)
    own = tg.cross_entropy(q, q, reduction="none") - entropy
    check("row 2", np.all(e - entropy > 0) and np.all(np.abs(own) < 1e-12))
    row(2, words[2], words["gap"].format(len(p), np.min(e - entropy), np.max(np.abs(own))))
    y, k = np.array([0.0, 0.3, 0.7, 0.0, 0.0]), 2
    one_hot = np.eye(5)[k]
    by_y = tg.grad(tg.cross_entropy)(y, one_hot)
    check("row 3", near(tg.cross_entropy(y, one_hot), tg.cross_entropy(y, k)))
    check("row 3", near(tg.cross_entropy(y, k), -np.log(0.7)) and np.isfinite(by_y).all())
    row(3, words[3], f"-log 0.7 = {tg.cross_entropy(y, k):.6f}")


def of_the_derivatives(words: dict[Any, Any]) -> None:
    """Rows 5 to 8."""
    values = {y: tg.cross_entropy(np.array([y, 1 - y]), 0) for y in (1.0, 0.5, 0.1, 0.001)}
    check("row 5", all(near(value, -np.log(y)) for y, value in values.items()))
    row(5, words[5], ", ".join(f"-log {y:g} = {value:.3f}" for y, value in values.items()))
    t, y = np.eye(5)[2], distributions(np.random.default_rng(0), 1)[0]
    minus = tg.grad(lambda y: -half_squared(y, t))(y)
    check("row 6", near(tg.grad(half_squared)(y, t), y - t) and near(minus, -y + t))
    row(6, words[6], printed(half_squared, y, t))
    check("row 7", near(tg.grad(tg.cross_entropy)(y, t), -t / y))
    check("row 7", printed(written_entropy, y, t) == "dy = -t / y")
    row(7, words[7], printed(written_entropy, y, t))
    slopes = {x: derivatives(np.array([x])) for x in (0.5, 0.01)}
    check("row 8", all(near(c, -1 / x) and near(s, x - 1) for x, (c, s) in slopes.items()))
    found = "; ".join(f"y = {x:g}: {c[0]:.4g}, {s[0]:.4g}" for x, (c, s) in slopes.items())
    row(8, words[8], found)


def of_the_logits(words: dict[Any, Any]) -> None:
    """Rows 11 and 12."""
    t, y = np.eye(5)[2], distributions(np.random.default_rng(0), 1)[0]
    check("row 11", near(tg.grad(tg.softmax_cross_entropy)(np.log(y), t), y - t))
    cross, square = by_logits(tg.cross_entropy, WRONG), by_logits(half_squared, WRONG)
    ratio = cross / square
    row(11, words[11], words["signal"].format(WRONG, cross, square, ratio, ratio / 2))
    clipped = tg.grad(lambda x: -np.log(np.maximum(x, CLIP)))
    plateau = -np.log(CLIP)
    slope, free = clipped(1e-9), tg.grad(lambda x: -np.log(x))(1e-9)
    check("row 12", slope == 0 and near(free, -1e9) and abs(plateau - 16.118) < 5e-4)
    row(12, words[12].format(CLIP_TEXT, plateau), words["plateau"].format(slope, free))


def derivatives(y: Any) -> tuple[Any, Any]:
    """By the engine: of cross-entropy and of squared error by y, where t = 1."""
    return (
        tg.grad(lambda y: -np.sum(np.log(y)))(y),
        tg.grad(lambda y: half_squared(y, 1.0))(y),
    )


# --- rows 4, 9 and 10: a network that reads あいうえお ---


@dataclass
class Run:
    """One training: loss and accuracy before each step, and the first gradient's size."""

    losses: list[float]
    accuracies: list[float]
    weights: list[Any]
    first: float

    def steps(self) -> int | None:
        """Steps until the goal was reached."""
        return next((i for i, a in enumerate(self.accuracies) if a >= GOAL), None)


def pooled(data: Aiueo) -> Any:
    """28x28 images as rows of 14x14 block means."""
    return data.images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(data), 196) / 255


def network(x: Any, w: list[Any]) -> Any:
    """Probabilities of the five kana: two layers, tanh between them, softmax at the end."""
    return tg.softmax(np.tanh(x @ w[0] + w[1]) @ w[2] + w[3])


def cross(y: Any, t: Any) -> Any:
    """Cross-entropy, the mean over the images."""
    return tg.cross_entropy(y, t)


def square(y: Any, t: Any) -> Any:
    """Squared error, the mean over the images."""
    return np.mean(np.sum((y - t) ** 2, axis=1)) / 2


def trained(weights: list[Any], loss: Any, x: Any, t: Any, steps: int) -> Run:
    """Plain gradient descent on all images at once."""

    @tg.compile
    def slope(w: list[Any]) -> Any:
        def error(w: list[Any]) -> Any:
            y = network(x, w)
            return loss(y, t), y

        return tg.value_and_grad(error, has_aux=True)(w)

    run, w = Run([], [], [], 0.0), list(weights)
    for step in range(steps):
        (value, y), g = slope(w)
        run.losses.append(float(value))
        run.accuracies.append(float(np.mean(y.argmax(axis=1) == t.argmax(axis=1))))
        if not step:
            run.first = float(np.sqrt(sum(np.sum(part**2) for part in g)))
        w = [a - RATE * b for a, b in zip(w, g, strict=True)]
    run.weights = w
    return run


def race(quick: bool) -> tuple[Run, Run, float]:
    """A network that is confidently wrong, trained again with each loss; what it reads then."""
    training, test = aiueo().split(7, seed=0)
    x, t = pooled(training), np.eye(5)[training.labels]
    rng = np.random.default_rng(0)
    start = [rng.normal(size=(196, 32)) / 14, np.zeros(32), rng.normal(size=(32, 5)) / 32**0.5,
             np.zeros(5)]  # fmt: skip
    wrong = trained(start, cross, x, np.roll(t, 1, axis=1), SPOILED).weights
    steps = 100 if quick else STEPS
    by_cross, by_square = (trained(wrong, loss, x, t, steps) for loss in (cross, square))
    reads = network(pooled(test), by_cross.weights).argmax(axis=1)
    return by_cross, by_square, float(np.mean(reads == test.labels))


def of_learning(words: dict[Any, Any], runs: list[Run], quick: bool) -> None:
    """Rows 9 and 10."""
    counts = [run.steps() for run in runs]
    check("row 9", runs[0].first > runs[1].first)
    check("row 9", counts[0] is not None and (counts[1] is None or counts[0] < counts[1]))
    check("row 10", quick or counts[1] is not None)
    row(9, words[9], words["first"].format(runs[0].first, runs[1].first))
    told = [f"> {len(runs[0].losses)}" if count is None else count for count in counts]
    row(10, words[10], words["steps"].format(GOAL, *told))


# --- the pictures --------------------------------------------------------------------------------


def japanese_font() -> str | None:
    """The name of an installed font that has kana."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in JAPANESE_FONTS if name in installed), None)


def pictures(folder: Path, lang: str, runs: list[Run]) -> None:
    """Four pictures, legible when small."""
    words = labels = WORDS[lang]
    mpl.use("Agg")
    if lang == "ja":
        font = japanese_font()
        if font is None:
            print(words["no_font"])
            labels = WORDS["en"]
        else:
            mpl.rcParams["font.family"] = font
    folder.mkdir(parents=True, exist_ok=True)
    y = np.linspace(0.01, 1, 400)
    values = np.array([tg.cross_entropy(np.array([p, 1 - p]), 0) for p in y])
    small = np.geomspace(1e-9, 0.999, 400)
    figures: list[tuple[str, Any]] = [
        ("minus_log_p", lambda a: _lines(a, labels["p"], "-log p", y, (values, ORANGE, "-log p"))),
        ("derivatives", lambda a: _derivatives(a, labels, y)),
        ("learning", lambda a: _learning(a, labels, runs)),
        ("logits", lambda a: _logits(a, labels, small)),
    ]
    for name, draw in figures:
        two = name in ("learning", "logits")
        figure, axes = plt.subplots(1, 2 if two else 1, figsize=(8.4 if two else 4.6, 3.2))
        draw(axes)
        figure.tight_layout()
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=110, metadata={"Software": None})
        plt.close(figure)
        print(words["saved"].format(path))


def _lines(axes: Any, x_label: str, y_label: str, x: Any, *lines: tuple[Any, str, str]) -> None:
    for y, colour, label in lines:
        axes.plot(x, y, color=colour, linewidth=2.4, label=label)
    axes.set_xlabel(x_label, fontsize=12)
    axes.set_ylabel(y_label, fontsize=12)
    axes.grid(alpha=0.3)
    axes.axhline(0, color="gray", linewidth=0.8)
    if len(lines) > 1:
        axes.legend(fontsize=11)


def _derivatives(axes: Any, words: dict[Any, Any], y: Any) -> None:
    by_cross, by_square = derivatives(y)
    lines = (by_square, BLUE, f"{words['se']}: y - 1"), (by_cross, ORANGE, f"{words['ce']}: -1 / y")
    _lines(axes, "y", words["dy"], y, *lines)
    axes.set_ylim(-20, 1)


def _learning(axes: Any, words: dict[Any, Any], runs: list[Run]) -> None:
    steps = 1 + np.arange(len(runs[0].losses))
    kinds = ((BLUE, words["se"], runs[1]), (ORANGE, words["ce"], runs[0]))
    losses = [(np.array(r.losses) / r.losses[0], c, label) for c, label, r in kinds]
    _lines(axes[0], words["step"], f"{words['loss']} / {words['loss']}(0)", steps, *losses)
    scores = [(np.array(r.accuracies), c, label) for c, label, r in kinds]
    _lines(axes[1], words["step"], words["acc"], steps, *scores)
    for a in axes:
        a.set_xscale("log")


def _logits(axes: Any, words: dict[Any, Any], p: Any) -> None:
    found = [[by_logits(loss, x) for x in p] for loss in (half_squared, tg.cross_entropy)]
    names = ((found[0], BLUE, words["se"]), (found[1], ORANGE, words["ce"]))
    _lines(axes[0], words["p"], words["dz"], p, *names)
    clipped = -np.log(np.maximum(p, CLIP))
    lines = (clipped, BLUE, f"-log max(p, {CLIP_TEXT})"), (-np.log(p), ORANGE, "-log p")
    _lines(axes[1], words["p"], words["loss"], p, *lines)
    for a in axes:
        a.set_xscale("log")


def main() -> None:
    """All rows, and the pictures where a folder is given."""
    parser = argparse.ArgumentParser(description="Why cross-entropy, computed")
    parser.add_argument("--lang", choices=WORDS, default="en")
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--quick", action="store_true", help="a short training")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    words = WORDS[given.lang]
    if given.pictures is not None and mpl is None:
        raise SystemExit(words["no_matplotlib"])
    print(words["title"], end="\n\n")
    of_the_loss(words)
    *runs, accuracy = race(given.quick)
    one_hot = "  ".join(f"{kana} {t}" for kana, t in zip(Aiueo.kana, np.eye(5, dtype=int)))
    row(4, words[4], one_hot, words["accuracy"].format(accuracy))
    of_the_derivatives(words)
    of_learning(words, runs, given.quick)
    of_the_logits(words)
    if given.pictures is not None:
        pictures(given.pictures, given.lang, runs)


if __name__ == "__main__":
    main()
