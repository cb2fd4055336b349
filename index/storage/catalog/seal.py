"""The seal of a catalog: a checksum over its small tables, which each commit renews and each reader checks.

SQLite notices damage only to the structure of a page: a flipped bit in a number is another number. Documents
are not under the seal, which would have to read them all: they have checksums of their own.
"""

from __future__ import annotations

import hashlib
import sqlite3

SCHEMA = "CREATE TABLE seal (sha256 TEXT NOT NULL);"
_SEALED = ("setting", "generation", "segment", "file", "tombstone")


def seal(transaction: sqlite3.Connection) -> None:
    """Renew the seal, at the end of a transaction."""
    transaction.execute("DELETE FROM seal")
    transaction.execute("INSERT INTO seal VALUES (?)", (_checksum(transaction),))


def is_sealed(transaction: sqlite3.Connection) -> bool:
    """Whether the small tables are as the last commit left them, as a read transaction sees them."""
    return transaction.execute("SELECT sha256 FROM seal").fetchall() == [(_checksum(transaction),)]


def _checksum(transaction: sqlite3.Connection) -> str:
    digest = hashlib.sha256()
    for table in _SEALED:
        digest.update(repr(transaction.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()).encode())
    # New segments are named by it.
    digest.update(repr(transaction.execute("SELECT max(id) FROM history").fetchall()).encode())
    return digest.hexdigest()
