"""The count of commits beside the catalog: what SQLite drops from a damaged log is missed."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from wordhive.index import Index, IndexConfig, WordhiveError, WordVectors
from wordhive.index.errors import WordhiveWarning
from wordhive.index.maintenance.check import check
from wordhive.index.storage.catalog import commit_count

Draw = Callable[..., WordVectors]


@pytest.fixture
def index(draw: Draw, tmp_path: Path, small_config: IndexConfig) -> Iterator[Index]:
    made = Index.create(tmp_path / "x", small_config)
    made.add(["a", "b"], draw(0, [2, 2]))
    yield made
    made.close()


@pytest.fixture
def crashed(index: Index, draw: Draw, tmp_path: Path) -> Path:
    """What a crash leaves after three commits, while a reader looks at the index as it was before them."""
    reader = Index.open(index.path)
    held = reader.snapshot()
    for n in range(3):
        index.add([f"d{n}"], draw(n, [2]))
    shutil.copytree(index.path, tmp_path / "crashed")
    assert len(held) == 2
    reader.close()
    return tmp_path / "crashed"


def test_every_commit_is_counted(index: Index, draw: Draw) -> None:
    assert commit_count.counted(index.path) == 1
    for change in (lambda: index.upsert(["b", "c"], draw(1, [1, 1])), lambda: index.delete(["a"]), index.compact):
        change()
        assert commit_count.counted(index.path) == index._catalog.n_commits() > 1


def test_a_crash_with_a_whole_log_loses_nothing(crashed: Path) -> None:
    assert len(Index.open(crashed)) == 5


def test_commits_that_a_damaged_log_lost_are_missed(crashed: Path, tmp_path: Path) -> None:
    size = (crashed / "catalog.db-wal").stat().st_size
    outcomes = set()
    for place in range(40, size, size // 25):
        path = shutil.copytree(crashed, tmp_path / f"flipped-{place}")
        data = bytearray((path / "catalog.db-wal").read_bytes())
        data[place] ^= 4
        (path / "catalog.db-wal").write_bytes(data)
        try:
            assert sorted(Index.open(path).snapshot().ids().values()) == ["a", "b", "d0", "d1", "d2"]
            outcomes.add("whole")
        except WordhiveError as error:
            outcomes.add(str(error).partition("catalog.db has ")[2])
            with pytest.raises(WordhiveError, match="restore"):  # SQLite may have removed the log by now
                Index.open(path)
            assert any("catalog.db" in fault for fault in check(path))
    assert "2 of 4 commits: the others were in catalog.db-wal, which is damaged or was not copied with it; restore " \
           "the index from a copy" in outcomes  # fmt: skip


def test_a_log_that_was_left_behind_is_missed(crashed: Path) -> None:
    (crashed / "catalog.db-wal").unlink()
    (crashed / "catalog.db-shm").unlink()
    with pytest.raises(WordhiveError, match="1 of 4 commits"):
        Index.open(crashed)


def test_a_reader_misses_them_too(index: Index) -> None:
    commit_count.count(index.path, 2)
    with pytest.raises(WordhiveError, match="1 of 2 commits"):
        index.reload()


@pytest.mark.parametrize("stage", ["a crash before the count", "an index from before counts"])
def test_a_commit_that_was_not_counted_is_there(index: Index, draw: Draw, stage: str) -> None:
    index.add(["c"], draw(1, [1]))
    if stage == "a crash before the count":
        commit_count.count(index.path, 1)
    else:
        (index.path / "committed").unlink()
    again = Index.open(index.path)
    assert len(again) == 3
    again.add(["d"], draw(2, [1]))
    assert commit_count.counted(index.path) == 3
    again.close()


def test_a_count_that_fails_loses_nothing(index: Index, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, n: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(commit_count, "count", fail)
        with pytest.warns(WordhiveWarning, match="commit 2 was not counted"):
            index.add(["c"], draw(1, [1]))
    assert len(Index.open(index.path)) == 3


@pytest.mark.parametrize("written", [b"", b"1", b"1 \n", b"x y\n", b"-1", b"9" * 5000, "¹ ".encode(), None])
def test_a_damaged_count_is_named(index: Index, written: bytes | None) -> None:
    path = index.path / "committed"
    path.write_bytes(path.read_bytes()[:-1] if written is None else written)
    with pytest.raises(WordhiveError, match="committed is damaged; restore it from a copy"):
        Index.open(index.path)
    assert any("committed is damaged" in fault for fault in check(index.path))


def test_no_flipped_bit_of_a_count_is_taken_for_another(index: Index) -> None:
    path = index.path / "committed"
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with pytest.raises(WordhiveError, match="is damaged"):
            commit_count.counted(index.path)


def test_the_count_never_runs_ahead_of_the_catalog(index: Index, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    count = commit_count.count

    def looked(folder: Path, n: int) -> None:
        other = sqlite3.connect(folder / "catalog.db")
        seen.append((n, other.execute("SELECT max(id) FROM history").fetchone()[0]))
        other.close()
        count(folder, n)

    monkeypatch.setattr(commit_count, "count", looked)
    index.add(["c"], draw(1, [1]))
    assert seen == [(2, 2)]
