"""Is this gradient right? Checks and diagnoses: `import tinygrad_ce.testing as tgt`."""

from tinygrad_ce.testing.audit import AuditReport, audit
from tinygrad_ce.testing.gradcheck import assert_gradients, blame, gradcheck
from tinygrad_ce.testing.report import Report, WrongGradientError

__all__ = [
    "AuditReport",
    "Report",
    "WrongGradientError",
    "assert_gradients",
    "audit",
    "blame",
    "gradcheck",
]
