"""Which index lies at a path: one that is open here may be moved, or replaced by another one, at any time.

An index is told from others by a random id in its catalog, and from its own copies by the file that the catalog is.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ...errors import WordhiveError

SCHEMA = "CREATE TABLE identity (id TEXT NOT NULL);"
_IS_THERE = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'identity'"


class ReplacedError(WordhiveError):
    """At the path of an open index there is none any more, or another one."""


@dataclass(frozen=True)
class Identity:
    """An index at a path.

    Attributes:
        id: Random, 128 bits in hexadecimal; None where a version made the index that knew no ids, and no later one
            has written to it yet.
        file: Device and number of the catalog's file.
    """

    id: str | None
    file: tuple[int, int]

    def is_of(self, other: Identity) -> bool:
        """Whether both are the same index; one of them may have been read before the index got its id."""
        return self.file == other.file and (self.id == other.id or None in (self.id, other.id))


def file_at(catalog: Path) -> tuple[int, int]:
    """Device and number of the file at a path.

    Raises:
        ReplacedError: None is there.
    """
    try:
        found = catalog.stat()
    except FileNotFoundError as error:
        raise ReplacedError(
            f"the index at {catalog.parent} is gone: it was moved or removed while it was open; open it where it is now"
        ) from error
    except OSError as error:
        raise WordhiveError(f"cannot read {catalog}: {error.strerror}; check the disk, and try again") from error
    return found.st_dev, found.st_ino


def identity(connection: sqlite3.Connection, file: tuple[int, int]) -> Identity:
    """That of the index whose catalog a connection reads, which is in `file`."""
    known = connection.execute(_IS_THERE).fetchone()[0]
    row = connection.execute("SELECT id FROM identity").fetchone() if known else None
    return Identity(row[0] if row else None, file)


def give_id(transaction: sqlite3.Connection) -> None:
    """Give an index an id that has none, within a transaction."""
    if not transaction.execute(_IS_THERE).fetchone()[0]:
        transaction.execute(SCHEMA.rstrip(";"))
    if not transaction.execute("SELECT count(*) FROM identity").fetchone()[0]:
        transaction.execute("INSERT INTO identity VALUES (?)", (secrets.token_hex(16),))
