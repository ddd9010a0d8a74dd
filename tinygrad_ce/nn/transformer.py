"""The block that transformers are made of: attention, then two matrices, each beside x itself."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_ce import functions
from tinygrad_ce.nn.attention import MultiheadAttention
from tinygrad_ce.nn.containers import A_MODULE, ModuleList
from tinygrad_ce.nn.dropout import Dropout
from tinygrad_ce.nn.linear import Linear
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.normalization import LayerNorm
from tinygrad_ce.options import count, function, instance, number, one_of
from tinygrad_ce.randomness import Generator

__all__ = ["TransformerEncoder", "TransformerEncoderLayer"]

_ACTIVATIONS = {"relu": functions.relu, "gelu": functions.gelu}


class TransformerEncoderLayer(Module):
    """x' = norm1(x + attention(x)); y = norm2(x' + linear2(activation(linear1(x')))).

    With norm_first each norm stands before what is added (Vaswani et al. 2017; Xiong et al. 2020).
    With a causal mask it is the block of a language model.

    Args:
        d_model: the number of features.
        nhead: the number of heads.
        dim_feedforward: the length between the two matrices.
        dropout: after attention, activation and the second matrix, and of the attention's weights.
        activation: "relu", "gelu", or a function.
        layer_norm_eps: of the norms.
        batch_first: whether the examples come first, before the places.
        norm_first: as above.
        bias: whether the matrices and norms have biases.
        dtype: of the parameters.
        generator: where they are drawn from, and dropout.

    >>> block = TransformerEncoderLayer(8, 2, 16, batch_first=True)
    >>> block(np.ones((5, 3, 8)), is_causal=True).shape
    (5, 3, 8)
    """

    def __init__(
        self, d_model: int, nhead: int, dim_feedforward: int = 2048, dropout: float = 0.1,
        activation: str | Callable[[Any], Any] = "relu", layer_norm_eps: float = 1e-5,
        batch_first: bool = False, norm_first: bool = False, bias: bool = True,
        dtype: DTypeLike = np.float32, generator: Generator = None,
    ) -> None:  # fmt: skip
        d_model, nhead = count("d_model", d_model), count("nhead", nhead)
        dim_feedforward = count("dim_feedforward", dim_feedforward)
        number("dropout", dropout, "a number from 0 to 1")
        number("layer_norm_eps", layer_norm_eps, "a number from 0")
        self.self_attn = MultiheadAttention(
            d_model, nhead, dropout, bias, batch_first, dtype, generator
        )
        self.linear1 = Linear(d_model, dim_feedforward, bias, dtype, generator)
        self.dropout = Dropout(dropout, generator)
        self.linear2 = Linear(dim_feedforward, d_model, bias, dtype, generator)
        self.norm1 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.norm2 = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
        self.dropout1 = Dropout(dropout, generator)
        self.dropout2 = Dropout(dropout, generator)
        self.norm_first = norm_first
        if isinstance(activation, str):
            activation = _ACTIVATIONS[one_of("activation", activation, _ACTIVATIONS)]
        self.activation = function("activation", activation)

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None,
        is_causal: bool = False,
    ) -> Any:  # fmt: skip
        """The block of x, here src; the masks are MultiheadAttention's."""
        masks = {
            "attn_mask": src_mask,
            "key_padding_mask": src_key_padding_mask,
            "is_causal": is_causal and src_mask is None,
        }
        x = src
        if self.norm_first:
            x = x + self._attended(self.norm1(x), masks)
            return x + self._fed(self.norm2(x))
        x = self.norm1(x + self._attended(x, masks))
        return self.norm2(x + self._fed(x))

    def _attended(self, x: Any, masks: dict[str, Any]) -> Any:
        return self.dropout1(self.self_attn(x, x, x, need_weights=False, **masks)[0])

    def _fed(self, x: Any) -> Any:
        return self.dropout2(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoder(Module):
    """Copies of a layer one after the other, and a norm where one is given.

    >>> block = TransformerEncoderLayer(8, 2, 16)
    >>> TransformerEncoder(block, 2)(np.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        num_layers = count("num_layers", num_layers, 0)
        instance("encoder_layer", encoder_layer, Module, *A_MODULE)
        if norm is not None:
            instance("norm", norm, Module, *A_MODULE)
        self.layers = ModuleList(deepcopy(encoder_layer) for _ in range(num_layers))
        self.norm = norm

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:
        """The layers of src one after the other; the masks are MultiheadAttention's."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)
