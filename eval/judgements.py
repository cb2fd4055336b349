"""Judgements of documents, read from TREC and BEIR files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wordhive.index import InputError
from wordhive.retrieval.documents import read_lines


@dataclass(frozen=True)
class Judgement:
    """How relevant a document is to a query: 0 or less is not at all."""

    query: str
    document: str
    grade: int


def read_judgements(path: Path) -> Iterator[Judgement]:
    """The judgements of a file (.gz too), in its order.

    TREC has four columns (query, iteration, document, grade; white space between), BEIR three (query, document, grade;
    tabs between, maybe a header). The first line decides for all. Raises InputError, with file and line, for another
    number of columns or a grade that is no whole number, and for a file without judgements.
    """
    columns = judgements = 0
    for number, line in read_lines(path):
        parts = _split(line)
        if number == 1 and len(parts) == 3 and not _is_grade(parts[-1]):
            continue  # the header
        columns = columns or len(parts)
        if len(parts) not in (3, 4) or len(parts) != columns or not _is_grade(parts[-1]):
            raise InputError(
                f"{path}:{number}: {line!r:.80}; expected query id, document id and a whole grade, tabs between, "
                "or TREC's four columns"
            )
        judgements += 1
        yield Judgement(parts[0], parts[-2], int(parts[-1]))
    if not judgements:
        raise InputError(f"{path} holds no judgements; expected query id, document id and grade in each line")


def _split(line: str) -> list[str]:
    # BEIR's ids may hold blanks; TREC's can't, and its white space is anything.
    parts = line.split("\t")
    if len(parts) == 3:
        return parts
    parts = line.split()
    return parts if len(parts) == 4 else []


def _is_grade(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal()
