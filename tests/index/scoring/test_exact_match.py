from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordVectors, threads
from wordhive.index.scoring import maxsim
from wordhive.index.scoring.exact_match import exact_maxsim, shared_words
from wordhive.index.scoring.rerank import score_documents
from wordhive.index.scoring.scores import Scores

Draw = Callable[..., WordVectors]

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)
counts = st.lists(st.integers(0, 7), min_size=1, max_size=6)
EXACT = IndexConfig(codec="Flat", summary_codec="Flat", encoding=None)


def few_words(texts: WordVectors, seed: int, n_ids: int) -> WordVectors:
    """The texts with word ids from 0 to n_ids, so that many are shared, many within a text too."""
    ids = np.random.default_rng(seed).integers(0, n_ids + 1, len(texts.vectors), dtype=np.uint32)
    return replace(texts, word_ids=ids * np.uint32(2654435761))


def slow(queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    """By the definition: products of different words, and of those without an identity, count 0."""
    scores = np.zeros((len(queries), len(documents)))
    products = queries.vectors.astype(np.float64) @ documents.vectors.astype(np.float64).T
    same = (queries.word_ids[:, None] == documents.word_ids) & (queries.word_ids > 0)[:, None]
    products = np.where(same, products, 0)
    for i in range(len(queries)):
        for j in range(len(documents)):
            part = products[slice(*queries.offsets[i : i + 2]), slice(*documents.offsets[j : j + 2])]
            scores[i, j] = part.max(axis=1, initial=0).sum()
    return scores


def fast(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    return exact_maxsim(queries, documents.vectors, documents.offsets, documents.word_ids)


def only_shared(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    shared = shared_words(queries, documents.word_ids)
    offsets = np.searchsorted(shared, documents.offsets)
    return exact_maxsim(queries, documents.vectors[shared], offsets, documents.word_ids[shared])


def one(vectors: list[list[float]], ids: list[int]) -> WordVectors:
    return WordVectors(np.array(vectors, np.float32), np.array([0, len(ids)]), np.array(ids, np.uint32))


@quick
@given(
    seed=st.integers(0, 1000),
    query_counts=counts,
    document_counts=counts,
    dim=st.sampled_from([1, 3, 8]),
    n_ids=st.sampled_from([0, 1, 4, 100]),
)
def test_scores_equal_the_definition(
    draw: Draw, seed: int, query_counts: list[int], document_counts: list[int], dim: int, n_ids: int
) -> None:
    queries = few_words(draw(seed, query_counts, dim), seed, n_ids)
    documents = few_words(draw(seed + 1, document_counts, dim), seed + 1, n_ids)
    expected = slow(queries, documents)
    np.testing.assert_allclose(fast(queries, documents), expected, atol=1e-5)
    np.testing.assert_allclose(only_shared(queries, documents), expected, atol=1e-5)


@quick
@given(
    asked=st.lists(st.integers(0, 2**32 - 1), max_size=12),
    held=st.lists(st.integers(0, 2**32 - 1), max_size=12),
    common=st.lists(st.integers(0, 40) | st.integers(2**32 - 40, 2**32 - 1), max_size=30),
)
def test_shared_words_are_those_of_a_query(asked: list[int], held: list[int], common: list[int]) -> None:
    ids = [*asked, *common[::2]]
    query = one([[1.0]] * len(ids), ids) if ids else WordVectors.empty(1)
    found = shared_words(query, np.array([*held, *common], np.uint32))
    assert found.tolist() == [place for place, id in enumerate([*held, *common]) if id and id in ids]


def test_identities_that_fall_on_one_place_of_the_table_are_told_apart() -> None:
    # The table goes by the lowest bits: these have the same ones.
    ids = [1 + (number << 20) for number in range(100)]
    query = one([[1.0]] * 50, ids[:50])
    assert shared_words(query, np.array(ids, np.uint32)).tolist() == list(range(50))


def test_the_best_of_several_identical_words_counts() -> None:
    query, document = one([[2.0]], [7]), one([[1.0], [3.0], [2.0], [100.0]], [7, 7, 7, 8])
    assert fast(query, document).tolist() == [[6.0]]


def test_a_word_that_is_asked_twice_counts_twice() -> None:
    query, document = one([[2.0], [1.0]], [7, 7]), one([[3.0]], [7])
    assert fast(query, document).tolist() == [[9.0]]


def test_a_product_below_zero_counts_zero() -> None:
    query, document = one([[2.0], [1.0]], [7, 8]), one([[-3.0], [5.0]], [7, 8])
    assert fast(query, document).tolist() == [[5.0]]


def test_words_without_an_identity_match_nothing() -> None:
    query, document = one([[2.0], [1.0]], [0, 8]), one([[3.0], [5.0]], [0, 8])
    assert fast(query, document).tolist() == [[5.0]]
    assert shared_words(query, document.word_ids).tolist() == [1]


def test_work_split_over_threads_gives_the_same_scores(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = few_words(draw(1, [3, 2, 6]), 1, 5)
    documents = few_words(draw(2, [4, 0, 1, 7, 0, 0, 2, 5, 3, 1]), 2, 5)
    serial = only_shared(queries, documents)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setattr(threads, "threads", lambda: 4)
    np.testing.assert_array_equal(only_shared(queries, documents), serial)


def test_other_dims_are_named(draw: Draw) -> None:
    with pytest.raises(InputError, match="query has 5 dims, the documents 8"):
        fast(draw(1, [3], dim=5), draw(2, [2]))


# The index


@pytest.fixture
def documents(draw: Draw) -> WordVectors:
    return few_words(draw(2, [4, 0, 1, 7, 3, 5, 2, 6], dim=4, summary_dim=3), 2, 6)


@pytest.fixture
def queries(draw: Draw) -> WordVectors:
    return few_words(draw(3, [3, 1, 0, 5], dim=4, summary_dim=3), 3, 6)


@pytest.fixture
def index(tmp_path: Path, documents: WordVectors) -> Index:
    made = Index.create(tmp_path / "exact.hive", EXACT, summary_weight=0.25, exact_match=True)
    # Two segments, so that a search crosses their border.
    for first, last in ((0, 5), (5, 8)):
        made.add([f"d{number}" for number in range(first, last)], documents[first:last])
    return made


def whole(queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    assert queries.summary is not None
    assert documents.summary is not None
    return 0.75 * slow(queries, documents) + 0.25 * queries.summary @ documents.summary.T


def test_all_documents_are_scored_by_exact_matches(index: Index, queries: WordVectors, documents: WordVectors) -> None:
    blocks = list(index.snapshot().score_all(queries))
    found = [Scores.concat([block[i] for block in blocks]) for i in range(len(queries))]
    np.testing.assert_allclose([scores.total for scores in found], whole(queries, documents), atol=1e-5)
    np.testing.assert_allclose([scores.words for scores in found], 0.75 * slow(queries, documents), atol=1e-5)


@pytest.mark.parametrize("rows", [[0, 3, 6], [1], [2, 3, 4], [7, 0, 5], list(range(8))])
def test_candidates_are_scored_by_exact_matches(
    index: Index, queries: WordVectors, documents: WordVectors, rows: list[int]
) -> None:
    for i in range(len(queries)):
        scores = index.snapshot().score(queries[i : i + 1], np.array(rows))
        assert scores.rows.tolist() == sorted(rows)
        np.testing.assert_allclose(scores.total, whole(queries, documents)[i, sorted(rows)], atol=1e-5)


def test_only_vectors_that_match_are_decoded(
    index: Index, queries: WordVectors, documents: WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    decode = type(index.snapshot().parameters(1).words).decode

    def counted(codec: object, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        decoded.append(len(codes))
        return decode(codec, codes)  # type: ignore[arg-type]

    monkeypatch.setattr("wordhive.index.codecs.FaissCodec.decode", counted)
    one_word = replace(queries[1:2], summary=None) if queries.word_ids[3] else pytest.fail("choose another seed")
    here = [(index.snapshot().segments[0], np.arange(5))]
    score_documents(one_word, here, index.snapshot().parameters(1).words, None, 0.0, exact_match=True)
    hits = int((documents[0:5].word_ids == queries.word_ids[3]).sum())
    assert 0 < hits < len(documents[0:5].vectors)
    assert decoded == [hits]


def test_it_is_remembered(index: Index) -> None:
    index.close()
    again = Index.open(index.path)
    assert again.settings.exact_match
    assert again.info().exact_match


def test_an_index_matches_all_words_unless_told_otherwise(tmp_path: Path) -> None:
    made = Index.create(tmp_path / "all.hive", EXACT)
    assert not made.settings.exact_match
    assert not made.info().exact_match


def test_the_setting_is_in_the_catalog(index: Index) -> None:
    with sqlite3.connect(index.path / "catalog.db") as connection:
        value = connection.execute("SELECT value FROM setting WHERE name = 'exact_match'").fetchone()[0]
    assert json.loads(value) is True


@pytest.mark.parametrize("arrays", [[np.ones((2, 4))], [np.ones((0, 4)), np.ones((1, 4))]])
def test_documents_without_word_ids_are_refused(tmp_path: Path, arrays: Sequence[NDArray[np.float64]]) -> None:
    made = Index.create(tmp_path / "exact.hive", EXACT, exact_match=True)
    with pytest.raises(InputError, match=r"no word ids.*identical words; give WordVectors with the word_ids"):
        made.add([str(number) for number in range(len(arrays))], arrays)
    assert len(made) == 0


def test_queries_without_word_ids_are_refused(index: Index, queries: WordVectors) -> None:
    bare = replace(queries, word_ids=np.zeros_like(queries.word_ids))
    with pytest.raises(InputError, match="no word ids"):
        index.snapshot().score(bare[0:1], np.arange(3))
    with pytest.raises(InputError, match="no word ids"):
        next(index.snapshot().score_all(bare))


def test_a_text_without_words_needs_no_word_ids(index: Index, queries: WordVectors) -> None:
    assert not index.snapshot().score(queries[2:3], np.arange(8)).words.any()


def test_words_without_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="word_ids is false, but only identical words match here"):
        Index.create(tmp_path / "x.hive", "small", exact_match=True)
    assert not (tmp_path / "x.hive").exists()


@pytest.mark.parametrize("preset", ["default", "muvera-1280"])
def test_a_first_stage_for_all_pairs_of_words_is_refused(tmp_path: Path, preset: str) -> None:
    with pytest.raises(InputError, match=r"(fitted|muvera) first stage .* take preset summary"):
        Index.create(tmp_path / "x.hive", preset, exact_match=True)
    assert not (tmp_path / "x.hive").exists()


def test_without_a_configuration_the_first_stage_is_the_summary(tmp_path: Path) -> None:
    assert Index.create(tmp_path / "x.hive", exact_match=True).settings.config == IndexConfig.load("summary")
    assert Index.create(tmp_path / "y.hive").settings.config == IndexConfig.load("default")


def test_merged_segments_score_the_same(tmp_path: Path, queries: WordVectors, documents: WordVectors) -> None:
    made = Index.create(tmp_path / "merged.hive", EXACT, summary_weight=0.25, exact_match=True)
    for number in range(8):
        made.add([str(number)], documents[number : number + 1])
    assert made.info().n_segments == 1
    scores = next(made.snapshot().score_all(queries))
    np.testing.assert_allclose([part.total for part in scores], whole(queries, documents), atol=1e-5)


def test_it_is_another_score_than_that_of_all_pairs(queries: WordVectors, documents: WordVectors) -> None:
    assert not np.allclose(maxsim.maxsim(queries, documents.vectors, documents.offsets), fast(queries, documents))
