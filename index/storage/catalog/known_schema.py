"""Whether a catalog has the tables of ours, and nothing else: a view or a trigger would run in the place of a table."""

from __future__ import annotations

import re
import sqlite3
from functools import cache

# Tables that later versions added: an index may have been made without them.
_ADDED_LATER = ("identity",)
# More than these are not ours, and are not read.
_MOST_ENTRIES = 100
_COMMENT = re.compile(r"--[^\n]*")

Entry = tuple[str, str, str, str]


def check_schema(connection: sqlite3.Connection, statements: str) -> None:
    """Raise sqlite3.DatabaseError where the schema of a catalog is not what `statements` make.

    Nothing in the schema may call functions from then on.
    """
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    known, found = _made_by(statements), _entries(connection)
    strange = sorted(found - known)
    if strange:
        kind, name, _, _ = strange[0]
        raise sqlite3.DatabaseError(f"its schema has a {kind} {name!r:.100} that is not wordhive's")
    missing = sorted(name for _, name, table, _ in known - found if table not in _ADDED_LATER)
    if missing:
        raise sqlite3.DatabaseError(f"its schema has no {missing[0]!r}")


@cache
def _made_by(statements: str) -> frozenset[Entry]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(statements)
        return frozenset(_entries(connection))
    finally:
        connection.close()


def _entries(connection: sqlite3.Connection) -> set[Entry]:
    query = f"SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master LIMIT {_MOST_ENTRIES}"
    return {
        (str(kind), str(name), str(table), _plain(str(sql))) for kind, name, table, sql in connection.execute(query)
    }


def _plain(sql: str) -> str:
    """Without comments, and with single spaces: how it was written does not matter."""
    return " ".join(_COMMENT.sub("", sql).split())
