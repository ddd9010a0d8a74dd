"""Options: what is no number, no count, no choice, no function is refused at the call, by name."""

import inspect
import pickle
import types
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from timeit import timeit
from typing import Any

import numpy as np
import pytest

import tinygrad_ce as tg
import tinygrad_ce.testing as tgt
from tinygrad_ce import data, nn, optim, training
from tinygrad_ce.nn import init, utils
from tinygrad_ce.optim import lr_scheduler
from tinygrad_ce.options import count, instance, number, numbers, one_of, several

NAN, INF = float("nan"), float("inf")
X, T = np.ones((2, 3)), np.array([0, 2])
W = tg.tensor(np.ones((2, 2)), requires_grad=True)
ATTEND = nn.scaled_dot_product_attention
IMAGES = np.ones((1, 2, 4, 4))


def sgd(**options: Any) -> optim.SGD:
    return optim.SGD([tg.tensor([1.0], requires_grad=True)], **options)


def fit(**options: Any) -> Any:
    x, t = np.ones((4, 2), np.float32), np.zeros(4, int)
    given = {"examples": data.batches(x, t), "loss": nn.CrossEntropyLoss(), "epochs": 1}
    given |= {"model": nn.Linear(2, 2), "optimizer": optim.sgd(lr=0.1)}
    return tg.fit(**(given | options))


def loss(x: Any) -> Any:
    return np.sum(x * x)


