"""Which of the tensors that should learn a result depends on, and why it does not on the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_ce import trees
from tinygrad_ce.dispatch import is_plain
from tinygrad_ce.pictures.evidence import Reason
from tinygrad_ce.pictures.naming import found_names, users_frame
from tinygrad_ce.pictures.scene import Scene
from tinygrad_ce.tensor import Tensor

__all__ = ["asked", "why_none", "why_unreached"]

_ENDS = (
    "detach(), no_grad, .numpy() and functions that are constant between their jumps (argmax, "
    "round, floor, sign, comparisons) let no gradient through"
)


def asked(wrt: Any) -> dict[str, Any]:
    """The tensors of a tensor, module, tree or iterable, by the names that the user has for them.

    >>> list(asked({"w": np.ones(2), "b": [np.ones(2)]}))
    ["wrt['w']", "wrt['b'][0]"]
    """
    named = getattr(wrt, "named_parameters", None)
    if isinstance(wrt, Iterator):
        wrt = list(wrt)
    pairs = [(f"wrt.{name}", x) for name, x in named()] if callable(named) else list(_leaves(wrt))
    found = found_names([x for _, x in pairs], users_frame())
    return {found.get(id(x), name): x for name, x in pairs}


def _leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Tensor | np.ndarray):
        yield "wrt", tree
        return
    for path, x in zip(trees.paths(tree), trees.leaves(tree), strict=True):
        yield "wrt" + "".join(f"[{s if s.isdigit() else repr(s)}]" for s in path), x


def why_none(tensors: Iterable[Any]) -> Reason:
    """Of a result that requires no gradient at all."""
    if not any(isinstance(x, Tensor) and x.requires_grad for x in tensors):
        return "none of the tensors asked about requires a gradient", _MADE
    return (
        f"the result requires no gradient: {_ENDS}",
        "compute the result outside no_grad, from the parameters themselves; softmax for argmax, "
        "sigmoid for a threshold, or tg.primitive with a rule of its own for round and sign",
    )


_MADE = "make it with requires_grad=True, tg.tensor(..., requires_grad=True) or nn.Parameter(...)"


def why_unreached(x: Any, scene: Scene) -> Reason:
    """Of a tensor by which the result has no gradient."""
    if not isinstance(x, Tensor):
        return f"it is no tensor but a plain {type(x).__name__}, a constant", _MADE
    vertex = scene.of(x)
    if not x.requires_grad:
        part = "takes part as a constant" if vertex is not None else "does not take part"
        return f"it {part}: it does not require a gradient", _MADE
    if vertex is not None:
        return (
            "it takes part only where no gradient goes, as an index or a condition",
            "softmax for argmax, sigmoid for a threshold: functions that change smoothly",
        )
    fixed = [v for v in scene.vertices if v.kind in ("constant", "input")]
    for v in fixed:
        if is_plain(v.value) and is_plain(x.value) and np.shares_memory(v.value, x.value):
            return (
                f"its numbers take part as the constant {v.label}, without the graph: by detach(), "
                ".numpy(), .data or no_grad",
                "compute with the tensor itself",
            )
    cut = [v.label for v in fixed if v.node is not None]
    if cut:
        return (
            "no step that gradients go through used it; in the run stand "
            f"{', '.join(cut[:4])}, which {'is a tensor' if len(cut) == 1 else 'are tensors'} "
            "without a graph",
            f"if {cut[0]} was computed from it, look how: {_ENDS}",
        )
    return (
        "no step of the run used it",
        "use it in the forward pass, or take it from the parameters; if it was made anew after the "
        "result (w = w - rate * w.grad), change it in its place: w.data -= rate * w.grad",
    )
