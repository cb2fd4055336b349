"""The collection that a command is about: a folder, an id, or three files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import terminal

if TYPE_CHECKING:
    from wordhive.eval.collections.collection import Collection

Split = Annotated[str, typer.Option(help="Which judgements of a BEIR folder: qrels/SPLIT.tsv.")]
QueriesFile = Annotated[
    Path | None, typer.Option(help="Queries, where the collection is a file of documents: JSON lines or TSV.")
]
QrelsFile = Annotated[
    Path | None, typer.Option("--qrels", help="Their judgements: TREC's four columns, or BEIR's three.")
]


def collection_from(source: str, split: str, queries: Path | None, qrels: Path | None) -> Collection:
    """A BEIR folder or an ir_datasets id, or a file of documents with queries and judgements beside it.

    Raises InputError for one of queries and judgements without the other.
    """
    from wordhive.eval.collections.loading import collection_of_files, load_collection

    if not has_files(queries, qrels):
        return load_collection(source, split)
    assert queries is not None
    assert qrels is not None
    return collection_of_files(Path(source), queries, qrels)


def has_files(queries: Path | None, qrels: Path | None) -> bool:
    """Whether queries and judgements are files beside the documents. Raises InputError for one without the other."""
    from wordhive.index import InputError

    if (queries is None) != (qrels is None):
        raise InputError("give --queries-file and --qrels together: with the documents they make a collection")
    return queries is not None


def note_warnings(collection: Collection) -> None:
    """What was passed over in the collection, a line each."""
    for line, n in collection.warnings.items():
        terminal.note(f"{collection.name}: {n:,} {line}")
