"""Draw a network of one hidden layer, and make the page that steps through its backprop.

    python examples/backprop.py            # backprop.svg and backprop.html beside this file
    python examples/backprop.py --quick    # make both, write nothing

Open backprop.html in a browser: arrow keys go forward and back, `#12` is step 12.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import tinygrad_ce as tg

HERE = Path(__file__).parent


def network() -> tg.Tensor:
    """The loss of two examples with three features, classified into two kinds."""
    x = np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]])
    t = np.array([[1.0, 0.0], [0.0, 1.0]])
    W1 = tg.tensor([[0.5, -0.25], [1.0, 0.75], [-0.5, 1.5]], requires_grad=True)  # noqa: N806
    b1 = tg.tensor([0.0, 0.125], requires_grad=True)
    W2 = tg.tensor([[1.0, -1.0], [0.5, 2.0]], requires_grad=True)  # noqa: N806
    h = tg.relu(x @ W1 + b1)
    z = h @ W2
    y = tg.softmax(z)
    loss = -np.sum(t * np.log(y)) / len(x)
    return loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="write nothing")
    quick = parser.parse_args().quick
    picture, player = tg.draw(network), tg.player(network)
    print(picture)
    print(player)
    if not quick:
        print(picture.save(HERE / "backprop.svg"))
        print(player.save(HERE / "backprop.html"))


if __name__ == "__main__":
    main()
