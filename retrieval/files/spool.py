"""`Spool`: the documents of a folder, read once and kept on disk until they are encoded."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType

from wordhive.index import InputError

from ..progress import progress_bar
from ..texts.documents import Document, check_document
from .file_reader import EmptyFile, read_file, reason_of
from .folder_walk import FoundFile
from .left_out import LeftOut
from .tables import TableColumns

# Errors of the disk that the spool is on, not of a file that is read.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Spool:
    """Documents in a temporary file: more than fit in memory, in the order in which they were taken."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by `close`
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Document]:
        self._file.seek(0)
        for _ in range(self._n):
            yield Document(**json.loads(self._file.readline()))

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back the room on disk."""
        self._file.close()

    def take(self, documents: Iterable[tuple[str, Document]], limit: int | None = None) -> None:
        """Take documents, each with the place that begins an error's message: all of them, or none if one fails.

        Args:
            limit: How many documents there may be in all; the others are left.

        Raises:
            InputError: A document that can't be kept, or an id that is there twice.
        """
        start, n = self._file.seek(0, 2), self._n
        seen: set[str] = set()
        try:
            for place, document in documents:
                if limit is not None and self._n >= limit:
                    break
                check_document(document, place)
                if document.id in seen:
                    raise InputError(f"{place}document id {document.id!r} is there twice; every row needs its own")
                seen.add(document.id)
                fields = {"id": document.id, "text": document.text, "attributes": document.attributes}
                self._file.write(json.dumps(fields).encode() + b"\n")
                self._n += 1
        except BaseException:
            self._file.seek(start)
            self._file.truncate()
            self._n = n
            raise


def read_files(
    files: Iterable[FoundFile],
    columns: TableColumns,
    pass_over: Callable[[LeftOut], None],
    *,
    total: int | None = None,
    limit: int | None = None,
    show_progress: bool | None = None,
) -> Spool:
    """The documents of files. A file that can't be read is passed over whole, and the others are read.

    Args:
        columns: Of tables.
        pass_over: Called with each file that gives no document; what it raises ends the reading.
        total: How many files there are, for the progress bar.
        limit: Documents to read at most.
        show_progress: Default: on a terminal only.
    """
    spool = Spool()
    try:
        with progress_bar("Reading", total, show=show_progress) as advance:
            for file in files:
                if limit is not None and len(spool) >= limit:
                    break
                if left_out := _read(file, columns, spool, limit):
                    pass_over(left_out)
                advance(1)
    except BaseException:
        spool.close()
        raise
    return spool


def _read(file: FoundFile, columns: TableColumns, spool: Spool, limit: int | None) -> LeftOut | None:
    before = len(spool)
    try:
        spool.take(read_file(file, columns, prefix=f"{file.name}#"), limit)
    except EmptyFile:
        return LeftOut(file.name, "empty")
    except Exception as error:  # whatever a library raises for a file that nobody foresaw, it is told
        if isinstance(error, OSError) and error.errno in _FULL:
            raise
        return LeftOut(file.name, reason_of(error, file.path), is_fault=True)
    return None if len(spool) > before else LeftOut(file.name, "empty")
