from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, InputError, MuveraConfig, WordVectors
from wordhive.index.filters.conditions import Where
from wordhive.index.reading import filter_cache
from wordhive.retrieval.searcher import Searcher

Draw = Callable[..., WordVectors]
N = 200


def filled(path: Path, draw: Draw, candidates: str) -> Index:
    encoding = MuveraConfig(repetitions=8, bits=2, projection_dim=4)
    index = Index.create(
        path, IndexConfig(codec="Flat", summary_codec="Flat", encoding=encoding, candidates=candidates, nprobe=1)
    )
    documents = draw(1, [3, 1, 4] * N)
    attributes: list[dict[str, Any]] = [{"number": n, "even": n % 2 == 0, "tags": [f"t{n % 7}"]} for n in range(3 * N)]
    for part in np.array_split(np.arange(3 * N), 3):
        index.add([f"d{n:03}" for n in part], documents.take(part), None, [attributes[n] for n in part])
    return index


@pytest.fixture
def draw() -> Draw:
    def drawn(seed: int, counts: list[int]) -> WordVectors:
        vectors = np.random.default_rng(seed).standard_normal((sum(counts), 8)).astype(np.float32)
        return WordVectors.from_list(np.split(vectors, np.cumsum(counts)[:-1]))

    return drawn


@pytest.mark.parametrize("candidates", ["Flat", "SQ8", "IVF4,SQ8", "HNSW8_SQ8"])
@pytest.mark.parametrize(
    ("where", "matching"),
    [
        ({"number": {"$lt": 300}}, 300),
        ({"even": True, "number": {"$gte": 400}}, 100),
        ({"tags": "t3"}, 86),
        ({"number": {"$in": [7, 8, 9]}}, 3),
        ({"number": 5}, 1),
        ({"number": 1000}, 0),
        ({}, 3 * N),
    ],
)
def test_a_filtered_search_finds_k_of_those_that_match(
    tmp_path: Path, draw: Draw, candidates: str, where: Where, matching: int
) -> None:
    searcher, queries = Searcher(filled(tmp_path / "x", draw, candidates)), draw(2, [3, 2])
    exact = searcher.search_vectors(queries, 3 * N, candidates="all")
    allowed = {searcher.index.snapshot().ids()[int(row)] for row in searcher.index.snapshot().matching(where)}
    assert len(allowed) == matching
    for number in (10, 50, 3 * N):
        for hits, all_hits in zip(
            searcher.search_vectors(queries, 10, candidates=number, where=where), exact, strict=True
        ):
            wanted = [hit.id for hit in all_hits if hit.id in allowed][:10]
            assert len(hits) == len(wanted)
            assert {hit.id for hit in hits} <= allowed
            if matching <= number:
                assert [hit.id for hit in hits] == wanted
    found = searcher.search_vectors(queries, 10, candidates="all", where=where)
    assert [[hit.id for hit in hits] for hits in found] == [
        [hit.id for hit in hits if hit.id in allowed][:10] for hits in exact
    ]


def test_a_filter_lets_no_deleted_document_through(tmp_path: Path, draw: Draw) -> None:
    index, queries = filled(tmp_path / "x", draw, "SQ8"), draw(2, [3])
    assert index.delete(where={"number": {"$lt": 5}}) == 5
    index.upsert(["d007"], draw(3, [2]), None, [{"number": 2000}])
    hits = Searcher(index).search_vectors(queries, 30, where={"number": {"$lt": 10}})[0]
    assert sorted(hit.id for hit in hits) == ["d005", "d006", "d008", "d009"]
    assert len(Searcher(index).search_vectors(queries, 900, candidates=700)[0]) == 595


def test_a_filter_that_is_none_deletes_nothing(tmp_path: Path, draw: Draw) -> None:
    index = filled(tmp_path / "x", draw, "SQ8")
    with pytest.raises(InputError, match=r"\$bigger"):
        index.delete(where={"number": {"$bigger": 5}})
    with pytest.raises(InputError, match="either ids or where"):
        index.delete()
    with pytest.raises(InputError, match="either ids or where"):
        index.delete(["d001"], where={})
    assert len(index) == 3 * N


def test_a_snapshot_remembers_its_last_filters_and_only_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_cache, "_KEPT_FILTERS", 2)
    index = Index.create(tmp_path / "x", IndexConfig(encoding=None))
    index.add(["a", "b", "c"], [np.ones((1, 4))] * 3, attributes=[{"n": 1}, {"n": 2}, {"n": True}])
    now = index.snapshot()
    asked: list[Any] = []
    matching = now.catalog.matching
    monkeypatch.setattr(now.catalog, "matching", lambda where: asked.append(where) or matching(where))
    assert now.matching({"n": 1}).tolist() == [0]
    assert now.matching({"n": True}).tolist() == [2]
    assert now.matching({"n": 1}).tolist() == [0]
    assert len(asked) == 2
    assert now.matching({"n": 2}).tolist() == [1]
    assert now.matching({"n": True}).tolist() == [2]  # forgotten by now
    assert len(asked) == 4
    index.delete(["a"])
    assert index.snapshot().matching({"n": 1}).tolist() == []
