"""fit: the numbers of the loop by hand; what is best is kept; training goes on to the bit."""

import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
from tinygrad_ce import nn, optim
from tinygrad_ce.data import batches, moons
from tinygrad_ce.errors import ShapeError, TraceWarning
from tinygrad_ce.nn.dropout import dropout
from tinygrad_ce.training import Training, accuracy, evaluate, fit, predict, progress

X, T = moons(60, noise=0.1)
X_TEST, T_TEST = moons(30, noise=0.1, seed=1)
VALIDATION = (X_TEST, T_TEST)
LOSS = nn.CrossEntropyLoss()


def network(dropout: float = 0.0) -> nn.Sequential:
    tg.manual_seed(0)
    layers = [nn.Linear(2, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2)]
    return nn.Sequential(*layers).double()


def order() -> Any:
    return batches(X, T, 16, shuffle=True, generator=0)


def trained(epochs: int = 4, **options: Any) -> tuple[nn.Sequential, Any]:
    model = network()
    return model, fit(model, order(), LOSS, optim.adam(lr=0.05), epochs, **options)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(np.array_equal(x, b.state_dict()[k]) for k, x in a.state_dict().items())


def by_hand(
    model: nn.Module, epochs: int, optimizer: Any, clip: float | None = None
) -> list[float]:
    examples, means = order(), []
    for _ in range(epochs):
        total = 0.0
        for x, t in examples:
            error = LOSS(model(x), t)
            optimizer.zero_grad()
            error.backward()
            if clip is not None:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            total += float(error.value) * len(x)
        means.append(total / len(X))
    return means


# The numbers


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("clip", [None, 0.1])
def test_it_gives_the_numbers_of_the_loop_by_hand(compiled: bool, clip: float | None) -> None:
    model, other = network(), network()
    losses = by_hand(other, 4, optim.Adam(other.parameters(), lr=0.05), clip)
    rule = optim.adam(lr=0.05)
    history = fit(model, order(), LOSS, rule, 4, compiled=compiled, clip_norm=clip)
    assert history["loss"] == pytest.approx(losses, rel=1e-12)
    for name, found in model.state_dict().items():
        assert np.allclose(found, other.state_dict()[name], rtol=0, atol=1e-12)


def test_an_optimizer_serves_as_its_rule_does() -> None:
    model = network()
    fit(model, order(), LOSS, optim.Adam(model.parameters(), lr=0.05), 4)
    assert same(model, trained()[0])


def test_running_means_of_a_compiled_step_are_the_models() -> None:
    models = [nn.BatchNorm1d(2).double() for _ in range(2)]
    for model, compiled in zip(models, [True, False], strict=True):
        fit(model, order(), LOSS, optim.sgd(lr=0.1), 2, compiled=compiled)
    assert np.allclose(models[0].running_mean, models[1].running_mean, rtol=0, atol=1e-14)
    assert int(models[0].num_batches_tracked) == 8


@pytest.mark.parametrize("compiled", [True, False])
def test_identical_runs_are_identical(compiled: bool) -> None:
    models = []
    for _ in range(2):
        models.append(network(dropout=0.3))
        fit(models[-1], order(), LOSS, optim.adam(lr=0.05), 3, compiled=compiled)
    assert same(*models)


def test_gradients_that_are_one_array_go_to_their_own_parameters() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.a, self.b = nn.Parameter(np.zeros(2)), nn.Parameter(np.ones(2))

        def forward(self, x: Any) -> Any:
            return x + self.a + self.b

    model = Sum()
    fit(model, order(), LOSS, optim.sgd(lr=0.1), 1)
    assert np.allclose(model.b.value - model.a.value, 1)
    assert np.any(model.a.value)


def test_frozen_parameters_stay() -> None:
    model = network()
    model[0].requires_grad_(False)
    before = model[0].state_dict()
    fit(model, order(), LOSS, optim.Adam(model[3].parameters()), 2)
    assert np.array_equal(before["weight"], model[0].state_dict()["weight"])


def test_a_layer_can_be_frozen_on_the_way() -> None:
    model, kept = network(), []

    def freeze(run: Training) -> None:
        run.model[0].requires_grad_(False)
        kept.append(run.model[0].state_dict()["weight"])

    fit(model, order(), LOSS, optim.adam(), 3, callbacks=[freeze])
    assert np.array_equal(kept[0], kept[2])


class Asking(nn.Module):
    """A model that looks at its numbers, which a program cannot."""

    def __init__(self) -> None:
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Any) -> Any:
        y = self.linear(x)
        return y * 2 if float(np.sum(tg.detach(y))) > 0 else y


