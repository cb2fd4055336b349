from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import MuveraConfig, WordVectors
from wordhive.index.encodings import FusedEncoding

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
