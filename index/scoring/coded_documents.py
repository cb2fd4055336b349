"""`CodedDocuments`: the arrays of a segment that the second stage reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..lexical.lexical_queries import LexicalQueries
from ..vectors.window_words import WindowWords


class CodedDocuments(Protocol):
    """Documents as codes, one document after the other.

    Attributes:
        words: Uint8 `[n_words, code_size]`.
        offsets: Int64 `[n_documents + 1]`; document i owns the words `offsets[i]:offsets[i + 1]`.
        rows: Int64 `[n_documents]`, the row of each document in the index.
        summaries: Uint8 `[n_documents, summary code size]`, read only where documents have summaries.
    """

    @property
    def words(self) -> NDArray[np.uint8]: ...

    @property
    def offsets(self) -> NDArray[np.int64]: ...

    @property
    def rows(self) -> NDArray[np.int64]: ...

    @property
    def summaries(self) -> NDArray[np.uint8]: ...

    def word_ids_of(self, documents: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The word ids of chosen documents, uint32 `[offsets[-1]]`.

        Args:
            offsets: Of their words.
        """
        ...

    def windows_of(self, documents: NDArray[np.int64]) -> WindowWords | None:
        """The windows of chosen documents; None where each of them is one window."""
        ...

    def window_summaries_of(self, documents: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The codes of the summaries of all windows of chosen documents, uint8 `[n_windows, summary code size]`."""
        ...

    def lexical_scores(self, queries: LexicalQueries, documents: NDArray[np.int64]) -> NDArray[np.float32]:
        """The lexical part of the score of every query with chosen documents, float32 `[n_queries, n]`."""
        ...


# Coded documents, and the numbers of those among them that are scored, int64, ascending.
ChosenDocuments: TypeAlias = Sequence[tuple[CodedDocuments, NDArray[np.int64]]]