def test_what_cannot_be_compiled_runs_eagerly_with_a_word() -> None:
    with pytest.warns(TraceWarning, match="runs eagerly"):
        history = fit(Asking(), order(), LOSS, optim.adam(), 2)
    assert history.epochs == 2


def test_eager_on_request_needs_no_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(Asking(), order(), LOSS, optim.adam(), 1, compiled=False)


class Drawing(Asking):
    """One that draws random numbers before it looks."""

    def forward(self, x: Any) -> Any:
        return super().forward(dropout(x, 0.5))


@pytest.mark.filterwarnings("ignore::tinygrad_ce.TraceWarning")
def test_what_was_tried_draws_no_random_numbers() -> None:
    losses = []
    for compiled in (True, False):
        tg.manual_seed(0)
        losses.append(fit(Drawing(), order(), LOSS, optim.adam(), 2, compiled=compiled)["loss"])
    assert losses[0] == losses[1]


def test_dropout_draws_the_same_compiled_or_not() -> None:
    losses = []
    for compiled in (True, False):
        model = network(dropout=0.5)
        losses.append(fit(model, order(), LOSS, optim.adam(), 3, compiled=compiled)["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


# History


def test_history_has_an_entry_for_every_epoch() -> None:
    history = trained(3, validation=VALIDATION, metrics={"accuracy": accuracy})[1]
    assert {k: len(v) for k, v in history.items()} == {"loss": 3, "val_loss": 3, "val_accuracy": 3}


def test_validation_is_what_evaluate_finds() -> None:
    model, history = trained(3, validation=VALIDATION)
    assert evaluate(model, *VALIDATION, LOSS)["loss"] == history["val_loss"][history.best]


def test_the_best_weights_are_those_at_the_end() -> None:
    weights = []
    model, history = trained(
        6, validation=VALIDATION, metrics={"noise": lambda y, t: -abs(len(weights) - 2)},
        monitor="val_noise", mode="max", callbacks=[lambda r: weights.append(r.model.state_dict())],
    )  # fmt: skip
    assert history.best == 2
    assert np.array_equal(model.state_dict()["0.weight"], weights[2]["0.weight"])


def test_without_validation_the_last_weights_are_those_at_the_end() -> None:
    assert trained()[1].best is None


def test_a_measure_of_nan_is_never_the_best() -> None:
    values = iter([np.nan, 2.0, np.nan])
    history = trained(3, validation=VALIDATION, metrics={"m": lambda y, t: next(values)},
                      monitor="val_m")[1]  # fmt: skip
    assert history.best == 1


def test_patience_ends_training() -> None:
    history = trained(50, validation=VALIDATION, metrics={"m": lambda y, t: 1.0},
                      monitor="val_m", patience=2)[1]  # fmt: skip
    assert (history.epochs, history.ended) == (3, "patience")


def test_a_callback_can_stop() -> None:
    history = trained(50, callbacks=[lambda run: run.stop()])[1]
    assert (history.epochs, history.ended) == (1, "stopped")


def test_a_scheduler_goes_a_step_after_every_epoch() -> None:
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    fit(model, order(), LOSS, optimizer, 3, scheduler=scheduler)
    assert scheduler.get_last_lr() == [0.125]


def test_a_plateau_lowers_the_rate() -> None:
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.0)
    optimizer.param_groups[0]["lr"] = 1e-12
    scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, eps=0.0)
    fit(model, order(), LOSS, optimizer, 3, scheduler=scheduler)
    assert scheduler.get_last_lr()[0] < 1e-12


def test_afterwards_the_model_is_in_eval_mode() -> None:
    assert not any(module.training for module in trained()[0].modules())


# Files


@pytest.mark.parametrize("compiled", [True, False])
def test_training_goes_on_to_the_bit(tmp_path: Path, compiled: bool) -> None:
    def run(epochs: int, **options: Any) -> nn.Module:
        model = network(dropout=0.2)
        model[2].generator = np.random.default_rng(3)
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        scheduler = optim.lr_scheduler.StepLR(optimizer, 2)
        fit(model, order(), LOSS, optimizer, epochs, scheduler=scheduler, validation=VALIDATION,
            compiled=compiled, **options)  # fmt: skip
        return model

    path = tmp_path / "training.npz"
    run(3, checkpoint=path)
    assert same(run(6, checkpoint=path, resume=True), run(6))


def test_history_goes_on_too(tmp_path: Path) -> None:
    path = tmp_path / "training.npz"
    trained(2, checkpoint=path)
    history = trained(4, checkpoint=path, resume=True)[1]
    assert history["loss"] == trained(4)[1]["loss"]


