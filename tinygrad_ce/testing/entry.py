"""What Hypothesis imports when it is imported itself: from then on `from_type(Tensor)` draws.

It draws leaves with gradient, of `arrays()`. The entry point "hypothesis" of the installed package
names this module rather than a function in it, and strategies are looked up only when drawn from:
either may be half imported when Hypothesis comes here.
"""

from hypothesis import strategies as st

from tinygrad_ce.tensor import Tensor, tensor
from tinygrad_ce.testing import strategies

st.register_type_strategy(
    Tensor, lambda _: st.builds(tensor, strategies.arrays(), requires_grad=st.just(True))
)
