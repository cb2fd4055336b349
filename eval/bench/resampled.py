"""As many distinct documents as wanted, of the real vectors of fewer: for measurements of scale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.vectors.ragged import ragged_rows
from wordhive.retrieval.shards import read_shards


class Resampled:
    """Documents by number: first the shards' own, then mixtures of two of them.

    A mixture has about half of the words of each of its two documents, drawn by its number, every word once, and the
    direction between their summaries. So documents are of the real length, and each real one has relatives of half its
    words: two for each time that the real ones are multiplied.
    """

    def __init__(self, shards: Path) -> None:
        self._sources = WordVectors.concat([vectors for _, vectors in read_shards(shards)])

    @property
    def n_sources(self) -> int:
        return len(self._sources)

    def batches(self, first: int, last: int, size: int) -> Iterator[tuple[list[str], WordVectors]]:
        """Ids and vectors of the documents `first:last`, `size` at a time; the same ones whatever the batches."""
        for start in range(first, last, size):
            numbers = np.arange(start, min(start + size, last))
            yield [f"d{number:09d}" for number in numbers], self._documents(numbers)

    def _documents(self, numbers: NDArray[np.int64]) -> WordVectors:
        own = self._sources.take(numbers[numbers < self.n_sources])
        mixed = [self._mixture(int(number)) for number in numbers[numbers >= self.n_sources]]
        return WordVectors.concat([own, *mixed])

    def _mixture(self, number: int) -> WordVectors:
        random = np.random.default_rng((number, 0xA11))
        pair = random.choice(self.n_sources, 2, replace=False)
        rows, _ = ragged_rows(self._sources.offsets, pair)
        rows = rows[random.random(len(rows)) < 0.5]
        ids = self._sources.word_ids[rows]
        first = np.unique(ids, return_index=True)[1]
        rows = rows[np.union1d(first, np.flatnonzero(ids == 0))]
        summary = None
        if self._sources.summary is not None:
            between = self._sources.summary[pair].sum(axis=0, keepdims=True)
            summary = between / max(float(np.linalg.norm(between)), 1e-12)
        return WordVectors(self._sources.vectors[rows], np.array([0, len(rows)]), self._sources.word_ids[rows], summary)
