"""Merging: segments become one without their deleted documents, with one generation of parameters.

As in any log-structured store, a small segment waits until there are enough of its size or below, so that a document is
rewritten a logarithmic number of times; and one that is mostly deleted documents is rewritten alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, takewhile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..reading.snapshot import Snapshot, blocks
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.segment import ArrayFile, Segment, file_records, new_folder, save_word_ids
from ..storage.word_id_lists import WordIdLists
from ..word_vectors import ragged_rows

# Segments of a size that are merged, and so about how many times larger the next size is.
FAN = 8
# Share of deleted documents from which a segment is rewritten: each rewriting frees as much as it copies.
MOSTLY_DEAD = 0.5


def due(records: Sequence[SegmentRecord], deleted: Mapping[str, int]) -> list[SegmentRecord]:
    """The neighbouring segments that should become one, or the one to be rewritten; none where nothing is worth it.

    dead: deleted documents by segment. Only segments of the last generation of parameters are merged with each other:
    others' codes mean something else. Those before the last one of another generation are left alone: a segment owns
    all rows from its first to its last, so that only neighbours can become one.
    """
    for record in records:
        if deleted.get(record.id, 0) >= MOSTLY_DEAD * record.n_documents:
            return [record]
    last = list(takewhile(lambda record: record.generation == records[-1].generation, reversed(records)))
    for tier in sorted({_tier(record) for record in last}):
        run: list[SegmentRecord] = []
        for record in last:
            if _tier(record) > tier:
                break
            run.insert(0, record)
        sizes = [record.n_documents for record in run]
        # At least twice as large as the largest of them: so a document is rewritten a few times in its life.
        if len(run) >= FAN and 2 * max(sizes) <= sum(sizes):
            return run
    return []


def merge(
    root: Path, now: Snapshot, segments: Sequence[Segment], generation: Generation, name: str, device: str
) -> tuple[SegmentRecord | None, list[FileRecord]]:
    """Write one segment that holds the live documents of neighbouring `segments`; it counts once the catalog names it.

    Codes of the given generation are copied; those of others are decoded and coded anew. device: where such documents
    get their encodings. None where no document is left.
    """
    _check_neighbours(now, segments)
    kept = [now.live(segment) for segment in segments]
    n_documents = sum(map(len, kept))
    if not n_documents:
        return None, []
    words = sum(int((s.offsets[local + 1] - s.offsets[local]).sum()) for s, local in zip(segments, kept, strict=True))
    first, last = segments[0].record.first_row, segments[-1].record
    record = SegmentRecord(name, generation.id, first, n_documents, words, last.first_row + last.n_rows - first)
    with new_folder(root / "segments", name) as folder:
        _write(folder, record, now, segments, kept, device)
    return record, file_records(root, root / "segments" / name)


def _check_neighbours(now: Snapshot, segments: Sequence[Segment]) -> None:
    """Raise ValueError where a segment lies between those that are merged: its rows would have two owners."""
    places = [now.segments.index(segment) for segment in segments]
    if any(second != first + 1 for first, second in pairwise(places)):
        raise ValueError(f"segments {[segment.record.id for segment in segments]} are no neighbours")


def _write(
    folder: Path,
    record: SegmentRecord,
    now: Snapshot,
    segments: Sequence[Segment],
    kept: Sequence[NDArray[np.int64]],
    device: str,
) -> None:
    parameters, ends = now.parameters(record.generation), 0
    with (
        ArrayFile(folder / "words.npy", np.uint8, record.n_words, parameters.words.code_size) as words,
        ArrayFile(folder / "offsets.npy", np.int64, record.n_documents + 1) as offsets,
    ):
        offsets.write(np.zeros(1, np.int64))
        for segment, local in _blocks(segments, kept):
            places, own = ragged_rows(segment.offsets, local)
            same = segment.record.generation == record.generation
            codes = segment.words[places] if same else parameters.words.encode(now.decoded(segment, local).vectors)
            words.write(codes)
            offsets.write(own[1:] + ends)
            ends += own[-1]
    _write_word_ids(folder, segments, kept)
    if record.n_rows != record.n_documents:
        with ArrayFile(folder / "rows.npy", np.int64, record.n_documents) as rows:
            for segment, local in zip(segments, kept, strict=True):
                rows.write(segment.rows[local])
    if parameters.summaries is not None:
        size = parameters.summaries.code_size
        with ArrayFile(folder / "summaries.npy", np.uint8, record.n_documents, size) as summaries:
            for segment, local in _blocks(segments, kept):
                same = segment.record.generation == record.generation
                codes = segment.summaries[local] if same else parameters.summaries.encode(_summary(now, segment, local))
                summaries.write(codes)
    candidates = parameters.empty_candidates(record.n_documents)
    if candidates is None or parameters.encoding is None:
        return
    large = parameters.is_large(record.n_documents)
    for segment, local in zip(segments, kept, strict=True):
        alike = parameters.is_large(segment.record.n_documents) == large
        same = segment.record.generation == record.generation
        if same and candidates.append(segment.folder / "candidates.faiss", local, alike=alike):
            continue
        for block in blocks(segment, local):
            candidates.add(parameters.encoding.encode_documents(now.decoded(segment, block), device))
    candidates.save(folder / "candidates.faiss")


def _write_word_ids(folder: Path, segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]) -> None:
    """Code the word ids anew, by a vocabulary of those that are left."""
    vocabulary = np.zeros(0, np.uint32)
    for ids, _ in _word_ids(segments, kept):
        vocabulary = np.union1d(vocabulary, ids)
    parts = [WordIdLists.encode(ids, offsets, vocabulary) for ids, offsets in _word_ids(segments, kept)]
    save_word_ids(folder, WordIdLists.concat(parts, vocabulary))


def _word_ids(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
    for segment, local in _blocks(segments, kept):
        _, offsets = ragged_rows(segment.offsets, local)
        yield segment.word_ids_of(local, offsets), offsets


def _summary(now: Snapshot, segment: Segment, local: NDArray[np.int64]) -> NDArray[np.float32]:
    summaries = now.parameters(segment.record.generation).summaries
    assert summaries is not None
    return summaries.decode(segment.summaries[local])


def _blocks(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[Segment, NDArray[np.int64]]]:
    for segment, local in zip(segments, kept, strict=True):
        for block in blocks(segment, local):
            yield segment, block


def _tier(record: SegmentRecord) -> int:
    return int(math.log(max(1, record.n_documents), FAN) + 1e-9)
