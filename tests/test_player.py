"""The player: its page is whole, small and harmless, and shows the engine's numbers.

The clicking is done in a real Chromium: `pip install playwright` and Debian's `chromium`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tests.scenes import SCENES, recurrent
from tests.test_pictures import HOSTILE, each_scene
from tinygrad_ce.pictures.numerals import number, numbers
from tinygrad_ce.pictures.scene import look
from tinygrad_ce.rules.kinds import Several

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip
in_a_browser = pytest.mark.skipif(
    sync_playwright is None or CHROMIUM is None, reason="needs playwright and chromium"
)


class Page(HTMLParser):
    """The elements of a page, and the text of its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open = ""
        self.title = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open == "script":
            self.scripts[-1] += data
        elif self.open == "title" and not self.title:
            self.title = data


def told(html: str) -> Any:
    return json.loads(Page(html).scripts[0])


@each_scene
def test_the_page_holds_the_engines_numbers(name: str) -> None:
    made = SCENES[name]()
    scene = look(made["loss"], names=made)
    data = told(tg.player(made["loss"], names=made).html)
    assert len(data["steps"]) == len(scene.steps)
    for told_, vertex in zip(data["vertices"], scene.vertices, strict=True):
        assert (told_["l"], told_["f"]) == (vertex.label, vertex.formula)
        shown = data["arrays"][told_["v"]]
        assert shown["t"] == text(vertex.value)
        if vertex.gradient is None:
            assert told_["g"] is None
        else:
            assert data["arrays"][told_["g"]]["t"] == text(vertex.gradient)
        if "d" in shown and type(vertex.value) is not Several:
            entries(shown, np.asarray(vertex.value))
    arrivals = [a for v in scene.vertices for a in v.arrivals]
    for told_, arrival in zip(data["arrivals"], arrivals, strict=True):
        assert data["arrays"][told_["added"]]["t"] == text(arrival.added)
        assert data["arrays"][told_["after"]]["t"] == text(arrival.after)
        assert told_["rule"] == arrival.edge.formula


def text(x: Any) -> str:
    return numbers(x) if type(x) is Several or np.ndim(x) else number(x)


def entries(shown: Any, x: Any) -> None:
    """The entries told are those of the array at the places told."""
    table = x.reshape(-1, x.shape[-1]) if x.ndim else x.reshape(1, 1)
    rows = shown.get("i", ["0"])
    columns = shown.get("j", [0])
    for k, entry in enumerate(shown["d"]):
        row, column = rows[k // len(columns)], columns[k % len(columns)]
        places = [int(i) for i in row.split(", ") if i] if x.ndim > 1 else []
        r = int(np.ravel_multi_index(places, x.shape[:-1])) if places else 0
        if x.dtype.kind in "fiu" and np.isfinite(table[r, column]):
            assert entry == pytest.approx(table[r, column], rel=1e-6)
        else:
            assert str(entry) in (number(table[r, column]), str(int(bool(table[r, column]))))


def test_large_arrays_are_summed_up() -> None:
    made = SCENES["large"]()
    html = tg.player(made["loss"], names=made).html
    data = told(html)
    x = data["arrays"][data["vertices"][0]["v"]]
    assert x["s"] == [100, 100]
    assert len(x["d"]) == 144
    assert x["p"] == "shown: 12 of 100 rows, 12 of 100 columns"
    assert len(html) < 60_000


def test_the_page_is_small_and_fetches_nothing() -> None:
    made = SCENES["network"]()
    html = tg.player(made["loss"], names=made).html
    assert len(told(html)["vertices"]) >= 15
    assert len(html.encode()) < 60_000
    assert set(re.findall(r"\w+://[^\s\"'<]+", html)) == {"http://www.w3.org/2000/svg"}
    for tag, attributes in Page(html).found:
        assert tag not in ("img", "iframe", "object", "embed")
        assert "src" not in attributes
        assert tag != "link" or attributes["href"] == "data:,"
    assert "default-src 'none'" in html


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_harmless(hostile: str) -> None:
    x = tg.tensor(2.0, True)
    y = x * x
    clean = Page(tg.player(y, names={"x": x, "y": y}).html)
    page = Page(tg.player(y, names={hostile: x, hostile + "2": y}).html)
    assert [tag for tag, _ in page.found] == [tag for tag, _ in clean.found]
    assert page.scripts[1] == clean.scripts[1]
    data = json.loads(page.scripts[0])
    assert data["vertices"][0]["l"] == hostile


def test_what_cannot_be_played_is_refused() -> None:
    x = tg.tensor([1.0, 2.0], True)
    with pytest.raises(tg.GradientError, match="needs a real scalar"):
        tg.player(x * x)
    assert tg.player(x * x, np.ones(2)).steps == 4


def test_many_steps_are_played_too() -> None:
    played = tg.player(recurrent())
    assert played.steps > 500
    assert len(played.html) < 700_000


def test_notebooks_are_given_a_closed_frame() -> None:
    x = tg.tensor(2.0, True)
    played = tg.player(x * x)
    ((tag, attributes),) = Page(played._repr_html_()).found
    assert (tag, attributes["sandbox"]) == ("iframe", "allow-scripts")
    assert attributes["srcdoc"] == played.html


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Opened:
    """A page in the browser, and everything that went wrong in it."""

    def __init__(self, browser: Any, html: str, folder: Path, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.wrong: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text))
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("dialog", lambda d: (self.wrong.append(d.message), d.dismiss()))
        self.page.on("request", lambda r: self.fetched.append(r.url))
        self.file = folder / "page.html"
        self.file.write_text(html, encoding="utf-8")
        self.page.goto(self.file.as_uri())

    def text(self, what: str) -> str:
        return str(self.page.inner_text(what))

    def close(self) -> None:
        assert self.wrong == []
        assert {url.partition("#")[0] for url in self.fetched} <= {self.file.as_uri(), "data:,"}
        self.page.close()


