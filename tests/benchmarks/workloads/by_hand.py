"""The same losses with gradients and updates, derived by hand and written in plain NumPy.

What a user writes who knows the formulas and NumPy's in-place operators: no buffers are kept.
"""

from typing import Any

import numpy as np

from .models import HEADS, MASK

__all__ = [
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


def chain(p: Any) -> Any:
    """v' = tanh(1.01 v + 0.5) v - 0.1, so g = g' (h + v (1 - h^2) 1.01)."""
    v, tape = p["x"], []
    for _ in range(20):
        h = np.tanh(v * 1.01 + 0.5)
        tape.append((v, h))
        v = h * v - 0.1
    g = np.ones_like(v)
    for u, h in reversed(tape):
        g = g * h + g * u * (1 - h * h) * 1.01
    return v.sum(), {"x": g}


def moons(p: Any, x: Any, t: Any) -> Any:
    """Of the mean of e^2 by e: 2 e / n; of tanh by its argument: 1 - h^2."""
    h1 = np.tanh(x @ p["w1"] + p["b1"])
    h2 = np.tanh(h1 @ p["w2"] + p["b2"])
    e = h2 @ p["w3"] + p["b3"] - t
    g3 = e * (2 / e.size)
    g2 = (g3 @ p["w3"].T) * (1 - h2 * h2)
    g1 = (g2 @ p["w2"].T) * (1 - h1 * h1)
    return (e * e).mean(), {
        "w1": x.T @ g1, "b1": g1.sum(0), "w2": h1.T @ g2, "b2": g2.sum(0),
        "w3": h2.T @ g3, "b3": g3.sum(0),
    }  # fmt: skip


def _cross_entropy(z: Any, t: Any) -> Any:
    """The mean of -log softmax(z)_t, and its gradient (y - t) / n."""
    rows = np.arange(len(z))
    z = z - z.max(1, keepdims=True)
    e = np.exp(z)
    total = e.sum(1, keepdims=True)
    loss = (np.log(total[:, 0]) - z[rows, t]).mean()
    g = e / total
    g[rows, t] -= 1
    g /= len(z)
    return loss, g


def digits(p: Any, x: Any, t: Any) -> Any:
    """Of a product x w by w: x^T g."""
    loss, g = _cross_entropy(x @ p["w"] + p["b"], t)
    return loss, {"w": x.T @ g, "b": g.sum(0)}


def mlp(p: Any, x: Any, t: Any) -> Any:
    """The three dense layers alone."""
    loss, g, _ = _dense(p, x, t)
    return loss, g


def _dense(p: Any, x: Any, t: Any) -> Any:
    """Of relu by its argument: where it is positive. Also the gradient by the first layer."""
    h1 = np.maximum(x @ p["w1"] + p["b1"], 0)
    h2 = np.maximum(h1 @ p["w2"] + p["b2"], 0)
    loss, g3 = _cross_entropy(h2 @ p["w3"] + p["b3"], t)
    g2 = (g3 @ p["w3"].T) * (h2 > 0)
    g1 = (g2 @ p["w2"].T) * (h1 > 0)
    return loss, {
        "w1": x.T @ g1, "b1": g1.sum(0), "w2": h1.T @ g2, "b2": g2.sum(0),
        "w3": h2.T @ g3, "b3": g3.sum(0),
    }, g1  # fmt: skip


def _windows(x: Any, k: int) -> Any:
    """The k x k windows of images (n, c, h, w), one a row: (n * rows * columns, c * k * k)."""
    view = np.lib.stride_tricks.sliding_window_view(x, (k, k), (2, 3))
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * k * k)


def _conv(x: Any, w: Any, b: Any) -> tuple[Any, Any]:
    """The windows times the kernels, and the windows."""
    n, _, height, width = x.shape
    o, _, k, _ = w.shape
    rows = _windows(x, k)
    y = rows @ w.reshape(o, -1).T + b
    return y.reshape(n, height - k + 1, width - k + 1, o).transpose(0, 3, 1, 2), rows


def _conv_back(g: Any, x: Any, w: Any, rows: Any) -> tuple[Any, Any, Any]:
    """By x, w and b: each window's gradient is added where the window was."""
    n, o, height, width = g.shape
    k = w.shape[2]
    flat = g.transpose(0, 2, 3, 1).reshape(-1, o)
    part = (flat @ w.reshape(o, -1)).reshape(n, height, width, -1, k, k).transpose(0, 3, 4, 5, 1, 2)
    gx = np.zeros_like(x)
    for i in range(k):
        for j in range(k):
            gx[:, :, i : i + height, j : j + width] += part[:, :, i, j]
    return gx, (flat.T @ rows).reshape(w.shape), flat.sum(0)


