"""tinygrad_ce: gradients of NumPy programs, to build toy networks, verify and teach backprop."""

import typing

from tinygrad_ce import data, nn, optim, training
from tinygrad_ce.checkpoint import checkpoint
from tinygrad_ce.convolution import conv1d, conv2d, conv_transpose2d
from tinygrad_ce.debugging import debug_print
from tinygrad_ce.errors import (
    DTypeError,
    Error,
    GradientError,
    LossWarning,
    MissingError,
    OptionError,
    ShapeError,
    TargetError,
    TraceError,
    TraceWarning,
    UnsupportedError,
)
from tinygrad_ce.functions import (
    digamma,
    elu,
    entr,
    erf,
    erfc,
    erfinv,
    gelu,
    leaky_relu,
    lgamma,
    log_sigmoid,
    log_softmax,
    logit,
    logsumexp,
    polygamma,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    xlog1py,
    xlogy,
)
from tinygrad_ce.hints import of_name as _of_name
from tinygrad_ce.lines import source_lines
from tinygrad_ce.losses import (
    binary_cross_entropy,
    cross_entropy,
    focal,
    hinge,
    huber,
    kl_divergence,
    mean_squared_error,
    negative_log_likelihood,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    squared_error,
)
from tinygrad_ce.mode import no_grad
from tinygrad_ce.pictures.chain import chain_rule
from tinygrad_ce.pictures.paths import paths
from tinygrad_ce.pictures.picture import draw
from tinygrad_ce.pictures.player import player
from tinygrad_ce.pictures.trouble import trouble
from tinygrad_ce.pictures.walk import explain
from tinygrad_ce.pooling import avg_pool, max_pool
from tinygrad_ce.programs.compiled import compile
from tinygrad_ce.programs.derive import derive
from tinygrad_ce.randomness import default_generator, manual_seed
from tinygrad_ce.rules.indexing import add_at, set_at
from tinygrad_ce.rules.table import primitive
from tinygrad_ce.saving import FileError, load, save
from tinygrad_ce.targets import one_hot
from tinygrad_ce.tensor import Tensor, detach, tensor
from tinygrad_ce.training.fit import fit
from tinygrad_ce.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from tinygrad_ce.vectors import ravel, value_and_grad_of_vector

__all__ = [
    "DTypeError",
    "Error",
    "FileError",
    "GradientError",
    "LossWarning",
    "MissingError",
    "OptionError",
    "ShapeError",
    "TargetError",
    "Tensor",
    "TraceError",
    "TraceWarning",
    "UnsupportedError",
    "add_at",
    "avg_pool",
    "binary_cross_entropy",
    "chain_rule",
    "checkpoint",
    "compile",
    "conv1d",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "data",
    "debug_print",
    "default_generator",
    "derive",
    "detach",
    "digamma",
    "draw",
    "elu",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "explain",
    "fit",
    "focal",
    "gelu",
    "grad",
    "hessian",
    "hinge",
    "huber",
    "hvp",
    "jacobian",
    "jvp",
    "kl_divergence",
    "leaky_relu",
    "lgamma",
    "load",
    "log_sigmoid",
    "log_softmax",
    "logit",
    "logsumexp",
    "manual_seed",
    "max_pool",
    "mean_squared_error",
    "negative_log_likelihood",
    "nn",
    "no_grad",
    "one_hot",
    "optim",
    "paths",
    "player",
    "polygamma",
    "primitive",
    "ravel",
    "relu",
    "save",
    "set_at",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "source_lines",
    "squared_error",
    "tensor",
    "training",
    "trouble",
    "value_and_grad",
    "value_and_grad_of_vector",
    "vjp",
    "xlog1py",
    "xlogy",
]

if not typing.TYPE_CHECKING:  # a type checker would take every name for one of ours
    __getattr__ = _of_name
