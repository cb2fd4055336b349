"""An encoding of the whole score: the words' encoding and the summary side by side.

    score ≈ w · ⟨summaries⟩ + (1 − w) · scale · ⟨encodings⟩

A MUVERA inner product is not calibrated (it grows with the repetitions and shrinks with the bits), so `scale` is
fitted: the least-squares slope of the exact words' score on it, within each of a sample of pseudo-queries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..config import EncodingConfig
from ..maxsim import maxsim
from ..word_vectors import WordVectors
from .muvera import Muvera

_PSEUDO_QUERIES = 64
_QUERY_WORDS = 12
_DOCUMENTS = 1000


class FusedEncoding:
    """What the first stage stores of a document: one vector whose inner product with a query's approximates the score.

    words: the encoding of the word vectors.
    scale: what one unit of its inner product is worth in words' score.
    summary_weight: w, the summary's share of the score; 0 where texts have no summary.
    """

    def __init__(self, words: Muvera, scale: float, summary_weight: float) -> None:
        self.words = words
        self.scale = scale
        self.summary_weight = summary_weight

    @classmethod
    def fit(cls, config: EncodingConfig, sample: WordVectors, summary_weight: float) -> FusedEncoding:
        """Draw and calibrate the parameters on a sample of documents."""
        words = Muvera.fit(config, sample)
        scale = _fit_scale(words, sample, config.seed) if summary_weight > 0 else 1.0
        return cls(words, scale, summary_weight)

    def encode_documents(self, documents: WordVectors) -> NDArray[np.float32]:
        """Float32 `[n_documents, words.dim + summary_dim]`."""
        return self._with_summary(self.words.encode_documents(documents), documents)

    def encode_queries(self, queries: WordVectors) -> NDArray[np.float32]:
        """Float32 `[n_queries, words.dim + summary_dim]`."""
        return self._with_summary(self.words.encode_queries(queries), queries)

    def _with_summary(self, encoded: NDArray[np.float32], texts: WordVectors) -> NDArray[np.float32]:
        if texts.summary is None or self.summary_weight == 0:
            return encoded
        encoded *= np.float32(np.sqrt((1 - self.summary_weight) * self.scale))
        return np.hstack([encoded, texts.summary * np.float32(np.sqrt(self.summary_weight))])

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, as `from_tensors` takes them back."""
        return {**self.words.tensors(), "mix": np.array([self.scale, self.summary_weight])}

    @classmethod
    def from_tensors(cls, config: EncodingConfig, tensors: dict[str, NDArray[np.generic]]) -> FusedEncoding:
        """The encoding whose `tensors()` these are."""
        scale, summary_weight = tensors["mix"].astype(np.float64).tolist()
        return cls(Muvera.from_tensors(config, tensors), scale, summary_weight)


def _fit_scale(words: Muvera, sample: WordVectors, seed: int) -> float:
    random = np.random.default_rng((seed, 0x5CA1E))
    with_words = np.flatnonzero(sample.counts)
    if len(with_words) < 2:
        return 1.0
    documents = sample.take(random.permutation(with_words)[:_DOCUMENTS])
    sources = random.choice(with_words, _PSEUDO_QUERIES)
    rows = [sample.offsets[text] + random.permutation(sample.counts[text])[:_QUERY_WORDS] for text in sources]
    queries = WordVectors.from_list([sample.vectors[chosen] for chosen in rows])
    exact = maxsim(queries, documents.vectors, documents.offsets)
    approximate = words.encode_queries(queries) @ words.encode_documents(documents).T
    exact -= exact.mean(axis=1, keepdims=True)
    approximate -= approximate.mean(axis=1, keepdims=True)
    spread = float((approximate**2).sum())
    slope = float((exact * approximate).sum()) / spread if spread > 0 else 1.0
    # A slope at or below 0 says that the sample is too small to tell.
    return slope if slope > 0 else 1.0
