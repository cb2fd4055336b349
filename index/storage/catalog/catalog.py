"""The catalog of an index: one SQLite file that says what exists.

A segment or a generation of parameters counts only once the catalog names it, and one transaction is one commit, so
a crash leaves at most folders that nobody knows of.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ...errors import InputError, WordhiveError, WordhiveWarning
from ...files import refuse_links
from ...filters.conditions import Where, condition
from . import commit_count, documents, seal
from . import identity as identities
from .catalog_records import FileRecord, Generation, SegmentRecord, check_files, check_generations, check_segments
from .connection import DAMAGE, PATIENCE, UnlockedConnection, checked, connect, damaged
from .documents import DocumentRecord, StoredDocument
from .identity import Identity, ReplacedError, file_at
from .known_schema import check_schema
from .text_compression import ENOUGH_TEXTS, TextCodec, train_dictionary

FORMAT_VERSION = 3
# Bytes of SQLite's log that are left where they are: it writes over them.
_LARGE_LOG = 1 << 22
T = TypeVar("T")

_SCHEMA = (
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
    + identities.SCHEMA
)

_TEXT_PAGES = "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name IN ('text', 'dictionary') AND aggregate = TRUE"
_TEXT_BODIES = (
    "SELECT coalesce(sum(length(body)), 0) + (SELECT coalesce(sum(length(content)), 0) FROM dictionary) FROM text"
)
# A document that has no entry in the index that SQLite keeps of unique ids.
_LOST = (
    "SELECT row FROM document AS held NOT INDEXED "
    "WHERE NOT EXISTS (SELECT 1 FROM document AS found WHERE found.id = held.id AND +found.row = held.row) LIMIT 1"
)

_NAMES = (
    "SELECT DISTINCT key FROM (SELECT attributes FROM document WHERE attributes IS NOT NULL LIMIT 1000) AS held, "
    "json_each(held.attributes) ORDER BY key"
)


class Catalog:
    """Reads and writes the catalog file; safe to read from several threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, codecs: dict[int, TextCodec] | None = None) -> None:
        self.path = path
        self._connection = connection
        self._identity = identities.identity(connection, file_at(path))
        self._lock = threading.RLock()
        self._codecs = {0: TextCodec()} if codecs is None else codecs  # a dictionary never changes

    @classmethod
    def create(cls, path: Path, settings: dict[str, Any], files: Sequence[FileRecord] = ()) -> Catalog:
        """A new catalog with the given settings (JSON values), and files that are there from the beginning."""
        connection = connect(path, create=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT_VERSION};")
            identities.give_id(connection)
            rows = [(name, json.dumps(value)) for name, value in settings.items()]
            connection.executemany("INSERT INTO setting VALUES (?, ?)", rows)
            records = [(file.path, file.size, file.checksum) for file in files]
            connection.executemany("INSERT INTO file VALUES (?, ?, ?)", records)
            seal.seal(connection)
            connection.execute("COMMIT")
            return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """An existing catalog. Raises WordhiveError for a damaged file or a format that this version can't read."""
        refuse_links(path.parent)
        connection = connect(path)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version in (0, FORMAT_VERSION):  # 0 is also what any other file of SQLite's has
                check_schema(connection, _SCHEMA)
            if version != FORMAT_VERSION:
                raise InputError(
                    f"{path.parent} has index format {version}; this wordhive reads format {FORMAT_VERSION}: "
                    "open it with the version that wrote it, or index the documents again"
                )
            catalog = cls(path, connection)
            catalog.pinned().close()
        except DAMAGE as error:
            connection.close()
            raise damaged(path, error) from error
        except BaseException:
            connection.close()
            raise
        return catalog

    def pinned(self) -> Catalog:
        """The catalog as it is at this moment, whatever is committed later, until it is closed.

        Raises WordhiveError for a damaged file, or one that lost commits.
        """
        counted = commit_count.counted(self.path.parent)  # before the look: another process may be committing
        connection = connect(self.path)
        try:
            connection.execute("BEGIN")  # the moment is that of the first look
            check_schema(connection, _SCHEMA)
            pinned = Catalog(self.path, connection, self._codecs)
            self._check_is(pinned._identity)
            if not seal.is_sealed(connection):
                raise sqlite3.DatabaseError("what it says is not what was written")
            if pinned.n_commits() < counted:
                raise WordhiveError(
                    f"{self.path} has {pinned.n_commits()} of {counted} commits: the others were in "
                    f"{self.path.name}-wal, which is damaged or was not copied with it; restore the index from a copy"
                )
            checked(connection)
        except DAMAGE as error:
            try:
                raise self._fault(connection, error) from error
            finally:
                connection.close()
        except BaseException:
            connection.close()
            raise
        return pinned

    def refreshed(self) -> Catalog:
        """This catalog; or opened anew, where it is read without a lock and others have changed it."""
        unlocked = isinstance(self._connection, UnlockedConnection) and self._connection.is_outdated()
        if not unlocked or file_at(self.path) != self._identity.file:
            return self
        fresh = Catalog.open(self.path)
        self.close()
        return fresh

    def check_place(self) -> None:
        """Raise ReplacedError where another index, or none, lies at the path of this one by now."""
        try:
            with self._lock:
                self._check_is(identities.identity(self._connection, file_at(self.path)))
        except DAMAGE as error:
            raise self._fault(self._connection, error) from error

    def _fault(self, connection: sqlite3.Connection, error: Exception) -> WordhiveError:
        """What to raise for an error of SQLite's: it may be that others changed what is read without a lock."""
        checked(connection)
        return damaged(self.path, error)

    def _check_is(self, found: Identity) -> None:
        if not found.is_of(self._identity):
            raise ReplacedError(
                f"the index at {self.path.parent} was replaced by another one since it was opened; "
                "reload it to go on with that one, or open it again"
            )
        if found.id is not None:
            self._identity = found

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def commit(self, change: str, n_documents: int) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block, or nothing of it."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                identities.give_id(self._connection)  # which those of earlier versions lack
                number = self._connection.execute(
                    "INSERT INTO history (time, change, n_documents) VALUES (?, ?, ?)",
                    (time.time(), change, n_documents),
                ).lastrowid
                seal.seal(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):  # a connection that is broken has nothing to take back
                        self._connection.execute("ROLLBACK")
                raise
            self._count(number or 0)

    def _count(self, number: int) -> None:
        try:
            commit_count.count(self.path.parent, number)
        except OSError as error:  # whatever it is, the commit is there, and must not be reported as lost
            warnings.warn(
                f"{self.path.parent}: commit {number} was not counted ({error}); nothing is lost, the next one is",
                WordhiveWarning,
                stacklevel=4,
            )

    def faults(self) -> list[str]:
        """What SQLite finds wrong in the file."""
        return [fault for (fault,) in self._rows("PRAGMA integrity_check") if fault != "ok"]

    def settings(self) -> dict[str, Any]:
        rows = self._rows("SELECT name, value FROM setting")
        return self._sound(lambda: {str(name): json.loads(value) for name, value in rows})

    def generations(self) -> list[Generation]:
        query = "SELECT id, dim, summary_dim, n_rows FROM generation ORDER BY id"
        found = [Generation(*row) for row in self._rows(query)]
        self._sound(lambda: check_generations(found))
        return found

    def segments(self) -> list[SegmentRecord]:
        """All segments in the order of their rows."""
        query = "SELECT id, generation, first_row, n_documents, n_words, n_rows FROM segment ORDER BY first_row"
        found = [SegmentRecord(*row) for row in self._rows(query)]
        self._sound(lambda: check_segments(found))
        return found

    def tombstones(self) -> list[int]:
        """Rows of deleted documents that segments still hold, ascending."""
        return [row for (row,) in self._rows("SELECT row FROM tombstone ORDER BY row")]

    def n_commits(self) -> int:
        """Commits so far."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM history")[0][0])

    def files(self, folder: str = "") -> list[FileRecord]:
        """All files, or those below a folder."""
        query = "SELECT path, size, checksum FROM file WHERE substr(path, 1, length(?)) = ? ORDER BY path"
        found = [FileRecord(*row) for row in self._rows(query, (folder, folder))]
        self._sound(lambda: check_files(found))
        return found

    def n_documents(self) -> int:
        return int(self._rows("SELECT count(*) FROM document")[0][0])

    def fold(self) -> None:
        """Move what SQLite keeps in its log into the catalog file, as far as no reader still looks at the log.

        A log that grew large while one did is cut where none does any more.
        """
        with self._lock, suppress(sqlite3.OperationalError):  # what can't be moved now is safe in the log
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if self.has_large_log():
                self._connection.execute("PRAGMA busy_timeout = 0")  # or it would wait for readers
                try:
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    self._connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}")

    def has_large_log(self) -> bool:
        """Whether SQLite's log beside the catalog file is worth cutting."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size > _LARGE_LOG
        except FileNotFoundError:
            return False

    def shrink(self) -> None:
        """Give back the room that deleted documents took in the catalog file, if the disk has room for a copy.

        The file becomes shorter once its log is folded into it.
        """
        with self._lock, suppress(sqlite3.OperationalError):  # a full disk: the catalog stays as it is
            self._connection.execute("VACUUM")

    def size(self) -> int:
        """Bytes of the catalog file, once everything in it is where it belongs."""
        return int(self._rows("PRAGMA page_count")[0][0]) * int(self._rows("PRAGMA page_size")[0][0])

    def text_bytes(self) -> int:
        """UTF-8 bytes of all texts as they were given, kept or not."""
        return int(self._rows("SELECT coalesce(sum(text_size), 0) FROM document")[0][0])

    def texts_size(self) -> int:
        """Bytes that texts take in the catalog file, with what they are compressed by."""
        if self._rows("SELECT count(*) FROM pragma_module_list WHERE name = 'dbstat'")[0][0]:
            return int(self._rows(_TEXT_PAGES)[0][0])
        return int(self._rows(_TEXT_BODIES)[0][0])  # but for what is free in their pages

    def known_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of the given ids that are in the index."""
        found: set[str] = set()
        for part in _chunks(ids):
            marks = ",".join("?" * len(part))
            found.update(row[0] for row in self._rows(f"SELECT id FROM document WHERE id IN ({marks})", part))
        return found

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those of the given ids that are in the index."""
        found: dict[str, int] = {}
        for part in _chunks(ids):
            marks = ",".join("?" * len(part))
            found.update(self._rows(f"SELECT id, row FROM document WHERE id IN ({marks})", part))
        return found

    def check_ids(self) -> None:
        """Raise WordhiveError where a document is not found by its id: a damaged one is found by none, or another.

        It takes about a second for a million documents.
        """
        if lost := self._rows(_LOST):
            raise WordhiveError(
                f"{self.path} is damaged (the document in row {lost[0][0]} is not found by its id); "
                "restore it from a copy"
            )

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The texts of those of the given ids that are in the index."""
        return {found.id: found.text for found in self._documents("id", ids)}

    def text_sizes(self, rows: Sequence[int]) -> dict[int, int]:
        """The bytes of the texts of the given rows, by row, as they were given, kept or not; 0 for none."""
        found: dict[int, int] = {}
        for part in _chunks(rows):
            marks = ",".join("?" * len(part))
            query = f"SELECT row, CAST(coalesce(text_size, 0) AS INTEGER) FROM document WHERE row IN ({marks})"
            found.update(self._rows(query, part))
        return {row: found.get(row, 0) for row in rows}

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row."""
        return {found.row: found for found in self._documents("document.row", rows)}

    def _documents(self, key: str, values: Sequence[Any]) -> Iterator[StoredDocument]:
        for part in _chunks(values):
            marks = ",".join("?" * len(part))
            for found in self._rows(f"{documents.RECORDS} WHERE {key} IN ({marks})", part):
                yield self._checked(DocumentRecord(*found))

    def _checked(self, record: DocumentRecord) -> StoredDocument:
        try:
            return record.document(self.text_codec(record.dictionary or 0))
        except (ValueError, TypeError, RecursionError) as error:
            raise WordhiveError(
                f"{self.path} is damaged (document {record.id!r:.100}: {error}); restore it from a copy"
            ) from error

    def text_codec(self, dictionary: int) -> TextCodec:
        """The codec of texts that were compressed with a dictionary. Raises WordhiveError where it is missing."""
        if dictionary not in self._codecs:
            found = self._rows("SELECT content FROM dictionary WHERE id = ?", (dictionary,))
            if not found:
                raise WordhiveError(f"{self.path} is damaged (no dictionary {dictionary}); restore it from a copy")
            self._codecs[dictionary] = self._sound(lambda: TextCodec(dictionary, found[0][0]))
        return self._codecs[dictionary]

    def writing_codec(self, texts: Sequence[str | None]) -> TextCodec:
        """The codec for texts that are to be added: as soon as there are enough, with a dictionary trained on them."""
        last = int(self._rows("SELECT coalesce(max(id), 0) FROM dictionary")[0][0])
        fresh = [text for text in texts if text is not None]
        if last or len(fresh) + int(self._rows("SELECT count(*) FROM text")[0][0]) < ENOUGH_TEXTS:
            return self.text_codec(last)
        rows = [row for (row,) in self._rows("SELECT row FROM text ORDER BY row")]
        held = [found.text for found in self.documents(rows).values() if found.text is not None]
        return TextCodec(1, train_dictionary([text.encode() for text in [*held, *fresh]]))

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return dict(self._rows("SELECT row, id FROM document ORDER BY row"))

    def matching(self, where: Where) -> list[int]:
        """The rows of the documents that a filter lets through, ascending. Raises InputError for what is no filter."""
        sql, values = condition(where)
        return [row for (row,) in self._rows(f"SELECT row FROM document WHERE {sql} ORDER BY row", values)]

    def has_matches(self, where: Where) -> bool:
        """Whether a filter lets any document through."""
        sql, values = condition(where)
        return bool(self._rows(f"SELECT 1 FROM document WHERE {sql} LIMIT 1", values))

    def attribute_names(self) -> list[str]:
        """The names of the attributes that the first thousand documents with some have, in order."""
        return [name for (name,) in self._rows(_NAMES)]

    def _sound(self, read: Callable[[], T]) -> T:
        """What `read` makes of rows. Raises WordhiveError where they are not what was written."""
        try:
            return read()
        except (ValueError, TypeError, RecursionError) as error:
            raise WordhiveError(f"{self.path} is damaged ({error}); restore it from a copy") from error

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                rows = self._connection.execute(query, values).fetchall()
                checked(self._connection)
                return rows
        except UnicodeEncodeError as error:
            raise InputError(
                f"{error.object!r} is no valid Unicode (a lone surrogate); decode it as UTF-8 first"
            ) from error
        except DAMAGE as error:
            raise self._fault(self._connection, error) from error


def _chunks(items: Sequence[Any], size: int = 500) -> Iterable[Sequence[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
