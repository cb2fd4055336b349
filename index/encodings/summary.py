"""The summary as a first stage of its own: documents by their single vector, whatever their words say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..config import SummaryConfig
from ..errors import InputError
from ..word_vectors import WordVectors


class SummaryEncoding:
    """Encodes a text as its summary (ColBERTer's workflow 2: retrieve by the summary, refine by the words)."""

    @classmethod
    def fit(cls, config: SummaryConfig, sample: WordVectors) -> SummaryEncoding:
        """There is nothing to fit. Raises InputError for texts without a summary."""
        if sample.summary is None:
            raise InputError(
                "the first stage of this index is the summary, and the documents have none; "
                "take preset exact, or a model with a summary"
            )
        return cls()

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """The summaries, float32 `[n_documents, summary_dim]`."""
        assert documents.summary is not None
        return documents.summary

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """The summaries, float32 `[n_queries, summary_dim]`."""
        assert queries.summary is not None
        return queries.summary

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """No parameters."""
        return {}

    @classmethod
    def from_tensors(cls, config: SummaryConfig, tensors: dict[str, NDArray[np.generic]]) -> SummaryEncoding:
        return cls()
