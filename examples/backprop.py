"""Draw a network of one hidden layer, and make the page that steps through its backprop.

    python examples/backprop.py            # backprop.svg and backprop.html beside this file
    python examples/backprop.py --quick    # make both, write nothing
    python examples/backprop.py --screenshot player.png    # the README's picture of the player

Open backprop.html in a browser: arrow keys go forward and back, `#12` is step 12. The screenshot
is made by Chromium, which is looked for on the path, and `pip install "tinygrad_ce[browser]"`.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
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


def numbers() -> tg.Tensor:
    """A function of two numbers, in which p is used twice: its gradient is a sum."""
    p, q = tg.tensor(0.5, requires_grad=True), tg.tensor(-2.0, requires_grad=True)
    r = p * q
    cost = np.log(np.exp(r) + r * r) / p**3
    return cost


def shoot(player: tg.pictures.player.Player, step: int, path: Path) -> Path:
    """A picture of the page at a step, as a browser shows it."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = player.save(Path(folder) / "page.html").as_uri()
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 860, "height": 630}, color_scheme="light")
        tab.goto(f"{page}#{step}")
        tab.screenshot(path=path)
        browser.close()
    Image.open(path).convert("RGB").quantize(64).save(path, optimize=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="write nothing")
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help="picture the player only")
    arguments = parser.parse_args()
    if arguments.screenshot:
        print(shoot(tg.player(numbers), 16, arguments.screenshot))
        return
    quick = arguments.quick
    picture, player = tg.draw(network), tg.player(network)
    print(picture)
    print(player)
    if not quick:
        print(picture.save(HERE / "backprop.svg"))
        print(player.save(HERE / "backprop.html"))


if __name__ == "__main__":
    main()
