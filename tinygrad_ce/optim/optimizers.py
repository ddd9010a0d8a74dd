"""The optimizers: classes over Tensors as in PyTorch, and functions over trees.

    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()

    rule = optim.adam(lr=1e-3)
    state = rule.init(model)
    model, state = rule.update(gradient, state, model)

The formulas stand in `formulas.py`; both ways give the same numbers.
"""

from collections.abc import Iterable
from typing import Any

from tinygrad_ce.errors import OptionError
from tinygrad_ce.optim import formulas
from tinygrad_ce.optim.optimizer import Optimizer
from tinygrad_ce.optim.rule import Rule, check_options

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "RMSprop",
    "adagrad",
    "adam",
    "adamw",
    "lion",
    "rmsprop",
    "sgd",
]

Betas = tuple[float, float]


def sgd(
    lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0, weight_decay: float = 0.0,
    nesterov: bool = False, *, maximize: bool = False,
) -> Rule:  # fmt: skip
    """Stochastic gradient descent as a function over trees; see `SGD`.

    >>> rule = sgd(lr=0.5)
    >>> rule.update({"w": 4.0}, rule.init({"w": 1.0}), {"w": 1.0})[0]
    {'w': np.float64(-1.0)}
    """
    options = _options(locals())
    if nesterov and (not momentum or dampening):
        raise OptionError(
            f"nesterov was asked for with momentum={momentum} and dampening={dampening}",
            "nesterov needs a momentum, and no dampening",
            "pass for example momentum=0.9, or nesterov=False",
        )
    return Rule(formulas.SGD, options)


def adam(
    lr: float = 1e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    amsgrad: bool = False, *, maximize: bool = False,
) -> Rule:  # fmt: skip
    """Adam as a function over trees; see `Adam`."""
    return Rule(formulas.ADAM, _options(locals()))


def adamw(
    lr: float = 1e-3, betas: Betas = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2,
    amsgrad: bool = False, *, maximize: bool = False,
) -> Rule:  # fmt: skip
    """AdamW as a function over trees; see `AdamW`."""
    return Rule(formulas.ADAMW, _options(locals()))


def rmsprop(
    lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
    momentum: float = 0.0, centered: bool = False, *, maximize: bool = False,
) -> Rule:  # fmt: skip
    """RMSprop as a function over trees; see `RMSprop`."""
    return Rule(formulas.RMSPROP, _options(locals()))


def adagrad(
    lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
    initial_accumulator_value: float = 0.0, eps: float = 1e-10, *, maximize: bool = False,
) -> Rule:  # fmt: skip
    """Adagrad as a function over trees; see `Adagrad`."""
    return Rule(formulas.ADAGRAD, _options(locals()))


def lion(
    lr: float = 1e-4, betas: Betas = (0.9, 0.99), weight_decay: float = 0.0, *,
    maximize: bool = False,
) -> Rule:  # fmt: skip
    """Lion as a function over trees; see `Lion`."""
    return Rule(formulas.LION, _options(locals()))


class SGD(Optimizer):
    """Stochastic gradient descent: `p -= lr b`, `b = momentum b + (1 - dampening) g`.

    Args:
        params: Tensors, or dicts of groups with options of their own.
        lr: the rate.
        momentum: how much of the last change goes on.
        dampening: how much of the gradient is left out, from the second step on.
        weight_decay: adds its half times |p|^2 to the loss.
        nesterov: take the gradient as if the momentum had been followed: `p -= lr (g + momentum b)`
            (Sutskever, Martens, Dahl, Hinton 2013).
        maximize: climb instead.

    >>> import tinygrad_ce as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8], requires_grad=True)
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, momentum: float = 0.0,
        dampening: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, sgd(lr, momentum, dampening, weight_decay, nesterov, maximize=maximize)
        )


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015): `p -= lr m' / (sqrt(v') + eps)`.

    m = b1 m + (1 - b1) g and v = b2 v + (1 - b2) g^2; m' = m / (1 - b1^n) and v' = v / (1 - b2^n)
    in step n.

    Args:
        params: Tensors, or dicts of groups with options of their own.
        lr: the rate.
        betas: b1 and b2.
        eps: keeps the quotient finite.
        weight_decay: adds its half times |p|^2 to the loss.
        amsgrad: take the largest v so far (Reddi, Kale, Kumar 2018).
        maximize: climb instead.

    >>> import tinygrad_ce as tg
    >>> w = tg.tensor([1.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5], requires_grad=True)
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 0.0, amsgrad: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, adam(lr, betas, eps, weight_decay, amsgrad, maximize=maximize))


class AdamW(Optimizer):
    """Adam, before whose change `p *= 1 - lr weight_decay` (Loshchilov and Hutter 2019).

    Arguments as `Adam`.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-3, betas: Betas = (0.9, 0.999),
        eps: float = 1e-8, weight_decay: float = 1e-2, amsgrad: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, adamw(lr, betas, eps, weight_decay, amsgrad, maximize=maximize))


class RMSprop(Optimizer):
    """`p -= lr g / (sqrt(v) + eps)`, `v = alpha v + (1 - alpha) g^2` (Tieleman and Hinton 2012).

    Args:
        params: Tensors, or dicts of groups with options of their own.
        lr: the rate.
        alpha: as above.
        eps: keeps the quotient finite.
        weight_decay: adds its half times |p|^2 to the loss.
        momentum: how much of the last change goes on.
        centered: take the variance of g instead of the mean of g^2.
        maximize: climb instead.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
        weight_decay: float = 0.0, momentum: float = 0.0, centered: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, rmsprop(lr, alpha, eps, weight_decay, momentum, centered, maximize=maximize)
        )


class Adagrad(Optimizer):
    """`p -= r g / (sqrt(h) + eps)`, `h += g^2`, `r = lr / (1 + (n - 1) lr_decay)` in step n.

    Duchi, Hazan, Singer 2011.

    Args:
        params: Tensors, or dicts of groups with options of their own.
        lr: the rate.
        lr_decay: as above.
        weight_decay: adds its half times |p|^2 to the loss.
        initial_accumulator_value: what h begins as.
        eps: keeps the quotient finite.
        maximize: climb instead.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-2, lr_decay: float = 0.0,
        weight_decay: float = 0.0, initial_accumulator_value: float = 0.0, eps: float = 1e-10, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params,
            adagrad(lr, lr_decay, weight_decay, initial_accumulator_value, eps, maximize=maximize),
        )


class Lion(Optimizer):
    """`p -= lr sign(b1 m + (1 - b1) g)`, `m = b2 m + (1 - b2) g` (Chen et al. 2023).

    Args:
        params: Tensors, or dicts of groups with options of their own.
        lr: the rate.
        betas: b1 and b2.
        weight_decay: before the change, `p *= 1 - lr weight_decay`.
        maximize: climb instead.
    """

    def __init__(
        self, params: Iterable[Any], lr: float = 1e-4, betas: Betas = (0.9, 0.99),
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, lion(lr, betas, weight_decay, maximize=maximize))


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """The options by name, checked."""
    check_options(given)
    return dict(given)
