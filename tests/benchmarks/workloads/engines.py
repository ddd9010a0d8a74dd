"""A step of a workload in each engine: a function without arguments, which takes the next batch.

A step returns the loss and a dict: the parameters after the update where the workload trains, else
the gradients. Arguments are in the engine's own arrays before the clock runs.
"""

from collections.abc import Callable
from functools import partial
from itertools import cycle
from types import SimpleNamespace
from typing import Any

import numpy as np

import tinygrad_ce as tg

from . import Workload, by_hand, models

try:
    import torch
except ImportError:
    torch = None
else:
    torch.set_num_threads(1)

try:
    import jax
except ImportError:
    jax = None

__all__ = ["ENGINES", "MISSING", "Step"]

Step = Callable[[], tuple[Any, dict[str, Any]]]


def layer_norm(m: Any, x: Any, g: Any, b: Any) -> Any:
    """x with mean 0 and variance 1 along the last axis, scaled and shifted."""
    c = x - x.mean(-1, keepdims=True)
    return c / m.sqrt((c * c).mean(-1, keepdims=True) + 1e-5) * g + b


def language(module: Any, **own: Any) -> SimpleNamespace:
    """The names that the models use, in an engine's words."""
    m = SimpleNamespace(tanh=module.tanh, sqrt=module.sqrt, **own)
    m.__dict__.setdefault("layer_norm", partial(layer_norm, m))
    return m


NUMPY = language(
    np,
    relu=tg.relu,
    softmax=tg.softmax,
    cross_entropy=tg.softmax_cross_entropy,
    array=np.asarray,
    conv=lambda x, w, b, padding: tg.conv2d(x, w, b, padding=padding),
    pool=lambda x: tg.max_pool(x, 2),
)


def pure_step(workload: Workload, m: Any, value_and_grad: Callable[..., Any]) -> Any:
    """(parameters, state, batch) -> (loss, parameters or gradients, state), as a user writes it."""
    value_and_gradient = value_and_grad(partial(workload.loss, m))
    update = getattr(models, workload.update, None)

    def step(p: Any, state: Any, batch: Any) -> Any:
        loss, g = value_and_gradient(p, *batch)
        return (loss, g, state) if update is None else (loss, *update(m, p, g, state))

    return step


def fed(step: Callable[..., Any], workload: Workload, p: Any, state: Any, batches: Any) -> Step:
    """A pure step that is fed with its own results and the next batch."""
    turns = cycle(batches)

    def run() -> tuple[Any, dict[str, Any]]:
        nonlocal p, state
        loss, found, state = step(p, state, next(turns))
        if workload.update:
            p = found
        return loss, found

    return run


def hand(workload: Workload) -> Step:
    """Hand-written NumPy, with updates in place."""
    p, state, batches = workload.data()
    turns, update = cycle(batches), getattr(by_hand, workload.update, None)

    def run() -> tuple[Any, dict[str, Any]]:
        loss, g = workload.by_hand(p, *next(turns))
        if update is None:
            return loss, g
        update(p, g, state)
        return loss, p

    return run


def eager(workload: Workload) -> Step:
    """This package, recording anew at every step."""
    return fed(pure_step(workload, NUMPY, tg.value_and_grad), workload, *workload.data())


def compiled(workload: Workload) -> Step:
    """The same function, compiled."""
    step = tg.compile(pure_step(workload, NUMPY, tg.value_and_grad))
    return fed(step, workload, *workload.data())


def torch_eager(workload: Workload) -> Step:
    """PyTorch without compilation, with its own fused Adam."""
    functional = torch.nn.functional
    m = language(
        torch,
        relu=torch.relu,
        softmax=partial(torch.softmax, dim=-1),
        cross_entropy=functional.cross_entropy,
        layer_norm=lambda x, g, b: functional.layer_norm(x, g.shape, g, b),
        array=torch.as_tensor,
        conv=lambda x, w, b, padding: functional.conv2d(x, w, b, padding=padding),
        pool=lambda x: functional.max_pool2d(x, 2),
    )
    p, _, batches = workload.data()
    p = {k: torch.tensor(v, requires_grad=True) for k, v in p.items()}
    turns = cycle([tuple(map(torch.tensor, batch)) for batch in batches])
    w = list(p.values())
    adam = torch.optim.Adam(w, lr=1e-3, fused=True) if workload.update == "adam" else None

    def run() -> tuple[Any, dict[str, Any]]:
        for v in w:
            v.grad = None
        loss = workload.loss(m, p, *next(turns))
        loss.backward()
        if adam:
            adam.step()
        elif workload.update:
            with torch.no_grad():
                for v in w:
                    v.sub_(v.grad, alpha=0.01)
        else:
            return loss.detach(), {k: v.grad for k, v in p.items()}
        return loss.detach(), {k: v.detach() for k, v in p.items()}

    return run


def jax_jit(workload: Workload) -> Step:
    """JAX, the whole step compiled, with the parameters' memory given to their successors."""

    def cross_entropy(z: Any, t: Any) -> Any:
        chosen = jax.numpy.take_along_axis(z, t[:, None], 1)[:, 0]
        return (jax.nn.logsumexp(z, 1) - chosen).mean()  # with log_softmax: ten times as long

    def conv(x: Any, w: Any, b: Any, padding: int) -> Any:
        around = [(padding, padding)] * 2
        return jax.lax.conv_general_dilated(x, w, (1, 1), around) + b[:, None, None]

    m = language(
        jax.numpy,
        relu=jax.nn.relu,
        softmax=jax.nn.softmax,
        cross_entropy=cross_entropy,
        array=jax.numpy.asarray,
        conv=conv,
        pool=lambda x: jax.lax.reduce_window(
            x, -jax.numpy.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"
        ),
    )
    donated = (0, 1) if workload.update else ()
    step = jax.jit(pure_step(workload, m, jax.value_and_grad), donate_argnums=donated)
    p, state, batches = jax.tree.map(lambda x: jax.numpy.array(x), workload.data())
    run = fed(step, workload, p, state, batches)
    return lambda: jax.block_until_ready(run())


ENGINES: dict[str, Callable[[Workload], Step]] = {
    "hand": hand,
    "eager": eager,
    "compiled": compiled,
    "torch": torch_eager,
    "jax": jax_jit,
}
MISSING = {
    name: reason
    for name, there, reason in (
        ("compiled", hasattr(tg, "compile"), "tinygrad_ce.compile is not there yet"),
        ("torch", torch, "PyTorch is not installed"),
        ("jax", jax, "JAX is not installed"),
    )
    if not there
}
