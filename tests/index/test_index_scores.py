"""Scores of an index: exact for what is stored, in one segment or several."""

from __future__ import annotations

import numpy as np
import pytest

from wordhive.index import Index
from wordhive.index.storage import segment, training

from .conftest import COUNTS, FLAT, Draw, Make, SlowScores, add_in_parts, all_scores, names, stored


@pytest.mark.parametrize("codec", ["SQ8", "SQ4", "SQfp16", "Flat", "PQ4x2", "Ternary256", "Residual300x2"])
def test_scores_are_exact_for_what_is_stored(
    make: Make, draw: Draw, slow_scores: SlowScores, codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_LEAST_FOR_CODEBOOKS", 1)
    index, queries = make({"codec": codec}), draw(2, [3, 0, 5])
    index.add(names(6), draw(1, COUNTS))
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, stored(index.path)), atol=1e-5)


@pytest.mark.parametrize(("codec", "tolerance"), [("SQ8", 0.03), ("SQ4", 0.5), ("SQfp16", 0.002), ("Flat", 1e-5)])
def test_scores_are_close_to_those_of_the_vectors_given(
    make: Make, draw: Draw, slow_scores: SlowScores, codec: str, tolerance: float
) -> None:
    codecs = {"codec": codec, "summary_codec": codec}
    index, queries, documents = make(codecs), draw(2, [3, 5]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=tolerance)


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_summary_has_its_weight_in_the_score(
    make: Make, draw: Draw, slow_scores: SlowScores, weight: float
) -> None:
    index = make(FLAT, summary_weight=weight)
    queries, documents = draw(2, [3, 5], summary_dim=4), draw(1, COUNTS, summary_dim=4)
    index.add(names(6), documents)
    expected = slow_scores(queries, documents, weight)
    np.testing.assert_allclose(all_scores(index, queries), expected, atol=1e-5)


def test_both_parts_of_a_score_are_told_apart(make: Make, draw: Draw) -> None:
    index, query, documents = make(FLAT, summary_weight=0.25), draw(2, [3], summary_dim=4), draw(1, COUNTS, 8, 4)
    index.add(names(6), documents)
    assert query.summary is not None
    assert documents.summary is not None
    expected = 0.25 * (query.summary @ documents.summary.T)[0]
    np.testing.assert_allclose(index.snapshot().score(query, np.arange(6)).summary, expected, atol=1e-5)


def test_without_summaries_their_weight_does_not_count(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, queries, documents = make(FLAT, summary_weight=0.7), draw(2, [3]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=1e-5)


@pytest.mark.parametrize("rows", [[0], [2], [1, 2, 3], [0, 3, 5], [5, 0, 3], [4, 3, 2, 1, 0], []])
def test_chosen_rows_score_like_all_of_them(make: Make, draw: Draw, rows: list[int]) -> None:
    index, query = make(summary_weight=0.5), draw(2, [3], summary_dim=4)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    scores = index.snapshot().score(query, np.array(rows, np.int64))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, scores.rows], atol=1e-6)


def test_scored_rows_come_in_order(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.snapshot().score(draw(2, [3]), np.array([5, 0, 3])).rows.tolist() == [0, 3, 5]


def test_a_row_that_is_asked_for_twice_has_its_own_score(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    scores = index.snapshot().score(query, np.array([0, 0, 2]))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, scores.rows], atol=1e-6)


