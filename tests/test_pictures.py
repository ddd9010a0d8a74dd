"""Pictures: their numbers are the engine's, their boxes stand apart, and no name can hurt."""

import gc
import re
import shutil
import subprocess
import weakref
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tests.scenes import SCENES, recurrent
from tinygrad_ce import functions, nn
from tinygrad_ce.graph import gradients, order
from tinygrad_ce.pictures import naming
from tinygrad_ce.pictures.boxes import drawing, repeats
from tinygrad_ce.pictures.layers import crossings, lay_out
from tinygrad_ce.pictures.numerals import number, numbers
from tinygrad_ce.pictures.scene import Scene, look
from tinygrad_ce.rules.kinds import Several
from tinygrad_ce.rules.table import TABLE

SVG = "{http://www.w3.org/2000/svg}"
each_scene = pytest.mark.parametrize("name", SCENES)
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style><b>", "{{data}}",
    "a\"];b [label=\"", "]]>", "\x00\x1b\ud800", "名前", "x" * 200, "`${1}`", "#quot;", "a\\",
    "-->", "$$x^2$$", "fa:fa-car", "&lt;b&gt;",
]  # fmt: skip


def seen(name: str) -> tuple[dict[str, Any], Scene]:
    made = SCENES[name]()
    return made, look(made["loss"], names=made)


def same(a: Any, b: Any) -> bool:
    if type(a) is Several:
        return all((p is None) == (q is None) for p, q in zip(a, b, strict=True))
    return np.result_type(a) == np.result_type(b) and np.array_equal(a, b, equal_nan=True)


@each_scene
def test_gradients_are_the_engines(name: str) -> None:
    made, scene = seen(name)
    loss = made["loss"]
    with np.errstate(all="ignore"):
        found = gradients(loss, np.ones_like(loss.value)[()], set(order(loss)))
    for vertex in scene.vertices:
        if vertex.node in found and not any(e.aside for e in vertex.uses):
            assert same(vertex.gradient, found[vertex.node])


@each_scene
def test_values_and_operands_are_the_graphs(name: str) -> None:
    made, scene = seen(name)
    assert {v.node for v in scene.vertices if v.kind in ("operation", "parameter")} == set(
        order(made["loss"])
    )
    for vertex in scene.vertices:
        node = vertex.node
        assert vertex.value is (vertex.thing if node is None else node.value)
        if vertex.kind == "operation" and node is not None:
            flowing = [e for e in vertex.operands if e.flows]
            assert [e.source.node for e in flowing] == list(node.parents or ())
            assert [e.parent for e in flowing] == list(range(len(flowing)))


@each_scene
def test_summands_add_up_to_the_gradient(name: str) -> None:
    _, scene = seen(name)
    counted = 0
    for vertex in scene.vertices:
        arrivals = vertex.arrivals
        if vertex.gradient is not None and vertex is not scene.root:
            counted += 1
            assert same(arrivals[-1].after, vertex.gradient)
        for a, b in pairwise(arrivals):
            assert b.before is a.after
    assert counted


@each_scene
def test_steps_go_through_everything_and_back(name: str) -> None:
    _, scene = seen(name)
    forward = [s.vertex for s in scene.steps if s.direction == "forward"]
    back = [s.vertex for s in scene.steps if s.direction == "backward"]
    assert forward == scene.vertices
    assert back == [v for v in reversed(scene.vertices) if v.gradient is not None]
    assert back[0] is scene.root
    told: set[Any] = set()
    for step in scene.steps:
        assert {a.edge for a in step.arrived} <= told | {
            e for e in step.vertex.uses if e.aside or step.direction == "forward"
        }
        told |= {a.edge for a in step.sent}