# A bad call, and the words that its message holds, beside those of every message.
BAD: dict[str, tuple[Callable[[], Any], str]] = {
    # losses
    "huber-delta": (lambda: tg.huber(X, X, delta=-1), "delta is -1. it is a number above 0"),
    "huber-delta-0": (lambda: tg.huber(X, X, delta=0.0), "delta=1.0"),
    "huber-delta-nan": (lambda: tg.huber(X, X, delta=NAN), "delta is nan"),
    "huber-delta-text": (lambda: tg.huber(X, X, delta="1"), "delta is '1'"),
    "huber-delta-array": (lambda: tg.huber(X, X, delta=np.array([1, -1, 1])), "delta is array"),
    "focal-gamma": (lambda: tg.focal(X, T, gamma=-1), "gamma is -1. it is a number from 0"),
    "hinge-margin": (lambda: tg.hinge(X, T, margin=None), "margin is None"),
    "loss-reduction": (lambda: tg.hinge(X, T, reduction="avg"), "'mean', 'sum' or 'none'"),
    "mse-reduction": (lambda: tg.mean_squared_error(X, X, reduction=None), "reduction is None"),
    "loss-axis": (lambda: tg.softmax_cross_entropy(X, T, axis="x"), "axis is 'x'"),
    "loss-axis-9": (lambda: tg.softmax_cross_entropy(X, T, axis=9), "class axis is 9"),
    "kl-axis": (lambda: tg.kl_divergence(X / 3, X / 3, axis=0.5), "axis is 0.5"),
    "squared-axis": (lambda: tg.squared_error(X, X, axis="rows"), "axis is 'rows'"),
    "loss-weight": (lambda: tg.softmax_cross_entropy(X, T, weight="a"), "weight is 'a'"),
    "bce-weight": (lambda: tg.binary_cross_entropy(X, X, weight="a"), "weight is 'a'"),
    "bce-weight-shape": (lambda: tg.binary_cross_entropy(X, X, weight=[1, 2]), "shape (2,)"),
    "loss-ignore": (lambda: tg.softmax_cross_entropy(X, T, ignore_index=0.5), "ignore_index"),
    "loss-smoothing": (
        lambda: tg.softmax_cross_entropy(X, T, label_smoothing=1.1), "label_smoothing is 1.1",
    ),
    "one-hot": (lambda: tg.one_hot([0], -1), "num_classes is -1. it is an integer from 0"),
    "one-hot-float": (lambda: tg.one_hot([0], 2.0), "num_classes is 2.0"),
    # functions
    "leaky-relu": (lambda: tg.leaky_relu(X, "a"), "negative_slope"),
    "elu": (lambda: tg.elu(X, NAN), "alpha is nan"),
    "gelu": (lambda: tg.gelu(X, "sigmoid"), "'none' or 'tanh'"),
    "conv-stride": (lambda: tg.conv2d(IMAGES, np.ones((1, 2, 2, 2)), stride=0), "stride is 0"),
    "conv-bool": (lambda: tg.conv2d(IMAGES, np.ones((1, 2, 2, 2)), stride=True), "stride is True"),
    "conv-groups": (lambda: tg.conv2d(IMAGES, np.ones((1, 2, 2, 2)), groups=True), "groups"),
    "conv-padding": (lambda: tg.conv2d(IMAGES, np.ones((1, 2, 2, 2)), padding="all"), "padding"),
    "pool-kernel": (lambda: tg.max_pool(IMAGES, 0), "kernel_size is 0"),
    "pool-padding": (lambda: tg.avg_pool(IMAGES, 2, padding=-1), "padding is -1"),
    "seed": (lambda: tg.manual_seed(-1), "seed is -1. a seed is a whole number from 0"),
    "seed-text": (lambda: tg.manual_seed("a"), "seed is 'a'"),
    "seed-bool": (lambda: tg.manual_seed(True), "seed is True"),
    # nn: what the walk below does not reach
    "conv-mode": (lambda: nn.Conv2d(1, 1, 2, padding_mode="mirror"), "'zeros', 'reflect'"),
    "conv-layer-padding": (lambda: nn.Conv2d(1, 1, 2, padding="all"), "padding is 'all'"),
    "nonlinearity": (lambda: nn.RNN(1, 1, nonlinearity="gelu"), "'tanh' or 'relu'"),
    "activation": (lambda: nn.TransformerEncoderLayer(4, 2, activation="tanh"), "'relu' or 'gelu'"),
    "activation-3": (lambda: nn.TransformerEncoderLayer(4, 2, activation=3), "activation is 3"),
    "encoder-layer": (lambda: nn.TransformerEncoder(3, 2), "encoder_layer is 3. it is a module"),
    "encoder-norm": (lambda: nn.TransformerEncoder(nn.Tanh(), 2, norm=3), "norm is 3"),
    "padding-idx": (lambda: nn.Embedding(3, 2, padding_idx=3), "it is an integer from -3 to 2"),
    "normalized-shape": (lambda: nn.LayerNorm(()), "normalized_shape is ()"),
    "normalized-shape-1": (lambda: nn.LayerNorm((2, -1)), "normalized_shape[1] is -1"),
    "momentum": (lambda: nn.BatchNorm1d(2, momentum=1.5), "momentum is 1.5"),
    "hardtanh": (lambda: nn.Hardtanh(1, -1), "min_val is 1 and max_val is -1"),
    "celu": (lambda: nn.CELU(0.0), "alpha is 0.0. it is a number other than 0"),
    "kl-reduction": (lambda: nn.KLDivLoss("batch"), "'batchmean'"),
    "loss-layer": (lambda: nn.MSELoss("avg"), "reduction is 'avg'"),
    "loss-layer-weight": (lambda: nn.CrossEntropyLoss([-1.0, 2.0]), "weight is [-1.0, 2.0]"),
    "pos-weight": (lambda: nn.BCEWithLogitsLoss(pos_weight="2"), "pos_weight is '2'"),
    "flatten-axis": (lambda: nn.Flatten(5)(X), "no axis 5"),
    "glu-axis": (lambda: nn.GLU(5)(X), "no axis 5"),
    "sequential": (lambda: nn.Sequential(3), "module 0 is 3. it is a module"),
    "sequential-function": (lambda: nn.Sequential(nn.Tanh(), np.tanh), "module 1 is"),
    "sequential-dict": (lambda: nn.Sequential({"a": 3}), "the module 'a' is 3"),
    "module-list": (lambda: nn.ModuleList(3), "modules is 3. it is a list"),
    "module-list-class": (lambda: nn.ModuleList([nn.Tanh]), "module 0 is <class"),
    "module-dict": (lambda: nn.ModuleDict({"a": np.tanh}), "the module 'a'"),
    "module-dict-list": (lambda: nn.ModuleDict([nn.Tanh()]), "modules is"),
    "parameter-list": (lambda: nn.ParameterList([np.ones(2)]), "value 0 is array"),
    "register-parameter": (lambda: nn.Tanh().register_parameter("w", X), "a parameter is a Tensor"),
    "apply": (lambda: nn.Tanh().apply(3), "function is 3"),
    "buffer": (lambda: nn.Tanh().register_buffer(3, X), "the name of a buffer is 3"),
    "group-norm": (lambda: nn.GroupNorm(1, 2, affine=False)(np.ones((2, 3, 4))), "2 channels"),
    "to": (lambda: nn.Tanh().to("cuda"), "dtype is 'cuda'"),
    "state": (lambda: nn.Linear(1, 1).load_state_dict([1]), "state is [1]"),
    "state-names": (lambda: nn.Linear(1, 1).load_state_dict({}), "missing are ['weight', 'bias']"),
    "mask": (lambda: nn.causal_mask(-1), "size is -1"),
    "attention-p": (lambda: ATTEND(X, X, X, dropout_p=2), "dropout_p is 2"),
    "attention-scale": (lambda: ATTEND(X, X, X, scale="a"), "scale is 'a'"),
    "generator": (lambda: nn.Linear(2, 2, generator=0), "generator is 0"),
    # nn.init, nn.utils
    "init-w": (lambda: init.zeros_(np.ones(2)), "w is array"),
    "init-uniform": (lambda: init.uniform_(W, 1, 0), "a is 1 and b is 0"),
    "init-normal": (lambda: init.normal_(W, std=-1), "std is -1"),
    "init-mean": (lambda: init.normal_(W, mean=NAN), "mean is nan"),
    "init-truncated": (lambda: init.trunc_normal_(W, a=2, b=-2), "a is 2 and b is -2"),
    "init-truncated-std": (lambda: init.trunc_normal_(W, std=0), "std is 0"),
    "init-constant": (lambda: init.constant_(W, "a"), "val is 'a'"),
    "init-gain": (lambda: init.xavier_uniform_(W, gain=-1), "gain is -1"),
    "init-gain-normal": (lambda: init.xavier_normal_(W, gain="a"), "gain is 'a'"),
    "init-orthogonal": (lambda: init.orthogonal_(W, gain=NAN), "gain is nan"),
    "init-mode": (lambda: init.kaiming_uniform_(W, mode="fan"), "'fan_in' or 'fan_out'"),
    "init-mode-normal": (lambda: init.kaiming_normal_(W, mode="fan"), "'fan_in' or 'fan_out'"),
    "init-nonlinearity": (lambda: init.kaiming_normal_(W, nonlinearity="x"), "'leaky_relu'"),
    "init-calculate": (lambda: init.calculate_gain("leaky_relu", "a"), "param is 'a'"),
    "init-generator": (lambda: init.orthogonal_(W, generator=3), "generator is 3"),
    "clip": (lambda: utils.clip_grad_norm_([W], -1), "max_norm is -1"),
    "clip-type": (lambda: utils.clip_grad_norm_([W], 1, norm_type="fro"), "norm_type is 'fro'"),
    "clip-model": (lambda: utils.clip_grad_norm_(nn.Linear(1, 1), 1), "model.parameters()"),
    "clip-value": (lambda: utils.clip_grad_value_([W], NAN), "clip_value is nan"),
    "clip-arrays": (lambda: utils.clip_grad_value_([X], 1), "parameters hold ndarray"),
    "to-parameters": (lambda: utils.vector_to_parameters(X, [X]), "parameters hold ndarray"),
    # optim
    "params": (lambda: optim.SGD(nn.Linear(1, 1)), "params is Linear"),
    "params-tensor": (lambda: optim.SGD(W), "or [w] for a single Tensor"),
    "betas": (lambda: optim.Adam([W], betas=(1.0, 0.9)), "betas[0] is 1.0"),
    "betas-one": (lambda: optim.adam(betas=0.9), "betas is 0.9. it is a pair"),
    "group-lr": (lambda: optim.SGD([{"params": [W], "lr": -1}]), "lr is -1"),
    "group-unknown": (lambda: optim.SGD([{"params": [W], "l": 1}]), "no options ['l']"),
    "group-params": (lambda: sgd().add_param_group({"lr": 1}), "a group has ['lr']"),
    "group-list": (lambda: sgd().add_param_group([W]), "a group is"),
    "nesterov": (lambda: sgd(nesterov=True), "nesterov needs a momentum"),
    "closure": (lambda: sgd().step(3), "closure is 3"),
    "optimizer-state": (lambda: sgd().load_state_dict({"model": 1}), "the state has ['model']"),
    "optimizer-rule": (lambda: optim.Optimizer([W], 3), "rule is 3"),
    "scheduler-none": (lambda: lr_scheduler.StepLR(None, 1), "optimizer is None"),
    "lambda": (lambda: lr_scheduler.LambdaLR(sgd(), 0.5), "lr_lambda is 0.5"),
    "milestones": (lambda: lr_scheduler.MultiStepLR(sgd(), 3), "milestones is 3. it is a list"),
    "milestones-1": (lambda: lr_scheduler.MultiStepLR(sgd(), [1, 2.5]), "milestones[1] is 2.5"),
    "sequential-lr": (lambda: lr_scheduler.SequentialLR(sgd(), [3], []), "schedulers[0] is 3"),
    "sequential-lr-number": (
        lambda: lr_scheduler.SequentialLR(sgd(), [lr_scheduler.StepLR(sgd(), 1)], [1]),
        "one stands between each two",
    ),
    "plateau": (lambda: lr_scheduler.ReduceLROnPlateau(sgd(), mode="least"), "'min' or 'max'"),
    "plateau-mode": (lambda: lr_scheduler.ReduceLROnPlateau(sgd(), threshold_mode=1), "'rel'"),
    "plateau-factor": (lambda: lr_scheduler.ReduceLROnPlateau(sgd(), factor=1.0), "factor is 1.0"),
    "rule-lr": (lambda: optim.sgd().update(X, optim.sgd().init(X), X, lr=-1), "lr is -1"),
    "rule-state": (lambda: optim.sgd().update(X, {"step": 0}, X), "the state has ['step']"),
    "scheduler-state": (
        lambda: lr_scheduler.StepLR(sgd(), 1).load_state_dict({}), "base_lrs, last_epoch",
    ),
    "plateau-state": (
        lambda: lr_scheduler.ReduceLROnPlateau(sgd()).load_state_dict({}), "best",
    ),
    # training
    "fit-epochs": (lambda: fit(epochs=-1), "epochs is -1. it is an integer from 0"),
    "fit-epochs-float": (lambda: fit(epochs=1.5), "epochs is 1.5"),
    "fit-model": (lambda: fit(model=np.tanh), "model is <ufunc 'tanh'>"),
    "fit-loss": (lambda: fit(loss="mse"), "loss is 'mse'"),
    "fit-optimizer": (lambda: fit(optimizer=optim.adam), "optimizer is <function adam"),
    "fit-examples": (lambda: fit(examples=3), "examples is 3"),
    "fit-validation": (lambda: fit(validation=X), "validation is ndarray"),
    "fit-metrics": (lambda: fit(metrics={"a": np.mean}), "without validation"),
    "fit-metric": (lambda: fit(metrics={"a": 3}, validation=(X, T)), "metrics['a'] is 3"),
    "fit-metrics-list": (lambda: fit(metrics=[np.mean], validation=(X, T)), "metrics is"),
    "fit-monitor": (lambda: fit(monitor="val_loss"), "an epoch has ['loss']"),
    "fit-mode": (lambda: fit(mode="least"), "mode is 'least'"),
    "fit-patience": (lambda: fit(patience=0.5), "patience is 0.5"),
    "fit-scheduler": (lambda: fit(scheduler=3), "scheduler is 3"),
    "fit-clip": (lambda: fit(clip_norm=-1), "clip_norm is -1"),
    "fit-callbacks": (lambda: fit(callbacks=[3]), "callbacks[0] is 3"),
    "fit-callback": (lambda: fit(callbacks=print), "callbacks is"),
    "fit-checkpoint": (lambda: fit(checkpoint=3), "checkpoint is 3"),
    "fit-resume": (lambda: fit(resume=True), "without a checkpoint"),
    "predict-model": (lambda: training.predict(3, X), "model is 3"),
    "predict-size": (lambda: training.predict(nn.Linear(3, 1), X, batch_size=0), "batch_size is 0"),
    "evaluate-loss": (lambda: training.evaluate(nn.Linear(3, 1), X, T, 3), "loss is 3"),
    # transforms and programs
    "grad": (lambda: tg.grad(3), "f is 3. it is a function"),
    "grad-argnums": (lambda: tg.grad(loss, argnums="x"), "argnums is 'x'"),
    "grad-argnums-float": (lambda: tg.grad(loss, argnums=(0, 1.0)), "argnums[1] is 1.0"),
    "grad-argnums-bool": (lambda: tg.grad(loss, True), "argnums is True"),
    "grad-argnums-5": (lambda: tg.grad(loss, 5)(X), "names argument 5"),
    "grad-argnums-twice": (lambda: tg.grad(loss, (0, 0))(X), "an argument twice"),
    "grad-aux": (lambda: tg.grad(loss, has_aux=True)(X), "it returns a pair"),
    "value-and-grad": (lambda: tg.value_and_grad(None), "f is None"),
    "vjp": (lambda: tg.vjp(3, X), "f is 3"),
    "jvp": (lambda: tg.jvp(3, X, X), "f is 3"),
    "hvp": (lambda: tg.hvp(3, X, X), "f is 3"),
    "jacobian": (lambda: tg.jacobian(3), "f is 3"),
    "jacobian-argnums": (lambda: tg.jacobian(loss, None), "argnums is None"),
    "hessian": (lambda: tg.hessian(3), "f is 3"),
    "checkpoint": (lambda: tg.checkpoint(3), "f is 3"),
    "vector": (lambda: tg.value_and_grad_of_vector(3, X), "f is 3"),
    "hook": (lambda: W.register_hook(3), "hook is 3"),
    "primitive": (lambda: tg.primitive(3, rules=lambda g, y, x: g), "function is 3"),
    "compile": (lambda: tg.compile(3), "it takes a function"),
    "compile-maxsize": (lambda: tg.compile(maxsize=0), "maxsize is 0"),
    "compile-backend": (lambda: tg.compile(loss, backend="cuda"), "'numpy', 'jax' or 'torch'"),
    "compile-passes": (lambda: tg.compile(loss, passes=[3]), "passes[0] is 3"),
    "compile-numbers": (lambda: tg.compile(loss, static_argnums="x"), "static_argnums is 'x'"),
    "compile-number": (lambda: tg.compile(loss, static_argnums=(0, 0.5)), "static_argnums[1]"),
    "compile-names": (lambda: tg.compile(loss, static_argnames=[3]), "static_argnames[0] is 3"),
    "compile-name": (lambda: tg.compile(loss, static_argnames="y"), "the arguments are ['x']"),
    "derive": (lambda: tg.derive(3, X), "f is 3"),
    "derive-sums": (lambda: tg.derive(loss, X, sums_to_one=3), "sums_to_one is 3"),
    "primitive-rules": (lambda: tg.primitive(lambda x: x, rules=()), "a rule for each operand"),
    "debug-print": (lambda: tg.debug_print(3), "format is 3"),
    "derive-nothing": (lambda: tg.derive(loss), "no example"),
    "derive-argnums": (lambda: tg.derive(loss, X, argnums=3), "names argument 3"),
    # data and files
    "batches": (lambda: data.batches(X, size=0), "size is 0"),
    "batches-float": (lambda: data.batches(X, size=2.0), "size is 2.0"),
    "batches-generator": (lambda: data.batches(X, generator="a"), "generator is 'a'"),
    "batches-last": (lambda: data.batches(X, size=9, drop_last=True), "no batch of 9"),
    "split": (lambda: data.split(X, X, test=5), "test=5"),
    "split-nan": (lambda: data.split(X, X, test=NAN), "test is nan"),
    "split-inf": (lambda: data.split(X, X, test=INF), "test=inf"),
    "split-seed": (lambda: data.split(X, X, 0.5, seed=-1), "seed is -1"),
    "moons": (lambda: data.moons(1), "n_samples is 1. it is an integer from 2"),
    "moons-float": (lambda: data.moons(10.0), "n_samples is 10.0"),
    "moons-noise": (lambda: data.moons(noise=-1), "noise is -1"),
    "moons-noise-inf": (lambda: data.moons(noise=INF), "a finite number from 0"),
    "moons-seed": (lambda: data.moons(seed="a"), "seed is 'a'"),
    "circles": (lambda: data.circles(factor=1.0), "factor is 1.0"),
    "spirals": (lambda: data.spirals(classes=1), "classes is 1"),
    "spirals-turns": (lambda: data.spirals(turns=None), "turns is None"),
    "xor": (lambda: data.xor(seed=-1), "seed is -1"),
    "augment": (lambda: data.augment(X[None], None, scale=1), "scale"),
    "augment-text": (lambda: data.augment(X[None], None, rotate="a"), "rotate is 'a'"),
    "augment-rng": (lambda: data.augment(X[None], "a"), "rng is 'a'"),
    "families": (lambda: data.aiueo().split("a"), "test_families is 'a'"),
    "vocabulary": (lambda: data.Vocabulary([1]), "texts[0] is 1"),
    "vocabulary-3": (lambda: data.Vocabulary(3), "texts is 3"),
    "encode": (lambda: data.Vocabulary("ab").encode("ab", length=1), "a text has 2 characters"),
    "encode-length": (lambda: data.Vocabulary("ab").encode("ab", 2.5), "length is 2.5"),
    "encode-unknown": (lambda: data.Vocabulary("ab").encode("c"), "has the characters 'c'"),
    "decode": (lambda: data.Vocabulary("ab").decode([5]), "from 5 to 5"),
    "decode-float": (lambda: data.Vocabulary("ab").decode([0.5]), "dtype float64"),
    "csv": (lambda: data.read_csv(3), "path is 3"),
    "csv-delimiter": (lambda: data.read_csv("a.csv", delimiter=";;"), "delimiter is ';;'"),
    "idx": (lambda: data.read_idx(3), "path is 3"),
    "mnist": (lambda: data.read_mnist(3), "folder is 3"),
    "fashion": (lambda: data.fashion_mnist(3), "folder is 3"),
    "save": (lambda: tg.save(3, X), "path is 3"),
    "save-tensors": (lambda: tg.save("a.safetensors", X), "the tree is ndarray"),
    "load": (lambda: tg.load(3), "path is 3"),
    # pictures and checks
    "draw-names": (lambda: tg.draw(loss(W), names=[W]), "names is"),
    "player-names": (lambda: tg.player(loss(W), names="w"), "names is 'w'"),
    "draw-save": (lambda: tg.draw(loss(W)).save("a.png"), "saved as 'a.png'"),
    "paths-most": (lambda: tg.paths(loss(W), wrt=W, most=0), "most is 0"),
    "gradcheck": (lambda: tgt.gradcheck(3, X), "f is 3"),
    "gradcheck-gradient": (lambda: tgt.gradcheck(loss, X, gradient=X), "gradient is array"),
    "gradcheck-order": (lambda: tgt.gradcheck(loss, X, order=3), "order 3"),
    "gradcheck-order-0": (lambda: tgt.gradcheck(loss, X, order=0), "order 0"),
    "gradcheck-argnums": (lambda: tgt.gradcheck(loss, X, argnums="x"), "argnums is 'x'"),
    "gradcheck-argnums-5": (lambda: tgt.gradcheck(loss, X, argnums=5), "argnums=5"),
    "gradcheck-directions": (lambda: tgt.gradcheck(loss, X, directions=0), "directions=0"),
    "gradcheck-seed": (lambda: tgt.gradcheck(loss, X, seed=-1), "seed is -1"),
    "blame": (lambda: tgt.blame(3, X), "f is 3"),
    "formula": (lambda: tgt.check_formula(3, loss, given=None), "3 was given for a function"),
    "audit": (lambda: tgt.audit(3), "has no gradient rules"),
    "audit-seed": (lambda: tgt.audit(np.exp, X, seed="a"), "seed is 'a'"),
    "away-from": (lambda: tgt.strategies.away_from(0.0, "a"), "distance is 'a'"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_option_is_refused_at_the_call(name: str) -> None:
    call, words = BAD[name]
    with pytest.raises(tg.Error) as caught:
        call()
    assert words in str(caught.value)
    assert len(caught.value.args) == 3
    assert all(part and not part.endswith(".") for part in caught.value.args)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: tg.grad(3), TypeError),
        (lambda: tg.compile(3), TypeError),
        (lambda: nn.Linear(2.5, 1), TypeError),
        (lambda: nn.Linear(2.5, 1), ValueError),
        (lambda: nn.Linear(-1, 1), ValueError),
        (lambda: nn.Linear(1, 1).load_state_dict({}), KeyError),
        (lambda: fit(monitor="accuracy"), KeyError),
        (lambda: sgd().load_state_dict({}), KeyError),
        (lambda: tg.manual_seed(-1), tg.OptionError),
    ],
)
def test_errors_are_caught_by_the_builtin_name(call: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        call()


def test_an_unknown_column_is_a_key_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(KeyError, match="no column 'c'") as caught:
        data.read_csv(path, target="c")
    assert isinstance(caught.value, tg.OptionError)


# Whatever has numbers among its parameters is called with bad ones in their place. What a class
# needs to be built stands here; a new one that is not here and needs nothing is walked as well.
NEEDS: dict[str, dict[str, Any]] = {
    "Linear": {"in_features": 2, "out_features": 2},
    "Embedding": {"num_embeddings": 3, "embedding_dim": 2},
    "Conv1d": {"in_channels": 2, "out_channels": 2, "kernel_size": 2},
    "Conv2d": {"in_channels": 2, "out_channels": 2, "kernel_size": 2},
    "ConvTranspose2d": {"in_channels": 2, "out_channels": 2, "kernel_size": 2},
    "MaxPool1d": {"kernel_size": 2},
    "MaxPool2d": {"kernel_size": 2},
    "AvgPool1d": {"kernel_size": 2},
    "AvgPool2d": {"kernel_size": 2},
    "BatchNorm1d": {"num_features": 2},
    "BatchNorm2d": {"num_features": 2},
    "LayerNorm": {"normalized_shape": 2},
    "RMSNorm": {"normalized_shape": 2},
    "GroupNorm": {"num_groups": 1, "num_channels": 2},
    "RNN": {"input_size": 2, "hidden_size": 2},
    "LSTM": {"input_size": 2, "hidden_size": 2},
    "GRU": {"input_size": 2, "hidden_size": 2},
    "MultiheadAttention": {"embed_dim": 4, "num_heads": 2},
    "TransformerEncoderLayer": {"d_model": 4, "nhead": 2},
    "TransformerEncoder": {"encoder_layer": nn.Tanh(), "num_layers": 2},
    "Threshold": {"threshold": 0.0, "value": 0.0},
    "StepLR": {"step_size": 2},
    "MultiStepLR": {"milestones": [1]},
    "ExponentialLR": {"gamma": 0.5},
    "CosineAnnealingLR": {"T_max": 2},
    "LambdaLR": {"lr_lambda": float},
}
# These may be negative.
SIGNED = {
    "dim", "start_dim", "end_dim", "ignore_index", "padding_idx", "negative_slope", "init",
    "alpha of ELU", "alpha of CELU", "beta of Softplus", "threshold", "value", "min_val", "max_val",
    "lambd of Hardshrink", "gamma", "eta_min", "last_epoch", "dampening",
}  # fmt: skip
SCHEDULES = [name for name in lr_scheduler.__all__ if name != "LRScheduler"]
LAYERS = [n for n in nn.__all__ if isinstance(getattr(nn, n), type)
          and issubclass(getattr(nn, n), nn.Module)]  # fmt: skip
RULES = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"]
CLASSES = {
    **{name: getattr(nn, name) for name in LAYERS},
    **{name: getattr(lr_scheduler, name) for name in SCHEDULES},
    **{name: getattr(optim, name) for name in RULES},
}


def _built(name: str, **options: Any) -> Any:
    needs = dict(NEEDS.get(name, {}))
    if name in SCHEDULES:
        needs["optimizer"] = sgd()
    if name == "SequentialLR":
        needs |= {"schedulers": [lr_scheduler.StepLR(sgd(), 1)], "milestones": []}
    return CLASSES[name](**(needs | options))


def _numeric(name: str) -> dict[str, bool]:
    """The parameters that are numbers, and whether they are counts."""
    found = {}
    for parameter in inspect.signature(CLASSES[name]).parameters.values():
        kinds = str(parameter.annotation)
        default = parameter.default
        is_bool = "bool" in kinds or isinstance(default, bool)
        if is_bool or "Callable" in kinds or "Iterable" in kinds or "Sequence" in kinds:
            continue
        if "float" in kinds and "Array" not in kinds and "tuple" not in kinds:
            found[parameter.name] = False
        elif "int" in kinds or isinstance(default, int):
            found[parameter.name] = True
    return found


WALK = [(name, parameter) for name in CLASSES for parameter in _numeric(name)]


def _bad(name: str, parameter: str) -> list[Any]:
    values: list[Any] = [NAN, "x", True, np.bool_(True), 1j, object(), {}]
    if _numeric(name)[parameter]:
        values += [1.5, np.float64(2), -INF]
    if not {parameter, f"{parameter} of {name}"} & SIGNED:
        values += [-1, -3]
    return values


def test_the_walk_goes_through_all_layers() -> None:
    assert len(WALK) > 100
    assert {"Linear", "LSTM", "Conv2d", "Dropout", "StepLR", "adam"} <= {name for name, _ in WALK}
    for name in CLASSES:
        _built(name)


@pytest.mark.parametrize(("name", "parameter"), WALK, ids=[".".join(pair) for pair in WALK])
def test_bad_numbers_are_refused_when_it_is_built(name: str, parameter: str) -> None:
    for value in _bad(name, parameter):
        with pytest.raises(tg.Error) as caught:
            _built(name, **{parameter: value})
        assert parameter in caught.value.args[0], value
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("name", "parameter"), WALK, ids=[".".join(pair) for pair in WALK])
def test_numbers_of_numpy_are_numbers(name: str, parameter: str) -> None:
    is_count = _numeric(name)[parameter]
    default = inspect.signature(CLASSES[name]).parameters[parameter].default
    given = NEEDS.get(name, {}).get(parameter, default)
    if isinstance(given, int | float):
        _built(name, **{parameter: np.int64(given) if is_count else np.float64(given)})


