"""The fast scan against products with decoded codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import IndexConfig, threads
from wordhive.index.candidates import fast_scan
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.candidates.fast_scan import FastScan

N, DIM = 700, 32


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, DIM)).astype(np.float32)


def built(factory: str = "PQ{dims}x4", n: int = N) -> CandidateIndex:
    index = CandidateIndex.train(IndexConfig(candidates=factory), vectors(N))
    index.add(vectors(n))
    return index


def slow(index: CandidateIndex, queries: NDArray[np.float32]) -> NDArray[np.float32]:
    return queries @ np.concatenate(list(index._faiss.decoded())).T


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_scan, "_LEAST_DOCUMENTS", 200)
    monkeypatch.setattr(threads, "threads", lambda: 3)


@pytest.mark.parametrize("factory", ["PQ{dims}x4", "PQ{dims/2}x4", "PQ8x4"])
@pytest.mark.parametrize("n_queries", [1, 3])
def test_scores_are_products_with_what_is_stored(factory: str, n_queries: int) -> None:
    index, queries = built(factory), vectors(n_queries, 2)
    scores, numbers = index.search(queries, N)
    assert (np.sort(numbers, axis=1) == np.arange(N)).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    expected = slow(index, queries)
    np.testing.assert_allclose(scores, np.take_along_axis(expected, numbers, 1), atol=0.02 * np.ptp(expected))


@pytest.mark.parametrize("n_queries", [1, 3])
@pytest.mark.parametrize("n", [1, 50, 699])
@pytest.mark.usefixtures("in_parts")
def test_parts_find_what_the_whole_finds(monkeypatch: pytest.MonkeyPatch, n_queries: int, n: int) -> None:
    index, queries = built(), vectors(n_queries, 2)
    parts = FastScan(index._faiss.index)
    monkeypatch.setattr(fast_scan, "_LEAST_DOCUMENTS", N)
    whole = FastScan(index._faiss.index)
    assert (len(parts._parts), len(whole._parts)) == (3, 1)
    for found, expected in zip(parts.search(queries, n), whole.search(queries, n), strict=True):
        assert found.shape == (n_queries, n)
        np.testing.assert_allclose(found, expected)


def test_equal_documents_come_by_number() -> None:
    index = CandidateIndex.train(IndexConfig(candidates="PQ{dims}x4"), vectors(N))
    index.add(np.repeat(vectors(1), 90, axis=0))
    _, numbers = index.search(vectors(1, 2), 90)
    assert numbers.tolist() == [list(range(90))]


@pytest.mark.parametrize("most_asked", [0, 10_000])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
@pytest.mark.usefixtures("in_parts")
def test_allowed_documents_are_found_as_if_they_were_all(
    monkeypatch: pytest.MonkeyPatch, most_asked: int, share: float
) -> None:
    monkeypatch.setattr(fast_scan, "_MOST_SEARCHED", most_asked)
    index, queries = built(), vectors(3, 2)
    allowed = np.random.default_rng(3).random(N) < share
    n = min(40, int(allowed.sum()))
    scores, numbers = index.search(queries, n, allowed)
    every, order = index.search(queries, N)
    for query in range(3):
        kept = allowed[order[query]]
        np.testing.assert_allclose(scores[query], every[query][kept][:n])
        assert allowed[numbers[query]].all()
        assert len(set(numbers[query].tolist())) == n


def test_allowed_documents_that_are_all_far_away_are_found() -> None:
    index, queries = built(), vectors(1, 2)
    _, order = index.search(queries, N)
    allowed = np.zeros(N, np.bool_)
    allowed[order[0, 200:]] = True  # many, but none of the first 200
    _, numbers = index.search(queries, 100, allowed)
    assert numbers[0].tolist() == order[0, 200:300].tolist()


def test_what_is_added_after_a_search_is_found() -> None:
    index = built(n=10)
    assert index.search(vectors(1), 100)[1].shape == (1, 10)
    index.add(vectors(5, 9))
    assert set(index.search(vectors(1), 100)[1][0].tolist()) == set(range(15))


def test_a_mapped_index_finds_the_same(tmp_path: Path) -> None:
    index, queries = built(), vectors(2, 2)
    index.save(tmp_path / "x")
    mapped = CandidateIndex.load(
        tmp_path / "x", IndexConfig(candidates="PQ{dims}x4"), queries.shape[1], len(index), mapped=True
    )
    for found, expected in zip(mapped.search(queries, 30), index.search(queries, 30), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_only_4_bit_codes_are_packed() -> None:
    assert built("PQ8x4")._faiss.has_fast_scan
    assert not built("PQ8x8")._faiss.has_fast_scan
    assert not built("SQ4")._faiss.has_fast_scan