def test_without_the_file_resume_begins(tmp_path: Path) -> None:
    assert trained(1, checkpoint=tmp_path / "a.npz", resume=True)[1].epochs == 1


def test_resume_needs_a_file() -> None:
    with pytest.raises(ValueError, match="without a checkpoint"):
        trained(1, resume=True)


# Ctrl-C


def pressing(times: int, at: int) -> Callable[[], Iterator[Any]]:
    """Examples in which Ctrl-C is pressed before batch `at` of the second epoch."""
    epoch = 0

    class Examples:
        def __iter__(self) -> Iterator[Any]:
            nonlocal epoch
            for i, batch in enumerate(order()):
                if epoch == 1 and i == at:
                    for _ in range(times):
                        signal.raise_signal(signal.SIGINT)
                yield batch
            epoch += 1

    return Examples  # type: ignore[return-value]


def test_ctrl_c_keeps_the_best_weights() -> None:
    model, best = network(), trained(1, validation=VALIDATION)[0]
    examples: Any = pressing(1, at=2)()
    history = fit(model, examples, LOSS, optim.adam(lr=0.05), 9, validation=VALIDATION)
    assert (history.epochs, history.ended) == (1, "interrupted")
    assert same(model, best)


def test_ctrl_c_twice_is_an_interrupt_that_keeps_them_too() -> None:
    model, best = network(), trained(1, validation=VALIDATION)[0]
    examples: Any = pressing(2, at=2)()
    with pytest.raises(KeyboardInterrupt):
        fit(model, examples, LOSS, optim.adam(lr=0.05), 9, validation=VALIDATION)
    assert same(model, best)


def test_ctrl_c_between_epochs_changes_no_weights() -> None:
    def press(run: Training) -> None:
        signal.raise_signal(signal.SIGINT)

    model, history = trained(9, callbacks=[press])
    assert (history.epochs, history.ended) == (1, "interrupted")
    assert same(model, trained(1)[0])


def test_ctrl_c_is_what_it_was_afterwards() -> None:
    trained(1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# Progress


def test_nothing_is_shown_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    trained(1)
    assert capsys.readouterr() == ("", "")


def test_on_request_a_line_for_each_epoch_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    trained(2, progress=True, validation=VALIDATION)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]


def test_a_bar_counts_batches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    monkeypatch.setattr(progress, "is_watched", lambda: True)
    trained(3, validation=VALIDATION)
    shown = capsys.readouterr().err
    assert "12/12" in shown
    assert "val_loss" in shown


@pytest.mark.parametrize(("ci", "watched"), [("true", False), ("", True)])
def test_in_ci_nobody_looks_on(monkeypatch: pytest.MonkeyPatch, ci: str, watched: bool) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert progress.is_watched() is watched


def test_the_curves_are_drawn() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    ax = trained(2, validation=VALIDATION)[1].plot()
    assert [line.get_label() for line in ax.lines] == ["loss", "val_loss"]


# Words


def test_metrics_without_validation_are_refused() -> None:
    with pytest.raises(ValueError, match="without validation"):
        trained(metrics={"accuracy": accuracy})


def test_examples_for_one_time_only_are_refused() -> None:
    with pytest.raises(ValueError, match="only once"):
        fit(network(), iter(order()), LOSS, optim.adam(), 2)


def test_examples_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="gave no batch"):
        fit(network(), [], LOSS, optim.adam(), 1)


def test_a_measure_that_is_not_there_is_named() -> None:
    with pytest.raises(KeyError, match=r"\['loss', 'val_loss'\]"):
        trained(1, validation=VALIDATION, monitor="val_accuracy")


# In use


def test_predict_is_the_model_on_everything() -> None:
    model = network(dropout=0.5)
    y = predict(model, X, batch_size=7)
    assert np.allclose(y, model.eval()(X).value, rtol=0, atol=1e-14)


def test_predict_leaves_every_module_in_its_mode() -> None:
    model = network()
    model[2].eval()
    predict(model, X)
    assert [module.training for module in model.modules()] == [True, True, True, False, True]


@pytest.mark.parametrize("shapes", [((4,), (4,)), ((4, 1), (4, 1)), ((4, 1), (4,))])
def test_accuracy_of_two_classes_goes_by_the_sign(shapes: Any) -> None:
    y, t = np.array([1.0, -1.0, 2.0, 3.0]), np.array([1, 0, 0, 1])
    assert accuracy(y.reshape(shapes[0]), t.reshape(shapes[1])) == 0.75


def test_accuracy_of_other_shapes_is_refused() -> None:
    with pytest.raises(ShapeError, match="class indices"):
        accuracy(np.eye(3), np.eye(3))
