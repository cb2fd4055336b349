from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.storage.catalog import catalog as catalog_module

Draw = Callable[..., WordVectors]


@pytest.fixture
def index(tmp_path: Path, draw: Draw) -> Index:
    index = Index.create(tmp_path / "x", IndexConfig(codec="SQ8", encoding=None))
    random_ = random.Random(1)
    texts = ["".join(random_.choices("abcdefgh ", k=900)) for _ in range(1200)]
    index.add([f"id {row}" for row in range(1200)], draw(1, [2] * 1200), texts, [{"title": "x" * 50}] * 1200)
    return index


def bodies(index: Index) -> int:
    query = "SELECT (SELECT sum(length(body)) FROM text) + (SELECT sum(length(content)) FROM dictionary)"
    with sqlite3.connect(index.path / "catalog.db") as connection:
        found: int = connection.execute(query).fetchone()[0]
    connection.close()
    return found


def test_texts_are_counted_apart_from_the_rest_of_the_catalog(index: Index) -> None:
    sizes = index.info().bytes
    assert bodies(index) < sizes["texts"] < 1.25 * bodies(index)
    assert 1200 * 70 < sizes["catalog"] < 1200 * 150


def test_texts_are_counted_where_sqlite_has_no_statistics(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    total = index.info().total_bytes
    rows = catalog_module.Catalog._rows
    monkeypatch.setattr(
        catalog_module.Catalog, "_rows", lambda self, query, *a: [(0,)] if "dbstat'" in query else rows(self, query, *a)
    )
    assert index.info().bytes["texts"] == bodies(index)
    assert index.info().total_bytes == total


def test_sums_leave_out_texts_and_parameters(index: Index) -> None:
    info = index.info()
    rest = sum(size for part, size in info.bytes.items() if part != "texts")
    assert info.bytes_without_texts == rest == info.total_bytes - info.bytes["texts"]
    assert info.bytes_of_documents == rest - info.bytes["parameters"] < rest
    assert info.times_plain_text(info.bytes_without_texts) == pytest.approx(rest / (1200 * 900))


def test_without_texts_there_is_nothing_to_compare_with(tmp_path: Path, draw: Draw) -> None:
    index = Index.create(tmp_path / "x", IndexConfig(codec="SQ8", encoding=None))
    index.add(["a"], draw(1, [3]))
    assert index.info().times_plain_text(100) is None


def test_texts_that_are_not_kept_are_still_compared_with(tmp_path: Path, draw: Draw) -> None:
    index = Index.create(tmp_path / "x", IndexConfig(codec="SQ8", encoding=None), store_texts=False)
    index.add(["a"], draw(1, [3]), ["größe"])
    assert index.info().times_plain_text(14) == 2
