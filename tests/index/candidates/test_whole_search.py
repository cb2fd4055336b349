"""A first stage finds as many documents as are asked for, or all that there are, whatever the query is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, MuveraConfig, WordVectors
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.candidates.fast_scan import FastScan

from ..conftest import Draw, names

N, DIM = 300, 16
SCANS = ["Flat", "SQ8", "SQfp16", "PQ4x4", "PQ8x4", "PQ{dims}x4", "PQ4x4fs", "PQ4x8", "RaBitQ", "RaBitQ4"]
LISTS = ["IVF8,SQ8", "IVF8,PQ4x4", "IVF8,PQ4x4fs", "IVF8,RaBitQ8", "PCA8,IVF8,SQ8", "IVF8,SQ8,RFlat"]
GRAPHS = ["HNSW4,Flat", "HNSW4_SQ8", "HNSW4_PQ4x8", "PCA8,HNSW4,Flat"]
QUERIES = {"ordinary": 1.0, "of zeros": 0.0, "tiny": 1e-38, "large": 60_000.0}


def vectors(n: int, seed: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((n, DIM)).astype(np.float32)


def build(factory: str, n: int = N, **settings: Any) -> CandidateIndex:
    config = IndexConfig(candidates=factory, **{"nprobe": 1, "ef_search": 1, **settings})
    index = CandidateIndex.train(config, vectors(N))
    index.add(vectors(n))
    return index


@pytest.mark.parametrize("kind", QUERIES)
@pytest.mark.parametrize("factory", SCANS + LISTS + GRAPHS)
def test_as_many_documents_are_found_as_are_asked_for(factory: str, kind: str) -> None:
    index, queries = build(factory), vectors(40, seed=2) * np.float32(QUERIES[kind])
    allowed = np.random.default_rng(3).random(N) < 0.5
    for among in (None, np.ones(N, np.bool_), allowed):
        most = N if among is None else int(among.sum())
        for n in (1, 20, most):
            scores, numbers = index.search(queries, n, among)
            assert numbers.shape == (40, n)
            assert np.isfinite(scores).all()
            assert (np.diff(scores, axis=1) <= 1e-4 * np.ptp(scores)).all()
            assert all(len(set(row)) == n for row in numbers.tolist())
            assert numbers.min() >= 0
            assert among is None or among[numbers].all()


@pytest.mark.parametrize("copies", [1, 3])
def test_documents_that_are_worst_in_every_part_are_found_last(copies: int) -> None:
    index = build("PQ4x4", n=0)
    index.add(np.repeat(vectors(N), copies, axis=0))
    decoded = np.concatenate(list(index._faiss.decoded()))
    queries = -decoded[:100]
    parts = FastScan(index._faiss.index)._scanned(queries, len(index))[1]
    assert (parts < 0).any()  # or FAISS has no such documents any more, and all this is for nothing
    scores, numbers = index.search(queries, len(index))
    exact = np.take_along_axis(queries @ decoded.T, numbers, axis=1)
    np.testing.assert_allclose(scores, exact, atol=0.02 * np.ptp(exact))
    assert (np.sort(numbers, axis=1) == np.arange(len(index))).all()


@pytest.mark.parametrize("parts", [256, 257, 258, 512, 600])
def test_the_best_document_of_many_parts_comes_first(parts: int) -> None:
    """FAISS's sums of 16 bits begin at 0 again where more than 257 entries are as large as can be."""
    random = np.random.default_rng(1)
    sample = random.choice([-1, 1], (400, parts)) * random.uniform(0.9, 1.1, (400, parts))
    index = CandidateIndex.train(IndexConfig(candidates="PQ{dims}x4"), sample.astype(np.float32))
    index.add(sample.astype(np.float32))
    queries = np.sign(sample[:3]).astype(np.float32)
    assert index.search(queries, 5)[1][:, 0].tolist() == [0, 1, 2]
    assert index.search(queries[:1], 400)[1][0, 0] == 0
    assert index.search(queries, 5, np.arange(400) < 50)[1][:, 0].tolist() == [0, 1, 2]


def test_a_usual_query_of_many_parts_is_scanned_fast() -> None:
    sample = np.random.default_rng(1).standard_normal((400, 512)).astype(np.float32)
    index = CandidateIndex.train(IndexConfig(candidates="PQ{dims}x4"), sample)
    index.add(sample)
    assert FastScan(index._faiss.index)._fits_sums(sample[:50]).all()


def test_free_places_come_last_whatever_their_score(monkeypatch: pytest.MonkeyPatch) -> None:
    index, queries = build("PQ4x4"), vectors(2, seed=2)
    scan = FastScan(index._faiss.index)
    real = scan._parts[0]

    class Holes:
        ntotal = N

        @staticmethod
        def search(queries: NDArray[np.float32], n: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
            scores, numbers = real.search(queries, n)
            numbers[:, 0], scores[:, 0] = -1, scores.max() + 1
            return scores, numbers

    monkeypatch.setattr(scan, "_parts", [Holes])
    _, numbers = scan._scanned(queries, 5)
    assert (numbers[:, -1] == -1).all()
    assert (numbers[:, :-1] >= 0).all()
    assert (scan.search(queries, 5)[1] >= 0).all()


@pytest.mark.parametrize("candidates", ["PQ{dims}x4", "PQ4x4", "IVF4,SQ8", "HNSW4_SQ8", "SQ8", "RaBitQ4"])
def test_an_index_finds_documents_for_any_query(tmp_path: Path, draw: Draw, candidates: str) -> None:
    encoding = MuveraConfig(repetitions=2, bits=2, projection_dim=4)
    index = Index.create(tmp_path / "my.hive", IndexConfig(candidates=candidates, encoding=encoding, nprobe=1))
    index.add(names(30), draw(1, [3, 0, 5] * 10))
    index.add(names(10, 30), draw(2, [2] * 10))
    without_words = draw(3, [0])
    of_zeros = WordVectors.from_list([np.zeros((4, without_words.dim))])
    for query in (without_words, of_zeros, draw(3, [4])):
        for n in (1, 7, 40):
            assert len(index.snapshot().find_candidates(query, n)[0]) == n
        every = index.snapshot().find_candidates(query, 20, np.arange(30))
        assert len(every[0]) == 20
