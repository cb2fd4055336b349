"""Where in memory the words of documents are, so that those of several segments are scored by one call of a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CodeSpans:
    """Where the words of documents lie in memory; the words of one document lie one after the other.

    Attributes:
        addresses: Int64 `[n_documents]`, the address of each document's first word.
        counts: Int64 `[n_documents]`, the number of its words.
        size: Bytes of a word.
        arrays: The arrays at these addresses, kept alive.
    """

    addresses: NDArray[np.int64]
    counts: NDArray[np.int64]
    size: int
    arrays: tuple[NDArray[Any], ...]

    @classmethod
    def of(cls, parts: Sequence[tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]]) -> CodeSpans:
        """From contiguous arrays whose rows are words, each with the first and the end row of every document."""
        arrays = tuple(array for array, _, _ in parts)
        size = next((array.strides[0] for array in arrays if len(array)), 1)  # NumPy's steps in an empty one may be 0
        addresses = [array.ctypes.data + starts * size for array, starts, _ in parts]
        counts = [ends - starts for _, starts, ends in parts]
        return cls(np.concatenate(addresses), np.concatenate(counts), size, arrays)

    def __len__(self) -> int:
        return len(self.counts)

    def work(self, n_groups: int) -> NDArray[np.int64]:
        """The work of scoring documents with so many groups of query words, a running sum for `run_in_blocks`."""
        done = np.zeros(len(self) + 1, np.int64)
        np.cumsum(self.counts * max(n_groups, 1), out=done[1:])
        return done
