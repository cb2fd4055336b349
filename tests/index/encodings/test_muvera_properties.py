"""What MUVERA's encodings must satisfy, whatever is drawn: the algebra of sums and means, and what products mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import WordVectors

from .muvera_kinds import (
    CENTRED,
    GOOGLE,
    KINDS,
    PLAIN,
    Draw,
    along_axes,
    bits_of,
    blocks,
    both_layouts,
    both_sides,
    chamfer,
    encode,
    estimates,
    every_kind,
    fit,
    gaussian,
    quick,
    seeds,
    target_bits,
)


@every_kind
@quick
@given(seed=seeds, left=st.integers(0, 5), right=st.integers(1, 5))
def test_queries_add_up(draw: Draw, kind: dict[str, Any], seed: int, left: int, right: int) -> None:
    words = draw(seed, [left + right]).vectors
    whole, *parts = encode(fit(kind), "encode_queries", words, words[:left], words[left:])
    np.testing.assert_allclose(whole, parts[0] + parts[1], atol=1e-5)


@every_kind
@both_sides
@quick
@given(seed=seeds, power=st.integers(-20, 20))
def test_positive_factors_come_out(draw: Draw, kind: dict[str, Any], side: str, seed: int, power: int) -> None:
    encoding, words, factor = fit(kind), draw(seed, [5]).vectors, np.float32(2.0**power)
    # A power of two changes no digit, and so none may differ.
    np.testing.assert_array_equal(encode(encoding, side, words * factor), encode(encoding, side, words) * factor)


@both_sides
@quick
@given(seed=seeds, fill=st.booleans())
def test_a_negative_factor_moves_every_word_to_the_opposite_bucket(
    draw: Draw, side: str, seed: int, fill: bool
) -> None:
    encoding, words = fit(PLAIN, bits=3, fill=fill), draw(seed, [5]).vectors
    plain, turned = (blocks(encoding, encode(encoding, side, words * sign)) for sign in (1, -1))
    np.testing.assert_allclose(turned, -plain[:, :, ::-1], atol=1e-6)
    assert not np.allclose(turned, -plain)


@pytest.mark.parametrize("kind", [*KINDS, CENTRED], ids=str)
@both_sides
@quick
@given(seed=seeds, order=st.permutations(range(5)))
def test_the_order_of_words_does_not_matter(
    draw: Draw, kind: dict[str, Any], side: str, seed: int, order: list[int]
) -> None:
    if side == "encode_documents":
        kind = {**kind, "fill": False}  # ties for the nearest word go to the first
    words = draw(seed, [5]).vectors
    plain, turned = encode(fit(kind), side, words, words[order])
    np.testing.assert_allclose(turned, plain, atol=1e-5)


@both_layouts
@quick
@given(seed=seeds, bits=st.integers(1, 5))
def test_the_order_of_words_does_not_matter_to_a_fill_without_ties(
    draw: Draw, layout: dict[str, Any], seed: int, bits: int
) -> None:
    encoding, words = fit(layout, bits=bits, repetitions=1, fill=True), draw(seed, [2]).vectors
    one, other = (bits_of(word, encoding.hyperplanes[0]) for word in words)
    assume(sum(a != b for a, b in zip(one, other, strict=True)) % 2)
    plain, turned = encode(encoding, "encode_documents", words, words[::-1])
    np.testing.assert_array_equal(turned, plain)


@both_layouts
def test_ties_for_the_nearest_word_go_to_the_first(layout: dict[str, Any]) -> None:
    encoding = along_axes(3, fill=True, google=layout is GOOGLE)
    words = np.array([[-1, -1, 1], [-1, 1, -1], [-2, -1, 1]], np.float32)
    encoded = blocks(encoding, encode(encoding, "encode_documents", words, words[::-1]))[:, 0]
    place = [target_bits(bucket, encoding) for bucket in range(8)].index
    assert encoded[0, place("000")].tolist() == words[0].tolist()
    assert encoded[1, place("000")].tolist() == words[2].tolist()
    assert encoded[0, place("101")].tolist() == words[0].tolist()
    assert encoded[:, place("110")].tolist() == [words[1].tolist()] * 2


@every_kind
@quick
@given(seed=seeds, n_words=st.integers(1, 6), times=st.integers(2, 4))
def test_repeated_words_multiply_a_query_and_leave_a_document(
    draw: Draw, kind: dict[str, Any], seed: int, n_words: int, times: int
) -> None:
    encoding, words = fit(kind), draw(seed, [n_words]).vectors
    for repeated in (np.repeat(words, times, axis=0), np.tile(words, (times, 1))):
        query, multiple = encode(encoding, "encode_queries", words, repeated)
        np.testing.assert_allclose(multiple, times * query, atol=1e-5)
        document, same = encode(encoding, "encode_documents", words, repeated)
        np.testing.assert_allclose(same, document, atol=1e-5)


@both_layouts
@quick
@given(seed=seeds, bits=st.integers(0, 8), repetitions=st.integers(1, 3), fill=st.booleans())
def test_a_filled_document_of_one_word_is_that_word_everywhere(
    layout: dict[str, Any], seed: int, bits: int, repetitions: int, fill: bool
) -> None:
    encoding = fit(layout, bits=bits, repetitions=repetitions, fill=fill, seed=seed)
    queries, document = gaussian(seed, [1, 4, 7]), gaussian(seed + 1, [1])
    encoded = blocks(encoding, encoding.encode_documents(document))
    if not fill and bits:
        assert encoded.any(axis=-1).sum(axis=-1).tolist() == [[1] * repetitions]
        return
    np.testing.assert_array_equal(encoded, np.broadcast_to(document.vectors[0], encoded.shape))
    np.testing.assert_allclose(estimates(encoding, queries, document), chamfer(queries, document), rtol=1e-4, atol=1e-3)


@both_layouts
@quick
@given(seed=seeds, fill=st.booleans())
def test_without_bits_a_product_is_the_one_with_the_mean_word(layout: dict[str, Any], seed: int, fill: bool) -> None:
    encoding, queries, documents = fit(layout, bits=0, fill=fill), gaussian(seed, [1, 4]), gaussian(seed + 1, [5, 2])
    means = np.add.reduceat(documents.vectors, documents.offsets[:-1]) / documents.counts[:, None]
    sums = np.add.reduceat(queries.vectors, queries.offsets[:-1])
    np.testing.assert_allclose(estimates(encoding, queries, documents), sums @ means.T, rtol=1e-4, atol=1e-3)


def _excess(kind: dict[str, Any], n_seeds: int, counts: list[int], **settings: Any) -> NDArray[np.float64]:
    """How far products are above the score, over many seeds, relative to the words' lengths."""
    excess = []
    for seed in range(n_seeds):
        queries, documents = gaussian(2 * seed, [1, 3, 6]), gaussian(2 * seed + 1, counts)
        encoding = fit(kind, seed=10 * seed, **settings)
        scale = np.abs(queries.vectors).max() * np.abs(documents.vectors).max()
        excess.append((estimates(encoding, queries, documents) - chamfer(queries, documents)) / scale)
    return np.array(excess)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_filled_products_never_exceed_the_score_under_any_seed(bits: int) -> None:
    assert _excess(PLAIN, 200, [1, 2, 3, 9], bits=bits, fill=True).max() < 1e-4


