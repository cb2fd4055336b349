"""The fitted encoding against its definition, written with loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.config import FittedConfig
from wordhive.index.encodings import FittedEncoding

Draw = Callable[..., WordVectors]
pytestmark = pytest.mark.usefixtures("in_float32")
CONFIG = FittedConfig(centroids=12, threshold=0.1, sample_words=40, ridge=1e-3)
quick = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def sample(draw: Draw) -> WordVectors:
    return draw(7, [5, 9, 0, 14, 8, 20, 3])


@pytest.fixture(scope="module")
def encoding(sample: WordVectors) -> FittedEncoding:
    return FittedEncoding.fit(CONFIG, sample)


def slow_features(encoding: FittedEncoding, word: NDArray[np.float32]) -> list[float]:
    length = float(np.linalg.norm(word))
    unit = word / length if length else word
    near = [max(0.0, float(np.dot(unit, centroid)) - encoding.config.threshold) for centroid in encoding.centroids]
    return [length * feature for feature in [*unit.tolist(), *near, 1.0]]


def slow_document(encoding: FittedEncoding, words: NDArray[np.float32]) -> NDArray[np.float64]:
    features = np.array([slow_features(encoding, word) for word in encoding.words])
    best = np.array([max(float(np.dot(word, other)) for other in words) for word in encoding.words])
    gram = features.T @ features
    gram += np.eye(len(gram)) * encoding.config.ridge * np.trace(gram) / len(gram)
    solved: NDArray[np.float64] = np.linalg.solve(gram, features.T @ best)
    return solved


def words_of(texts: WordVectors, text: int) -> NDArray[np.float32]:
    return texts.vectors[texts.offsets[text] : texts.offsets[text + 1]]


@pytest.mark.parametrize("text", [0, 1, 3, 6])
def test_documents_are_encoded_by_the_definition(encoding: FittedEncoding, sample: WordVectors, text: int) -> None:
    encoded = encoding.encode_documents(sample)[text]
    np.testing.assert_allclose(encoded, slow_document(encoding, words_of(sample, text)), atol=2e-4)


@quick
@given(seed=seeds, n_words=st.integers(1, 7))
def test_queries_are_encoded_by_the_definition(encoding: FittedEncoding, draw: Draw, seed: int, n_words: int) -> None:
    query = draw(seed, [n_words])
    expected = np.sum([slow_features(encoding, word) for word in query.vectors], axis=0)
    np.testing.assert_allclose(encoding.encode_queries(query)[0], expected, atol=1e-5)


@quick
@given(seed=seeds, factor=st.floats(0, 8, width=32))
def test_a_longer_word_counts_for_more(encoding: FittedEncoding, draw: Draw, seed: int, factor: float) -> None:
    words = draw(seed, [1])
    longer = WordVectors(words.vectors * np.float32(factor), words.offsets, words.word_ids)
    expected = encoding.encode_queries(words) * factor
    np.testing.assert_allclose(encoding.encode_queries(longer), expected, rtol=1e-4, atol=1e-5)


def test_the_sample_is_of_directions(draw: Draw) -> None:
    documents = draw(1, [30, 40])
    scales = np.random.default_rng(2).uniform(0.1, 3, (70, 1)).astype(np.float32)
    scales[5] = 0
    scaled = WordVectors(documents.vectors * scales, documents.offsets, documents.word_ids)
    for fitted in (FittedEncoding.fit(CONFIG, scaled), FittedEncoding.fit(CONFIG, draw(3, [60]), queries=scaled)):
        np.testing.assert_allclose(np.linalg.norm(fitted.words, axis=1), 1, atol=1e-5)
        assert np.isfinite(fitted.encode_documents(scaled)).all()


def test_a_query_is_the_sum_of_its_parts(encoding: FittedEncoding, draw: Draw) -> None:
    words = draw(1, [6]).vectors
    whole, left, right = encoding.encode_queries(WordVectors.from_list([words, words[:2], words[2:]]))
    np.testing.assert_allclose(whole, left + right, atol=1e-5)


@quick
@given(seed=seeds, batch=st.integers(1, 60))
def test_documents_are_encoded_alike_in_any_batch(encoding: FittedEncoding, draw: Draw, seed: int, batch: int) -> None:
    documents = draw(seed, [3, 0, 7, 1, 12])
    whole = encoding.encode_documents(documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordhive.index.encodings.fitted._BATCH_NUMBERS", batch * 40)
        np.testing.assert_allclose(encoding.encode_documents(documents), whole, atol=1e-5)


def test_the_order_of_words_and_repeated_words_change_nothing(encoding: FittedEncoding, draw: Draw) -> None:
    words = draw(1, [6]).vectors
    texts = WordVectors.from_list([words, words[::-1], np.repeat(words, 3, axis=0)])
    whole, turned, repeated = encoding.encode_documents(texts)
    np.testing.assert_allclose(turned, whole, atol=1e-5)
    np.testing.assert_allclose(repeated, whole, atol=1e-5)


def test_texts_without_words_are_zeros(encoding: FittedEncoding, draw: Draw) -> None:
    nothing = draw(1, [0, 0])
    assert not encoding.encode_documents(nothing).any()
    assert not encoding.encode_queries(nothing).any()
    assert encoding.encode_documents(draw(1, [])).shape == (0, encoding.dim)
    assert encoding.encode_queries(draw(1, [])).shape == (0, encoding.dim)


def test_folding_is_multiplying(encoding: FittedEncoding, sample: WordVectors) -> None:
    matrix = np.random.default_rng(3).standard_normal((encoding.dim, 5)).astype(np.float32)
    np.testing.assert_allclose(
        encoding.folded(matrix).encode_documents(sample), encoding.encode_documents(sample) @ matrix, atol=1e-3
    )


def test_parameters_read_back_encode_the_same(encoding: FittedEncoding, sample: WordVectors) -> None:
    again = FittedEncoding.from_tensors(CONFIG, encoding.tensors())
    documents = encoding.encode_documents(sample)
    error = np.square(again.encode_documents(sample) - documents).sum() / np.square(documents).sum()
    assert error < 1e-3  # a byte a number, in rows of different lengths
    np.testing.assert_allclose(again.encode_queries(sample), encoding.encode_queries(sample), atol=5e-3)
    for name, tensor in again.tensors().items():
        np.testing.assert_array_equal(tensor, encoding.tensors()[name])


def test_the_same_seed_fits_the_same(sample: WordVectors, encoding: FittedEncoding) -> None:
    again = FittedEncoding.fit(CONFIG, sample)
    for name, tensor in encoding.tensors().items():
        np.testing.assert_array_equal(again.tensors()[name], tensor)


def test_products_predict_best_inner_products(draw: Draw) -> None:
    documents, words = draw(1, [4] * 60), draw(2, [1] * 200)
    encoding = FittedEncoding.fit(FittedConfig(centroids=60, threshold=0.2, sample_words=2000, ridge=1e-4), documents)
    products = encoding.encode_queries(words) @ encoding.encode_documents(documents).T
    best = np.maximum.reduceat(words.vectors @ documents.vectors.T, documents.offsets[:-1], axis=1)
    assert np.corrcoef(products.ravel(), best.ravel())[0, 1] > 0.85


def test_centroids_are_fewer_where_words_are(draw: Draw) -> None:
    assert len(FittedEncoding.fit(CONFIG, draw(1, [9])).centroids) == 2
    assert FittedEncoding.fit(CONFIG, draw(1, [0])).encode_documents(draw(2, [3])).tolist() == [[0.0] * 9]


def test_words_of_other_dims_are_refused(encoding: FittedEncoding, draw: Draw) -> None:
    for encode in (encoding.encode_documents, encoding.encode_queries):
        with pytest.raises(InputError, match="the words have 5 dims, the encoding was fitted to 8"):
            encode(draw(1, [2], dim=5))