@each_scene
def test_formulas_of_gradients_give_what_was_passed_on(name: str) -> None:
    """The text on every edge, evaluated, is the number that went back along it."""
    made, scene = seen(name)
    known = {f.__name__: f for f in TABLE if hasattr(f, "__name__")}
    known |= {key: getattr(functions, key) for key in functions.__all__}
    known |= {key: getattr(np, key) for key in np.__all__ if not key.startswith("_")}
    known |= {"zeros": np.zeros, "empty": np.empty, "array": np.array}
    evaluated = 0
    for edge in scene.edges:
        if edge.formula is None or edge.gradient is None or re.search(" where |…", edge.formula):
            continue
        if type(edge.gradient) is Several:
            continue
        names = {v.label: v.value for v in scene.vertices}
        names |= {f"g_{v.number}": v.gradient for v in scene.vertices}
        text = edge.formula
        for vertex in sorted(scene.vertices, key=lambda v: -len(v.label)):
            text = text.replace(scene.d(vertex), f"g_{vertex.number}")
        with np.errstate(all="ignore"):
            found = eval(text, {**known, **names})  # our own text
        if made["loss"].dtype == np.float32:
            found = np.asarray(found, np.float32)
        np.testing.assert_allclose(found, edge.gradient, rtol=1e-6, atol=1e-12)
        evaluated += 1
    assert evaluated


def test_local_derivatives_by_name_and_number() -> None:
    x, w = tg.tensor(2.0, True), tg.tensor(-4.0, True)
    y = x * w
    loss = np.log(y * y) + np.exp(x)
    scene = look(loss)
    edge = next(e for e in scene.of(y).operands if e.source.thing is x)  # type: ignore[union-attr]
    assert (edge.local, edge.local_numeric, edge.local_value) == ("w", "-4", -4.0)
    assert scene.of(y).numeric == "2 * (-4)"  # type: ignore[union-attr]
    assert edge.formula == "dloss/dy * w"
    arrivals = scene.of(x).arrivals  # type: ignore[union-attr]
    assert [number(a.after) for a in arrivals] == ["7.389", "8.389"]


def test_grad_is_not_touched_and_the_graph_stays() -> None:
    made = SCENES["shared"]()
    tg.draw(made["loss"])
    assert made["p"].grad is None
    made["loss"].backward(retain_graph=True)
    kept = made["p"].grad
    tg.draw(made["loss"])
    assert made["p"].grad is kept
    made["loss"].backward()
    with pytest.raises(tg.GradientError, match="released"):
        tg.draw(made["loss"])


@each_scene
def test_leaves_gradients_are_those_of_backward(name: str) -> None:
    made, scene = seen(name)
    with np.errstate(all="ignore"):
        made["loss"].backward()
    leaves = [v for v in scene.vertices if v.kind == "parameter"]
    assert leaves
    for leaf in leaves:
        assert leaf.node is not None
        assert same(leaf.gradient, leaf.node.grad)


def test_what_has_no_graph_is_refused() -> None:
    for x in (tg.tensor(1.0), 3.0, np.ones(2)):
        with pytest.raises(tg.GradientError, match="requires no gradient"):
            tg.draw(x)  # type: ignore[arg-type]


def test_one_of_several_results_has_no_derivative_of_entries() -> None:
    made, scene = seen("several")
    for edge in scene.of(made["s"]).operands:  # type: ignore[union-attr]
        assert (edge.local, edge.formula) == (None, "dloss/ds")


def test_a_leaf_alone_looks_like_one() -> None:
    x = tg.tensor(3.0, True)
    assert tg.draw(x).mermaid.splitlines()[1] == '    n0(["x<br/>3"])'
    assert tg.player(x).steps == 2


def test_a_vector_is_drawn_without_gradients_or_with_those_asked_for() -> None:
    x = tg.tensor([1.0, 2.0], True)
    y = x * x
    assert "∂" not in tg.draw(y).mermaid
    assert "∂ [2, 40]" in tg.draw(y, np.array([1.0, 10.0])).mermaid


def test_a_value_that_a_step_went_past_is_shown_its_gradient() -> None:
    z, t = tg.tensor([1.0, 2.0, 0.5], True), np.array([0.0, 0.0, 1.0])
    y = tg.softmax(z)
    loss = -np.sum(t * np.log(y)) + np.sum(y * y)
    scene = look(loss)
    vertex = scene.of(y)
    assert vertex is not None
    assert np.allclose(vertex.gradient, -t / y.value + 2 * y.value)
    shown = [a for a in vertex.arrivals if a.edge.aside]
    assert [a.edge.target.function for a in shown] == ["log_softmax"]
    assert np.allclose(shown[0].added, -t / y.value)
    assert np.allclose(vertex.arrivals[-1].after, vertex.gradient)
    y.retain_grad()
    loss.backward()
    assert np.allclose(y.grad, vertex.gradient)


