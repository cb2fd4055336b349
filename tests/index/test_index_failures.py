"""Writing that fails, is stopped, or meets another writer."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.storage.catalog.catalog import Catalog
from wordhive.index.writing import lock, segment_writer, writer

from .conftest import COUNTS, EXACT, Draw, Make, SlowScores, all_scores, contents, names


def full(*_: Any, **__: Any) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@contextmanager
def full_catalog(*_: Any) -> Iterator[sqlite3.Connection]:
    raise sqlite3.OperationalError("database or disk is full")
    yield


STEPS = ["writer.train_parameters", "save_array", "file_records", "Catalog.commit"]


def break_step(monkeypatch: pytest.MonkeyPatch, step: str, failure: Callable[..., Any]) -> None:
    owner, _, name = step.rpartition(".")
    target = {"": segment_writer, "writer": writer, "Catalog": Catalog}[owner]
    monkeypatch.setattr(target, name, failure)


FAILURES = [
    *((step, full, WordhiveError) for step in STEPS[:3]),
    ("Catalog.commit", full_catalog, WordhiveError),
    *((step, interrupted, KeyboardInterrupt) for step in STEPS),
]


@pytest.mark.parametrize(("step", "failure", "error"), FAILURES)
def test_a_first_batch_that_fails_leaves_nothing(
    make: Make, draw: Draw, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(6), draw(1, COUNTS))
    assert (len(index), contents(index.path)) == (0, [])


@pytest.mark.parametrize(("step", "failure", "error"), [f for f in FAILURES if f[0] != "writer.train_parameters"])
def test_a_later_batch_that_fails_leaves_what_was_there(
    make: Make, draw: Draw, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    before = (index.snapshot().ids(), contents(index.path), all_scores(index, query).tolist())
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(2, 6), draw(3, [2, 3]))
    assert (index.snapshot().ids(), contents(index.path), all_scores(index, query).tolist()) == before


@pytest.mark.parametrize(("step", "failure", "error"), FAILURES)
def test_a_batch_that_failed_can_be_added_again(
    make: Make, draw: Draw, slow_scores: SlowScores, step: str, failure: Callable[..., Any], error: type[BaseException]
) -> None:
    index, documents, query = make(), draw(1, COUNTS), draw(2, [3])
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(error):
            index.add(names(6), documents)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(Index.open(index.path), query), slow_scores(query, documents), atol=0.03)


@pytest.mark.parametrize(("step", "failure"), [("save_array", full), ("Catalog.commit", full_catalog)])
def test_a_full_disk_is_said_to_be_full(make: Make, draw: Draw, step: str, failure: Callable[..., Any]) -> None:
    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, step, failure)
        with pytest.raises(WordhiveError, match=r"the disk is full: nothing of this batch was kept in .*my\.hive"):
            index.add(names(6), draw(1, COUNTS))


def test_another_disk_error_names_its_reason(make: Make, draw: Draw) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    index = make()
    with pytest.MonkeyPatch.context() as patch:
        break_step(patch, "save_array", fail)
        with pytest.raises(WordhiveError, match=r"cannot write to .*my\.hive: Input/output error"):
            index.add(names(6), draw(1, COUNTS))


def limit_catalog(index: Index, pages: int) -> None:
    connection = index._catalog._connection
    connection.execute(f"PRAGMA max_page_count = {pages or connection.execute('PRAGMA page_count').fetchone()[0]}")


def long_names() -> list[str]:
    return [f"{number:0300d}" for number in range(200)]


def test_a_catalog_that_can_not_grow_keeps_nothing_of_the_batch(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError):
        index.add(long_names(), draw(1, [1] * 200))
    assert (len(index), contents(index.path)) == (0, [])


def test_a_catalog_that_can_grow_again_takes_the_batch(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError):
        index.add(long_names(), draw(1, [1] * 200))
    limit_catalog(index, 10_000)
    index.add(long_names(), draw(1, [1] * 200))
    assert len(index) == 200


def test_a_catalog_that_can_not_grow_is_a_full_disk(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    limit_catalog(index, 0)
    with pytest.raises(WordhiveError, match="the disk is full"):
        index.add(long_names(), draw(1, [1] * 200))


def test_a_disk_that_fills_up_with_the_encoding_is_a_full_disk(
    make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(path: Path, data: bytes) -> int:
        return full() if path.suffix == ".safetensors" else write(path, data)  # type: ignore[no-any-return]

    write = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(WordhiveError, match="the disk is full"):
        make().add(names(6), draw(1, COUNTS))


def test_after_a_first_batch_that_failed_the_next_one_trains_anew(
    make: Make, draw: Draw, slow_scores: SlowScores
) -> None:
    index, documents, query = make(), draw(1, COUNTS), draw(2, [3])
    small = WordVectors(documents.vectors * np.float32(0.1), documents.offsets, documents.word_ids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "commit", full_catalog)
        with pytest.raises(WordhiveError):
            index.add(names(6), small)
    index.add(names(6), documents)
    np.testing.assert_allclose(all_scores(Index.open(index.path), query), slow_scores(query, documents), atol=0.03)


def test_a_new_index_that_can_not_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Catalog, "create", full)
    with pytest.raises(WordhiveError, match="the disk is full"):
        Index.create(tmp_path / "my.hive")
    assert not (tmp_path / "my.hive").exists()


def test_an_empty_folder_that_can_not_be_written_stays_empty(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Catalog, "create", full)
        with pytest.raises(WordhiveError, match="the disk is full"):
            Index.create(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["000000000001", "000000000099", "writing-000000000001"])
def test_what_a_crash_left_is_invisible_to_search(make: Make, draw: Draw, name: str) -> None:
    index, query = make(), draw(2, [3])
    index.add(names(6), draw(1, COUNTS))
    expected = all_scores(index, query)
    shutil.copytree(index.path / "segments" / "000000000000", index.path / "segments" / name)
    np.testing.assert_array_equal(all_scores(Index.open(index.path), query), expected)


@pytest.mark.parametrize("name", ["000000000001", "000000000099", "writing-000000000001"])
def test_what_a_crash_left_is_removed_by_the_next_add(make: Make, draw: Draw, name: str) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    shutil.copytree(index.path / "segments" / "000000000000", index.path / "segments" / name)
    index.add(["new"], draw(3, [2]))
    assert contents(index.path) == ["params/1", "segments/000000000000", "segments/000000000001"]


def test_parameters_that_a_crash_left_are_removed_by_the_next_add(make: Make, draw: Draw) -> None:
    index = make()
    (index.path / "params" / "1").mkdir()
    index.add(names(6), draw(1, COUNTS))
    assert (index.path / "params" / "1" / "words.faiss").is_file()


def test_a_second_writer_is_refused(make: Make, draw: Draw) -> None:
    index = make()
    with (
        FileLock(index.path / "lock"),
        pytest.raises(WordhiveError, match=r"another process is writing to .*my\.hive"),
    ):
        index.add(names(6), draw(1, COUNTS))


def test_a_second_writer_does_not_sweep_away_what_the_first_writes(make: Make, draw: Draw) -> None:
    index = make()
    (index.path / "segments" / "writing-000000000000").mkdir()
    with FileLock(index.path / "lock"), pytest.raises(WordhiveError):
        index.add(names(6), draw(1, COUNTS))
    assert contents(index.path) == ["segments/writing-000000000000"]


def test_a_writer_lets_go_of_the_lock(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock", timeout=0) as lock:
        assert lock.is_locked


def test_a_writer_that_fails_lets_go_of_the_lock(make: Make, draw: Draw) -> None:
    index = make({"codec": "Rubbish"})
    with pytest.raises(InputError):
        index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock", timeout=0) as lock:
        assert lock.is_locked


def test_a_folder_that_can_not_be_locked_is_named(make: Make, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    index = make()
    monkeypatch.setattr(lock, "lock_descriptor", fail)
    with pytest.raises(WordhiveError, match=r"cannot write to .*my\.hive"):
        index.add(names(6), draw(1, COUNTS))


def test_searching_needs_no_lock(make: Make, draw: Draw) -> None:
    index = make()
    index.add(names(6), draw(1, COUNTS))
    with FileLock(index.path / "lock"):
        assert len(Index.open(index.path).snapshot().find_candidates(draw(2, [3]), 6)[0]) == 6
