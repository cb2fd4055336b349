"""Readers who may not write where the index is: beside an owner who may, and on file systems where nobody can."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import Index, WordVectors
from wordhive.index.storage.catalog import connection

from ..filled_index import filled

NOBODY = 65534
pytestmark = pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else"
)

# A reader without any permission to write. It answers a line for each line that it gets.
READER = f"""
import gc, os, shutil, sys, tempfile
import numpy as np
from wordhive.index import Index, WordVectors
query = WordVectors.from_list([np.ones((2, 8), np.float32)])
query = WordVectors(query.vectors, query.offsets, query.word_ids, np.ones((1, 4), np.float32))
with tempfile.TemporaryDirectory() as folder:  # what is imported late may lie where only root may read
    shutil.copytree(sys.argv[1], folder + "/x")
    index = Index.open(folder + "/x")
    index.snapshot().documents(index.snapshot().find_candidates(query, 3)[0].tolist())
    index.add(["x"], query)
    index.close()
    del index
    gc.collect()
os.setgid({NOBODY}); os.setuid({NOBODY})
index = None
for line in sys.stdin:
    try:
        if line == "open\\n":
            index = Index.open(sys.argv[1])
        elif line == "reload\\n":
            index.reload()
        elif line == "add\\n":
            index.add(["x"], query)
        found = index.snapshot().find_candidates(query, 10_000)[0].tolist()
        documents = index.snapshot().documents(found)
        assert len(documents) == len(index), (len(documents), len(index))
        assert len(index.known_ids([document.id for document in documents.values()])) == len(index)
        print("holds", len(documents), flush=True)
    except Exception as error:
        print(type(error).__name__, " ".join(str(error).split()), flush=True)
"""


class Reader:
    """A process of its own, which begins when it is first asked."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begun: subprocess.Popen[str] | None = None

    @property
    def _process(self) -> subprocess.Popen[str]:
        if self._begun is None:
            command = [sys.executable, "-c", READER, str(self._path)]
            self._begun = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._begun

    def __call__(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may read."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    found = Reader(folder / "x")
    yield found
    found.close()


def many(draw: Callable[..., WordVectors], n: int, first: int = 0) -> tuple[list[str], WordVectors, list[str], Any]:
    ids = [f"n{number}" for number in range(first, first + n)]
    return ids, draw(3, [2] * n, summary_dim=4), [f"{id} " * 40 for id in ids], [{"n": id} for id in ids]


def test_a_reader_sees_what_an_owner_has_closed(folder: Path, reader: Reader, documents: WordVectors) -> None:
    filled(folder / "x", documents).close()
    assert reader("open") == "holds 30"
    assert reader("search") == "holds 30"


def test_a_reader_is_told_that_the_owner_changed_the_index(
    folder: Path, reader: Reader, documents: WordVectors, draw: Callable[..., WordVectors]
) -> None:
    filled(folder / "x", documents).close()
    assert reader("open") == "holds 30"
    owner = Index.open(folder / "x")
    owner.add(*many(draw, 3000))
    owner.delete(["d0", "d1"])
    owner.close()
    assert "was changed by others since it was opened" in reader("search")
    assert reader("reload") == "holds 3028"
    assert reader("search") == "holds 3028"


def test_a_reader_beside_an_open_owner_keeps_its_moment(
    folder: Path, reader: Reader, documents: WordVectors, draw: Callable[..., WordVectors]
) -> None:
    owner = filled(folder / "x", documents)
    owner.add(["one more"], documents[:1])
    assert reader("open") == "holds 31"
    owner.add(*many(draw, 100))
    assert reader("search") == "holds 31"
    assert reader("reload") == "holds 131"
    owner.close()
    assert reader("search") == "holds 131"
    assert reader("reload") == "holds 131"


def test_a_reader_may_not_write_and_leaves_nothing(folder: Path, reader: Reader, documents: WordVectors) -> None:
    filled(folder / "x", documents).close()
    assert reader("open") == "holds 30"
    before = sorted(str(path) for path in folder.rglob("*"))
    assert reader("add").startswith("WordhiveError cannot write to ")
    assert sorted(str(path) for path in folder.rglob("*")) == before


def test_no_catalog_is_called_damaged_while_its_owner_writes(
    folder: Path, reader: Reader, documents: WordVectors, draw: Callable[..., WordVectors]
) -> None:
    filled(folder / "x", documents).close()
    assert reader("open") == "holds 30"
    told = set()
    for round in range(8):
        owner = Index.open(folder / "x")
        owner.add(*many(draw, 300, first=300 * round))
        owner.close()
        told.add(" was changed by others since it was opened" in reader("search"))
        assert reader("reload") == f"holds {30 + 300 * (round + 1)}"
    assert told == {True}


def test_a_catalog_on_a_file_system_that_is_read_only_is_not_watched(
    folder: Path, documents: WordVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(folder / "x", documents).close()
    catalog = folder / "x" / "catalog.db"
    assert connection._unlocked(catalog).stamp is not None
    monkeypatch.setattr(os, "statvfs", lambda path: os.statvfs_result((0,) * 8 + (os.ST_RDONLY, 255)))
    assert connection._unlocked(catalog).stamp is None
