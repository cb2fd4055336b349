"""Scores of documents, and how those of several segments join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """Scores of documents for one query, in both parts, weighted: float32 `[n]` each; `rows` int64 `[n]`."""

    rows: NDArray[np.int64]
    words: NDArray[np.float32]
    summary: NDArray[np.float32]

    @property
    def total(self) -> NDArray[np.float32]:
        return self.words + self.summary

    def take(self, chosen: NDArray[np.int64]) -> Scores:
        """Those at the given places."""
        return Scores(self.rows[chosen], self.words[chosen], self.summary[chosen])

    @classmethod
    def concat(cls, parts: Sequence[Scores]) -> Scores:
        """All of them, in order."""
        if not parts:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.summary for part in parts]),
        )


def best(parts: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], n: int) -> NDArray[np.int64]:
    """The rows of the n largest scores in all parts `(scores, rows)`, best first; equal ones by row."""
    if not parts:
        return np.zeros(0, np.int64)
    scores = np.concatenate([score for score, _ in parts])
    rows = np.concatenate([row for _, row in parts])
    if len(scores) > n:  # to sort them all takes several times as long
        found = scores >= np.partition(scores, len(scores) - n)[len(scores) - n]
        scores, rows = scores[found], rows[found]
    return rows[np.lexsort((rows, -scores))[:n]]
