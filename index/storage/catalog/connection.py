"""Connections to a catalog file, also where nothing can be written, and what SQLite's errors mean for an index."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from ...errors import WordhiveError, damaged

# Errors of a damaged catalog: SQLite's message may quote what is damaged, and then is no text.
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
# What SQLite raises where it can't write.
WriteError = sqlite3.DatabaseError
# Nanoseconds within which a file system may give two changes of a file the same time.
_SAME_TIME = 50_000_000

# Seconds that SQLite waits for another process's transaction.
PATIENCE = 30

Stamp = tuple[int, int, int, int]


class UnlockedConnection(sqlite3.Connection):
    """A connection without locks, for where nothing may be written beside the catalog. Others may write meanwhile.

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
    """A connection to the catalog at `path`, without locks where it can only be read.

    Args:
        create: Make it if there is none.

    Raises:
        WordhiveError: A catalog that is damaged, or whose log has to be folded into it first.
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
        raise read_error(path, error) from error
    return connection


def check_unchanged(connection: sqlite3.Connection) -> None:
    """Raise WordhiveError where what was just read may be partly of before, partly of after a change by others."""
    if isinstance(connection, UnlockedConnection):
        connection.check()


def read_error(path: Path, error: Exception) -> WordhiveError:
    """What to raise for an error that SQLite met while it read the catalog at `path`."""
    if str(error) in ("disk I/O error", "database or disk is full"):
        return WordhiveError(f"cannot read {path}: {error}; check the disk, and try again")
    return damaged(path, " ".join(str(error).split()), "is damaged or no catalog")


def cut_log(connection: sqlite3.Connection) -> None:
    """Fold SQLite's log into the catalog file and cut it, unless a reader needs it now."""
    connection.execute("PRAGMA busy_timeout = 0")  # or it would wait for readers
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}")


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
    """A connection that reads the catalog file alone, since SQLite can't write its log beside it."""
    stamp = _settled_stamp(path)
    connection = _connection(path, "immutable=1", factory=UnlockedConnection)
    assert isinstance(connection, UnlockedConnection)
    connection.path, connection.stamp = path, stamp
    return connection


def _settled_stamp(path: Path) -> Stamp | None:
    """A file's stamp, taken so long after its last change that the next change gives another one."""
    if hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY:
        return None
    while (stamp := _stamp(path))[2] > time.time_ns() - _SAME_TIME and stamp[2] <= time.time_ns():
        time.sleep(_SAME_TIME / 1e9)
    return stamp


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
