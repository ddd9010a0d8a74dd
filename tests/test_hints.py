"""Names of PyTorch and JAX: the error says what is written here, and what it says runs."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce import hints

HINTS = {**hints._NAMES, **hints._METHODS}
KNOWN = {
    "np": np, "tg": tg, "tgt": tgt, "tinygrad_ce": SimpleNamespace(sklearn=True),
    "axis": 0, "axes": (1, 0), "shape": (2, 2), "n": 2, "k": 1, "p": 2, "low": 0.0, "high": 1.0,
    "indices": np.array([[0, 1]]), "mask": np.array([True, False]), "value": 0.0,
    "values": np.ones((1, 2, 2)), "array": np.ones(2), "arrays": [np.ones(2)], "f": np.sin,
    "dtype": np.float32, "source": 0, "destination": 1, "start": 0, "length": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_what_a_hint_says_runs(name: str) -> None:
    t, u = (tg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True) for _ in range(2))
    written = ast.parse(HINTS[name].partition(";")[0]).body[0]
    if isinstance(written, ast.Assign):
        assert ast.unparse(written) == "t.grad = None"
    else:
        code = compile(ast.Expression(written.value), name, "eval")
        assert eval(code, {**KNOWN, "t": t + 0.0, "u": u}) is not None


@pytest.mark.parametrize("name", hints._OWN)
def test_own_functions_are_there(name: str) -> None:
    assert callable(getattr(tg, name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("view", "here it is t.reshape(shape)"),
        ("unsqueeze", "np.expand_dims(t, axis)"),
        ("relu", "here it is tg.relu(t)"),
        ("exp", "NumPy's function does it: np.exp(t)"),
        ("add_", "t = t + u makes a new tensor"),
        ("strides", "t.numpy() is an array of the values"),
        ("nonsense", "a tensor has no attribute 'nonsense'"),
    ],
)
def test_a_method_of_elsewhere(name: str, said: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(tg.tensor([1.0]), name)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("module", "name", "said"),
    [
        (tg, "exp", "NumPy's own name is the one to use, np.exp"),
        (tg, "jit", "here it is tg.compile(f)"),
        (tg, "unsqueeze", "np.expand_dims(t, axis)"),
        (tg.nn, "functional", "tg.relu"),
        (tg, "nonsense", "tinygrad_ce has no 'nonsense'"),
    ],
)
def test_a_name_of_elsewhere(module: object, name: str, said: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(module, name)
    assert said in str(caught.value)


@pytest.mark.parametrize(("written", "ours"), [({"dim": 0}, "axis="), ({"keepdim": True}, "keepd")])
def test_an_argument_of_elsewhere(written: dict[str, object], ours: str) -> None:
    with pytest.raises(tg.UnsupportedError, match=f"NumPy's name for it is {ours}"):
        tg.tensor([1.0], requires_grad=True).sum(**written)
