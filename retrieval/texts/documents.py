"""Documents and queries read from files: JSON lines, BEIR folders, TSV, folders of text files, standard input.

Every problem is reported with the file and line where it is, before anything is encoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any

from wordhive.index import InputError
from wordhive.index.arguments import given_path, shown
from wordhive.index.storage.batch import attributes_as_json, check_unicode

from .lines import decoded_lines, read_objects
from .text_fields import DEFAULT_FIELDS, TextFields, shown_names
from .tsv import is_tsv, read_tsv

# A text beyond this is a whole book: the model would read its first page and call it the document.
MOST_CHARACTERS = 1_000_000

_TEXT_SUFFIXES = {".txt", ".md", ".rst", ".text"}


@dataclass(frozen=True)
class Document:
    """What is searched for: an id of the user's own, the text, and any JSON attributes, given back with hits."""

    id: str
    text: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """What is searched with."""

    id: str
    text: str


# Where a document stands, as the beginning of an error's message, and the document.
Rows = Iterator[tuple[str, Document]]


def read_documents(
    source: str | Path, *, unique: bool = True, fields: TextFields = DEFAULT_FIELDS
) -> Iterator[Document]:
    """The documents of a JSON lines file, a BEIR folder, a TSV file (.tsv, .txt), a folder of text files, or standard
    input ("-", JSON lines). Files may be packed with gzip.

    A JSON object has `_id` or `id`, `text`, maybe `title` (it goes before the text); other keys become attributes. So
    do columns of TSV that a header names, see `read_tsv`. Empty text files of a folder are passed over.

    Args:
        unique: False gives documents whose id was there before, too.
        fields: Those that make the text.

    Raises:
        InputError: What is missing, empty, repeated, too long, or not UTF-8, with file and line.
    """
    return _checked(_documents(_lasting(source), fields), str(source), "document", unique)


def read_queries(source: str | Path, *, unique: bool = True) -> Iterator[Query]:
    """The queries of a JSON lines file, a BEIR folder, a TSV file, or standard input ("-").

    Args:
        unique: False gives queries whose id was there before, too.
    """
    path = _lasting(source)
    if path.is_dir():
        path = _first_that_exists(path, "queries.jsonl", "queries.jsonl.gz")
    return (Query(document.id, document.text) for document in _checked(_rows(path), str(source), "query", unique))


def _lasting(source: str | Path) -> Path:
    """Where a source is, whatever the working directory becomes until it is read."""
    if isinstance(source, str) and not source:
        raise InputError("the input is empty; give a file, a folder, or - for standard input")
    return Path(source) if str(source) == "-" else given_path(source, "the input")


def document_from(value: Any, number: int, fields: TextFields = DEFAULT_FIELDS) -> Document | str:
    """A document from what users have at hand: a `Document`, a dict or an (id, text) pair; a string stays one.

    Args:
        number: Names it in an error's message.
        fields: Those that make the text of a dict.

    Raises:
        InputError: Anything else.
    """
    if isinstance(value, Document):
        return value
    if isinstance(value, str):
        return str(value)  # NumPy has strings of its own
    if isinstance(value, Mapping):
        return _from_dict(value, f"document {number} (counted from 0): ", fields)
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return _from_dict({"id": value[0], "text": value[1]}, f"document {number} (counted from 0): ")
    raise InputError(
        f"document {number} is {type(value).__name__}; expected a string, a dict with id and text, "
        "an (id, text) pair, or a Document"
    )


def check_document(document: Document, place: str = "") -> None:
    """Raise InputError for a text that is too long or no valid Unicode, and for attributes that are no JSON."""
    check_unicode(document.id, f"{place}document id {shown(document.id)}")
    check_text(document.text, f"{place}document {document.id!r}")
    if not isinstance(document.attributes, dict):
        raise InputError(f"{place}the attributes of document {document.id!r} are no dict; expected names and values")
    attributes_as_json(document.attributes, document.id, place)


def check_text(text: str, what: str) -> None:
    """Raise InputError for a text that is too long or no valid Unicode; `what` names its document."""
    check_unicode(text, f"the text of {what}")
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"{what} has {len(text):,} characters, the most is {MOST_CHARACTERS:,}; "
            "split it into passages (a model reads the first few hundred words of each)"
        )


def id_from(value: Any) -> Any:
    """An id as it is kept: a whole number, NumPy's too, as the string of it; anything else as it is."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        try:
            return str(int(value))
        except ValueError as error:  # more digits than Python prints
            raise InputError(f"the id is {shown(value)}; expected a string, or a whole number") from error
    return value


def _documents(source: str | Path, fields: TextFields) -> Rows:
    path = Path(source)
    if not path.is_dir():
        return _rows(path, fields)
    if any((path / name).exists() for name in ("corpus.jsonl", "corpus.jsonl.gz")):
        return _rows(_first_that_exists(path, "corpus.jsonl", "corpus.jsonl.gz"), fields)
    return _text_files(path)


def _checked(rows: Rows, source: str, kind: str, unique: bool) -> Iterator[Document]:
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
        raise InputError(f"{source} holds no {kind}; expected JSON lines with id and text, TSV, or a BEIR folder")


def _rows(path: Path, fields: TextFields = DEFAULT_FIELDS) -> Rows:
    if path.suffix.casefold() == ".csv":
        raise InputError(
            f"{path} is CSV; convert it to JSON lines, or to TSV with an id, a tab and a text in each line"
        )
    rows = read_tsv(path) if is_tsv(path) else read_objects(path, "id and text")
    return ((place, _from_dict(row, place, fields)) for place, row in rows)


def _from_dict(value: Mapping[Any, Any], place: str, fields: TextFields = DEFAULT_FIELDS) -> Document:
    rest = dict(value)
    id = rest.pop("_id", None)
    id = id_from(rest.pop("id", None) if id is None else id)
    if id is None or (isinstance(id, str) and not id):
        raise InputError(f"{place}no id; expected a field _id or id with a string ({shown_names(value)})")
    if not isinstance(id, str):
        raise InputError(f"{place}the id {shown(id)} is {type(id).__name__}; expected a string, or a whole number")
    return Document(id, *fields.split(rest, f"{place}{id!r}"))


def _text_files(folder: Path) -> Rows:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _TEXT_SUFFIXES and path.is_file())
    if not files:
        raise InputError(f"{folder} holds neither corpus.jsonl nor text files ({', '.join(sorted(_TEXT_SUFFIXES))})")
    for path in files:
        if text := "".join(decoded_lines(path)).strip():  # an empty file holds nothing to be found
            yield f"{path}: ", Document(path.relative_to(folder).as_posix(), text)


def _first_that_exists(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise InputError(f"{folder} has no {names[0]} (nor {', '.join(names[1:])}); expected a BEIR folder")