def test_filled_products_of_the_reference_never_exceed_the_score() -> None:
    assert _excess(GOOGLE, 50, [1, 2, 3, 9], bits=4, fill=True).max() < 1e-4


def test_without_fill_products_may_exceed_the_score() -> None:
    excess = _excess(PLAIN, 200, [2], bits=4)
    assert 0 < (excess > 1e-3).mean() < 0.5


def test_projected_products_may_exceed_the_score() -> None:
    assert (_excess({"projection_dim": 4}, 50, [2], fill=True) > 1e-3).any()


@quick
@given(seed=seeds, bits=st.integers(1, 6))
def test_without_fill_products_exceed_no_score_whose_parts_are_above_zero(seed: int, bits: int) -> None:
    queries, documents = (
        WordVectors(np.abs(texts.vectors), texts.offsets, texts.word_ids)
        for texts in (gaussian(seed, [1, 3, 6]), gaussian(seed + 1, [1, 2, 9]))
    )
    encoding = fit(PLAIN, bits=bits, seed=seed)
    scores = chamfer(queries, documents)
    assert (estimates(encoding, queries, documents) <= scores * (1 + 1e-5)).all()


@both_layouts
@quick
@given(seed=seeds, n_words=st.integers(1, 6), bits=st.integers(0, 6), fill=st.booleans())
def test_a_query_has_one_block_a_word_at_most_and_is_never_filled(
    draw: Draw, layout: dict[str, Any], seed: int, n_words: int, bits: int, fill: bool
) -> None:
    encoding, query = fit(layout, bits=bits, fill=fill), draw(seed, [n_words])
    encoded = encoding.encode_queries(query)
    assert np.count_nonzero(encoded) <= encoding.config.repetitions * n_words * 8
    np.testing.assert_array_equal(encoded, fit(layout, bits=bits, fill=not fill).encode_queries(query))


