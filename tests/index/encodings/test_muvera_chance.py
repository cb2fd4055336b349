"""What MUVERA's encodings do on average, with product quantisation too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import IndexConfig, WordVectors
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.faiss import faiss_library

from .muvera_kinds import GOOGLE, PLAIN, SKETCHED, Draw, blocks, both_layouts, chamfer, encode, estimates, fit


@pytest.mark.parametrize(
    "kind",
    [
        {"projection_dim": 4},
        {"projection_dim": 4, "projection": "count-sketch"},
        SKETCHED,
        {**PLAIN, "final_dim": 6},
        {**PLAIN, "final_dim": 6, "final_projection": "dense"},
        {**GOOGLE, "final_dim": 6},
        {"projection_dim": 8, "final_dim": 6, "final_projection": "dense"},
    ],
    ids=str,
)
def test_projections_keep_inner_products_on_average(draw: Draw, kind: dict[str, Any]) -> None:
    pair = draw(1, [1, 1], dim=16)
    products = np.array(
        [
            encoding.encode_queries(pair).astype(np.float64) @ encoding.encode_documents(pair).T
            for encoding in (fit(kind, 16, repetitions=1, bits=0, seed=seed) for seed in range(600))
        ]
    )
    errors = products.std(axis=0, ddof=1) / np.sqrt(len(products))
    exact = pair.vectors.astype(np.float64) @ pair.vectors.T
    assert (errors < 0.05).all()
    assert (np.abs(products.mean(axis=0) - exact) < 4 * errors + 1e-6).all()


def _at_angle(angle: float, dim: int) -> NDArray[np.float32]:
    words = np.zeros((2, 1, dim), np.float32)
    words[0, 0, 0] = 1
    words[1, 0, :2] = np.cos(angle * np.pi), np.sin(angle * np.pi)
    return words


def _is_chance(observed: NDArray[np.bool_], expected: float) -> bool:
    error = np.sqrt(expected * (1 - expected) / len(observed))
    return bool(abs(observed.mean() - expected) < 4 * error)


@both_layouts
def test_a_hyperplane_parts_two_words_as_often_as_their_angle_says(layout: dict[str, Any]) -> None:
    # So many that planes drawn from a square would be told from those that are alike in all directions.
    planes = fit(layout, 2, repetitions=1000, bits=12).hyperplanes.reshape(-1, 2)
    for angle in (0.02, 0.125, 0.25, 0.5, 0.8):
        one, other = _at_angle(angle, 2)[:, 0]
        assert _is_chance((planes @ one > 0) != (planes @ other > 0), angle)


@both_layouts
@pytest.mark.parametrize("angle", [0.05, 0.25, 0.5])
def test_words_share_a_bucket_as_often_as_all_hyperplanes_leave_them_together(
    layout: dict[str, Any], angle: float
) -> None:
    encoding = fit(layout, repetitions=600, bits=3)
    one, other = blocks(encoding, encode(encoding, "encode_queries", *_at_angle(angle, 8))).any(axis=-1)
    assert _is_chance((one & other).any(axis=1), (1 - angle) ** 3)


def planted(seed: int, n: int, n_words: int, dim: int, noise: float) -> tuple[WordVectors, WordVectors]:
    """Documents of random unit words, and a query for each: four of its words, a little off."""
    random = np.random.default_rng(seed)
    words = random.standard_normal((n, n_words, dim))
    words /= np.linalg.norm(words, axis=2, keepdims=True)
    near = words[:, :4] + noise * random.standard_normal((n, 4, dim)) / np.sqrt(dim)
    near /= np.linalg.norm(near, axis=2, keepdims=True)
    return WordVectors.from_list(near), WordVectors.from_list(words)


def test_near_duplicates_are_scored_ever_closer_with_more_bits() -> None:
    queries, documents = planted(1, 40, 8, 32, 0.05)
    exact = np.diag(chamfer(queries, documents))
    errors = []
    for bits in (0, 2, 4, 6, 8):
        found = np.diag(estimates(fit(PLAIN, 32, repetitions=4, bits=bits, fill=True), queries, documents))
        errors.append(float(np.abs(exact - found).mean() / 4))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.8
    assert errors[-1] < 0.1


def _recall(repetitions: int, seed: int, queries: WordVectors, documents: WordVectors) -> float:
    encoding = fit({"projection_dim": 8}, 32, repetitions=repetitions, bits=3, seed=seed)
    products = encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
    return float((products.argmax(axis=1) == np.arange(len(queries))).mean())


def test_recall_grows_with_repetitions_and_depends_less_on_the_seed() -> None:
    queries, documents = planted(2, 150, 12, 32, 0.5)
    recalls = np.array([[_recall(n, 100 * seed, queries, documents) for seed in range(8)] for n in (1, 3, 9, 27)])
    means, spreads = recalls.mean(axis=1), recalls.std(axis=1, ddof=1)
    assert (np.diff(means) > 0).all()
    assert means[0] < 0.4
    assert means[-1] > 0.95
    assert spreads[-1] < 0.02


def test_products_with_codes_are_those_with_the_decoded_vectors(draw: Draw) -> None:
    documents, queries = draw(1, [4] * 400), draw(2, [3] * 20)
    encoding = fit(PLAIN, repetitions=2)
    encoded, asked = encoding.encode_documents(documents), encoding.encode_queries(queries)
    dim = encoding.dim
    # With as many vectors as centroids there is nothing to iterate.
    index = CandidateIndex.train(IndexConfig(candidates=f"PQ{dim // 8}x8np"), encoded[:256])
    index.add(encoded)
    quantiser = index._faiss.index.pq
    library = faiss_library.faiss()
    centroids = library.vector_to_array(quantiser.centroids).reshape(dim // 8, 256, 8)
    codes = library.vector_to_array(index._faiss.index.codes).reshape(400, -1)
    assert codes.nbytes * 32 == encoded.nbytes
    decoded = np.hstack([centroids[part, codes[:, part]] for part in range(dim // 8)])
    np.testing.assert_array_equal(index._faiss.index.reconstruct_n(0, 400), decoded)
    scores, numbers = index.search(asked, 400)
    expected = np.take_along_axis(asked @ decoded.T, numbers, axis=1)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert not np.allclose(scores, np.take_along_axis(asked @ encoded.T, numbers, axis=1), atol=1e-2)
