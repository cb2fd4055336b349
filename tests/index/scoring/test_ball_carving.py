"""Ball carving against its definition, written with loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.scoring.ball_carving import carve
from wordhive.index.scoring.maxsim import maxsim

Draw = Callable[..., WordVectors]

quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10_000)
counts = st.lists(st.integers(0, 9), max_size=5)
thresholds = st.floats(-1.1, 1.1)


def clumped(seed: int, counts: list[int], dim: int = 6) -> WordVectors:
    """Unit words near one of a few directions, so that any threshold joins some and parts others."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((3, dim))
    words = centres[random.integers(0, 3, sum(counts))] + 0.6 * random.standard_normal((sum(counts), dim))
    words /= np.linalg.norm(words, axis=1, keepdims=True)
    ids = random.integers(1, 2**32, sum(counts), dtype=np.uint32)
    summary = random.standard_normal((len(counts), 3)).astype(np.float32)
    return WordVectors(words.astype(np.float32), np.cumsum([0, *counts], dtype=np.int64), ids, summary)


def slow_clusters(words: NDArray[np.float32], threshold: float) -> list[list[int]]:
    remaining, clusters = list(range(len(words))), []
    exact = words.astype(np.float64)
    while remaining:
        first, *others = remaining
        near = [word for word in others if float(exact[first] @ exact[word]) >= threshold]
        clusters.append([first, *near])
        remaining = [word for word in others if word not in near]
    return clusters


@quick
@given(seed=seeds, counts=counts, threshold=thresholds)
@example(seed=1, counts=[0, 6, 0, 9, 0], threshold=0.7)
def test_clusters_are_those_of_the_definition(seed: int, counts: list[int], threshold: float) -> None:
    queries = clumped(seed, counts)
    carved = carve(queries, threshold)
    assert len(carved) == len(queries)
    for text in range(len(queries)):
        query, found = queries[text : text + 1], carved[text : text + 1]
        clusters = slow_clusters(query.vectors, threshold)
        assert found.word_ids.tolist() == [int(query.word_ids[cluster[0]]) for cluster in clusters]
        for vector, cluster in zip(found.vectors, clusters, strict=True):
            np.testing.assert_allclose(vector, query.vectors[cluster].sum(axis=0), atol=1e-5)


def test_the_inputs_of_these_tests_are_joined_and_parted() -> None:
    queries = clumped(1, [9] * 20)
    assert 20 < len(carve(queries, 0.7).vectors) < 180


@quick
@given(seed=seeds, counts=counts, document_counts=counts, threshold=thresholds)
def test_scores_are_never_above_the_true_ones(
    draw: Draw, seed: int, counts: list[int], document_counts: list[int], threshold: float
) -> None:
    queries, documents = clumped(seed, counts), draw(seed + 1, document_counts, 6)
    exact = maxsim(queries, documents.vectors, documents.offsets)
    assert (maxsim(carve(queries, threshold), documents.vectors, documents.offsets) <= exact + 1e-5).all()


def test_scores_may_be_below_the_true_ones() -> None:
    query = WordVectors.from_list([np.array([[1.0, 0.0], [0.6, 0.8]])])
    document = np.array([[1.0, 0.0], [0.6, 0.8]], np.float32)
    offsets = np.array([0, 2], np.int64)
    assert maxsim(query, document, offsets)[0, 0] == pytest.approx(2)
    assert maxsim(carve(query, 0.5), document, offsets)[0, 0] == pytest.approx(1.6)


@pytest.mark.parametrize("threshold", [1.001, 2, math.inf])
def test_unit_words_stay_apart_above_one(threshold: float) -> None:
    queries = clumped(2, [5, 0, 9])
    carved = carve(queries, threshold)
    np.testing.assert_array_equal(carved.vectors, queries.vectors)
    np.testing.assert_array_equal(carved.offsets, queries.offsets)
    np.testing.assert_array_equal(carved.word_ids, queries.word_ids)


@pytest.mark.parametrize("threshold", [-1.001, -5, -math.inf])
def test_below_minus_one_a_query_is_the_sum_of_its_words(threshold: float) -> None:
    queries = clumped(2, [5, 0, 9])
    carved = carve(queries, threshold)
    assert carved.counts.tolist() == [1, 0, 1]
    assert carved.word_ids.tolist() == queries.word_ids[[0, 5]].tolist()
    sums = [queries.vectors[:5].sum(axis=0), queries.vectors[5:].sum(axis=0)]
    np.testing.assert_allclose(carved.vectors, sums, atol=1e-5)


