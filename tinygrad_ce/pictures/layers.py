"""Where boxes and lines go: a layered layout from top to bottom.

The four classical steps (Sugiyama, Tagawa and Toda 1981): layers by the longest path, points
where an edge crosses a layer, an order in each layer with few crossings by barycentres, and
places as near to the neighbours as the order lets them be (least squares, by pooling adjacent
violators).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise

from tinygrad_ce.record import Record

__all__ = ["Layout", "Point", "crossings", "lay_out"]

Point = tuple[float, float]

_SWEEPS, _SETTLING, _WORK = 12, 80, 60_000
_GAP, _BETWEEN, _THIN = 22.0, 44.0, 14.0  # between boxes, between layers, width of a line's place
_STRAIGHT = 6.0  # how much more a bend in a line weighs than a line that leans
_LOOSE = 0.1  # how little what nothing leads to weighs: the way from step to step is to be straight


class Layout(Record):
    """A finished layout.

    Attributes:
        places: the middle of each box.
        lines: for each edge the points from the lower side of its source to its target's upper.
        width: of everything.
        height: of everything.
        layers: which layer each box is in.
    """

    places: list[Point]
    lines: list[list[Point]]
    width: float
    height: float
    layers: list[int]


def lay_out(sizes: Sequence[Point], edges: Sequence[tuple[int, int]]) -> Layout:
    """Places for boxes of these widths and heights, joined by edges from earlier to later ones.

    >>> found = lay_out([(40.0, 20.0)] * 3, [(0, 1), (0, 2)])
    >>> found.layers, [y for _, y in found.places]
    ([0, 1, 1], [10.0, 74.0, 74.0])
    """
    n = len(sizes)
    layers = _layers(n, edges)
    chains, level = _chains(layers, edges)
    widths = [w for w, _ in sizes] + [_THIN] * (len(level) - n)
    above: list[list[int]] = [[] for _ in level]
    below: list[list[int]] = [[] for _ in level]
    for chain in chains:
        for a, b in pairwise(chain):
            above[b].append(a)
            below[a].append(b)
    rows: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
    for i in _depth_first(above, below):
        rows[level[i]].append(i)
    rows = _ordered(rows, above, below)
    x = _settled(rows, widths, above, below, n)
    tall = [max((sizes[i][1] for i in row if i < n), default=0.0) for row in rows]
    tops = [sum(tall[:k]) + k * _BETWEEN for k in range(len(rows))]
    left = min((x[i] - widths[i] / 2 for i in range(n)), default=0.0)
    x = [at - left for at in x]
    middle = [tops[level[i]] + tall[level[i]] / 2 for i in range(len(level))]
    width = max((x[i] + widths[i] / 2 for i in range(len(level))), default=0.0)
    low = min((x[i] - widths[i] / 2 for i in range(len(level))), default=0.0)
    if low < 0:  # a line that goes around everything on the left
        x, width = [at - low for at in x], width - low
    lines = []
    for chain in chains:
        a, b = chain[0], chain[-1]
        line = [(x[a], middle[a] + sizes[a][1] / 2)]
        for i in chain[1:-1]:
            line += [(x[i], tops[level[i]]), (x[i], tops[level[i]] + tall[level[i]])]
        lines.append([*line, (x[b], middle[b] - sizes[b][1] / 2)])
    places = [(x[i], middle[i]) for i in range(n)]
    return Layout(places, lines, width, tops[-1] + tall[-1] if rows else 0.0, layers)


def _layers(n: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """The longest way to each box; what hangs on nothing but leaves moves down to its first use."""
    found = [0] * n
    users: list[list[int]] = [[] for _ in range(n)]
    sources: list[list[int]] = [[] for _ in range(n)]
    for a, b in sorted(edges, key=lambda e: e[1]):
        if a >= b:
            raise ValueError(f"an edge leads back from {a} to {b}")
        found[b] = max(found[b], found[a] + 1)
        users[a].append(b)
        sources[b].append(a)
    for i in range(n - 1, -1, -1):
        if users[i] and not any(sources[a] for a in sources[i]):
            found[i] = min(found[b] for b in users[i]) - 1
    return found


def _chains(
    layers: list[int], edges: Sequence[tuple[int, int]]
) -> tuple[list[list[int]], list[int]]:
    """Each edge as the places it passes, one a layer; and the layer of every place."""
    level = list(layers)
    chains = []
    for a, b in edges:
        between = range(layers[a] + 1, layers[b])
        chains.append([a, *range(len(level), len(level) + len(between)), b])
        level += between
    return chains, level


def _depth_first(above: list[list[int]], below: list[list[int]]) -> list[int]:
    """All places, those that hang together near one another: an order to begin with."""
    seen = [False] * len(above)
    found = []
    for start in sorted(range(len(above)), key=lambda i: (bool(below[i]), i)):
        stack = [start]
        while stack:
            i = stack.pop()
            if not seen[i]:
                seen[i] = True
                found.append(i)
                stack += reversed(above[i])
    return found


def crossings(upper: Sequence[int], lower: Sequence[int], below: list[list[int]]) -> int:
    """How many pairs of edges between two rows cross.

    >>> crossings([0, 1], [2, 3], [[3], [2], [], []])
    1
    """
    at = {i: k for k, i in enumerate(lower)}
    passed: list[int] = []
    total = 0
    for i in upper:
        ends = sorted(at[j] for j in below[i])
        for end in ends:
            total += len(passed) - bisect_left(passed, end + 1)
        for end in ends:
            insort(passed, end)
    return total


def _ordered(
    rows: list[list[int]], above: list[list[int]], below: list[list[int]]
) -> list[list[int]]:
    """Each row in the order of its neighbours' middles, down and up in turn; the best is kept."""

    def total() -> int:
        return sum(crossings(a, b, below) for a, b in pairwise(rows))

    best, fewest = [list(row) for row in rows], total()
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        near = above if down else below
        for k in range(1, len(rows)) if down else range(len(rows) - 2, -1, -1):
            at = {i: p for p, i in enumerate(rows[k - 1 if down else k + 1])}
            here = {i: p for p, i in enumerate(rows[k])}
            key = {
                i: sum(at[j] for j in near[i]) / len(near[i]) if near[i] else float(here[i])
                for i in rows[k]
            }
            rows[k].sort(key=key.__getitem__)
        now = total()
        if now < fewest:
            best, fewest = [list(row) for row in rows], now
        if not fewest:
            break
    return best


