"""The losses and updates that are timed, written once for every engine.

A loss takes the engine's `m` (its NumPy, with `softmax`, `cross_entropy`, `relu`, `layer_norm`,
`conv`, `pool` and `array` beside), a dict of parameters, and a batch.
"""

from typing import Any

import numpy as np

__all__ = [
    "MASK",
    "adam",
    "chain",
    "digits",
    "elementwise",
    "gpt_block",
    "lenet",
    "mlp",
    "moons",
    "recurrent",
    "sgd",
    "softmax_loss",
]

HEADS = 4
MASK = np.triu(np.full((16, 16), -1e9, np.float32), 1)  # no token sees a later one


def chain(m: Any, p: Any) -> Any:
    """100 elementwise operations, and a sum."""
    v = p["x"]
    for _ in range(20):
        v = m.tanh(v * 1.01 + 0.5) * v - 0.1
    return v.sum()


def moons(m: Any, p: Any, x: Any, t: Any) -> Any:
    """Two hidden layers of tanh, the mean squared error."""
    h = m.tanh(x @ p["w1"] + p["b1"])
    h = m.tanh(h @ p["w2"] + p["b2"])
    e = h @ p["w3"] + p["b3"] - t
    return (e * e).mean()


def digits(m: Any, p: Any, x: Any, t: Any) -> Any:
    """Softmax regression on class labels."""
    return m.cross_entropy(x @ p["w"] + p["b"], t)


def mlp(m: Any, p: Any, x: Any, t: Any) -> Any:
    """Two hidden layers of relu, softmax and cross-entropy."""
    h = m.relu(x @ p["w1"] + p["b1"])
    h = m.relu(h @ p["w2"] + p["b2"])
    return m.cross_entropy(h @ p["w3"] + p["b3"], t)


def lenet(m: Any, p: Any, x: Any, t: Any) -> Any:
    """Two convolutions with relu and pooling, three dense layers (LeCun et al. 1998)."""
    h = m.pool(m.relu(m.conv(x, p["k1"], p["c1"], 2)))
    h = m.pool(m.relu(m.conv(h, p["k2"], p["c2"], 0)))
    h = m.relu(h.reshape(len(x), -1) @ p["w1"] + p["b1"])
    h = m.relu(h @ p["w2"] + p["b2"])
    return m.cross_entropy(h @ p["w3"] + p["b3"], t)


def softmax_loss(m: Any, p: Any, t: Any) -> Any:
    """Softmax and cross-entropy alone."""
    return m.cross_entropy(p["z"], t)


def elementwise(m: Any, p: Any) -> Any:
    """12 elementwise operations, and a sum."""
    x = p["x"]
    a = x * 0.7 + 0.2
    b = a / m.sqrt(a * a + 1.0)
    c = b * x - 0.5
    return (m.tanh(c * c + b) * x).sum()


def recurrent(m: Any, p: Any, x: Any, h: Any, t: Any) -> Any:
    """A recurrent network over the first axis of x, judged by its last state."""
    for i in range(len(x)):
        h = m.tanh(x[i] @ p["wx"] + h @ p["wh"] + p["b"])
    e = h @ p["wo"] + p["bo"] - t
    return (e * e).mean()


def gpt_block(m: Any, p: Any, x: Any, t: Any) -> Any:
    """Causal attention and two layers, each after a layer norm and beside a residual."""

    def heads(u: Any) -> Any:
        return u.reshape(*u.shape[:2], HEADS, -1).swapaxes(1, 2)

    u = m.layer_norm(x, p["g1"], p["c1"])
    q, k, v = heads(u @ p["wq"]), heads(u @ p["wk"]), heads(u @ p["wv"])
    a = m.softmax(q @ k.swapaxes(2, 3) * q.shape[-1] ** -0.5 + m.array(MASK))
    x = x + (a @ v).swapaxes(1, 2).reshape(*x.shape) @ p["wo"]
    u = m.layer_norm(x, p["g2"], p["c2"])
    x = x + m.relu(u @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    e = x - t
    return (e * e).mean()


def sgd(m: Any, p: Any, g: Any, state: Any, rate: float = 0.01) -> Any:
    """The parameters after a step of gradient descent, and the state."""
    return {k: p[k] - rate * g[k] for k in p}, state


def adam(m: Any, p: Any, g: Any, state: Any, rate: float = 1e-3) -> Any:
    """The parameters and the state after a step of Adam (Kingma and Ba 2015)."""
    n = state["n"] + 1
    first = {k: 0.9 * state["first"][k] + 0.1 * g[k] for k in p}
    second = {k: 0.999 * state["second"][k] + 0.001 * (g[k] * g[k]) for k in p}
    a, b = 1 - 0.9**n, 1 - 0.999**n
    p = {k: p[k] - rate * (first[k] / a) / (m.sqrt(second[k] / b) + 1e-8) for k in p}
    return p, {"first": first, "second": second, "n": n}
