"""Networks invent Japanese names: a recurrent one (GRU) and a transformer of one layer.

    python examples/names.py            # half a minute; two extras; draws names.png
    python examples/names.py --quick    # a few seconds, NumPy alone, 72 names, no picture

Both read a name kana by kana and say how likely each kana is to come next; the loss is the
cross-entropy of what came. Measured in bits per character it is the length of the shortest code
for a name that the network could give: log2(75) = 6.23 bits when nothing is known, 5.1 when only
the frequency of each kana is, 4.1 when the one before is known as well. Both networks get below
3.55, on 1,000 names held back. The sign that ends a name counts as a character.

The names are the 9,208 hiragana readings of given names in japanese-personal-name-dataset (MIT
licence): pip install "tinygrad_ce[names,pictures]". The names held back are looked at after every
epoch, for the picture, but the network of the last epoch is the one that counts.

One sees names that the networks drew, how many of the names they drew exist, and, in names.png,
how they learned and what each place of a name costs: from the fourth on most of it is known.
"""

import argparse
import sys
import time
from typing import Any

import numpy as np

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.data import Vocabulary, batches

try:
    import japanese_personal_name_dataset as dataset
    from matplotlib.figure import Figure
except ImportError:  # --quick does without
    dataset = Figure = None

FEW = """
あいこ あおい あかね あきお あきら あけみ あつし あやこ あゆみ いさお いちろう うめこ えいこ えいじ
えりか おさむ かおり かおる かずこ かずや かなこ きよし きよみ くみこ けいこ けいた けんじ こういち
こうじ さおり さくら さちこ さとし さとみ さゆり しげる しょうた すみこ たかこ たかし たくや たけし
たろう ちひろ つよし てつや としお ともこ なおき なおみ のぞみ のりこ はるか ひろこ ひろし ふみこ
まこと まさお まなみ みさき みちこ みどり みゆき めぐみ やすこ ゆうた ゆかり ゆきお ようこ よしお
りょうた れいこ
"""  # for --quick

WIDTH, RATE, BATCH, LEAST = 64, 5e-3, 64, 3.55
NOTHING = -100  # the target of what follows a name's end: the loss leaves it out


class Recurrent(nn.Module):
    """Codes (n, length) to logits (n, length, size): what it remembers is 64 numbers."""

    def __init__(self, size: int) -> None:
        self.embedding = nn.Embedding(size, WIDTH)
        self.gru = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, size)

    def forward(self, x: Any) -> Any:
        return self.head(self.gru(self.embedding(x))[0])


class Transformer(nn.Module):
    """The same by attention: each place looks at itself and those before it, in four ways."""

    def __init__(self, size: int, length: int) -> None:
        self.embedding = nn.Embedding(size, WIDTH)
        self.place = nn.Embedding(length, WIDTH)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, 4, 4 * WIDTH, dropout=0.1, batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, size)

    def forward(self, x: Any) -> Any:
        x = self.embedding(x) + self.place(np.arange(x.shape[1]))
        return self.head(self.norm(self.block(x, is_causal=True)))


rule = optim.adamw()
cross_entropy = nn.CrossEntropyLoss(ignore_index=NOTHING)


def cost(model: Any, x: Any, t: Any) -> Any:
    """The mean cross-entropy of the characters that came."""
    return cross_entropy(np.swapaxes(model(x), 1, 2), t)  # classes lie along axis 1


@tg.compile
def step(model: Any, state: Any, x: Any, t: Any, rate: Any) -> Any:
    loss, gradient = tg.value_and_grad(cost)(model, x, t)
    model, state = rule.update(gradient, state, model, lr=rate)
    return model, state, loss


next_character = tg.compile(lambda model, x: tg.softmax(model(x)))


def lesson(codes: Any) -> tuple[Any, Any]:
    """What is read, 0 and all characters but the last, and what comes: every one up to the end."""
    x = np.pad(codes, ((0, 0), (1, 0)))[:, :-1]
    ended = (x == 0) & (np.arange(x.shape[1]) > 0)
    return x, np.where(ended, NOTHING, codes)


def bits(p: Any, t: Any) -> Any:
    """What each character cost with the probabilities p (n, length, size); nan after the end."""
    chosen = np.take_along_axis(p, np.maximum(t, 0)[..., None], axis=2)[..., 0]
    return np.where(t == NOTHING, np.nan, -np.log2(chosen))


def counted(seen: Any, x: Any, size: int) -> dict[str, Any]:
    """Probabilities by counting alone: of each kana, and of each after the one before."""
    pairs = np.full((size, size), 0.1)  # what was never seen is unlikely, not impossible
    came = seen[1] != NOTHING
    np.add.at(pairs, (seen[0][came], seen[1][came]), 1)
    single = np.broadcast_to(pairs.sum(axis=0) / pairs.sum(), (*x.shape, size))
    return {"kana counted": single, "pairs counted": (pairs.T / pairs.sum(axis=1)).T[x]}


