"""Judgements of documents, read from TREC and BEIR files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wordhive.index import InputError
from wordhive.retrieval.texts.lines import is_header, read_lines


@dataclass(frozen=True)
class Judgement:
    """How relevant a document is to a query: 0 or less is not at all."""

    query: str
    document: str
    grade: int


def read_judgements(path: Path) -> Iterator[Judgement]:
    """The judgements of a file (packed by gzip, too), in its order.

    TREC has four columns (query, iteration, document, grade; white space between), BEIR three (query, document, grade;
    tabs between). The first line decides for all; it may be a header.

    Raises:
        InputError: Another number of columns, an empty id, or a grade that is no whole number, and for a file
            without judgements, with file and line.
    """
    columns = 0
    is_empty = True
    for number, line in read_lines(path):
        parts = _split(line)
        if not columns:
            columns = len(parts)
            if is_header(parts):
                continue
        if not parts or len(parts) != columns or not all(parts) or not _is_grade(parts[-1]):
            raise InputError(
                f"{path}:{number}: {line!r:.80}; expected query id, document id and a whole grade, tabs between, "
                "or TREC's four columns"
            )
        is_empty = False
        yield Judgement(parts[0], parts[-2], int(parts[-1]))
    if is_empty:
        raise InputError(f"{path} holds no judgements; expected query id, document id and grade in each line")


def _split(line: str) -> list[str]:
    # With tabs, ids may hold blanks. TREC's white space is anything, and its ids hold none.
    parts = line.rstrip("\t").split("\t")
    if len(parts) in (3, 4):
        return parts
    parts = line.split()
    return parts if len(parts) == 4 else []


def _is_grade(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) < 10
