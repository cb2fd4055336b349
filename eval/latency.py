"""How long a query takes, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from wordhive.retrieval.searcher import Searcher

_WARM_UP = 5
_Result = TypeVar("_Result")


def timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    """What a piece of work gives, and its seconds."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def stage_latency(searcher: Searcher, texts: Sequence[str], k: int, candidates: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each stage of single queries: stage → p50, p95, p99.

    Stages: encode (text → vectors), candidates (first stage; absent where there is none), rerank (exact scores),
    fetch (documents of the k hits), total.
    """
    assert searcher.encoder is not None
    taken: dict[str, list[float]] = {}
    two_stages = searcher.index.config.encoding is not None
    for number, text in enumerate([*texts[:_WARM_UP], *texts]):
        times: dict[str, float] = {}
        query = _timed(times, "encode", lambda text=text: searcher.encoder.encode_queries([text]))  # type: ignore[misc]
        if two_stages:
            rows = _timed(times, "candidates", lambda query=query: searcher.index.find_candidates(query, candidates)[0])  # type: ignore[misc]
            scores = _timed(times, "rerank", lambda query=query, rows=rows: searcher.index.score(query, rows))  # type: ignore[misc]
        else:
            scores = _timed(times, "rerank", lambda query=query: searcher.score_all(query, k)[0])  # type: ignore[misc]
        _timed(times, "fetch", lambda scores=scores: searcher.fetch(scores, k))  # type: ignore[misc]
        times["total"] = sum(times.values())
        if number >= min(_WARM_UP, len(texts)):
            for stage, milliseconds in times.items():
                taken.setdefault(stage, []).append(milliseconds)
    return {
        stage: {f"p{p}": round(float(np.percentile(values, p)), 3) for p in (50, 95, 99)}
        for stage, values in taken.items()
    }


def _timed(times: dict[str, float], stage: str, work: Callable[[], _Result]) -> _Result:
    started = time.perf_counter()
    result = work()
    times[stage] = (time.perf_counter() - started) * 1000
    return result
