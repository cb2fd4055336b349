"""Connections to a catalog file, also where nothing can be written, and what SQLite's errors mean for an index."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from ...errors import WordhiveError

# SQLite's message may quote what is damaged, and then is no text.
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
# Nanoseconds within which a file system may give two changes of a file the same time.
_SAME_TIME = 50_000_000

# Seconds that SQLite waits for another process's transaction.
PATIENCE = 30

Stamp = tuple[int, int, int, int]


class UnlockedConnection(sqlite3.Connection):
    """A connection that takes no locks, because it may not write beside the catalog: nobody keeps others from writing.

    Whoever reads by it asks afterwards, by `check`, whether the file is still as it was.
    """

    path: Path
    stamp: Stamp | None = None  # None: on a file system where nobody can write

    def is_outdated(self) -> bool:
        """Whether others have changed the catalog since it was opened."""
        return self.stamp is not None and self.stamp != (_stamp(self.path) if self.path.exists() else None)

    def check(self) -> None:
        """Raise WordhiveError where others have changed the catalog since it was opened."""
        if self.is_outdated():
            raise WordhiveError(
                f"{self.path.parent} was changed by others since it was opened, which can't be followed here without "
                "the permission to write there: reload it, or open it again"
            )


def connect(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """A connection to the catalog at `path`, or to one that can only be read. create: it is made where none is.

    Raises WordhiveError for one that is damaged, or needs to be written to.
    """
    connection = _connection(path, f"mode={'rwc' if create else 'rw'}")
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if not path.is_file():
            raise WordhiveError(f"cannot open {path}: {error}; check that you may write to {path.parent}") from error
        if log.is_file() and log.stat().st_size:
            raise WordhiveError(
                f"cannot open {path}: {error}; its last changes are in {log.name}, which can't be read where nothing "
                "can be written: open it once where it can be written, or copy the folder there"
            ) from error
        return _unlocked(path)
    except DAMAGE as error:
        connection.close()
        raise damaged(path, error) from error
    return connection


def checked(connection: sqlite3.Connection) -> None:
    """Raise WordhiveError where what was just read may be half of one moment and half of another."""
    if isinstance(connection, UnlockedConnection):
        connection.check()


def damaged(path: Path, error: Exception) -> WordhiveError:
    """What to raise for an error that SQLite met in the catalog at `path`."""
    if str(error) in ("disk I/O error", "database or disk is full"):
        return WordhiveError(f"cannot read {path}: {error}; check the disk, and try again")
    return WordhiveError(f"{path} is damaged or no catalog ({' '.join(str(error).split())}); restore it from a copy")


def _connection(path: Path, query: str, **options: Any) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{query}"
    try:
        connection: sqlite3.Connection = sqlite3.connect(
            uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False, **options
        )
        return connection
    except sqlite3.OperationalError as error:
        raise WordhiveError(
            f"cannot open {path}: {error}; check that it is there, and that you may read and write in {path.parent}"
        ) from error


def _unlocked(path: Path) -> UnlockedConnection:
    """A connection that reads the file as it lies: SQLite's log is beside it otherwise, and can't be written."""
    stamp = _settled_stamp(path)
    connection = _connection(path, "immutable=1", factory=UnlockedConnection)
    assert isinstance(connection, UnlockedConnection)
    connection.path, connection.stamp = path, stamp
    return connection


def _settled_stamp(path: Path) -> Stamp | None:
    """What a file is known by, so long after its last change that the next one gives another."""
    if hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY:
        return None
    while (stamp := _stamp(path))[2] > time.time_ns() - _SAME_TIME and stamp[2] <= time.time_ns():
        time.sleep(_SAME_TIME / 1e9)
    return stamp


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