@in_a_browser
@each_scene
def test_clicking_through_shows_every_step(name: str, browser: Any, tmp_path: Path) -> None:
    made = SCENES[name]()
    scene = look(made["loss"], names=made)
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path)
    page = opened.page
    for n, step in enumerate(scene.steps, 1):
        assert opened.text("#count") == f"{n} / {len(scene.steps)}"
        assert opened.text("#card b") == step.direction
        spoken = page.text_content("#spoken")
        value = step.vertex.value if step.direction == "forward" else step.vertex.gradient
        assert " ".join(f": {text(value)}".split()) in " ".join(spoken.split())
        card = page.text_content("#card")
        for a in (*step.arrived, *step.sent):
            if a.before is not None and type(a.added) is not Several and not np.ndim(a.added):
                added = number(a.added)
                added = f"({added})" if added.startswith("-") else added
                assert f"{number(a.before)} + {added} -> {number(a.after)}" in card
        assert page.evaluate("location.hash") == f"#{n}"
        if n < len(scene.steps):
            page.click("#next")
    assert page.is_disabled("#next")
    opened.close()


@in_a_browser
def test_sums_are_shown_as_they_grow(browser: Any, tmp_path: Path) -> None:
    made = SCENES["shared"]()
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path)
    opened.page.keyboard.press("End")
    assert opened.text("h2") == "dloss/dp"
    assert "-15.04 + 19.09 -> 4.054" in opened.text("#card")
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("ArrowLeft")
    card = opened.text("#card")
    assert "dr/dp = q = -2" in card
    assert "dr/dp = q = -2" in opened.page.text_content(".labels")
    assert "dloss/dp gets dloss/dr * q = (-9.545) * (-2) = 19.09" in card
    opened.close()


@in_a_browser
def test_keys_slider_links_and_pointing(browser: Any, tmp_path: Path) -> None:
    made = SCENES["network"]()
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path)
    page = opened.page
    steps = int(opened.text("#count").split(" / ")[1])

    def at() -> int:
        return int(opened.text("#count").split(" / ")[0])

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert at() == 3
    page.keyboard.press("ArrowLeft")
    assert at() == 2
    page.keyboard.press("End")
    assert at() == steps
    page.keyboard.press("Home")
    assert at() == 1
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    assert at() == 2
    page.evaluate("location.hash = '#12'")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('12 ')")
    page.goto(opened.file.as_uri() + "#7")
    page.reload()
    assert at() == 7
    for wrong, n in (("#0", 1), ("#-3", 1), ("#999", steps), ("#<b>", 1)):
        page.goto(opened.file.as_uri() + wrong)
        page.reload()
        assert at() == n
    page.keyboard.press("End")
    cell = page.locator(".map td").first
    cell.hover()
    assert re.fullmatch(r"\[.*\] = .*", page.locator("figcaption").first.inner_text())
    page.locator("#graph .v").nth(2).click(force=True)
    assert at() < steps
    page.click("#play")
    assert opened.text("#play") == "stop"
    page.click("#play")
    assert opened.text("#play") == "play"
    opened.close()


@in_a_browser
def test_a_notebooks_closed_frame_steps_to_the_end(browser: Any, tmp_path: Path) -> None:
    """Its document has no address of its own, which `replaceState` refuses."""
    x = tg.tensor([2.0, 1.0], True)
    inside = tg.player(np.sum(x * x))._repr_html_()
    page = f"<!DOCTYPE html><meta charset=utf-8><link rel=icon href='data:,'>{inside}"
    opened = Opened(browser, page, tmp_path)
    (frame,) = opened.page.main_frame.child_frames
    steps = int(frame.inner_text("#count").split(" / ")[1])
    frame.click("#play")
    for _ in range(steps):
        frame.press("body", "ArrowRight")
    assert frame.inner_text("#count") == f"{steps} / {steps}"
    assert frame.inner_text("#play") == "play"
    opened.close()


