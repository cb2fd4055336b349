"""Filtered search on a collection: numbers worked out by hand, and an index that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.eval.bench import filters as filter_bench
from wordhive.eval.bench.filters import SELECTIVITIES, bench, draw
from wordhive.eval.collections.collection import Collection
from wordhive.index import InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Hit
from wordhive.retrieval.shards import write_shards


def test_draws_are_even_and_by_id() -> None:
    draws = np.array([draw(str(n)) for n in range(20_000)])
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(np.mean(draws < 0.1) - 0.1) < 0.01
    assert draw("7") == draws[7]


class _Searcher:
    """Finds what it was told to."""

    def __init__(self, found: list[list[Hit]], exact: list[list[Hit]]) -> None:
        self.found, self.exact = found, exact
        self.index = type("Index", (), {"path": Path("x.hive")})
        self.asked: list[tuple[int, Any]] = []

    def search_vectors(self, queries: Any, k: int, *, candidates: Any, where: Any) -> list[list[Hit]]:
        self.asked.append((k, where))
        return self.exact if candidates == "all" else self.found


def _hits(**scores: float) -> list[Hit]:
    return [Hit(id, score, score, 0.0) for id, score in scores.items()]


def _measure(found: list[list[Hit]], exact: list[list[Hit]], n_matching: int) -> filter_bench.Filtered:
    searcher: Any = _Searcher(found, exact)
    queries: Any = np.zeros((len(found), 1))
    measured = filter_bench.measure(searcher, queries, 0.1, n_matching, 3, None)
    assert {str(where) for _, where in searcher.asked} == {"{'u': {'$lt': 0.1}}", "None"}
    return measured


def test_shares_are_those_worked_out_by_hand() -> None:
    best = _hits(a=3, b=2, c=1)
    measured = _measure([best, _hits(a=3, x=1, y=0.5), _hits(a=3)], [best] * 3, 7)
    assert (measured.n_matching, measured.hits) == (7, round(7 / 3, 3))
    assert measured.complete == round(2 / 3, 4)
    assert measured.overlap == round((1 + 2 / 3 + 1 / 3) / 3, 4)  # x ties with c
    assert measured.latency_ratio > 0


def test_nothing_to_find_is_all_found() -> None:
    measured = _measure([[], []], [[], []], 0)
    assert (measured.hits, measured.complete, measured.overlap) == (0, 1, 1)


def test_an_index_without_the_numbers_is_named() -> None:
    with pytest.raises(InputError, match=r"x.hive was not made to measure filters .*'u'.*; choose another folder"):
        _measure([[]], [[]], 2)


def test_a_small_collection_is_searched_wholly(collection: Collection, encoder: Encoder, tmp_path: Path) -> None:
    measured: list[filter_bench.Filtered] = []
    found = bench(collection, tmp_path / "f.hive", model=encoder, k=5, on_measured=measured.append)
    assert found.filters == measured
    assert [one.selectivity for one in found.filters] == list(SELECTIVITIES)
    assert (found.n_documents, found.n_queries, found.k) == (60, 3, 5)
    draws = [draw(f"d{n}") for n in range(60)]
    for one in found.filters:
        assert one.n_matching == sum(value < one.selectivity for value in draws)
        assert (one.complete, one.overlap) == (1, 1)
        assert one.hits == min(5, one.n_matching)


def test_an_index_is_made_once_and_from_shards(
    collection: Collection, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shards(collection.documents(), tmp_path / "shards", encoder)

    def refuse(*_: object, **__: object) -> Iterator[Any]:
        raise AssertionError("documents are encoded")

    monkeypatch.setattr(Encoder, "encode_documents", refuse)
    for _ in range(2):
        found = bench(collection, tmp_path / "f.hive", model=encoder, shards=tmp_path / "shards", n_queries=2)
        assert (found.n_documents, found.n_queries) == (60, 2)
    assert {one.overlap for one in bench(collection, tmp_path / "f.hive", model=encoder).filters} == {1}


def test_an_index_that_was_made_for_something_else_is_refused(
    collection: Collection, encoder: Encoder, tmp_path: Path
) -> None:
    others = replace(collection, documents=lambda: (replace(one, attributes={}) for one in collection.documents()))
    Retriever.create(tmp_path / "f.hive", encoder).add(list(others.documents()))
    with pytest.raises(InputError, match="was not made to measure filters"):
        bench(collection, tmp_path / "f.hive", model=encoder)
