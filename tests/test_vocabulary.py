"""Vocabulary: texts come back, unknown characters are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_ce.data import Vocabulary

texts = st.lists(st.text(max_size=6), min_size=1, max_size=5)


@given(texts=texts)
def test_texts_come_back(texts: list[str]) -> None:
    v = Vocabulary(texts)
    assert v.decode(v.encode(texts)) == texts


@given(texts=texts)
def test_every_row_ends_with_the_end_sign(texts: list[str]) -> None:
    v = Vocabulary(texts)
    codes = v.encode(texts)
    assert all(row[len(text)] == v.end for row, text in zip(codes, texts, strict=True))


def test_characters_are_numbered_in_their_order() -> None:
    assert Vocabulary("cab").encode("abc").tolist() == [1, 2, 3, 0]


def test_len_counts_the_end_sign() -> None:
    assert len(Vocabulary("aab")) == 3


def test_rows_are_filled_to_the_length() -> None:
    assert Vocabulary("ab").encode(["a"], length=4).tolist() == [[1, 0, 0, 0]]


def test_an_unknown_character_is_named() -> None:
    with pytest.raises(ValueError, match="'z'"):
        Vocabulary("ab").encode("az")


def test_a_text_longer_than_the_length_is_refused() -> None:
    with pytest.raises(ValueError, match="pass length=3"):
        Vocabulary("ab").encode("ab", length=2)


@pytest.mark.parametrize("code", [-1, 3])
def test_an_unknown_number_is_refused(code: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 2"):
        Vocabulary("ab").decode(np.array([code]))
