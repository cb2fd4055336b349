"""`Transaction`: what one commit changes in a catalog."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..batch import Batch
from . import documents, identity, seal
from .catalog_records import FileRecord, Generation, SegmentRecord
from .documents import DocumentRecord
from .text_compression import TextCodec

_UNUSED_GENERATIONS = (
    "SELECT id FROM generation WHERE id NOT IN (SELECT generation FROM segment) "
    "AND id < (SELECT max(id) FROM generation)"
)


class Transaction:
    """Changes of a catalog that are committed together; `Catalog.commit` begins and ends it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert_documents(self, rows: Sequence[int], batch: Batch, codec: TextCodec, *, store_texts: bool) -> None:
        """Insert the documents of a batch into their rows; without `store_texts` only the sizes of their texts."""
        documents.insert(self._connection, rows, batch, codec, store_texts=store_texts)

    def relabel_documents(self, documents_of: Iterable[tuple[DocumentRecord, TextCodec, str, str | None]]) -> None:
        """Give documents other ids and attributes; see `documents.relabel`. They may exchange their ids."""
        waiting = list(documents_of)
        for record, *_ in waiting:  # two documents never have the same id, not for a moment
            self._connection.execute("UPDATE document SET id = ? WHERE row = ?", (f"\0{record.row}", record.row))
        for record, codec, id, attributes in waiting:
            documents.relabel(self._connection, record, codec, id, attributes)

    def delete_documents(self, rows: Sequence[int]) -> None:
        """Delete the documents in those rows, which their segment holds until it is merged."""
        documents.delete(self._connection, rows)
        self._connection.executemany("INSERT INTO tombstone VALUES (?)", [(row,) for row in rows])

    def update_attributes(self, record: DocumentRecord, text: str | None, attributes: str | None) -> None:
        """Give a document other attributes, as JSON; its text, where it is kept, is part of its checksum."""
        documents.update(self._connection, record, text, attributes)

    def insert_segment(self, record: SegmentRecord, files: Sequence[FileRecord]) -> None:
        """Insert a segment and its files."""
        values = (
            record.id, record.generation, record.first_row, record.n_documents, record.n_words, record.n_rows
        )  # fmt: skip
        self._connection.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?)", values)
        self.insert_files(files)

    def delete_segments(self, records: Sequence[SegmentRecord]) -> None:
        """Delete neighbouring segments, their files, and the tombstones of all rows from the first to the last."""
        for record in records:
            self._connection.execute("DELETE FROM segment WHERE id = ?", (record.id,))
            self._delete_files(f"segments/{record.id}/")
        end = records[-1].first_row + records[-1].n_rows
        self._connection.execute("DELETE FROM tombstone WHERE row >= ? AND row < ?", (records[0].first_row, end))

    def insert_generation(self, generation: Generation, files: Sequence[FileRecord] = ()) -> None:
        """Insert a generation of parameters and its files."""
        values = (generation.id, generation.dim, generation.summary_dim, generation.n_rows)
        self._connection.execute("INSERT INTO generation VALUES (?, ?, ?, ?)", values)
        self.insert_files(files)

    def delete_unused_generations(self) -> None:
        """Delete all generations of parameters that no segment needs, but for the last one, and their files."""
        for (generation,) in self._connection.execute(_UNUSED_GENERATIONS).fetchall():
            self._connection.execute("DELETE FROM generation WHERE id = ?", (generation,))
            self._delete_files(f"params/{generation}/")

    def replace_settings(self, values: Mapping[str, Any]) -> None:
        """Put settings (JSON values by name) in the place of all that there are."""
        self._connection.execute("DELETE FROM setting")
        rows = [(name, json.dumps(value)) for name, value in values.items()]
        self._connection.executemany("INSERT INTO setting VALUES (?, ?)", rows)

    def insert_files(self, files: Sequence[FileRecord]) -> None:
        """Insert files of the index."""
        rows = [(file.path, file.size, file.checksum) for file in files]
        self._connection.executemany("INSERT INTO file VALUES (?, ?, ?)", rows)

    def end(self, change: str, n_documents: int) -> int:
        """Write the history, renew the seal and commit; the number of commits so far."""
        identity.give_id(self._connection)  # an index of an earlier version has none
        history = "INSERT INTO history (time, change, n_documents) VALUES (?, ?, ?)"
        number = self._connection.execute(history, (time.time(), change, n_documents)).lastrowid
        seal.seal(self._connection)
        self._connection.execute("COMMIT")
        return number or 0

    def _delete_files(self, folder: str) -> None:
        self._connection.execute("DELETE FROM file WHERE substr(path, 1, length(?)) = ?", (folder, folder))