@in_a_browser
def test_without_a_pointer_every_number_is_there(browser: Any, tmp_path: Path) -> None:
    x = tg.tensor(np.arange(6.0).reshape(2, 3) - 2, True)
    w = tg.tensor(np.arange(96.0).reshape(2, 48) / 64, True)
    y = np.sum(x * x) + np.sum(w * w)
    opened = Opened(browser, tg.player(y, names={"x": x, "w": w, "y": y}).html, tmp_path)
    page = opened.page
    few = page.get_by_role("table", name="x (2, 3)")
    assert few.get_by_role("cell").all_inner_texts() == ["-2", "-1", "0", "1", "2", "3"]
    step = next(n for n, s in enumerate(look(y, names={"w": w}).steps, 1) if s.vertex.thing is w)
    page.evaluate(f"location.hash = '#{step}'")
    page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{step} ')")
    summary = page.locator("summary").first
    assert page.get_by_role("table", name="w (2, 48)").count() == 0  # colours alone
    summary.focus()
    page.keyboard.press("Enter")
    whole = page.get_by_role("table", name="w (2, 48)")
    whole.wait_for()
    cells = whole.get_by_role("cell").all_inner_texts()
    assert [float(c) for c in cells] == pytest.approx(w.numpy().ravel())
    opened.close()


@in_a_browser
def test_who_walks_by_keyboard_keeps_the_button(browser: Any, tmp_path: Path) -> None:
    made = SCENES["shared"]()
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path)
    page = opened.page
    page.focus("#next")
    while page.get_attribute("#next", "aria-disabled") == "false":
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "next"
    assert page.is_disabled("#next")
    page.keyboard.press("Enter")
    count = opened.text("#count")
    assert count.split(" / ")[0] == count.split(" / ")[1]
    page.keyboard.press("ArrowLeft")
    assert opened.text("#count") != count
    opened.close()


@in_a_browser
def test_what_is_spoken_tells_the_whole_step(browser: Any, tmp_path: Path) -> None:
    made = SCENES["shared"]()
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path)
    page = opened.page
    assert page.get_attribute("#spoken", "aria-live") == "polite"
    page.evaluate("location.hash = '#16'")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('16 ')")
    spoken = page.text_content("#spoken")
    assert spoken.startswith("Step 16 of 18, backward: gradient of r: -9.545")
    assert "To p: dloss/dr * q = (-9.545) * (-2) = 19.09, -15.04 + 19.09 -> 4.054" in spoken
    assert "from v4 (operand a): -5.848" in opened.text("#card")
    opened.close()


@in_a_browser
def test_on_paper_nothing_is_cut_off(browser: Any, tmp_path: Path) -> None:
    made = SCENES["network"]()
    opened = Opened(browser, tg.player(made["loss"], names=made).html, tmp_path,
                    viewport={"width": 700, "height": 500})  # fmt: skip
    opened.page.keyboard.press("End")
    opened.page.emulate_media(media="print")
    for name in ("#graph", "#card"):
        inside, outside = opened.page.evaluate(
            "(name) => { const e = document.querySelector(name);"
            " return [e.scrollHeight, e.clientHeight]; }", name)  # fmt: skip
        assert inside <= outside + 1
    assert not opened.page.is_visible("nav")
    opened.close()


@in_a_browser
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_fits_the_screen(width: int, dark: bool, browser: Any, tmp_path: Path) -> None:
    made = SCENES["network"]()
    opened = Opened(
        browser, tg.player(made["loss"], names=made).html, tmp_path,
        viewport={"width": width, "height": 700}, color_scheme="dark" if dark else "light",
    )  # fmt: skip
    page = opened.page
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide <= width
    assert high <= 700
    assert page.evaluate("document.getElementById('last').getBoundingClientRect().right") <= width
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    bright = [sum(map(int, re.findall(r"\d+", c)[:3])) for c in (ink, paper)]
    assert (bright[0] > bright[1]) == dark
    opened.close()


@in_a_browser
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_run_nothing(hostile: str, browser: Any, tmp_path: Path) -> None:
    x = tg.tensor([2.0, 3.0], True)
    y = np.sum(x * x)
    opened = Opened(browser, tg.player(y, names={hostile: x, "y": y}).html, tmp_path)
    for key in ("End", "ArrowLeft", "Home"):
        opened.page.keyboard.press(key)
    opened.page.keyboard.press("End")
    shown = opened.page.text_content("h2")
    if hostile.isprintable():
        assert shown == f"dy/d{hostile}"
    opened.close()


@in_a_browser
def test_the_readmes_picture_is_made_by_its_command(tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    root = Path(__file__).parents[1]
    path = tmp_path / "player.png"
    command = [sys.executable, "examples/backprop.py", "--screenshot", str(path)]
    subprocess.run(command, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, check=True)
    kept = (root / "examples" / "pictures" / "player.png").read_bytes()
    assert path.read_bytes()[:24] == kept[:24]  # its size; fonts differ from place to place
    assert len(kept) < 60_000
