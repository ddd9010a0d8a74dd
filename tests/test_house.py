"""The promises of the house: floors, imports, the public names, NumPy alone at import."""

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

import tinygrad_ce as tg

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tinygrad_ce"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
FLOORS = {
    "errors": 1,
    "trees": 1,
    "debugging": 1,
    "dispatch": 1,
    "hints": 1,
    "locks": 1,
    "marks": 1,
    "mode": 1,
    "optional": 1,
    "options": 1,
    "record": 1,
    "rules": 2,
    "arguments": 3,
    "array": 3,
    "variable": 3,
    "coverage": 3,
    "functions": 3,
    "convolution": 3,
    "pooling": 3,
    "graph": 3,
    "targets": 3,
    "randomness": 3,
    "tensor": 4,
    "losses": 4,
    "checkpoint": 5,
    "run": 5,
    "transforms": 5,
    "lines": 5,
    "data": 5,
    "programs": 5,
    "pictures": 5,
    "saving": 5,
    "nn": 5,
    "optim": 5,
    "training": 5,
    "vectors": 5,
    "sklearn": 5,
    "testing": 6,
    "__init__": 7,
    "course": 8,
    "__main__": 8,
}
TOP = {"tinygrad_ce", "tests", "examples", "pyproject.toml", "README.md"}
Import = ast.Import | ast.ImportFrom

each_file = pytest.mark.parametrize("path", FILES, ids=NAMES)


def module(path: Path) -> str:
    """The dotted name of a file below the package: `rules.table`, `rules.__init__`, `tensor`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


MODULES = {module(path) for path in FILES}


def floor(name: str) -> int:
    return FLOORS[name.split(".")[0]]


def known(name: str) -> str | None:
    """The module of ours that a dotted name below the package is, or None."""
    if not name:
        return "__init__"
    package = f"{name}.__init__"
    return name if name in MODULES else package if package in MODULES else None


def targets(path: Path, node: Import) -> set[str]:
    """The modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        dotted = [alias.name for alias in node.names]
    else:
        base = node.module or ""
        if node.level:
            parts = ["tinygrad_ce", *module(path).split(".")][: -node.level]
            base = ".".join([*parts, base] if base else parts)
        # A name that is a file is that file; any other is found in the module it is taken from.
        dotted = []
        for alias in node.names:
            full = f"{base}.{alias.name}"
            below = full.startswith("tinygrad_ce.") and known(full.removeprefix("tinygrad_ce."))
            dotted.append(full if below else base)
    own = {name for name in dotted if name.split(".")[0] == "tinygrad_ce"}
    found = {known(name.removeprefix("tinygrad_ce").removeprefix(".")) for name in own}
    return {name for name in found if name}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.AST) -> list[Import]:
    return [node for node in ast.walk(tree) if isinstance(node, Import)]


def arrows(path: Path) -> set[str]:
    found = [targets(path, node) for node in imports(parsed(path))]
    return set().union(*found) - {module(path)}


@each_file
def test_file_stands_on_a_floor(path: Path) -> None:
    assert module(path).split(".")[0] in FLOORS


@each_file
def test_arrows_run_down(path: Path) -> None:
    here = floor(module(path))
    assert {name for name in arrows(path) if floor(name) > here} == set()


@each_file
def test_no_import_inside_a_function(path: Path) -> None:
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    inside = [
        found.lineno
        for node in ast.walk(parsed(path))
        if isinstance(node, functions)
        for found in imports(node)
    ]
    assert inside == []


@each_file
def test_no_import_of_ours_for_type_checking_only(path: Path) -> None:
    blocks = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    assert [name for block in blocks for i in imports(block) for name in targets(path, i)] == []


def test_imports_have_no_circles() -> None:
    left = {module(path): arrows(path) for path in FILES}
    while True:
        free = {name for name, needed in left.items() if not needed & left.keys()}
        if not free:
            break
        left = {name: needed for name, needed in left.items() if name not in free}
    assert left == {}


def test_arrows_are_found_at_all() -> None:
    assert {"graph", "rules.table"} <= arrows(PACKAGE / "tensor.py")


@each_file
def test_third_parties_are_numpy_alone(path: Path) -> None:
    roots = set()
    for node in imports(parsed(path)):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        elif not node.level:
            roots.add(str(node.module).split(".")[0])
    allowed = {"numpy", "tinygrad_ce"}
    if module(path).startswith(("testing.strategies", "testing.drawing", "testing.entry")):
        allowed.add("hypothesis")
    if module(path) == "sklearn":
        allowed.add("sklearn")
    assert roots - sys.stdlib_module_names <= allowed


def test_public_names_are_sorted() -> None:
    assert tg.__all__ == sorted(tg.__all__)


def test_public_names_are_unique() -> None:
    assert len(tg.__all__) == len(set(tg.__all__))


def test_public_names_are_complete() -> None:
    nodes = [n for n in parsed(PACKAGE / "__init__.py").body if isinstance(n, ast.ImportFrom)]
    imported = {alias.asname or alias.name for node in nodes for alias in node.names}
    assert {name for name in imported if not name.startswith("_")} == set(tg.__all__)


@pytest.mark.parametrize("name", tg.__all__)
def test_public_name_resolves(name: str) -> None:
    assert hasattr(tg, name)


@pytest.mark.parametrize("name", tg.__all__)
def test_public_name_is_documented(name: str) -> None:
    assert getattr(tg, name).__doc__


def test_face_holds_nothing_but_names() -> None:
    nodes = parsed(PACKAGE / "__init__.py").body
    plain = [node for node in nodes if not isinstance(node, ast.Expr | ast.ImportFrom | ast.Assign)]
    assert [ast.unparse(node).splitlines()[0] for node in plain] == [
        "import typing",
        "if not typing.TYPE_CHECKING:",  # for names of elsewhere: hints.py
    ]


@each_file
def test_module_names_of_all_exist(path: Path) -> None:
    tree = parsed(path)
    listed: list[str] = []
    defined: set[str] = set()
    parted = [node for node in tree.body if isinstance(node, ast.Try | ast.If)]
    tried = [inner for node in parted for inner in node.body]
    for node in [*tree.body, *tried]:
        if isinstance(node, ast.Assign):
            names = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            defined |= names
            if "__all__" in names:
                listed = ast.literal_eval(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.add(node.target.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {alias.asname or alias.name for alias in node.names}
    assert set(listed) <= defined


def test_import_brings_numpy_alone() -> None:
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "import numpy\n"
        "allowed = set(sys.modules)\n"
        "import tinygrad_ce\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - allowed}\n"
        "print(*sorted(new - sys.stdlib_module_names - {'numpy', 'tinygrad_ce'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == []


def test_estimators_without_scikit_learn_name_the_extra() -> None:
    program = "import sys; sys.modules['sklearn'] = None; import tinygrad_ce.sklearn"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert 'pip install "tinygrad_ce[sklearn]".' in done.stderr


def test_extras_that_are_named_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {
        extra
        for path in [*FILES, ROOT / "README.md"]
        for extra in re.findall(r"(?:tinygrad_ce|\.)\[(\w+)\]", path.read_text(encoding="utf-8"))
        if not extra.isdigit()
    }
    assert "sklearn" in named
    assert named <= project["optional-dependencies"].keys()


def test_top_level_holds_what_it_should() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: other files may lie beside the package")
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    patterns = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    # What the examples, a build, an exercise leave there is ignored by git.
    assert {name for name in found if not any(fnmatch(name, p) for p in patterns)} <= TOP
