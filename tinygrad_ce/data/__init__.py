"""Small real data that comes with the package: read on call, NumPy only."""

from .aiueo import Aiueo, aiueo, augment

__all__ = ["Aiueo", "aiueo", "augment"]
