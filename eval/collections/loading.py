"""Collections from a BEIR folder, ir_datasets, or files of one's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from wordhive.index import InputError
from wordhive.index.arguments import given_path
from wordhive.retrieval.files.inputs import read_documents, read_queries
from wordhive.retrieval.texts.documents import Document, Query

from ..runs import MEASURES, Qrels
from . import catalogued
from .collection import Collection
from .conventions import leaves_itself_out, measures_of
from .judgements import Judgement, read_judgements
from .python_docs import python_docs

PYTHON_DOCS = "python-docs"

_UNJUDGED = "queries without judgements, left out"


def load_collection(source: str, split: str = "test") -> Collection:
    """A collection from a BEIR folder (plain or .gz files), or by ir_datasets id, e.g. "beir/scifact/test"; or the
    one that needs no files, "python-docs".

    Args:
        split: Which judgements of a BEIR folder; an ir_datasets id has its own.

    Raises:
        InputError: There is no such collection or split.
        WordhiveError: It can't be downloaded.
    """
    if given_path(source, "the collection").is_dir():
        return _from_folder(given_path(source), split)
    if source == PYTHON_DOCS:
        return python_docs()
    if given_path(source).is_file():
        raise InputError(f"{source} is a file of documents, no folder; give --queries-file and --qrels beside it")
    if source.startswith((".", "/", "~")):
        raise InputError(f"no folder at {source}; give a BEIR folder or an ir_datasets id")
    parts = catalogued.load(source)
    documents = partial(_counted, parts.documents)
    collection = _judged(source, "", documents, parts.queries, parts.judgements, measures_of(parts.measures))
    return replace(collection, without_itself=leaves_itself_out(source))


def collection_of_files(documents: Path, queries: Path, qrels: Path, name: str | None = None) -> Collection:
    """A collection from three files of one's own.

    Args:
        documents, queries: What `read_documents` and `read_queries` read.
        qrels: What `read_judgements` reads.
        name: The documents' file name where there is none.

    Raises:
        InputError: What can't be read, with file and line.
    """
    name = name or documents.name.split(".")[0]
    return _judged(
        name, qrels.name.split(".")[0], partial(_unique, given_path(documents)),
        read_queries(queries, unique=False), read_judgements(given_path(qrels)), MEASURES,
    )  # fmt: skip


def _from_folder(folder: Path, split: str) -> Collection:
    qrels = [
        path for path in (folder / "qrels" / f"{split}.tsv", folder / "qrels" / f"{split}.tsv.gz") if path.exists()
    ]
    if not qrels:
        splits = sorted({path.name.split(".tsv")[0] for path in folder.glob("qrels/*.tsv*")})
        if not splits:
            raise InputError(f"{folder} is no BEIR folder (it has no qrels/*.tsv); expected corpus, queries and qrels")
        raise InputError(f"{folder} has no split {split!r}; it has {', '.join(splits)}")
    collection = _judged(
        folder.resolve().name, split, partial(_unique, folder),
        read_queries(folder, unique=False), read_judgements(qrels[0]), MEASURES,
    )  # fmt: skip
    if len(list(folder.glob("qrels/*.tsv*"))) > 1:
        collection.warnings.pop(_UNJUDGED, None)  # they may be another split's
    return replace(collection, without_itself=leaves_itself_out(collection.name))


# Documents, given the judgements and the warnings to complete.
_Documents = Callable[[Qrels, dict[str, int]], Iterator[Document]]


def _judged(
    name: str,
    split: str,
    documents: _Documents,
    queries: Iterable[Query],
    judgements: Iterable[Judgement],
    measures: tuple[str, ...],
) -> Collection:
    """The collection of these parts, with what is passed over counted."""
    counts: Counter[str] = Counter()
    qrels = _qrels(judgements, counts)
    texts = _texts(queries, counts)
    relevant = {id for id, grades in qrels.items() if max(grades.values()) > 0}
    judged = {id: text for id, text in texts.items() if id in relevant}
    if not judged:
        raise InputError(f"{name} {split}: no query has a judgement above 0; are queries and qrels of one collection?")
    counts["judgements of queries that are not there, left out"] = sum(
        len(grades) for id, grades in qrels.items() if id not in texts
    )
    counts[_UNJUDGED] = sum(id not in qrels for id in texts)
    counts["queries without a relevant document, left out"] = sum(id in qrels and id not in relevant for id in texts)
    counts["queries with an empty text"] = sum(not text for text in judged.values())
    qrels = {id: qrels[id] for id in judged}
    warnings = _nonzero(counts)
    return Collection(name, split, lambda: documents(qrels, warnings), judged, qrels, measures, warnings)


def _qrels(judgements: Iterable[Judgement], counts: Counter[str]) -> Qrels:
    qrels: Qrels = {}
    for one in judgements:
        grades = qrels.setdefault(one.query, {})
        before = grades.get(one.document)
        counts["judgements that are there twice"] += before == one.grade
        counts["judgements with another grade before, the last one counts"] += before not in (None, one.grade)
        grades[one.document] = one.grade
    return qrels


def _texts(queries: Iterable[Query], counts: Counter[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for query in queries:
        counts["queries whose id was there before, left out"] += query.id in texts
        texts.setdefault(query.id, query.text)
    return texts


def _unique(source: Path, qrels: Qrels, warnings: dict[str, int]) -> Iterator[Document]:
    """The documents of a file or folder without those whose ids were there before, counted."""
    repeated = 0

    def read() -> Iterator[Document]:
        nonlocal repeated
        seen: set[str] = set()
        for document in read_documents(source, unique=False):
            if document.id in seen:
                repeated += 1
                continue
            seen.add(document.id)
            yield document

    yield from _counted(read, qrels, warnings)
    warnings.update(_nonzero({"documents whose id was there before, left out": repeated}))


def _counted(documents: Callable[[], Iterator[Document]], qrels: Qrels, warnings: dict[str, int]) -> Iterator[Document]:
    """The documents; read to the end, what there is to say of them is among the warnings."""
    absent = {id for grades in qrels.values() for id in grades}
    empty = 0
    for document in documents():
        absent.discard(document.id)
        empty += not document.text
        yield document
    unknown = sum(id in absent for grades in qrels.values() for id in grades)
    warnings.update(
        _nonzero({"documents with an empty text": empty, "judgements of documents that are not there": unknown})
    )


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {line: n for line, n in counts.items() if n}
