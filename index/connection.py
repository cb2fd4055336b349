"""Connections to a catalog file, also where nothing can be written, and what SQLite's errors mean for an index."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from .errors import WordhiveError

# SQLite's message may quote what is damaged, and then is no text.
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)


def connect(path: Path) -> sqlite3.Connection:
    """A connection to the catalog at `path`, or to one that can only be read.

    Raises WordhiveError for one that is damaged, or needs to be written to.
    """
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
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
        # Reading a catalog with a log wants to write beside it; without one it can be read as it lies.
        uri = f"{path.resolve().as_uri()}?immutable=1"
        return sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None, check_same_thread=False)
    except DAMAGE as error:
        connection.close()
        raise damaged(path, error) from error
    return connection


def damaged(path: Path, error: Exception) -> WordhiveError:
    """What to raise for an error that SQLite met in the catalog at `path`."""
    if str(error) in ("disk I/O error", "database or disk is full"):
        return WordhiveError(f"cannot read {path}: {error}; check the disk, and try again")
    return WordhiveError(f"{path} is damaged or no catalog ({' '.join(str(error).split())}); restore it from a copy")
