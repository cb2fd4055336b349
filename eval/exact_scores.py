"""Exact scores of every document for every query: what a first stage is measured against. Kept on disk, resumable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.maxsim import maxsim
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.shards import read_ids, read_model, read_shards

_SCORES = "exact.npy"
_STATE = "exact.json"


@dataclass(frozen=True)
class ExactScores:
    """Scores of documents before any compression.

    scores: float32 `[n_queries, n_documents]`, memory-mapped. ids: of the documents, by column. stamp: tells these
    documents, queries and weights from others.
    """

    scores: NDArray[np.float32]
    ids: dict[int, str]
    stamp: str

    @classmethod
    def make(cls, folder: Path, shards: Path, queries: WordVectors, summary_weight: float, limit: int) -> ExactScores:
        """Score the first `limit` documents of encoded shards, or take what an earlier run left in `folder`.

        A stopped run goes on behind its last whole shard; other documents, queries or weights start anew.
        """
        ids = [id for part in read_ids(shards) for id in part][:limit]
        stamp = _stamp([read_model(shards), str(summary_weight), *ids], queries)
        state, path = _read_state(folder / _STATE), folder / _SCORES
        done = int(state.get("documents", 0)) if state.get("stamp") == stamp and path.is_file() else 0
        if not done:
            open_memmap(path, "w+", np.float32, (len(queries), len(ids)))
        scores = np.load(path, mmap_mode="r+")
        start = 0
        with progress_bar("Exact scores", len(ids)) as advance:
            for _, documents in read_shards(shards) if done < len(ids) else ():
                part = documents[: len(ids) - start]
                if start >= done and len(part):
                    scores[:, start : start + len(part)] = _score(queries, part, summary_weight)
                    scores.flush()
                    state = {"stamp": stamp, "documents": start + len(part)}
                    (folder / _STATE).write_text(json.dumps(state), encoding="utf-8")
                start += len(part)
                advance(len(part))
        return cls(np.load(path, mmap_mode="r"), dict(enumerate(ids)), stamp)

    def best(self, query: int, k: int) -> NDArray[np.int64]:
        """The columns of the k best documents, and of all that tie with the last of them."""
        scores = self.scores[query]
        place = max(0, len(scores) - k)
        return np.flatnonzero(scores >= np.partition(scores, place)[place])


def shares(best: list[NDArray[np.int64]], found: Iterable[NDArray[np.int64]], k: int) -> float:
    """The mean share of each query's k best among those found; where several tie for the last place, any will do."""
    pairs = zip(best, found, strict=True)
    return round(float(np.mean([min(k, np.isin(top, rows).sum()) / min(k, len(top)) for top, rows in pairs])), 4)


def _score(queries: WordVectors, documents: WordVectors, summary_weight: float) -> NDArray[np.float32]:
    words = maxsim(queries, documents.vectors, documents.offsets)
    if queries.summary is None or documents.summary is None or summary_weight == 0:
        return words
    summary = queries.summary @ documents.summary.T
    return np.asarray((1 - summary_weight) * words + summary_weight * summary, np.float32)


def _stamp(names: list[str], queries: WordVectors) -> str:
    digest = hashlib.sha256("\n".join(names).encode())
    digest.update(queries.vectors.tobytes())
    digest.update(queries.offsets.tobytes())
    return digest.hexdigest()


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a state that can't be read is no state: the scores are made anew
        return {}
    return state
