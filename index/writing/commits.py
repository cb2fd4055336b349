"""Writing into an index folder: one process at a time, all of a batch or nothing."""

from __future__ import annotations

import errno
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np

from ..errors import WordhiveError
from ..files import refuse_links
from ..storage.batch import Batch
from ..storage.catalog import documents
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.catalog_records import FileRecord, Generation, SegmentRecord
from ..storage.parameters import Parameters
from ..storage.segment import file_records, new_folder, remove_orphans, save_array, save_word_ids
from ..storage.word_id_lists import WordIdLists, by_word_id
from ..word_vectors import WordVectors
from .lock import folder_lock

# What the folders of segments and of parameters are called: nobody else's are removed.
_SEGMENT = re.compile(r"\d{12}")
_GENERATION = re.compile(r"\d+")


@contextmanager
def write_lock(path: Path, catalog: Catalog) -> Iterator[None]:
    """The index at `path`, for this process alone to write; what a crash or a failure left is removed.

    Raises WordhiveError when another process is writing, the disk fails or is full, or another index lies there now.
    """
    catalog.check_place()  # a lock is made only where the index is
    with ExitStack() as held:
        with disk_errors(path):
            held.enter_context(folder_lock(path))
        catalog.check_place()  # and from here on it stays where it is, as far as others ask for the lock
        refuse_links(path)
        try:
            sweep(path, catalog)
            with disk_errors(path):
                yield
        except BaseException:
            with suppress(WordhiveError, OSError):  # what went wrong is told; the next writer removes what it left
                sweep(path, catalog)
            raise


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """What the disk and SQLite report while writing to `path`, as WordhiveError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(path) from error
        raise WordhiveError(f"cannot write to {path}: {error.strerror or error}") from error
    except sqlite3.DatabaseError as error:
        if "full" in str(error):
            raise _disk_full(path) from error
        raise WordhiveError(f"cannot write to {path}: {error}") from error


def write_segment(
    root: Path, record: SegmentRecord, vectors: WordVectors, parameters: Parameters, device: str
) -> list[FileRecord]:
    """Write the folder of a segment below `root`; it counts once the catalog names it. device: that encodes."""
    with new_folder(root / "segments", record.id) as folder:
        vectors = by_word_id(vectors)
        save_array(folder / "words.npy", parameters.words.encode(vectors.vectors))
        save_array(folder / "offsets.npy", vectors.offsets.astype(np.int64, copy=False))
        ids = vectors.word_ids if parameters.config.word_ids else np.zeros_like(vectors.word_ids)
        save_word_ids(folder, WordIdLists.encode(ids, vectors.offsets, np.unique(ids)))
        if vectors.summary is not None and parameters.summaries is not None:
            save_array(folder / "summaries.npy", parameters.summaries.encode(vectors.summary))
        candidates = parameters.empty_candidates(len(vectors))
        if candidates is not None and parameters.encoding is not None:
            candidates.add(parameters.encoding.encode_documents(vectors, device))
            candidates.save(folder / "candidates.faiss")
    return file_records(root, root / "segments" / record.id)


def commit_batch(
    catalog: Catalog,
    batch: Batch,
    record: SegmentRecord,
    new: Generation | None,
    files: list[FileRecord],
    replaced: Sequence[int] = (),
    *,
    store_texts: bool = True,
) -> None:
    """Name a written segment, and a generation of parameters where it is new, in the catalog: one transaction.

    replaced: rows of the documents whose place those of the batch take. store_texts: or only their sizes.
    """
    codec = catalog.writing_codec(batch.texts if store_texts else ())
    with catalog.commit("upsert" if len(replaced) else "add", len(batch.ids)) as transaction:
        if new is not None:
            _insert_generation(transaction, new)
        _insert_tombstones(transaction, replaced)
        _insert(transaction, record, files)
        rows = range(record.first_row, record.first_row + record.n_documents)
        documents.insert(transaction, rows, batch, codec, store_texts=store_texts)


def commit_generation(catalog: Catalog, new: Generation, files: list[FileRecord]) -> None:
    """Name a generation of parameters in the catalog, by which documents are coded from now on."""
    with catalog.commit("refit", 0) as transaction:
        _insert_generation(transaction, new)
        _insert_files(transaction, files)


def commit_tuning(catalog: Catalog, candidates: int | None, probes: int | None) -> None:
    """Keep how many candidates a search takes that asks for no number, and how it looks for them: one transaction."""
    with catalog.commit("tune", 0) as transaction:
        transaction.execute("INSERT OR REPLACE INTO setting VALUES ('candidates', ?)", (json.dumps(candidates),))
        transaction.execute("DELETE FROM setting WHERE name = 'probes'")
        if probes is not None:  # or earlier versions, which don't know it, could not read the index
            transaction.execute("INSERT INTO setting VALUES ('probes', ?)", (json.dumps(probes),))


def commit_deletion(catalog: Catalog, rows: Sequence[int]) -> None:
    """Delete the documents of those rows: one transaction."""
    with catalog.commit("delete", len(rows)) as transaction:
        _insert_tombstones(transaction, rows)


def commit_merge(
    catalog: Catalog, merged: Sequence[SegmentRecord], record: SegmentRecord | None, files: list[FileRecord]
) -> None:
    """Name a segment, or none, in place of those that were merged into it: one transaction.

    Their deleted documents are forgotten, and so are parameters that no segment needs any more.
    """
    with catalog.commit("merge", record.n_documents if record else 0) as transaction:
        for old in merged:
            transaction.execute("DELETE FROM segment WHERE id = ?", (old.id,))
            _forget_files(transaction, f"segments/{old.id}/")
        last = merged[-1].first_row + merged[-1].n_rows
        transaction.execute("DELETE FROM tombstone WHERE row >= ? AND row < ?", (merged[0].first_row, last))
        if record is not None:
            _insert(transaction, record, files)
        unused = transaction.execute(
            "SELECT id FROM generation WHERE id NOT IN (SELECT generation FROM segment) "
            "AND id < (SELECT max(id) FROM generation)"
        ).fetchall()
        for (id,) in unused:
            transaction.execute("DELETE FROM generation WHERE id = ?", (id,))
            _forget_files(transaction, f"params/{id}/")


def _insert_tombstones(transaction: sqlite3.Connection, rows: Sequence[int]) -> None:
    documents.delete(transaction, rows)
    transaction.executemany("INSERT INTO tombstone VALUES (?)", [(row,) for row in rows])


def _insert(transaction: sqlite3.Connection, record: SegmentRecord, files: list[FileRecord]) -> None:
    values = (
        record.id, record.generation, record.first_row, record.n_documents, record.n_words, record.n_rows
    )  # fmt: skip
    transaction.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)", values)
    _insert_files(transaction, files)


def _insert_generation(transaction: sqlite3.Connection, new: Generation) -> None:
    values = (new.id, new.dim, new.summary_dim, new.n_rows)
    transaction.execute("INSERT INTO generation VALUES (?, ?, ?, ?)", values)


def _insert_files(transaction: sqlite3.Connection, files: list[FileRecord]) -> None:
    transaction.executemany(
        "INSERT INTO file VALUES (?, ?, ?)", [(file.path, file.size, file.checksum) for file in files]
    )


def _forget_files(transaction: sqlite3.Connection, folder: str) -> None:
    transaction.execute("DELETE FROM file WHERE substr(path, 1, length(?)) = ?", (folder, folder))


def sweep(path: Path, catalog: Catalog) -> None:
    """Remove the folders of segments and of parameters that the catalog does not name."""
    remove_orphans(path / "segments", {record.id for record in catalog.segments()}, _SEGMENT)
    remove_orphans(path / "params", {str(generation.id) for generation in catalog.generations()}, _GENERATION)


def _disk_full(path: Path) -> WordhiveError:
    return WordhiveError(f"the disk is full: nothing of this batch was kept in {path}; free some space and run again")
