"""Exact scores of every document for every query: what a first stage is measured against. Kept on disk, resumable."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.scoring.exact_match import exact_maxsim
from wordhive.index.scoring.maxsim import maxsim
from wordhive.index.storage.settings import EncoderStamp
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.shards import read_model, read_shard_documents, read_shards
from wordhive.retrieval.texts.documents import Document

_SCORES = "exact.npy"
_STATE = "exact.json"


@dataclass(frozen=True)
class ExactScores:
    """Scores of documents before any compression.

    Attributes:
        scores: float32 `[n_queries, n_documents]`, memory-mapped.
        ids: Of the documents, by column.
        stamp: Tells these documents, queries and weights from others.
    """

    scores: NDArray[np.float32]
    ids: dict[int, str]
    stamp: str

    @classmethod
    def make(
        cls,
        folder: Path,
        shards: Path,
        queries: WordVectors,
        summary_weight: float,
        limit: int,
        *,
        exact_match: bool = False,
    ) -> ExactScores:
        """Score the first `limit` documents of encoded shards, or take what an earlier run left in `folder`.

        Args:
            exact_match: Only identical words match. A stopped run goes on behind its last whole shard; other
                documents, queries or weights start anew.
        """
        documents = list(islice(chain.from_iterable(read_shard_documents(shards)), limit))
        ids = [document.id for document in documents]
        stamp = _stamp(read_model(shards), summary_weight, documents, queries)
        state, path, shape = _State.read(folder / _STATE), folder / _SCORES, (len(queries), len(ids))
        if state.stamp != stamp or not path.is_file() or np.load(path, mmap_mode="r").shape != shape:
            state = _State(stamp, 0)
            state.write(folder / _STATE)  # before the scores: nothing may say of zeros that they are scores
            _make_room(path, shape)
        scores = np.load(path, mmap_mode="r+")
        start = 0
        with progress_bar("Exact scores", len(ids)) as advance:
            for _, vectors in read_shards(shards) if state.documents < len(ids) else ():
                part = vectors[: len(ids) - start]
                if not len(part):
                    break
                if start >= state.documents:
                    scores[:, start : start + len(part)] = score(queries, part, summary_weight, exact_match)
                    scores.flush()
                    state = _State(stamp, start + len(part))
                    state.write(folder / _STATE)
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


def score(
    queries: WordVectors, documents: WordVectors, summary_weight: float, exact_match: bool
) -> NDArray[np.float32]:
    """The score of every query with every document, float32 `[n_queries, n_documents]`."""
    if exact_match:
        words = exact_maxsim(queries, documents.vectors, documents.offsets, documents.word_ids)
    else:
        words = maxsim(queries, documents.vectors, documents.offsets)
    if queries.summary is None or documents.summary is None or summary_weight == 0:
        return words
    summary = queries.summary @ documents.summary.T
    return np.asarray((1 - summary_weight) * words + summary_weight * summary, np.float32)


@dataclass(frozen=True)
class _State:
    stamp: str
    documents: int

    @classmethod
    def read(cls, path: Path) -> _State:
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):  # none that can be read: the scores are made anew
            return cls("", 0)

    def write(self, path: Path) -> None:
        temporary = path.with_name(f"writing-{path.name}")
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)


def _make_room(path: Path, shape: tuple[int, int]) -> None:
    """An .npy of zeros that has its place on the disk: a full one is an error here, and not a crash later."""
    open_memmap(path, "w+", np.float32, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _stamp(model: EncoderStamp, weight: float, documents: Iterable[Document], queries: WordVectors) -> str:
    digest = hashlib.sha256(f"{model.fingerprint} {weight}".encode())
    for document in documents:
        digest.update(json.dumps([document.id, document.text]).encode())
    for part in (queries.vectors, queries.offsets, queries.summary):
        digest.update(b"" if part is None else part.tobytes())
    return digest.hexdigest()
