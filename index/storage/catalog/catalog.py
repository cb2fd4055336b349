"""The catalog of an index: one SQLite file that says what exists.

A segment or a generation of parameters counts only once the catalog names it, and one transaction is one commit. So
a crash leaves at most folders that the catalog does not name.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from ...errors import InputError, WordhiveError, damaged
from ...files import refuse_links
from ...filters.conditions import Where, condition
from . import commit_count, documents, identity, seal
from .catalog_records import FileRecord, Generation, SegmentRecord, check_files, check_generations, check_segments
from .catalog_size import CatalogSize
from .connection import DAMAGE, UnlockedConnection, check_unchanged, connect, cut_log, read_error
from .documents import DocumentRecord, StoredDocument
from .identity import Identity, ReplacedError, file_at
from .schema import FORMAT_VERSION, SCHEMA, check_schema
from .text_compression import ENOUGH_TEXTS, TextCodec, train_dictionary
from .transaction import Transaction

# Bytes from which SQLite's log is cut: a shorter one is left, and written over.
_LARGE_LOG = 1 << 22
T = TypeVar("T")


class Catalog:
    """Reads and writes the catalog file; safe to read from several threads."""

    def __init__(self, path: Path, connection: sqlite3.Connection, codecs: dict[int, TextCodec] | None = None) -> None:
        self.path = path
        self._connection = connection
        self._identity = identity.identity(connection, file_at(path))
        self._lock = threading.RLock()
        self._codecs = {0: TextCodec()} if codecs is None else codecs  # a dictionary never changes

    @classmethod
    def create(cls, path: Path, settings: dict[str, Any], files: Sequence[FileRecord] = ()) -> Catalog:
        """A new catalog.

        Args:
            path: Its file.
            settings: JSON values by name.
            files: Files that are in the index from the beginning.
        """
        connection = connect(path, create=True)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {FORMAT_VERSION};")
            identity.give_id(connection)
            transaction = Transaction(connection)
            transaction.replace_settings(settings)
            transaction.insert_files(files)
            seal.seal(connection)
            connection.execute("COMMIT")
            return cls(path, connection)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Catalog:
        """An existing catalog.

        Raises:
            WordhiveError: A damaged file or a format that this version can't read.
        """
        refuse_links(path.parent)
        connection = connect(path)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version in (0, FORMAT_VERSION):  # 0 is also what any other file of SQLite's has
                check_schema(connection)
            if version != FORMAT_VERSION:
                raise InputError(
                    f"{path.parent} has index format {version}; this wordhive reads format {FORMAT_VERSION}: "
                    "open it with the version that wrote it, or index the documents again"
                )
            catalog = cls(path, connection)
            catalog.pinned().close()
        except DAMAGE as error:
            connection.close()
            raise read_error(path, error) from error
        except BaseException:
            connection.close()
            raise
        return catalog

    def pinned(self) -> Catalog:
        """The catalog of this moment, which later commits do not change, until it is closed.

        Raises:
            WordhiveError: A damaged file, or one that lost commits.
        """
        counted = commit_count.counted(self.path.parent)  # before reading: another process may be committing
        connection = connect(self.path)
        try:
            connection.execute("BEGIN")  # the moment is that of the first read
            check_schema(connection)
            pinned = Catalog(self.path, connection, self._codecs)
            self._check_same(pinned._identity)
            if not seal.is_sealed(connection):
                raise sqlite3.DatabaseError("what it says is not what was written")
            if pinned.n_commits() < counted:
                raise WordhiveError(
                    f"{self.path} has {pinned.n_commits()} of {counted} commits: the others were in "
                    f"{self.path.name}-wal, which is damaged or was not copied with it; restore the index from a copy"
                )
            check_unchanged(connection)
        except DAMAGE as error:
            try:
                raise self._error(connection, error) from error
            finally:
                connection.close()
        except BaseException:
            connection.close()
            raise
        return pinned

    def refreshed(self) -> Catalog:
        """This catalog; or opened anew, where it is read without a lock and others have changed it."""
        outdated = isinstance(self._connection, UnlockedConnection) and self._connection.is_outdated()
        if not outdated or file_at(self.path) != self._identity.file:
            return self
        fresh = Catalog.open(self.path)
        self.close()
        return fresh

    def check_not_replaced(self) -> None:
        """Raise ReplacedError where another index, or none, lies at the path of this one by now."""
        try:
            with self._lock:
                self._check_same(identity.identity(self._connection, file_at(self.path)))
        except DAMAGE as error:
            raise self._error(self._connection, error) from error

    def _check_same(self, at_path: Identity) -> None:
        if not at_path.is_of(self._identity):
            raise ReplacedError(
                f"the index at {self.path.parent} was replaced by another one since it was opened; "
                "reload it to go on with that one, or open it again"
            )
        if at_path.id is not None:
            self._identity = at_path

    def _error(self, connection: sqlite3.Connection, error: Exception) -> WordhiveError:
        """What to raise for an error of SQLite's: it may be that others changed what is read without a lock."""
        check_unchanged(connection)
        return read_error(self.path, error)

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def commit(self, change: str, n_documents: int) -> Iterator[Transaction]:
        """One commit: all changes of the block, or none of them.

        Args:
            change: What the history of the index calls it.
            n_documents: How many documents it adds, deletes or rewrites, for the history too.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                transaction = Transaction(self._connection)
                yield transaction
                number = transaction.end(change, n_documents)
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):  # a connection that is broken has nothing to take back
                        self._connection.execute("ROLLBACK")
                raise
            commit_count.count_or_warn(self.path.parent, number)

    def checkpoint(self) -> None:
        """Move SQLite's log into the catalog file, as far as no reader needs the log.

        A log that grew large meanwhile is cut once no reader needs it.
        """
        with self._lock, suppress(sqlite3.OperationalError):  # what can't be moved now is safe in the log
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if self.has_large_log():
                cut_log(self._connection)

    def has_large_log(self) -> bool:
        """Whether SQLite's log beside the catalog file is worth cutting."""
        try:
            return self.path.with_name(f"{self.path.name}-wal").stat().st_size > _LARGE_LOG
        except FileNotFoundError:
            return False

    def shrink(self) -> None:
        """Free the room of deleted documents in the catalog file, if the disk has room for a copy of it.

        The file becomes shorter with the next checkpoint.
        """
        with self._lock, suppress(sqlite3.OperationalError):  # a full disk: the catalog stays as it is
            self._connection.execute("VACUUM")

    def size(self) -> CatalogSize:
        """The bytes of the catalog and of its texts."""
        return CatalogSize.measure(self._rows)

    def faults(self) -> list[str]:
        """What SQLite finds wrong in the file."""
        return [fault for (fault,) in self._rows("PRAGMA integrity_check") if fault != "ok"]

    def settings(self) -> dict[str, Any]:
        """The settings of the index, JSON values by name."""
        rows = self._rows("SELECT name, value FROM setting")
        return self._sound(lambda: {str(name): json.loads(value) for name, value in rows})

    def generations(self) -> list[Generation]:
        """All generations of parameters, in the order in which they were trained."""
        query = "SELECT id, dim, summary_dim, n_rows FROM generation ORDER BY id"
        generations = [Generation(*row) for row in self._rows(query)]
        self._sound(lambda: check_generations(generations))
        return generations

    def segments(self) -> list[SegmentRecord]:
        """All segments in the order of their rows."""
        query = "SELECT id, generation, first_row, n_documents, n_words, n_rows FROM segment ORDER BY first_row"
        segments = [SegmentRecord(*row) for row in self._rows(query)]
        self._sound(lambda: check_segments(segments))
        return segments

    def tombstones(self) -> list[int]:
        """Rows of deleted documents that segments still hold, ascending."""
        return [row for (row,) in self._rows("SELECT row FROM tombstone ORDER BY row")]

    def files(self, folder: str = "") -> list[FileRecord]:
        """All files, or those below a folder."""
        query = "SELECT path, size, checksum FROM file WHERE substr(path, 1, length(?)) = ? ORDER BY path"
        files = [FileRecord(*row) for row in self._rows(query, (folder, folder))]
        self._sound(lambda: check_files(files))
        return files

    def n_commits(self) -> int:
        """How many commits there were."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM history")[0][0])

    def n_documents(self) -> int:
        """How many documents there are."""
        return int(self._rows("SELECT count(*) FROM document")[0][0])

    def known_ids(self, ids: Sequence[str]) -> set[str]:
        """Those of the given ids that are in the index."""
        return {id for (id,) in self._rows_of("SELECT id FROM document WHERE id", ids)}

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those of the given ids that are in the index."""
        return dict(self._rows_of("SELECT id, row FROM document WHERE id", ids))

    def check_ids(self) -> None:
        """Raise WordhiveError where a document is not found by its id, because the id is damaged.

        It takes about a second for a million documents.
        """
        if lost := self._rows(documents.NOT_FOUND_BY_ID):
            raise damaged(self.path, f"the document in row {lost[0][0]} is not found by its id")

    def texts(self, ids: Sequence[str]) -> dict[str, str | None]:
        """The texts of those of the given ids that are in the index."""
        return {document.id: document.text for document in self._documents("id", ids)}

    def text_sizes(self, rows: Sequence[int]) -> dict[int, int]:
        """The bytes of the texts of the given rows, by row, as they were given, kept or not; 0 for none."""
        query = "SELECT row, CAST(coalesce(text_size, 0) AS INTEGER) FROM document WHERE row"
        return {**dict.fromkeys(rows, 0), **dict(self._rows_of(query, rows))}

    def documents(self, rows: Sequence[int]) -> dict[int, StoredDocument]:
        """The stored documents of the given rows, by row."""
        return {document.row: document for document in self._documents("document.row", rows)}

    def records(self, rows: Sequence[int]) -> list[tuple[StoredDocument, DocumentRecord]]:
        """The stored documents of the given rows, and their records."""
        return list(self._records("document.row", rows))

    def _documents(self, key: str, values: Sequence[Any]) -> Iterator[StoredDocument]:
        return (document for document, _ in self._records(key, values))

    def _records(self, key: str, values: Sequence[Any]) -> Iterator[tuple[StoredDocument, DocumentRecord]]:
        for row in self._rows_of(f"{documents.RECORDS} WHERE {key}", values):
            record = DocumentRecord(*row)
            try:
                yield record.document(self.text_codec(record.dictionary or 0)), record
            except (ValueError, TypeError, RecursionError) as error:
                raise damaged(self.path, f"document {record.id!r:.100}: {error}") from error

    def text_codec(self, dictionary: int) -> TextCodec:
        """The codec of texts that were compressed with a dictionary.

        Raises:
            WordhiveError: It is missing.
        """
        if dictionary not in self._codecs:
            rows = self._rows("SELECT content FROM dictionary WHERE id = ?", (dictionary,))
            if not rows:
                raise damaged(self.path, f"no dictionary {dictionary}")
            self._codecs[dictionary] = self._sound(lambda: TextCodec(dictionary, rows[0][0]))
        return self._codecs[dictionary]

    def writing_codec(self, texts: Sequence[str | None]) -> TextCodec:
        """The codec for texts that are to be added: as soon as there are enough, with a dictionary trained on them."""
        last = int(self._rows("SELECT coalesce(max(id), 0) FROM dictionary")[0][0])
        fresh = [text for text in texts if text is not None]
        if last or len(fresh) + int(self._rows("SELECT count(*) FROM text")[0][0]) < ENOUGH_TEXTS:
            return self.text_codec(last)
        rows = [row for (row,) in self._rows("SELECT row FROM text ORDER BY row")]
        stored = [document.text for document in self.documents(rows).values() if document.text is not None]
        return TextCodec(1, train_dictionary([text.encode() for text in [*stored, *fresh]]))

    def ids(self) -> dict[int, str]:
        """The id of every row."""
        return dict(self._rows("SELECT row, id FROM document ORDER BY row"))

    def matching(self, where: Where) -> list[int]:
        """The rows of the documents that match a filter, ascending.

        Raises:
            InputError: What is no filter.
        """
        sql, values = condition(where)
        return [row for (row,) in self._rows(f"SELECT row FROM document WHERE {sql} ORDER BY row", values)]

    def attribute_values(self, keys: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
        """The different values of some attributes together, of the documents that have the first one.

        Args:
            keys: For each attribute its name, or the names that lead to it in objects.
        """
        paths = ["$" + "".join(f'."{name}"' for name in key) for key in keys]
        columns = ", ".join("json_extract(attributes, ?)" for _ in paths)
        query = f"SELECT DISTINCT {columns} FROM document WHERE json_extract(attributes, ?) IS NOT NULL"
        return self._rows(query, [*paths, paths[0]])

    def relabelled(
        self, labels: Mapping[int, tuple[str, str | None]]
    ) -> Iterator[tuple[DocumentRecord, TextCodec, str, str | None]]:
        """Stored documents with the id and attributes that they shall get, for `Transaction.relabel_documents`.

        Args:
            labels: Id, and attributes as JSON, by row.
        """
        for row in self._rows_of(f"{documents.RECORDS} WHERE document.row", list(labels)):
            record = DocumentRecord(*row)
            yield record, self.text_codec(record.dictionary or 0), *labels[record.row]

    def has_matches(self, where: Where) -> bool:
        """Whether any document matches a filter."""
        sql, values = condition(where)
        return bool(self._rows(f"SELECT 1 FROM document WHERE {sql} LIMIT 1", values))

    def attribute_names(self) -> list[str]:
        """The names of the attributes of the first thousand documents that have some, in order."""
        return [name for (name,) in self._rows(documents.ATTRIBUTE_NAMES)]

    def _sound(self, read: Callable[[], T]) -> T:
        """What `read` makes of rows.

        Raises:
            WordhiveError: They are not what was written.
        """
        try:
            return read()
        except (ValueError, TypeError, RecursionError) as error:
            raise damaged(self.path, error) from error

    def _rows_of(self, query: str, values: Sequence[Any], at_once: int = 500) -> Iterator[tuple[Any, ...]]:
        """The rows of a query whose last column is one of the values; SQLite takes so many values at a time."""
        for start in range(0, len(values), at_once):
            part = values[start : start + at_once]
            yield from self._rows(f"{query} IN ({','.join('?' * len(part))})", part)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                rows = self._connection.execute(query, values).fetchall()
                check_unchanged(self._connection)
                return rows
        except UnicodeEncodeError as error:
            raise InputError(
                f"{error.object!r} is no valid Unicode (a lone surrogate); decode it as UTF-8 first"
            ) from error
        except DAMAGE as error:
            raise self._error(self._connection, error) from error
