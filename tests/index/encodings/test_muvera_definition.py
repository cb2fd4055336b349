"""MUVERA's encodings: the definition, its buckets, and that nothing but the text and the configuration counts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import IndexConfig, InputError, MuveraConfig, WordVectors, threads
from wordhive.index.encodings import MuveraEncoding, muvera

from .muvera_kinds import (
    CENTRED,
    GOOGLE,
    KINDS,
    PLAIN,
    SKETCHED,
    Draw,
    along_axes,
    bits_of,
    blocks,
    both_layouts,
    both_sides,
    encode,
    every_kind,
    fit,
    gaussian,
    quick,
    seeds,
    target_bits,
)


def by_definition(encoding: MuveraEncoding, words: NDArray[np.float32], *, is_query: bool) -> NDArray[np.float64]:
    numbers: list[NDArray[np.float64]] = []
    for repetition, planes in enumerate(encoding.hyperplanes):
        signs = [bits_of(word, planes) for word in words]
        projected = words.astype(np.float64)
        if encoding.projections is not None:
            projected = projected @ encoding.projections[repetition].T
        for bucket in range(2**encoding.config.bits):
            target = target_bits(bucket, encoding)
            differing = [sum(a != b for a, b in zip(target, one, strict=True)) for one in signs]
            inside = projected[np.array(differing) == 0]
            if len(inside):
                numbers.append(inside.sum(axis=0) if is_query else inside.mean(axis=0))
            elif encoding.config.fill and not is_query:
                numbers.append(projected[int(np.argmin(differing))])
            else:
                numbers.append(np.zeros(projected.shape[1]))
    whole = np.concatenate(numbers)
    if encoding.final is not None:
        return encoding.final.astype(np.float64) @ whole / np.sqrt(encoding.dim)
    if encoding.sketch is not None:
        sketched = np.zeros(encoding.dim)
        np.add.at(sketched, encoding.sketch[0], encoding.sketch[1] * whole)
        return sketched
    return whole


@every_kind
@quick
@given(seed=seeds, n_words=st.integers(1, 7))
def test_both_sides_are_encoded_by_the_definition(kind: dict[str, Any], seed: int, n_words: int) -> None:
    words, encoding = gaussian(seed, [n_words]).vectors, fit(kind, seed=seed)
    document, query = encode(encoding, "encode_documents", words)[0], encode(encoding, "encode_queries", words)[0]
    np.testing.assert_allclose(document, by_definition(encoding, words, is_query=False), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(query, by_definition(encoding, words, is_query=True), rtol=1e-4, atol=1e-4)


@every_kind
@both_sides
def test_encodings_are_single_precision_and_of_the_length_foretold(kind: dict[str, Any], side: str) -> None:
    encoding = fit(kind)
    encoded = encode(encoding, side, np.ones((3, 8)), np.ones((1, 8)))
    assert encoded.dtype == np.float32
    assert encoded.shape == (2, encoding.dim)


@quick
@given(
    layout=st.sampled_from([{}, {"google": True, "projection": "count-sketch"}]),
    repetitions=st.integers(1, 4),
    bits=st.integers(0, 6),
    inner=st.sampled_from([None, 1, 3, 8]),
    side=st.sampled_from(["encode_documents", "encode_queries"]),
)
def test_the_length_is_repetitions_times_buckets_times_dims(
    layout: dict[str, Any], repetitions: int, bits: int, inner: int | None, side: str
) -> None:
    encoding = fit(layout, repetitions=repetitions, bits=bits, projection_dim=inner)
    assert encoding.dim == repetitions * 2**bits * (inner or 8)
    assert encode(encoding, side, np.ones((2, 8))).shape == (1, encoding.dim)


@pytest.mark.parametrize("bits", [-1, 13, 31])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(InputError, match="bits"):
        MuveraConfig(bits=bits)
    with pytest.raises(InputError, match=f"encoding.bits is {bits}"):
        IndexConfig.parse(f"encoding: {{family: muvera, bits: {bits}}}", "mine")


@every_kind
@both_sides
def test_words_that_are_not_finite_never_reach_an_encoding(kind: dict[str, Any], side: str) -> None:
    encoding = fit(kind)
    for value in (np.nan, np.inf, -np.inf):
        words = np.ones((3, 8))
        words[1, 5] = value
        with pytest.raises(InputError, match=r"text 1 .* NaN or infinity"):
            encode(encoding, side, np.ones((2, 8)), words)


@every_kind
@both_sides
def test_words_of_other_dims_are_refused(kind: dict[str, Any], side: str) -> None:
    with pytest.raises(InputError, match="words have 5 dims, the encoding was fitted to 8"):
        encode(fit(kind), side, np.ones((2, 5)))


@every_kind
@both_sides
def test_texts_without_words_are_zeros_and_no_texts_are_none(kind: dict[str, Any], side: str) -> None:
    encoding = fit(kind)
    encoded = encode(encoding, side, np.zeros((0, 8)), np.ones((2, 8)), np.zeros((0, 8)))
    assert encoded.any(axis=1).tolist() == [False, True, False]
    assert not encode(encoding, side, np.zeros((0, 8))).any()
    assert getattr(encoding, side)(WordVectors.empty(8)).shape == (0, encoding.dim)


@pytest.mark.parametrize("kind", [*KINDS, CENTRED], ids=str)
@both_sides
def test_the_same_configuration_gives_the_same_bytes(draw: Draw, kind: dict[str, Any], side: str) -> None:
    sample, texts = draw(1, [4, 6]), draw(2, [5, 0, 3])
    one, other = fit(kind, sample=sample), fit(kind, sample=sample)
    assert getattr(one, side)(texts).tobytes() == getattr(other, side)(texts).tobytes()
    again = MuveraEncoding.from_tensors(one.config, one.tensors())
    assert getattr(again, side)(texts).tobytes() == getattr(one, side)(texts).tobytes()


@every_kind
def test_the_values_of_the_sample_change_nothing(draw: Draw, kind: dict[str, Any]) -> None:
    one, other = fit(kind, sample=draw(1, [4, 6])).tensors(), fit(kind, sample=draw(2, [9])).tensors()
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, other[name])


@every_kind
def test_another_seed_draws_other_numbers(kind: dict[str, Any]) -> None:
    one, other = fit(kind, seed=1).tensors(), fit(kind, seed=101).tensors()
    assert all(not np.array_equal(one[name], other[name]) for name in one if name != "mean" and one[name].size)


@pytest.mark.parametrize("kind", [*KINDS, CENTRED], ids=str)
@both_sides
@quick
@given(seed=seeds, counts=st.lists(st.integers(0, 6), min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_a_text_does_not_see_its_neighbours(
    draw: Draw, kind: dict[str, Any], side: str, seed: int, counts: list[int], order: Any
) -> None:
    encoding, text = fit(kind, sample=draw(1, [5])), draw(seed, [4])
    alone = getattr(encoding, side)(text)[0]
    neighbours = gaussian(seed, counts)
    batch = WordVectors.concat([neighbours, text])
    places = list(range(len(batch)))
    order.shuffle(places)
    found = getattr(encoding, side)(batch.take(np.array(places)))[places.index(len(counts))]
    np.testing.assert_allclose(found, alone, atol=1e-5)


@every_kind
@both_sides
@pytest.mark.parametrize("numbers", [1, 40, 200])
def test_the_size_of_batches_does_not_matter(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, kind: dict[str, Any], side: str, numbers: int
) -> None:
    encoding, texts = fit(kind), draw(2, [4, 0, 1, 7, 0, 0, 2])
    at_once = getattr(encoding, side)(texts)
    monkeypatch.setattr(muvera, "_BATCH_NUMBERS", numbers)
    np.testing.assert_allclose(getattr(encoding, side)(texts), at_once, atol=1e-6)


@every_kind
@both_sides
def test_threads_give_the_same_bytes(
    draw: Draw, monkeypatch: pytest.MonkeyPatch, kind: dict[str, Any], side: str
) -> None:
    encoding, texts = fit(kind), draw(2, [4, 0, 1, 7, 0, 0, 2, 5, 3, 1])
    serial = getattr(encoding, side)(texts)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setattr(threads, "threads", lambda: 4)
    assert getattr(encoding, side)(texts).tobytes() == serial.tobytes()


@both_layouts
@pytest.mark.parametrize("bits", range(11))
def test_signs_and_bucket_numbers_are_each_others_inverse(layout: dict[str, Any], bits: int) -> None:
    encoding = along_axes(bits, google=layout is GOOGLE)
    words = np.array(list(itertools.product([-1, 1], repeat=bits)), np.float32).reshape(2**bits, bits)
    if not bits:
        words = np.ones((1, 1), np.float32)
    used = blocks(encoding, encode(encoding, "encode_documents", *words[:, None])).any(axis=-1)[:, 0]
    numbers = used.argmax(axis=1).tolist()
    assert used.sum(axis=1).tolist() == [1] * 2**bits
    assert sorted(numbers) == list(range(2**bits))
    for word, number in zip(words, numbers, strict=True):
        assert target_bits(number, encoding) == ("".join("1" if x > 0 else "0" for x in word) if bits else "")


@both_layouts
@pytest.mark.parametrize("bits", [3, 4, 5, 6, 7])
@quick
@given(seed=seeds, n_words=st.integers(1, 6))
def test_empty_buckets_take_the_word_of_the_fewest_differing_signs(
    layout: dict[str, Any], bits: int, seed: int, n_words: int
) -> None:
    encoding, words = along_axes(bits, fill=True, google=layout is GOOGLE), gaussian(seed, [n_words], bits).vectors
    encoded = blocks(encoding, encode(encoding, "encode_documents", words))[0, 0]
    signs = [bits_of(word, np.eye(bits, dtype=np.float32)) for word in words]
    for bucket in range(2**bits):
        target = target_bits(bucket, encoding)
        differing = [sum(a != b for a, b in zip(target, one, strict=True)) for one in signs]
        if min(differing):
            np.testing.assert_array_equal(encoded[bucket], words[differing.index(min(differing))])
        else:
            inside = words[[not one for one in differing]]
            np.testing.assert_allclose(encoded[bucket], inside.mean(axis=0), rtol=1e-5, atol=1e-5)


def test_a_word_in_a_hyperplane_is_not_above_it() -> None:
    encoding = along_axes(2)
    words = np.array([[0, 5], [-0.0, 7], [0, 0]], np.float32)
    encoded = blocks(encoding, encode(encoding, "encode_queries", words))[0, 0]
    assert encoded.tolist() == [[0, 0], [0, 0], [0, 12], [0, 0]]


@pytest.mark.parametrize(
    ("kind", "least", "column"),
    [
        ({"projection_dim": 4}, 0.5, 2.0),
        ({"projection_dim": 4, "projection": "count-sketch"}, 0.0, 1.0),
        (SKETCHED, 0.0, 1.0),
    ],
    ids=["dense", "count-sketch", "google"],
)
def test_every_repetition_projects_by_signs_of_its_own(kind: dict[str, Any], least: float, column: float) -> None:
    projections = fit(kind, repetitions=5).projections
    assert projections is not None
    assert np.abs(projections).min() == least
    np.testing.assert_array_equal(np.abs(projections).sum(axis=1), np.full((5, 8), column))
    assert len({projection.tobytes() for projection in projections}) == 5


@pytest.mark.parametrize(
    "kind", [PLAIN, {"projection_dim": 4, "projection": "count-sketch"}, GOOGLE, SKETCHED], ids=str
)
@both_sides
def test_more_repetitions_leave_the_first_ones_as_they_are(draw: Draw, kind: dict[str, Any], side: str) -> None:
    texts = draw(3, [5, 2])
    few, many = (getattr(fit(kind, repetitions=n, bits=3), side)(texts) for n in (2, 7))
    np.testing.assert_allclose(many[:, : few.shape[1]], few, atol=1e-6)
    assert not np.allclose(many[:, few.shape[1] : 2 * few.shape[1]], few)


@pytest.mark.parametrize("kind", [GOOGLE, SKETCHED], ids=["identity", "count-sketch"])
def test_the_reference_draws_a_repetition_from_the_seed_and_its_number(draw: Draw, kind: dict[str, Any]) -> None:
    documents = draw(3, [5, 2])
    first, second = (fit(kind, repetitions=3 - seed, seed=seed) for seed in (0, 1))
    later = blocks(first, first.encode_documents(documents))[:, 1:]
    np.testing.assert_allclose(later, blocks(second, second.encode_documents(documents)), atol=1e-6)
