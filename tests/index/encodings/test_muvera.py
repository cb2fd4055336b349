from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import InputError, MuveraConfig, WordVectors
from wordhive.index.encodings import MuveraEncoding, muvera

Draw = Callable[..., WordVectors]
SlowScores = Callable[..., NDArray[np.float64]]

quick = settings(max_examples=20, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10_000)
counts = st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any)


def fit(sample: WordVectors, **settings: Any) -> MuveraEncoding:
    return MuveraEncoding.fit(MuveraConfig(**{"repetitions": 3, "bits": 2, "projection_dim": None, **settings}), sample)


def slow_encode(encoding: MuveraEncoding, texts: WordVectors, *, is_query: bool) -> NDArray[np.float64]:
    rows = []
    for text in range(len(texts)):
        words = texts.vectors[texts.offsets[text] : texts.offsets[text + 1]].astype(np.float64)
        blocks = [_slow_blocks(encoding, words, r, is_query) for r in range(encoding.config.repetitions)]
        rows.append(_slow_sketch(encoding, [number for block in blocks for number in block]))
    return np.array(rows)


def _slow_blocks(encoding: MuveraEncoding, words: NDArray[np.float64], repetition: int, is_query: bool) -> list[float]:
    bits = encoding.config.bits
    centred = words - encoding.mean
    patterns = [tuple(bool(plane @ word > 0) for plane in encoding.hyperplanes[repetition]) for word in centred]
    words = words if is_query else centred
    projected = words if encoding.projections is None else words @ encoding.projections[repetition].T
    inner = encoding.hyperplanes.shape[2] if encoding.projections is None else encoding.projections.shape[1]
    numbers: list[float] = []
    for bucket in range(2**bits):
        target = tuple(bool(bucket >> bit & 1) for bit in range(bits))
        inside = [vector for vector, pattern in zip(projected, patterns, strict=True) if pattern == target]
        numbers += _slow_block(inside, projected, patterns, target, inner, is_query, encoding.config.fill).tolist()
    return numbers


def _slow_block(
    inside: list[NDArray[np.float64]],
    projected: NDArray[np.float64],
    patterns: list[tuple[bool, ...]],
    target: tuple[bool, ...],
    inner: int,
    is_query: bool,
    fill: bool,
) -> NDArray[np.float64]:
    if inside:
        return np.sum(inside, axis=0) if is_query else np.mean(inside, axis=0)
    if is_query or not fill or not patterns:
        return np.zeros(inner)
    differing = [sum(a != b for a, b in zip(pattern, target, strict=True)) for pattern in patterns]
    nearest: NDArray[np.float64] = projected[differing.index(min(differing))]
    return nearest


def _slow_sketch(encoding: MuveraEncoding, numbers: list[float]) -> list[float]:
    if encoding.sketch is None:
        return numbers
    out = [0.0] * encoding.dim
    for target, sign, number in zip(*encoding.sketch.tolist(), numbers, strict=True):
        out[target] += sign * number
    return out


