"""Networks among scikit-learn's estimators: its own checks, and what they do not ask."""

from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.data import moons

pytest.importorskip("sklearn")

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from tinygrad_ce.sklearn import NetworkClassifier, NetworkRegressor

X, T = moons(120, noise=0.1)


@parametrize_with_checks([NetworkClassifier(epochs=40), NetworkRegressor(epochs=60)])
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_check(estimator: Any, check: Any) -> None:
    check(estimator)


def test_a_random_state_gives_the_same_network() -> None:
    a, b = (NetworkClassifier(epochs=3, random_state=1).fit(X, T) for _ in range(2))
    assert np.array_equal(a.predict_proba(X), b.predict_proba(X))


def test_a_random_state_leaves_the_librarys_numbers_alone() -> None:
    expected = tg.manual_seed(0).random()
    tg.manual_seed(0)
    NetworkClassifier(epochs=1, random_state=1).fit(X, T)
    assert tg.default_generator().random() == expected


def test_without_one_the_librarys_seed_decides() -> None:
    found = []
    for _ in range(2):
        tg.manual_seed(4)
        found.append(NetworkClassifier(epochs=1).fit(X, T).predict_proba(X))
    assert np.array_equal(*found)


def test_classes_may_be_words() -> None:
    names = np.array(["lower", "upper"])[T]
    assert NetworkClassifier(epochs=40, random_state=0).fit(X, names).score(X, names) > 0.9


def test_probabilities_sum_to_one() -> None:
    y = NetworkClassifier(epochs=1, random_state=0).fit(X, T).predict_proba(X)
    assert np.allclose(y.sum(axis=1), 1, rtol=0, atol=1e-14)


def test_float32_stays_float32() -> None:
    found = NetworkClassifier(epochs=1).fit(X.astype(np.float32), T)
    assert found.predict_proba(X.astype(np.float32)).dtype == np.float32


def test_it_takes_a_network_a_loss_and_a_rule() -> None:
    found = NetworkClassifier(
        module=nn.Linear, loss=nn.CrossEntropyLoss(), optimizer=optim.sgd(lr=0.1), epochs=1
    ).fit(X, T)
    assert isinstance(found.model_, nn.Linear)


def test_validation_and_patience_end_training() -> None:
    found = NetworkClassifier(epochs=500, validation=0.2, patience=2, random_state=0).fit(X, T)
    assert found.history_.ended == "patience"


def test_a_search_goes_through_a_pipeline() -> None:
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(epochs=3, random_state=0))
    search = GridSearchCV(pipeline, {"networkclassifier__hidden": [(), (4,)]}, cv=2).fit(X, T)
    assert search.best_params_["networkclassifier__hidden"] in [(), (4,)]


def test_a_regressor_tells_several_numbers() -> None:
    y = NetworkRegressor(epochs=1).fit(X, np.stack([T, -T], axis=1)).predict(X)
    assert y.shape == (120, 2)
