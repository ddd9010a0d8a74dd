"""Optimizers as in PyTorch, over Tensors, and as functions over trees: `tg.optim`."""

from tinygrad_ce.optim import lr_scheduler
from tinygrad_ce.optim.optimizer import Optimizer
from tinygrad_ce.optim.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    RMSprop,
    adagrad,
    adam,
    adamw,
    lion,
    rmsprop,
    sgd,
)
from tinygrad_ce.optim.rule import Rule

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Optimizer",
    "RMSprop",
    "Rule",
    "adagrad",
    "adam",
    "adamw",
    "lion",
    "lr_scheduler",
    "rmsprop",
    "sgd",
]
