"""BM25 in memory."""

from __future__ import annotations

import numpy as np

from ..bm25 import bm25_index
from ..environment import versions
from ..experiment import Bm25Spec
from ..measuring.latency import latency, timed
from ..measuring.memory import peak_memory
from ..runs import Run, ranking
from .task import Measurements, RunResult, Stamp, Task, rate


def stamp() -> Stamp:
    """The library's version."""
    return {"bm25s": versions().get("bm25s")}


def find(spec: Bm25Spec, job: Task) -> RunResult:
    """The best documents that share words with each query."""
    (index, ids), seconds = timed(
        lambda: bm25_index(job.prepared.collection, stemmer=spec.stemmer, k1=spec.k1, b=spec.b)
    )

    def search(text: str) -> dict[str, float]:
        scores = index.scores(text)
        rows = np.flatnonzero(scores > 0)
        return ranking(rows, scores[rows], ids, job.depth)

    def search_all() -> Run:
        return {id: search(text) for id, text in job.queries.items()}

    search("warm up")
    run, seconds_searching = timed(search_all)
    stemmed = f"stemmed ({spec.stemmer})" if spec.stemmer else "not stemmed"
    return RunResult(
        run,
        Measurements(
            f"BM25 of bm25s, k1 {spec.k1:g}, b {spec.b:g}, {stemmed}",
            bytes_per_document={"postings": round(index.n_bytes / len(ids), 1)},
            latency=latency(job.timed_texts, lambda text, times: times.run("scores", search, text)),
            queries_per_second=rate(len(run), seconds_searching),
            seconds_indexing=round(seconds, 2),
            peak_memory=peak_memory(),
        ),
    )
