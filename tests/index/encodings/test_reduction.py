"""Reductions against the best that any pair of matrices can do."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index.config import ReductionConfig
from wordhive.index.encodings import Reduction
from wordhive.index.faiss import faiss_factory


def rows(seed: int, n: int, dim: int = 20) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    stretch = random.uniform(0.05, 2, dim)
    turned = np.linalg.qr(random.standard_normal((dim, dim)))[0]
    return (random.standard_normal((n, dim)) * stretch @ turned + 1).astype(np.float32)


def error(reduction: Reduction, queries: NDArray[np.float32], documents: NDArray[np.float32]) -> float:
    """The squared error of all products, but for each query's constant."""
    exact = queries.astype(np.float64) @ (documents - documents.mean(axis=0, dtype=np.float64)).T
    return float(
        ((exact - (queries @ reduction.queries) @ (documents @ reduction.documents - reduction.shift).T) ** 2).sum()
    )


@pytest.mark.parametrize("n_queries", [12, 200])
@pytest.mark.parametrize("n_documents", [14, 90])
@pytest.mark.parametrize("dims", [1, 4, 9])
def test_query_aware_is_the_best_there_is(n_queries: int, n_documents: int, dims: int) -> None:
    queries, documents = rows(1, n_queries), rows(2, n_documents)
    reduction = Reduction.fit(ReductionConfig(dims=dims), queries, documents)
    exact = queries.astype(np.float64) @ (documents - documents.mean(axis=0, dtype=np.float64)).T
    least = float((np.linalg.svd(exact, compute_uv=False)[dims:] ** 2).sum())  # Eckart and Young
    assert error(reduction, queries, documents) == pytest.approx(least, rel=1e-3)
    for method in ("pca", "count-sketch"):
        other = Reduction.fit(ReductionConfig(dims=dims, method=method), queries, documents)  # type: ignore[arg-type]
        assert error(other, queries, documents) > least


@pytest.mark.parametrize("method", ["query-aware", "pca"])
def test_all_dims_lose_nothing(method: str) -> None:
    queries, documents = rows(1, 40), rows(2, 90)
    reduction = Reduction.fit(ReductionConfig(dims=20, method=method), queries, documents)  # type: ignore[arg-type]
    size = float(((queries @ documents.T) ** 2).sum())
    assert error(reduction, queries, documents) < 1e-8 * size


@pytest.mark.parametrize("n_documents", [14, 90])
def test_dims_that_nobody_has_are_left_out(n_documents: int) -> None:
    queries, documents = rows(1, 40), rows(2, n_documents)
    documents[:, 5:] = 0
    reduction = Reduction.fit(ReductionConfig(dims=20), queries, documents)
    assert reduction.dim == 5
    assert error(reduction, queries, documents) < 1e-8 * float(((queries @ documents.T) ** 2).sum())


@pytest.fixture(scope="module")
def two_many_times() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Queries, and two documents many times."""
    return rows(1, 40, 1500), np.tile(rows(2, 2, 1500), (800, 1))


@pytest.mark.parametrize("method", ["query-aware", "pca"])
def test_two_documents_many_times_are_told_apart(
    method: str, two_many_times: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> None:
    queries, documents = two_many_times
    reduction = Reduction.fit(ReductionConfig(dims=64, method=method), queries, documents)  # type: ignore[arg-type]
    assert error(reduction, queries, documents) < 1e-6 * float(((queries @ documents.T) ** 2).sum())


def test_pca_keeps_what_documents_vary_in() -> None:
    documents = rows(2, 90)
    reduction = Reduction.fit(ReductionConfig(dims=3, method="pca"), rows(1, 10), documents)
    _, _, axes = np.linalg.svd(documents - documents.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(axes[:3] @ reduction.documents), np.eye(3), atol=1e-3)


def test_count_sketches_are_right_on_average() -> None:
    query, document = rows(1, 1), rows(2, 60)
    centred = document - document.mean(axis=0)
    products = []
    for seed in range(400):
        reduction = Reduction.fit(ReductionConfig(dims=8, method="count-sketch", seed=seed), query, document)
        products.append((query @ reduction.queries) @ (document @ reduction.documents - reduction.shift)[:5].T)
    means, spread = np.mean(products, axis=0), np.std(products, axis=0) / np.sqrt(len(products))
    assert (np.abs(means - query @ centred[:5].T) < 4.5 * spread).all()


def test_reduced_documents_have_no_mean() -> None:
    documents = rows(2, 90)
    for method in ("query-aware", "pca", "count-sketch"):
        reduction = Reduction.fit(ReductionConfig(dims=5, method=method), rows(1, 30), documents)  # type: ignore[arg-type]
        np.testing.assert_allclose((documents @ reduction.documents - reduction.shift).mean(axis=0), 0, atol=1e-2)


def test_documents_that_do_not_vary_leave_no_dims_but_one() -> None:
    alike = np.ones((5, 20), np.float32)
    assert Reduction.fit(ReductionConfig(dims=4), rows(1, 30), alike).dim >= 1


def test_dealt_dims_are_the_same_in_an_order_to_and_fro() -> None:
    queries, documents = rows(1, 40), rows(2, 90)
    reduction = Reduction.fit(ReductionConfig(dims=12, method="pca"), queries, documents)
    balanced_for_pq = reduction.balanced_for_pq(4)
    order = [0, 7, 8, 1, 6, 9, 2, 5, 10, 3, 4, 11]
    for part in ("queries", "documents", "shift"):
        np.testing.assert_array_equal(getattr(balanced_for_pq, part), getattr(reduction, part)[..., order])
    assert error(balanced_for_pq, queries, documents) == pytest.approx(error(reduction, queries, documents))
    for n in (0, 5, 12):  # none, not even, one dim each
        np.testing.assert_array_equal(reduction.balanced_for_pq(n).documents, reduction.documents)


def test_dealt_dims_are_coded_better() -> None:
    documents = rows(2, 2000)
    documents *= 0.7 ** np.arange(20, dtype=np.float32)
    reduction = Reduction.fit(ReductionConfig(dims=20, method="pca"), rows(1, 40), documents)
    errors = []
    for coded in (reduction, reduction.balanced_for_pq(10)):
        vectors = documents @ coded.documents - coded.shift
        codec = faiss_factory.from_factory(20, "PQ10x4", vectors, "candidates", 0).index
        errors.append(float(np.square(codec.sa_decode(codec.sa_encode(vectors)) - vectors).sum()))
    assert errors[1] < 0.6 * errors[0]
