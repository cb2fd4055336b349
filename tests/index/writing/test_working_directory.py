"""An index stays where it was opened, whatever the working directory becomes, and `~` is the home folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check
from wordhive.index.parquet import export_index, import_index, n_documents

from ..filled_index import CONFIG, filled, ids, scores

CHANGES: dict[str, Callable[[Index, WordVectors], Any]] = {
    "add": lambda index, texts: index.add(["new"], texts[:1]),
    "upsert": lambda index, texts: index.upsert(["d0"], texts[:1]),
    "delete": lambda index, texts: index.delete(["d0"]),
    "delete by filter": lambda index, texts: index.delete(where={"$id": {"$in": ["d0", "d1"]}}),
    "compact": lambda index, texts: index.compact(),
    "refit": lambda index, texts: index.refit(),
    "set_candidates": lambda index, texts: index.set_candidates(7),
}
LOOKS: dict[str, Callable[[Index, WordVectors], Any]] = {
    "reload": lambda index, texts: index.reload(),
    "len": lambda index, texts: len(index),
    "known_ids": lambda index, texts: index.known_ids(["d0"]),
    "texts": lambda index, texts: index.snapshot().texts(["d0"]),
    "rows": lambda index, texts: index.snapshot().rows(["d0"]),
    "documents": lambda index, texts: index.snapshot().documents([0]),
    "vectors": lambda index, texts: index.snapshot().vectors(np.arange(3)).vectors.tolist(),
    "find_candidates": lambda index, texts: index.snapshot().find_candidates(texts[:1], 3)[0].tolist(),
    "score": lambda index, texts: index.snapshot().score(texts[:1], np.arange(3)).total.tolist(),
    "score_all": lambda index, texts: scores(index, texts[:1]),
    "info": lambda index, texts: index.info(),
    "drift": lambda index, texts: index.drift(),
    "check": lambda index, texts: check(index.path),
}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders: the working directory is the first, and will be the second."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


def tree(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("other", [True, False], ids=["another index there", "none there"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_goes_where_the_index_is(change: str, other: bool, there: Path, documents: WordVectors) -> None:
    index = filled(Path("my.hive"), documents)
    if other:
        filled(there / "my.hive", documents, parts=2).close()
    before, home = tree(there), Path.cwd() / "my.hive"
    os.chdir(there)
    CHANGES[change](index, documents)
    held = scores(index, documents[:2])
    index.close()
    assert tree(there) == before
    assert check(home) == []
    assert scores(Index.open(home), documents[:2]) == held


@pytest.mark.parametrize("other", [True, False], ids=["another index there", "none there"])
@pytest.mark.parametrize("look", LOOKS)
def test_what_is_read_is_read_where_the_index_is(look: str, other: bool, there: Path, documents: WordVectors) -> None:
    filled(Path("my.hive"), documents).close()
    expected = LOOKS[look](Index.open("my.hive"), documents)
    if other:
        filled(there / "my.hive", documents[:4], parts=2).close()
    index, before = Index.open("my.hive"), tree(there)
    os.chdir(there)
    assert LOOKS[look](index, documents) == expected
    assert tree(there) == before


def test_an_export_and_an_import_go_where_they_were_begun(there: Path, documents: WordVectors) -> None:
    pytest.importorskip("pyarrow")
    index, here = filled(Path("my.hive"), documents), Path.cwd()

    def elsewhere(_: int) -> None:
        os.chdir(there)

    export_index(index, "my.parquet", on_documents=elsewhere)
    os.chdir(here)
    copy = import_index("my.parquet", "copy.hive", on_documents=elsewhere)
    assert (copy.path, n_documents(here / "my.parquet")) == (here / "copy.hive", len(documents))
    assert list(there.iterdir()) == []


def test_the_home_folder_has_a_short_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, documents: WordVectors
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    index = Index.create("~/my.hive", CONFIG)
    index.add(ids(0), documents[:1])
    assert index.path == tmp_path / "my.hive"
    assert len(Index.open(Path("~/my.hive"))) == 1
    assert check("~/my.hive") == []
    assert not (tmp_path / "~").exists()


@pytest.mark.parametrize("path", [None, 3, "", "a\0b", b"bytes", ["a"], "~nobody-of-that-name/x"], ids=repr)
@pytest.mark.parametrize("call", [Index.open, Index.create, check], ids=["open", "create", "check"])
def test_what_is_no_path_is_refused(call: Callable[[Any], Any], path: Any) -> None:
    with pytest.raises(InputError, match=r"the path is .*(expected the name of a folder or file|no such home folder)"):
        call(path)


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path, documents: WordVectors) -> None:
    index = filled(tmp_path / "my.hive", documents)
    index.path.rename(tmp_path / "moved.hive")
    for change in CHANGES.values():
        with pytest.raises(WordhiveError, match=r"the index at .*my\.hive is gone: it was moved or removed"):
            change(index, documents)
    assert not (tmp_path / "my.hive").exists()
