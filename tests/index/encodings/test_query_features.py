from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from wordhive.index import WordVectors
from wordhive.index.encodings import fitted
from wordhive.index.encodings.query_features import added_features, summed_features
from wordhive.index.small_products import FEW_WORDS

Draw = Callable[..., WordVectors]


@pytest.mark.parametrize("counts", [[5], [0], [1, 0, 9], [30, 34], [0, 700, 1, 0, 900, 3], []])
@pytest.mark.parametrize("dim", [1, 8, 33])
def test_features_are_added_up(draw: Draw, counts: list[int], dim: int) -> None:
    queries, centroids = draw(1, counts, dim), draw(2, [50], dim).vectors * np.float32(0.7)
    features = fitted._features(queries.vectors, centroids, 0.3)
    expected = [features[first:last].sum(axis=0) for first, last in itertools.pairwise(queries.offsets)]
    one_by_one = summed_features(queries, centroids, 0.3)
    at_once = added_features(queries, queries.vectors @ centroids.T, 0.3)
    for found in (one_by_one, at_once):
        assert found.dtype == np.float32
        assert found.shape == (len(counts), features.shape[1])
        np.testing.assert_allclose(found, np.reshape(expected, found.shape), rtol=1e-4, atol=1e-4)


def test_a_query_is_encoded_as_it_is_among_many(draw: Draw) -> None:
    config = fitted.FittedConfig(centroids=16, sample_words=64)
    encoding = fitted.FittedEncoding.fit(config, draw(3, [20] * 30, 8))
    queries = draw(4, [3, 0, 12, 1] * 10, 8)
    assert len(queries.vectors) > FEW_WORDS
    alone = [encoding.encode_queries(queries[i : i + 1]) for i in range(len(queries))]
    np.testing.assert_allclose(np.concatenate(alone), encoding.encode_queries(queries), rtol=1e-5, atol=1e-5)
