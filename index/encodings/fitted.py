"""A fitted encoding: a document's best product with any word, predicted by a linear function of the word's features.

- A query word x of length 1 has the features ψ(x) = [x, relu(C·x − τ), 1], with C the centroids of the words. Another
  word has the features of its direction times its length, because products grow with the length too.
- A document's best product with x is g(x) = max over its words y of ⟨x, y⟩. The document's vector is the weights w with
  which ψ(x)·w predicts g(x) best, by ridge regression on a fixed sample of words.
- So Σ over query words of ψ(x)·w, one inner product, approximates the score.

The features of the sample are the same for all documents. Therefore one matrix, solved for once, turns the values of g
on the sample into weights. LEMUR (arXiv 2601.21853) is the closest relative.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..config import FittedConfig
from ..errors import InputError
from ..faiss import faiss_library
from ..small_products import FEW_WORDS
from ..tensors import dequantised, quantised, tensor
from ..word_sample import word_sample
from ..word_vectors import WordVectors
from . import query_features
from .batches import batches
from .max_products import best_products

# Working memory of one batch of documents, in float32 numbers.
_BATCH_NUMBERS = 16_000_000
# Documents of one product with the solution: with fewer, the solution is read too often.
_DOCUMENTS_AT_ONCE = 1024
# Least words of the sample for each centroid: with fewer, centroids are single words.
_WORDS_A_CENTROID = 4
_WORDS_TO_CLUSTER = 64
# Rounds of k-means: twice as many hardly find more candidates (docs/measurements/speed.md).
_ROUNDS = 8
# Words to draw the sample from, for each word of it: all different words of a large first batch are among them.
_WORDS_A_PLACE = 4
# Largest share of queries' words in the sample: the documents' words are there for unforeseen queries.
_QUERY_SHARE = 0.5


class FittedEncoding:
    """A fitted encoding with its parameters; see `Encoding`.

    Attributes:
        centroids: Float32 `[n_centroids, dim]`.
        words: Float32 `[n_sample, dim]`, the sample of words on which a document's vector is fitted.
        solution: Float32 `[dim_of_documents, n_sample]`; times a document's best inner products with `words`, it is
            the document's vector.
    """

    is_summary: ClassVar[bool] = False

    def __init__(
        self,
        config: FittedConfig,
        centroids: NDArray[np.float32],
        words: NDArray[np.float32],
        solution: NDArray[np.float32],
    ) -> None:
        self.config = config
        self.centroids = centroids
        self.words = words
        self.solution = solution

    @classmethod
    def fit(cls, config: FittedConfig, sample: WordVectors, queries: WordVectors | None = None) -> FittedEncoding:
        """Fit to a sample of documents; a sample without words gives an encoding of zeros.

        Args:
            config: Sizes and seed.
            sample: Documents.
            queries: Example queries. Their words replace up to half of the documents' words in the sample.
        """
        random = np.random.default_rng((config.seed, 0xF17))
        vectors = _directions(sample.vectors[word_sample(sample, _WORDS_A_PLACE * config.sample_words, config.seed)])
        query_words = np.zeros((0, sample.dim), np.float32)
        if queries is not None:
            most = int(config.sample_words * _QUERY_SHARE)
            query_words = _directions(queries.vectors)
            query_words = query_words[np.sort(random.permutation(len(query_words))[:most])]
        chosen = vectors[np.sort(random.permutation(len(vectors))[: config.sample_words - len(query_words)])]
        chosen = np.concatenate([chosen, query_words])
        n_centroids = min(config.centroids, len(vectors) // _WORDS_A_CENTROID)
        to_cluster = np.sort(random.permutation(len(vectors))[: n_centroids * _WORDS_TO_CLUSTER])
        centroids = _cluster(vectors[to_cluster], n_centroids, config.seed)
        features = _features(chosen, centroids, config.threshold)
        return cls(config, centroids, chosen, _solve(features, config.ridge))

    @property
    def dim(self) -> int:
        """Length of a query's vector, and of a document's unless a matrix was folded in."""
        return int(self.centroids.shape[1] + len(self.centroids) + 1)

    def dims(self, word_dim: int, summary_dim: int) -> tuple[int, int]:
        """Length of a query's vector and of a document's.

        Raises:
            ValueError: Words of other dims.
        """
        self._check(word_dim)
        return self.dim, len(self.solution)

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_documents, len(solution)]`; a document without words is all zeros."""
        self._check(documents.dim)
        if device == "cpu":
            parts = batches(documents, len(documents.vectors), _DOCUMENTS_AT_ONCE)
            encoded = [best_products(part, self.words) @ self.solution.T for part in parts]
        else:
            from .torch_fitted import fitted_documents  # here, because importing torch takes a second

            parts = _batches(documents, len(self.words))
            encoded = list(fitted_documents(self.words, self.solution, parts, device))
        return np.concatenate(encoded) if encoded else np.zeros((0, len(self.solution)), np.float32)

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_queries, dim]`: the sum of the words' features."""
        self._check(queries.dim)
        if device == "cpu" and len(queries.vectors) <= FEW_WORDS:
            return query_features.summed_features(queries, self.centroids, self.config.threshold)
        parts, threshold = _batches(queries, self.dim), self.config.threshold
        if device == "cpu":
            encoded = [query_features.added_features(p, p.vectors @ self.centroids.T, threshold) for p in parts]
        else:
            from .torch_fitted import fitted_queries

            encoded = list(fitted_queries(self.centroids, threshold, parts, device))
        return np.concatenate(encoded) if encoded else np.zeros((0, self.dim), np.float32)

    def scale(self, sample: WordVectors) -> float:
        """1: the inner products were fitted to scores."""
        return 1.0

    def folded(self, matrix: NDArray[np.float32]) -> FittedEncoding:
        """The encoding whose document vectors are this one's times `matrix`, `[dim, n]`: its solution is multiplied."""
        return FittedEncoding(self.config, self.centroids, self.words, np.ascontiguousarray(matrix.T @ self.solution))

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, vectors in float16, as `from_tensors` reads them."""
        vectors = {"centroids": self.centroids.astype(np.float16), "words": self.words.astype(np.float16)}
        return {**vectors, **quantised("solution", self.solution, axis=1)}

    @classmethod
    def from_tensors(cls, config: FittedConfig, tensors: dict[str, NDArray[np.generic]]) -> FittedEncoding:
        """The encoding whose `tensors()` these are.

        Raises:
            ValueError: A tensor that is missing or misshapen.
        """
        centroids = tensor(tensors, "centroids", None, None)
        words = tensor(tensors, "words", None, centroids.shape[1])
        return cls(config, centroids, words, dequantised("solution", tensors, 1, None, len(words)))

    def _check(self, dim: int) -> None:
        if dim != self.centroids.shape[1]:
            raise InputError(f"the words have {dim} dims, the encoding was fitted to {self.centroids.shape[1]}")


def _batches(texts: WordVectors, numbers_a_word: int) -> Iterator[WordVectors]:
    most = _BATCH_NUMBERS // max(1, numbers_a_word)
    return batches(texts, most, most)


def _directions(words: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(words, axis=1, keepdims=True)
    there = lengths[:, 0] > 0
    directions: NDArray[np.float32] = words[there] / lengths[there]
    return directions


def _features(words: NDArray[np.float32], centroids: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    lengths = np.linalg.norm(words, axis=1, keepdims=True)
    near = np.maximum(words @ centroids.T - np.float32(threshold) * lengths, 0)
    return np.hstack([words, near, lengths])


def _cluster(words: NDArray[np.float32], n: int, seed: int) -> NDArray[np.float32]:
    if n == 0:
        return np.zeros((0, words.shape[1]), np.float32)
    limits = {"min_points_per_centroid": 1, "max_points_per_centroid": _WORDS_TO_CLUSTER}
    kmeans = faiss_library.faiss().Kmeans(words.shape[1], n, niter=_ROUNDS, seed=seed, **limits)
    kmeans.train(np.ascontiguousarray(words))
    return np.asarray(kmeans.centroids, np.float32).reshape(n, -1)


def _solve(features: NDArray[np.float32], ridge: float) -> NDArray[np.float32]:
    """(ΨᵀΨ + λ·I)⁻¹·Ψᵀ, λ relative to the mean of ΨᵀΨ's diagonal.

    The inverse is taken in float64, because ΨᵀΨ is all but singular; it has fewer columns than Ψᵀ by far.
    """
    exact = features.astype(np.float64)
    gram = exact.T @ exact
    gram[np.diag_indices(len(gram))] += ridge * max(np.trace(gram) / len(gram), 1e-12)
    inverse = np.linalg.inv(gram).astype(np.float32)
    solution: NDArray[np.float32] = inverse @ features.T
    return solution