def blocks(encoding: MuveraEncoding, encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    return encoded.reshape(len(encoded), encoding.config.repetitions, 2**encoding.config.bits, -1)


ENCODINGS = [
    {},
    {"fill": True},
    {"bits": 3, "fill": True},
    {"bits": 4, "fill": True, "repetitions": 1},
    {"bits": 0},
    {"bits": 0, "fill": True},
    {"bits": 0, "projection_dim": 4},
    {"projection_dim": 4},
    {"projection_dim": 4, "fill": True},
    {"projection_dim": 3, "projection": "count-sketch"},
    {"projection_dim": 3, "projection": "count-sketch", "fill": True, "repetitions": 1},
    {"projection_dim": 8},
    {"centre": True},
    {"centre": True, "fill": True, "projection_dim": 4},
    {"final_dim": 10},
    {"final_dim": 7, "fill": True, "projection_dim": 4, "centre": True},
]


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_documents_are_encoded_by_the_definition(draw: Draw, settings: dict[str, Any]) -> None:
    documents = draw(3, [5, 1, 0, 9, 2])
    encoding = fit(documents, **settings)
    expected = slow_encode(encoding, documents, is_query=False)
    np.testing.assert_allclose(encoding.encode_documents(documents), expected, atol=1e-5)


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_queries_are_encoded_by_the_definition(draw: Draw, settings: dict[str, Any]) -> None:
    queries = draw(4, [3, 1, 0, 6])
    encoding = fit(draw(3, [5, 9]), **settings)
    expected = slow_encode(encoding, queries, is_query=True)
    np.testing.assert_allclose(encoding.encode_queries(queries), expected, atol=1e-5)


@quick
@given(seed=seeds, counts=counts, bits=st.integers(0, 5), fill=st.booleans())
def test_any_batch_is_encoded_by_the_definition(
    draw: Draw, seed: int, counts: list[int], bits: int, fill: bool
) -> None:
    documents = draw(seed, counts)
    encoding = fit(documents, bits=bits, fill=fill, seed=seed)
    expected = slow_encode(encoding, documents, is_query=False)
    np.testing.assert_allclose(encoding.encode_documents(documents), expected, atol=1e-5)


@pytest.mark.parametrize("settings", [{}, {"projection_dim": 4, "fill": True}, {"final_dim": 10}], ids=str)
@pytest.mark.parametrize("numbers", [1, 40, 200])
def test_small_batches_encode_like_one(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], numbers: int
) -> None:
    documents = draw(3, [5, 1, 4, 9, 2, 3])
    encoding = fit(documents, **settings)
    at_once = encoding.encode_documents(documents)
    monkeypatch.setattr(muvera, "_BATCH_NUMBERS", numbers)
    np.testing.assert_allclose(encoding.encode_documents(documents), at_once, atol=1e-6)


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_the_encoding_of_a_document_does_not_depend_on_its_batch(draw: Draw, settings: dict[str, Any]) -> None:
    documents = draw(3, [5, 1, 9, 2])
    encoding = fit(documents, **settings)
    alone = np.concatenate([encoding.encode_documents(documents[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(encoding.encode_documents(documents), alone, atol=1e-6)


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_the_same_seed_gives_the_same_bytes(draw: Draw, settings: dict[str, Any]) -> None:
    documents = draw(3, [5, 1, 9, 2])
    first, second = (fit(documents, **settings).encode_documents(documents) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_another_seed_draws_other_hyperplanes(draw: Draw) -> None:
    documents = draw(3, [5])
    assert not np.allclose(fit(documents, seed=1).hyperplanes, fit(documents, seed=2).hyperplanes)


def test_repetitions_differ_from_each_other(draw: Draw) -> None:
    planes = fit(draw(3, [5]), repetitions=2).hyperplanes
    assert not np.allclose(planes[0], planes[1])


@pytest.mark.parametrize("projection", ["dense", "count-sketch"])
def test_more_repetitions_leave_the_first_ones_as_they_are(draw: Draw, projection: str) -> None:
    documents = draw(3, [5, 2])
    few, many = (
        fit(documents, repetitions=n, projection_dim=4, projection=projection).encode_documents(documents)
        for n in (2, 5)
    )
    np.testing.assert_allclose(many[:, : few.shape[1]], few, atol=1e-6)


@quick
@given(seed=seeds, left=st.integers(1, 6), right=st.integers(1, 6))
def test_queries_add_up(draw: Draw, seed: int, left: int, right: int) -> None:
    words = draw(seed, [left + right]).vectors
    queries = WordVectors.from_list([words, words[:left], words[left:]])
    whole, first, second = fit(queries, projection_dim=4).encode_queries(queries)
    np.testing.assert_allclose(whole, first + second, atol=1e-5)


@quick
@given(seed=seeds, factor=st.floats(0.1, 50))
def test_a_longer_query_has_a_longer_encoding(draw: Draw, seed: int, factor: float) -> None:
    words = draw(seed, [4]).vectors
    encoded, scaled = fit(draw(1, [1])).encode_queries(WordVectors.from_list([words, words * factor]))
    np.testing.assert_allclose(scaled, encoded * factor, rtol=1e-4, atol=1e-5)


@quick
@given(seed=seeds, factor=st.floats(0.1, 50))
def test_a_longer_document_has_a_longer_encoding(draw: Draw, seed: int, factor: float) -> None:
    words = draw(seed, [4]).vectors
    encoding = fit(draw(1, [1]), fill=True, projection_dim=4)
    encoded, scaled = encoding.encode_documents(WordVectors.from_list([words, words * factor]))
    np.testing.assert_allclose(scaled, encoded * factor, rtol=1e-4, atol=1e-5)


@quick
@given(seed=seeds, n_words=st.integers(2, 8))
def test_the_order_of_query_words_does_not_matter(draw: Draw, seed: int, n_words: int) -> None:
    words = draw(seed, [n_words]).vectors
    encoded, turned = fit(draw(1, [1])).encode_queries(WordVectors.from_list([words, words[::-1]]))
    np.testing.assert_allclose(turned, encoded, atol=1e-5)


@quick
@given(seed=seeds, n_words=st.integers(2, 8))
def test_the_order_of_document_words_does_not_matter(draw: Draw, seed: int, n_words: int) -> None:
    words = draw(seed, [n_words]).vectors
    encoded, turned = fit(draw(1, [1])).encode_documents(WordVectors.from_list([words, words[::-1]]))
    np.testing.assert_allclose(turned, encoded, atol=1e-5)


@quick
@given(seed=seeds)
def test_the_order_of_words_does_not_matter_to_a_fill_without_ties(draw: Draw, seed: int) -> None:
    documents = draw(seed, [2])
    encoding = fit(documents, bits=3, repetitions=1, fill=True)
    differing = (documents.vectors @ encoding.hyperplanes[0].T > 0).astype(int)
    assume(np.abs(differing[0] - differing[1]).sum() % 2 == 1)
    words = documents.vectors
    encoded, turned = encoding.encode_documents(WordVectors.from_list([words, words[::-1]]))
    np.testing.assert_array_equal(turned, encoded)


@quick
@given(seed=seeds, n_words=st.integers(1, 6), fill=st.booleans())
def test_repeating_every_word_leaves_a_document_as_it_is(draw: Draw, seed: int, n_words: int, fill: bool) -> None:
    words = draw(seed, [n_words]).vectors
    encoding = fit(draw(1, [1]), fill=fill)
    once, twice = encoding.encode_documents(WordVectors.from_list([words, np.repeat(words, 2, axis=0)]))
    np.testing.assert_allclose(twice, once, atol=1e-5)


def test_repeating_every_word_doubles_a_query(draw: Draw) -> None:
    words = draw(1, [5]).vectors
    once, twice = fit(draw(1, [1])).encode_queries(WordVectors.from_list([words, np.repeat(words, 2, axis=0)]))
    np.testing.assert_allclose(twice, 2 * once, atol=1e-5)


@quick
@given(seed=seeds, bits=st.integers(1, 5), repetitions=st.integers(1, 4))
def test_documents_of_one_word_are_scored_exactly_with_fill(
    draw: Draw, slow_scores: SlowScores, seed: int, bits: int, repetitions: int
) -> None:
    queries, documents = draw(seed, [1, 4, 7]), draw(seed + 1, [1, 1])
    encoding = fit(documents, bits=bits, repetitions=repetitions, fill=True, seed=seed)
    products = encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
    np.testing.assert_allclose(products / repetitions, slow_scores(queries, documents), atol=1e-4)


@quick
@given(seed=seeds, bits=st.integers(0, 5), length=st.floats(0.1, 10))
def test_products_never_exceed_the_score_with_fill_and_no_projection(
    draw: Draw, slow_scores: SlowScores, seed: int, bits: int, length: float
) -> None:
    queries, documents = draw(seed, [1, 3, 6]), draw(seed + 1, [1, 2, 7])
    long = WordVectors(documents.vectors * np.float32(length), documents.offsets, documents.word_ids)
    encoding = fit(long, bits=bits, fill=True, seed=seed)
    products = encoding.encode_queries(queries) @ encoding.encode_documents(long).T / 3
    assert (products <= slow_scores(queries, long) + 1e-4 * max(1, length)).all()


def test_without_fill_a_product_may_exceed_a_score_below_zero() -> None:
    query = WordVectors.from_list([np.array([[1.0, 0.0]])])
    document = WordVectors.from_list([np.array([[-1.0, 0.0]])])
    encoding = fit(document, bits=1, repetitions=1)
    assert (encoding.encode_queries(query) @ encoding.encode_documents(document).T).tolist() == [[0.0]]


def test_without_bits_a_document_is_the_mean_of_its_words(draw: Draw) -> None:
    document = draw(1, [6])
    encoded = fit(document, bits=0, repetitions=1).encode_documents(document)
    np.testing.assert_allclose(encoded[0], document.vectors.mean(axis=0), atol=1e-6)


def test_without_bits_a_query_is_the_sum_of_its_words(draw: Draw) -> None:
    query = draw(1, [6])
    encoded = fit(query, bits=0, repetitions=1).encode_queries(query)
    np.testing.assert_allclose(encoded[0], query.vectors.sum(axis=0), atol=1e-5)


@quick
@given(seed=seeds, n_words=st.integers(1, 6))
def test_a_query_fills_at_most_one_block_a_word(draw: Draw, seed: int, n_words: int) -> None:
    encoding = fit(draw(1, [1]), bits=5, projection_dim=4, fill=True)
    encoded = encoding.encode_queries(draw(seed, [n_words]))
    assert np.count_nonzero(encoded) <= 3 * n_words * 4


def test_a_filled_document_has_no_empty_block(draw: Draw) -> None:
    documents = draw(1, [1, 2, 7])
    encoding = fit(documents, bits=4, fill=True)
    assert blocks(encoding, encoding.encode_documents(documents)).any(axis=-1).all()


def test_without_fill_the_empty_blocks_are_the_empty_buckets(draw: Draw) -> None:
    document = draw(1, [5])
    encoding = fit(document, bits=4)
    used = [{tuple(row) for row in document.vectors @ planes.T > 0} for planes in encoding.hyperplanes]
    filled = blocks(encoding, encoding.encode_documents(document)).any(axis=-1).sum(axis=-1)
    assert filled.tolist() == [[len(patterns) for patterns in used]]


@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"repetitions": 5, "bits": 3}, 5 * 8 * 8),
        ({"repetitions": 5, "bits": 3, "projection_dim": 4}, 5 * 8 * 4),
        ({"repetitions": 2, "bits": 0, "projection_dim": 4}, 2 * 4),
        ({"repetitions": 5, "bits": 3, "projection_dim": 8}, 5 * 8 * 8),
        ({"repetitions": 5, "bits": 3, "final_dim": 33}, 33),
        ({"repetitions": 1, "bits": 1, "final_dim": 400}, 16),
    ],
    ids=str,
)
def test_the_length_is_known_beforehand(draw: Draw, settings: dict[str, Any], length: int) -> None:
    documents = draw(1, [3, 2])
    encoding = fit(documents, **settings)
    shapes = (encoding.dim, encoding.encode_documents(documents).shape, encoding.encode_queries(documents).shape)
    assert shapes == (length, (2, length), (2, length))


def test_a_projection_to_the_words_own_dims_changes_nothing(draw: Draw) -> None:
    documents = draw(1, [3, 2])
    plain, projected = (fit(documents, projection_dim=dim).encode_documents(documents) for dim in (None, 8))
    np.testing.assert_array_equal(projected, plain)


def _mean_is(values: NDArray[np.float64], expected: float) -> bool:
    error = values.std(ddof=1) / np.sqrt(len(values))
    return bool(abs(values.mean() - expected) < 4 * error)


@pytest.mark.parametrize("projection", ["dense", "count-sketch"])
def test_inner_projections_keep_inner_products_on_average(draw: Draw, projection: str) -> None:
    pair = draw(1, [2], dim=16)
    sketches = fit(pair, repetitions=400, bits=0, projection_dim=4, projection=projection).projections
    assert sketches is not None
    left, right = (sketches.astype(np.float64) @ vector for vector in pair.vectors)
    assert _mean_is((left * right).sum(axis=1), float(pair.vectors[0] @ pair.vectors[1]))


def test_the_final_sketch_keeps_inner_products_on_average(draw: Draw) -> None:
    pair = draw(1, [1, 1], dim=16)
    products = [
        float(np.prod(fit(pair, repetitions=1, bits=0, final_dim=4, seed=seed).encode_documents(pair), axis=0).sum())
        for seed in range(300)
    ]
    assert _mean_is(np.array(products), float(pair.vectors[0] @ pair.vectors[1]))


def test_a_hyperplane_parts_two_words_as_often_as_their_angle_says(draw: Draw) -> None:
    pair = draw(1, [2])
    planes = fit(pair, repetitions=1000, bits=4).hyperplanes.reshape(-1, 8)
    left, right = (planes @ vector > 0 for vector in pair.vectors)
    angle = np.arccos(float(pair.vectors[0] @ pair.vectors[1]))
    assert _mean_is((left != right).astype(np.float64), angle / np.pi)


def test_centring_subtracts_the_mean_word_of_the_sample(draw: Draw) -> None:
    sample = draw(1, [3, 0, 4])
    np.testing.assert_allclose(fit(sample, centre=True).mean, sample.vectors.mean(axis=0), atol=1e-6)


def test_centring_shifts_all_products_of_a_query_alike(draw: Draw) -> None:
    queries, documents = draw(1, [3, 5]), draw(2, [4, 1, 6])
    plain, centred = (
        encoding.encode_queries(queries) @ encoding.encode_documents(documents).T
        for encoding in (fit(documents, bits=0, centre=centre) for centre in (False, True))
    )
    shift = plain - centred
    np.testing.assert_allclose(shift, np.repeat(shift[:, :1], 3, axis=1), atol=1e-5)


def test_a_sample_without_words_has_no_centre() -> None:
    assert not fit(WordVectors.from_list([np.zeros((0, 8))]), centre=True).mean.any()


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_tensors_hold_everything(draw: Draw, settings: dict[str, Any]) -> None:
    documents = draw(3, [5, 1, 9])
    encoding = fit(documents, **settings)
    again = MuveraEncoding.from_tensors(encoding.config, encoding.tensors())
    np.testing.assert_array_equal(again.encode_documents(documents), encoding.encode_documents(documents))


@pytest.mark.parametrize("settings", ENCODINGS, ids=str)
def test_a_document_without_words_among_others_is_all_zeros(draw: Draw, settings: dict[str, Any]) -> None:
    documents = draw(3, [5, 0, 2])
    assert not fit(documents, **settings).encode_documents(documents)[1].any()


@pytest.mark.parametrize("dim", [None, 4])
def test_a_batch_without_any_word_is_all_zeros(draw: Draw, dim: int | None) -> None:
    encoding = fit(draw(1, [3]), projection_dim=dim)
    np.testing.assert_array_equal(encoding.encode_documents(draw(1, [0, 0])), np.zeros((2, encoding.dim)))


@pytest.mark.parametrize("dim", [None, 4])
def test_a_query_without_any_word_is_all_zeros(draw: Draw, dim: int | None) -> None:
    encoding = fit(draw(1, [3]), projection_dim=dim)
    np.testing.assert_array_equal(encoding.encode_queries(draw(1, [0])), np.zeros((1, encoding.dim)))


@pytest.mark.parametrize("settings", [{}, {"projection_dim": 4}, {"final_dim": 10}], ids=str)
def test_no_documents_give_no_encodings(draw: Draw, settings: dict[str, Any]) -> None:
    encoding = fit(draw(1, [3]), **settings)
    assert encoding.encode_documents(WordVectors.empty(8)).shape == (0, encoding.dim)


def test_more_projected_dims_than_words_have_are_refused(draw: Draw) -> None:
    with pytest.raises(InputError, match="projection_dim is 9, but the words have 8 dims"):
        fit(draw(1, [3]), projection_dim=9)


@pytest.mark.parametrize("side", ["encode_documents", "encode_queries"])
def test_words_of_other_dims_are_refused(draw: Draw, side: str) -> None:
    encoding = fit(draw(1, [3]))
    with pytest.raises(InputError, match="words have 5 dims, the encoding was fitted to 8"):
        getattr(encoding, side)(draw(1, [3], dim=5))
