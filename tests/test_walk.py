"""The walk through a run as text: its numbers are the engine's, and its lines stand in columns."""

import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_ce as tg
from tests.scenes import GRAPHS
from tinygrad_ce.graph import gradients, order
from tinygrad_ce.pictures import formula
from tinygrad_ce.pictures.columns import looks
from tinygrad_ce.programs.trace import trace


def walked(loss: Any, **settings: Any) -> str:
    out = io.StringIO()
    tg.explain(loss, file=out, **settings)
    return out.getvalue()


def variable(x: Any, dtype: Any = None) -> Any:
    return tg.tensor(x, requires_grad=True, dtype=dtype)


def test_the_running_sum_is_shown() -> None:
    y = variable(0.5)
    assert "0.46 + 0.13 -> 0.59" in walked(0.13 * y + 0.46 * y)


UNARY = [np.exp, np.sin, np.tanh, tg.sigmoid, np.square, np.negative, tg.relu, lambda x: 2 - x]
BINARY = [np.add, np.multiply, np.subtract, np.maximum]


@st.composite
def runs(draw: Any) -> Any:
    leaves = [variable(draw(st.floats(-2, 2))) for _ in range(draw(st.integers(1, 3)))]
    known = list(leaves)
    for _ in range(draw(st.integers(1, 8))):
        a, b = draw(st.sampled_from(known)), draw(st.sampled_from(known))
        known.append(
            draw(st.sampled_from(UNARY))(a)
            if draw(st.booleans())
            else draw(st.sampled_from(BINARY))(a, b)
        )
    return known[-1]


@settings(deadline=None, max_examples=100)
@given(runs())
def test_numbers_are_the_engines(loss: Any) -> None:
    text = walked(loss, names={"loss": loss})
    nodes = order(loss)
    found = gradients(loss, loss.dtype.type(1), set(nodes))
    back = text.split("backward\n")[1]
    whole = [float(n) for n in re.findall(r"^ *\d+  .*-> (\S+)$", back, re.MULTILINE)]
    expected = [float(f"{found[node]:.4g}") for node in nodes]
    assert sorted(whole) == pytest.approx(sorted(expected), abs=0)
    for before, added, after in re.findall(r"(\S+) \+ (\S+) -> (\S+)$", back, re.MULTILINE):
        a, b, c = (float(n.strip("()")) for n in (before, added, after))
        assert c == pytest.approx(a + b, rel=2e-3, abs=2e-3 * (abs(a) + abs(b)))
    assert all(node.grad is None for node in nodes)
    loss.backward()


