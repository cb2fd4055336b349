"""The folder of a new segment: everything that is stored of a batch of documents, but for their texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..storage.array_files import save_array
from ..storage.catalog.catalog_records import FileRecord, SegmentRecord
from ..storage.folders import file_records, new_folder
from ..storage.parameters import Parameters
from ..storage.window_lists import WindowLists
from ..storage.word_id_lists import WordIdLists, by_word_id
from ..vectors.window_words import WindowWords
from ..word_vectors import WordVectors


def write_segment(
    root: Path, record: SegmentRecord, vectors: WordVectors, parameters: Parameters, device: str
) -> list[FileRecord]:
    """Write the folder of a segment; it counts once the catalog names it.

    Args:
        root: Folder of the index.
        record: The segment.
        vectors: Its documents.
        parameters: Codecs and encoding that code them.
        device: Where they are encoded.
    """
    with new_folder(root / "segments", record.id) as folder:
        vectors = by_word_id(vectors)
        save_array(folder / "words.npy", parameters.words.encode(vectors.vectors))
        save_array(folder / "offsets.npy", vectors.offsets.astype(np.int64, copy=False))
        ids = vectors.word_ids if parameters.config.word_ids else np.zeros_like(vectors.word_ids)
        WordIdLists.encode(ids, vectors.offsets, np.unique(ids)).save(folder)
        if vectors.summary is not None and parameters.summaries is not None:
            save_array(folder / "summaries.npy", parameters.summaries.encode(vectors.summary))
        if vectors.windows is not None:
            _window_lists(vectors.windows, parameters).save(folder)
        candidates = parameters.empty_candidates(len(vectors))
        if candidates is not None and parameters.encoding is not None:
            candidates.add(parameters.encoding.encode_documents(vectors, device))
            candidates.save(folder / "candidates.faiss")
    return file_records(root, root / "segments" / record.id)


def _window_lists(windows: WindowWords, parameters: Parameters) -> WindowLists:
    codes = None
    if windows.summary is not None and parameters.summaries is not None:
        codes = parameters.summaries.encode(windows.summary)
    return WindowLists.encode(windows, codes)
