"""Is this gradient right? Checks and diagnoses: `import tinygrad_ce.testing as tgt`."""

from tinygrad_ce.testing.gradcheck import assert_gradients, gradcheck
from tinygrad_ce.testing.proof import prove
from tinygrad_ce.testing.report import Report, WrongGradientError
from tinygrad_ce.testing.theorem import Proof

__all__ = ["Proof", "Report", "WrongGradientError", "assert_gradients", "gradcheck", "prove"]
