"""Layers and losses with PyTorch's names, signatures, defaults and weights: `tg.nn`."""

import typing

from tinygrad_ce.hints import of_name as _of_name
from tinygrad_ce.nn import init, utils
from tinygrad_ce.nn.activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from tinygrad_ce.nn.attention import MultiheadAttention, causal_mask, scaled_dot_product_attention
from tinygrad_ce.nn.containers import ModuleDict, ModuleList, ParameterList, Sequential
from tinygrad_ce.nn.convolutions import Conv1d, Conv2d, ConvTranspose2d
from tinygrad_ce.nn.dropout import Dropout, Dropout1d, Dropout2d
from tinygrad_ce.nn.linear import Embedding, Flatten, Identity, Linear
from tinygrad_ce.nn.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from tinygrad_ce.nn.module import Module
from tinygrad_ce.nn.normalization import BatchNorm1d, BatchNorm2d, GroupNorm, LayerNorm, RMSNorm
from tinygrad_ce.nn.parameter import Parameter
from tinygrad_ce.nn.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from tinygrad_ce.nn.recurrent import GRU, LSTM, RNN
from tinygrad_ce.nn.shrinking import Hardshrink, Softmin, Softshrink, Tanhshrink, Threshold
from tinygrad_ce.nn.summary import summary
from tinygrad_ce.nn.transformer import TransformerEncoder, TransformerEncoderLayer

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "RNN",
    "SELU",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "ParameterList",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "causal_mask",
    "init",
    "scaled_dot_product_attention",
    "summary",
    "utils",
]

if not typing.TYPE_CHECKING:  # a type checker would take every name for one of ours
    __getattr__ = _of_name
