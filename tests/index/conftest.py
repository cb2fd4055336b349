"""What the tests of the index share: random word vectors, and the score by its definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import IndexConfig, MuveraConfig, WordVectors, faiss_library


# FAISS's threads cost seconds on inputs as small as these.
@pytest.fixture(scope="session", autouse=True)
def _one_faiss_thread() -> Iterator[None]:
    library = faiss_library.faiss()
    usual = library.omp_get_max_threads()
    library.omp_set_num_threads(1)
    yield
    library.omp_set_num_threads(usual)


@pytest.fixture(scope="session")
def draw() -> Callable[..., WordVectors]:
    return _draw


@pytest.fixture(scope="session")
def slow_scores() -> Callable[..., NDArray[np.float64]]:
    return _slow_scores


@pytest.fixture(scope="session")
def small_config() -> IndexConfig:
    encoding = MuveraConfig(repetitions=4, bits=2, projection_dim=4)
    return IndexConfig(codec="SQ8", encoding=encoding, candidates="Flat")


def _draw(seed: int, counts: Sequence[int], dim: int = 8, summary_dim: int = 0) -> WordVectors:
    random = np.random.default_rng(seed)
    vectors = _unit(random.standard_normal((sum(counts), dim)))
    word_ids = random.integers(1, 2**32, sum(counts), dtype=np.uint32)
    summary = _unit(random.standard_normal((len(counts), summary_dim))) if summary_dim else None
    return WordVectors(vectors, np.cumsum([0, *counts], dtype=np.int64), word_ids, summary)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _slow_scores(queries: WordVectors, documents: WordVectors, weight: float = 0.0) -> NDArray[np.float64]:
    scores = np.zeros((len(queries), len(documents)))
    for i in range(len(queries)):
        for j in range(len(documents)):
            scores[i, j] = (1 - weight) * _slow_maxsim(_words(queries, i), _words(documents, j))
            if weight and queries.summary is not None and documents.summary is not None:
                scores[i, j] += weight * _dot(queries.summary[i].tolist(), documents.summary[j].tolist())
    return scores


def _slow_maxsim(query: list[list[float]], document: list[list[float]]) -> float:
    if not document:
        return 0.0
    return sum(max(_dot(word, other) for other in document) for word in query)


def _words(texts: WordVectors, text: int) -> list[list[float]]:
    words: list[list[float]] = texts.vectors[texts.offsets[text] : texts.offsets[text + 1]].tolist()
    return words


def _dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))
