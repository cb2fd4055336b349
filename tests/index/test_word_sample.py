from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wordhive.index import WordVectors
from wordhive.index.word_sample import word_sample


def texts(ids: list[int]) -> WordVectors:
    vectors = np.arange(len(ids), dtype=np.float32)[:, None]
    return WordVectors(vectors, np.array([0, len(ids)]), np.array(ids, np.uint32))


@given(st.lists(st.integers(1, 6), max_size=40), st.integers(0, 45))
def test_no_word_has_a_second_place_before_all_have_a_first(ids: list[int], n: int) -> None:
    rows = word_sample(texts(ids), n, seed=0)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(rows) == min(n, len(ids))
    places, held = Counter(ids[row] for row in rows), Counter(ids)
    most = max(places.values(), default=0)
    assert all(places[id] >= min(most - 1, held[id]) for id in held)


def test_unknown_words_count_as_different() -> None:
    rows = word_sample(texts([0] * 50 + [3] * 50), 40, seed=1)
    chosen = Counter("known" if row >= 50 else "unknown" for row in rows.tolist())
    assert chosen["unknown"] >= 39


def test_another_seed_draws_other_occurrences() -> None:
    held = texts([1, 2, 3] * 100)
    assert word_sample(held, 3, seed=0).tolist() != word_sample(held, 3, seed=1).tolist()
    assert word_sample(held, 3, seed=0).tolist() == word_sample(held, 3, seed=0).tolist()
