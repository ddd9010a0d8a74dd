"""Is this gradient right? Checks, diagnoses and proofs: `import tinygrad_ce.testing as tgt`.

`tinygrad_ce.testing.strategies` draws inputs for them, and needs Hypothesis; so does
`tinygrad_ce.testing.formula`, whose `check_formula` holds a formula against engine and witness.
"""

from tinygrad_ce.testing.audit import AuditReport, audit
from tinygrad_ce.testing.gradcheck import assert_gradients, blame, gradcheck
from tinygrad_ce.testing.proof import prove
from tinygrad_ce.testing.report import Report, WrongGradientError
from tinygrad_ce.testing.theorem import Proof

__all__ = [
    "AuditReport",
    "Proof",
    "Report",
    "WrongGradientError",
    "assert_gradients",
    "audit",
    "blame",
    "gradcheck",
    "prove",
]
