"""What Hypothesis imports when it is imported itself: from then on `from_type(Tensor)` draws.

It draws leaves with gradient, of `arrays()`. The entry point "hypothesis" of the installed package
names this module rather than a function in it, and the strategy is made only when drawn from:
Hypothesis may be half imported when it comes here.
"""

from hypothesis import strategies as st

from tinygrad_ce.tensor import Tensor, tensor
from tinygrad_ce.testing.strategies import arrays

st.register_type_strategy(
    Tensor, lambda _: st.builds(tensor, arrays(), requires_grad=st.just(True))
)
