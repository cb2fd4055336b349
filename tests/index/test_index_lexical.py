"""The lexical part of an index's scores: after every change, in both kinds of search, and what it finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.storage import inverted_lists

from .conftest import EXACT, FLAT, Make, all_scores, names
from .storage.independent_reader import IndexReader

WEIGHT = 0.5
LEXICAL = {**FLAT, "lexical_weight": WEIGHT}


def texts(ids: list[list[int]], seed: int) -> WordVectors:
    random = np.random.default_rng(seed)
    flat = np.array([id for text in ids for id in text], np.uint32)
    vectors = random.standard_normal((len(flat), 8)).astype(np.float32)
    return WordVectors(vectors, np.cumsum([0, *map(len, ids)]), flat, random.standard_normal((len(ids), 4)))


def some(n: int, seed: int, largest: int = 60) -> WordVectors:
    random = np.random.default_rng(seed)
    return texts([random.integers(0, largest, random.integers(0, 9)).tolist() for _ in range(n)], seed)


def agrees(index: Index, query: WordVectors) -> None:
    """Every score is what somebody finds who reads the files by docs/format.md."""
    snapshot = index.snapshot()
    ids = snapshot.ids()
    found = snapshot.score(query, np.array(sorted(ids)))
    assert query.summary is not None
    expected = IndexReader(index.path).scores(query.vectors, query.word_ids, query.summary[0])
    by_id = dict(zip([ids[row] for row in found.rows.tolist()], found.total.tolist(), strict=True))
    assert by_id == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert found.lexical.any()


def test_scores_stay_right_through_every_change(make: Make) -> None:
    index, query = make(LEXICAL, summary_weight=0.3), texts([[3, 5, 9, 0, 55, 1000]], 9)
    index.add(names(40), some(40, 1))
    agrees(index, query)
    index.add(names(7, 40), some(7, 2, 2000))
    agrees(index, query)
    index.delete(names(11))
    agrees(index, query)
    index.upsert(names(9, 20), some(9, 3))
    agrees(index, query)
    index.compact()
    agrees(index, query)
    index.add(names(3, 100), some(3, 4))
    index.refit()
    agrees(index, query)
    for batch in range(9):
        index.add(names(1, 200 + batch), some(1, 10 + batch))  # segments are merged
    agrees(index, query)


def test_how_documents_are_spread_over_segments_changes_no_score(make: Make) -> None:
    documents, query = some(40, 1), texts([[3, 5, 9]], 9)
    one, several = make(LEXICAL, "one"), make(LEXICAL, "several")
    one.add(names(40), documents)
    for first in range(0, 40, 10):
        several.add(names(10, first), documents[first : first + 10])
    several.delete(names(5))
    one.delete(names(5))
    np.testing.assert_allclose(all_scores(one, query), all_scores(several, query), rtol=1e-6)
    one.compact()
    np.testing.assert_allclose(all_scores(one, query), all_scores(several, query), rtol=1e-6)


def test_a_snapshot_keeps_its_scores_while_others_write(make: Make) -> None:
    index, query = make(LEXICAL), texts([[3, 5, 9]], 9)
    index.add(names(40), some(40, 1))
    before = index.snapshot()
    rows = np.arange(40)
    scores = before.score(query, rows).lexical
    index.delete(names(20))
    index.add(names(20, 50), some(20, 5))
    np.testing.assert_array_equal(before.score(query, rows).lexical, scores)
    assert index.snapshot().score(query, rows[20:]).lexical.tolist() != scores[20:].tolist()


def test_a_rare_word_finds_what_vectors_do_not(make: Make) -> None:
    """A document whose vectors point away from the query is a candidate, because it alone has the query's word."""
    index, documents = make(LEXICAL), some(300, 1)
    query = texts([[3, 77_777]], 9)
    away = WordVectors(
        -query.vectors, query.offsets, query.word_ids, -query.summary if query.summary is not None else None
    )
    index.add([*names(300), "wanted"], WordVectors.concat([documents, away]))
    plain = make(FLAT, "plain")
    plain.add([*names(300), "wanted"], WordVectors.concat([documents, away]))
    assert 300 not in plain.snapshot().find_candidates(query, 20)[0]
    assert 300 in index.snapshot().find_candidates(query, 20)[0]
    allowed = np.arange(0, 300, 2)
    found = index.snapshot().find_candidates(query, 20, allowed)[0]
    assert set(found.tolist()) <= set(allowed.tolist())
    assert 300 in index.snapshot().find_candidates(query, 20, np.array([1, 2, 300]))[0]
    index.delete(["wanted"])
    assert 300 not in index.snapshot().find_candidates(query, 20)[0]


