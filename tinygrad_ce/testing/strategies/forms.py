"""The lines that random programs are made of: expressions of NumPy and of our own functions.

a, b are operands of size at most 2; p, q are the same made positive; s is a sign for each entry of
a; t are numbers 3 apart; k is an axis; m are keyword arguments of a reduction, n those of a method.
ANALYTIC are the forms that complex numbers may be put into, FORMS are all of them.
"""

__all__ = ["ANALYTIC", "FORMS", "POSITIVE"]

POSITIVE = "(1.5 + np.tanh({}))"
ELEMENTWISE = [
    "np.sin({a})", "np.cos({a})", "np.tan(0.5 * {a})", "np.arcsin(0.5 * np.sin({a}))",
    "np.arccos(0.5 * np.sin({a}))", "np.arctan(0.4 * {a})", "np.sinh({a})", "np.cosh({a})",
    "np.tanh({a})", "np.arcsinh(0.4 * {a})", "np.arccosh(1 + {p})",
    "np.arctanh(0.5 * np.sin({a}))", "np.exp({a})", "np.exp2({a})", "np.expm1({a})",
    "np.log({p})", "np.log2({p})", "np.log10({p})", "np.log1p({p})", "np.log(1 + 0.2 * {a} * {a})",
    "np.sqrt({p})", "np.reciprocal({p})", "np.square({a})", "-{a}", "+{a}", "{a} ** 3", "{a} ** 2",
    "{p} ** -1.5", "2.0 ** {a}", "1 / {p}", "3 - {a}", "np.copy({a})", "0.5 * {a} + 1",
    "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / {q}", "{p} ** {b}", "np.power({p}, {b})",
    "np.float_power({p}, {b})", "np.multiply({a}, {a})", "tg.xlogy({a}, {q})",
    "np.where({s} > 0, {a}, {b})", "np.maximum(np.tanh({a}) + 2 * {s}, 0.1 * {b})",
    "np.minimum(np.tanh({a}) + 2 * {s}, 0.1 * {b})",
    "np.fmax(0.1 * {b}, np.tanh({a}) + 2 * {s})",
]  # fmt: skip
ELEMENTWISE_REAL = [
    "np.abs(np.tanh({a}) + 2 * {s})", "np.fabs(np.tanh({a}) + 2 * {s})", "np.cbrt({p})",
    "np.deg2rad(30 * {a})", "np.rad2deg(0.03 * {a})", "np.copysign({p}, {s})",
    "np.clip(np.tanh({a}) + 2 * {s}, -2, 2.1)", "np.clip(np.tanh({a}) + 3 * {s}, -1, None)",
    "np.hypot({p}, {b})", "np.arctan2({a}, {q})", "np.logaddexp({a}, {b})",
    "np.logaddexp2({a}, {b})", "np.remainder(0.2 * np.tanh({a}) + 2.5, 1)",
    "np.fmod(2 * {s} + 0.5, 0.95 + 0.05 * np.tanh({b}))", "np.sign({s} + 0.5 * np.tanh({a})) * {b}",
    "tg.relu(np.tanh({a}) + 2 * {s})", "tg.leaky_relu(np.tanh({a}) + 2 * {s})", "tg.sigmoid({a})",
    "tg.softplus({a})", "tg.log_sigmoid({a})", "tg.silu({a})", "tg.gelu({a})",
    "tg.elu(np.tanh({a}) + 2 * {s})", "tg.erf({a})", "tg.erfc({a})",
]  # fmt: skip
REDUCTIONS = ["np.sum({a}{m})", "np.prod(1 + 0.3 * np.sin({a}){m})", "{a}.sum({n})"]
REDUCTIONS_FULL = [
    "np.mean({a}{m})", "np.max(np.tanh({a}) + {t}{m})", "np.min(np.tanh({a}) + {t}{m})",
]  # fmt: skip
REDUCTIONS_REAL = [
    "np.var({a}{m})", "np.std(np.tanh({a}) + {t}{m})", "tg.logsumexp({a}{m})",
    "np.linalg.norm(1 + {p})", "np.linalg.norm(np.tanh({a}) + {t} + 2, axis={k})",
]  # fmt: skip
ALONG = [
    "np.cumsum({a}, axis={k})", "np.cumprod(1 + 0.3 * np.sin({a}), axis={k})",
    "np.flip({a}, {k})", "np.roll({a}, 1, axis={k})", "np.repeat({a}, 2, axis={k})",
    "np.expand_dims({a}, {k})", "np.moveaxis({a}, {k}, 0)", "np.swapaxes({a}, {k}, -1)",
    "np.concatenate([{a}, np.sin({a})], axis={k})", "np.stack([{a}, {a} * {a}], axis={k})",
    "np.diff({a}, axis={k})", "np.sum({a}, axis={k}) + {a}.mean()", "np.argsort({t}, {k}) * {a}",
]  # fmt: skip
ALONG_FULL = [
    "tg.softmax({a}, {k})", "tg.log_softmax({a}, {k})", "np.sort(np.tanh({a}) + {t}, axis={k})",
    "np.take({a}, [0, -1, 0], axis={k})",
    "np.take_along_axis({a}, np.argsort({t}, axis={k}), {k})",
]  # fmt: skip
ANYWHERE = [
    "np.ravel({a})", "{a}.reshape(-1)", "np.transpose({a})", "{a}.T", "{a}[None]", "{a}[..., None]",
    "{a}[...]", "np.reshape({a}, {a}.shape[::-1])", "np.tile({a}, 2)", "np.pad({a}, 1)",
    "np.squeeze({a})", "np.broadcast_to({a}, (2, *{a}.shape))", "np.outer({a}, {b})",
    "{a}[{s} > 0]", "{a}.flatten()",
]  # fmt: skip
INDEXED = ["{a}[0]", "{a}[-1]", "{a}[[0, -1, 0]]", "{a}[..., 0]", "{a}[..., [0, 0]]"]
MATRIX = [
    "{a} @ {a}.T", "np.einsum('ij,kj->ik', {a}, np.cos({a}))", "np.einsum('ij->j', {a})",
    "np.dot({a}.T, {a})", "np.tensordot({a}, {a}, ((0,), (0,)))", "np.trace({a} @ {a}.T)",
    "np.inner({a}, {a})", "np.diagonal({a})", "np.einsum('ij,ij->i', {a}, {a})",
    "np.matmul({a}, np.sin({a}[0]))", "{a}[:, ::-1]", "{a}[1:, :-1]",
]  # fmt: skip

ANALYTIC = [*ELEMENTWISE, *REDUCTIONS, *REDUCTIONS_FULL, *ALONG, *ALONG_FULL, *INDEXED, *ANYWHERE]
ANALYTIC += MATRIX
FORMS = [*ANALYTIC, *ELEMENTWISE_REAL, *REDUCTIONS_REAL]
