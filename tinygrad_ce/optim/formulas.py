"""The update formulas of the optimizers, each once: PyTorch's, to the order of the operations.

A formula takes arrays of any shape, entry by entry: a parameter p, its gradient g, what it
remembers (`slots`), the number of the step from 1, and its options; it returns p and the slots
anew. It writes into nothing, so it runs on arrays, on parts of them, and in compiled programs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ADAGRAD", "ADAM", "ADAMW", "LION", "RMSPROP", "SGD", "Formula"]

Options = Mapping[str, Any]
Slots = dict[str, Any]


@dataclass(frozen=True)
class Formula:
    """How a parameter changes.

    Attributes:
        update: (p, g, slots, step, options) -> (p, slots).
        slots: options -> what is remembered of each entry, by PyTorch's names, with what it begins
            as.
    """

    update: Callable[[Any, Any, Slots, Any, Options], tuple[Any, Slots]]
    slots: Callable[[Options], dict[str, float]]


def _decayed(p: Any, g: Any, o: Options) -> Any:
    """The gradient of the loss with weight_decay / 2 |p|^2 added to it."""
    return g + o["weight_decay"] * p if o["weight_decay"] else g


def _shrunk(p: Any, o: Options) -> Any:
    """Decay beside the gradient (Loshchilov and Hutter 2019)."""
    return p * (1 - o["lr"] * o["weight_decay"]) if o["weight_decay"] else p


def _sgd(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    """b = momentum b + (1 - dampening) g, and b = g at the first step; p -= lr b.

    With nesterov p -= lr (g + momentum b) (Sutskever et al. 2013).
    """
    g = _decayed(p, g, o)
    if not o["momentum"]:
        return p - o["lr"] * g, s
    fresh = 1 - o["dampening"] * (step > 1) if o["dampening"] else 1
    b = o["momentum"] * s["momentum_buffer"] + fresh * g
    return p - o["lr"] * (g + o["momentum"] * b if o["nesterov"] else b), {"momentum_buffer": b}


def _moments(g: Any, s: Slots, o: Options) -> Slots:
    """m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g^2."""
    a, b = o["betas"]
    m = s["exp_avg"] + (1 - a) * (g - s["exp_avg"])
    found = {"exp_avg": m, "exp_avg_sq": b * s["exp_avg_sq"] + (1 - b) * (g * g)}
    if o["amsgrad"]:
        found["max_exp_avg_sq"] = np.maximum(s["max_exp_avg_sq"], found["exp_avg_sq"])
    return found


def _adam(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    """p -= lr m' / (sqrt(v') + eps), m' = m / (1 - b1^step), v' = v / (1 - b2^step).

    Kingma and Ba 2015; with amsgrad the largest v so far (Reddi, Kale, Kumar 2018).
    """
    s = _moments(_decayed(p, g, o), s, o)
    a, b = o["betas"]
    v = s["max_exp_avg_sq"] if o["amsgrad"] else s["exp_avg_sq"]
    scale = np.sqrt(v) / (1 - b**step) ** 0.5 + o["eps"]
    return p - o["lr"] / (1 - a**step) * (s["exp_avg"] / scale), s


def _adamw(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    return _adam(_shrunk(p, o), g, s, step, {**o, "weight_decay": 0})


def _rmsprop(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    """v = alpha v + (1 - alpha) g^2; p -= lr g / (sqrt(v) + eps) (Tieleman and Hinton 2012).

    Centered: v less the square of the mean of g. With momentum: b = momentum b + g / (...).
    """
    g = _decayed(p, g, o)
    alpha = o["alpha"]
    v = alpha * s["square_avg"] + (1 - alpha) * (g * g)
    found = {"square_avg": v}
    if o["centered"]:
        m = found["grad_avg"] = s["grad_avg"] + (1 - alpha) * (g - s["grad_avg"])
        v = v - m * m
    change = g / (np.sqrt(v) + o["eps"])
    if o["momentum"]:
        change = found["momentum_buffer"] = o["momentum"] * s["momentum_buffer"] + change
    return p - o["lr"] * change, found


def _adagrad(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    """h += g^2; p -= lr / (1 + (step - 1) lr_decay) g / (sqrt(h) + eps) (Duchi et al. 2011)."""
    g = _decayed(p, g, o)
    h = s["sum"] + g * g
    rate = o["lr"] / (1 + (step - 1) * o["lr_decay"])
    return p - rate * (g / (np.sqrt(h) + o["eps"])), {"sum": h}


def _lion(p: Any, g: Any, s: Slots, step: Any, o: Options) -> tuple[Any, Slots]:
    """p -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g (Chen et al. 2023)."""
    a, b = o["betas"]
    m = s["exp_avg"]
    p = _shrunk(p, o) - o["lr"] * np.sign(a * m + (1 - a) * g)
    return p, {"exp_avg": b * m + (1 - b) * g}


def _with(o: Options, first: tuple[str, ...], **more: str) -> dict[str, float]:
    """The slots that are there always, and those that an option asks for, from 0."""
    names = (*first, *(name for option, name in more.items() if o[option]))
    return dict.fromkeys(names, 0.0)


_TWO_MOMENTS = ("exp_avg", "exp_avg_sq")

SGD = Formula(_sgd, lambda o: _with(o, (), momentum="momentum_buffer"))
ADAM = Formula(_adam, lambda o: _with(o, _TWO_MOMENTS, amsgrad="max_exp_avg_sq"))
ADAMW = Formula(_adamw, ADAM.slots)
RMSPROP = Formula(
    _rmsprop,
    lambda o: _with(o, ("square_avg",), momentum="momentum_buffer", centered="grad_avg"),
)
ADAGRAD = Formula(_adagrad, lambda o: {"sum": o["initial_accumulator_value"]})
LION = Formula(_lion, lambda o: _with(o, ("exp_avg",)))
