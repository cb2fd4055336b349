from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import MuveraConfig, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import FusedEncoding, fused

Draw = Callable[..., WordVectors]

CONFIG = MuveraConfig(repetitions=4, bits=2, projection_dim=4)


def products(encoding: FusedEncoding, queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    return encoding.encode_queries(queries) @ encoding.encode_documents(documents).T


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9, 1.0])
def test_products_are_the_weighted_sum_of_both_parts(draw: Draw, weight: float) -> None:
    queries, documents = draw(1, [3, 2], summary_dim=5), draw(2, [4, 0, 6], summary_dim=5)
    encoding = FusedEncoding.fit(CONFIG, documents, weight)
    assert queries.summary is not None
    assert documents.summary is not None
    words = encoding.words.encode_queries(queries) @ encoding.words.encode_documents(documents).T
    expected = weight * queries.summary @ documents.summary.T + (1 - weight) * encoding.scale * words
    np.testing.assert_allclose(products(encoding, queries, documents), expected, atol=1e-4)


@pytest.mark.parametrize("summary_dim", [0, 5])
def test_without_weight_the_encoding_is_that_of_the_words(draw: Draw, summary_dim: int) -> None:
    documents = draw(2, [4, 0, 6], summary_dim=summary_dim)
    encoding = FusedEncoding.fit(CONFIG, documents, 0.0)
    expected = encoding.words.encode_documents(documents)
    np.testing.assert_array_equal(encoding.encode_documents(documents), expected)


def test_the_length_is_that_of_the_words_and_the_summary(draw: Draw) -> None:
    documents = draw(2, [4, 1], summary_dim=5)
    encoding = FusedEncoding.fit(CONFIG, documents, 0.5)
    assert encoding.encode_documents(documents).shape == (2, encoding.words.dim + 5)


def test_the_scale_undoes_the_repetitions_where_the_encoding_is_exact(draw: Draw) -> None:
    config = MuveraConfig(repetitions=5, bits=2, projection_dim=None, fill=True)
    encoding = FusedEncoding.fit(config, draw(2, [1] * 40, summary_dim=5), 0.5)
    assert encoding.scale == pytest.approx(1 / 5, rel=1e-4)


def test_the_scale_is_positive(draw: Draw) -> None:
    scales = [FusedEncoding.fit(CONFIG, draw(seed, [2, 3], summary_dim=5), 0.5).scale for seed in range(10)]
    assert min(scales) > 0


@pytest.mark.parametrize("counts", [[3], [0, 3], [0, 0]])
def test_a_sample_too_small_to_calibrate_keeps_the_scale(draw: Draw, counts: list[int]) -> None:
    assert FusedEncoding.fit(CONFIG, draw(1, counts, summary_dim=5), 0.5).scale == 1.0


def test_the_same_sample_gives_the_same_scale(draw: Draw) -> None:
    sample = draw(1, [3, 2, 4, 5], summary_dim=5)
    assert FusedEncoding.fit(CONFIG, sample, 0.5).scale == FusedEncoding.fit(CONFIG, sample, 0.5).scale


def test_encoding_leaves_what_it_was_given_alone(draw: Draw) -> None:
    documents = draw(2, [4, 1], summary_dim=5)
    assert documents.summary is not None
    vectors, summary = documents.vectors.copy(), documents.summary.copy()
    FusedEncoding.fit(CONFIG, documents, 0.5).encode_documents(documents)
    np.testing.assert_array_equal(documents.vectors, vectors)
    np.testing.assert_array_equal(documents.summary, summary)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_tensors_hold_everything(draw: Draw, weight: float) -> None:
    documents = draw(2, [4, 1, 3], summary_dim=5)
    encoding = FusedEncoding.fit(CONFIG, documents, weight)
    again = FusedEncoding.from_tensors(CONFIG, encoding.tensors())
    np.testing.assert_array_equal(again.encode_documents(documents), encoding.encode_documents(documents))


REDUCED = [
    (FittedConfig(centroids=8, sample_words=64), 0.0, 0),
    (FittedConfig(centroids=8, sample_words=64), 0.7, 4),
    (MuveraConfig(repetitions=3, bits=2, projection_dim=None), 0.0, 0),
    (MuveraConfig(repetitions=3, bits=2, projection_dim=None), 0.7, 4),
]


@pytest.mark.parametrize(("config", "weight", "summary_dim"), REDUCED)
def test_a_reduction_to_all_dims_keeps_the_ranking(
    draw: Draw, config: MuveraConfig | FittedConfig, weight: float, summary_dim: int
) -> None:
    sample, queries = draw(1, [5] * 40, summary_dim=summary_dim), draw(2, [3, 1], summary_dim=summary_dim)
    # Pseudo-queries of one word leave no direction of a query out.
    reduction = ReductionConfig(dims=500, queries=4000, query_words=1)
    full, reduced = (FusedEncoding.fit(config, sample, weight, r) for r in (None, reduction))
    exact = full.encode_queries(queries) @ full.encode_documents(sample).T
    products = reduced.encode_queries(queries) @ reduced.encode_documents(sample).T
    exact -= exact.mean(axis=1, keepdims=True)
    products -= products.mean(axis=1, keepdims=True)
    assert np.corrcoef(products.ravel(), exact.ravel())[0, 1] > 0.99


@pytest.mark.parametrize(("config", "weight", "summary_dim"), REDUCED)
def test_a_reduced_encoding_read_back_is_the_same(
    draw: Draw, config: MuveraConfig | FittedConfig, weight: float, summary_dim: int
) -> None:
    sample = draw(1, [5, 0, 3] * 10, summary_dim=summary_dim)
    encoding = FusedEncoding.fit(config, sample, weight, ReductionConfig(dims=7, queries=50))
    again = FusedEncoding.from_tensors(config, encoding.tensors())
    assert encoding.encode_documents(sample).shape == (30, 7)
    for side in ("encode_documents", "encode_queries"):
        before, after = (getattr(one, side)(sample) for one in (encoding, again))
        assert np.square(after - before).sum() < 2e-3 * np.square(before).sum()  # a byte a number


def test_a_fitted_encoding_needs_no_scale(draw: Draw, slow_scores: Callable[..., NDArray[np.float64]]) -> None:
    documents, queries = draw(1, [4] * 200, summary_dim=4), draw(2, [3] * 20, summary_dim=4)
    encoding = FusedEncoding.fit(FittedConfig(centroids=100, threshold=0.2, ridge=1e-4), documents, 0.3)
    products = encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
    exact = slow_scores(queries, documents, 0.3)
    assert encoding.scale == 1.0
    slope = np.polyfit(products.ravel(), exact.ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.1)


def test_pseudo_queries_are_as_long_as_real_ones(draw: Draw) -> None:
    documents = draw(1, [5, 9, 3, 12] * 10)
    plain, scaled = (fused.pseudo_queries(documents, 30, 4, 7, length) for length in (None, 1.0))
    assert plain.offsets.tolist() == scaled.offsets.tolist()
    for first, last in zip(plain.offsets[:-1], plain.offsets[1:], strict=True):
        words, own = plain.vectors[first:last], scaled.vectors[first:last]
        assert np.linalg.norm(own, axis=1).sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(own * np.linalg.norm(words, axis=1).sum(), words, atol=1e-4)
