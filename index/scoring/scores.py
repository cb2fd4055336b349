"""Scores of documents: of one segment, of several joined, and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..vectors.float_order import ordered

# A key of 64 bits holds a score in its upper half and a document's number in its lower half; all ones for number −1.
_LOW = 0xFFFFFFFF


@dataclass(frozen=True)
class Scores:
    """Scores of documents for one query, in their parts, weighted: float32 `[n]` each; `rows` int64 `[n]`."""

    rows: NDArray[np.int64]
    words: NDArray[np.float32]
    summary: NDArray[np.float32]
    lexical: NDArray[np.float32]

    @property
    def total(self) -> NDArray[np.float32]:
        return self.words + self.summary + self.lexical

    def take(self, chosen: NDArray[np.int64]) -> Scores:
        """The scores at these positions."""
        return Scores(self.rows[chosen], self.words[chosen], self.summary[chosen], self.lexical[chosen])

    @classmethod
    def concat(cls, parts: Sequence[Scores]) -> Scores:
        """The scores of several segments, one segment after the other."""
        if not parts:
            return cls(np.zeros(0, np.int64), *np.zeros((3, 0), np.float32))
        return cls(
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.words for part in parts]),
            np.concatenate([part.summary for part in parts]),
            np.concatenate([part.lexical for part in parts]),
        )


def best(parts: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]], n: int) -> NDArray[np.int64]:
    """The rows of the n largest scores in all parts `(scores, rows)`, best first; equal ones by row."""
    if not parts:
        return np.zeros(0, np.int64)
    scores = np.concatenate([score for score, _ in parts])
    rows = np.concatenate([row for _, row in parts])
    if len(scores) > n:  # to sort them all takes several times as long
        kept = scores >= np.partition(scores, len(scores) - n)[len(scores) - n]
        scores, rows = scores[kept], rows[kept]
    if len(rows) and rows.max() >= _LOW:
        return rows[np.lexsort((rows, -scores))[:n]]
    return in_order(scores, rows)[1][:n]


def in_order(scores: NDArray[np.float32], numbers: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Sort scores and the numbers of their documents: best first, equal scores by number, number −1 last.

    Args:
        scores: Float32 `[…, n]`.
        numbers: Int64 `[…, n]`, from −1 to 4,294,967,294.
    """
    # Score and number in one integer: vector instructions sort it in a tenth of the time that two keys take.
    keys = ~_ranked((scores + np.float32(0)).view(np.int32)).astype(np.int64) << 32 | (numbers & _LOW)
    keys.sort(axis=-1)
    numbers = keys & _LOW
    numbers[numbers == _LOW] = -1
    return _ranked(~(keys >> 32).astype(np.int32)).view(np.float32), numbers


def _ranked(bits: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.asarray(ordered(bits, 31, np.int32(0x7FFFFFFF)), np.int32)
