"""An index whose folder is moved, or replaced by another index, while it is open."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from wordhive.index import Index, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check

from ..filled_index import CONFIG, filled, ids, scores
from .test_working_directory import CHANGES

Swap = Callable[[Path, Path], None]


def rename(old: Path, new: Path) -> None:
    old.rename(old.with_name("old.hive"))
    new.rename(old)


def remove(old: Path, new: Path) -> None:
    shutil.rmtree(old)
    new.rename(old)


def exchange_content(old: Path, new: Path) -> None:
    """As `rsync --delete` does it: the folder stays, each file in it is another one."""
    for entry in list(old.iterdir()):
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for entry in list(new.iterdir()):
        entry.rename(old / entry.name)


SWAPS = [rename, remove, exchange_content]


@pytest.fixture
def indexes(tmp_path: Path, documents: WordVectors) -> tuple[Index, Path]:
    """An index that is open, and another one of as many documents and segments, whose ids and words are others."""
    index = filled(tmp_path / "my.hive", documents)
    other = Index.create(tmp_path / "new.hive", CONFIG, summary_weight=0.5)
    for part in range(3):
        other.add([f"n{number}" for number in range(part * 10, part * 10 + 10)], documents[20 - 10 * part :][:10])
    other.close()
    return index, other.path


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("searched", [True, False], ids=["searched before", "never searched"])
def test_a_reader_follows_wholly(
    swap: Swap, searched: bool, indexes: tuple[Index, Path], documents: WordVectors
) -> None:
    index, new = indexes
    expected = scores(Index.open(new), documents[:3])
    if searched:
        scores(index, documents[:3])
    swap(index.path, new)
    index.reload()
    assert scores(index, documents[:3]) == expected


@pytest.mark.parametrize("swap", SWAPS)
def test_a_reader_that_does_not_reload_keeps_what_it_has(
    swap: Swap, indexes: tuple[Index, Path], documents: WordVectors
) -> None:
    index, new = indexes
    expected = scores(index, documents[:3])
    swap(index.path, new)
    assert scores(index, documents[:3]) == expected


@pytest.mark.parametrize("swap", SWAPS)
def test_a_reader_whose_files_are_gone_is_told(swap: Swap, indexes: tuple[Index, Path], documents: WordVectors) -> None:
    index, new = Index.open(indexes[0].path), indexes[1]
    swap(index.path, new)
    with pytest.raises(WordhiveError, match="was replaced by another one since it was opened; reload it"):
        index.snapshot().find_candidates(documents[:1], 3)


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_writer_is_refused_and_harms_nothing(
    swap: Swap, change: str, indexes: tuple[Index, Path], documents: WordVectors
) -> None:
    index, new = indexes
    expected = scores(Index.open(new), documents[:3])
    swap(index.path, new)
    for _ in range(2):
        with pytest.raises(WordhiveError, match="was replaced by another one since it was opened; reload it"):
            CHANGES[change](index, documents)
    assert check(index.path) == []
    assert scores(Index.open(index.path), documents[:3]) == expected


def test_a_writer_that_reloads_goes_on_with_the_other_index(
    indexes: tuple[Index, Path], documents: WordVectors
) -> None:
    index, new = indexes
    rename(index.path, new)
    index.reload()
    index.add(["more"], documents[:1])
    index.delete(["n0"])
    index.close()
    assert set(Index.open(index.path).snapshot().ids().values()) == {*(f"n{n}" for n in range(1, 30)), "more"}
    assert check(index.path) == []


def test_settings_are_those_of_the_other_index(tmp_path: Path, documents: WordVectors) -> None:
    index = filled(tmp_path / "a", documents)
    other = Index.create(tmp_path / "b", CONFIG.model_copy(update={"codec": "SQ4"}), summary_weight=0.25)
    other.set_candidates(7)
    other.close()
    rename(index.path, other.path)
    assert (index.settings.summary_weight, index.settings.config.codec) == (0.5, "SQ8")
    index.reload()
    assert (index.settings.summary_weight, index.settings.config.codec, index.settings.candidates) == (0.25, "SQ4", 7)


def test_a_copy_that_went_its_own_way_is_another_index(tmp_path: Path, documents: WordVectors) -> None:
    filled(tmp_path / "a", documents).close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copy, index = Index.open(tmp_path / "b"), Index.open(tmp_path / "a")
    copy.delete(ids(0, 1))
    copy.close()
    rename(index.path, copy.path)
    with pytest.raises(WordhiveError, match="was replaced by another one"):
        index.delete(ids(2))
    index.reload()
    assert len(index) == 28


def test_a_reader_is_told_where_the_index_is_gone(indexes: tuple[Index, Path], documents: WordVectors) -> None:
    index, _ = indexes
    expected = scores(index, documents[:3])
    index.path.rename(index.path.with_name("moved.hive"))
    with pytest.raises(WordhiveError, match="is gone: it was moved or removed while it was open"):
        index.reload()
    assert scores(index, documents[:3]) == expected
    assert not index.path.exists()
    index.path.with_name("moved.hive").rename(index.path)
    index.reload()
    assert scores(index, documents[:3]) == expected


def without_id(path: Path) -> None:
    """As earlier versions made it."""
    with closing(sqlite3.connect(path / "catalog.db")) as connection:
        connection.execute("DROP TABLE identity")
        connection.commit()


def test_an_index_of_an_earlier_version_gets_an_id_with_its_next_commit(tmp_path: Path, documents: WordVectors) -> None:
    filled(tmp_path / "x", documents).close()
    without_id(tmp_path / "x")
    reader, writer = Index.open(tmp_path / "x"), Index.open(tmp_path / "x")
    expected = scores(reader, documents[:2])
    assert scores(writer, documents[:2]) == expected
    writer.add(["new"], documents[:1])
    reader.reload()
    assert len(reader) == len(writer) == 31
    reader.delete(["new"])
    writer.reload()
    assert scores(writer, documents[:2]) == expected
    assert check(tmp_path / "x") == []


def test_two_indexes_of_earlier_versions_are_told_apart(indexes: tuple[Index, Path], documents: WordVectors) -> None:
    path, new = indexes[0].path, indexes[1]
    indexes[0].close()
    for each in (path, new):
        without_id(each)
    index, expected = Index.open(path), scores(Index.open(new), documents[:2])
    rename(path, new)
    with pytest.raises(WordhiveError, match="was replaced by another one"):
        index.delete(ids(1))
    index.reload()
    assert scores(index, documents[:2]) == expected
