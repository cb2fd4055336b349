"""Texts in TSV files: an id, a text and maybe a title in each line, or columns that a header names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from wordhive.index import InputError

from .lines import read_lines

# Names of columns in headers, without case and "-", "_", "#" and blanks, and the fields that they mean.
IDS = ("id", "docid", "documentid", "docno", "did", "pid", "passageid", "corpusid", "qid", "queryid")
TEXTS = ("text", "passage", "body", "content", "contents", "document", "query", "question")
_FIELDS = {**dict.fromkeys(IDS, "id"), **dict.fromkeys(TEXTS, "text"), "title": "title"}
# Columns without a header, as ColBERT reads them.
_COLUMNS = ("id", "text", "title")

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def is_tsv(path: Path) -> bool:
    """Whether a file is TSV by its name: .tsv or .txt in any case, maybe with .gz behind it."""
    return path.name.casefold().removesuffix(".gz").endswith((".tsv", ".txt"))


def read_tsv(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a TSV file as fields, each with the place that begins an error's message.

    A first line that begins with a known name of an id and names a text is a header; columns of other names keep these.
    Without one, columns are id and text, or id, text and title. The first line tells how many there are; cells at the
    end may be left out or empty. Cells are unquoted that CSV writers have put in quotes.

    Raises:
        InputError: A row of more columns, and one without a text, with file and line.
    """
    names: tuple[str, ...] = ()
    for number, line in read_lines(path):
        place = f"{path}:{number}: "
        cells = _unquoted(line.split("\t"))
        if not names:
            header = _header(cells, place)
            names = header or _COLUMNS[: max(len(cells), 2)]
            if header:
                continue
        while len(cells) > len(names) and not cells[-1]:
            cells.pop()
        if not 2 <= len(cells) <= len(names):
            expected = f"{len(names)}, {', '.join(names)}," if len(names) > 2 else "two, an id and a text,"
            raise InputError(f"{place}{len(cells)} columns; expected {expected} with a tab between")
        yield place, {name: cell for name, cell in zip(names, cells, strict=False) if cell or name in ("id", "text")}


def plain_name(cell: str) -> str:
    """A column's name as `IDS` and `TEXTS` have it."""
    return re.sub("[-_# ]", "", cell.casefold())


def _header(cells: list[str], place: str) -> tuple[str, ...]:
    """The fields that the cells name; none where they are no header."""
    plain = [plain_name(cell) for cell in cells]
    if plain[0] not in IDS or not set(plain) & set(TEXTS):
        return ()
    names = tuple(_FIELDS.get(name, cell.strip()) for name, cell in zip(plain, cells, strict=True))
    names = names[: max(i for i, name in enumerate(names, 1) if name)]
    if "" in names or len(set(names)) < len(names):
        raise InputError(f"{place}the header names the columns {', '.join(names)}; expected each by a name of its own")
    return names


def _unquoted(cells: list[str]) -> list[str]:
    # As CSV writers quote: all cells, or those with quotes in them, which are doubled. Other quotes are the text's own.
    quoted = [cell[:1] == '"' and len(cell) > 1 and _QUOTED.fullmatch(cell) is not None for cell in cells]
    if not any(quoted):
        return cells
    return [
        cell[1:-1].replace('""', '"') if is_quoted and (all(quoted) or '""' in cell[1:-1]) else cell
        for cell, is_quoted in zip(cells, quoted, strict=True)
    ]
