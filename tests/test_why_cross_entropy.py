"""The founding article's statements: the example computes them, checks them, and says so."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "why_cross_entropy.py"
PICTURES = ("minus_log_p", "derivatives", "learning", "logits")


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), "--quick", *arguments],
        capture_output=True, text=True, encoding="utf-8", check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("lang", "title"), [("en", "Why cross-entropy?"), ("ja", "なぜ")])
def test_every_statement_is_computed(lang: str, title: str) -> None:
    text = run("--lang", lang)
    assert text.startswith(title)
    rows = {int(line[:2]) for line in text.splitlines() if line[:2].strip().isdigit()}
    assert rows == set(range(1, 13))
    for number in ("dy = -t / y", "dy = y - t", "16.118", "801", "400", "-1e+09", "[1 0 0 0 0]"):
        assert number in text


def test_the_pictures_are_drawn_without_a_japanese_font_too(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    text = run("--lang", "ja", "--pictures", str(tmp_path))
    assert all(str(tmp_path / f"{name}.png") in text for name in PICTURES)
    assert all((tmp_path / f"{name}.png").stat().st_size > 5000 for name in PICTURES)


def test_a_statement_that_does_not_hold_ends_the_program() -> None:
    specification = importlib.util.spec_from_file_location("why_cross_entropy", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["why_cross_entropy"] = module
    specification.loader.exec_module(module)
    with pytest.raises(SystemExit, match="does not hold: row 1"):
        module.check("row 1", [True, False])
    assert set(module.WORDS["en"]) == set(module.WORDS["ja"])