def _pool(x: Any) -> Any:
    n, c, height, width = x.shape
    return x.reshape(n, c, height // 2, 2, width // 2, 2).max((3, 5))


def _pool_back(g: Any, x: Any, y: Any) -> Any:
    """To the largest of four; where all are 0, relu stops it anyway."""
    return g.repeat(2, 2).repeat(2, 3) * (x == y.repeat(2, 2).repeat(2, 3))


def lenet(p: Any, x: Any, t: Any) -> Any:
    """Convolutions as products with windows."""
    x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    z1, rows1 = _conv(x, p["k1"], p["c1"])
    a1 = np.maximum(z1, 0)
    h1 = _pool(a1)
    z2, rows2 = _conv(h1, p["k2"], p["c2"])
    a2 = np.maximum(z2, 0)
    h2 = _pool(a2)
    f = h2.reshape(len(x), -1)
    loss, g, g1 = _dense(p, f, t)
    gh = (g1 @ p["w1"].T).reshape(h2.shape)
    gh, g["k2"], g["c2"] = _conv_back(_pool_back(gh, a2, h2) * (z2 > 0), h1, p["k2"], rows2)
    _, g["k1"], g["c1"] = _conv_back(_pool_back(gh, a1, h1) * (z1 > 0), x, p["k1"], rows1)
    return loss, g


def softmax_loss(p: Any, t: Any) -> Any:
    """Softmax and cross-entropy alone."""
    loss, g = _cross_entropy(p["z"], t)
    return loss, {"z": g}


def elementwise(p: Any) -> Any:
    """b = a / r with r = sqrt(a^2 + 1) has the derivative 1 / r^3."""
    x = p["x"]
    a = x * 0.7 + 0.2
    r = np.sqrt(a * a + 1.0)
    b = a / r
    c = b * x - 0.5
    h = np.tanh(c * c + b)
    gf = x * (1 - h * h)
    gc = gf * (2 * c)
    gb = gf + gc * x
    return (h * x).sum(), {"x": h + gc * b + gb / (r * r * r) * 0.7}


def recurrent(p: Any, x: Any, h: Any, t: Any) -> Any:
    """Back through time: the gradients of the weights add up over the steps."""
    states = [h]
    for u in x:
        h = np.tanh(u @ p["wx"] + h @ p["wh"] + p["b"])
        states.append(h)
    e = h @ p["wo"] + p["bo"] - t
    go = e * (2 / e.size)
    g = {k: np.zeros_like(w) for k, w in p.items()}
    g["wo"], g["bo"] = h.T @ go, go.sum(0)
    gh = go @ p["wo"].T
    for i in reversed(range(len(x))):
        ga = gh * (1 - states[i + 1] * states[i + 1])
        g["wx"] += x[i].T @ ga
        g["wh"] += states[i].T @ ga
        g["b"] += ga.sum(0)
        gh = ga @ p["wh"].T
    return (e * e).mean(), g


def _norm(x: Any) -> Any:
    """x with mean 0 and variance 1 along the last axis, and by how much it was divided."""
    c = x - x.mean(-1, keepdims=True)
    s = np.sqrt((c * c).mean(-1, keepdims=True) + 1e-5)
    return c / s, s


def _norm_back(g: Any, n: Any, s: Any) -> Any:
    return (g - g.mean(-1, keepdims=True) - n * (g * n).mean(-1, keepdims=True)) / s


def gpt_block(p: Any, x: Any, t: Any) -> Any:
    """Attention: of a = softmax(s) by s, a (g - sum(g a)); of s = q k^T by q, g k."""
    b, length, d = x.shape
    scale = (d // HEADS) ** -0.5

    def split(u: Any) -> Any:
        return u.reshape(b, length, HEADS, -1).swapaxes(1, 2)

    def join(u: Any) -> Any:
        return u.swapaxes(1, 2).reshape(b, length, d)

    def flat(u: Any) -> Any:
        return u.reshape(-1, u.shape[-1])

    n1, _ = _norm(x)
    u1 = n1 * p["g1"] + p["c1"]
    q, k, v = split(u1 @ p["wq"]), split(u1 @ p["wk"]), split(u1 @ p["wv"])
    s = q @ k.swapaxes(2, 3) * scale + MASK
    a = np.exp(s - s.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)
    o = join(a @ v)
    x2 = x + o @ p["wo"]
    n2, s2 = _norm(x2)
    u2 = n2 * p["g2"] + p["c2"]
    h = np.maximum(u2 @ p["w1"] + p["b1"], 0)
    e = x2 + h @ p["w2"] + p["b2"] - t

    g: dict[str, Any] = {}
    ge = e * (2 / e.size)
    g["w2"], g["b2"] = flat(h).T @ flat(ge), ge.sum((0, 1))
    gh = (ge @ p["w2"].T) * (h > 0)
    g["w1"], g["b1"] = flat(u2).T @ flat(gh), gh.sum((0, 1))
    gu = gh @ p["w1"].T
    g["g2"], g["c2"] = (gu * n2).sum((0, 1)), gu.sum((0, 1))
    gx = ge + _norm_back(gu * p["g2"], n2, s2)
    g["wo"] = flat(o).T @ flat(gx)
    go = split(gx @ p["wo"].T)
    ga = go @ v.swapaxes(2, 3)
    gs = a * (ga - (ga * a).sum(-1, keepdims=True)) * scale
    gq, gk, gv = join(gs @ k), join(gs.swapaxes(2, 3) @ q), join(a.swapaxes(2, 3) @ go)
    for name, gy in (("wq", gq), ("wk", gk), ("wv", gv)):
        g[name] = flat(u1).T @ flat(gy)
    gu = gq @ p["wq"].T + gk @ p["wk"].T + gv @ p["wv"].T
    g["g1"], g["c1"] = (gu * n1).sum((0, 1)), gu.sum((0, 1))
    return (e * e).mean(), g


def sgd(p: Any, g: Any, state: Any, rate: float = 0.01) -> None:
    """One step of gradient descent, in place."""
    for k in p:
        p[k] -= rate * g[k]


def adam(p: Any, g: Any, state: Any, rate: float = 1e-3) -> None:
    """One step of Adam, in place."""
    state["n"] += 1
    a, b = 1 - 0.9 ** int(state["n"]), 1 - 0.999 ** int(state["n"])
    for k in p:
        first, second = state["first"][k], state["second"][k]
        first[:] = 0.9 * first + 0.1 * g[k]
        second[:] = 0.999 * second + 0.001 * (g[k] * g[k])
        p[k] -= rate * (first / a) / (np.sqrt(second / b) + 1e-8)