@both_layouts
@quick
@given(seed=seeds, n_words=st.integers(1, 9), bits=st.integers(1, 6))
def test_empty_blocks_are_empty_buckets_and_fill_leaves_none(
    draw: Draw, layout: dict[str, Any], seed: int, n_words: int, bits: int
) -> None:
    document = draw(seed, [n_words])
    plain, filled = (fit(layout, bits=bits, fill=fill) for fill in (False, True))
    used = blocks(plain, plain.encode_documents(document)).any(axis=-1)[0]
    for repetition, planes in enumerate(plain.hyperplanes):
        signs = {bits_of(word, planes) for word in document.vectors}
        assert {target_bits(int(bucket), plain) for bucket in np.flatnonzero(used[repetition])} == signs
    assert blocks(filled, filled.encode_documents(document)).any(axis=-1).all()


@quick
@given(seed=seeds, length=st.floats(0, 3))
def test_subtracting_any_word_from_documents_shifts_all_scores_of_a_query_alike(
    draw: Draw, seed: int, length: float
) -> None:
    queries, documents = draw(seed, [3, 1, 5]), draw(seed + 1, [4, 1, 6])
    origin = draw(seed + 2, [1]).vectors[0] * np.float32(length)
    moved = WordVectors(documents.vectors - origin, documents.offsets, documents.word_ids)
    shift = np.add.reduceat(queries.vectors, queries.offsets[:-1]) @ origin
    np.testing.assert_allclose(chamfer(queries, moved), chamfer(queries, documents) - shift[:, None], atol=1e-5)


@quick
@given(seed=seeds)
def test_a_centred_encoding_is_the_plain_one_of_centred_documents(draw: Draw, seed: int) -> None:
    sample, documents, queries = draw(seed, [7]), draw(seed + 1, [4, 0, 6]), draw(seed + 2, [3, 5])
    centred, plain = fit(CENTRED, sample=sample), fit({**CENTRED, "centre": False})
    mean = sample.vectors.mean(axis=0)
    moved = WordVectors(documents.vectors - mean, documents.offsets, documents.word_ids)
    np.testing.assert_allclose(centred.encode_documents(documents), plain.encode_documents(moved), atol=1e-6)
    sums = blocks(centred, centred.encode_queries(queries)).sum(axis=2)
    own = np.add.reduceat(queries.vectors, queries.offsets[:-1])
    np.testing.assert_allclose(sums, np.repeat(own[:, None], 3, axis=1), atol=1e-5)
    scores = chamfer(queries, documents[:1]) - (own @ mean)[:, None]
    assert (estimates(centred, queries, documents[:1]) <= scores + 1e-5).all()
