"""A damaged id, in the table of documents or in SQLite's index of it: nothing else tells that it is not found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from wordhive.index import Index, IndexConfig, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check

Draw = Callable[..., WordVectors]
NAME = b"find-me"
LOST = r"catalog\.db is damaged .*restore it from a copy"


@pytest.fixture(params=[0, 1], ids=["one place", "the other"])
def damaged(request: pytest.FixtureRequest, draw: Draw, tmp_path: Path, small_config: IndexConfig) -> Path:
    path = tmp_path / "x"
    index = Index.create(path, small_config)
    index.add([*(f"d{n}" for n in range(20)), NAME.decode(), "z"], draw(0, [1] * 22))
    index.close()
    data = bytearray((path / "catalog.db").read_bytes())
    places = [place for place in range(len(data)) if data[place : place + len(NAME)] == NAME]
    assert len(places) == 2
    data[places[request.param] + len(NAME) - 1] ^= 1
    (path / "catalog.db").write_bytes(data)
    return path


def test_check_names_it(damaged: Path) -> None:
    assert any("catalog.db is damaged" in fault for fault in check(damaged))


@pytest.mark.parametrize("name", ["find-me", "find-md", "other"])
def test_nothing_is_added_beside_it(damaged: Path, draw: Draw, name: str) -> None:
    index = Index.open(damaged)
    for change in (index.add, index.upsert):
        with pytest.raises(WordhiveError, match=LOST):
            change([name], draw(1, [1]))
    index.close()


def test_nobody_is_told_that_it_is_not_there(damaged: Path) -> None:
    index = Index.open(damaged)
    missing = next(name for name in ("find-me", "find-md") if not index.snapshot().rows([name]))
    with pytest.raises(WordhiveError, match=LOST):
        index.delete([missing])
    index.close()


def test_ids_are_looked_at_once(draw: Draw, tmp_path: Path, small_config: IndexConfig) -> None:
    index = Index.create(tmp_path / "x", small_config)
    looks: list[str] = []
    index._catalog._connection.set_trace_callback(lambda sql: looks.append(sql) if "held.id" in sql else None)
    for n in range(3):
        index.add([f"d{n}"], draw(n, [1]))
    assert len(looks) == 1
    index.close()