def test_candidates_by_rare_words_are_few_and_come_once(make: Make) -> None:
    index, query = make(LEXICAL), texts([list(range(1, 20))], 9)
    index.add(names(300), some(300, 1))
    [found] = index.snapshot().find_candidates(query, 40)
    assert 40 <= len(found) <= 44
    assert len(set(found.tolist())) == len(found)


def test_a_common_word_has_no_list(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverted_lists, "MOST_LISTED", 3)
    index = make(LEXICAL)
    index.add(names(6), texts([[1, 2], [1, 2, 2], [1], [1, 9, 9], [], [0, 4_000_000_000]], 1))
    [segment] = index.snapshot().segments
    lists, ids = segment.inverted, np.array([1, 2, 9, 5, 4_000_000_000], np.uint32)
    assert lists.counts[lists.places(ids)[[0, 1, 2, 4]]].tolist() == [4, 2, 1, 1]
    documents, words = lists.listed(ids)
    assert list(zip(words.tolist(), documents.tolist(), strict=True)) == [(1, 0), (1, 1), (2, 3), (4, 5)]


@pytest.mark.parametrize("config", [EXACT, FLAT])
def test_without_a_weight_nothing_changes(make: Make, config: Any) -> None:
    index, query = make(config, summary_weight=0.3), texts([[3, 5, 9]], 9)
    index.add(names(40), some(40, 1))
    assert index.snapshot().lexical(query) is None
    assert not index.snapshot().score(query, np.arange(40)).lexical.any()


def test_vectors_without_word_ids_are_scored_without_the_part(make: Make) -> None:
    index, random = make(LEXICAL), np.random.default_rng(0)
    vectors: list[NDArray[np.float64]] = [random.standard_normal((3, 8)) for _ in range(5)]
    index.add(names(5), vectors)
    query = WordVectors.from_list(vectors[:1])
    assert not index.snapshot().score(query, np.arange(5)).lexical.any()
    assert len(index.snapshot().find_candidates(query, 3)[0]) == 3


def test_the_part_is_the_same_where_torch_scores_the_vectors(make: Make, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from wordhive.index.scoring.torch_scoring import TorchScoring

    index, query = make(LEXICAL, summary_weight=0.3), texts([[3, 5, 9]], 9)
    index.add(names(40), some(40, 1))
    expected = index.snapshot().score(query, np.arange(40))
    snapshot = index.snapshot()
    snapshot.files.scoring = TorchScoring("cpu")
    found = snapshot.score(query, np.arange(40))
    np.testing.assert_array_equal(found.lexical, expected.lexical)
    np.testing.assert_allclose(found.total, expected.total, atol=1e-5)


@pytest.mark.parametrize("given", [-0.1, float("nan"), float("inf"), "much", True, 101])
def test_a_weight_that_is_none_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match="lexical_weight"):
        IndexConfig(lexical_weight=given)


def test_a_weight_needs_word_ids() -> None:
    with pytest.raises(InputError, match="word_ids is false"):
        IndexConfig(lexical_weight=0.2, word_ids=False)


@pytest.mark.parametrize("most", [1, 3, 10, 39, 40, 100])
def test_documents_out_of_reach_may_be_left_out_but_never_one_of_the_best(make: Make, most: int) -> None:
    index = make({**LEXICAL, "lexical_weight": 0.1}, summary_weight=0.3)
    for first in range(0, 40, 20):
        index.add(names(20, first), some(20, first))
    left_out = 0
    for seed in range(20):
        query = texts([np.random.default_rng(seed).integers(1, 60, 5).tolist()], seed)
        every = index.snapshot().score(query, np.arange(40))
        found = index.snapshot().score(query, np.arange(40), most=most)
        left_out += 40 - len(found.rows)
        totals = dict(zip(found.rows.tolist(), found.total.tolist(), strict=True))
        best = np.argsort(-every.total, kind="stable")[:most]
        assert {row: totals.get(row) for row in every.rows[best].tolist()} == pytest.approx(
            dict(zip(every.rows[best].tolist(), every.total[best].tolist(), strict=True)), abs=1e-6
        )
    assert left_out or most > 10
