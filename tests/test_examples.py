"""Every example runs in its quick form, in a process of its own, and leaves no file behind."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(
    path: Path, folder: Path, *arguments: str, without: str = ""
) -> subprocess.CompletedProcess[str]:
    """The example as from the command line; `without` is a library that is not there."""
    script = (
        "import runpy, sys\n"
        f"sys.modules.update(dict.fromkeys({without.split()!r}))\n"
        f"sys.argv = [{path.name!r}, *{arguments!r}]\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    alone = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **alone},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize("name", ["digits", "mlp_by_hand", "spiral"])
def test_the_picture_names_its_extra(name: str, tmp_path: Path) -> None:
    done = run(ROOT / "examples" / f"{name}.py", tmp_path, without="matplotlib")
    assert done.returncode == 2
    assert 'pip install "tinygrad_ce[pictures]"' in done.stderr


def test_digits_name_their_extra(tmp_path: Path) -> None:
    path = ROOT / "examples" / "digits.py"
    done = run(path, tmp_path, "--quick", without="matplotlib sklearn sklearn.datasets")
    assert done.returncode == 0, done.stderr
    assert 'pip install "tinygrad_ce[sklearn]"' in done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_quick(path: Path, tmp_path: Path) -> None:
    done = run(path, tmp_path, "--quick", without="matplotlib PIL")
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert list(tmp_path.iterdir()) == []
    assert f"examples/{path.name} --quick" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["aiueo", "fashion", "names"])
def test_a_missing_extra_is_named(name: str, tmp_path: Path) -> None:
    done = run(ROOT / "examples" / f"{name}.py", tmp_path, without="matplotlib")
    assert done.returncode == 2
    assert 'pip install "tinygrad_ce[' in done.stderr


def test_fashion_reads_a_folder_or_says_what_to_install(tmp_path: Path) -> None:
    script = ROOT / "examples" / "fashion.py"
    done = run(script, tmp_path, "--quick", "--folder", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "dataset-fashion-mnist" in done.stderr
    runpy.run_path(str(script))["stand_in"](tmp_path)
    done = run(script, tmp_path, "--quick", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "(1000 of 1000)" in done.stdout
