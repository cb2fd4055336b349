"""The rows of tables as documents: JSON lines, CSV and TSV with a header, Parquet."""

from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordhive.index import InputError

from ..formats.decoding import encoding_of
from ..texts.documents import MOST_CHARACTERS, Document, document_from_fields
from ..texts.lines import read_objects
from ..texts.text_fields import TextFields
from ..texts.tsv import IDS, TEXTS, plain_name, read_tsv
from .kinds import Kind

# Where a document stands, as the beginning of an error's message, and the document.
Rows = Iterator[tuple[str, Document]]

_GZIP = b"\x1f\x8b"
_SAMPLE = 1 << 16
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class TableColumns:
    """Which columns of a table, or keys of JSON lines, make a document.

    Attributes:
        id: The one with ids. None: the usual names, or else the number of the row.
        texts: Those with text, set one below the other; all but the last are attributes too. None given: the usual
            names.
        usual: The text was not chosen, but found by its usual name. A title goes before it then.
    """

    id: str | None = None
    texts: Sequence[str] = ()
    usual: bool = False

    def __bool__(self) -> bool:
        return self.id is not None or bool(self.texts)

    def document(self, row: Mapping[str, Any], place: str, number: int) -> Document:
        """The document of a row.

        Args:
            place: Begins an error's message.
            number: Of the row, for its id where no column is named for it.

        Raises:
            InputError: A column is missing, or holds no text.
        """
        fields = {name: value for name, value in row.items() if value is not None}
        id: Any = number
        if self.id is not None:
            id = fields.pop(self.id, None)
        for name in ("id", "_id", "text"):  # columns of these names that were not chosen
            if name in fields and name != self.id and name not in (self.texts or ("text",)):
                fields[f"{name}_"] = fields.pop(name)
        if self.usual:
            fields["text"] = fields.pop(self.texts[0], "")
        names = None if self.usual or not self.texts else tuple(self.texts)
        return document_from_fields({**fields, "id": id}, place, TextFields(names))

    def among(self, names: Sequence[str], source: str) -> TableColumns:
        """The columns of these names that make a document, chosen by name where none were.

        Raises:
            InputError: A chosen one is missing, or none has a usual name.
        """
        listed = ", ".join(names) or "none"
        for name in (*([] if self.id is None else [self.id]), *self.texts):
            if name not in names:
                raise InputError(f"{source}no column {name!r}; it has {listed}")
        text = _first(TEXTS, names)
        if not self.texts and text is None:
            raise InputError(f"{source}no column text; it has {listed}: name one by --text-fields")
        id = self.id if self.id is not None else _first(("id", *IDS), names)
        return TableColumns(id, self.texts or ([] if text is None else [text]), usual=not self.texts)


USUAL_COLUMNS = TableColumns()


