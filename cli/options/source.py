"""The input of a command: read and checked whole, before anything costly is done with it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wordhive.retrieval.texts.documents import Document


def checked_input(
    source: str,
    limit: int | None,
    check_ids: Callable[[list[str]], None] | None = None,
    text_fields: tuple[str, ...] | None = None,
) -> tuple[Iterable[Document], int]:
    """The documents of the input, read through once, so that a fault in its last line costs no encoding.

    check_ids: called with the ids of some thousand documents at a time. text_fields: names of those that make the text;
    None: title and text.
    """
    from wordhive.retrieval.texts.documents import read_documents
    from wordhive.retrieval.texts.text_fields import TextFields

    fields = TextFields(text_fields)
    if not (Path(source).is_file() or Path(source).is_dir()):
        return _spooled(islice(read_documents(source, fields=fields), limit), check_ids)
    total = sum(1 for _ in _checking(islice(read_documents(source, fields=fields), limit), check_ids))
    return islice(read_documents(source, fields=fields), limit), total


def _spooled(
    documents: Iterable[Document], check_ids: Callable[[list[str]], None] | None
) -> tuple[Iterator[Document], int]:
    # Standard input and pipes can't be read twice, and may not fit in memory.
    held = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed with the generator that reads it
    from wordhive.retrieval.texts.documents import Document as kind

    total = 0
    for document in _checking(documents, check_ids):
        held.write(json.dumps(asdict(document)) + "\n")
        total += 1

    def again() -> Iterator[Document]:
        with held:
            held.seek(0)
            for line in held:
                yield kind(**json.loads(line))

    return again(), total


def _checking(documents: Iterable[Document], check_ids: Callable[[list[str]], None] | None) -> Iterator[Document]:
    source = iter(documents)
    while part := list(islice(source, 4096)):
        if check_ids:
            check_ids([document.id for document in part])
        yield from part
