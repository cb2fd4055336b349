"""How many candidates an index needs: the least number among which nearly all of the exact best are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.encodings.fused import pseudo_queries
from wordhive.index.scores import best

from .searcher import Searcher

_QUERIES = 300
_WORDS = 8
_SAMPLE = 2048
_MOST = 10_000
# Numbers of candidates that may be chosen, as multiples of a power of ten.
_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)


@dataclass(frozen=True)
class Tuning:
    """candidates: the least number that reaches the target. found: the share of the exact top k among them.

    curve: number of candidates → that share. n_queries: that it was measured with. own: whether they were real ones, or
    words of documents.
    """

    candidates: int
    found: float
    k: int
    curve: dict[int, float]
    n_queries: int
    own: bool


def tune(searcher: Searcher, target: float = 0.995, *, k: int = 10, queries: list[str] | None = None) -> Tuning:
    """Find the least number of candidates that hold the share `target` of the exact top k, and keep it in the index.

    queries: such as are asked, some hundred; None: words of documents that the index holds, with their summaries.
    From then on it is what a search takes that asks for no other number.
    Raises InputError for an index without a first stage or without documents, a target that is no share, and one that
    10,000 candidates don't reach.
    """
    index = searcher.index
    if not 0 < target <= 1:
        raise InputError(f"the target is {target}; expected a share of the exact top {k}, above 0 and up to 1")
    if index.config.encoding is None:
        raise InputError(
            f"{index.path} has no first stage (its preset scores every document); there is nothing to tune"
        )
    if not len(index):
        raise InputError(f"{index.path} holds no documents; add some before it is tuned")
    if queries is not None and not queries:
        raise InputError("there are no queries; give some, or leave them out")
    asked = _asked(searcher, queries)
    now, most = index.snapshot(), min(_MOST, len(index))
    found = now.find_candidates(asked, most)
    exact = [best([(scores.total, scores.rows)], k) for scores in searcher.score_all(asked, k, now)]
    ranks = np.concatenate([_ranks(rows, wanted) for rows, wanted in zip(found, exact, strict=True)])
    numbers = sorted({min(int(step * 10**power), most) for power in range(1, 5) for step in _STEPS} | {most})
    curve = {n: round(float((ranks < n).mean()), 4) for n in numbers if n >= min(k, most)}
    enough = [n for n, share in curve.items() if share >= target]
    if not enough:
        raise InputError(
            f"{most:,} candidates hold {curve[most]:.4f} of the exact top {k}, not {target}; choose a lower target, or "
            "a preset with a larger first stage"
        )
    index.set_candidates(enough[0])
    return Tuning(enough[0], curve[enough[0]], k, curve, len(asked), queries is not None)


def _asked(searcher: Searcher, queries: list[str] | None) -> WordVectors:
    if queries is not None:
        if searcher.encoder is None:
            raise InputError("queries are text, and this searcher has no encoder; give it one, or leave them out")
        return searcher.encoder.encode_queries(queries)
    index = searcher.index
    sample = index.snapshot().sample(_SAMPLE)
    return pseudo_queries(sample, _QUERIES, _WORDS, 0, index.settings.query_length)


def _ranks(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of documents among candidates; beyond all of those that are not there."""
    places = {row: place for place, row in enumerate(rows.tolist())}
    return np.array([places.get(row, np.iinfo(np.int64).max) for row in wanted.tolist()], np.int64)