def test_hooks_are_called_and_seen() -> None:
    x = tg.tensor(3.0, True)
    y = x * x
    y.register_hook(lambda g: 10 * g)
    scene = look(y + 1.0)
    assert scene.of(x).gradient == 60.0  # type: ignore[union-attr]


class Layer:
    def __init__(self) -> None:
        self.weight = tg.tensor(np.ones((2, 2)), True)
        self.bias = tg.tensor(np.zeros(2), True)

    def __call__(self, x: Any) -> Any:
        return np.tanh(x @ self.weight + self.bias)


def test_names_of_attributes_items_and_parts() -> None:
    layers = [Layer() for _ in range(3)]
    params = {"w": tg.tensor(np.ones(2), True)}
    data = np.ones((5, 2))
    h: Any = data[1:3]
    for layer in layers:
        h = layer(h)
    loss = np.sum(h * params["w"])
    labels = {v.label for v in look(loss).vertices}
    assert {"layers[0].weight", "layers[2].bias", "params['w']", "data[…]", "h", "loss"} <= labels
    assert not any(label.startswith("layer.") for label in labels)


def test_the_variable_of_a_loop_is_no_name() -> None:
    xs = [tg.tensor(float(i), True) for i in range(4)]
    params = [tg.tensor(1.0, True) for _ in range(3)]
    w, b, last = params
    s: Any = 0.0
    for x in xs:
        s = s + x * x
    labels = {v.label for v in look((s * w + b) * last).vertices}
    assert {"xs[0]", "xs[1]", "xs[2]", "xs[3]", "w", "b", "last", "s"} <= labels
    assert "x" not in labels


def test_groups_are_by_owner() -> None:
    one, two = Layer(), Layer()
    loss = np.sum(two(one(np.ones((3, 2)))))
    groups = {v.label: v.group for v in look(loss).vertices}
    assert groups["one.weight"] == "one"
    assert set(groups.values()) == {"one", "two", ""}
    picture = tg.draw(loss)
    assert picture.svg.count('class="group"') >= 8
    forms = (picture.mermaid, "subgraph ", "\n    end"), (picture.dot, "cluster_", "}")
    for text, start, end in forms:
        for name in ("one", "two"):
            block = text.partition(f'"{name}"')[2].partition(end)[0]
            assert f"{name}.weight" in block
            assert f"{name}.bias" in block
        assert text.count(start) == 2


def test_what_lies_between_two_of_a_module_is_its_own() -> None:
    """x @ W.T is the layer's, whether or not x was computed."""
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    scene = look(np.sum(model(np.ones((4, 2)))))
    groups = [(v.function, v.group) for v in scene.vertices if v.kind == "operation"]
    first, second = ([(f, f"model[{i}]") for f in ("transpose", "matmul", "add")] for i in (0, 2))
    assert groups == [*first, ("maximum", ""), *second, ("sum", "")]
    assert "model[2].weight" in {v.label for v in scene.vertices}


def test_the_legend_explains_the_lines_there_are() -> None:
    made = SCENES["network"]()
    svg = tg.draw(made["loss"], names=made).svg
    assert all(f">{text}</text>" in svg for text in ("gradient flows", "none flows", "only shown"))
    x = tg.tensor(2.0, True)
    assert "gradient flows" not in tg.draw(x * x).svg


def test_mermaid_and_graphviz_read_no_signs() -> None:
    """`$$` is mathematics to Mermaid, `fa:` an image; `&lt;` is a sign to Graphviz."""
    x = tg.tensor(2.0, True)
    text = tg.draw(x * x, names={"$$x$$ fa:fa-car": x}).mermaid
    assert "$$" not in text
    assert "fa:" not in text
    assert '"&amp;lt;' in tg.draw(x * x, names={"&lt;": x}).dot


@pytest.mark.skipif(shutil.which("dot") is None, reason="needs Graphviz")
@pytest.mark.parametrize("hostile", HOSTILE)
def test_graphviz_reads_every_name(hostile: str) -> None:
    x = tg.tensor(2.0, True)
    dot = tg.draw(x * x, names={hostile: x}).dot
    done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True)
    assert done.stderr == b""
    texts = [e.text for e in ElementTree.fromstring(done.stdout).iter(f"{SVG}text")]
    if hostile.isprintable() and len(hostile) < 30:
        assert hostile in texts


