"""The README's code blocks and the docstrings' examples run, and print what they show."""

import doctest
import importlib
import linecache
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import tinygrad_ce

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(tinygrad_ce.__path__, "tinygrad_ce.")
    if not module.name.endswith("__main__")
]

SYMBOLIC = ("definitions", "exact", "premises", "proof", "symbolic", "symbols", "theorem")
NEEDS = dict.fromkeys((f"tinygrad_ce.testing.{name}" for name in SYMBOLIC), "sympy")
NEEDS |= dict.fromkeys(("tinygrad_ce.data.images", "tinygrad_ce.sklearn"), "sklearn")


def test_the_readmes_code_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some save what they draw
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(ROOT / "README.md")
    examples = list(document.examples())
    assert len(examples) >= 4
    for example in examples:
        example.evaluate()
    for name in ("report", "table"):
        assert f"```text\n{document.namespace[name]}\n```" in README


def test_the_readme_shows_what_its_derivations_print(capsys: pytest.CaptureFixture[str]) -> None:
    section = README.split("## The derivation, printed")[1].split("\n## ")[0]
    names = {"np": np, "tg": tinygrad_ce}
    for kind, block in re.findall(r"```(python|text)\n(.*?)```", section, re.DOTALL):
        if kind == "python":
            exec(compile(block, "README.md", "exec"), names)
        else:
            assert capsys.readouterr().out.strip() == block.strip()


@pytest.mark.parametrize("name", MODULES)
def test_the_docstrings_examples_run(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_the_readme_shows_what_its_walks_print(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = README.split("## Backprop to look at")[1].split("\n## ")[0]
    names = {"np": np, "tg": tinygrad_ce}
    monkeypatch.chdir(tmp_path)
    shown = 0
    for kind, block in re.findall(r"```(python|text)\n(.*?)```", section, re.DOTALL):
        if kind == "python":
            (tmp_path / "script.py").write_text(block, encoding="utf-8")
            linecache.checkcache()
            exec(compile(block, str(tmp_path / "script.py"), "exec"), names)
        else:
            assert capsys.readouterr().out == block
            shown += 1
    assert shown == 3
    assert "r = p * q" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert (tmp_path / "backprop.html").read_text(encoding="utf-8").count('"back":') == 18
