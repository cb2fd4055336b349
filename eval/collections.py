"""`Collection`: documents, queries and judgements, from a BEIR folder or ir_datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordhive.index import InputError, WordhiveError
from wordhive.retrieval.documents import Document, read_documents, read_lines, read_queries


@dataclass(frozen=True)
class Collection:
    """A test collection.

    documents: gives all of them, anew at each call. queries: id → text, judged ones only.
    qrels: query id → document id → grade, above 0.
    """

    name: str
    split: str
    documents: Callable[[], Iterator[Document]]
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def load_collection(source: str, split: str = "test") -> Collection:
    """A collection from a BEIR folder (plain or .gz files), or by ir_datasets id, e.g. "beir/scifact/test".

    split: which judgements of a BEIR folder; an ir_datasets id has its own.
    Raises InputError when there is no such collection or split, WordhiveError when it can't be downloaded.
    """
    if Path(source).is_dir():
        return _from_folder(Path(source), split)
    if source.startswith((".", "/", "~")):
        raise InputError(f"no folder at {source}; give a BEIR folder or an ir_datasets id")
    return _from_ir_datasets(source)


def _from_folder(folder: Path, split: str) -> Collection:
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        splits = sorted(found.stem for found in folder.glob("qrels/*.tsv"))
        if not splits:
            raise InputError(f"{folder} is no BEIR folder (it has no qrels/*.tsv); expected corpus, queries and qrels")
        raise InputError(f"{folder} has no split {split!r}; it has {', '.join(splits)}")
    qrels = _read_qrels(path)
    queries = {query.id: query.text for query in read_queries(folder) if query.id in qrels}
    return _judged(folder.resolve().name, split, lambda: read_documents(folder), queries, qrels)


def _read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in read_lines(path):
        columns = line.split("\t")
        if number == 1 and not columns[-1].lstrip("-").isdecimal():
            continue  # the header
        if len(columns) != 3 or not columns[2].removeprefix("-").isdecimal():
            raise InputError(
                f"{path}:{number}: {line!r}; expected query id, document id and a whole grade, tabs between"
            )
        if int(columns[2]) > 0:
            qrels.setdefault(columns[0], {})[columns[1]] = int(columns[2])
    return qrels


def _from_ir_datasets(name: str) -> Collection:
    import ir_datasets

    try:
        dataset = ir_datasets.load(name)
    except KeyError as error:
        raise InputError(
            f"no folder and no ir_datasets collection {name!r}; see ir-datasets.com for the ids"
        ) from error
    missing = [part for part in ("docs", "queries", "qrels") if not getattr(dataset, f"has_{part}")()]
    if missing:
        raise InputError(
            f"ir_datasets {name!r} has no {' and no '.join(missing)}; choose a part with judgements, e.g. {name}/test"
        )
    try:
        qrels: dict[str, dict[str, int]] = {}
        for row in dataset.qrels_iter():
            if row.relevance > 0:
                qrels.setdefault(row.query_id, {})[row.doc_id] = int(row.relevance)
        queries = {row.query_id: _text_of(row) for row in dataset.queries_iter() if row.query_id in qrels}
    except (OSError, RuntimeError) as error:
        raise _not_downloaded(name, error) from error

    def documents() -> Iterator[Document]:
        try:
            for row in dataset.docs_iter():
                yield Document(row.doc_id, _text_of(row))
        except (OSError, RuntimeError) as error:
            raise _not_downloaded(name, error) from error

    return _judged(name, "", documents, queries, qrels)


def _text_of(row: Any) -> str:
    # ir_datasets knows which fields of a record are its text.
    return str(row.default_text()).strip()


def _not_downloaded(name: str, error: Exception) -> WordhiveError:
    return WordhiveError(
        f"cannot get the collection {name!r} ({type(error).__name__}); connect and run again, or put its files where "
        f"ir_datasets looks for them: see `ir_datasets export --help` and ~/.ir_datasets"
    )


def _judged(
    name: str,
    split: str,
    documents: Callable[[], Iterator[Document]],
    queries: dict[str, str],
    qrels: dict[str, dict[str, int]],
) -> Collection:
    if not queries:
        raise InputError(f"{name} {split}: no query has a judgement above 0; are queries and qrels of one collection?")
    return Collection(name, split, documents, queries, {id: qrels[id] for id in queries})
