"""Merging: many small segments become one large, so that a search visits few and graphs are worth building.

As in any log-structured store, a segment waits until there are enough of its size or below, so that a document is
rewritten a logarithmic number of times.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .catalog import FileRecord, SegmentRecord
from .errors import WordhiveError
from .parameters import Parameters
from .segment import Segment, file_records, new_folder, save_array

# Segments of a size that are merged, and so about how many times larger the next size is.
FAN = 8


def due(records: Sequence[SegmentRecord]) -> list[SegmentRecord]:
    """The last segments that should become one; none where too few are of a size.

    Only segments of the last generation of parameters: others' codes mean something else.
    """
    last = [record for record in records if record.generation == records[-1].generation]
    for tier in sorted({_tier(record) for record in last}):
        run: list[SegmentRecord] = []
        for record in reversed(last):
            if _tier(record) > tier:
                break
            run.insert(0, record)
        sizes = [record.n_documents for record in run]
        # At least twice as large as the largest of them: so a document is rewritten a few times in its life.
        if len(run) >= FAN and 2 * max(sizes) <= sum(sizes):
            return run
    return []


def check(root: Path, segments: Sequence[Segment], files: Iterable[FileRecord]) -> None:
    """Raise WordhiveError for a file that is not as the catalog knows it: merged, its damage could not be mended."""
    known = {file.path: file for file in files}
    for segment in segments:
        for found in file_records(root, segment.folder):
            if known.get(found.path) != found:
                raise WordhiveError(f"{root / found.path} is damaged; restore it from a copy")


def merge(root: Path, segments: Sequence[Segment], parameters: Parameters) -> tuple[SegmentRecord, list[FileRecord]]:
    """Write one segment that holds what neighbouring `segments` hold; it counts once the catalog names it."""
    records = [segment.record for segment in segments]
    n_documents = sum(record.n_documents for record in records)
    first = records[0].first_row
    record = SegmentRecord(
        f"{first:012d}-{n_documents}", records[0].generation, first, n_documents, sum(r.n_words for r in records)
    )
    with new_folder(root / "segments", record.id) as folder:
        for name in ("words.npy", "word_ids.npy", *(("summaries.npy",) if parameters.summaries else ())):
            _join([segment.folder / name for segment in segments], folder / name)
        starts = np.cumsum([0, *(r.n_words for r in records)])
        parts = [segment.offsets[:-1] + start for segment, start in zip(segments, starts, strict=False)]
        save_array(folder / "offsets.npy", np.concatenate([*parts, starts[-1:]]))
        candidates = parameters.empty_candidates(n_documents)
        if candidates is not None:
            for segment in segments:
                candidates.append(segment.folder / "candidates.faiss")
            candidates.save(folder / "candidates.faiss")
    return record, file_records(root, root / "segments" / record.id)


def _tier(record: SegmentRecord) -> int:
    return int(math.log(max(1, record.n_documents), FAN) + 1e-9)


def _join(sources: Sequence[Path], target: Path) -> None:
    """One .npy of the rows of several, copied as bytes: an index may be larger than the memory."""
    with target.open("wb") as out:
        shapes = []
        for source in sources:
            with source.open("rb") as file:
                shapes.append(_header(file))
        (shape, kind), n = shapes[0], sum(shape[0] for shape, _ in shapes)
        if any((other[1:], its) != (shape[1:], kind) for other, its in shapes):
            raise WordhiveError(f"the {target.name} of {sources[0].parent.parent} hold numbers of different kinds")
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": (n, *shape[1:])}
        np.lib.format.write_array_header_1_0(out, header)
        for source in sources:
            with source.open("rb") as file:
                _header(file)
                shutil.copyfileobj(file, out, 1 << 20)


def _header(file: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
    np.lib.format.read_magic(file)
    shape, _, kind = np.lib.format.read_array_header_1_0(file)
    return shape, kind
