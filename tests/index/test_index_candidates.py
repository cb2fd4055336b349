"""Candidates of an index, and searches from several threads."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.faiss import faiss_library

from .conftest import COUNTS, EXACT, FLAT, Draw, Make, SlowScores, add_in_parts, all_scores, names


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "HNSW32_SQ8", "HNSW16,SQ8", "IVF4,SQ8"])
def test_asking_for_all_candidates_finds_every_document(make: Make, draw: Draw, candidates: str) -> None:
    index = make({"candidates": candidates})
    index.add(names(24), draw(1, [*COUNTS] * 4))
    index.add(names(6, 24), draw(3, COUNTS))
    found = index.snapshot().find_candidates(draw(2, [3, 5]), 30)
    assert [sorted(rows.tolist()) for rows in found] == [list(range(30))] * 2


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "HNSW32_SQ8"])
def test_a_document_is_the_first_candidate_for_its_own_words(make: Make, draw: Draw, candidates: str) -> None:
    documents = draw(1, [4] * 12, dim=16)
    index = make({"candidates": candidates, "encoding": MuveraConfig(repetitions=8, bits=3, projection_dim=None)})
    index.add(names(12), documents)
    assert [rows[0] for rows in index.snapshot().find_candidates(documents, 3)] == list(range(12))


def test_candidates_come_in_the_order_of_their_inner_products(make: Make, draw: Draw) -> None:
    index, documents, query = make(FLAT), draw(1, COUNTS), draw(2, [4])
    index.add(names(6), documents)
    encoding = index.snapshot().parameters(1).encoding
    assert encoding is not None
    products = (encoding.encode_queries(query) @ encoding.encode_documents(documents).T)[0]
    assert index.snapshot().find_candidates(query, 4)[0].tolist() == np.argsort(-products, kind="stable")[:4].tolist()


def test_summaries_find_candidates_too(make: Make, draw: Draw) -> None:
    index, documents, queries = make(FLAT, summary_weight=0.95), draw(1, [3] * 8, 8, 4), draw(2, [3] * 8)
    index.add(names(8), documents)
    alike = WordVectors(queries.vectors, queries.offsets, queries.word_ids, documents.summary)
    assert [rows[0] for rows in index.snapshot().find_candidates(alike, 3)] == list(range(8))


@pytest.mark.parametrize("n", [0, 1, 4, 7])
def test_no_more_candidates_are_found_than_asked_for(make: Make, draw: Draw, n: int) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(3, [2, 3]))
    assert [len(rows) for rows in index.snapshot().find_candidates(draw(2, [3, 5]), n)] == [n, n]


def test_an_empty_index_has_no_candidates(make: Make, draw: Draw) -> None:
    assert [len(rows) for rows in make().snapshot().find_candidates(draw(2, [3, 5]), 4)] == [0, 0]


def test_a_query_without_words_finds_candidates(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    assert len(index.snapshot().find_candidates(draw(2, [0]), 6)[0]) == 6


def test_documents_without_any_word_can_be_added(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    index.add(names(2, 6), draw(1, [0, 0]))
    assert len(index) == 8


def test_an_index_without_first_stage_has_no_candidates(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    with pytest.raises(InputError, match=r"no first stage.*candidates='all'"):
        index.snapshot().find_candidates(draw(2, [3]), 4)


def test_an_index_without_first_stage_scores_all(make: Make, draw: Draw, slow_scores: SlowScores) -> None:
    index, queries, documents = make(EXACT), draw(2, [3, 5]), draw(1, COUNTS)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(index, queries), slow_scores(queries, documents), atol=0.03)


def test_an_index_without_first_stage_stores_no_candidates(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    assert index.info().bytes["candidates"] == 0


def test_a_gpu_that_is_not_there_is_named_before_anything_is_made(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(faiss_library.faiss(), "StandardGpuResources", raising=False)
    for use in (lambda: make(device="cuda"), lambda: Index.open(make().path, device="cuda")):
        with pytest.raises(WordhiveError, match="device 'cuda' was asked for"):
            use()
        shutil.rmtree(tmp_path / "my.hive", ignore_errors=True)


@pytest.mark.parametrize("candidates", ["Flat", "HNSW32_SQ8"])
def test_searches_from_several_threads_give_what_one_gives(make: Make, draw: Draw, candidates: str) -> None:
    index = make({"candidates": candidates}, summary_weight=0.3)
    add_in_parts(index, draw(1, COUNTS * 4, summary_dim=4), [6, 15])
    queries = [draw(seed, [1 + seed % 5], summary_dim=4) for seed in range(40)]
    serial = [answer(index, query) for query in queries]
    fresh = Index.open(index.path)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: answer(fresh, query), queries)) == serial


def answer(index: Index, query: WordVectors) -> tuple[list[int], list[float], list[str]]:
    rows = index.snapshot().find_candidates(query, 8)[0]
    documents = index.snapshot().documents(sorted(rows.tolist()))
    return rows.tolist(), index.snapshot().score(query, rows).total.tolist(), [found.id for found in documents.values()]


def test_the_dimension_of_first_stage_vectors_is_estimated(draw: Draw, tmp_path: Path) -> None:
    encoding = MuveraConfig(repetitions=1, bits=0, projection_dim=None)
    index = Index.create(tmp_path / "a", IndexConfig(encoding=encoding, candidates="Flat"))
    assert index.intrinsic_dimension() is None
    index.add([f"a{n}" for n in range(400)], draw(1, [1] * 400))
    assert index.intrinsic_dimension() is None  # too few to tell
    index.add([f"b{n}" for n in range(2000)], draw(2, [1] * 2000))
    found = Index.open(tmp_path / "a").intrinsic_dimension()
    assert found == pytest.approx(7, abs=1.5)  # unit vectors in 8 dims
    exact = Index.create(tmp_path / "b", IndexConfig(encoding=None))
    exact.add(["x"], draw(1, [1]))
    assert exact.intrinsic_dimension() is None
