"""Tuning: the numbers of candidates and probes that are kept are the least that reach the target."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.candidates import search_width
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings.pseudo_queries import pseudo_queries
from wordhive.retrieval.searcher import Searcher
from wordhive.retrieval.tuning import tune

CONFIG = IndexConfig(
    codec="SQ8",
    encoding=FittedConfig(centroids=24, sample_words=200),
    reduction=ReductionConfig(dims=6, queries=200),
    candidates="SQ8",
)


def documents(n: int, seed: int, words: int = 6) -> WordVectors:
    random, total = np.random.default_rng(seed), n * words
    vectors = random.standard_normal((total, 12)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return WordVectors(vectors, np.arange(0, total + 1, words), random.integers(1, 9999, total).astype(np.uint32))


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
    asked = pseudo_queries(searcher.index.snapshot().sample(2048), 300, 8, 0, None)
    exact = searcher.search_vectors(asked, 5, candidates="all")
    some = searcher.search_vectors(asked, 5, candidates=found.candidates)
    hits = [len({hit.id for hit in a} & {hit.id for hit in b}) for a, b in zip(some, exact, strict=True)]
    assert sum(hits) / 1500 == pytest.approx(found.found, abs=1e-4)


def test_a_search_takes_what_was_tuned(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wordhive.index.reading.snapshot import Snapshot

    index = Index.open(path)
    asked: list[int] = []
    find = Snapshot.find_candidates

    def spied(self: Snapshot, queries: WordVectors, n: int, rows: object = None, **_: object) -> object:
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
    with pytest.raises(InputError, match="candidates is 0; expected a whole number from 1, or None"):
        empty.set_candidates(0)


def test_a_target_out_of_reach_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wordhive.retrieval import tuning

    monkeypatch.setattr(tuning, "_MOST", 20)
    with pytest.raises(InputError, match=r"20 candidates hold 0\.\d+ of the exact top 10, not 0.999; choose a lower"):
        tune(Searcher(Index.open(path)), 0.999)


@pytest.fixture(scope="module", params=["IVF40,SQ8", "HNSW4_SQ8"])
def probed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index in two segments whose lists, or graph, are searched too narrowly."""
    path = tmp_path_factory.mktemp("probed") / "x.hive"
    config = CONFIG.model_copy(update={"candidates": request.param, "reduction": None, "nprobe": 2, "ef_search": 1})
    index = Index.create(path, config)
    index.add([f"d{n}" for n in range(1500)], documents(1500, 1, 1))
    index.add([f"e{n}" for n in range(1600)], documents(1600, 2, 1))
    index.close()
    return path


def found_share(searcher: Searcher, candidates: int | None = None) -> float:
    """The share of the exact top 10 that searches find, for the queries that tuning asks."""
    sample = searcher.index.snapshot().sample(2048)
    asked = pseudo_queries(sample, 300, 8, 0, searcher.index.settings.query_length)
    exact = searcher.search_vectors(asked, 10, candidates="all")
    some = searcher.search_vectors(asked, 10, candidates=candidates)
    hits = [len({hit.id for hit in a} & {hit.id for hit in b}) for a, b in zip(some, exact, strict=True)]
    return sum(hits) / 3000


def test_lists_and_graphs_are_probed_as_little_as_reaches_the_target(
    probed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_width, "_SCANNED_A_PLACE", 1)  # or graphs so small are mostly scanned
    searcher = Searcher(Index.open(probed))
    searcher.index.set_candidates(None)
    first = tune(searcher, 0.9)
    assert found_share(Searcher(Index.open(probed))) == pytest.approx(first.found, abs=1e-3)
    assert first.found >= 0.9
    assert first.probes is not None
    assert list(first.probed) == sorted(first.probed)
    below = {probes: share for probes, share in first.probed.items() if probes < first.probes}
    assert max(below.values(), default=0.0) < 0.9
    assert first.curve[first.candidates] >= 0.95  # half of what may be missed is left to probing
    assert max((share for n, share in first.curve.items() if n < first.candidates), default=0.0) < 0.95
    searcher.index.set_candidates(first.candidates)  # as configured
    assert found_share(searcher) < 0.9
    higher = tune(searcher, 0.99)
    assert (higher.candidates, higher.probes) > (first.candidates, first.probes)
    assert found_share(searcher) >= 0.99


