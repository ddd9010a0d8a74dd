"""Small data to learn on, and what brings data to a network: `tg.data`."""

from tinygrad_ce.data.aiueo import Aiueo, aiueo, augment
from tinygrad_ce.data.batches import Batches, batches, split
from tinygrad_ce.data.files import Table, read_csv, read_idx, read_mnist
from tinygrad_ce.data.images import digits, fashion_classes, fashion_mnist
from tinygrad_ce.data.points import circles, moons, spirals, xor
from tinygrad_ce.data.vocabulary import Vocabulary

__all__ = [
    "Aiueo",
    "Batches",
    "Table",
    "Vocabulary",
    "aiueo",
    "augment",
    "batches",
    "circles",
    "digits",
    "fashion_classes",
    "fashion_mnist",
    "moons",
    "read_csv",
    "read_idx",
    "read_mnist",
    "spirals",
    "split",
    "xor",
]
