"""Vocabulary: characters as numbers, to train models of texts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_ce.errors import DTypeError, OptionError
from tinygrad_ce.options import count, instance, several

__all__ = ["Vocabulary"]


def _text(name: str, value: str) -> str:
    return instance(name, value, str, "it is a text", "pass texts, or one")


class Vocabulary:
    """The characters of texts, numbered from 1 in their order; 0 is the end of a text.

    0 also fills what follows the end, and can stand before the beginning.

    Args:
        texts: a text, or several, whose characters are the vocabulary.

    Attributes:
        characters: all of them, in order.
        end: the number of the end sign, 0.

    >>> v = Vocabulary(["あい", "う"])
    >>> v.encode(["いあ", "う"]).tolist()
    [[2, 1, 0], [3, 0, 0]]
    >>> v.decode([2, 1, 0, 0])
    'いあ'
    """

    end = 0

    def __init__(self, texts: str | Iterable[str]) -> None:
        texts = [texts] if isinstance(texts, str) else several("texts", texts, _text)
        self.characters = "".join(sorted(set("".join(texts))))
        self._numbers = {c: i for i, c in enumerate(self.characters, start=1)}

    def __len__(self) -> int:
        """How many numbers there are, the end sign among them."""
        return len(self.characters) + 1

    def encode(self, texts: str | Iterable[str], length: int | None = None) -> NDArray[np.int64]:
        """The numbers of a text (length,), or of n texts (n, length), each with the end sign.

        Args:
            texts: one, or several.
            length: of the rows; that of the longest text and its end sign by default.

        Raises:
            OptionError: a character is not known, or a text is too long.
        """
        one = isinstance(texts, str)
        texts = [texts] if isinstance(texts, str) else several("texts", texts, _text)
        rows = [self._row(text) for text in texts]
        longest = max(map(len, rows), default=1)
        length = longest if length is None else count("length", length, 0)
        if length < longest:
            raise OptionError(
                f"a text has {longest - 1} characters",
                f"with the end sign it takes {longest} numbers, and the length is {length}",
                f"pass length={longest}, or shorter texts",
            )
        codes = np.full((len(rows), length), self.end)
        for code, row in zip(codes, rows):
            code[: len(row)] = row
        return codes[0] if one else codes

    def _row(self, text: str) -> list[int]:
        unknown = sorted(set(text) - self._numbers.keys())
        if unknown:
            raise OptionError(
                f"{text!r:.60} has the characters {''.join(unknown)!r:.60}",
                f"the vocabulary was made of {len(self.characters)} others",
                "make it of all texts, those to test on among them",
            )
        return [*map(self._numbers.__getitem__, text), self.end]

    def decode(self, codes: ArrayLike) -> str | list[str]:
        """The text of numbers (length,) up to the first end sign; of (n, length) n texts.

        Raises:
            OptionError: a number is not one of the vocabulary's.
        """
        codes = np.asarray(codes)
        if codes.size and codes.dtype.kind not in "iu":
            raise DTypeError(
                f"the numbers have dtype {codes.dtype}",
                "characters are numbered by integers",
                "pass what encode returned, or a class of the model's",
            )
        if codes.ndim > 1:
            return [str(self.decode(row)) for row in codes]
        if codes.size and not (codes.min() >= 0 and codes.max() < len(self)):
            raise OptionError(
                f"the numbers go from {codes.min()} to {codes.max()}",
                f"the vocabulary has those from 0 to {len(self) - 1}",
                "pass what encode returned, or a class of the model's",
            )
        numbers: list[int] = codes.ravel().tolist()
        stop = numbers.index(self.end) if self.end in numbers else len(numbers)
        return "".join(self.characters[i - 1] for i in numbers[:stop])

    def __repr__(self) -> str:
        return f"<Vocabulary: {len(self.characters)} characters and the end sign>"
