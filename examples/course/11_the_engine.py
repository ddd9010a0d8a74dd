"""Lesson 11. The core of the engine, built in about 100 lines, and checked against the real one.

python examples/course/11_the_engine.py
"""

# %% [markdown]
# An engine is three things: a table of gradient rules, a record of what was computed, and one loop
# that goes back through the record. First the table: for each function, a rule for each operand.
# g is the gradient that arrives, y the result; then the operands. It is pure calculus, and all
# that you need to know of the functions. **Predict** how many lines the rest takes.

# %%
import operator

import numpy as np

import tinygrad_ce as tg

RULES = {
    np.add: (lambda g, y, a, b: g, lambda g, y, a, b: g),
    np.subtract: (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    np.multiply: (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    np.divide: (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b),
    np.matmul: (lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g),
    np.exp: (lambda g, y, x: g * y,),
    np.log: (lambda g, y, x: g / x,),
    np.tanh: (lambda g, y, x: g * (1 - y * y),),
    np.negative: (lambda g, y, x: -g,),
    np.sum: (lambda g, y, x: np.broadcast_to(g, x.shape),),
}

# %% [markdown]
# The record. A Value remembers the function and the operands that it came from, and when it was
# made. NumPy asks an operand that is no array how to go on: `__array_ufunc__` for elementwise
# functions and matmul, `__array_function__` for others like np.sum. So NumPy is the language.


# %%
class Value:
    made = 0

    def __init__(self, data, function=None, operands=()):
        self.data = np.asarray(data, float)
        self.function, self.operands = function, operands
        self.grad = None
        Value.made += 1
        self.number = Value.made

    def __array_ufunc__(self, ufunc, method, *operands):
        return record(ufunc, *operands)

    def __array_function__(self, function, types, args, kwargs):
        return record(function, *args)

    def __neg__(self):
        return record(np.negative, self)


def record(function, *operands):
    operands = tuple(x if isinstance(x, Value) else Value(x) for x in operands)
    return Value(function(*(x.data for x in operands)), function, operands)


def operators(name, function):
    setattr(Value, f"__{name}__", lambda a, b: record(function, a, b))
    setattr(Value, f"__r{name}__", lambda a, b: record(function, b, a))


for name, function in (
    ("add", np.add), ("sub", np.subtract), ("mul", np.multiply),
    ("truediv", np.divide), ("matmul", np.matmul),
):  # fmt: skip
    operators(name, function)

# %% [markdown]
# The loop. Operands are older than results, so from the newest to the oldest is a topological
# order (lesson 1). Gradients add up (lesson 2). What was broadcast is summed (lesson 3).


# %%
def history(root):
    """All values that root depends on, newest first; a list that grows, so no recursion."""
    found, seen = [root], {root}
    for value in found:
        new = [x for x in value.operands if x not in seen]
        found += dict.fromkeys(new)
        seen.update(new)
    return sorted(found, key=operator.attrgetter("number"), reverse=True)


def fitted(g, shape):
    """g summed over the axes along which an operand of this shape was broadcast."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    wide = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return g.sum(axis=wide, keepdims=True) if wide else g


def backward(root):
    root.grad = np.ones(root.data.shape)
    for y in history(root):
        data = [x.data for x in y.operands]
        for x, rule in zip(y.operands, RULES.get(y.function, ())):
            g = fitted(rule(y.grad, y.data, *data), x.data.shape)
            x.grad = g if x.grad is None else x.grad + g


# %% [markdown]
# That is all. A network with softmax and cross-entropy, in NumPy, runs on both engines unchanged:


# %%
def loss(w1, b1, w2, x, t):
    h = np.tanh(x @ w1 + b1)
    e = np.exp(h @ w2)
    y = e / (e @ np.ones((3, 3)))  # each row by its sum
    return -np.sum(t * np.log(y)) / len(t)


rng = np.random.default_rng(0)
weights = [rng.normal(size=shape) for shape in ((4, 5), (5,), (5, 3))]
x, t = rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)]

ours = [Value(w) for w in weights]
E = loss(*ours, x, t)
backward(E)

value, theirs = tg.value_and_grad(loss, argnums=(0, 1, 2))(*weights, x, t)
print(f"loss: ours {E.data:.15f}, the library's {value:.15f}")
assert np.isclose(E.data, value, rtol=1e-14)
for name, w, g in zip(("w1", "b1", "w2"), ours, theirs):
    print(f"{name}: largest difference of the gradients {np.max(np.abs(w.grad - g)):.0e}")
    assert w.grad.shape == g.shape
    assert np.allclose(w.grad, g, rtol=1e-12, atol=1e-14)

# %% [markdown]
# Every rule of the small table against the engine's, on functions that broadcast and share:

# %%
cases = {
    "a + b": (3, 1), "a - b": (1, 4), "a * b": (4,), "a / b": (), "a * a + np.exp(a) * b": (3, 4),
    "np.log(a) * np.tanh(b) - a": (1, 1),
}  # fmt: skip
for text, shape in cases.items():
    f = eval(f"lambda a, b: np.sum({text})", {"np": np})
    a, b = rng.uniform(0.5, 2, (3, 4)), rng.uniform(0.5, 2, shape)
    values = Value(a), Value(b)
    backward(f(*values))
    for mine, real in zip(values, tg.grad(f, argnums=(0, 1))(a, b)):
        assert np.allclose(mine.grad, real, rtol=1e-13), text
print(f"{len(cases)} more functions: the same")

# %% [markdown]
# What the library adds: rules for nearly all of NumPy, exact limits (0 log 0), gradients of any
# order, since its rules are recorded themselves, and programs, pictures and checks made out of the
# same record. Read `tinygrad_ce/graph.py` next: `pull_back` is the loop above.

# %% [markdown]
# **Try.** Add np.sin, np.maximum and np.square to RULES, and a case for each. Then gradients of
# gradients: what must `data` be, and which line of `backward` must change?
#
# **Write it yourself:** the heaviest rules of the real engine, `python -m tinygrad_ce.course start
# conv2d`, and `conv2d_x`.
