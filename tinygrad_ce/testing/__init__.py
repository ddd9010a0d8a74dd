"""Is this gradient right? Checks, diagnoses and proofs: `import tinygrad_ce.testing as tgt`.

`check_formula` and `strategies` draw their inputs with Hypothesis (`pip install
"tinygrad_ce[testing]"`), `prove` computes with SymPy (`"tinygrad_ce[proof]"`); either is imported
when it is used.
"""

from tinygrad_ce.errors import MissingError
from tinygrad_ce.testing import strategies as strategies
from tinygrad_ce.testing.audit import AuditReport, audit
from tinygrad_ce.testing.formula import check_formula
from tinygrad_ce.testing.gradcheck import assert_gradients, blame, gradcheck
from tinygrad_ce.testing.proof import prove
from tinygrad_ce.testing.report import Report, WrongGradientError
from tinygrad_ce.testing.theorem import Proof

__all__ = [
    "AuditReport",
    "MissingError",
    "Proof",
    "Report",
    "WrongGradientError",
    "assert_gradients",
    "audit",
    "blame",
    "check_formula",
    "gradcheck",
    "prove",
    "strategies",
]
