"""Runs of an index: exact, by parts of the score, and in two stages."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wordhive.index import Index, WordVectors
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.searcher import Searcher

from ..exact_scores import shares
from ..runs import Run, ranking

CANDIDATES_SHOWN = (20, 50, 100, 200, 500, 1000)

# Whole rows of scores are held for so many documents and queries at a time.
_SCORES_AT_ONCE = 4_000_000


def exact_runs(
    index: Index, queries: WordVectors, names: list[str], depth: int
) -> tuple[dict[str, Run], list[NDArray[np.int64]]]:
    """Runs by the "whole" score and, where there are two, by "words" and "summary" alone, and the exact top tens.

    The top tens are rows of the index by the whole score, with all that tie with the last of them.
    """
    snapshot = index.snapshot()
    ids = snapshot.ids()
    parts = ["whole"] + (["words", "summary"] if index.settings.summary_weight else [])
    runs: dict[str, Run] = {part: {} for part in parts}
    top: list[NDArray[np.int64]] = []
    step = max(1, _SCORES_AT_ONCE // max(1, len(index)))
    with progress_bar("Exact search", len(names)) as advance:
        for start in range(0, len(names), step):
            blocks = list(snapshot.score_all(queries[start : start + step]))
            for i, name in enumerate(names[start : start + step]):
                rows = np.concatenate([block[i].rows for block in blocks])
                words = np.concatenate([block[i].words for block in blocks])
                summary = np.concatenate([block[i].summary for block in blocks])
                total = np.concatenate([block[i].total for block in blocks])
                for part, scores in zip(parts, (total, words, summary), strict=False):
                    runs[part][name] = ranking(rows, scores, ids, depth)
                tenth = max(0, len(total) - 10)
                top.append(rows[total >= np.partition(total, tenth)[tenth]])
                advance(1)
    return runs, top


def two_stage_run(searcher: Searcher, queries: WordVectors, names: list[str], candidates: int, depth: int) -> Run:
    """The run in which so many candidates are found by the first stage and scored by the second."""
    snapshot = searcher.index.snapshot()
    ids, results = snapshot.ids(), searcher.score_candidates(queries, candidates, snapshot)
    return {name: ranking(scores.rows, scores.total, ids, depth) for name, scores in zip(names, results, strict=True)}


def candidate_recall(index: Index, queries: WordVectors, top: list[NDArray[np.int64]]) -> dict[int, float]:
    """Number of candidates → share of the exact top ten among them; empty where there is no first stage."""
    if index.settings.config.encoding is None:
        return {}
    snapshot = index.snapshot()
    # A search for each number: a graph is searched more widely for more.
    return {n: shares(top, snapshot.find_candidates(queries, n), 10) for n in CANDIDATES_SHOWN}
