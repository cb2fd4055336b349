"""An evaluation: index a collection, search it exactly and in two stages, measure quality and cost."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from wordhive.index import Index, IndexConfig, InputError
from wordhive.retrieval.encoder import DEFAULT_MODEL
from wordhive.retrieval.retriever import Model, Retriever

from .bm25 import bm25_run
from .collections import Collection
from .index_runs import candidate_recall, exact_runs, two_stage_run
from .latency import stage_latency
from .runs import MEASURES, Run, measure
from .setting import setting

_DEPTH = 1000
_TIMED_QUERIES = 100
_PARTS = {"whole": "exact", "words": "exact, words alone", "summary": "exact, summary alone"}


@dataclass(frozen=True)
class System:
    """One way to search: its run and its measures."""

    name: str
    measures: dict[str, float]
    run: Run


@dataclass(frozen=True)
class Evaluation:
    """What was found out about an index on a collection.

    systems: exact search, its two parts alone, two-stage search, and BM25 where it was asked for. candidate_recall:
    number of candidates → share of the exact top 10 among them. bytes_per_document: by part. words_per_document: word
    vectors that are stored. words_removed: share of the documents' whole words that the model's stop-word gate removed;
    None without one. latency: stage → p50, p95, p99 in milliseconds.
    """

    collection: str
    split: str
    n_documents: int
    n_queries: int
    encoder: str
    systems: list[System]
    candidate_recall: dict[int, float]
    bytes_per_document: dict[str, float]
    words_per_document: float
    words_removed: float | None
    latency: dict[str, dict[str, float]]
    seconds_indexing: float | None
    setting: dict[str, Any]

    def report(self) -> dict[str, Any]:
        """Everything but the runs, for JSON."""
        return {**asdict(self), "systems": [{"name": s.name, "measures": s.measures} for s in self.systems]}


def evaluate(
    collection: Collection,
    path: Path,
    *,
    model: Model | None = None,
    config: str | Path | None = None,
    candidates: int = 1000,
    limit: int | None = None,
    device: str = "cpu",
    bm25: bool = False,
) -> Evaluation:
    """Evaluate on a collection, with the index at `path`, as `indexed` gives it.

    candidates: of the two-stage search. limit: judged queries to use, the first ones; None: all. bm25: measure BM25
    beside it.
    """
    retriever, seconds = indexed(collection, path, model, config, device)
    texts = dict(list(collection.queries.items())[:limit])
    qrels = {id: collection.qrels[id] for id in texts}
    queries = retriever.encoder.encode_queries(list(texts.values()))
    exact, top = exact_runs(retriever.index, queries, list(texts), _DEPTH)
    runs = {_PARTS[part]: run for part, run in exact.items()}
    recall = candidate_recall(retriever.index, queries, top)
    if retriever.index.config.encoding is not None:
        runs[f"two stages, {candidates} candidates"] = two_stage_run(
            retriever.index, queries, list(texts), candidates, _DEPTH
        )
    if bm25:
        runs["bm25"] = bm25_run(replace(collection, queries=texts))
    info = retriever.index.info()
    per_document = {part: size / info.n_documents for part, size in info.bytes.items() if size}
    per_document["(plain text)"] = info.text_bytes / info.n_documents
    return Evaluation(
        collection=collection.name,
        split=collection.split,
        n_documents=info.n_documents,
        n_queries=len(texts),
        encoder=str(retriever.encoder.stamp),
        systems=[System(name, measure(qrels, run), run) for name, run in runs.items()],
        candidate_recall=recall,
        bytes_per_document={part: round(size, 1) for part, size in per_document.items()},
        words_per_document=round(info.n_words / info.n_documents, 1),
        words_removed=_words_removed(collection, retriever),
        latency=stage_latency(retriever.searcher, list(texts.values())[:_TIMED_QUERIES], 10, candidates),
        seconds_indexing=seconds,
        setting={
            "config": info.config.model_dump(),
            "candidates": candidates,
            "measures": list(MEASURES),
            **setting(),
        },
    )


def indexed(
    collection: Collection,
    path: Path,
    model: Model | None = None,
    config: str | Path | None = None,
    device: str = "cpu",
) -> tuple[Retriever, float | None]:
    """The collection's index at `path`: made if it is not there, completed if it is half done; and the seconds of it.

    Seconds are None unless the whole index was made. model, config: None takes the index's own, or the defaults.
    Raises InputError, and adds nothing, where the index holds other documents, or has another model or configuration.
    """
    if not path.exists():
        retriever = Retriever.create(path, model or DEFAULT_MODEL, config=config, device=device)
    else:
        retriever = Retriever.open(path, model, device=device)
        if config is not None and IndexConfig.load(config) != retriever.index.config:
            raise InputError(f"{path} was made with another configuration than {str(config)!r}; choose another --index")
    total, held = _counted(collection, retriever.index)
    if held == total:
        return retriever, None
    started = time.perf_counter()
    retriever.add(collection.documents(), skip_known=True, total=total)
    return retriever, None if held else round(time.perf_counter() - started, 1)


def _counted(collection: Collection, index: Index) -> tuple[int, int]:
    """Documents of the collection, and how many of them the index holds; it may hold no others."""
    total = held = 0
    source = collection.documents()
    while part := list(islice(source, 4096)):
        total += len(part)
        texts = index.texts([document.id for document in part])
        held += len(texts)
        for document in part:
            if texts.get(document.id) not in (None, document.text):  # an index may keep no texts
                raise InputError(
                    f"{index.path} holds another text of document {document.id!r} than {collection.name}; "
                    "choose another index"
                )
    if held != len(index):
        raise InputError(
            f"{index.path} holds {len(index) - held:,} documents that {collection.name} has not; choose another index"
        )
    return total, held


def _words_removed(collection: Collection, retriever: Retriever) -> float | None:
    if not retriever.encoder.has_stop_word_gate:
        return None
    n_words = int(retriever.encoder.count_words(document.text for document in collection.documents()).sum())
    return round(1 - retriever.index.info().n_words / n_words, 4) if n_words else 0.0
