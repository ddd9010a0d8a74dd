"""Networks as scikit-learn's estimators, for its pipelines, searches and scores.

    from tinygrad_ce.sklearn import NetworkClassifier

    make_pipeline(StandardScaler(), NetworkClassifier(hidden=(64,))).fit(x, t).score(x_test, t_test)

Imported by its own name only: `pip install "tinygrad_ce[sklearn]"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tinygrad_ce import nn
from tinygrad_ce.data.batches import batches, split
from tinygrad_ce.errors import MissingError
from tinygrad_ce.functions import softmax
from tinygrad_ce.optim import Rule, adam
from tinygrad_ce.randomness import default_generator, manual_seed
from tinygrad_ce.training.evaluation import predict
from tinygrad_ce.training.fit import fit

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise MissingError(
        "scikit-learn is not installed, or older than 1.6",
        "its estimators are what these are",
        'pip install "tinygrad_ce[sklearn]"',
    ) from error

__all__ = ["NetworkClassifier", "NetworkRegressor"]


class _Network(BaseEstimator):
    """What both have in common: the parameters, and training."""

    def __init__(
        self,
        hidden: Sequence[int] = (32,),
        *,
        module: Callable[[int, int], nn.Module] | None = None,
        loss: Callable[..., Any] | None = None,
        optimizer: Rule | None = None,
        epochs: int = 100,
        batch_size: int = 32,
        validation: float = 0.0,
        patience: int | None = None,
        random_state: Any = None,
        compiled: bool = True,
        progress: bool | None = False,
    ) -> None:
        self.hidden = hidden
        self.module = module
        self.loss = loss
        self.optimizer = optimizer
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.compiled = compiled
        self.progress = progress

    def _train(self, x: NDArray[Any], t: NDArray[Any], outputs: int, loss: Any) -> None:
        test = None
        if self.validation:
            (x, t), test = split(x, t, self.validation)
        with _seeded(self.random_state):
            made = _layers(self.hidden) if self.module is None else self.module
            self.model_ = made(x.shape[1], outputs).to(x.dtype)
            self.history_ = fit(
                self.model_,
                batches(x, t, self.batch_size, shuffle=True),
                self.loss or loss,
                self.optimizer or adam(lr=0.01),
                self.epochs,
                validation=test,
                patience=self.patience,
                compiled=self.compiled,
                progress=self.progress,
            )

    def _outputs(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        x = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        y: NDArray[Any] = predict(self.model_, x, compiled=self.compiled)
        return y


class NetworkClassifier(ClassifierMixin, _Network):
    """A network that tells classes, as an estimator of scikit-learn's.

    Args:
        hidden: how wide the layers between are, each followed by relu.
        module: makes another network, of the numbers of features and of classes; it returns
            logits (n, classes) in the features' dtype.
        loss: a function of logits and class indices; `CrossEntropyLoss` by default.
        optimizer: a rule, `optim.adam(lr=0.01)` by default.
        epochs: how often the examples are gone through.
        batch_size: how many of them make a step.
        validation: the share held back to tell the best epoch, whose weights are kept.
        patience: so many epochs without a better one end training.
        random_state: of the first weights, the order of examples, and dropout.
        compiled: whether steps run as programs, where they can.
        progress: whether it is shown; None where someone looks on.

    Attributes:
        model_: the network.
        classes_: what `predict` tells apart, in the order of its outputs.
        history_: what `fit` measured after each epoch.
        n_features_in_: the number of features.

    >>> from tinygrad_ce.data import moons
    >>> x, t = moons(200, noise=0.1)
    >>> bool(NetworkClassifier(epochs=50, random_state=0).fit(x, t).score(x, t) > 0.95)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network on X (n, features) and y (n,), classes of any kind."""
        X, y = validate_data(
            self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=1 + bool(self.validation)
        )
        check_classification_targets(y)
        self.classes_, t = np.unique(y, return_inverse=True)
        self._train(X, t, len(self.classes_), nn.CrossEntropyLoss())
        return self

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probabilities (n, classes) of the classes, in the order of `classes_`."""
        return np.asarray(softmax(self._outputs(X), axis=1))

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class (n,) of each example."""
        places = self._outputs(X).argmax(axis=1)
        found: NDArray[Any] = self.classes_[places]
        return found


class NetworkRegressor(RegressorMixin, _Network):
    """A network that tells numbers, as an estimator of scikit-learn's.

    Args and attributes are those of `NetworkClassifier`, but for the loss, `MSELoss` by default,
    `module`, whose outputs (n, targets) are the numbers, and `classes_`.

    >>> x = np.linspace(-2, 2, 100)[:, None]
    >>> model = NetworkRegressor(random_state=0).fit(x, np.sin(x[:, 0]))
    >>> bool(model.score(x, np.sin(x[:, 0])) > 0.95)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train a new network on X (n, features) and y (n,) or (n, targets)."""
        X, y = validate_data(
            self,
            X,
            y,
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=True,
            ensure_min_samples=1 + bool(self.validation),
        )
        self._ndim = y.ndim
        t = y.reshape(len(y), -1).astype(X.dtype)
        self._train(X, t, t.shape[1], nn.MSELoss())
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The numbers for each example, in the form of the y that it was trained on."""
        y = self._outputs(X)
        return y[:, 0] if self._ndim == 1 else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _layers(hidden: Sequence[int]) -> Callable[[int, int], nn.Module]:
    def made(features: int, outputs: int) -> nn.Module:
        sizes = [features, *hidden, outputs]
        pairs = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(sizes)]
        return nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])

    return made


@contextmanager
def _seeded(random_state: Any) -> Iterator[None]:
    """A block whose random numbers are those of a random state; None: the library's own."""
    if random_state is None:
        yield
        return
    generator = default_generator()
    before = generator.bit_generator.state
    manual_seed(int(check_random_state(random_state).randint(2**31)))
    try:
        yield
    finally:
        generator.bit_generator.state = before
