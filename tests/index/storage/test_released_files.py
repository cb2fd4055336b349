"""What an index lets go of: SQLite's log where nobody looks at it any more, and mapped files at its close."""

from __future__ import annotations

import gc
import random
from pathlib import Path

import pytest

from wordhive.index import Index, WordVectors

from ..filled_index import CONFIG, filled, scores

LARGE = 1 << 22


def log(index: Index) -> int:
    path = index.path / "catalog.db-wal"
    return path.stat().st_size if path.exists() else 0


@pytest.fixture
def index(tmp_path: Path, documents: WordVectors) -> Index:
    return Index.create(tmp_path / "x", CONFIG, summary_weight=0.5, store_texts=True)


def write_much(index: Index, documents: WordVectors) -> None:
    """Some megabytes of texts that can't be compressed."""
    draw = random.Random(0)
    for part in range(3):
        texts = ["".join(chr(draw.randrange(33, 0xD000)) for _ in range(30_000)) for _ in range(30)]
        index.add([f"{part} {number}" for number in range(30)], documents, texts)


@pytest.mark.parametrize("how", ["reload", "change", "close"])
def test_a_large_log_is_cut_once_nobody_looks_at_it(how: str, index: Index, documents: WordVectors) -> None:
    index.add(["first"], documents[:1])
    other = Index.open(index.path)
    held = other.snapshot()
    write_much(index, documents)
    other.reload()
    assert log(index) > LARGE
    assert len(held) == 1
    del held
    gc.collect()
    other.reload()  # and each of the two has looked since
    if how == "reload":
        index.reload()
    elif how == "change":
        index.delete(["first"])
    else:
        index.close()
    assert log(index) <= LARGE
    assert len(other) == 91


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no list of mapped files here")
def test_a_closed_index_has_no_file_mapped(tmp_path: Path, documents: WordVectors) -> None:
    index = filled(tmp_path / "x", documents)
    scores(index, documents[:2])
    assert str(index.path) in Path("/proc/self/maps").read_text()
    index.close()
    gc.collect()
    assert str(index.path) not in Path("/proc/self/maps").read_text()
    index.close()
