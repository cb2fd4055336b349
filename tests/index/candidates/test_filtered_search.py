"""The first stage among the documents that a filter allows, against the search of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import IndexConfig, InputError
from wordhive.index.candidates import search_width
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.faiss import faiss_index, faiss_library

SCANS = ["Flat", "SQ8", "SQ4", "SQfp16", "RaBitQ", "PQ4x4", "PQ{dims/8}x8"]
OTHERS = ["OPQ4,PQ4x4", "PCA8,SQ8", "OPQ4,IVF4,PQ4x4", "RQ2x4", "PQ4x4fs", "PQ4x4,RFlat"]
GRAPHS = ["HNSW16_SQ8", "HNSW16_PQ4x8", "HNSW16,Flat"]
LISTS = ["IVF8,SQ8", "IVF8,Flat", "IVF8,PQ4x4", "IVF8,RaBitQ"]
N, DIM = 400, 16


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, DIM)).astype(np.float32)


def build(factory: str, **settings: Any) -> CandidateIndex:
    index = CandidateIndex.train(IndexConfig(candidates=factory, **{"nprobe": 8, **settings}), vectors(N))
    index.add(vectors(N))
    return index


def draw(n: int) -> NDArray[np.bool_]:
    allowed = np.zeros(N, np.bool_)
    allowed[np.random.default_rng(n).choice(N, n, replace=False)] = True
    return allowed


def slow(
    index: CandidateIndex, queries: NDArray[np.float32], n: int, allowed: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The best scores of those that are allowed: of all products with decoded vectors, or of a search for all."""
    library = faiss_library.faiss()
    if isinstance(index._faiss.index, (library.IndexHNSW, library.IndexRefine, library.IndexPQFastScan)):
        scores = queries @ np.concatenate(list(index._faiss.decoded())).T
    else:
        found, numbers = index.search(queries, N)
        scores = np.empty_like(found)
        np.put_along_axis(scores, numbers, found, axis=1)
    return -np.sort(-scores[:, allowed], axis=1)[:, :n]


def check(index: CandidateIndex, n: int, n_allowed: int) -> None:
    queries, allowed = vectors(3, seed=2), draw(n_allowed)
    scores, numbers = index.search(queries, n, allowed)
    assert scores.shape == numbers.shape == (3, min(n, n_allowed))
    assert (scores.dtype, numbers.dtype) == (np.float32, np.int64)
    assert allowed[numbers].all()
    assert all(len(set(row)) == len(row) for row in numbers.tolist())
    np.testing.assert_allclose(scores, slow(index, queries, n, allowed), atol=1e-3)


@pytest.mark.parametrize("n_allowed", [399, 200, 40, 7, 1, 0])
@pytest.mark.parametrize("factory", SCANS + OTHERS + GRAPHS + LISTS)
def test_the_best_of_those_allowed_are_found(factory: str, n_allowed: int) -> None:
    index = build(factory)
    for n in (1, 10, N):
        check(index, n, n_allowed)


@pytest.mark.parametrize("links", ["euclidean", "inner-product"])
@pytest.mark.parametrize("n_allowed", [399, 200, 40, 7, 1])
@pytest.mark.parametrize("factory", GRAPHS)
def test_a_graph_that_is_walked_finds_as_many(
    factory: str, n_allowed: int, links: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_width, "_SCANNED_A_PLACE", 0)
    index = build(factory, ef_search=30, links=links)
    queries, allowed = vectors(20, seed=2), draw(n_allowed)
    for n in (1, 10, N):
        scores, numbers = index.search(queries, n, allowed)
        assert numbers.shape == (20, min(n, n_allowed))
        assert allowed[numbers].all()
        worst = slow(index, queries, n, allowed)[:, -1:]
        assert (scores >= worst - 1e-3).mean() > 0.8


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The beams of graphs and the numbers of lists that FAISS was asked for."""
    library, asked = faiss_library.faiss(), []
    graph, lists = library.SearchParametersHNSW, library.SearchParametersIVF
    monkeypatch.setattr(library, "SearchParametersHNSW", lambda **how: asked.append(how["efSearch"]) or graph(**how))
    monkeypatch.setattr(library, "SearchParametersIVF", lambda **how: asked.append(how["nprobe"]) or lists(**how))
    return asked


def test_a_graph_is_walked_where_that_is_faster(widths: list[int]) -> None:
    index = build("HNSW16_SQ8", ef_search=2)
    for n_allowed in (400, 399, 200, 100, 1):
        index.search(vectors(3, seed=2), 1, draw(n_allowed))
    # 200 of 400 allowed: a beam of 4, and 30 · 4 < 200; of 100: a beam of 8, and 30 · 8 > 100.
    assert widths == [2, 2, 4]


def test_as_many_lists_are_visited_as_it_takes(widths: list[int]) -> None:
    index = build("IVF8,SQ8", nprobe=2)
    for n_allowed, n in ((200, 3), (300, 3), (100, 3), (10, 3), (200, 200)):
        assert index.search(vectors(3, seed=2), n, draw(n_allowed))[1].min() >= 0
    assert widths == [4, 3, 8, 8, 4, 8]


def test_a_filtered_search_is_as_wide_as_it_is_asked_to_be(widths: list[int]) -> None:
    lists, graph = build("IVF8,SQ8", nprobe=1), build("HNSW16_SQ8", ef_search=1)
    lists.search(vectors(3, seed=2), 3, draw(300), probes=3)
    graph.search(vectors(3, seed=2), 1, draw(399), probes=5)
    assert widths == [4, 5]


@pytest.mark.parametrize("factory", ["SQ8", "PQ4x4", "HNSW16_SQ8", "HNSW16_PQ4x8", "IVF8,SQ8"])
@pytest.mark.parametrize("mapped", [True, False])
def test_an_index_read_back_finds_the_same(tmp_path: Path, factory: str, mapped: bool) -> None:
    index, queries, allowed = build(factory), vectors(3, seed=2), draw(50)
    index.save(tmp_path / "candidates.faiss")
    config = IndexConfig(candidates=factory, nprobe=8)
    again = CandidateIndex.load(tmp_path / "candidates.faiss", config, DIM, len(index), mapped=mapped)
    np.testing.assert_array_equal(again.search(queries, 9, allowed)[1], index.search(queries, 9, allowed)[1])


@pytest.mark.parametrize("numbers", [1, DIM * 7, 10**9])
def test_what_takes_no_selector_is_decoded_block_by_block(monkeypatch: pytest.MonkeyPatch, numbers: int) -> None:
    monkeypatch.setattr(faiss_index, "_DECODED_NUMBERS", numbers)
    check(build("RQ2x4"), 10, 60)


@pytest.mark.parametrize("factory", SCANS + OTHERS + GRAPHS + LISTS)
def test_everything_allowed_is_no_filter(factory: str) -> None:
    index, queries = build(factory, nprobe=1), vectors(3, seed=2)
    np.testing.assert_array_equal(index.search(queries, N, np.ones(N, np.bool_))[1], index.search(queries, N)[1])


def test_as_many_must_be_allowed_or_not_as_there_are() -> None:
    with pytest.raises(InputError, match="3 documents are allowed or not, of 400; expected one each"):
        build("Flat").search(vectors(1), 5, np.array([True, False, True]))


def test_many_queries_are_many_searches() -> None:
    index, queries, allowed = build("SQ8"), vectors(600, seed=3), draw(30)
    np.testing.assert_array_equal(
        index.search(queries, 5, allowed)[1], np.concatenate([index.search(q[None], 5, allowed)[1] for q in queries])
    )
