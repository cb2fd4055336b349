"""Documents and queries of what a user names: a file, a folder, or standard input.

Every problem is reported with the file and line where it is, before anything is encoded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from wordhive.index import InputError
from wordhive.index.arguments import given_path

from ..texts.documents import Document, Query, check_document
from ..texts.lines import read_lines
from ..texts.tsv import is_tsv
from .file_reader import EmptyFile, read_file, reason_of
from .folder_walk import ALL_FILES, Choice, FoundFile, walk
from .kinds import kind_of
from .left_out import LeftOut
from .tables import USUAL_COLUMNS, Rows, TableColumns, read_table


def read_documents(
    source: str | Path, *, unique: bool = True, columns: TableColumns = USUAL_COLUMNS, choice: Choice = ALL_FILES
) -> Iterator[Document]:
    """The documents of a folder, a file, or standard input ("-", JSON lines).

    A folder with corpus.jsonl is one of BEIR's, and that file is read. Of any other folder all files of known kinds
    are: a file is a document, and so is each row of a table; see `kinds`. JSON lines and TSV may be packed with gzip. A
    file of an unknown kind that is given by itself holds JSON lines.

    A JSON object has `_id` or `id`, `text`, maybe `title` (it goes before the text); other keys become attributes. So
    do columns that a header names, see `read_table`. Empty files are passed over.

    Args:
        unique: False gives documents whose id was there before, too.
        columns: Of tables.
        choice: Of a folder's files.

    Raises:
        InputError: What is missing, empty, repeated, too long, or can't be read, with file and line.
    """
    path = source_path(source)
    rows = _rows(path, columns) if not path.is_dir() or corpus_of(path) else _files(path, columns, choice)
    return checked(rows, str(source), "document", unique)


def read_queries(source: str | Path, *, unique: bool = True) -> Iterator[Query]:
    """The queries of a JSON lines file, a BEIR folder, a TSV file, or standard input ("-").

    Args:
        unique: False gives queries whose id was there before, too.
    """
    path = source_path(source)
    if path.is_dir():
        path = _first_that_exists(path, "queries.jsonl", "queries.jsonl.gz")
    rows = checked(_rows(path, USUAL_COLUMNS, queries=True), str(source), "query", unique)
    return (Query(document.id, document.text) for document in rows)


def corpus_of(folder: Path) -> Path | None:
    """The documents of a BEIR folder; None for any other."""
    named = (folder / name for name in ("corpus.jsonl", "corpus.jsonl.gz"))
    return next((path for path in named if path.exists()), None)


def checked(rows: Rows, source: str, kind: str, unique: bool) -> Iterator[Document]:
    """The documents of rows that can be kept.

    Raises:
        InputError: One that can't be, an id that is there twice, and where there is none.
    """
    seen: set[str] = set()
    empty = True
    for place, document in rows:
        empty = False
        check_document(document, place)
        if unique:
            if document.id in seen:
                raise InputError(
                    f"{place}{kind} id {document.id!r} is there twice; every {kind} needs an id of its own"
                )
            seen.add(document.id)
        yield document
    if empty:
        raise InputError(f"{source} holds no {kind}; expected JSON lines with id and text, a table, or files of text")


def source_path(source: str | Path) -> Path:
    """Where a source is, whatever the working directory becomes until it is read."""
    if isinstance(source, str) and not source:
        raise InputError("the input is empty; give a file, a folder, or - for standard input")
    return Path(source) if str(source) == "-" else given_path(source, "the input")


def _rows(path: Path, columns: TableColumns, *, queries: bool = False) -> Rows:
    """The documents of a file by itself."""
    if path.is_dir():
        path = corpus_of(path) or path
    kind = "tsv" if is_tsv(path) else kind_of(path.name)
    if kind in (None, "jsonl") or str(path) == "-" or not path.exists():
        return read_table(path, "jsonl", columns)
    if kind == "tsv" and (queries or columns or path.suffix.casefold() != ".txt" or _has_tabs(path)):
        return read_table(path, "tsv", columns)
    if kind in ("csv", "parquet"):
        return _alone(path, columns, stamped=False)
    return _alone(path, columns, stamped=True)


def _has_tabs(path: Path) -> bool:
    """Whether the first line of a text file is one of TSV."""
    try:
        return "\t" in next((line for _, line in read_lines(path)), "\t")
    except InputError:
        return False  # it is no UTF-8, or packed in some other way: read_file says so


def _alone(path: Path, columns: TableColumns, *, stamped: bool) -> Rows:
    status = path.stat()
    kind = kind_of(path.name)
    assert kind is not None
    file = FoundFile(path, path.name, kind, status.st_size, status.st_mtime_ns)
    return _named(file, columns, "", stamped)


def _files(folder: Path, columns: TableColumns, choice: Choice) -> Rows:
    found = 0
    for file in walk(folder, choice, _raise_fault(folder)):
        found += 1
        yield from _named(file, columns, f"{file.name}#", stamped=True)
    if not found:
        raise no_files(folder)


def no_files(folder: Path) -> InputError:
    """The error to raise for a folder without a file that is read."""
    return InputError(
        f"{folder} holds neither corpus.jsonl nor a file of a kind that is read (text, Markdown, code, HTML, PDF, "
        "DOCX, PPTX, EPUB, notebooks, JSON lines, CSV, TSV, Parquet)"
    )


def _named(file: FoundFile, columns: TableColumns, prefix: str, stamped: bool) -> Rows:
    """The documents of a file; whatever is wrong with it is told with its name."""
    try:
        yield from read_file(file, columns, prefix=prefix, stamped=stamped)
    except EmptyFile:
        return
    except Exception as error:
        raise InputError(_told(file.path, error)) from error


def _told(path: Path, error: Exception) -> str:
    reason = reason_of(error, path)
    line, _, rest = reason.removeprefix("line ").partition(": ")
    return f"{path}:{line}: {rest}" if reason.startswith("line ") and line.isdecimal() else f"{path}: {reason}"


def _raise_fault(folder: Path) -> Callable[[LeftOut], None]:
    def pass_over(left_out: LeftOut) -> None:
        if left_out.is_fault:
            raise InputError(f"{folder / left_out.path}: {left_out.reason}")

    return pass_over


def _first_that_exists(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{folder} has no {names[0]} (nor {', '.join(names[1:])}); expected a BEIR folder")
