from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wordhive.index.scoring.scores import best, in_order

SCORES = st.floats(width=32, allow_nan=False) | st.sampled_from([0.0, -0.0, 1.5, float("inf"), -float("inf")])
PAIRS = st.lists(st.tuples(SCORES, st.integers(-1, 2**32 - 2)), max_size=40)


@given(PAIRS)
def test_the_best_come_first_and_equal_ones_by_number(pairs: list[tuple[float, int]]) -> None:
    scores = np.array([[score for score, _ in pairs]] * 2, np.float32)
    numbers = np.array([[number for _, number in pairs]] * 2, np.int64)
    expected = sorted(pairs, key=lambda pair: (-pair[0], pair[1] % 2**32))
    found = in_order(scores, numbers)
    for row in range(2):
        np.testing.assert_array_equal(found[0][row], [score for score, _ in expected])
        assert found[1][row].tolist() == [number for _, number in expected]


@given(
    st.lists(st.lists(st.tuples(SCORES, st.integers(0, 50) | st.integers(2**32 - 3, 2**34)), max_size=20), max_size=4),
    st.integers(1, 30),
)
def test_the_best_of_all_parts_are_those_of_one(parts: list[list[tuple[float, int]]], n: int) -> None:
    arrays = [(np.array([s for s, _ in part], np.float32), np.array([r for _, r in part], np.int64)) for part in parts]
    expected = sorted([pair for part in parts for pair in part], key=lambda pair: (-pair[0], pair[1]))[:n]
    assert best(arrays, n).tolist() == [row for _, row in expected]
