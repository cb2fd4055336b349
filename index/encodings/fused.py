"""An encoding of the whole score: the words' encoding and the summary side by side, and both in fewer dims.

score ≈ w · ⟨summaries⟩ + (1 − w) · scale · ⟨encodings⟩
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..config import EncodingConfig, FittedConfig, ReductionConfig
from ..faiss import faiss_factory
from ..small_products import FEW_QUERIES, row_products
from ..tensors import tensor
from ..word_vectors import WordVectors
from .encoding import Encoding
from .fitted import FittedEncoding
from .muvera import MuveraEncoding
from .pseudo_queries import pseudo_queries
from .reduction import Reduction
from .summary import SummaryEncoding

_FAMILIES: dict[str, type[Encoding]] = {
    "muvera": MuveraEncoding,
    "fitted": FittedEncoding,
    "summary": SummaryEncoding,
}
_REDUCTION = "reduction."
# Documents of the sample that a reduction is fitted to.
_ENCODED_DOCUMENTS = 8192
# With fewer documents, what is fitted follows these documents and approximates later ones badly.
_LEAST_DOCUMENTS = 1024


def least_documents(config: EncodingConfig, reduction: ReductionConfig | None) -> int:
    """The fewest documents that an encoding can be fitted to; 1 where nothing is fitted."""
    if not isinstance(config, FittedConfig) and reduction is None:
        return 1
    return max(_LEAST_DOCUMENTS, reduction.dims if reduction else 0)


class FusedEncoding:
    """A document's vector in the first stage: its inner product with a query's vector approximates the whole score.

    Attributes:
        words: The encoding of the words, or of the summary alone.
        scale: What an inner product of 1 of `words` is worth in the words' score.
        summary_weight: The summary's share of the score; 0 where no summary stands beside the words' encoding.
        reduction: To fewer dims, or None. Where it is folded into `words`, its document matrix has rows for the
            summary's dims only.
    """

    def __init__(
        self, words: Encoding, scale: float, summary_weight: float, reduction: Reduction | None = None
    ) -> None:
        self.words = words
        self.scale = scale
        self.summary_weight = summary_weight
        self.reduction = reduction

    @classmethod
    def fit(
        cls,
        config: EncodingConfig,
        sample: WordVectors,
        summary_weight: float,
        reduction: ReductionConfig | None = None,
        queries: WordVectors | None = None,
        query_length: float | None = None,
        candidates: str = "",
    ) -> FusedEncoding:
        """Draw, fit and calibrate the parameters on a sample of documents.

        Args:
            config: The encoding of the words.
            sample: Documents, at least `least_documents` of them.
            summary_weight: The summary's share of the score.
            reduction: To fewer dims. None keeps all dims.
            queries: Example queries, fitted to beside pseudo-queries that are drawn from the documents.
            query_length: Sum of a query's word norms, where the model makes it the same for all queries.
            candidates: FAISS factory string of the codes that the vectors get.
        """
        return cls.fit_and_encode(config, sample, summary_weight, reduction, queries, query_length, candidates)[0]

    @classmethod
    def fit_and_encode(
        cls,
        config: EncodingConfig,
        sample: WordVectors,
        summary_weight: float,
        reduction: ReductionConfig | None = None,
        queries: WordVectors | None = None,
        query_length: float | None = None,
        candidates: str = "",
    ) -> tuple[FusedEncoding, NDArray[np.float32]]:
        """As `fit`. Returns the encoding, and the vectors of the sample's first documents, which fitting needs."""
        words = _FAMILIES[config.family].fit(config, sample, queries)
        summary_weight = 0.0 if words.is_summary else summary_weight
        full = cls(words, words.scale(sample) if summary_weight > 0 else 1.0, summary_weight)
        encoded = full.encode_documents(sample[:_ENCODED_DOCUMENTS])
        if reduction is None:
            return full, encoded
        return full._reduced(reduction, sample, encoded, queries, query_length, candidates)

    def _reduced(
        self,
        config: ReductionConfig,
        sample: WordVectors,
        encoded: NDArray[np.float32],
        queries: WordVectors | None,
        query_length: float | None,
        candidates: str,
    ) -> tuple[FusedEncoding, NDArray[np.float32]]:
        pseudo = pseudo_queries(sample, config.queries, config.query_words, config.seed, query_length)
        encoded_queries = self.encode_queries(pseudo)
        if queries is not None and len(queries):
            real = self.encode_queries(queries)
            # As much weight as all pseudo-queries have, however few they are.
            weight = np.float32(np.sqrt(len(encoded_queries) / len(real)))
            encoded_queries = np.concatenate([encoded_queries, real * weight])
        reduction = Reduction.fit(config, encoded_queries, encoded)
        if candidates:
            reduction = reduction.balanced_for_pq(faiss_factory.sub_quantisers(reduction.dim, candidates))
        reduced = encoded @ reduction.documents - reduction.shift
        of_words, of_summary = np.split(reduction.documents, [self.words.dims(sample.dim, sample.summary_dim)[1]])
        folded = self.words.folded(of_words * np.float32(self._share))
        if folded is None:
            return FusedEncoding(self.words, self.scale, self.summary_weight, reduction), reduced
        reduction = Reduction(reduction.queries, of_summary, reduction.shift)
        return FusedEncoding(folded, self.scale, self.summary_weight, reduction), reduced

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_documents, dim]`, `dim` as `document_dim` says; see `Encoding.encode_documents`."""
        words = self.words.encode_documents(documents, device)
        if self.reduction is None:
            return self._joined(words, documents)
        if not self.reduction.is_folded:
            return self._joined(words, documents) @ self.reduction.documents - self.reduction.shift
        if documents.summary is not None and self.summary_weight:
            words += documents.summary @ (self.reduction.documents * np.float32(np.sqrt(self.summary_weight)))
        return words - self.reduction.shift

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_queries, dim]`, of the same dims as documents."""
        joined = self._joined(self.words.encode_queries(queries, device), queries)
        if self.reduction is None:
            return joined
        if len(joined) <= FEW_QUERIES and device == "cpu":
            return row_products(joined, self.reduction.queries)
        return joined @ self.reduction.queries

    def document_dim(self, dim: int, summary_dim: int) -> int:
        """Length of a document's vector, for words and summaries of so many dims.

        Raises:
            ValueError: It was fitted to other dims, or its parts do not fit each other.
        """
        of_query, of_document = self.words.dims(dim, summary_dim)
        summary, reduction = summary_dim if self.summary_weight else 0, self.reduction
        joined = of_query + summary
        if reduction is None:
            made, fits = joined, of_document == of_query
        else:
            made, folded = reduction.dim, reduction.is_folded
            fits = (
                of_document == (made if folded else of_query)
                and len(reduction.queries) == joined
                and len(reduction.documents) == (summary if folded else joined)
            )
        if not made or not fits:
            raise ValueError(f"the encoding is for other dims than words' {dim} and summaries' {summary_dim}")
        return made

    @property
    def _share(self) -> float:
        return float(np.sqrt((1 - self.summary_weight) * self.scale)) if self.summary_weight else 1.0

    def _joined(self, encoded: NDArray[np.float32], texts: WordVectors) -> NDArray[np.float32]:
        if texts.summary is None or self.summary_weight == 0:
            return encoded
        encoded *= np.float32(self._share)
        return np.hstack([encoded, texts.summary * np.float32(np.sqrt(self.summary_weight))])

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, as `from_tensors` reads them."""
        tensors = {**self.words.tensors(), "mix": np.array([self.scale, self.summary_weight])}
        if self.reduction is not None:
            tensors.update({f"{_REDUCTION}{name}": part for name, part in self.reduction.tensors().items()})
        return tensors

    @classmethod
    def from_tensors(cls, config: EncodingConfig, tensors: dict[str, NDArray[np.generic]]) -> FusedEncoding:
        """The encoding whose `tensors()` these are.

        Raises:
            ValueError: A tensor that is missing or misshapen.
        """
        tensor(tensors, "mix", 2)
        scale, summary_weight = tensors["mix"].astype(np.float64).tolist()
        if not (scale > 0 and 0 <= summary_weight <= 1):
            raise ValueError(f"tensor 'mix' holds {scale} and {summary_weight}; expected a scale and a share")
        words = _FAMILIES[config.family].from_tensors(config, tensors)
        parts = {name.removeprefix(_REDUCTION): it for name, it in tensors.items() if name.startswith(_REDUCTION)}
        return cls(words, scale, summary_weight, Reduction.from_tensors(parts) if parts else None)
