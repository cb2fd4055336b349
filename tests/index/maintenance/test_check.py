"""What `check` finds, and what is refused as damaged."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.errors import WordhiveWarning
from wordhive.index.maintenance.check import check
from wordhive.index.storage.catalog.catalog import Catalog

from ..filled_index import CONFIG, filled, ids


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(data)


def test_a_flipped_byte_is_found_by_check_and_refused_by_search(
    documents: WordVectors, queries: WordVectors, tmp_path: Path
) -> None:
    made = filled(tmp_path / "made", documents)
    made.delete(ids(4))
    made.compact()
    made.close()
    files = [path for path in made.path.rglob("*") if path.is_file() and path.parent != made.path]
    assert len(files) >= 8
    for file in files:
        shutil.copytree(made.path, tmp_path / "x")
        damaged = tmp_path / "x" / file.relative_to(made.path)
        _flip(damaged, damaged.stat().st_size // 2)
        assert check(tmp_path / "x") == [f"{damaged} is damaged; restore it from a copy"]
        with pytest.raises(WordhiveError, match="damaged"):
            Index.open(tmp_path / "x").snapshot().find_candidates(queries, 3)
        shutil.rmtree(tmp_path / "x")


def test_check_tells_what_is_missing(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    assert check(index.path) == []
    index.close()
    gone = next((index.path / "segments").rglob("words.npy"))
    gone.unlink()
    assert check(index.path) == [f"{gone} is missing from the index; restore it from a copy"]
    with pytest.raises(InputError, match="no wordhive index"):
        check(tmp_path)


def test_check_finds_documents_that_rows_do_not_have(documents: WordVectors, tmp_path: Path) -> None:
    index = filled(tmp_path / "x", documents)
    index.close()
    with sqlite3.connect(index.path / "catalog.db") as connection:
        connection.execute("DELETE FROM document WHERE row = 3")
    assert "rows and documents disagree" in check(index.path)[0]
    with pytest.raises(WordhiveError, match="no document 3"):
        Index.open(index.path).snapshot().documents([2, 3])


def test_an_index_whose_creation_was_killed_can_be_made_again(documents: WordVectors, tmp_path: Path) -> None:
    for name in ("segments", "params"):
        (tmp_path / "x" / name).mkdir(parents=True)
    for name in ("params/queries.safetensors", "catalog.new", "catalog.new-journal"):
        (tmp_path / "x" / name).write_bytes(b"half")
    index = filled(tmp_path / "x", documents)
    assert len(index) == 30
    assert check(index.path) == []
    assert not list(index.path.glob("catalog.new*"))


def test_nothing_else_is_taken_for_a_half_made_index(tmp_path: Path) -> None:
    mine = tmp_path / "x" / "params" / "mine"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    with pytest.raises(InputError, match="already something"):
        Index.create(tmp_path / "x", CONFIG)
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE setting SET value = '0.25' WHERE name = 'summary_weight'",
        "UPDATE segment SET first_row = first_row + 1",
        "UPDATE generation SET dim = 9",
        "UPDATE file SET size = size + 1",
        "DELETE FROM tombstone",
        "UPDATE history SET id = id + 7 WHERE id = (SELECT max(id) FROM history)",
        "DELETE FROM seal",
    ],
)
def test_a_catalog_that_says_what_nobody_wrote_is_refused(documents: WordVectors, tmp_path: Path, change: str) -> None:
    index = filled(tmp_path / "x", documents)
    index.delete(ids(3))
    index.close()
    with sqlite3.connect(index.path / "catalog.db") as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        Index.open(index.path)
    assert ["catalog.db is damaged" in fault for fault in check(index.path)] == [True]


def test_a_change_holds_though_the_catalog_cannot_be_read_after_it(
    documents: WordVectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = filled(tmp_path / "x", documents)

    def fail(_: Any) -> None:
        raise WordhiveError("cannot read the catalog: disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "checkpoint", lambda _: patch.setattr(Catalog, "pinned", fail))
        with pytest.warns(WordhiveWarning, match="not merged"):
            assert index.delete(ids(1)) == 1
        with pytest.raises(WordhiveError, match="disk I/O error"):
            len(index)
    assert len(index) == 29
