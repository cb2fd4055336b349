from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors, threads
from wordhive.index.scoring.maxsim import maxsim

Draw = Callable[..., WordVectors]
SlowScores = Callable[..., NDArray[np.float64]]

quick = settings(max_examples=25, deadline=None, derandomize=True, database=None)
counts = st.lists(st.integers(0, 6), min_size=1, max_size=6)


def fast(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    return maxsim(queries, documents.vectors, documents.offsets)


@quick
@given(seed=st.integers(0, 1000), query_counts=counts, document_counts=counts, dim=st.sampled_from([1, 3, 8, 17]))
def test_scores_equal_the_definition(
    draw: Draw, slow_scores: SlowScores, seed: int, query_counts: list[int], document_counts: list[int], dim: int
) -> None:
    queries, documents = draw(seed, query_counts, dim), draw(seed + 1, document_counts, dim)
    np.testing.assert_allclose(fast(queries, documents), slow_scores(queries, documents), atol=1e-5)


@pytest.mark.parametrize("n_words", range(1, 10))
def test_any_number_of_query_words_is_scored_in_full(draw: Draw, slow_scores: SlowScores, n_words: int) -> None:
    query, documents = draw(1, [n_words]), draw(2, [5, 1, 3])
    np.testing.assert_allclose(fast(query, documents), slow_scores(query, documents), atol=1e-5)


def test_several_queries_score_like_each_alone(draw: Draw) -> None:
    queries, documents = draw(1, [3, 1, 0, 6]), draw(2, [5, 0, 3])
    alone = np.concatenate([fast(queries[i : i + 1], documents) for i in range(len(queries))])
    np.testing.assert_allclose(fast(queries, documents), alone, rtol=1e-6)


def test_a_document_without_words_scores_zero(draw: Draw) -> None:
    assert fast(draw(1, [3]), draw(2, [0, 2, 0]))[0, [0, 2]].tolist() == [0.0, 0.0]


def test_a_query_without_words_scores_zero(draw: Draw) -> None:
    assert fast(draw(1, [0]), draw(2, [2, 3])).tolist() == [[0.0, 0.0]]


def test_similarities_below_zero_are_not_clipped() -> None:
    query = WordVectors.from_list([np.array([[1.0, 0.0], [2.0, 0.0]])])
    documents = WordVectors.from_list([np.array([[-1.0, 0.5], [-0.5, 0.5]])])
    assert fast(query, documents).tolist() == [[-1.5]]


def test_vectors_of_any_length_are_scored_raw() -> None:
    query = WordVectors.from_list([np.array([[1000.0, 0.0]])])
    documents = WordVectors.from_list([np.array([[3000.0, 1.0], [-9000.0, 1.0]])])
    assert fast(query, documents).tolist() == [[3_000_000.0]]


def test_no_documents_give_no_scores(draw: Draw) -> None:
    assert fast(draw(1, [3, 2]), WordVectors.empty(8)).shape == (2, 0)


def test_no_queries_give_no_scores(draw: Draw) -> None:
    assert fast(WordVectors.empty(8), draw(1, [3, 2])).shape == (0, 2)


def test_the_order_of_words_does_not_matter(draw: Draw) -> None:
    query, document = draw(1, [4]), draw(2, [6])
    turned = WordVectors(document.vectors[::-1], document.offsets, document.word_ids)
    np.testing.assert_allclose(fast(query, turned), fast(query, document), rtol=1e-6)


def test_vectors_that_are_not_contiguous_are_scored_alike(draw: Draw) -> None:
    query, documents = draw(1, [4]), draw(2, [6, 2])
    wide = np.repeat(documents.vectors, 2, axis=1)[:, ::2]
    np.testing.assert_array_equal(maxsim(query, wide, documents.offsets), fast(query, documents))


def test_work_split_over_threads_gives_the_same_scores(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, documents = draw(1, [3, 2]), draw(2, [4, 0, 1, 7, 0, 0, 2, 5, 3, 1])
    serial = fast(queries, documents)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setattr(threads, "threads", lambda: 4)
    np.testing.assert_array_equal(fast(queries, documents), serial)


def test_other_dims_are_named(draw: Draw) -> None:
    with pytest.raises(InputError, match="query has 5 dims, the documents 8"):
        fast(draw(1, [3], dim=5), draw(2, [2]))
