"""An evaluation: index a collection, search it exactly and in two stages, measure quality and cost."""

from __future__ import annotations

import platform
import time
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, InputError, WordVectors
from wordhive.retrieval.encoder import DEFAULT_MODEL
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import Model, Retriever

from .collections import Collection
from .latency import stage_latency
from .runs import MEASURES, Run, measure, ranking

_DEPTH = 1000
_CANDIDATES_SHOWN = (20, 50, 100, 200, 500, 1000)
_TIMED_QUERIES = 100
_PACKAGES = ("wordhive", "torch", "transformers", "sentence-transformers", "faiss-cpu", "numpy", "numba", "ranx")


@dataclass(frozen=True)
class System:
    """One way to search: its run and its measures."""

    name: str
    measures: dict[str, float]
    run: Run


@dataclass(frozen=True)
class Evaluation:
    """What was found out about an index on a collection.

    systems: exact search, its two parts alone, and two-stage search. candidate_recall: number of candidates → share of
    the exact top 10 among them. bytes_per_document: by part. latency: stage → p50, p95, p99 in milliseconds.
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
    model: Model = DEFAULT_MODEL,
    config: str | Path = "default",
    candidates: int = 1000,
    limit: int | None = None,
    device: str = "cpu",
) -> Evaluation:
    """Evaluate on a collection, with the index at `path`: made if it is not there, completed if it is half done.

    candidates: of the two-stage search. limit: judged queries to use, the first ones; None: all.
    """
    retriever, seconds = _retriever(collection, path, model, config, device)
    texts = dict(list(collection.queries.items())[:limit])
    qrels = {id: collection.qrels[id] for id in texts}
    queries = retriever.encoder.encode_queries(list(texts.values()))
    runs, exact = _exact_runs(retriever.index, queries, list(texts))
    recall = {}
    if retriever.index.config.encoding is not None:
        rows = retriever.index.find_candidates(queries, max(candidates, *_CANDIDATES_SHOWN))
        recall = {n: _recall(exact, rows, n) for n in _CANDIDATES_SHOWN}
        runs[f"two stages, {candidates} candidates"] = _two_stage_run(
            retriever.index, queries, list(texts), rows, candidates
        )
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
        latency=stage_latency(retriever.searcher, list(texts.values())[:_TIMED_QUERIES], 10, candidates),
        seconds_indexing=seconds,
        setting=_setting(info.config.model_dump(), candidates),
    )


def _retriever(
    collection: Collection, path: Path, model: Model, config: str | Path, device: str
) -> tuple[Retriever, float | None]:
    if not path.exists():
        retriever = Retriever.create(path, model, config=config, device=device)
    else:
        retriever = Retriever.open(path, model, device=device)
    total = sum(1 for _ in collection.documents())
    if len(retriever) == total:
        return retriever, None
    started = time.perf_counter()
    retriever.add(collection.documents(), skip_known=True, total=total)
    if len(retriever) != total:
        raise InputError(f"{path} holds documents of something else than {collection.name}; choose another --index")
    return retriever, round(time.perf_counter() - started, 1)


def _exact_runs(index: Index, queries: WordVectors, names: list[str]) -> tuple[dict[str, Run], list[NDArray[np.int64]]]:
    """Runs by the whole score and by each part alone, and the rows of the whole score's top 10."""
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
                top.append(rows[np.lexsort((rows, -total))[:10]])
                advance(1)
    return runs, top


def _two_stage_run(
    index: Index, queries: WordVectors, names: list[str], rows: list[NDArray[np.int64]], candidates: int
) -> Run:
    ids, run = index.ids(), {}
    for i, name in enumerate(names):
        scores = index.score(queries[i : i + 1], rows[i][:candidates])
        run[name] = ranking(scores.rows, scores.total, ids, _DEPTH)
    return run


def _recall(exact: list[NDArray[np.int64]], found: list[NDArray[np.int64]], n: int) -> float:
    shares = [np.isin(best, rows[:n]).mean() for best, rows in zip(exact, found, strict=True) if len(best)]
    return round(float(np.mean(shares)), 4)


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