@pytest.mark.parametrize(
    "name", [n for n in LAYERS if "generator" in inspect.signature(CLASSES[n]).parameters]
)
def test_a_seed_is_no_generator(name: str) -> None:
    with pytest.raises(tg.OptionError, match="generator is 3"):
        _built(name, generator=3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.Dropout(1),
        lambda: nn.Dropout(np.float32(0.5)),
        lambda: nn.Linear(0, 2),
        lambda: nn.Linear(2, 0),
        lambda: nn.Linear(np.int8(2), np.array(3)),
        lambda: nn.Embedding(3, 2, padding_idx=-3),
        lambda: nn.LSTM(2, 3, dropout=1, num_layers=2),
        lambda: nn.BatchNorm1d(2, momentum=None),
        lambda: nn.LayerNorm([2, 3]),
        lambda: nn.HuberLoss(delta=INF),
        lambda: nn.SmoothL1Loss(beta=0),
        lambda: nn.CrossEntropyLoss(weight=tg.tensor([1.0, 2.0]).numpy(), ignore_index=-1),
        lambda: nn.Hardshrink(-0.5),
        lambda: nn.ELU(alpha=-1),
        lambda: nn.Sequential(),
        lambda: sgd(lr=0),
        lambda: sgd(lr=np.float32(0.1), dampening=-0.5),
        lambda: optim.Adam([W], betas=[0, 0.5]),
        lambda: optim.SGD([{"params": [W], "lr": 0.1, "name": "w"}]),
        lambda: lr_scheduler.StepLR(sgd(), 1, gamma=2.0),
        lambda: lr_scheduler.CosineAnnealingLR(sgd(), T_max=2.5),
        lambda: lr_scheduler.LinearLR(sgd(), start_factor=1.0, end_factor=0.0),
        lambda: lr_scheduler.ReduceLROnPlateau(sgd(), patience=0),
        lambda: utils.clip_grad_norm_(W, INF),
        lambda: utils.clip_grad_norm_((p for p in [W]), 0, norm_type=INF),
        lambda: tg.huber(X, X, delta=INF),
        lambda: tg.huber(X, X, delta=np.array([1.0, 2.0, 3.0])),
        lambda: tg.huber(X, X, delta=Fraction(1, 2)),
        lambda: tg.focal(X, T, gamma=0),
        lambda: tg.focal(X, T, gamma=np.float32(2), ignore_index=np.int64(0)),
        lambda: tg.softmax_cross_entropy(X, T, label_smoothing=1, axis=np.int64(1)),
        lambda: tg.squared_error(X, X, axis=None),
        lambda: tg.squared_error(X, X, axis=(0, 1)),
        lambda: tg.leaky_relu(X, -1),
        lambda: tg.manual_seed(np.int64(3)),
        lambda: tg.manual_seed([1, 2]),
        lambda: tg.grad(loss, np.int64(0))(X),
        lambda: tg.grad(loss, [0])(X),
        lambda: tg.grad(nn.MSELoss())(X, X),
        lambda: tg.compile(lambda x: x, static_argnums=[-1]),
        lambda: fit(epochs=0),
        lambda: fit(epochs=np.int64(1), callbacks=(), patience=np.int32(1)),
        lambda: data.split(X, X, np.float32(0.5), seed=np.int64(1)),
        lambda: data.batches(X, size=np.int64(2), generator=np.random.default_rng(0)),
    ],
)  # fmt: skip
def test_what_makes_sense_is_taken(call: Any) -> None:
    call()