def train(model: Any, seen: Any, unseen: Any, epochs: int) -> tuple[Any, list[Any]]:
    """The trained model, and what unseen names cost after each epoch."""
    state, costs, done = rule.init(model), [], 0
    parts = batches(*seen, min(BATCH, len(seen[0]) // 4), shuffle=True, generator=0, drop_last=True)
    for _ in range(epochs):
        model.train()
        for x, t in parts:
            rate = RATE * (1 + np.cos(np.pi * done / (epochs * len(parts)))) / 2
            model, state, _ = step(model, state, x, t, np.float32(rate))
            done += 1
        costs.append(bits(next_character(model.eval(), unseen[0]), unseen[1]))
    return model, costs


def draw_names(model: Any, vocabulary: Vocabulary, n: int, length: int) -> list[str]:
    """Names drawn kana by kana as the model finds them likely."""
    rng = np.random.default_rng(0)
    codes = np.zeros((n, length + 1), int)
    for place in range(length):
        p = np.cumsum(next_character(model, codes[:, :-1])[:, place], axis=1)
        codes[:, place + 1] = np.sum(rng.random((n, 1)) * p[:, -1:] > p, axis=1)
    return [vocabulary.decode(row) for row in codes[:, 1:]]


def draw(costs: dict[str, list[Any]]) -> None:
    """How unseen names cost less from epoch to epoch, and place by place at the end."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    styles = (("gray", ":"), ("gray", "--"), ("#0072B2", "-"), ("#D55E00", "-"))
    for (name, found), (colour, style) in zip(costs.items(), styles):
        means = [np.nanmean(cost) for cost in found]
        if len(means) == 1:
            left.axhline(means[0], color=colour, linestyle=style, label=name)
        else:
            left.plot(np.arange(len(means)) + 1, means, style, color=colour, label=name)
        places = np.nanmean(found[-1][:, :6], axis=0)
        right.plot(np.arange(6) + 1, places, style, color=colour, marker="o", label=name)
    left.set(title="1,000 unseen names", xlabel="epoch", ylabel="bits per character")
    right.set(title="The same at the end", xlabel="place in the name", ylabel="bits")
    right.legend()
    figure.savefig("names.png", dpi=100)
    print("\ndrawn: names.png")


def main() -> None:
    """Read names, train both, let them draw."""
    parser = argparse.ArgumentParser(description="Networks that invent Japanese names.")
    parser.add_argument("--quick", action="store_true", help="few names, no picture")
    quick = parser.parse_args().quick
    if not quick and Figure is None:
        parser.error('names and picture: pip install "tinygrad_ce[names,pictures]"')
    sys.stdout.reconfigure(encoding="utf-8")
    names = FEW.split() if quick else sorted(set().union(*dataset.load_dataset()))
    held, epochs = (12, 20) if quick else (1000, 10)
    vocabulary = Vocabulary(names)
    np.random.default_rng(0).shuffle(names)
    codes = vocabulary.encode(names)
    size, length = len(vocabulary), codes.shape[1]
    unseen, seen = lesson(codes[:held]), lesson(codes[held:])
    print(f"{len(names)} names, {held} of them held back; bits per character of those:")
    print(f"  {'nothing known':13} {np.log2(size):.2f}")
    by_counting = counted(seen, unseen[0], size)
    costs = {name: [bits(p, unseen[1])] for name, p in by_counting.items()}
    for name, found in costs.items():
        print(f"  {name:13} {np.nanmean(found):.2f}")

    tg.manual_seed(0)
    models = {"GRU": Recurrent(size), "transformer": Transformer(size, length)}
    for name, model in models.items():
        began = time.perf_counter()
        models[name], costs[name] = train(model, seen, unseen, epochs)
        spent, weights = time.perf_counter() - began, sum(w.size for w in model.parameters())
        mean = np.nanmean(costs[name][-1])
        print(f"  {name:13} {mean:.2f}  ({weights:,} weights, {spent:.1f} s)", flush=True)
        assert mean < (np.log2(size) if quick else LEAST)
    for name, model in models.items():
        drawn = draw_names(model, vocabulary, 1000, length)
        new = [x for x in drawn if x not in names[held:]]
        exist = sum(x in names[:held] for x in new)
        print(f"\n1000 names drawn by the {name}: {1000 - len(new)} it has read, {exist} that")
        print(f"were held back, {len(new) - exist} others, such as")
        others = [x for x in dict.fromkeys(new) if x and x not in names]
        print("  " + "\n  ".join("  ".join(others[i : i + 8]) for i in (0, 8, 16)))
    if not quick:
        draw(costs)


if __name__ == "__main__":
    main()