def test_probes_outlive_changes(probed: Path) -> None:
    index = Index.open(probed)
    index.set_candidates(30, 7)
    index.add(["more"], documents(1, 9))
    index.compact()
    again = Index.open(probed).settings
    assert (again.candidates, again.probes) == (30, 7)
    index.delete(["more"])
    for bad in (0, -3):
        with pytest.raises(InputError, match=f"probes is {bad}; expected a whole number from 1, or None"):
            index.set_candidates(30, bad)
    assert Index.open(probed).settings.probes == 7
    index.set_candidates(None)
    assert Index.open(probed).settings.probes is None


def test_a_scan_has_no_probes(path: Path) -> None:
    found = tune(Searcher(Index.open(path)), 0.9)
    assert (found.probes, found.probed) == (None, {})
    assert Index.open(path).settings.probes is None


def test_a_graph_that_is_scanned_is_tuned_as_a_scan(path: Path, tmp_path: Path) -> None:
    graph = Index.create(tmp_path / "x.hive", CONFIG.model_copy(update={"candidates": "HNSW4_SQ8"}))
    graph.add([f"d{n}" for n in range(1500)], documents(1500, 1))
    found, expected = (tune(Searcher(index), 0.9) for index in (graph, Index.open(path)))
    assert search_width._SCANNED_A_PLACE * expected.candidates >= 1500
    assert (found.candidates, found.found) == (expected.candidates, expected.found)
    assert found.probes is None


def test_an_index_without_probes_is_as_it_was_before_there_were_any(probed: Path, tmp_path: Path) -> None:
    index = Index.open(probed)
    index.set_candidates(30, 7)
    assert names(probed) - names(Index.create(tmp_path / "new", CONFIG).path) == {"probes"}
    index.set_candidates(30)
    assert "probes" not in names(probed)


def names(path: Path) -> set[str]:
    """The settings in a catalog."""
    with closing(sqlite3.connect(path / "catalog.db")) as catalog:
        return {name for (name,) in catalog.execute("SELECT name FROM setting")}


@pytest.mark.parametrize("n", [1, 9, 600, 1023])
def test_there_is_nothing_to_tune_before_there_is_a_first_stage(tmp_path: Path, n: int) -> None:
    index = Index.create(tmp_path / "x.hive", CONFIG)
    index.add([f"d{number}" for number in range(n)], documents(n, 1))
    with pytest.raises(InputError, match=rf"nothing to tune .* all of its {n:,} documents?; add more: from 1,024 on"):
        tune(Searcher(index), 0.9)
    assert Index.open(index.path).settings.candidates is None


@pytest.mark.parametrize("candidates", ["SQ8", "IVF8,SQ8"])
@pytest.mark.parametrize("n", [300, 1000])
def test_documents_without_a_first_stage_are_always_found(tmp_path: Path, n: int, candidates: str) -> None:
    index = Index.create(tmp_path / "x.hive", CONFIG.model_copy(update={"candidates": candidates, "nprobe": 8}))
    index.add([f"d{number}" for number in range(n)], documents(n, 1))
    index.add([f"e{number}" for number in range(1100)], documents(1100, 2))
    searcher = Searcher(index)
    index.set_candidates(None)
    found = tune(searcher, 0.9)
    asked = pseudo_queries(index.snapshot().sample(2048), 300, 8, 0, None)
    exact = searcher.search_vectors(asked, 10, candidates="all")
    for number in (10, 30, found.candidates):
        some = index.snapshot().find_candidates(asked, number, probes=8)
        ids = index.snapshot().ids()
        held = [len({hit.id for hit in best} & {ids[row] for row in rows.tolist()})
                for best, rows in zip(exact, some, strict=True)]  # fmt: skip
        assert sum(held) / 3000 == pytest.approx(found.curve[number], abs=1e-3)


def test_where_only_documents_without_a_first_stage_are_left_it_says_to_compact(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "x.hive", CONFIG)
    index.add([f"d{number}" for number in range(900)], documents(900, 1))
    index.add([f"e{number}" for number in range(200)], documents(200, 2))
    index.delete([f"e{number}" for number in range(200)])
    with pytest.raises(InputError, match="all of its 900 documents; compact it"):
        tune(Searcher(index), 0.9)
    index.compact()
    assert tune(Searcher(index), 0.9).curve[900] == 1