def _first(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    by_plain = {plain_name(name): name for name in reversed(names)}
    return next((by_plain[name] for name in wanted if name in by_plain), None)


def read_table(path: Path, kind: Kind, columns: TableColumns, *, numbered: bool = False) -> Rows:
    """The rows of a table, each with the place that begins an error's message.

    JSON lines and TSV without chosen columns are read by their own rules: see `read_objects` and `read_tsv`.

    Args:
        numbered: JSON lines need no ids: the number of the row is one.

    Raises:
        InputError: It is torn or of another kind, or a row is no document.
    """
    if kind == "parquet":
        return _parquet(path, columns)
    if kind == "csv" or (kind == "tsv" and columns):
        return _separated(path, kind, columns)
    if kind == "tsv":
        return ((place, document_from_fields(fields, place)) for place, fields in read_tsv(path))
    return _objects(path, columns, numbered)


def _objects(path: Path, columns: TableColumns, may_number: bool) -> Rows:
    numbered = False
    for number, (place, fields) in enumerate(read_objects(path, "id and text"), 1):
        if number == 1:  # the first row tells whether they have ids
            numbered = may_number and columns.id is None and "id" not in fields and "_id" not in fields
        if not columns and not numbered:
            yield place, document_from_fields(fields, place)
            continue
        for name in ([] if columns.id is None else [columns.id]) + list(columns.texts):
            if name not in fields:
                raise InputError(f"{place}no field {name!r}; it has {', '.join(fields) or 'none'}")
        id = columns.id if columns.id is not None else None if numbered else "_id" if "_id" in fields else "id"
        yield place, TableColumns(id, columns.texts or ["text"]).document(fields, place, number)


def _separated(path: Path, kind: Kind, columns: TableColumns) -> Rows:
    csv.field_size_limit(4 * MOST_CHARACTERS)
    line = 1
    try:
        with _characters(path) as file:
            first, above = file.readline(), 1
            while first and not first.strip():
                first, above = file.readline(), above + 1
            delimiter = "\t" if kind == "tsv" else max(_DELIMITERS, key=first.count)
            header = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter, strict=True), [])]
            if len(set(header)) < len(header):
                raise InputError(f"{path}: the header names a column twice: {', '.join(header)}")
            chosen = columns.among(header, f"{path}: ")
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            number = 0
            while True:
                line = above + reader.line_num + 1
                cells = next(reader, None)
                if cells is None:
                    return
                if not any(cells):
                    continue
                number += 1
                place = f"{path}:{line}: "
                if any(cells[len(header) :]):
                    raise InputError(f"{place}{len(cells)} cells; expected {len(header)}, as its header names")
                row = {name: cell or None for name, cell in zip(header, cells, strict=False)}
                yield place, chosen.document(row, place, number)
    except csv.Error as error:
        raise InputError(f"{path}:{line}: no CSV ({error}); see to its quotes") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}:{line}: another encoding than at its beginning ({error.reason})") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is no complete gzip file ({error}); get it again") from error


@contextmanager
def _characters(path: Path) -> Iterator[io.TextIOWrapper]:
    with path.open("rb", buffering=0) as unbuffered, io.BufferedReader(unbuffered, _SAMPLE) as raw:
        is_packed = raw.peek(2).startswith(_GZIP)
        file: Any = io.BufferedReader(gzip.GzipFile(fileobj=raw), _SAMPLE) if is_packed else raw
        sample = bytes(file.peek(_SAMPLE))[:_SAMPLE]
        # Up to the end of a line: what is behind it may be half of a character.
        sample = sample[: sample.rfind(b"\n") + 1] or sample
        try:
            encoding = encoding_of(sample)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        with io.TextIOWrapper(file, encoding, newline="") as text:
            yield text


def _parquet(path: Path, columns: TableColumns) -> Rows:
    import pyarrow
    import pyarrow.parquet
    from pyarrow import types

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            chosen = columns.among(schema.names, f"{path}: ")
            for name in chosen.texts:
                if not _is_string(schema.field(name).type):
                    raise InputError(f"{path}: column {name!r} holds {schema.field(name).type}; expected strings")
            if chosen.id is not None:
                kind = schema.field(chosen.id).type
                if not (_is_string(kind) or types.is_integer(kind)):
                    raise InputError(f"{path}: column {chosen.id!r} holds {kind}; expected strings or whole numbers")
            kept = [field.name for field in schema if not _is_bulk(field.type)]
            number = 0
            for batch in file.iter_batches(1024, columns=kept):
                for row in batch.to_pylist():
                    number += 1
                    place = f"{path}: row {number}: "
                    yield place, chosen.document({name: _plain(row[name]) for name in row}, place, number)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is torn or no Parquet file ({error}); get it again") from error


def _is_string(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):  # as pandas writes categories
        kind = kind.value_type
    return any(test(kind) for test in (types.is_string, types.is_large_string, types.is_string_view, types.is_null))


def _is_bulk(kind: Any) -> bool:
    """Whether a column holds what no filter asks for: bytes, such as pictures, and lists of floats, such as vectors."""
    from pyarrow import types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return types.is_floating(kind.value_type) or _is_bulk(kind.value_type)
    tests = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(test(kind) for test in tests)


def _plain(value: Any) -> Any:
    """A value as JSON has it, or None."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float)) or value is None else str(value)
