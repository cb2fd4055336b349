from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.retrieval.projection import principal_projection


@pytest.fixture
def vectors() -> NDArray[np.float32]:
    random = np.random.default_rng(5)
    scales = np.array([9, 7, 5, 3, 2, 1])
    return (random.normal(size=(200, 6)) * scales + 4).astype(np.float32)


def test_rows_are_the_top_right_singular_vectors_of_the_uncentred_matrix(vectors: NDArray[np.float32]) -> None:
    expected = np.linalg.svd(vectors.astype(np.float64), full_matrices=False)[2][:4]
    rows = principal_projection(vectors, 4)
    signs = np.sign((rows * expected).sum(axis=1))
    np.testing.assert_allclose(rows * signs[:, None], expected, atol=1e-5)


def test_the_mean_direction_is_not_subtracted() -> None:
    random = np.random.default_rng(0)
    vectors = (random.normal(size=(50, 3)) * 0.1 + [0, 10, 0]).astype(np.float32)
    np.testing.assert_allclose(principal_projection(vectors, 1), [[0, 1, 0]], atol=0.01)


def test_rows_are_orthonormal_float32_and_contiguous(vectors: NDArray[np.float32]) -> None:
    rows = principal_projection(vectors, 3)
    assert rows.shape == (3, 6)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-5)


def test_the_largest_coordinate_of_every_row_is_positive(vectors: NDArray[np.float32]) -> None:
    rows = principal_projection(vectors, 6)
    assert (rows[np.arange(6), np.abs(rows).argmax(axis=1)] > 0).all()


def test_negated_and_reordered_vectors_give_the_same_rows(vectors: NDArray[np.float32]) -> None:
    rows = principal_projection(vectors, 4)
    np.testing.assert_allclose(principal_projection(-vectors[::-1], 4), rows, atol=1e-5)


def test_all_dims_keep_all_inner_products(vectors: NDArray[np.float32]) -> None:
    projected = vectors @ principal_projection(vectors, 6).T
    np.testing.assert_allclose(projected @ projected.T, vectors @ vectors.T, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("dim", [0, -1, 7])
def test_dims_that_the_vectors_do_not_have_are_refused(vectors: NDArray[np.float32], dim: int) -> None:
    with pytest.raises(InputError, match=f"cannot project 6 dims to {dim}; choose 1 to 6"):
        principal_projection(vectors, dim)


def test_fewer_vectors_than_dims_are_refused(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="5 word vectors cannot fit a projection of 6 dims; give more text"):
        principal_projection(vectors[:5], 2)


def test_as_many_vectors_as_dims_are_enough(vectors: NDArray[np.float32]) -> None:
    assert principal_projection(vectors[:6], 2).shape == (2, 6)