def test_a_number_that_is_not_known_yet_is_taken() -> None:
    compiled = tg.compile(lambda y, d: tg.huber(y, 3 * y, delta=d))
    assert compiled(X, 0.5) == tg.huber(X, 3 * X, delta=0.5)
    step = tg.compile(lambda x, lr: optim.sgd(lr=lr).options["lr"] * x)
    assert step(2.0, 0.5) == 1.0


def test_a_variable_is_a_number() -> None:
    assert tg.grad(lambda d: tg.huber(3 * X, X, delta=d))(0.5) == pytest.approx(1.5)
    with pytest.raises(tg.OptionError, match="delta is tensor"):
        tg.grad(lambda d: tg.huber(3 * X, X, delta=d))(-0.5)


def test_a_program_refuses_what_the_function_refuses() -> None:
    with pytest.raises(tg.OptionError, match="gamma is -1"):
        tg.compile(lambda x: tg.focal(x, T, gamma=-1))(X)


def test_a_check_costs_little() -> None:
    calls = 20_000
    found = min(timeit(lambda: number("p", 0.5, "a number above 0"), number=calls)
                for _ in range(5)) / calls  # fmt: skip
    assert found < 2e-6  # 0.2 us on a quiet machine


@pytest.mark.parametrize("value", [True, NAN, "1", None, 1j, [1.0], X, object()])
def test_no_numbers(value: Any) -> None:
    with pytest.raises(tg.OptionError, match=r"^p is .*\. it is a number\. pass for example p=1"):
        number("p", value)


def test_numbers_may_be_an_array() -> None:
    assert numbers("p", X, "a number above 0") is X
    with pytest.raises(tg.OptionError, match="or an array of such"):
        numbers("p", [[1], [1, 2]])


def test_a_count_is_an_int() -> None:
    assert type(count("n", np.uint8(3))) is int
    with pytest.raises(tg.OptionError, match=r"n is 4\. it is an integer from 1 to 3"):
        count("n", 4, 1, 3)


def test_long_values_are_cut() -> None:
    with pytest.raises(tg.OptionError) as caught:
        one_of("mode", "x" * 500, ("min", "max"))
    assert len(str(caught.value)) < 200


def test_a_text_is_no_list() -> None:
    with pytest.raises(tg.OptionError, match="it is a list"):
        several("callbacks", "print", lambda name, value: value)


def test_an_error_can_be_pickled() -> None:
    with pytest.raises(tg.OptionError) as caught:
        instance("f", 3, types.FunctionType, "it is a function", "pass one")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
