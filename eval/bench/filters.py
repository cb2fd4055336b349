"""Filtered search on a collection: whether it finds as much as there is, and what exact search finds, and how fast."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wordhive.index import InputError, WordVectors
from wordhive.index.filters.conditions import Where
from wordhive.retrieval.encoder import DEFAULT_MODEL
from wordhive.retrieval.retriever import Model, Retriever
from wordhive.retrieval.searcher import Hit, Searcher
from wordhive.retrieval.shards import index_shards
from wordhive.retrieval.texts.documents import Document

from ..collections.collection import Collection
from ..systems.indexed import indexed

SELECTIVITIES = (1.0, 0.1, 0.01, 0.001, 0.0001)
# What filters go by: a number in [0, 1), drawn for each document by a hash of its id.
ATTRIBUTE = "u"
_TIMED_QUERIES = 100


@dataclass(frozen=True)
class Filtered:
    """What a search finds with a filter that lets a share of the documents pass.

    Attributes:
        n_matching: Documents that pass.
        complete: Share of the queries with min(k, n_matching) hits.
        overlap: Share of the exact search's top k, with the same filter, that was found; where several tie for the
            last place, any will do.
        latency_ratio: Median of a query's time, over that of the same query without a filter.
    """

    selectivity: float
    n_matching: int
    hits: float
    complete: float
    overlap: float
    latency_ratio: float


@dataclass(frozen=True)
class FilterBench:
    """Filters of several selectivities, measured on a collection."""

    collection: str
    split: str
    n_documents: int
    n_queries: int
    k: int
    encoder: str
    filters: list[Filtered]


def bench(
    collection: Collection,
    path: Path,
    *,
    model: Model | None = None,
    config: str | Path | None = None,
    shards: Path | None = None,
    n_queries: int | None = None,
    k: int = 10,
    candidates: int | None = None,
    on_measured: Callable[[Filtered], None] = lambda measured: None,
) -> FilterBench:
    """Measure filtered search on a collection, with an index at `path` that is made if it is not there.

    Args:
        shards: Documents that are encoded already; None: they are encoded.
        n_queries: The first judged ones; None: all.
        candidates: Of the search that is measured; None: as many as it takes by itself.

    Raises:
        InputError: An index of other documents, or of documents without the attribute that filters go by.
    """
    retriever = _indexed(collection, path, model, config, shards)
    texts = list(collection.queries.values())[:n_queries]
    queries = retriever.encoder.encode_queries(texts)
    draws = np.array([draw(document.id) for document in collection.documents()])
    measured = []
    for selectivity in SELECTIVITIES:
        n_matching = int(np.count_nonzero(draws < selectivity))
        measured.append(measure(retriever.searcher, queries, selectivity, n_matching, k, candidates))
        on_measured(measured[-1])
    return FilterBench(
        collection.name, collection.split, len(retriever), len(texts), k, str(retriever.encoder.stamp), measured
    )


def draw(id: str) -> float:
    """The number in [0, 1) of the document with that id."""
    return zlib.crc32(id.encode()) / 2**32


def measure(
    searcher: Searcher, queries: WordVectors, selectivity: float, n_matching: int, k: int, candidates: int | None
) -> Filtered:
    """What `searcher` finds among the documents whose number is below `selectivity`, of which there are n_matching."""
    where: Where = {ATTRIBUTE: {"$lt": selectivity}}
    hits = searcher.search_vectors(queries, k, candidates=candidates, where=where)
    exact = searcher.search_vectors(queries, k, candidates="all", where=where)
    expected = min(k, n_matching)
    if any(len(best) != expected for best in exact):
        raise InputError(
            f"{searcher.index.path} was not made to measure filters (its documents have no numbers {ATTRIBUTE!r}); "
            "choose another folder"
        )
    numbers = [len(found) for found in hits]
    return Filtered(
        selectivity=selectivity,
        n_matching=n_matching,
        hits=round(float(np.mean(numbers)), 3),
        complete=round(float(np.mean([number == expected for number in numbers])), 4),
        overlap=_overlap(hits, exact),
        latency_ratio=_latency_ratio(searcher, queries, k, candidates, where),
    )


def _overlap(hits: Sequence[list[Hit]], exact: Sequence[list[Hit]]) -> float:
    shares = []
    for found, best in zip(hits, exact, strict=True):
        if best:
            ids = {hit.id for hit in best}
            shares.append(sum(hit.id in ids or hit.score >= best[-1].score for hit in found) / len(best))
    return round(float(np.mean(shares)), 4) if shares else 1.0


def _latency_ratio(searcher: Searcher, queries: WordVectors, k: int, candidates: int | None, where: Where) -> float:
    taken: dict[bool, list[float]] = {False: [], True: []}
    for number in range(min(len(queries), _TIMED_QUERIES)):
        for filtered in (False, True):  # in turn: what else the machine does slows both
            started = time.perf_counter()
            searcher.search_vectors(
                queries[number : number + 1], k, candidates=candidates, where=where if filtered else None
            )
            taken[filtered].append(time.perf_counter() - started)
    return round(float(np.median(taken[True]) / np.median(taken[False])), 2)


def _indexed(
    collection: Collection, path: Path, model: Model | None, config: str | Path | None, shards: Path | None
) -> Retriever:
    if shards is not None:
        if path.exists():
            retriever = Retriever.open(path, model)
        else:
            retriever = Retriever.create(path, model or DEFAULT_MODEL, config=config)
        index_shards(shards, retriever, skip_known=True, change=_numbered)
        retriever.index.close()

    def all_numbered() -> Iterator[Document]:
        return map(_numbered, collection.documents())

    return indexed(replace(collection, documents=all_numbered), path, model, config)[0]


def _numbered(document: Document) -> Document:
    return replace(document, attributes={ATTRIBUTE: draw(document.id)})
