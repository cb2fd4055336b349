"""Tuning: the number of candidates that is kept is the least that reaches the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.tuning import tune

CONFIG = IndexConfig(
    codec="SQ8",
    encoding=FittedConfig(centroids=24, sample_words=200),
    reduction=ReductionConfig(dims=6, queries=200),
    candidates="SQ8",
)


def documents(n: int, seed: int) -> WordVectors:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((n * 6, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return WordVectors(vectors, np.arange(0, n * 6 + 1, 6), random.integers(1, 9999, n * 6).astype(np.uint32))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tuned") / "x.hive"
    index = Index.create(path, CONFIG)
    index.add([f"d{n}" for n in range(1500)], documents(1500, 1))
    index.close()
    return path


def test_the_least_number_that_reaches_the_target_is_kept(path: Path) -> None:
    searcher = Searcher(Index.open(path))
    found = tune(searcher, 0.9)
    assert found.found >= 0.9
    below = [share for n, share in found.curve.items() if n < found.candidates]
    assert below
    assert max(below) < 0.9
    assert list(found.curve.values()) == sorted(found.curve.values())
    assert found.curve[1500] == 1.0
    assert Index.open(path).settings.candidates == searcher.index.settings.candidates == found.candidates
    higher = tune(searcher, 0.99)
    assert higher.candidates > found.candidates
    assert higher.curve == found.curve


def test_shares_are_those_that_searches_find(path: Path) -> None:
    searcher = Searcher(Index.open(path))
    found = tune(searcher, 0.9, k=5)
    from wordhive.index.encodings.fused import pseudo_queries

    asked = pseudo_queries(searcher.index.snapshot().sample(2048), 300, 8, 0, None)
    exact = searcher.search_vectors(asked, 5, candidates="all")
    some = searcher.search_vectors(asked, 5, candidates=found.candidates)
    hits = [len({hit.id for hit in a} & {hit.id for hit in b}) for a, b in zip(some, exact, strict=True)]
    assert sum(hits) / 1500 == pytest.approx(found.found, abs=1e-4)


def test_a_search_takes_what_was_tuned(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wordhive.index.snapshot import Snapshot

    index = Index.open(path)
    asked: list[int] = []
    find = Snapshot.find_candidates

    def spied(self: Snapshot, queries: WordVectors, n: int, rows: object = None) -> object:
        asked.append(n)
        return find(self, queries, n)

    monkeypatch.setattr(Snapshot, "find_candidates", spied)
    query = documents(1, 5)
    for tuned, n, k in ((70, 70, 10), (None, 1000, 10), (70, 90, 90)):
        index.set_candidates(tuned)
        Searcher(index).search_vectors(query, k)
        assert asked.pop() == n
    Searcher(index).search_vectors(query, 10, candidates=40)
    assert asked == [40]


def test_what_cannot_be_tuned_is_refused(path: Path, tmp_path: Path) -> None:
    searcher = Searcher(Index.open(path))
    before = searcher.index.settings.candidates
    for target in (0.0, 1.1, -1.0):
        with pytest.raises(InputError, match="expected a share of the exact top 10, above 0 and up to 1"):
            tune(searcher, target)
    with pytest.raises(InputError, match="there are no queries; give some, or leave them out"):
        tune(searcher, queries=[])
    with pytest.raises(InputError, match="this searcher has no encoder"):
        tune(searcher, queries=["bee"])
    assert Index.open(path).settings.candidates == before
    exact = Index.create(tmp_path / "exact.hive", "exact")
    with pytest.raises(InputError, match=r"has no first stage .* nothing to tune"):
        tune(Searcher(exact))
    empty = Index.create(tmp_path / "empty.hive", CONFIG)
    with pytest.raises(InputError, match="holds no documents; add some before it is tuned"):
        tune(Searcher(empty))
    with pytest.raises(InputError, match="candidates is 0; expected a number from 1, or None"):
        empty.set_candidates(0)


def test_a_target_out_of_reach_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wordhive.retrieval import tuning

    monkeypatch.setattr(tuning, "_MOST", 20)
    with pytest.raises(InputError, match=r"20 candidates hold 0\.\d+ of the exact top 10, not 0.999; choose a lower"):
        tune(Searcher(Index.open(path)), 0.999)
