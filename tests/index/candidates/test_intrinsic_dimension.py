"""Local intrinsic dimension, on points whose dimension is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index.candidates import intrinsic_dimension
from wordhive.index.candidates.intrinsic_dimension import estimate, local_intrinsic_dimension


def gaussian(dim: int, n: int, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((n, dim))


def ball(dim: int, n: int, seed: int = 1) -> NDArray[np.float64]:
    points = gaussian(dim, n, seed)
    radii = np.random.default_rng(seed + 1).random((n, 1)) ** (1 / dim)
    return points / np.linalg.norm(points, axis=1, keepdims=True) * radii


def embedded(points: NDArray[np.float64], dim: int = 64) -> NDArray[np.float32]:
    """The same points, at the same distances, in more dims."""
    axes = np.linalg.qr(np.random.default_rng(9).standard_normal((dim, points.shape[1])))[0]
    return np.asarray(points @ axes.T, np.float32)


def slow(vectors: NDArray[np.float32], k: int) -> list[float]:
    exact, found = vectors.astype(np.float64), []
    for point in exact:
        distances = sorted(float(np.linalg.norm(point - other)) for other in exact)[1 : k + 1]
        found.append(-1 / float(np.mean([np.log(distance / distances[-1]) for distance in distances[:-1]])))
    return found


# The more dims, the more of the points lie at the edge, where the estimate is too low: of 4000 in 10 dims, nearly all.
@pytest.mark.parametrize("draw_points", [gaussian, ball])
@pytest.mark.parametrize(("dim", "tolerance"), [(2, 0.06), (5, 0.1), (10, 0.16)])
def test_the_dimension_of_a_flat_set_is_found(
    draw_points: Callable[[int, int], NDArray[np.float64]], dim: int, tolerance: float
) -> None:
    found = local_intrinsic_dimension(embedded(draw_points(dim, 4000)))
    assert np.median(found) == pytest.approx(dim, rel=tolerance)


@pytest.mark.parametrize("k", [4, 20, 59])
def test_estimates_are_those_of_the_definition(k: int) -> None:
    vectors = embedded(gaussian(5, 60))
    np.testing.assert_allclose(local_intrinsic_dimension(vectors, k), slow(vectors, k), rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-3, 7, 1e3])
def test_scale_changes_nothing(scale: float) -> None:
    vectors = embedded(gaussian(5, 300))
    expected = local_intrinsic_dimension(vectors)
    np.testing.assert_allclose(local_intrinsic_dimension(vectors * np.float32(scale)), expected, rtol=1e-4)


def test_rotation_changes_nothing() -> None:
    vectors = embedded(gaussian(5, 300))
    turned = vectors @ np.linalg.qr(gaussian(64, 64, seed=3))[0].astype(np.float32)
    np.testing.assert_allclose(local_intrinsic_dimension(turned), local_intrinsic_dimension(vectors), rtol=1e-3)


def test_a_set_of_two_dimensions_shows_both() -> None:
    line, cloud = embedded(gaussian(1, 500)), embedded(gaussian(8, 500)) + np.float32(100)
    found = local_intrinsic_dimension(np.concatenate([line, cloud]))
    assert np.median(found[:500]) < 1.3
    assert np.median(found[500:]) > 5


@pytest.mark.parametrize("times", [2, 5])
def test_duplicates_are_no_neighbours(times: int) -> None:
    vectors = embedded(gaussian(5, 100)) + np.float32(3)
    found = local_intrinsic_dimension(np.repeat(vectors, times, axis=0), k=40)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, np.repeat(found[::times], times))


def test_a_vector_given_again_changes_no_other_estimate() -> None:
    vectors = embedded(gaussian(3, 50))
    twice = np.concatenate([vectors, vectors[:1]])
    k = 49  # all others
    assert local_intrinsic_dimension(twice, k + 1)[0] == pytest.approx(local_intrinsic_dimension(vectors, k)[0])


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_points_have_none(n: int) -> None:
    found = local_intrinsic_dimension(embedded(gaussian(2, n)))
    assert (found.shape, found.dtype) == ((n,), np.float64)
    assert np.isnan(found).all()


def test_three_neighbours_are_enough() -> None:
    assert np.isfinite(local_intrinsic_dimension(embedded(gaussian(2, 4)))).all()


@pytest.mark.parametrize("vectors", [np.ones((30, 8)), np.zeros((30, 8)), np.eye(30)])
def test_points_all_alike_or_equally_far_have_none(vectors: NDArray[np.float64]) -> None:
    assert np.isnan(local_intrinsic_dimension(vectors.astype(np.float32))).all()


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = embedded(gaussian(5, 200))
    expected = local_intrinsic_dimension(vectors)
    monkeypatch.setattr(intrinsic_dimension, "_BATCH_NUMBERS", 64 * 21 * 30)
    np.testing.assert_allclose(local_intrinsic_dimension(vectors), expected, rtol=1e-5)


def test_the_estimate_is_the_median_of_a_sample() -> None:
    vectors = embedded(gaussian(5, 2000))
    whole = float(np.median(local_intrinsic_dimension(vectors)))
    assert estimate(vectors, sample=2000) == pytest.approx(whole)
    assert estimate(vectors) == pytest.approx(whole, rel=0.05)


def test_a_sample_is_drawn_by_its_seed() -> None:
    vectors = embedded(gaussian(5, 1000))
    assert estimate(vectors, sample=50) == estimate(vectors, sample=50)
    assert estimate(vectors, sample=50) != estimate(vectors, sample=50, seed=1)


@pytest.mark.parametrize("n", [0, 1, 499])
def test_of_few_documents_there_is_no_estimate(n: int) -> None:
    assert estimate(embedded(gaussian(2, n))) is None


def test_of_documents_all_alike_there_is_no_estimate() -> None:
    assert estimate(np.ones((600, 8), np.float32)) is None


def test_what_was_given_is_left_alone() -> None:
    vectors = embedded(gaussian(2, 600))
    before = vectors.copy()
    estimate(vectors)
    np.testing.assert_array_equal(vectors, before)
