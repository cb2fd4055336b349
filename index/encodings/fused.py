"""An encoding of the whole score: the words' encoding and the summary side by side.

    score ≈ w · ⟨summaries⟩ + (1 − w) · scale · ⟨encodings⟩

A MUVERA inner product is not calibrated (it grows with the repetitions and shrinks with the bits), so `scale` is
fitted: the least-squares slope of the exact words' score on it, within each of a sample of pseudo-queries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..config import EncodingConfig, FittedConfig, MuveraConfig, ReductionConfig, SummaryConfig
from ..faiss import faiss_library
from ..scoring.maxsim import maxsim
from ..small_products import row_products
from ..tensors import tensor
from ..word_vectors import WordVectors
from .fitted import FittedEncoding
from .muvera import MuveraEncoding
from .reduction import Reduction
from .summary import SummaryEncoding

_REDUCTION = "reduction."
_PSEUDO_QUERIES = 64
_QUERY_WORDS = 12
_DOCUMENTS = 1000
# Documents of the sample that a reduction is fitted to, and documents that any fit wants.
_ENCODED_DOCUMENTS = 8192
_LEAST_DOCUMENTS = 1024
# More are worth the matrix library's threads.
_FEW_QUERIES = 4


def least_documents(config: EncodingConfig, reduction: ReductionConfig | None) -> int:
    """How many documents an encoding must be fitted to, to be worth something; 1 where nothing is fitted."""
    if not isinstance(config, FittedConfig) and reduction is None:
        return 1
    return max(_LEAST_DOCUMENTS, reduction.dims if reduction else 0)


class FusedEncoding:
    """What the first stage stores of a document: one vector whose inner product with a query's approximates the score.

    words: the encoding of the word vectors; or the summary by itself, which then has no second place beside it.
    scale: what one unit of its inner product is worth in words' score.
    summary_weight: w, the summary's share of the score; 0 where texts have no summary.
    reduction: to fewer dims, or None. Its document matrix is for the summary alone where `words` is a fitted encoding,
    whose own part is folded into its solution.
    """

    def __init__(
        self,
        words: MuveraEncoding | FittedEncoding | SummaryEncoding,
        scale: float,
        summary_weight: float,
        reduction: Reduction | None = None,
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
        """Draw, fit and calibrate the parameters on a sample of documents, `least_documents` of them or more.

        queries: such as will be asked, where there are some. query_length: what the lengths of a query's words add up
        to, where the model gives all queries the same. candidates: the FAISS string by which the vectors are coded.
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
        """What `fit` gives, and the encodings of the first documents of the sample, which it needs anyway."""
        words: MuveraEncoding | FittedEncoding | SummaryEncoding
        scale = 1.0
        if isinstance(config, MuveraConfig):
            words = MuveraEncoding.fit(config, sample)
            if summary_weight > 0:
                scale = _fit_scale(words, sample, config.seed)
        elif isinstance(config, FittedConfig):
            words = FittedEncoding.fit(config, sample, queries)
        else:
            words, summary_weight = SummaryEncoding.fit(config, sample), 0.0
        full = cls(words, scale, summary_weight)
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
        asked = self.encode_queries(pseudo)
        if queries is not None and len(queries):
            real = self.encode_queries(queries)
            # As much weight as all pseudo-queries have, however few they are.
            asked = np.concatenate([asked, real * np.float32(np.sqrt(len(asked) / len(real)))])
        reduction = Reduction.fit(config, asked, encoded)
        if candidates:
            reduction = reduction.balanced_for_pq(faiss_library.sub_quantisers(reduction.dim, candidates))
        reduced = encoded @ reduction.documents - reduction.shift
        if not isinstance(self.words, FittedEncoding):
            return FusedEncoding(self.words, self.scale, self.summary_weight, reduction), reduced
        own, summary = np.split(reduction.documents, [self.words.dim])
        folded = self.words.folded(own * np.float32(self._share))
        reduction = Reduction(reduction.queries, summary, reduction.shift)
        return FusedEncoding(folded, self.scale, self.summary_weight, reduction), reduced

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_documents, words.dim + summary_dim]`, or `[n_documents, reduction.dim]`."""
        words = self.words.encode_documents(documents, device)
        if self.reduction is None:
            return self._joined(words, documents)
        if not isinstance(self.words, FittedEncoding):
            return self._joined(words, documents) @ self.reduction.documents - self.reduction.shift
        if documents.summary is not None and self.summary_weight:
            words += documents.summary @ (self.reduction.documents * np.float32(np.sqrt(self.summary_weight)))
        return words - self.reduction.shift

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32, of the same dims as documents."""
        joined = self._joined(self.words.encode_queries(queries, device), queries)
        if self.reduction is None:
            return joined
        if len(joined) <= _FEW_QUERIES and device == "cpu":
            return row_products(joined, self.reduction.queries)
        return joined @ self.reduction.queries

    def document_dim(self, dim: int, summary_dim: int) -> int:
        """Dims of what it makes of documents with words and summaries of so many dims.

        Raises ValueError where it was fitted to others, or its parts do not fit each other.
        """
        words, reduction = self.words, self.reduction
        summary = summary_dim if self.summary_weight else 0
        own, encoded = (dim, summary_dim) if isinstance(words, SummaryEncoding) else (words.word_dim, words.dim)
        n = encoded + summary
        made = n if reduction is None else reduction.dim
        fits = [(own, dim)]
        if isinstance(words, FittedEncoding):
            fits.append((len(words.solution), encoded if reduction is None else made))
        if reduction is not None:
            folded = isinstance(words, FittedEncoding)
            fits += [(len(reduction.queries), n), (len(reduction.documents), summary if folded else n)]
        if not made or any(given != expected for given, expected in fits):
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
        """All parameters by name, as `from_tensors` takes them back."""
        tensors = {**self.words.tensors(), "mix": np.array([self.scale, self.summary_weight])}
        if self.reduction is not None:
            tensors.update({f"{_REDUCTION}{name}": part for name, part in self.reduction.tensors().items()})
        return tensors

    @classmethod
    def from_tensors(cls, config: EncodingConfig, tensors: dict[str, NDArray[np.generic]]) -> FusedEncoding:
        """The encoding whose `tensors()` these are. Raises ValueError where one is missing, or of another shape."""
        tensor(tensors, "mix", 2)
        scale, summary_weight = tensors["mix"].astype(np.float64).tolist()
        if not (scale > 0 and 0 <= summary_weight <= 1):
            raise ValueError(f"tensor 'mix' holds {scale} and {summary_weight}; expected a scale and a share")
        kinds = {MuveraConfig: MuveraEncoding, FittedConfig: FittedEncoding, SummaryConfig: SummaryEncoding}
        words = kinds[type(config)].from_tensors(config, tensors)  # type: ignore[attr-defined]
        reduction = None
        parts = {name.removeprefix(_REDUCTION): it for name, it in tensors.items() if name.startswith(_REDUCTION)}
        if parts:
            reduction = Reduction.from_tensors(parts)
        return cls(words, scale, summary_weight, reduction)


def pseudo_queries(sample: WordVectors, n: int, words: int, seed: int, length: float | None = None) -> WordVectors:
    """Queries to come, as far as documents tell: some words of a document, with that document's summary.

    length: what the lengths of their words add up to; None: as long as the document's are.
    """
    random = np.random.default_rng((seed, 0x9E5))
    with_words = np.flatnonzero(sample.counts)
    sources = random.choice(with_words if len(with_words) else len(sample), n)
    rows = [sample.offsets[text] + random.permutation(sample.counts[text])[:words] for text in sources]
    drawn = WordVectors.from_list([sample.vectors[chosen] for chosen in rows])
    summary = None if sample.summary is None else sample.summary[sources]
    vectors = drawn.vectors
    if length is not None:
        # Beside a summary of length 1 it matters how long the words are.
        long = np.repeat(np.add.reduceat(np.linalg.norm(vectors, axis=1), drawn.offsets[:-1]), drawn.counts)
        vectors = vectors * np.where(long > 0, length / np.maximum(long, 1e-12), 0).astype(np.float32)[:, None]
    return WordVectors(vectors, drawn.offsets, drawn.word_ids, summary)


def _fit_scale(words: MuveraEncoding, sample: WordVectors, seed: int) -> float:
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
