"""What MUVERA's encodings must satisfy, whatever is drawn: its algebra, its guarantees, and its statistics."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from wordhive.index import IndexConfig, InputError, MuveraConfig, WordVectors, faiss_library, parallel
from wordhive.index.candidates import CandidateIndex
from wordhive.index.encodings import Muvera, muvera
from wordhive.index.maxsim import maxsim

Draw = Callable[..., WordVectors]

quick = settings(max_examples=10, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10_000)

PLAIN: dict[str, Any] = {"projection_dim": None}
GOOGLE: dict[str, Any] = {"projection_dim": None, "google": True}
SKETCHED: dict[str, Any] = {"google": True, "projection": "count-sketch", "projection_dim": 4}
CENTRED: dict[str, Any] = {**PLAIN, "bits": 3, "fill": True, "centre": True}
KINDS: list[dict[str, Any]] = [
    PLAIN,
    {**PLAIN, "bits": 0},
    {**PLAIN, "bits": 4, "fill": True},
    {"projection_dim": 4, "fill": True},
    {"projection_dim": 3, "projection": "count-sketch"},
    {**PLAIN, "final_dim": 10},
    {**PLAIN, "final_dim": 10, "final_projection": "dense", "fill": True},
    {"projection_dim": 4, "final_dim": 7, "final_projection": "dense"},
    GOOGLE,
    {**GOOGLE, "bits": 4, "fill": True},
    {**SKETCHED, "fill": True},
    {**SKETCHED, "final_dim": 7},
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
both_layouts = pytest.mark.parametrize("layout", [PLAIN, GOOGLE], ids=["plain", "google"])
both_sides = pytest.mark.parametrize("side", ["encode_documents", "encode_queries"])


def fit(kind: dict[str, Any], dim: int = 8, sample: WordVectors | None = None, **settings: Any) -> Muvera:
    config = MuveraConfig(**{"repetitions": 3, "bits": 2, **kind, **settings})
    return Muvera.fit(config, WordVectors.empty(dim) if sample is None else sample)


def along_axes(bits: int, **settings: Any) -> Muvera:
    """One repetition whose hyperplanes are the axes: bit i of a word is whether its coordinate i is above 0."""
    config = MuveraConfig(repetitions=1, bits=bits, projection_dim=None, **settings)
    dim = max(bits, 1)
    return Muvera(config, np.eye(dim, dtype=np.float32)[None, :bits], None, np.zeros(dim, np.float32))


def encode(encoding: Muvera, side: str, *texts: Any) -> NDArray[np.float32]:
    encoded: NDArray[np.float32] = getattr(encoding, side)(WordVectors.from_list(texts))
    return encoded


def gaussian(seed: int, counts: list[int], dim: int = 8) -> WordVectors:
    """Words of any length, in any direction."""
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((sum(counts), dim)) * random.uniform(0.1, 10, (sum(counts), 1))
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    return WordVectors(vectors.astype(np.float32), offsets, np.zeros(sum(counts), np.uint32))


def blocks(encoding: Muvera, encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    return encoded.reshape(len(encoded), encoding.config.repetitions, 2**encoding.config.bits, -1)


def estimates(encoding: Muvera, queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    products = encoding.encode_queries(queries).astype(np.float64) @ encoding.encode_documents(documents).T
    mean: NDArray[np.float64] = products / encoding.config.repetitions
    return mean


def chamfer(queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    return maxsim(queries, documents.vectors, documents.offsets)


def target_bits(bucket: int, encoding: Muvera) -> str:
    """The signs that a bucket stands for, the first hyperplane's first."""
    bits = encoding.config.bits
    if encoding.config.google:
        return f"{bucket ^ bucket >> 1:0{bits}b}" if bits else ""
    return f"{bucket:0{bits}b}"[::-1] if bits else ""


def bits_of(word: NDArray[np.float32], planes: NDArray[np.float32]) -> str:
    return "".join("1" if float(plane @ word) > 0 else "0" for plane in planes)


def by_definition(encoding: Muvera, words: NDArray[np.float32], *, is_query: bool) -> NDArray[np.float64]:
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


# The definition, and what it is stored in.


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
    with pytest.raises(ValidationError, match="bits"):
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


# Determinism, and independence of everything but the text.


@pytest.mark.parametrize("kind", [*KINDS, CENTRED], ids=str)
@both_sides
def test_the_same_configuration_gives_the_same_bytes(draw: Draw, kind: dict[str, Any], side: str) -> None:
    sample, texts = draw(1, [4, 6]), draw(2, [5, 0, 3])
    one, other = fit(kind, sample=sample), fit(kind, sample=sample)
    assert getattr(one, side)(texts).tobytes() == getattr(other, side)(texts).tobytes()
    again = Muvera.from_tensors(one.config, one.tensors())
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
    monkeypatch.setattr(parallel, "_LEAST_WORK", 1)
    monkeypatch.setattr(parallel, "threads", lambda: 4)
    assert getattr(encoding, side)(texts).tobytes() == serial.tobytes()


# The algebra of sums and means.


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


# What the products mean.


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


# Buckets.


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


# Centring.


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


# Chance.


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


# Product quantisation: a byte for eight dims.


def test_products_with_codes_are_those_with_the_decoded_vectors(draw: Draw) -> None:
    documents, queries = draw(1, [4] * 400), draw(2, [3] * 20)
    encoding = fit(PLAIN, repetitions=2)
    encoded, asked = encoding.encode_documents(documents), encoding.encode_queries(queries)
    dim = encoding.dim
    # With as many vectors as centroids there is nothing to iterate.
    index = CandidateIndex.train(IndexConfig(candidates=f"PQ{dim // 8}x8np"), encoded[:256])
    index.add(encoded)
    quantiser = index._index.pq
    library = faiss_library.faiss()
    centroids = library.vector_to_array(quantiser.centroids).reshape(dim // 8, 256, 8)
    codes = library.vector_to_array(index._index.codes).reshape(400, -1)
    assert codes.nbytes * 32 == encoded.nbytes
    decoded = np.hstack([centroids[part, codes[:, part]] for part in range(dim // 8)])
    np.testing.assert_array_equal(index._index.reconstruct_n(0, 400), decoded)
    scores, numbers = index.search(asked, 400)
    expected = np.take_along_axis(asked @ decoded.T, numbers, axis=1)
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert not np.allclose(scores, np.take_along_axis(asked @ encoded.T, numbers, axis=1), atol=1e-2)