def test_rows_that_do_not_exist_are_left_out(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert index.snapshot().score(draw(2, [3]), np.array([4, 6, 99])).rows.tolist() == [4]


def test_a_document_without_words_scores_zero(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert all_scores(index, draw(2, [3]))[0, 2] == 0


@pytest.mark.parametrize("words", [1, 4, 7])
def test_scoring_in_small_blocks_gives_the_same(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch, words: int
) -> None:
    index, queries = make(summary_weight=0.5), draw(2, [3, 1], summary_dim=4)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    at_once = all_scores(index, queries)
    monkeypatch.setattr(segment, "_BLOCK_WORDS", words)
    np.testing.assert_allclose(all_scores(index, queries), at_once, atol=1e-6)


def test_every_row_is_scored_once(make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment, "_BLOCK_WORDS", 4)
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(3, [2, 3]))
    blocks = [block[0].rows for block in index.snapshot().score_all(draw(2, [3]))]
    assert np.concatenate(blocks).tolist() == list(range(8))


def test_an_empty_index_scores_nothing(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    assert (list(index.snapshot().score_all(query)), len(index.snapshot().score(query, np.arange(3)).rows)) == ([], 0)


@pytest.mark.parametrize("cuts", [[3], [1, 2, 5]])
def test_several_segments_score_like_one(make: Make, draw: Draw, cuts: list[int]) -> None:
    documents, queries = draw(1, COUNTS, summary_dim=4), draw(2, [3, 5], summary_dim=4)
    one, several = (make(FLAT, name, summary_weight=0.5) for name in ("one", "several"))
    one.add(names(6), documents)
    add_in_parts(several, documents, cuts)
    np.testing.assert_allclose(all_scores(several, queries), all_scores(one, queries), atol=1e-5)


@pytest.mark.parametrize("cuts", [[3], [1, 2, 5]])
def test_several_segments_find_the_candidates_of_one(make: Make, draw: Draw, cuts: list[int]) -> None:
    documents, queries = draw(1, [3, 1, 2, 5, 2, 4]), draw(2, [3, 5])
    one, several = (make(FLAT, name) for name in ("one", "several"))
    one.add(names(6), documents)
    add_in_parts(several, documents, cuts)
    found = [[rows.tolist() for rows in index.snapshot().find_candidates(queries, 4)] for index in (one, several)]
    assert found[1] == found[0]


def test_chosen_rows_of_several_segments_score_like_all(make: Make, draw: Draw) -> None:
    index, query = make(), draw(2, [3])
    add_in_parts(index, draw(1, COUNTS), [1, 4])
    scores = index.snapshot().score(query, np.array([5, 0, 3, 1]))
    np.testing.assert_allclose(scores.total, all_scores(index, query)[0, [0, 1, 3, 5]], atol=1e-6)


def test_the_rows_of_two_adds_do_not_clash(make: Make, draw: Draw) -> None:
    index = make()
    add_in_parts(index, draw(1, COUNTS), [2, 4])
    assert index.snapshot().ids() == dict(enumerate(names(6)))


def test_two_writers_in_turn_share_the_rows(make: Make, draw: Draw) -> None:
    first = make()
    second = Index.open(first.path)
    for number, index in enumerate([first, second, first, second]):
        index.add(names(2, 2 * number), draw(number, [2, 1]))
    second.close()
    first.reload()
    assert first.snapshot().ids() == dict(enumerate(names(8)))


def test_a_reader_sees_new_documents_after_a_reload(make: Make, draw: Draw) -> None:
    writer = make()
    reader = Index.open(writer.path)
    writer.add(names(6), draw(1, COUNTS))
    reader.reload()
    assert all_scores(reader, draw(2, [3])).shape == (1, 6)
    reader.close()


def test_a_reader_keeps_answering_while_another_adds(make: Make, draw: Draw) -> None:
    writer, query = make(), draw(2, [3])
    writer.add(names(6), draw(1, COUNTS))
    reader = Index.open(writer.path)
    before = all_scores(reader, query)
    writer.add(names(2, 6), draw(3, [2, 3]))
    np.testing.assert_array_equal(all_scores(reader, query), before)
    reader.close()


@pytest.mark.parametrize("codec", ["Flat", "SQ8", "Ternary256"])
@pytest.mark.parametrize("empty", [0, 1, 2])
def test_segments_without_words_change_no_scores(
    codec: str, empty: int, make: Make, draw: Draw, slow_scores: SlowScores
) -> None:
    index = make({"codec": codec}, name=f"{codec}-{empty}")
    counts = [[2, 3, 1], [4, 1], [2]]
    counts.insert(empty, [0, 0])
    parts = [draw(7 + number, part) for number, part in enumerate(counts)]
    for number, part in enumerate(parts):
        index.add(names(len(part), 10 * number), part)
    index.close()
    opened, queries = Index.open(index.path), draw(3, [3, 1])
    rows = np.arange(8)
    for place in range(2):
        expected = slow_scores(queries[place : place + 1], opened.snapshot().vectors(rows))[0]
        np.testing.assert_allclose(opened.snapshot().score(queries[place : place + 1], rows).total, expected, atol=1e-4)
