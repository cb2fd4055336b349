"""Ragged arrays: rows of several texts in one array, one text after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ragged_rows(offsets: NDArray[np.int64], texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the given texts, int64 `[n_rows]`, and offsets into these rows, int64 `[len(texts) + 1]`."""
    starts = offsets[texts]
    counts = offsets[texts + 1] - starts
    return span_rows(starts, counts), np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def span_rows(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of spans, one after the other: `counts[i]` of them from `starts[i]` on."""
    ends: NDArray[np.int64] = np.cumsum(counts)
    first = np.repeat(starts - (ends - counts), counts)
    return first + np.arange(len(first), dtype=np.int64)
