"""Training: `fit`, a loop that can be ignored and written by hand, and what it is made of."""

from tinygrad_ce.training.evaluation import accuracy, evaluate, predict
from tinygrad_ce.training.fit import fit
from tinygrad_ce.training.history import History
from tinygrad_ce.training.run import Training

__all__ = ["History", "Training", "accuracy", "evaluate", "fit", "predict"]
