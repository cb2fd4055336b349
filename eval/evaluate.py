"""An evaluation: index a collection, search it exactly and in two stages, measure quality and cost."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.retrieval.encoder import DEFAULT_MODEL
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import Model, Retriever

from .bm25 import bm25_run
from .collections import Collection
from .exact_scores import shares
from .latency import stage_latency
from .runs import MEASURES, Run, measure, ranking

_DEPTH = 1000
_CANDIDATES_SHOWN = (20, 50, 100, 200, 500, 1000)
_TIMED_QUERIES = 100
_PACKAGES = (
    "wordhive",
    "torch",
    "transformers",
    "sentence-transformers",
    "faiss-cpu",
    "numpy",
    "numba",
    "bm25s",
    "ranx",
)


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
    runs, exact = _exact_runs(retriever.index, queries, list(texts))
    recall = {}
    if retriever.index.config.encoding is not None:
        # Asked for each number anew: a graph searches wider for more.
        recall = {
            n: round(shares(exact, retriever.index.find_candidates(queries, n), 10), 4) for n in _CANDIDATES_SHOWN
        }
        rows = retriever.index.find_candidates(queries, candidates)
        runs[f"two stages, {candidates} candidates"] = _two_stage_run(retriever.index, queries, list(texts), rows)
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
        setting=_setting(info.config.model_dump(), candidates),
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


def _exact_runs(index: Index, queries: WordVectors, names: list[str]) -> tuple[dict[str, Run], list[NDArray[np.int64]]]:
    """Runs by the whole score and by each part alone, and the rows of the whole score's top 10, ties included."""
    ids = index.ids()
    parts = ["exact"] + (["exact, words alone", "exact, summary alone"] if index.summary_weight else [])
    runs: dict[str, Run] = {part: {} for part in parts}
    top: list[NDArray[np.int64]] = []
    step = max(1, 4_000_000 // max(1, len(index)))  # whole score rows of some queries at a time
    with progress_bar("Exact search", len(names)) as advance:
        for start in range(0, len(names), step):
            chunk = queries[start : start + step]
            blocks = list(index.score_all(chunk))
            for i, name in enumerate(names[start : start + step]):
                rows = np.concatenate([block[i].rows for block in blocks])
                words = np.concatenate([block[i].words for block in blocks])
                summary = np.concatenate([block[i].summary for block in blocks])
                total = words + summary
                for part, scores in zip(parts, (total, words, summary), strict=False):
                    runs[part][name] = ranking(rows, scores, ids, _DEPTH)
                tenth = max(0, len(total) - 10)
                top.append(rows[total >= np.partition(total, tenth)[tenth]])
                advance(1)
    return runs, top


def _two_stage_run(index: Index, queries: WordVectors, names: list[str], rows: list[NDArray[np.int64]]) -> Run:
    ids, run = index.ids(), {}
    for i, name in enumerate(names):
        scores = index.score(queries[i : i + 1], rows[i])
        run[name] = ranking(scores.rows, scores.total, ids, _DEPTH)
    return run


def _words_removed(collection: Collection, retriever: Retriever) -> float | None:
    if not retriever.encoder.has_stop_word_gate:
        return None
    n_words = int(retriever.encoder.count_words(document.text for document in collection.documents()).sum())
    return round(1 - retriever.index.info().n_words / n_words, 4) if n_words else 0.0


def _setting(config: dict[str, Any], candidates: int) -> dict[str, Any]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "config": config,
        "candidates": candidates,
        "measures": list(MEASURES),
        "versions": versions,
        "python": platform.python_version(),
        "machine": platform.processor() or platform.machine(),
    }
