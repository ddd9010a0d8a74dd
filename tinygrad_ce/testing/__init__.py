"""Verify gradients: is it right, where is it wrong, how is it wrong, and which rule is to blame."""
