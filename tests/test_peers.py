"""Ours catches every wrong gradient that `peers.py` hands out, and raises no false alarm.

The peers are asked where they are installed: what the page says of them must stay true.
"""

from functools import cache
from importlib.metadata import version
from typing import Any

import pytest
from peers import OURS, PAGE, PEERS, Problem, ours, problems


@pytest.mark.parametrize("p", [p for p in problems() if p.x.size < 1000], ids=lambda p: p.title)
def test_ours_passes_right_gradients_and_no_other(p: Problem) -> None:
    passes, text = ours(p)
    assert passes == p.right, text


@cache
def on_the_page() -> dict[str, list[str]]:
    """The table's rows: {gradient: [who says what]}."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if "|" in line]
    return {title: cells for title, *cells in rows}


def test_the_page_has_every_gradient_and_every_check() -> None:
    rows = on_the_page()
    assert rows["gradient"] == [OURS, *PEERS]
    assert all(p.title in rows for p in problems())
    assert all(rows[p.title][0] == ("passes" if p.right else "caught") for p in problems())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PEERS)
def test_the_page_says_of_peers_what_they_do(name: str) -> None:
    module, check = PEERS[name]
    pytest.importorskip(module)
    if f"{module} {version(module)}" not in PAGE.read_text():
        pytest.skip("the page was written with another version")
    place = on_the_page()["gradient"].index(name)
    said: dict[tuple[bool, bool], Any] = {
        (True, True): "passes", (False, False): "caught",
        (True, False): "**missed**", (False, True): "**false alarm**",
    }  # fmt: skip
    small = [p for p in problems() if p.x.size < 100]
    found = {p.title: said[check(p)[0], p.right] for p in small}
    assert found == {p.title: on_the_page()[p.title][place] for p in small}
