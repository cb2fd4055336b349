"""One file as documents: a whole document, or the rows of a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wordhive.index import InputError

from ..formats.decoding import decode
from ..formats.extract import Extract
from ..texts.documents import MOST_CHARACTERS, Document
from .file_stamp import FILE, FileStamp, check_unchanged, read_settled
from .folder_walk import FoundFile
from .kinds import TABLES, Kind
from .tables import Rows, TableColumns, read_table

# Bytes of a file that is read whole: text of four bytes a character, or pages with pictures.
MOST_TEXT_BYTES = 4 * MOST_CHARACTERS
MOST_FILE_BYTES = 2**30

_LINE = re.compile(r"(\d+): ")
# What reads a kind of file, and the extra that installs it.
_EXTRAS = {"pypdfium2": "files", "lxml": "files", "pyarrow": "parquet"}


class EmptyFile(Exception):
    """A file without a word: it holds nothing to be found."""


def read_file(file: FoundFile, columns: TableColumns, *, prefix: str = "", stamped: bool = True) -> Rows:
    """The documents of a file, each with the place that begins an error's message.

    Args:
        columns: Of tables.
        prefix: Before the ids of rows, so that they differ from those of other files.
        stamped: Give each the attribute `file`; see `FileStamp`.

    Raises:
        InputError: It can't be read.
        EmptyFile: It has no text.
        OSError: As the system says.
    """
    if file.kind in TABLES:
        return _rows(file, columns, prefix, stamped)
    return iter([(f"{file.path}: ", _document(file, file.kind, stamped))])


def reason_of(error: Exception, path: Path) -> str:
    """What went wrong with a file, in a line that does not name it again."""
    if isinstance(error, ImportError):
        missing = (error.name or "").partition(".")[0]
        extra = _EXTRAS.get(missing, "files")
        return f"it needs {missing or 'a library'}, which is not installed: pip install 'wordhive[{extra}]'"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    text = str(error)
    if not isinstance(error, InputError):
        # Libraries meet files that nobody foresaw: whatever they raise, the other files are read.
        return f"it could not be read ({type(error).__name__}: {' '.join(text.split())})"
    text = text.removeprefix(str(path)).lstrip(": ") if text.startswith(str(path)) else text
    text = f"it {text}" if text.startswith("is ") else text
    return _LINE.sub(r"line \1: ", text, count=1) if _LINE.match(text) else text


def _rows(file: FoundFile, columns: TableColumns, prefix: str, stamped: bool) -> Rows:
    about = {FILE: FileStamp.of(file).attribute(file)} if stamped else {}
    for place, row in read_table(file.path, file.kind, columns, numbered=bool(prefix)):
        if about and FILE in row.attributes:
            raise InputError(
                f"{place}it has a column {FILE!r}, which is the name for the path, type and time of a file; rename it"
            )
        yield place, Document(prefix + row.id, row.text, {**row.attributes, **about})
    check_unchanged(file)


def _document(file: FoundFile, kind: Kind, stamped: bool) -> Document:
    most = MOST_TEXT_BYTES if kind in _OF_TEXT else MOST_FILE_BYTES
    if file.size > most:
        raise InputError(f"it has {file.size:,} bytes, the most is {most:,}; split it")
    content = read_settled(file)
    if kind in _OF_TEXT:
        text, encoding = decode(content)
        extract = _OF_TEXT[kind](text)
    elif kind == "html":
        from ..formats.html_text import read_html

        extract, encoding = read_html(content)
    else:
        extract, encoding = _OF_BYTES[kind](content), "utf-8"
    if len(extract.text) > MOST_CHARACTERS:
        raise InputError(f"it has {len(extract.text):,} characters, the most is {MOST_CHARACTERS:,}; split it")
    if not extract.text.strip():
        raise EmptyFile
    extract = extract.titled()
    more = {} if encoding in ("utf-8", "ascii") else {"encoding": encoding}
    attributes: dict[str, Any] = extract.attributes()
    if stamped:
        attributes[FILE] = FileStamp.of_bytes(file, content).attribute(file, **more)
    return Document(file.name, extract.text, attributes)


def _plain(text: str) -> Extract:
    return Extract(text.strip())


def _markdown(text: str) -> Extract:
    from ..formats.markdown_text import read_markdown

    return read_markdown(text)


def _notebook(text: str) -> Extract:
    from ..formats.markdown_text import read_notebook

    return read_notebook(text)


def _pdf(content: bytes) -> Extract:
    from ..formats.pdf import read_pdf

    return read_pdf(content, MOST_CHARACTERS)


def _docx(content: bytes) -> Extract:
    from ..formats.office import read_docx

    return read_docx(content)


def _pptx(content: bytes) -> Extract:
    from ..formats.office import read_pptx

    return read_pptx(content)


def _epub(content: bytes) -> Extract:
    from ..formats.epub import read_epub

    return read_epub(content)


_OF_TEXT: dict[Kind, Callable[[str], Extract]] = {
    "text": _plain, "code": _plain, "markdown": _markdown, "notebook": _notebook
}  # fmt: skip
_OF_BYTES: dict[Kind, Callable[[bytes], Extract]] = {"pdf": _pdf, "docx": _docx, "pptx": _pptx, "epub": _epub}
