"""Long documents, scored window by window: a document's score is that of its best window.

The windows of a document share the vectors of its words. For the kernels each window is a document of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..lexical.lexical_queries import LexicalQueries
from ..vectors.ragged import ragged_rows
from ..vectors.window_words import WindowWords
from .coded_documents import ChosenDocuments, CodedDocuments


class WindowDocuments:
    """The windows of long documents as `CodedDocuments`.

    Args:
        coded: The documents.
        chosen: Int64 `[n]`, the numbers of those that are meant, each with windows.
        windows: Their windows.
    """

    def __init__(self, coded: CodedDocuments, chosen: NDArray[np.int64], windows: WindowWords) -> None:
        self._coded, self._chosen, self._windows = coded, chosen, windows
        self.offsets = windows.offsets
        self.rows = np.repeat(coded.rows[chosen], windows.counts)
        self.words = coded.words[windows.of_words(coded.offsets[chosen]) + windows.words]

    @property
    def summaries(self) -> NDArray[np.uint8]:
        return self._coded.window_summaries_of(self._chosen)

    def word_ids_of(self, documents: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The word ids of chosen windows; see `CodedDocuments`."""
        _, of_documents = ragged_rows(self._coded.offsets, self._chosen)
        ids = self._coded.word_ids_of(self._chosen, of_documents)
        of_windows: NDArray[np.uint32] = ids[self._windows.of_words(of_documents[:-1]) + self._windows.words]
        words, _ = ragged_rows(self.offsets, documents)
        return np.asarray(of_windows[words])

    def windows_of(self, documents: NDArray[np.int64]) -> WindowWords | None:
        """None: a window has no windows."""
        return None

    def lexical_scores(self, queries: LexicalQueries, documents: NDArray[np.int64]) -> NDArray[np.float32]:
        """None: a document has the words of all its windows."""
        return np.zeros((len(queries), len(documents)), np.float32)

    def window_summaries_of(self, documents: NDArray[np.int64]) -> NDArray[np.uint8]:
        """No code."""
        return np.zeros((0, self.summaries.shape[1]), np.uint8)


@dataclass(frozen=True)
class Opened:
    """Documents, long ones as their windows.

    Attributes:
        documents: Those of one window, and the windows of the others.
        order: Int64 `[n_documents]`, the group of columns of each document, in the order in which they were given.
        starts: Int64 `[n_documents]`, the first column of each group; None where no document has windows.
    """

    documents: ChosenDocuments
    order: NDArray[np.int64]
    starts: NDArray[np.int64] | None

    @classmethod
    def of(cls, documents: ChosenDocuments) -> Opened:
        """The windows of documents where they have some."""
        windows = [coded.windows_of(chosen) for coded, chosen in documents]
        if not any(windows):
            return cls(documents, np.arange(sum(len(chosen) for _, chosen in documents)), None)
        parts: list[tuple[CodedDocuments, NDArray[np.int64]]] = []
        positions, sizes, first = [], [], 0
        for (coded, chosen), each in zip(documents, windows, strict=True):
            is_long = np.zeros(len(chosen), np.bool_) if each is None else each.counts > 0
            short, long = np.flatnonzero(~is_long), np.flatnonzero(is_long)
            parts.append((coded, chosen[short]))
            positions += [first + short, first + long]
            sizes.append(np.ones(len(short), np.int64))
            if each is not None:
                of_long = each.take(long)
                parts.append((WindowDocuments(coded, chosen[long], of_long), np.arange(len(of_long))))
                sizes.append(of_long.counts)
            first += len(chosen)
        counts = np.concatenate(sizes)
        return cls(parts, np.argsort(np.concatenate(positions)), np.cumsum(counts) - counts)

    def best(
        self, words: NDArray[np.float32], summary: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Both parts of the score of each document's best window, in the order of the documents.

        Args:
            words, summary: Float32 `[n_queries, n_columns]`, weighted.
        """
        if self.starts is None:
            return words, summary
        total = words + summary
        counts = np.diff(np.append(self.starts, total.shape[1]))
        largest = np.repeat(np.maximum.reduceat(total, self.starts, axis=1), counts, axis=1)
        columns = np.where(total == largest, np.arange(total.shape[1]), total.shape[1])
        first = np.minimum.reduceat(columns, self.starts, axis=1)[:, self.order]
        return np.take_along_axis(words, first, axis=1), np.take_along_axis(summary, first, axis=1)
