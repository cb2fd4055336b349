"""The input of a command: read and checked whole, before anything costly is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from .reading import Reading

if TYPE_CHECKING:
    from wordhive.retrieval.files.spool import Spool
    from wordhive.retrieval.texts.documents import Document


def checked_input(
    source: str, limit: int | None, reading: Reading, check_ids: Callable[[list[str]], None] | None = None
) -> tuple[Iterable[Document], int]:
    """The documents of the input, read through once, so that a fault in its last line costs no encoding.

    Files of a folder that can't be read are passed over and told.

    Args:
        reading: The command's options.
        check_ids: Called with the ids of some thousand documents at a time.
    """
    from wordhive.retrieval.files.inputs import corpus_of, read_documents, source_path
    from wordhive.retrieval.files.spool import Spool

    path = source_path(source)
    if path.is_dir() and not corpus_of(path):
        spool = _folder(path, limit, reading)
    elif path.is_file() or path.is_dir():

        def read() -> Iterator[Document]:
            return islice(read_documents(source, columns=reading.columns), limit)

        return read(), sum(1 for _ in _checking(read(), check_ids))
    else:  # standard input and pipes can't be read twice, and may not fit in memory
        spool = Spool()
        spool.take(("", document) for document in read_documents(source, columns=reading.columns))
    for _ in _checking(spool, check_ids):
        pass
    return spool, len(spool)


def _folder(folder: Path, limit: int | None, reading: Reading) -> Spool:
    from wordhive.index import InputError
    from wordhive.retrieval.files.folder_walk import walk
    from wordhive.retrieval.files.inputs import no_files
    from wordhive.retrieval.files.spool import read_files

    pass_over = reading.pass_over(str(folder))
    files = list(walk(folder, reading.choice, pass_over))
    spool = read_files(files, reading.columns, pass_over, total=len(files), limit=limit)
    reading.tell()
    if not len(spool):
        if not files:
            raise no_files(folder)
        raise InputError(f"none of the {len(files):,} files in {folder} gave a document; see the reasons above")
    return spool


def _checking(documents: Iterable[Document], check_ids: Callable[[list[str]], None] | None) -> Iterator[Document]:
    source = iter(documents)
    while part := list(islice(source, 4096)):
        if check_ids:
            check_ids([document.id for document in part])
        yield from part
