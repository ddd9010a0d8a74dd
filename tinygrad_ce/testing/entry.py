"""What Hypothesis calls when it is imported: from then on `from_type(Tensor)` draws Tensors.

The strategies are looked up only when one is drawn from: Hypothesis may be imported, and so this
module, while they are.
"""

from hypothesis import strategies as st

from tinygrad_ce.tensor import Tensor, tensor
from tinygrad_ce.testing import strategies

__all__ = ["register"]


def register() -> None:
    """Tell Hypothesis how a Tensor is made: a leaf with gradient, of `arrays()`.

    Installed, the package has it called through the entry point "hypothesis".

    >>> from hypothesis import find
    >>> from hypothesis.strategies import from_type
    >>> register()
    >>> find(from_type(Tensor), lambda x: x.ndim == 1)
    tensor([1.], requires_grad=True)
    """
    st.register_type_strategy(
        Tensor, lambda _: st.builds(tensor, strategies.arrays(), requires_grad=st.just(True))
    )