def test_names_of_functions_variables_are_their_own() -> None:
    def inner(x: Any) -> Any:
        y = x * 2.0
        return tg.draw(y * y, np.ones(2))

    x = tg.tensor([1.0, 2.0], True)
    assert "y = x * 2" in inner(x).mermaid


def test_a_function_is_run_and_its_variables_have_names() -> None:
    W = tg.tensor(np.ones((2, 2)), True)  # noqa: N806

    def layer(x: Any) -> Any:
        z = x @ W
        return np.tanh(z)

    def model(data: Any) -> Any:
        first = layer(data)
        second = layer(first)
        return np.sum(second)

    rows = np.ones((3, 2))
    heads = tg.draw(lambda: model(rows)).mermaid
    for formula in ("z = rows @ W", "first = tanh(z)", "z′ = first @ W", "second = tanh(z′)"):
        assert formula in heads
    assert tg.player(lambda: model(rows)).steps > 10


def test_labels_are_never_alike() -> None:
    v1 = tg.tensor(1.0, True)
    other = tg.tensor(2.0, True)
    loss = np.exp(v1 * other) * 3.0
    scene = look(loss, names={"v1": v1, "v2": loss})
    labels = [v.label for v in scene.vertices]
    assert len(labels) == len(set(labels))


@each_scene
def test_svg_is_well_formed_and_complete(name: str) -> None:
    made, scene = seen(name)
    picture = tg.draw(made["loss"], names=made, collapse=False)
    root = ElementTree.fromstring(picture.svg)
    drawn = [g for g in root.iter(f"{SVG}g") if g.get("class") == "v"]
    assert len(drawn) == len(scene.vertices)
    text = "\n".join(root.itertext())
    for vertex in scene.vertices:
        assert vertex.label in text
        if vertex.gradient is not None:
            assert f"{scene.d(vertex)} = {numbers(vertex.gradient, 24)}" in text
    ends = {(e.source.number, e.target.number) for e in scene.edges}
    assert len([g for g in root.iter(f"{SVG}g") if g.get("class") == "e"]) >= len(ends)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_text(hostile: str, tmp_path: Path) -> None:
    x = tg.tensor(2.0, True)
    picture = tg.draw(x * x, names={hostile: x})
    for form in ("svg", "mmd", "dot"):
        picture.save(tmp_path / f"a.{form}")
    root = ElementTree.fromstring(picture.svg)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "style", "rect", "g", "path", "polygon", "text",
    }  # fmt: skip
    assert not any(key.startswith("on") for e in root.iter() for key in e.attrib)
    for line in picture.mermaid.splitlines()[1:]:
        assert re.fullmatch(
            r'    n\d+(\(\[|\[\[|\[)"[^"<>]*(<br/>[^"<>]*)*"(\]\)|\]\]|\])', line
        ) or re.fullmatch(r"    (n\d+ -.*-> n\d+|class(Def)? [\w#:, ]+)", line)
    for line in picture.dot.splitlines()[2:-1]:
        assert line.replace("\\\\", "").replace('\\"', "").count('"') % 2 == 0


def test_save_goes_by_the_ending(tmp_path: Path) -> None:
    x = tg.tensor(2.0, True)
    picture = tg.draw(x * x)
    assert picture.save(tmp_path / "a.svg").read_text(encoding="utf-8") == picture.svg
    assert picture.save(tmp_path / "a.mmd").read_text(encoding="utf-8").startswith("flowchart TD")
    assert picture.save(str(tmp_path / "a.dot")).read_text(encoding="utf-8").startswith("digraph")
    with pytest.raises(ValueError, match="png"):
        picture.save("a.png")


def test_notebooks_are_given_svg() -> None:
    x = tg.tensor(2.0, True)
    picture = tg.draw(x * x)
    assert picture._repr_mimebundle_()["image/svg+xml"] == picture.svg
    assert picture._repr_mimebundle_(include=["text/plain"])["image/svg+xml"]


def test_repeated_steps_are_folded() -> None:
    scene = look(recurrent())
    folded, whole = drawing(scene), drawing(scene, collapse=False)
    assert len(whole.boxes) == len(scene.vertices) > 300
    assert len(folded.boxes) < 30
    assert any("58 more of the same 4 steps" in box.head for box in folded.boxes)
    for drawn in (folded, whole):
        assert sorted(n for box in drawn.boxes for n in box.members) == list(
            range(len(scene.vertices))
        )
        assert all(join.source < join.target for join in drawn.joins)
    assert len(tg.draw(recurrent()).svg) < 40_000


