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

from ..reading.snapshot import Snapshot
from ..storage.array_files import ArrayFile
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.folders import file_records, new_folder
from ..storage.segment import Segment
from ..storage.window_lists import WindowLists
from ..storage.word_id_lists import WordIdLists
from ..vectors.ragged import ragged_rows
from ..vectors.window_words import WindowWords

# Segments of a size that are merged, and so about how many times larger the next size is.
FAN = 8
# Share of deleted documents from which a segment is rewritten: each rewriting frees as much as it copies.
MOSTLY_DELETED = 0.5


def due(records: Sequence[SegmentRecord], deleted: Mapping[str, int]) -> list[SegmentRecord]:
    """The neighbouring segments that should be merged, or the one that should be rewritten; none where nothing should.

    Only segments of the last generation of parameters are merged: codes of other generations mean something else.
    Only neighbours are, because a segment owns all rows from its first to its last.

    Args:
        records: All segments, in the order of their rows.
        deleted: How many deleted documents each of them holds, by its id.
    """
    for record in records:
        if deleted.get(record.id, 0) >= MOSTLY_DELETED * record.n_documents:
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
    root: Path, snapshot: Snapshot, segments: Sequence[Segment], generation: Generation, name: str, device: str
) -> tuple[SegmentRecord | None, list[FileRecord]]:
    """Write one segment of the live documents of neighbouring segments; it counts once the catalog names it.

    Codes of the given generation are copied; codes of others are decoded and coded anew.

    Args:
        root: Folder of the index.
        snapshot: The index.
        segments: Segments to merge.
        generation: Of the parameters that code the new segment.
        name: Of the new segment.
        device: Where documents are encoded anew.

    Returns:
        The segment and its files; None and no file where no document is left.
    """
    _check_neighbours(snapshot, segments)
    kept = [snapshot.tombstones.live(segment) for segment in segments]
    n_documents = sum(map(len, kept))
    if not n_documents:
        return None, []
    n_words = sum(
        int(np.diff(segment.offsets)[documents].sum()) for segment, documents in zip(segments, kept, strict=True)
    )
    first, last = segments[0].record.first_row, segments[-1].record
    record = SegmentRecord(name, generation.id, first, n_documents, n_words, last.first_row + last.n_rows - first)
    with new_folder(root / "segments", name) as folder:
        _write(folder, record, snapshot, segments, kept, device)
    return record, file_records(root, root / "segments" / name)


def _check_neighbours(snapshot: Snapshot, segments: Sequence[Segment]) -> None:
    """Raise ValueError where a segment lies between those that are merged: its rows would have two owners."""
    positions = [snapshot.segments.index(segment) for segment in segments]
    if any(second != first + 1 for first, second in pairwise(positions)):
        raise ValueError(f"segments {[segment.record.id for segment in segments]} are no neighbours")


def _write(
    folder: Path,
    record: SegmentRecord,
    snapshot: Snapshot,
    segments: Sequence[Segment],
    kept: Sequence[NDArray[np.int64]],
    device: str,
) -> None:
    parameters, end = snapshot.parameters(record.generation), 0
    with (
        ArrayFile(folder / "words.npy", np.uint8, record.n_words, parameters.words.code_size) as words,
        ArrayFile(folder / "offsets.npy", np.int64, record.n_documents + 1) as offsets,
    ):
        offsets.write(np.zeros(1, np.int64))
        for segment, documents in _blocks(segments, kept):
            chosen_words, block_offsets = ragged_rows(segment.offsets, documents)
            if segment.record.generation == record.generation:
                words.write(segment.words[chosen_words])
            else:
                words.write(parameters.words.encode(snapshot.decoded(segment, documents).vectors))
            offsets.write(block_offsets[1:] + end)
            end += block_offsets[-1]
    _write_word_ids(folder, segments, kept)
    _write_windows(folder, record, snapshot, segments, kept)
    if record.n_rows != record.n_documents:
        with ArrayFile(folder / "rows.npy", np.int64, record.n_documents) as rows:
            for segment, documents in zip(segments, kept, strict=True):
                rows.write(segment.rows[documents])
    if parameters.summaries is not None:
        size = parameters.summaries.code_size
        with ArrayFile(folder / "summaries.npy", np.uint8, record.n_documents, size) as summaries:
            for segment, documents in _blocks(segments, kept):
                if segment.record.generation == record.generation:
                    summaries.write(segment.summaries[documents])
                else:
                    summaries.write(parameters.summaries.encode(_summary(snapshot, segment, documents)))
    candidates = parameters.empty_candidates(record.n_documents)
    if candidates is None or parameters.encoding is None:
        return
    large = parameters.is_large(record.n_documents)
    for segment, documents in zip(segments, kept, strict=True):
        alike = parameters.is_large(segment.record.n_documents) == large
        same = segment.record.generation == record.generation
        if same and candidates.append(segment.folder / "candidates.faiss", documents, alike=alike):
            continue
        for block in segment.blocks(documents):
            candidates.add(parameters.encoding.encode_documents(snapshot.decoded(segment, block), device))
    candidates.save(folder / "candidates.faiss")


def _write_word_ids(folder: Path, segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]) -> None:
    """Code the word ids anew, by a vocabulary of the ids that are left."""
    vocabulary = np.zeros(0, np.uint32)
    for ids, _ in _word_ids(segments, kept):
        vocabulary = np.union1d(vocabulary, ids)
    parts = [WordIdLists.encode(ids, offsets, vocabulary) for ids, offsets in _word_ids(segments, kept)]
    WordIdLists.concat(parts, vocabulary).save(folder)


def _write_windows(
    folder: Path,
    record: SegmentRecord,
    snapshot: Snapshot,
    segments: Sequence[Segment],
    kept: Sequence[NDArray[np.int64]],
) -> None:
    """Write the windows of long documents. They are few numbers, of which all fit in memory."""
    windows = WindowWords.concat(
        [(segment.windows_of(documents), len(documents)) for segment, documents in zip(segments, kept, strict=True)], 0
    )
    if windows is None:
        return
    summaries, codes = snapshot.parameters(record.generation).summaries, None
    if summaries is not None:
        codes = np.concatenate([
            segment.window_summaries_of(documents)
            if segment.record.generation == record.generation
            else summaries.encode(_window_summary(snapshot, segment, documents))
            for segment, documents in zip(segments, kept, strict=True)
            if segment.windows is not None
        ])  # fmt: skip
    WindowLists.encode(windows, codes).save(folder)


def _window_summary(snapshot: Snapshot, segment: Segment, documents: NDArray[np.int64]) -> NDArray[np.float32]:
    summaries = snapshot.parameters(segment.record.generation).summaries
    assert summaries is not None
    return summaries.decode(segment.window_summaries_of(documents))


def _word_ids(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[NDArray[np.uint32], NDArray[np.int64]]]:
    for segment, documents in _blocks(segments, kept):
        _, offsets = ragged_rows(segment.offsets, documents)
        yield segment.word_ids_of(documents, offsets), offsets


def _summary(snapshot: Snapshot, segment: Segment, documents: NDArray[np.int64]) -> NDArray[np.float32]:
    summaries = snapshot.parameters(segment.record.generation).summaries
    assert summaries is not None
    return summaries.decode(segment.summaries[documents])


def _blocks(
    segments: Sequence[Segment], kept: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[Segment, NDArray[np.int64]]]:
    for segment, documents in zip(segments, kept, strict=True):
        for block in segment.blocks(documents):
            yield segment, block


def _tier(record: SegmentRecord) -> int:
    return int(math.log(max(1, record.n_documents), FAN) + 1e-9)
