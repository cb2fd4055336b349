"""The documents of an index in its catalog: ids, attributes, compressed texts, and a checksum of all three."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..batch import Batch
from .text_compression import TextCodec

SCHEMA = """
-- text_size: UTF-8 bytes of the text as it was given, kept or not; NULL for none.
CREATE TABLE document (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    attributes TEXT,
    text_size INTEGER,
    checksum INTEGER NOT NULL
);
-- dictionary: with which one the text is compressed, 0: without; NULL: it is not compressed.
CREATE TABLE text (row INTEGER PRIMARY KEY, dictionary INTEGER, body BLOB NOT NULL);
CREATE TABLE dictionary (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""

# What a `DocumentRecord` is made of.
RECORDS = (
    "SELECT document.row, id, attributes, text_size, checksum, dictionary, body "
    "FROM document LEFT JOIN text ON text.row = document.row"
)
# A document that SQLite's index of unique ids does not have.
NOT_FOUND_BY_ID = (
    "SELECT row FROM document AS held NOT INDEXED "
    "WHERE NOT EXISTS (SELECT 1 FROM document AS found WHERE found.id = held.id AND +found.row = held.row) LIMIT 1"
)
ATTRIBUTE_NAMES = (
    "SELECT DISTINCT key FROM (SELECT attributes FROM document WHERE attributes IS NOT NULL LIMIT 1000) AS held, "
    "json_each(held.attributes) ORDER BY key"
)


@dataclass(frozen=True)
class StoredDocument:
    """A document as it was given: id, text or None, attributes."""

    row: int
    id: str
    text: str | None
    attributes: dict[str, Any]


@dataclass(frozen=True)
class DocumentRecord:
    """A document as the catalog has it; see `SCHEMA`."""

    row: int
    id: str
    attributes: str | None
    text_size: int | None
    checksum: int
    dictionary: int | None
    body: bytes | None

    def document(self, codec: TextCodec) -> StoredDocument:
        """What it stands for.

        Raises:
            ValueError: That is not what was written.
        """
        text = self.body
        if not isinstance(self.id, str) or not isinstance(self.attributes, (str, type(None))):
            raise ValueError("an id or attributes that are no text")
        if text is not None and self.dictionary is not None:
            text = codec.decode(text, self.text_size or 0)
        if _checksum(self.row, self.id, self.attributes, self.text_size, text) != self.checksum:
            raise ValueError("another checksum than was written")
        attributes = json.loads(self.attributes) if self.attributes else {}
        if not isinstance(attributes, dict):
            raise ValueError("attributes that are no keys and values")
        return StoredDocument(self.row, self.id, None if text is None else text.decode(), attributes)


def insert(
    transaction: sqlite3.Connection, rows: Sequence[int], batch: Batch, codec: TextCodec, *, store_texts: bool
) -> None:
    """Write the documents of a batch into their rows.

    Args:
        store_texts: Or only their sizes.
    """
    if codec.id:
        transaction.execute("INSERT OR IGNORE INTO dictionary VALUES (?, ?)", (codec.id, codec.dictionary))
    for row, id, given, attributes in zip(rows, batch.ids, batch.texts, batch.attributes, strict=True):
        text = None if given is None else given.encode()
        size, kept = None if text is None else len(text), text if store_texts else None
        checksum = _checksum(row, id, attributes, size, kept)
        transaction.execute("INSERT INTO document VALUES (?, ?, ?, ?, ?)", (row, id, attributes, size, checksum))
        if kept is not None:
            frame = codec.encode(kept)
            values = (row, codec.id, frame) if len(frame) < len(kept) else (row, None, kept)
            transaction.execute("INSERT INTO text VALUES (?, ?, ?)", values)


def update(transaction: sqlite3.Connection, record: DocumentRecord, text: str | None, attributes: str | None) -> None:
    """Write other attributes of a document."""
    kept = None if text is None else text.encode()
    checksum = _checksum(record.row, record.id, attributes, record.text_size, kept)
    transaction.execute(
        "UPDATE document SET attributes = ?, checksum = ? WHERE row = ?", (attributes, checksum, record.row)
    )


def relabel(
    transaction: sqlite3.Connection, record: DocumentRecord, codec: TextCodec, id: str, attributes: str | None
) -> None:
    """Give a document another id, or other attributes.

    Args:
        record: The document.
        codec: Of its text.
        id: Which no other document has.
        attributes: As JSON.

    Raises:
        ValueError: It is not what was written.
    """
    text = record.document(codec).text
    checksum = _checksum(record.row, id, attributes, record.text_size, None if text is None else text.encode())
    values = (id, attributes, checksum, record.row)
    transaction.execute("UPDATE document SET id = ?, attributes = ?, checksum = ? WHERE row = ?", values)


def delete(transaction: sqlite3.Connection, rows: Sequence[int]) -> None:
    """Remove the documents in those rows."""
    transaction.executemany("DELETE FROM document WHERE row = ?", [(row,) for row in rows])
    transaction.executemany("DELETE FROM text WHERE row = ?", [(row,) for row in rows])


def _checksum(row: int, id: str, attributes: str | None, size: int | None, text: bytes | None) -> int:
    head = f"{row} {size} {text is not None} {len(id)} {id} {attributes}"
    return zlib.crc32(text or b"", zlib.crc32(head.encode()))
