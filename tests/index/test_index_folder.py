"""Where an index may be, and what is said of a damaged one."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.storage.catalog.catalog import Catalog
from wordhive.index.storage.catalog.schema import FORMAT_VERSION

from .conftest import COUNTS, EXACT, Draw, Make, all_scores, names


def test_an_index_can_be_made_in_an_empty_folder(tmp_path: Path) -> None:
    assert len(Index.create(tmp_path)) == 0


def test_folders_above_are_made(tmp_path: Path) -> None:
    assert len(Index.create(tmp_path / "a" / "b" / "my.hive")) == 0


def test_an_index_is_not_made_over_another(make: Make) -> None:
    index = make()
    with pytest.raises(InputError, match=r"my\.hive is already an index"):
        Index.create(index.path)


def test_an_index_is_not_made_in_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="is already something"):
        Index.create(tmp_path)


def test_an_index_is_not_made_over_a_file(tmp_path: Path) -> None:
    (tmp_path / "my.hive").touch()
    with pytest.raises(InputError, match=r"my\.hive is already something"):
        Index.create(tmp_path / "my.hive")


def test_an_index_is_not_made_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WordhiveError, match="cannot write to"):
        Index.create(tmp_path / "file" / "my.hive")


def test_an_unknown_preset_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no index preset 'best'"):
        Index.create(tmp_path / "my.hive", "best")
    assert not (tmp_path / "my.hive").exists()


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_a_summary_weight_that_is_no_share_is_refused(tmp_path: Path, weight: float) -> None:
    with pytest.raises(InputError, match="summary_weight"):
        Index.create(tmp_path / "my.hive", summary_weight=weight)


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no index at .*gone\.hive"):
        Index.open(tmp_path / "gone.hive")


@pytest.mark.parametrize("name", ["folder", "file"])
def test_a_path_that_is_no_index_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"{name} is no wordhive index"):
        Index.open(tmp_path / name)


def test_a_newer_format_is_refused(make: Make) -> None:
    path = make().path
    connection = sqlite3.connect(path / "catalog.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match=rf"my\.hive has index format 99; this wordhive reads format {FORMAT_VERSION}"):
        Index.open(path)


def test_a_damaged_catalog_is_named(make: Make) -> None:
    index = make()
    index.close()
    (index.path / "catalog.db").write_bytes(b"")
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        Index.open(index.path)


def test_a_catalog_without_settings_is_named(tmp_path: Path) -> None:
    Catalog.create(tmp_path / "catalog.db", {}).close()
    with pytest.raises(WordhiveError, match=r"damaged|no catalog"):
        Index.open(tmp_path)


def damage(path: Path, kind: str) -> None:
    if kind == "missing":
        path.unlink()
    else:
        path.write_bytes(b"" if kind == "empty" else b"garbage" * 50)


def search(path: Path, query: WordVectors) -> None:
    index = Index.open(path)
    index.snapshot().find_candidates(query, 3)
    index.snapshot().score(query, np.arange(3))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("words.npy", "missing"),
        ("words.npy", "garbage"),
        pytest.param("words.npy", "empty"),
        ("offsets.npy", "missing"),
        ("offsets.npy", "garbage"),
        pytest.param("summaries.npy", "missing"),
        ("summaries.npy", "garbage"),
        pytest.param("candidates.faiss", "missing"),
        ("candidates.faiss", "empty"),
        ("candidates.faiss", "garbage"),
    ],
)
def test_a_damaged_file_of_a_segment_is_named(make: Make, draw: Draw, file: str, kind: str) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    damage(index.path / "segments" / "000000000000" / file, kind)
    with pytest.raises(WordhiveError, match=rf"{file} is (damaged|missing)"):
        search(index.path, draw(2, [3], summary_dim=4))


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("words.faiss", "missing"),
        ("words.faiss", "garbage"),
        pytest.param("summaries.faiss", "missing"),
        ("summaries.faiss", "garbage"),
        pytest.param("encoding.safetensors", "missing"),
        pytest.param("encoding.safetensors", "empty"),
        pytest.param("encoding.safetensors", "garbage"),
        pytest.param("config.json", "missing"),
        pytest.param("config.json", "empty"),
        ("config.json", "garbage"),
    ],
)
def test_a_damaged_file_of_the_parameters_is_named(make: Make, draw: Draw, file: str, kind: str) -> None:
    index = make(summary_weight=0.3)
    index.add(names(6), draw(1, COUNTS, summary_dim=4))
    damage(index.path / "params" / "1" / file, kind)
    with pytest.raises(WordhiveError, match=file):
        search(index.path, draw(2, [3], summary_dim=4))


def test_a_missing_segment_is_named(make: Make, draw: Draw) -> None:
    index = make(EXACT)
    index.add(names(6), draw(1, COUNTS))
    shutil.rmtree(index.path / "segments" / "000000000000")
    with pytest.raises(WordhiveError, match=r"000000000000.* is missing"):
        all_scores(Index.open(index.path), draw(2, [3]))