@given(st.lists(st.integers(0, 2), max_size=40))
def test_repeats_are_repeats(codes: list[int]) -> None:
    taken: set[int] = set()
    for start, length, times in repeats(codes):
        end = start + length * times
        assert times >= 3 or (times == 2 and length >= 8)
        assert codes[start:end] == codes[start : start + length] * times
        folded = set(range(start + length, end))
        assert not folded & taken
        taken |= folded


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[tuple[int, int]]]:
    n = draw(st.integers(1, 25))
    sizes = [(draw(st.floats(20, 200)), draw(st.floats(20, 60))) for _ in range(n)]
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda p: p[0] < p[1])
    return sizes, draw(st.lists(pairs, max_size=40, unique=True)) if n > 1 else []


@given(graphs())
def test_boxes_stand_apart_and_lines_run_down(
    graph: tuple[list[tuple[float, float]], list[tuple[int, int]]],
) -> None:
    sizes, edges = graph
    layout = lay_out(sizes, edges)
    for i, j in combinations(range(len(sizes)), 2):
        (x, y), (a, b) = layout.places[i], layout.places[j]
        apart = abs(x - a) - (sizes[i][0] + sizes[j][0]) / 2, abs(y - b) - (
            sizes[i][1] + sizes[j][1]) / 2  # fmt: skip
        assert max(apart) > 10
    for (x, y), (w, h) in zip(layout.places, sizes):
        assert -1e-6 <= x - w / 2 <= x + w / 2 <= layout.width + 1e-6
        assert -1e-6 <= y - h / 2 <= y + h / 2 <= layout.height + 1e-6
    for (a, b), line in zip(edges, layout.lines):
        assert layout.layers[a] < layout.layers[b]
        heights = [y for _, y in line]
        assert heights == sorted(heights)
        assert line[0] == (layout.places[a][0], layout.places[a][1] + sizes[a][1] / 2)
        assert line[-1] == (layout.places[b][0], layout.places[b][1] - sizes[b][1] / 2)


def test_crossings_are_counted_and_undone() -> None:
    rng = np.random.default_rng(0)
    below = [sorted(rng.choice(6, 3, replace=False) + 6) for _ in range(6)] + [[]] * 6
    upper, lower = list(range(6)), list(range(6, 12))
    pairs = [(a, b) for a in upper for b in below[a]]
    brute = sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(pairs, 2))
    assert crossings(upper, lower, below) == brute
    layout = lay_out([(40.0, 20.0)] * 6, [(0, 3), (1, 4), (2, 5)])
    order_above = sorted((0, 1, 2), key=lambda i: layout.places[i][0])
    order_below = sorted((3, 4, 5), key=lambda i: layout.places[i][0])
    assert [i + 3 for i in order_above] == order_below


def test_a_long_chain_is_drawn() -> None:
    x = tg.tensor(0.5, True)
    y = x
    for _ in range(3000):
        y = np.sin(y)
    assert len(drawing(look(y)).boxes) < 10


def test_numbers_are_short() -> None:
    assert numbers(np.array([np.nan, np.inf, *range(9)])) == "0 … 8, mean 4, 1 nan, 1 inf"
    assert numbers(np.full(7, np.nan)) == "7 nan"
    assert numbers(np.array([True] * 7 + [False])) == "7 of 8 true"
    assert number(np.complex128(1 - 2j)) == "1-2i"
    assert number(-0.0) == "0"


def test_nothing_is_kept() -> None:
    def drawn() -> tuple[Any, Any]:
        x = tg.tensor(2.0, True)
        y = x * x
        return tg.draw(y * y), weakref.ref(y)

    picture, kept = drawn()
    gc.collect()
    assert picture.svg
    assert kept() is None


def test_formulas_are_as_one_writes_them() -> None:
    W = tg.tensor(np.ones((2, 3)), True)  # noqa: N806
    x = np.ones((4, 3))
    y = x @ W.T
    z = np.sum(y[:, 0] ** 3 / 2.5 - np.mean(y, axis=1, keepdims=True).ravel())
    written = [v.formula for v in look(z).vertices if v.formula]
    assert written[0] == "W.T"
    assert {"y[:, 0]", "mean(y, axis=1, keepdims=True)"} <= set(written)
    assert any(re.fullmatch(r"v\d+ \*\* 3", w) for w in written)
    assert any(re.fullmatch(r"v\d+ / 2\.5", w) for w in written)


