"""The lexical part of a score, held against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.lexical.lexical_queries import QueryWords
from wordhive.index.storage.word_id_lists import WordIdLists


def texts(ids: list[list[int]], seed: int = 0, *, summary: bool = False) -> WordVectors:
    random = np.random.default_rng(seed)
    flat = [id for text in ids for id in text]
    offsets = np.cumsum([0, *map(len, ids)])
    summaries = random.standard_normal((len(ids), 3)) if summary else None
    return WordVectors(random.standard_normal((len(flat), 4)), offsets, flat, summaries)


def slow(query: WordVectors, documents: list[list[int]], weight: float, summary_weight: float = 0.0) -> list[float]:
    """The definition in docs/how/scoring.md, word by word."""
    n, size = len(documents), 0.0
    for vector in query.vectors.tolist():
        size += (1 - summary_weight) * math.sqrt(sum(number * number for number in vector))
    if summary_weight and query.summary is not None:
        size += summary_weight * math.sqrt(sum(number * number for number in query.summary[0].tolist()))
    weights: dict[int, float] = {}
    for id in set(query.word_ids.tolist()) - {0}:
        n_with = sum(id in document for document in documents)
        vectors = [
            vector for vector, own in zip(query.vectors.tolist(), query.word_ids.tolist(), strict=True) if own == id
        ]
        length = sum(math.sqrt(sum(number * number for number in vector)) for vector in vectors)
        weights[id] = math.sqrt(length) * math.log(1 + (n - n_with + 0.5) / (n_with + 0.5)) ** 2
    total = sum(weights.values())
    return [weight * size * sum(weights[id] for id in weights if id in it) / total if total else 0 for it in documents]


def fast(
    queries: WordVectors, documents: list[list[int]], weight: float, summary_weight: float = 0.0
) -> NDArray[np.float32]:
    words = QueryWords.of(queries, summary_weight)
    n_with = np.array([sum(id in it for it in documents) for id in words.word_ids.tolist()], np.int64)
    flat = np.array([id for it in documents for id in sorted(it)], np.uint32)
    offsets = np.cumsum([0, *map(len, documents)]).astype(np.int64)
    lists = WordIdLists.encode(flat, offsets, np.unique(flat))
    queried = words.weighted(n_with, len(documents), weight)
    return lists.lexical_scores(queried, np.arange(len(documents)), np.diff(offsets))


@pytest.mark.parametrize(("summary", "summary_weight"), [(False, 0.0), (True, 0.3), (True, 1.0)])
def test_scores_are_those_of_the_definition(summary: bool, summary_weight: float) -> None:
    random = np.random.default_rng(1)
    documents = [random.integers(0, 40, random.integers(0, 25)).tolist() for _ in range(50)]
    queries = texts([random.integers(0, 50, n).tolist() for n in (5, 0, 12, 1)], summary=summary)
    found = fast(queries, documents, 0.25, summary_weight)
    assert (found.shape, found.dtype) == ((4, 50), np.float32)
    for number in range(4):
        expected = slow(queries[number : number + 1], documents, 0.25, summary_weight)
        np.testing.assert_allclose(found[number], expected, rtol=1e-5, atol=1e-6)


def test_a_document_with_all_words_gains_the_weight_times_the_size_of_the_query() -> None:
    queries = texts([[3, 5, 9]])
    found = fast(queries, [[9, 5, 3], [5], []], 0.2)
    size = np.linalg.norm(queries.vectors, axis=1).sum()
    assert found[0, 0] == pytest.approx(0.2 * size, rel=1e-5)
    assert 0 < found[0, 1] < found[0, 0]
    assert found[0, 2] == 0


def test_a_rare_word_adds_more_than_a_common_one_of_the_same_length() -> None:
    queries = WordVectors(np.eye(2, 4), np.array([0, 2]), np.array([7, 8], np.uint32))
    common, rare = fast(queries, [[7], [8], [7], [7]], 0.2)[0][:2]
    assert rare > 5 * common > 0


def test_a_word_counts_once_however_often_it_stands_there_and_identity_0_never() -> None:
    found = fast(texts([[3, 0, 5]]), [[3], [3, 3, 3], [0, 0]], 0.2)[0]
    assert found[0] == found[1] > 0
    assert found[2] == 0


def test_queries_and_documents_without_words_are_scored_0() -> None:
    assert fast(texts([[], [0]]), [[], [4]], 0.2).tolist() == [[0, 0], [0, 0]]
    assert fast(texts([[1]]), [], 0.2).shape == (1, 0)


def test_a_query_word_without_length_adds_nothing() -> None:
    queries = WordVectors(np.zeros((1, 4)), np.array([0, 1]), np.array([7], np.uint32))
    assert fast(queries, [[7]], 0.2).tolist() == [[0]]
