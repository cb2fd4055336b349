"""Scores of documents, and how those of several segments join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# The lower half of an integer of 64 bits, where a document's number is; all ones: none.
_LOW = 0xFFFFFFFF


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
    if len(rows) and rows.max() >= _LOW:
        return rows[np.lexsort((rows, -scores))[:n]]
    return in_order(scores, rows)[1][:n]


def in_order(scores: NDArray[np.float32], numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Scores `[…, n]` with the numbers beside them, best first; equal ones by number, and −1 after all others.

    numbers: from −1 to 4,294,967,294.
    """
    # One integer for both is sorted by vector instructions, a tenth of the time that two keys take.
    keys = ~_ranked((scores + np.float32(0)).view(np.int32)).astype(np.int64) << 32 | (numbers & _LOW)
    keys.sort(axis=-1)
    numbers = keys & _LOW
    numbers[numbers == _LOW] = -1
    return _ranked(~(keys >> 32).astype(np.int32)).view(np.float32), numbers


def _ranked(bits: NDArray[np.int32]) -> NDArray[np.int32]:
    """Bits of floats as integers that are larger where the float is; and back again."""
    return np.asarray(bits ^ (bits >> 31 & np.int32(0x7FFFFFFF)), np.int32)
