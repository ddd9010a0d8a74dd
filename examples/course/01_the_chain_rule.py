"""Lesson 1. The chain rule, one step at a time. Why are steps taken in topological order?

python examples/course/01_the_chain_rule.py
"""

# %% [markdown]
# A network is a long formula made of short steps. Each step knows its own derivative. The chain
# rule multiplies them along every way from the loss E back to a weight, and adds up the ways. That
# is all of backpropagation. dE/dx, how fast E moves with x, is called the gradient of x.
#
# **Predict** before you run on: x is 2, u is 4, v is next to nothing. How fast does E move with x?

# %%
import numpy as np

import tinygrad_ce as tg

x = tg.tensor(2.0, requires_grad=True)
u = x**2
v = np.exp(-u)
E = u + 3 * v

# %% [markdown]
# The run in words: forward the values, then backward the gradients, each with its numbers. Steps
# that have no name in the program are called v2 and v4.

# %%
tg.explain(E)

# %% [markdown]
# The same walk as a page with buttons: `page.save("backprop.html")`, and open it in a browser.

# %%
page = tg.player(E)
print(f"\na page of {page.steps} steps, {len(page.html) / 1000:.0f} kB")

# %% [markdown]
# The chain rule of this very run. Two ways lead from x to E: u goes into E directly, and through
# v. Nearly 4, then, as of x**2 alone: and the experiment, to move x a little, agrees.

# %%
print()
print(tg.chain_rule(E, wrt=x))

E.backward()
by_hand = 2 * x.item() * (1 - 3 * np.exp(-(x.item() ** 2)))
assert np.isclose(x.grad, by_hand)


def run(x):
    return x**2 + 3 * np.exp(-(x**2))


moved = (run(2.0 + 1e-6) - run(2.0)) / 1e-6
print(f"\nx moved by 1e-6 moves E by {moved:.6f} times as much; the gradient is {x.grad:.6f}")
assert np.isclose(moved, x.grad, rtol=1e-5)

# %% [markdown]
# **Why topological order?** u passes its gradient on to x. It may only do so when all of it has
# arrived: 1 from E directly, and what comes through v. Hand it on too early, and the later part
# is lost. So a node waits until everything that used it is done: a topological order.
#
# The wrong way, tried out: u sends what it has as soon as it has something.

# %%
from_loss, from_v = 1.0, 3 * v.item() * -1  # dE/du directly; dE/dv dv/du
too_early = from_loss * 2 * x.item()
whole = (from_loss + from_v) * 2 * x.item()
print(f"\nsent too early: {too_early:.6f}   sent when complete: {whole:.6f}   right: {by_hand:.6f}")
assert np.isclose(whole, by_hand)
assert not np.isclose(too_early, by_hand)

# %% [markdown]
# The engine needs no sorting of a graph for it: operands are always made before results, so going
# back from the newest to the oldest is such an order. Lesson 11 builds that loop.

# %% [markdown]
# **Try.** Take `E = u * v`, and predict which step of the walk changes. Then let x be 0: why is the
# gradient 0 there, whichever way you go? (The `assert` lines hold this lesson's own numbers: where
# you change the program, change them or take them out.)
#
# **Write it yourself:** `python -m tinygrad_ce.course start mul`, then `div` and `exp`.
