"""The tables of a catalog, and whether a catalog has these and nothing else.

A view or a trigger of somebody else's would run in the place of a table.
"""

from __future__ import annotations

import re
import sqlite3
from functools import cache

from . import documents, identity, seal

FORMAT_VERSION = 3
SCHEMA = (
    """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE generation (
    id INTEGER PRIMARY KEY, dim INTEGER NOT NULL, summary_dim INTEGER NOT NULL, n_rows INTEGER NOT NULL
);
CREATE TABLE segment (
    id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL REFERENCES generation(id),
    first_row INTEGER NOT NULL,
    n_documents INTEGER NOT NULL,
    n_words INTEGER NOT NULL,
    n_rows INTEGER NOT NULL
) WITHOUT ROWID;
-- Rows of deleted documents that a segment still holds.
CREATE TABLE tombstone (row INTEGER PRIMARY KEY);
CREATE TABLE file (path TEXT PRIMARY KEY, size INTEGER NOT NULL, checksum TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE history (id INTEGER PRIMARY KEY, time REAL NOT NULL, change TEXT NOT NULL, n_documents INTEGER NOT NULL);
"""
    + documents.SCHEMA
    + seal.SCHEMA
    + identity.SCHEMA
)

# Tables that later versions added: an index may have been made without them.
_ADDED_LATER = ("identity",)
# A catalog with more entries is not ours: the rest is not read.
_MOST_ENTRIES = 100
_COMMENT = re.compile(r"--[^\n]*")

Entry = tuple[str, str, str, str]


def check_schema(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError where a catalog has other tables than `SCHEMA`.

    From then on nothing in the catalog's schema may call functions.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    expected, existing = _expected_entries(), _entries(connection)
    strange = sorted(existing - expected)
    if strange:
        kind, name, _, _ = strange[0]
        raise sqlite3.DatabaseError(f"its schema has a {kind} {name!r:.100} that is not wordhive's")
    missing = sorted(name for _, name, table, _ in expected - existing if table not in _ADDED_LATER)
    if missing:
        raise sqlite3.DatabaseError(f"its schema has no {missing[0]!r}")


@cache
def _expected_entries() -> frozenset[Entry]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(SCHEMA)
        return frozenset(_entries(connection))
    finally:
        connection.close()


def _entries(connection: sqlite3.Connection) -> set[Entry]:
    query = f"SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master LIMIT {_MOST_ENTRIES}"
    return {
        (str(kind), str(name), str(table), _plain(str(sql))) for kind, name, table, sql in connection.execute(query)
    }


def _plain(sql: str) -> str:
    """A statement without comments, and with single spaces: its layout does not matter."""
    return " ".join(_COMMENT.sub("", sql).split())
