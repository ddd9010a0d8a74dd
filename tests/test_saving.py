"""Trees in files: what comes back, and what is refused."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tinygrad_ce as tg
from tinygrad_ce import nn, optim

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(),
    arrays.arrays(arrays.scalar_dtypes().filter(lambda d: d.kind in "biufc"),
                  arrays.array_shapes(min_dims=0, max_side=3)),
)  # fmt: skip
KEYS = st.one_of(st.text(), st.integers(), st.booleans())
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=8,
)  # fmt: skip
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(a: Any, b: Any) -> bool:
    """Whether two trees are the same to the bit, types included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return bool(a == b) or (a != a and b != b)


@once
@given(TREES)
def test_what_was_saved_comes_back(tmp_path: Path, tree: Any) -> None:
    tg.save(tmp_path / "a.npz", tree)
    assert same(tg.load(tmp_path / "a.npz"), tree)


def test_a_tensor_comes_back_as_an_array(tmp_path: Path) -> None:
    tg.save(tmp_path / "a.npz", {"w": tg.tensor([1.0, 2.0], requires_grad=True)})
    np.testing.assert_array_equal(tg.load(tmp_path / "a.npz")["w"], [1.0, 2.0])


def test_a_number_of_numpys_keeps_its_dtype(tmp_path: Path) -> None:
    tg.save(tmp_path / "a.npz", np.float32(0.1))
    assert same(tg.load(tmp_path / "a.npz"), np.float32(0.1))


def test_a_model_stands_for_its_state(tmp_path: Path) -> None:
    a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    tg.save(tmp_path / "a.npz", a)
    b.load_state_dict(tg.load(tmp_path / "a.npz"))
    assert same(a.state_dict(), b.state_dict())


def test_any_npz_of_arrays_is_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.ones(2))
    assert list(tg.load(tmp_path / "a.npz")) == ["x"]


def test_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    """With dropout, so that the generator's state counts, and a schedule."""

    def start() -> tuple[Any, Any, Any]:
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer = optim.AdamW(model.parameters(), lr=0.01)
        return model, optimizer, optim.lr_scheduler.StepLR(optimizer, 2)

    def train(model: Any, optimizer: Any, scheduler: Any, epochs: int) -> None:
        x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
        for _ in range(epochs):
            tg.softmax_cross_entropy(model(x), np.arange(8) % 3).backward()
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()

    generator = tg.manual_seed(1)
    through = start()
    train(*through, 3)
    names = ("model", "optimizer", "scheduler")
    kept = {name: part.state_dict() for name, part in zip(names, through, strict=True)}
    tg.save(tmp_path / "a.npz", kept | {"generator": generator.bit_generator.state})
    train(*through, 3)

    again = start()
    state = tg.load(tmp_path / "a.npz")
    for name, part in zip(names, again, strict=True):
        part.load_state_dict(state[name])
    tg.default_generator().bit_generator.state = state["generator"]
    train(*again, 3)
    assert same(again[0].state_dict(), through[0].state_dict())


# What is refused.


class Evil:
    """What pickle would run."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("it was run",))


def test_an_array_of_objects_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(tg.FileError, match=r"holds ndarray at w\.0"):
        tg.save(tmp_path / "a.npz", {"w": [np.array([None])]})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_object_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(tg.FileError, match="holds Evil at w"):
        tg.save(tmp_path / "a.npz", {"w": Evil()})


def test_a_file_that_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    tg.save(path, {"w": 1})
    with pytest.raises(tg.FileError):
        tg.save(path, {"w": Evil()})
    assert tg.load(path) == {"w": 1}


def test_a_disk_that_fails_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    tg.save(path, {"w": 1})

    def full(descriptor: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        tg.save(path, {"w": 2})
    assert tg.load(path) == {"w": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_pickles_are_not_run(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.array([Evil()], dtype=object))
    (tmp_path / "b.npz").write_bytes(pickle.dumps(Evil()))
    np.save(tmp_path / "c.npy", np.array([Evil()], dtype=object))
    for name in ("a.npz", "b.npz", "c.npy"):
        with pytest.raises(tg.FileError, match="cannot be read"):
            tg.load(tmp_path / name)


STATE = {"w": np.arange(6.0), "text": "あいうえお", "options": (1, 2.5, None, True)}


@once
@given(st.data())
def test_a_file_that_was_cut_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "a.npz"
    tg.save(path, STATE)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(tg.FileError, match="cannot be read"):
        tg.load(path)


@once
@given(st.data())
def test_a_file_with_a_wrong_byte_is_refused_or_read_right(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "a.npz"
    tg.save(path, STATE)
    whole = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(whole))
    try:
        found = tg.load(path)
    except tg.FileError:
        return
    assert same(found, STATE)  # a byte that says nothing, as the date of an entry


FORMS = [
    "[]", "{", '{"version": 2, "tree": ["value", 1]}', '{"version": 1, "tree": ["array", "no"]}',
    '{"version": 1, "tree": ["value", [1]]}', '{"version": 1, "tree": ["__import__", "os"]}',
    '{"version": 1, "tree": ["dict", [[["list", []], ["value", 1]]]]}',
    '{"version": 1, "tree": ' + '["list", [' * 5000 + "]]" * 5000 + "}",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[:30])
def test_a_list_of_places_that_is_none_is_refused(tmp_path: Path, form: str) -> None:
    np.savez(tmp_path / "a.npz", **{"tree.json": np.frombuffer(form.encode(), np.uint8)})
    with pytest.raises(tg.FileError, match="cannot be read"):
        tg.load(tmp_path / "a.npz")


def test_an_array_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (9000000000000000,), }"
        head = head.ljust(117) + b"\n"
        file.writestr("w.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
    with pytest.raises(tg.FileError, match="cannot be read"):
        tg.load(path)


def test_a_file_that_is_not_there_is_pythons_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tg.load(tmp_path / "none.npz")


# The form safetensors.


def test_safetensors_come_back(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    model = nn.Conv2d(1, 2, 3)
    tg.save(tmp_path / "a.safetensors", model)
    assert same(dict(sorted(tg.load(tmp_path / "a.safetensors").items())),
                dict(sorted(model.state_dict().items())))  # fmt: skip


def test_torch_reads_our_safetensors(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    ours, theirs = nn.GRU(3, 4), torch.nn.GRU(3, 4)
    tg.save(tmp_path / "a.safetensors", ours)
    theirs.load_state_dict(load_file(tmp_path / "a.safetensors"))
    np.testing.assert_array_equal(theirs.weight_hh_l0.detach(), ours.weight_hh_l0.data)


def test_we_read_torchs_safetensors(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    ours, theirs = nn.GRU(3, 4), torch.nn.GRU(3, 4)
    save_file(theirs.state_dict(), tmp_path / "a.safetensors")
    ours.load_state_dict(tg.load(tmp_path / "a.safetensors"))
    np.testing.assert_array_equal(theirs.weight_hh_l0.detach(), ours.weight_hh_l0.data)


def test_safetensors_that_were_cut_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "a.safetensors"
    tg.save(path, nn.Linear(3, 2))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(tg.FileError, match="cannot be read"):
        tg.load(path)


def test_safetensors_hold_arrays_alone(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    with pytest.raises(tg.FileError, match="'step' is int"):
        tg.save(tmp_path / "a.safetensors", {"step": 3})
