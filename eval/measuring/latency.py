"""How long a query takes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wordhive.index import WordVectors

if TYPE_CHECKING:
    from wordhive.retrieval.searcher import Candidates, Searcher

_WARM_UP = 5
_Result = TypeVar("_Result")
_Query = TypeVar("_Query")


def timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    """What a piece of work gives, and its seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


class Stages:
    """The stages of one query, each timed by itself."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    def run(self, stage: str, work: Callable[[], _Result]) -> _Result:
        """What a stage's work gives."""
        result, seconds = timed(work)
        self.milliseconds[stage] = seconds * 1000
        return result


def latency(
    queries: Sequence[_Query],
    search: Callable[[_Query, Stages], Any],
    whole: Callable[[_Query], Any] | None = None,
) -> dict[str, dict[str, float]]:
    """Milliseconds of single queries, in total and of each stage that `search` runs: stage → p50, p95, p99.

    whole: what a user calls, which is timed for the total in a round of its own; None: the stages' sum.
    """
    taken: dict[str, list[float]] = {}
    warming = min(_WARM_UP, len(queries))
    for number, query in enumerate([*queries[:warming], *queries]):
        stages = Stages()
        search(query, stages)
        if number >= warming:
            for stage, milliseconds in stages.milliseconds.items():
                taken.setdefault(stage, []).append(milliseconds)
            taken.setdefault("total", []).append(sum(stages.milliseconds.values()))
    if whole is not None and len(queries):
        taken["total"] = [timed(lambda query=query: whole(query))[1] * 1000 for query in queries]  # type: ignore[misc]
    return {
        stage: {f"p{p}": round(float(np.percentile(values, p)), 3) for p in (50, 95, 99)}
        for stage, values in taken.items()
    }


def stage_latency(
    searcher: Searcher, texts: Sequence[str], k: int, candidates: Candidates
) -> dict[str, dict[str, float]]:
    """Milliseconds of each stage of single queries: stage → p50, p95, p99.

    Stages: encode (text → vectors), candidates (first stage; absent where every document is scored), rerank (exact
    scores), fetch (documents of the k hits), total.
    """
    encoder = searcher.encoder
    assert encoder is not None

    def search(text: str, stages: Stages) -> None:
        query = stages.run("encode", lambda: encoder.encode_queries([text]))
        _search(searcher, query, k, candidates, stages)

    return latency(texts, search, lambda text: searcher.search(text, k, candidates=candidates))


def search_latency(
    searcher: Searcher, queries: WordVectors, k: int, candidates: Candidates
) -> dict[str, dict[str, float]]:
    """The same of queries that are vectors already: all stages but encode."""
    each = [queries[number : number + 1] for number in range(len(queries))]
    return latency(
        each,
        lambda query, stages: _search(searcher, query, k, candidates, stages),
        lambda query: searcher.search_vectors(query, k, candidates=candidates),
    )


def _search(searcher: Searcher, query: WordVectors, k: int, candidates: Candidates, stages: Stages) -> None:
    index = searcher.index
    if candidates == "all" or index.settings.config.encoding is None:
        scores = stages.run("rerank", lambda: searcher.score_all(query, k)[0])
    else:
        rows = stages.run("candidates", lambda: index.snapshot().find_candidates(query, candidates)[0])
        scores = stages.run("rerank", lambda: index.snapshot().score(query, rows))
    stages.run("fetch", lambda: searcher.fetch(scores, k))
