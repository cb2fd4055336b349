"""How long a query takes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wordhive.index import WordVectors
from wordhive.retrieval.search.stage_times import StageTimes

if TYPE_CHECKING:
    from wordhive.retrieval.search.search_options import Candidates
    from wordhive.retrieval.searcher import Searcher

_WARM_UP = 5
_Result = TypeVar("_Result")
_Query = TypeVar("_Query")
Percentiles = dict[str, float]


def timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    """What a piece of work gives, and its seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def latency(queries: Sequence[_Query], search: Callable[[_Query, StageTimes], Any]) -> dict[str, Percentiles]:
    """Milliseconds of single queries, in total and of each stage: stage → p50, p95, p99.

    Args:
        queries: Each is searched by itself. The first ones are searched once more before, as a warm-up.
        search: Searches one query, and gives the seconds of its stages to the `StageTimes`.
    """
    for query in queries[:_WARM_UP]:
        search(query, StageTimes())
    milliseconds: dict[str, list[float]] = {}
    for query in queries:
        times = StageTimes()
        _, total = timed(lambda query=query, times=times: search(query, times))  # type: ignore[misc]
        for stage, seconds in {**times.seconds, "total": total}.items():
            milliseconds.setdefault(stage, []).append(1000 * seconds)
    return {stage: percentiles(values) for stage, values in milliseconds.items()}


def percentiles(milliseconds: Sequence[float]) -> Percentiles:
    """The median and the slow ends of some times: p50, p95, p99."""
    return {f"p{p}": round(float(np.percentile(milliseconds, p)), 3) for p in (50, 95, 99)}


def stage_latency(searcher: Searcher, texts: Sequence[str], k: int, candidates: Candidates) -> dict[str, Percentiles]:
    """Milliseconds of each stage of single searches with text: stage → p50, p95, p99.

    The stages are encode (text to vectors), candidates (first stage; absent where every document is scored), rerank
    (exact scores), fetch (documents of the k hits), and total.
    """
    return latency(texts, lambda text, times: searcher.search(text, k, candidates=candidates, times=times))


def search_latency(searcher: Searcher, queries: WordVectors, k: int, candidates: Candidates) -> dict[str, Percentiles]:
    """The same of searches with vectors, which have no stage encode."""
    each = [queries[number : number + 1] for number in range(len(queries))]
    return latency(each, lambda query, times: searcher.search_vectors(query, k, candidates=candidates, times=times))
