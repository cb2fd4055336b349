"""Links in an index folder, as somebody else may have put them there: nothing is written or removed through one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import Index, InputError, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check

from ..filled_index import CONFIG, filled, ids, scores

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")

PLACES = ["segments", "params", "catalog.db", "committed", "lock", "segments/000000000001", "params/1", "committed.new",
          "catalog.db-wal", "segments/writing-000000000009", "segments/000000000099"]  # fmt: skip
FILES = ["segments/000000000001/words.npy", "segments/000000000001/candidates.faiss", "params/1/config.json"]


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else's, whose names are those of an index."""
    folder = tmp_path / "outside"
    for name in ("000000000001", "000000000099", "writing-000000000009", "1", "7"):
        (folder / name).mkdir(parents=True)
        (folder / name / "thesis.tex").write_text("mine")
    (folder / "queries.safetensors").write_text("mine")
    (folder / "file").write_text("mine")
    return folder


def link(path: Path, outside: Path) -> None:
    """A link in the place of a file or folder: to its like, as it was, or to one of somebody else's."""
    if path.is_dir():
        shutil.rmtree(path)
        path.symlink_to(outside)
    elif path.exists():
        path.rename(outside / path.name)
        path.symlink_to(outside / path.name)
    else:
        path.symlink_to(outside / ("file" if "." in path.name else ""))


def everything(path: Path, documents: WordVectors) -> None:
    index = Index.open(path)
    scores(index, documents[:2])
    index.delete(ids(3))
    index.add(["new"], documents[:1])
    index.compact()


@pytest.mark.parametrize("place", [*PLACES, *FILES])
def test_an_index_with_a_link_is_refused(place: str, tmp_path: Path, documents: WordVectors, outside: Path) -> None:
    filled(tmp_path / "x", documents).close()
    link(tmp_path / "x" / place, outside)
    before = tree(outside)
    with pytest.raises(WordhiveError, match=r"is a link, and an index holds none; copy the index"):
        everything(tmp_path / "x", documents)
    assert tree(outside) == before


@pytest.mark.parametrize("place", ["segments", "params", "lock", "committed.new", "segments/000000000099"])
@pytest.mark.parametrize("change", ["add", "delete", "compact"])
def test_a_link_that_came_while_the_index_was_open_is_refused(
    place: str, change: str, tmp_path: Path, documents: WordVectors, outside: Path
) -> None:
    index = filled(tmp_path / "x", documents)
    link(tmp_path / "x" / place, outside)
    before = tree(outside)
    calls: dict[str, Callable[[], Any]] = {
        "add": lambda: index.add(["new"], documents[:1]),
        "delete": lambda: index.delete(ids(1)),
        "compact": index.compact,
    }
    with pytest.raises(WordhiveError, match="is a link, and an index holds none"):
        calls[change]()
    assert tree(outside) == before


@pytest.mark.parametrize("place", ["segments", "params"])
def test_no_index_is_made_around_a_link(place: str, tmp_path: Path, outside: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / place).symlink_to(outside)
    before = tree(outside)
    with pytest.raises(InputError, match="is already something"):
        Index.create(tmp_path / "x", CONFIG)
    assert tree(outside) == before


def test_the_folder_itself_may_be_reached_by_a_link(tmp_path: Path, documents: WordVectors) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "x").symlink_to(tmp_path / "disk")
    index = filled(tmp_path / "x", documents)
    index.delete(ids(1))
    index.compact()
    index.close()
    assert check(tmp_path / "x") == []
    assert len(Index.open(tmp_path / "x")) == len(Index.open(tmp_path / "disk")) == 29


@pytest.mark.parametrize("name", ["mine", "0000000000001", "00000000000x", "writing-mine", "000000000099.old"])
def test_folders_of_other_names_are_left_alone(name: str, tmp_path: Path, documents: WordVectors) -> None:
    index = filled(tmp_path / "x", documents)
    for parent in ("segments", "params"):
        (index.path / parent / name).mkdir()
        (index.path / parent / name / "thesis.tex").write_text("mine")
    index.add(["new"], documents[:1])
    index.compact()
    kept = [parent for parent in ("segments", "params") if (index.path / parent / name / "thesis.tex").exists()]
    assert "segments" in kept
    assert ("params" in kept) == (not name.isdigit())
