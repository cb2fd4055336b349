"""What a catalog says of segments, parameters and files, and whether it can be true.

SQLite keeps anything in any column, and others may have written it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_DIMS = 1 << 16
_MOST_ROWS = 1 << 48
_SEGMENT = r"\d{12,20}"
_FILE = re.compile(rf"(params|params/\d{{1,18}}|segments/{_SEGMENT})/[a-z_]+(-[a-z]+)?\.[a-z]+")


@dataclass(frozen=True)
class SegmentRecord:
    """A segment as the catalog knows it.

    It owns the rows `first_row` … `first_row + n_rows − 1`, and holds documents, deleted ones included, for
    `n_documents` of them: for all, unless a compaction dropped some.
    """

    id: str
    generation: int
    first_row: int
    n_documents: int
    n_words: int
    n_rows: int


@dataclass(frozen=True)
class Generation:
    """One set of trained parameters and the dimensions that they are for.

    Attributes:
        n_rows: Documents in the rows below were there when they were trained.
    """

    id: int
    dim: int
    summary_dim: int
    n_rows: int


@dataclass(frozen=True)
class FileRecord:
    """A file of the index: its path below the index's folder, size in bytes, and checksum."""

    path: str
    size: int
    checksum: str


def check_segments(segments: Sequence[SegmentRecord]) -> None:
    """Raise ValueError for a segment of no such name, or of numbers or rows that can't be."""
    end = 0
    for it in segments:
        if not isinstance(it.id, str) or not re.fullmatch(_SEGMENT, it.id, re.ASCII):
            raise ValueError(f"a segment is named {it.id!r:.100}; expected a number of twelve digits")
        numbers = (it.generation, it.first_row, it.n_documents, it.n_words, it.n_rows)
        if not all(_is_count(n, _MOST_ROWS) for n in numbers) or it.n_documents > it.n_rows:
            raise ValueError(f"segment {it.id} has numbers that cannot be")
        if it.first_row < end:
            raise ValueError(f"segment {it.id} has rows of the one before")
        end = it.first_row + it.n_rows


def check_generations(generations: Sequence[Generation]) -> None:
    """Raise ValueError for a generation of no such dims."""
    for it in generations:
        dims = _is_count(it.dim, MOST_DIMS) and it.dim and _is_count(it.summary_dim, MOST_DIMS)
        if not dims or not _is_count(it.id, _MOST_ROWS) or not _is_count(it.n_rows, _MOST_ROWS):
            raise ValueError(f"generation {it.id!r:.100} has numbers that cannot be")


def check_files(files: Sequence[FileRecord]) -> None:
    """Raise ValueError for a file whose path is not a plain one below the index's folder."""
    for it in files:
        if not isinstance(it.path, str) or not _FILE.fullmatch(it.path):
            raise ValueError(f"a file is named {it.path!r:.100}; expected one below params or segments")
        if not _is_count(it.size, 1 << 62) or not isinstance(it.checksum, str):
            raise ValueError(f"file {it.path} has a size or a checksum that cannot be")


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and 0 <= value <= most
