"""Sentences that several exercises say."""

__all__ = ["OVERFLOW", "SQUEEZED"]

OVERFLOW = "exp overflows there, and inf / inf is nan. y is at hand, and finite: use it."
SQUEEZED = "y has lost the axis; np.expand_dims(g, axis) puts it back."
