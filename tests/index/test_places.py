"""An index that was copied or moved, or lies where nothing can be written."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check

Draw = Callable[..., WordVectors]
CONFIG = IndexConfig(codec="SQ8", encoding=None)
_SHOW = """
import sys
from wordhive.index import Index
index = Index.open(sys.argv[1])
print(index.snapshot().texts(["d0", "d5"]), len(index))
"""
_SHOWN = "{'d0': 'text 0', 'd5': 'text 5'} 6"


@pytest.fixture
def index(draw: Draw, tmp_path: Path) -> Index:
    index = Index.create(tmp_path / "my.hive", CONFIG)
    index.add([f"d{row}" for row in range(6)], draw(1, [3] * 6), [f"text {row}" for row in range(6)])
    return index


def shows(path: Path) -> str:
    index = Index.open(path)
    assert len(index.snapshot().vectors(np.arange(6))) == 6
    return f"{index.snapshot().texts(['d0', 'd5'])} {len(index)}"


@pytest.mark.parametrize("closed", [True, False])
def test_a_copied_index_works_with_the_log_and_without(index: Index, tmp_path: Path, closed: bool) -> None:
    if closed:
        index.close()
    assert (index.path / "catalog.db-wal").exists() is not closed
    shutil.copytree(index.path, tmp_path / "copy", ignore=shutil.ignore_patterns("*-shm"))
    assert shows(tmp_path / "copy") == _SHOWN
    assert check(tmp_path / "copy") == []


def test_a_moved_index_works(index: Index, draw: Draw, tmp_path: Path) -> None:
    index.close()
    index.path.rename(tmp_path / "moved")
    assert shows(tmp_path / "moved") == _SHOWN
    Index.open(tmp_path / "moved").add(["new"], draw(2, [1]))
    assert check(tmp_path / "moved") == []


def test_a_closed_index_is_read_where_nothing_can_be_written(index: Index) -> None:
    index.close()
    (index.path / "catalog.db-wal").mkdir()  # SQLite can't make its log: as on a read-only disk
    assert shows(index.path) == _SHOWN
    assert check(index.path) == []


class ReadOnly:
    """A connection that finds no place for what SQLite writes beside a log to read it."""

    def execute(self, query: str) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    def close(self) -> None:
        pass


def test_a_log_that_can_not_be_read_is_never_passed_over(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **named: ReadOnly())
    with pytest.raises(
        WordhiveError, match=r"last changes are in catalog\.db-wal.* open it once where it can be written"
    ):
        Index.open(index.path)


def read_only(path: Path) -> str:
    """What a process of its own shows of an index on a disk that is mounted read-only."""
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && exec "$2" -c "$3" "$1"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(path), sys.executable, _SHOW]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if "ermitted" in found.stderr or "denied" in found.stderr:
        pytest.skip("mounting is not permitted here")
    return found.stdout.strip() or found.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare")
def test_a_read_only_disk_is_searched(index: Index, tmp_path: Path) -> None:
    shutil.copytree(index.path, tmp_path / "crashed", ignore=shutil.ignore_patterns("*-shm"))
    assert read_only(index.path) == _SHOWN  # beside a process that may write
    index.close()
    assert read_only(index.path) == _SHOWN
    assert "open it once where it can be written" in read_only(tmp_path / "crashed")