@quick
@given(seed=seeds, counts=counts, threshold=thresholds)
def test_the_sum_of_all_words_stays(seed: int, counts: list[int], threshold: float) -> None:
    queries = clumped(seed, counts)
    carved = carve(queries, threshold)
    for text in range(len(queries)):
        before, after = (texts[text : text + 1].vectors.sum(axis=0) for texts in (queries, carved))
        np.testing.assert_allclose(after, before, atol=1e-5)


@quick
@given(seed=seeds, counts=counts, threshold=thresholds)
def test_a_query_is_carved_alike_in_any_batch(seed: int, counts: list[int], threshold: float) -> None:
    queries = clumped(seed, counts)
    carved = carve(queries, threshold)
    for text in range(len(queries)):
        alone, found = carve(queries[text : text + 1], threshold), carved[text : text + 1]
        np.testing.assert_array_equal(found.vectors, alone.vectors)
        np.testing.assert_array_equal(found.word_ids, alone.word_ids)


def test_the_threshold_itself_joins() -> None:
    query = WordVectors.from_list([np.array([[1.0, 0.0], [0.5, 3.0]])])
    assert carve(query, 0.5).vectors.tolist() == [[1.5, 3.0]]
    assert carve(query, np.nextafter(0.5, 1)).vectors.tolist() == [[1.0, 0.0], [0.5, 3.0]]


def test_words_are_held_against_the_first_of_a_cluster_not_its_sum() -> None:
    chain = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.3, 0.9, 0.3]])
    assert carve(WordVectors.from_list([chain]), 0.7).counts.tolist() == [2]
    assert carve(WordVectors.from_list([chain[[1, 0, 2]]]), 0.7).counts.tolist() == [1]


def test_a_word_of_another_length_is_joined_by_its_inner_product() -> None:
    query = WordVectors.from_list([np.array([[0.1, 0.0], [0.1, 0.0], [9.0, 1.0]])])
    np.testing.assert_allclose(carve(query, 1).vectors, [[0.1, 0], [0.1, 0], [9, 1]], atol=1e-6)
    np.testing.assert_allclose(carve(query, 0.5).vectors, [[9.1, 1], [0.1, 0]], atol=1e-6)


def test_summaries_stay_as_they_are() -> None:
    queries = clumped(3, [4, 0, 7])
    assert queries.summary is not None
    np.testing.assert_array_equal(carve(queries, 0.5).summary, queries.summary)


def test_queries_without_summary_stay_without(draw: Draw) -> None:
    assert carve(draw(1, [4]), 0.5).summary is None


def test_what_was_given_is_left_alone() -> None:
    queries = clumped(3, [4, 7])
    before = queries.vectors.copy(), queries.offsets.copy(), queries.word_ids.copy()
    carve(queries, 0.3)
    for array, held in zip((queries.vectors, queries.offsets, queries.word_ids), before, strict=True):
        np.testing.assert_array_equal(array, held)


def test_vectors_that_are_not_contiguous_are_carved_alike() -> None:
    queries = clumped(3, [4, 7])
    wide = np.repeat(queries.vectors, 2, axis=1)[:, ::2]
    carved = carve(WordVectors(wide, queries.offsets, queries.word_ids), 0.3)
    np.testing.assert_array_equal(carved.vectors, carve(queries, 0.3).vectors)


def test_types_are_those_of_word_vectors() -> None:
    carved = carve(clumped(3, [4, 7]), 0.3)
    assert (carved.vectors.dtype, carved.offsets.dtype, carved.word_ids.dtype) == (np.float32, np.int64, np.uint32)
    assert carved.vectors.flags.c_contiguous


@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_queries_without_words_stay_so(draw: Draw, counts: list[int]) -> None:
    carved = carve(draw(1, counts, summary_dim=4), 0.5)
    assert carved.counts.tolist() == counts
    assert carved.vectors.shape == (0, 8)
    assert carved.summary_dim == 4


@pytest.mark.parametrize("threshold", [math.nan, np.float32("nan"), "0.7", None, True, [0.7], 1j])
def test_a_threshold_that_is_no_number_is_refused(draw: Draw, threshold: Any) -> None:
    with pytest.raises(InputError, match=r"the threshold of ball carving is .*; expected the least inner product"):
        carve(draw(1, [4]), threshold)


@pytest.mark.parametrize("threshold", [0, np.float32(0.25), np.float64(0.25), np.int64(0)])
def test_any_kind_of_number_is_a_threshold(threshold: Any) -> None:
    queries = clumped(3, [4, 7])
    np.testing.assert_array_equal(carve(queries, threshold).vectors, carve(queries, float(threshold)).vectors)