def test_columns_are_aligned() -> None:
    x = variable(3.0)
    lines = walked(np.exp(x) * x + np.sin(x)).splitlines()
    forward = lines[1 : lines.index("backward")]
    assert len({line.index("->") for line in forward}) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_only_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    x = variable(3.0)
    loss = x * x
    assert "\x1b" not in walked(loss)
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    tg.explain(loss, file=out)
    assert "\x1b[33m" in out.getvalue()
    assert re.sub(r"\x1b\[\d+m", "", out.getvalue()).split() == walked(loss).split()
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    tg.explain(loss, file=out)
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize(("typed", "steps"), [("\n\nq\n", 3), ("", 5), ("\n" * 9, 5)])
def test_step_by_step(typed: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = variable(3.0)
    y = np.exp(x)
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    text = walked(-y, step=True)
    assert len(re.findall(r"^ *\d+  ", text, re.MULTILINE)) == (steps if steps < 5 else 6)


def test_names_cannot_move_the_cursor() -> None:
    x = variable(3.0)
    text = walked(x * x, names={"\x1b[2Jx\n<script>": x})
    assert "\x1b" not in text
    assert r"\x1b[2Jx\n<script>" in text


def test_a_step_that_was_gone_past_says_so() -> None:
    z = variable(-3.0)
    y = tg.sigmoid(z)
    text = walked(y * y + y * np.log(y))
    assert "the rest went past with" in text
    line = next(row for row in text.splitlines() if "dz" in row and "(1 - y)" in row)
    first, second = re.findall(r"[+=] \(?(-?[\d.]+)\)? \* \((\S+) \*", line)[0]
    added = float(line.split("+ (")[-1].split(")")[0])
    assert float(first) * float(second) * (1 - float(second)) == pytest.approx(added, rel=1e-2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", GRAPHS)
def test_every_kind_of_graph_is_walked(name: str) -> None:
    loss = GRAPHS[name]()
    text = walked(loss)
    assert re.match(r"forward\n +1  ", text)
    assert ("backward" in text) == (loss.size == 1)
    assert max(map(len, text.splitlines())) < 600


@pytest.mark.parametrize("columns", [20, 40, 60, 100])
def test_lines_are_no_wider_than_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = GRAPHS["batch norm"]()
    wide = walked(loss)
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = walked(loss)
    lengths = [len(line) for line in narrow.splitlines()]
    assert max(lengths) <= max(columns, 34)  # a name is not broken
    assert re.sub(r"\s", "", narrow) == re.sub(r"\s", "", wide)


def test_columns_are_aligned_under_wide_letters() -> None:
    確率 = variable(0.5)  # noqa: N806
    損失 = np.log(確率) * 確率  # noqa: N806
    lines = walked(損失, names={"損失": 損失, "確率": 確率}).splitlines()
    forward = lines[1 : lines.index("backward")]
    assert "損失" in forward[-1]
    assert len({looks(line[: line.index("->")]) for line in forward}) == 1


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "cp932", "utf-8"])
def test_any_terminal_can_show_it(encoding: str) -> None:
    x = variable(np.linspace(0, 1, 50))
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding)
    tg.explain(np.sum(x * x), file=out, names={"損失": x})
    out.flush()
    text = raw.getvalue().decode(encoding)
    assert ("損失" if encoding in ("cp932", "utf-8") else r"\u640d\u5931") in text
    assert ("0 … 1" if encoding in ("cp932", "utf-8") else "0 ... 1") in text


def test_the_walk_that_was_printed_can_be_read() -> None:
    x = variable(3.0)
    loss = np.exp(x) * x
    out = Terminal()
    walk = tg.explain(loss, file=out)
    assert walk.text + "\n" == walked(loss)
    assert walk.steps == 6
    assert str(walk) == "6 steps, printed above; .text has them"


class Closed(io.StringIO):
    def readline(self, *_: Any) -> str:
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stdin", [None, Closed(), io.StringIO()])
def test_where_nobody_can_press_a_key_it_goes_on(
    stdin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = variable(3.0)
    monkeypatch.setattr("sys.stdin", stdin)
    assert walked(-x, step=True).count("->") == walked(-x).count("->")


def test_an_interrupt_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(io.StringIO):
        def readline(self, *_: Any) -> str:
            raise KeyboardInterrupt

    x = variable(3.0)
    monkeypatch.setattr("sys.stdin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        walked(-x, step=True)


def test_a_hook_is_seen() -> None:
    x = variable(3.0)
    y = x * x
    y.register_hook(lambda g: 10 * g)
    loss = y + 1
    assert "dloss/dy  -> 10, from 1 by a hook" in re.sub(
        " {2,}", "  ", walked(loss, names={"loss": loss, "y": y})
    )


def test_steps_that_repeat_are_written_down_once(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []

    def counted(*given: Any) -> Any:
        traced.append(given)
        return trace(*given)

    monkeypatch.setattr(formula, "trace", counted)
    x = variable(1.0)
    y = x
    for _ in range(300):
        y = np.sin(y) * x
    walked(y)
    str(tg.chain_rule(y, wrt=x))
    assert len(traced) < 20


def test_nothing_is_told_without_a_graph() -> None:
    with pytest.raises(tg.GradientError, match="requires no gradient"):
        tg.explain(tg.tensor(1.0))
