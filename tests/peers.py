"""The same wrong gradients, handed to the gradient checks of PyTorch, JAX, autograd and to ours.

`python tests/peers.py` prints who catches what and what each says, and writes
tinygrad_ce/testing/peers.md. It needs torch, jax and autograd; the tests make do without.

A `Problem` is a function and a gradient of it, as formulas over a namespace (`np`, `jnp`, `anp`,
or none for torch), so that every system gets the same numbers.
"""

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # where it runs as a command

import numpy as np

import tinygrad_ce.testing as tgt

PAGE = Path(__file__).parent.parent / "tinygrad_ce" / "testing" / "peers.md"


@dataclass(frozen=True)
class Problem:
    """A scalar function and a gradient handed in for it.

    Attributes:
        title: what is wrong with the gradient.
        f: `f(np, x)`, in terms of functions that all the systems have.
        gradient: `gradient(x)` of a NumPy array.
        x: the point.
        right: whether the gradient is right.
    """

    title: str
    f: Callable[..., Any]
    gradient: Callable[[Any], Any]
    x: Any
    right: bool = False


def cubes(xp: Any, x: Any) -> Any:
    return xp.sum(x * x * x)


def _scaled(factor: float, x: Any) -> Any:
    return 3 * x * x * factor


def _one_entry(factor: float, x: Any) -> Any:
    g = 3 * x * x
    g.reshape(-1)[x.size // 3] *= factor
    return g


A, B = np.linspace(0.5, 1.5, 4), np.linspace(2.0, 1.0, 4)


def form(xp: Any, x: Any) -> Any:
    return xp.sum(x * xp.asarray(np.outer(A, B)))


def relu(xp: Any, x: Any) -> Any:
    return xp.sum(xp.maximum(x, xp.asarray(np.zeros(x.shape, KIND[str(x.dtype)]))))


KIND = {f"{module}float{n}": f"float{n}" for module in ("", "torch.") for n in (32, 64)}


def _shifted(factor: float, xp: Any, x: Any) -> Any:
    """A loss with one steep and one flat direction."""
    return xp.sum(x * x * xp.asarray(np.array([1e6, 1e-3]) * factor))


def point(*shape: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(0).uniform(0.5, 1.5, shape).astype(dtype)


def problems() -> list[Problem]:
    """From coarse errors to fine ones, then right gradients: no alarm is wanted there."""
    every = [
        Problem(f"all entries {e:.0e} too large", cubes, partial(_scaled, 1 + e), point(50))
        for e in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
    ]
    few = [
        Problem(f"one entry of {n} {what}", cubes, partial(_one_entry, factor), point(n))
        for n, factor, what in (
            (200, 1.1, "10 % too large"), (200, 1 + 1e-3, "1e-03 too large"),
            (200, 1 + 1e-6, "1e-06 too large"), (200, 0.0, "missing"),
            (10_000, 1.1, "10 % too large"), (10_000, -1.0, "of the wrong sign"),
        )
    ]  # fmt: skip
    steep = partial(_shifted, 1.0)
    return [
        *every,
        *few,
        Problem("sign", cubes, partial(_scaled, -1.0), point(5)),
        Problem("transposed", form, lambda x: np.outer(B, A), point(4, 4)),
        Problem("zero", cubes, lambda x: 0 * x, point(5)),
        Problem("a small entry beside a large one, doubled", steep,
                lambda x: 2 * x * np.array([1e6, 2e-3]), point(2)),
        Problem("small throughout (1e-6), doubled", lambda xp, x: 1e-6 * cubes(xp, x),
                lambda x: 6e-6 * x * x, point(5)),
        Problem("relu, 2 where it is 0 or 1", relu, lambda x: np.where(x > 0, 1.0, 2.0),
                np.array([-1.0, 0.0, 2.0])),
        Problem("float32, 1 % too large", cubes, lambda x: _scaled(1.01, x).astype(np.float32),
                point(50, dtype=np.float32)),
        Problem("right", cubes, partial(_scaled, 1.0), point(50), True),
        Problem("right, relu at 0", relu, lambda x: np.where(x > 0, 1.0, 0.0),
                np.array([-1.0, 0.0, 2.0]), True),
        Problem("right, float32", cubes, lambda x: _scaled(1.0, x).astype(np.float32),
                point(50, dtype=np.float32), True),
        Problem("right, x of 1e6", cubes, partial(_scaled, 1.0), 1e6 * point(50), True),
        Problem("right, x of 1e-6", lambda xp, x: xp.sum(xp.log(x)), lambda x: 1 / x,
                1e-6 * point(50), True),
        Problem("right, steep and flat", steep, lambda x: 2 * x * np.array([1e6, 1e-3]),
                point(2), True),
    ]  # fmt: skip


Answer = tuple[bool, str]  # whether it passes the gradient, and what it says


def ours(p: Problem) -> Answer:
    report = tgt.gradcheck(lambda x: p.f(np, x), p.x.copy(), gradient=p.gradient, name="f")
    return bool(report), str(report)


def torch_check(p: Problem, **options: Any) -> Answer:
    import torch

    class Given(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return p.f(torch, x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * torch.tensor(np.asarray(p.gradient(x.detach().numpy().copy())))

    torch.manual_seed(0)
    x = torch.tensor(p.x, requires_grad=True)
    return _said(lambda: torch.autograd.gradcheck(Given.apply, (x,), **options))


def jax_check(p: Problem) -> Answer:
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    f = jax.custom_vjp(lambda x: p.f(jnp, x))

    def backward(x: Any, g: Any) -> Any:
        return (g * jnp.asarray(p.gradient(np.array(x))),)

    f.defvjp(lambda x: (f(x), x), backward)
    return _said(lambda: check_grads(f, (jnp.asarray(p.x),), order=1, modes=["rev"]))


def autograd_check(p: Problem) -> Answer:
    import autograd.extend
    import autograd.numpy as anp
    from autograd.test_util import check_grads

    f = autograd.extend.primitive(lambda x: p.f(anp, x))
    autograd.extend.defvjp(f, lambda y, x: lambda g: g * p.gradient(np.array(x)))
    np.random.seed(0)
    return _said(lambda: check_grads(f, modes=["rev"], order=1)(p.x))


def _said(check: Callable[[], Any]) -> Answer:
    try:
        check()
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    return True, "nothing"


PEERS: dict[str, tuple[str, Callable[[Problem], Answer]]] = {
    "PyTorch": ("torch", torch_check),
    "PyTorch, fast_mode": ("torch", partial(torch_check, fast_mode=True)),
    "JAX": ("jax", jax_check),
    "autograd": ("autograd", autograd_check),
}
OURS = "tinygrad_ce"


def page(checks: dict[str, Callable[[Problem], Answer]], versions: str) -> str:
    rows, said = [], {}
    for p in problems():
        cells = []
        for name, check in checks.items():
            with warnings.catch_warnings(action="ignore"):
                passes, text = check(p)
            good = passes == p.right
            cells.append(("passes" if passes else "caught") if good else
                          ("**missed**" if passes else "**false alarm**"))  # fmt: skip
            if p.title in SHOWN and text != "nothing":
                said[p.title, name] = text
        rows.append(f"| {p.title} | {' | '.join(cells)} |")
    lines = [
        "# Who catches which wrong gradient", "",
        "The same gradients handed to each check at its defaults, all scalar functions, float64",
        "where no other dtype is named. PyTorch's asks for float64, and warns where it gets "
        "float32;",
        "JAX's is asked for reverse mode, order 1. `python tests/peers.py` writes this page.", "",
        versions, "",
        f"| gradient | {' | '.join(checks)} |", "|---" * (len(checks) + 1) + "|", *rows,
        "", "## What they say",
    ]  # fmt: skip
    for (title, name), text in said.items():
        shown = text if len(text) < 1500 else f"{text[:1500]} ..."
        block = "\n".join(line.rstrip() for line in shown.splitlines())
        lines += ["", f"{title}: {name}", "", "```text", block, "```"]
    return "\n".join(lines) + "\n"


SHOWN = ("one entry of 200 10 % too large", "transposed", "right, relu at 0")


def main() -> None:
    from importlib.metadata import version

    began = time.perf_counter()
    names = ("torch", "jax", "autograd", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names) + "."
    checks = {OURS: ours, **{name: check for name, (_, check) in PEERS.items()}}
    text = page(checks, versions)
    print(text)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
