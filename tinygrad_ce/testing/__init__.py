"""Is this gradient right? Checks and diagnoses: `import tinygrad_ce.testing as tgt`."""

from tinygrad_ce.testing.proof import prove
from tinygrad_ce.testing.theorem import Proof

__all__ = ["Proof", "prove"]