def test_the_committed_picture_is_the_one_the_example_draws() -> None:
    path = Path(__file__).parents[1] / "examples" / "backprop.py"
    module: dict[str, Any] = {"__file__": str(path), "__name__": "network"}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module)
    drawn = tg.draw(module["network"]).svg
    kept = path.with_suffix(".svg").read_text(encoding="utf-8")
    digits = re.compile(r"-?[\d.]+(e[-+]\d+)?")
    assert digits.sub("#", drawn) == digits.sub("#", kept)


def test_of_large_containers_a_part_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    parts = naming._parts

    def counted(name: str, x: Any) -> Any:
        nonlocal looked_at
        for part in parts(name, x):
            looked_at += 1
            yield part

    monkeypatch.setattr(naming, "_parts", counted)
    many = [[{"name": i, "more": [i, i]} for i in range(100_000)]]
    assert naming._below("many", many, {0}, set())[0] == {}
    assert 0 < looked_at <= naming._MOST


def inner_names() -> dict[str, Any]:
    """Functions that the engine computes by functions of its own, under other names."""
    A = tg.tensor([[2.0, 1.0], [0.5, 3.0]], True)  # noqa: N806
    image, kernel = tg.tensor(np.ones((1, 1, 4, 4)), True), tg.tensor(np.ones((1, 1, 3, 3)), True)
    rounded = tg.primitive(lambda x: np.round(x), rules=lambda g, y, x: g)
    U, s, Vh = np.linalg.svd(A)  # noqa: N806
    Q, R = np.linalg.qr(A)  # noqa: N806
    upper, lower = np.split(A, 2)
    seen = tg.conv2d(image, kernel)
    pooled = tg.max_pool(seen, 2)
    kept = tg.checkpoint(lambda a: np.tanh(a))(A)
    size = np.linalg.norm(A, axis=1)
    results = [U, s, Vh, Q, R, upper, lower, pooled, kept, size]
    loss = sum(np.sum(x) for x in [*results, rounded(A), np.abs(A) ** 2, A[:, 1:]])
    loss = loss + tg.cross_entropy(tg.softmax(A), [0, 1])
    del results
    return locals()


def test_pictures_say_what_the_user_calls() -> None:
    made = inner_names()
    scene = look(made["loss"], names=made)
    formulas = {v.formula for v in scene.vertices}
    assert {"svd(A)", "qr(A)", "split(A, [1], 0)", "conv2d(image, kernel)", "(A,)",
            "max_pool(seen, (2, 2))", "norm(A, axis=1)", "rounded(A)", "abs(A)",
            "A[:, 1:]"} <= formulas  # fmt: skip
    edges = [text for e in scene.edges for text in (e.formula, e.local) if text]
    assert any("scatter" in text and "s_[:, 1:]" in text for text in edges)
    for text in (*formulas, *edges):
        assert not re.search(r"_factors|_gathered|_lambda|entries|masked|cut\(|complex\(|<", text)


@each_scene
def test_a_v_and_a_number_is_a_vertex(name: str) -> None:
    """Steps inside of a formula are not named as values of the run are."""
    made, scene = seen(name)
    labels = {v.label for v in scene.vertices}
    texts = [t for e in scene.edges for t in (e.formula, e.local) if t]
    for text in [*texts, *(v.formula for v in scene.vertices)]:
        assert set(re.findall(r"\bv\d+′*", text)) <= labels
    assert made


def test_steps_of_a_formula_are_written_where_they_are_used() -> None:
    A, z = tg.tensor(np.ones((3, 2)), True), tg.tensor(np.ones((2, 3)), True)  # noqa: N806
    y = tg.log_softmax(z)
    pin = np.linalg.pinv(A + np.eye(3)[:, :2])
    scene = look(np.sum(y) + np.sum(pin), names={"z": z, "y": y, "pin": pin})
    found = {v.label: [e.formula for e in v.operands if e.flows] for v in scene.vertices}
    assert "softmax(z)" in str(found["y"])
    assert ".T" in str(found["pin"])
    assert "where" not in str(found)
