"""Layers that go through a sequence step by step: RNN, LSTM, GRU, with PyTorch's weights.

x has shape (L, N, input_size): steps, examples, features; (N, L, input_size) with batch_first, and
(L, input_size) for one example. What is computed of x alone is computed for all steps at once.
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce.dispatch import as_array
from tinygrad_ce.errors import ShapeError
from tinygrad_ce.functions import relu, sigmoid
from tinygrad_ce.nn.dropout import dropout
from tinygrad_ce.nn.linear import drawn, linear
from tinygrad_ce.nn.module import Module
from tinygrad_ce.options import count, number, one_of
from tinygrad_ce.randomness import Generator

__all__ = ["GRU", "LSTM", "RNN"]


class _Recurrent(Module):
    """What the layers share: the weights, and the way through layers, directions and steps."""

    gates: ClassVar[int]
    states: ClassVar[int] = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
        batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
        dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        self.input_size = input_size = count("input_size", input_size, 0)
        self.hidden_size = hidden_size = count("hidden_size", hidden_size)
        self.num_layers = num_layers = count("num_layers", num_layers)
        self.dropout = number("dropout", dropout, "a number from 0 to 1")
        self.batch_first, self.bidirectional = batch_first, bidirectional
        self.bias, self.generator = bias, generator
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            width = hidden_size * self._directions if layer else input_size
            for suffix in self._suffixes(layer):
                shapes = {"weight_ih": (rows, width), "weight_hh": (rows, hidden_size)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}  # type: ignore[dict-item]
                for name, shape in shapes.items():
                    setattr(self, name + suffix, drawn(shape, hidden_size, dtype, generator))

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][: self._directions]

    def forward(self, x: Any, state: Any = None) -> tuple[Any, Any]:
        """The last layer's hidden states at every step, and all layers' last states.

        Args:
            x: as in the head of this file.
            state: the states to begin with, of shape (layers times directions, N, hidden_size);
                zeros by default. An LSTM has a pair of them.
        """
        x = as_array(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"x has shape {x.shape}",
                f"{type(self).__name__} takes steps, examples and {self.input_size} features",
                "reshape x; with batch_first the examples come first",
            )
        single = x.ndim == 2
        if single:
            x = x[:, None]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        begin = self._begin(x, state, single)
        last: list[tuple[Any, ...]] = []
        for layer in range(self.num_layers):
            if layer and self.training and self.dropout:
                x = dropout(x, self.dropout, self.generator)
            found = []
            for suffix in self._suffixes(layer):
                held = tuple(part[len(last)] for part in begin)
                outputs, held = self._through(x, held, suffix)
                found.append(outputs)
                last.append(held)
            x = found[0] if len(found) == 1 else np.concatenate(found, axis=-1)
        ends = [np.stack(parts) for parts in zip(*last, strict=True)]
        if single:
            x, ends = x[:, 0], [part[:, 0] for part in ends]
        elif self.batch_first:
            x = np.swapaxes(x, 0, 1)
        return x, ends[0] if self.states == 1 else tuple(ends)

    def _begin(self, x: Any, state: Any, single: bool) -> list[Any]:
        """The states to begin with, an array for each of h (and c)."""
        shape = (self.num_layers * self._directions, x.shape[1], self.hidden_size)
        if state is None:
            return [np.zeros(shape, x.dtype)] * self.states
        given = [as_array(part) for part in (state if self.states > 1 else [state])]
        if single:
            given = [part[:, None] if part.ndim == 2 else part for part in given]
        for part in given:
            if part.shape != shape:
                raise ShapeError(
                    f"a state has shape {part.shape}",
                    f"for x it has {shape}: layers times directions, examples, hidden_size",
                    "pass the state that the layer returned, or none for zeros",
                )
        return given

    def _through(self, x: Any, held: tuple[Any, ...], suffix: str) -> tuple[Any, tuple[Any, ...]]:
        """All hidden states of one layer in one direction, and its last states."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, name + suffix, None)
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        steps = list(linear(x, weight_ih, bias_ih))
        if suffix.endswith("reverse"):
            steps.reverse()
        outputs = []
        for step in steps:
            held = self._step(step, linear(held[0], weight_hh, bias_hh), *held)
            outputs.append(held[0])
        if suffix.endswith("reverse"):
            outputs.reverse()
        return np.stack(outputs), held

    def _step(self, a: Any, b: Any, h: Any, *more: Any) -> tuple[Any, ...]:
        """The next states from a = W x + b_ih, b = U h + b_hh and the states."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0,
                 "bidirectional": False}  # fmt: skip
        others = [f"{k}={getattr(self, k)}" for k, v in usual.items() if getattr(self, k) != v]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *others])


class RNN(_Recurrent):
    """h' = tanh(W x + b_ih + U h + b_hh), or relu of it (Elman 1990).

    Args:
        input_size: the number of features of a step.
        hidden_size: the number of hidden ones.
        num_layers: how many layers stand on one another.
        nonlinearity: "tanh" or "relu".
        bias: whether there are b_ih and b_hh.
        batch_first: whether the examples come first, before the steps.
        dropout: of what goes from layer to layer, in training.
        bidirectional: whether each layer goes both ways; the results are joined.
        dtype: of the parameters.
        generator: where they are drawn from, and dropout.

    Attributes:
        weight_ih_l0: W of the first layer, shape (hidden_size, input_size); so are weight_hh_l0
            (U), bias_ih_l0, bias_hh_l0; l1 of the second, l0_reverse of the way back. All are
            uniform within 1 / sqrt(hidden_size) of 0.

    With g the gradient by h', k = g (1 - h'^2): by W it is `k^T x`, by U `k^T h`, by both biases k,
    by x `k W` and by h `k U`, summed over steps and examples (Werbos 1990).

    >>> outputs, last = RNN(3, 4)(np.ones((6, 2, 3)))
    >>> outputs.shape, last.shape
    ((6, 2, 4), (1, 2, 4))
    """

    gates = 1

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
        bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
        bidirectional: bool = False, dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        self.nonlinearity = one_of("nonlinearity", nonlinearity, ("tanh", "relu"))
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype,
            generator,
        )  # fmt: skip

    def _step(self, a: Any, b: Any, h: Any, *more: Any) -> tuple[Any, ...]:
        return ((np.tanh if self.nonlinearity == "tanh" else relu)(a + b),)


class LSTM(_Recurrent):
    """c' = f c + i g and h' = o tanh(c') (Hochreiter and Schmidhuber 1997).

    i, f, g, o are W x + b_ih + U h + b_hh in quarters, in this order, through the sigmoid, g
    through tanh. Arguments and attributes as `RNN`, without nonlinearity; weights have
    4 hidden_size rows. States are pairs (h, c).

    >>> outputs, (h, c) = LSTM(3, 4)(np.ones((6, 2, 3)))
    >>> outputs.shape, h.shape, c.shape
    ((6, 2, 4), (1, 2, 4), (1, 2, 4))
    """

    gates, states = 4, 2

    def _step(self, a: Any, b: Any, h: Any, *more: Any) -> tuple[Any, ...]:
        i, f, g, o = np.split(a + b, 4, axis=-1)
        c = sigmoid(f) * more[0] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


class GRU(_Recurrent):
    """h' = (1 - z) n + z h, with n = tanh(W_n x + b_n + r (U_n h + c_n)) (Cho et al. 2014).

    r and z are sigmoids of their thirds of W x + b_ih + U h + b_hh, in the order r, z, n. Arguments
    and attributes as `RNN`, without nonlinearity; weights have 3 hidden_size rows.

    >>> outputs, last = GRU(3, 4)(np.ones((6, 2, 3)))
    >>> outputs.shape, last.shape
    ((6, 2, 4), (1, 2, 4))
    """

    gates = 3

    def _step(self, a: Any, b: Any, h: Any, *more: Any) -> tuple[Any, ...]:
        ar, az, an = np.split(a, 3, axis=-1)
        br, bz, bn = np.split(b, 3, axis=-1)
        z = sigmoid(az + bz)
        n = np.tanh(an + sigmoid(ar + br) * bn)
        return ((1 - z) * n + z * h,)
