"""The library's generator, and what draws from it."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_ce as tg
from tinygrad_ce.randomness import bernoulli, gaussian, normal, uniform


@given(st.integers(0, 2**64))
def test_a_seed_gives_the_same_numbers(seed: int) -> None:
    a = tg.manual_seed(seed).random(3)
    np.testing.assert_array_equal(tg.manual_seed(seed).random(3), a)


def test_another_process_draws_the_same_numbers() -> None:
    program = (
        "import tinygrad_ce as tg; tg.manual_seed(7); "
        "print(float(tg.nn.Linear(3, 2).weight.data.sum()))"
    )
    found = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1


def test_the_generator_is_one_object() -> None:
    assert tg.manual_seed(1) is tg.default_generator()


def test_its_state_can_be_set_again() -> None:
    generator = tg.manual_seed(1)
    state = generator.bit_generator.state
    a = generator.random(3)
    generator.bit_generator.state = state
    np.testing.assert_array_equal(generator.random(3), a)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_have_the_dtype_asked_for(dtype: Any) -> None:
    like = np.zeros(2, dtype)
    found = [uniform(0, 1, (2,), dtype), normal(0, 1, (2,), dtype), bernoulli(like, 0.5, (2,)),
             gaussian(like)]  # fmt: skip
    assert {x.dtype for x in found} == {np.dtype(dtype)}


@given(st.floats(0, 1))
def test_ones_come_with_their_probability(p: float) -> None:
    found = bernoulli(np.zeros(1), p, (4000,), np.random.default_rng(0))
    assert abs(found.mean() - p) < 4 * np.sqrt(p * (1 - p) / 4000) + 1e-3


def test_a_compiled_program_draws_anew() -> None:
    noise = tg.compile(lambda x: x + gaussian(x))
    assert (noise(np.zeros(3)) != noise(np.zeros(3))).all()
