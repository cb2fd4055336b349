"""The summary as the encoding: the first stage finds documents by their single vector, without their words."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..config import SummaryConfig
from ..errors import InputError
from ..word_vectors import WordVectors


class SummaryEncoding:
    """Encodes a text as its summary (ColBERTer's workflow 2: retrieve by the summary, refine by the words)."""

    is_summary: ClassVar[bool] = True

    @classmethod
    def fit(cls, config: SummaryConfig, sample: WordVectors, queries: WordVectors | None = None) -> SummaryEncoding:
        """There is nothing to fit.

        Raises:
            InputError: Texts without a summary.
        """
        if sample.summary is None:
            raise InputError(
                "the first stage of this index is the summary, and the documents have none; "
                "take preset exact, or a model with a summary"
            )
        return cls()

    def dims(self, word_dim: int, summary_dim: int) -> tuple[int, int]:
        """Length of a query's vector and of a document's."""
        return summary_dim, summary_dim

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """The summaries, float32 `[n_documents, summary_dim]`."""
        assert documents.summary is not None
        return documents.summary

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """The summaries, float32 `[n_queries, summary_dim]`."""
        return self.encode_documents(queries, device)

    def scale(self, sample: WordVectors) -> float:
        """1: there are no words' scores to compare with."""
        return 1.0

    def folded(self, matrix: NDArray[np.float32]) -> None:
        """None: a summary has no parameters to fold a matrix into."""

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """No parameters."""
        return {}

    @classmethod
    def from_tensors(cls, config: SummaryConfig, tensors: dict[str, NDArray[np.generic]]) -> SummaryEncoding:
        return cls()