def _settled(
    rows: list[list[int]],
    widths: list[float],
    above: list[list[int]],
    below: list[list[int]],
    boxes: int,
) -> list[float]:
    """A place for each, near the middle of its neighbours, as far as order and widths let it."""
    x = [0.0] * len(widths)
    offsets = []
    for row in rows:
        steps, at = [], 0.0
        for k, i in enumerate(row):
            at += widths[i] / 2 + (_GAP + widths[row[k - 1]] / 2 if k else 0.0)
            steps.append(at)
        middle = (steps[0] + steps[-1]) / 2 if steps else 0.0
        offsets.append([at - middle for at in steps])
        for i, at in zip(row, offsets[-1]):
            x[i] = at
    for sweep in range(max(8, min(_SETTLING, _WORK // (len(x) + 1)))):
        turns = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for k in turns:
            wanted, weights = [], []
            for i in rows[k]:
                near = above[i] + below[i]
                pull = [
                    _STRAIGHT if i >= boxes and j >= boxes else _LOOSE if not above[j] else 1.0
                    for j in near
                ]
                total = sum(pull)
                wanted.append(sum(p * x[j] for p, j in zip(pull, near)) / total if near else x[i])
                weights.append(total if near and above[i] else _LOOSE)
            free = [want - at for want, at in zip(wanted, offsets[k])]
            for i, z, at in zip(rows[k], _increasing(free, weights), offsets[k]):
                x[i] = z + at
    return x


def _increasing(wanted: list[float], weights: list[float]) -> list[float]:
    """The increasing numbers nearest to those wanted, by least squares."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight in zip(wanted, weights):
        pool = (want, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, many = pools.pop()
            total = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / total, total, many + pool[2])
        pools.append(pool)
    return [mean for mean, _, many in pools for _ in range(many)]
