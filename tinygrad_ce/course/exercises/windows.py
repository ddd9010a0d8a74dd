"""The convolution of neural networks, by its kernel and by its image."""

from __future__ import annotations

from tinygrad_ce.course.exercise import Exercise, Mistake, Only
from tinygrad_ce.course.inputs import windowed
from tinygrad_ce.course.naming import LOCAL
from tinygrad_ce.rules.windows import correlate

__all__ = ["LISTED"]

WINDOWS = """x (n, c, height, width), w (o, c, k, l), y and g (n, o, h, v). stride is (s, s),
    padding ((p, p), (p, p)), so many zeros around x; dilation is (1, 1) and groups is 1 here."""
TURNED = "right but for the kernel, which is turned round"
ONLY = (
    Only(
        lambda x, w, stride, padding, *rest: stride[0] == 1 and padding[0][0] == 0,
        "It is right for stride 1 without padding, and only there: the window of y[.., i, j] "
        "begins at s i, s j of the padded x.",
    ),
    Only(
        lambda x, w, stride, padding, *rest: padding[0][0] == 0,
        "It is right without padding, and only there: windows begin in the padded x, np.pad(x, "
        "((0, 0), (0, 0), *padding)).",
    ),
    Only(
        lambda x, w, stride, padding, *rest: padding[0][0] > 0,
        "It is right with padding, and only there: [p:-p] is empty where p is 0, and [p : p + n] "
        "is not.",
    ),
    Only(
        lambda x, w, stride, padding, *rest: stride[0] == 1,
        "It is right for stride 1, and only there: the window of y[.., i, j] begins at s i, s j.",
    ),
)
SIDE = "(s, _), (h, v) = stride, g.shape[2:]\n"
PADDED = "dx = np.pad(np.zeros(x.shape), ((0, 0), (0, 0), *padding))\n"
CUT = "p = padding[0][0]\nreturn dx[:, :, p : p + x.shape[2], p : p + x.shape[3]]"

LISTED = (
    Exercise(
        "conv2d", correlate, "x, w, stride, padding, dilation, groups=1",
        "y = the sum of w times each window of x", operand=1,
        given=lambda: windowed(),
        shapes=WINDOWS,
        only=ONLY,
        hints=(
            "Which entries of x does w[o, c, k, l] meet? The same ones for every window: a slice.",
            "dE/dw[o, c, k, l] = sum over n, i, j of g[n, o, i, j] x[n, c, s i + k, s j + l], "
            "with x padded by np.pad.",
            "A loop over k and l, in it np.einsum('noij,ncij->oc', g, slice of x), is enough; "
            "tinygrad_ce.rules.windows.correlate_weight has it without a loop.",
        ),
        mistakes=(
            Mistake(
                "windows.correlate_weight(x, g, w.shape[2:], stride, padding, dilation)"
                "[..., ::-1, ::-1]",
                "The kernel is not turned: this is a correlation.", TURNED,
            ),
            Mistake(
                "windows.correlate_weight(x, g, w.shape[2:], stride, padding, dilation) / len(x)",
                "The kernel serves every example: gradients add up, no mean is taken.",
                "the mean over the examples",
            ),
            Mistake(
                "windows.correlate_weight(x[:1], g[:1], w.shape[2:], stride, padding, dilation)",
                "The kernel serves every example: sum over all of them.",
                "the gradient of the first example alone",
            ),
            Mistake(
                f"{SIDE}x = np.pad(x, ((0, 0), (0, 0), *padding))\n"
                "dw, (a, b) = np.zeros(w.shape), w.shape[2:]\n"
                "for n, o, i, j in np.ndindex(g.shape):\n"
                "    dw[o] = g[n, o, i, j] * x[n, :, s * i : s * i + a, s * j : s * j + b]\n"
                "return dw",
                "The kernel meets every window: their gradients add up, so += for =.",
                "that of the last window alone",
            ),
            Mistake(
                "windows.correlate_weight(x, np.ones_like(g), w.shape[2:], stride, padding, "
                "dilation)", LOCAL, "right for g = 1",
            ),
        ),
        answer=f"{SIDE}x = np.pad(x, ((0, 0), (0, 0), *padding))\n"
        "dw = np.zeros(w.shape)\n"
        "for k, l in np.ndindex(w.shape[2:]):\n"
        "    met = x[:, :, k : k + s * h : s, l : l + s * v : s]\n"
        "    dw[:, :, k, l] = np.einsum('noij,ncij->oc', g, met)\n"
        "return dw",
    ),
    Exercise(
        "conv2d_x", correlate, "x, w, stride, padding, dilation, groups=1",
        "y = the sum of w times each window of x",
        given=lambda: windowed(),
        shapes=WINDOWS,
        only=ONLY,
        hints=(
            "y[n, o, i, j] read a window of x, times w[o]. So g[n, o, i, j] goes back to that "
            "window, times w[o].",
            "Windows overlap, and gradients add up: zeros of the padded shape, and +=.",
            "A loop over k and l: slice [s i + k, s j + l] += np.einsum('noij,oc->ncij', g, "
            "w[:, :, k, l]). At the end cut the padding off.",
        ),
        mistakes=(
            Mistake(
                f"{SIDE}{PADDED}"
                "for k, l in np.ndindex(w.shape[2:]):\n"
                "    dx[:, :, k : k + s * h : s, l : l + s * v : s] = np.einsum(\n"
                "        'noij,oc->ncij', g, w[:, :, k, l])\n"
                f"{CUT}",
                "Windows overlap: an entry that was read twice collects twice, so += for =.",
                "the last gradient that arrived at each entry",
            ),
            Mistake(
                f"{SIDE}{PADDED}a, b = w.shape[2:]\n"
                "for n, o, i, j in np.ndindex(g.shape):\n"
                "    dx[n, :, s * i : s * i + a, s * j : s * j + b] = g[n, o, i, j] * w[o]\n"
                f"{CUT}",
                "Windows overlap: an entry that was read twice collects twice, so += for =.",
                "the last gradient that arrived at each entry",
            ),
            Mistake(
                f"{SIDE}{PADDED}"
                "for k, l in np.ndindex(w.shape[2:]):\n"
                "    dx[:, :, k : k + s * h : s, l : l + s * v : s] += np.einsum(\n"
                "        'noij,oc->ncij', g, w[:, :, k, l])\n"
                "return dx",
                "The padding is no part of x: cut it off, dx[:, :, p:-p, p:-p] where p > 0.",
                "of the padded shape",
            ),
            Mistake(
                "windows.correlate_transposed(g, w[..., ::-1, ::-1], x.shape[2:], stride, "
                "padding, dilation)",
                "w[k, l] goes back to the entry it came from: s i + k, s j + l.", TURNED,
            ),
            Mistake(
                "windows.correlate_transposed(np.ones_like(g), w, x.shape[2:], stride, padding, "
                "dilation)", LOCAL, "right for g = 1",
            ),
            Mistake(
                "windows.correlate_transposed(g[:, :1], w[:1], x.shape[2:], stride, padding, "
                "dilation)",
                "Every output channel read x: sum over all of them.",
                "the gradient of the first output channel alone",
            ),
        ),
        answer=f"{SIDE}{PADDED}"
        "for k, l in np.ndindex(w.shape[2:]):\n"
        "    part = np.einsum('noij,oc->ncij', g, w[:, :, k, l])\n"
        "    dx[:, :, k : k + s * h : s, l : l + s * v : s] += part\n"
        f"{CUT}",
    ),
)  # fmt: skip
