"""Scores from codes against those of the decoded vectors, by the definition."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import Index, IndexConfig, WordVectors, threads
from wordhive.index.codecs import Codec, train_codec
from wordhive.index.scoring.code_scores import code_scores
from wordhive.index.scoring.code_spans import CodeSpans
from wordhive.index.scoring.summary_scores import summary_scores

Draw = Callable[..., WordVectors]
Trained = Callable[[str, int], Codec]

RESIDUAL = ("Residual256x1", "Residual256x2", "Residual256x4", "Ternary256", "Senary256", "Senary2", "Senary300")
PRODUCT = ("PQ{dims/4}x6", "PQ{dims/4}", "PQ{dims/2}x4", "PQ{dims/2}x3", "PQ{dims/4}x5", "OPQ{dims/4},PQ{dims/4}x6")
SCORED = (*RESIDUAL, *PRODUCT, "SQ8", "SQ6", "SQ4", "Flat")
# To train it in 128 dims takes seconds.
SLOW = ("OPQ{dims/4},PQ{dims/4}x6",)
# Their codes have to be decoded; the first because they are a single byte of two fields.
DECODED = ("PQ{dims/8}x4", "SQfp16", "RQ2x6", "RaBitQ", "PQ{dims/8}x9", "PCA4,PQ4x4")
# Shorter and longer than a tile of registers, and than what is unpacked at once.
COUNTS = [5, 0, 1, 130, 7, 8, 9, 0, 64, 65, 3]


@pytest.fixture(scope="module")
def codec(draw: Draw) -> Trained:
    known: dict[tuple[str, int], Codec] = {}

    def trained(factory: str, dim: int) -> Codec:
        if (factory, dim) not in known:
            # Not around 0, so that one start for all dims, or none, would be seen.
            known[factory, dim] = train_codec(factory, draw(7, [1200], dim).vectors + np.float32(0.1))
        return known[factory, dim]

    return trained


def of_codes(codec: Codec, queries: WordVectors, documents: WordVectors) -> NDArray[np.float32]:
    assert codec.layout is not None
    codes = codec.encode(documents.vectors)
    return code_scores(queries, codec.layout, CodeSpans.of([(codes, documents.offsets[:-1], documents.offsets[1:])]))


def slow(codec: Codec, queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    """The definition, of decoded vectors."""
    scores = np.zeros((len(queries), len(documents)))
    vectors = codec.decode(codec.encode(documents.vectors))
    products = queries.vectors.astype(np.float64) @ vectors.astype(np.float64).T
    for j in range(len(documents)):
        part = products[:, documents.offsets[j] : documents.offsets[j + 1]]
        for i in range(len(queries)):
            if part.shape[1]:
                scores[i, j] = part[queries.offsets[i] : queries.offsets[i + 1]].max(axis=1).sum()
    return scores


def check(codec: Codec, queries: WordVectors, documents: WordVectors) -> None:
    found = of_codes(codec, queries, documents)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow(codec, queries, documents), rtol=1e-5, atol=1e-5)


# Tables for 12 words, unpacked for 70.
@pytest.mark.parametrize("n_words", [1, 12, 70])
@pytest.mark.parametrize("dim", [8, 32, 128])
@pytest.mark.parametrize("factory", [name for name in SCORED if name not in SLOW])
def test_scores_from_codes_are_those_of_the_decoded_vectors(
    draw: Draw, codec: Trained, factory: str, dim: int, n_words: int
) -> None:
    check(codec(factory, dim), draw(1, [n_words], dim), draw(2, COUNTS, dim))


@pytest.mark.parametrize("n_words", range(1, 41))
@pytest.mark.parametrize("factory", ["Senary256", "PQ{dims/4}x6", "SQ8", "Flat"])
def test_any_number_of_query_words_is_scored_in_full(draw: Draw, codec: Trained, factory: str, n_words: int) -> None:
    check(codec(factory, 16), draw(1, [n_words], 16), draw(2, [5, 1, 12], 16))


@pytest.mark.parametrize("dim", [7, 10, 33])
@pytest.mark.parametrize("factory", ["Residual256x1", "Residual256x2", "Ternary256", "Senary256", "SQ8", "SQ6", "SQ4"])
def test_dims_that_fill_no_byte_or_register_are_scored_in_full(
    draw: Draw, codec: Trained, factory: str, dim: int
) -> None:
    check(codec(factory, dim), draw(1, [5], dim), draw(2, COUNTS, dim))
    check(codec(factory, dim), draw(1, [70], dim), draw(2, COUNTS, dim))


@pytest.mark.parametrize("factory", SCORED)
def test_several_queries_have_each_their_own_scores(draw: Draw, codec: Trained, factory: str) -> None:
    check(codec(factory, 16), draw(1, [3, 0, 20, 1, 0], 16), draw(2, COUNTS, 16))
    check(codec(factory, 16), draw(1, [30, 0, 50, 1, 19], 16), draw(2, COUNTS, 16))


@pytest.mark.parametrize("factory", SCORED)
def test_scores_below_zero_are_not_clipped(draw: Draw, codec: Trained, factory: str) -> None:
    trained, documents = codec(factory, 8), draw(2, COUNTS, 8)
    near = WordVectors(np.abs(documents.vectors), documents.offsets, documents.word_ids)
    queries = draw(1, [4], 8)
    away = WordVectors(-np.abs(queries.vectors), queries.offsets, queries.word_ids)
    scores = of_codes(trained, away, near)
    assert scores[0, 0] < 0
    check(trained, away, near)


@pytest.mark.parametrize("factory", SCORED)
def test_nothing_scores_zero(draw: Draw, codec: Trained, factory: str) -> None:
    trained = codec(factory, 8)
    assert of_codes(trained, draw(1, [0, 0], 8), draw(2, [2, 3], 8)).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert of_codes(trained, draw(1, [3], 8), draw(2, [0, 0], 8)).tolist() == [[0.0, 0.0]]
    assert of_codes(trained, draw(1, [3], 8), WordVectors.empty(8)).shape == (1, 0)
    assert of_codes(trained, WordVectors.empty(8), draw(2, [2], 8)).shape == (0, 1)


@pytest.mark.parametrize("n_words", [5, 70])
@pytest.mark.parametrize("factory", ["Senary256", "PQ{dims/4}x6", "SQ8", "Flat"])
def test_threads_give_the_same_scores(
    draw: Draw, codec: Trained, factory: str, n_words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, queries, documents = codec(factory, 16), draw(1, [n_words], 16), draw(2, COUNTS * 4, 16)
    serial = of_codes(trained, queries, documents)
    monkeypatch.setattr(threads, "_LEAST_WORK", 1)
    monkeypatch.setattr(threads, "threads", lambda: 3)
    np.testing.assert_array_equal(of_codes(trained, queries, documents), serial)


def test_documents_of_several_arrays_are_scored_in_order(draw: Draw, codec: Trained) -> None:
    trained, queries, documents = codec("Senary256", 16), draw(1, [5], 16), draw(2, COUNTS, 16)
    codes, starts, ends = trained.encode(documents.vectors), documents.offsets[:-1], documents.offsets[1:]
    other = np.concatenate([codes[:3], codes])  # the same, three words further on
    assert trained.layout is not None
    found = code_scores(queries, trained.layout, CodeSpans.of([(codes, starts, ends), (other, starts + 3, ends + 3)]))
    one = of_codes(trained, queries, documents)
    np.testing.assert_array_equal(found, np.concatenate([one, one], axis=1))


@pytest.mark.parametrize("n_queries", [0, 1, 3, 6])
@pytest.mark.parametrize("factory", [*SCORED, "RQ2x6", "RaBitQ"])
def test_summaries_score_as_their_decoded_vectors(draw: Draw, codec: Trained, factory: str, n_queries: int) -> None:
    trained, queries = codec(factory, 16), draw(3, [n_queries], 16).vectors
    codes = trained.encode(draw(4, [50], 16).vectors)
    found = summary_scores(queries, trained, codes)
    np.testing.assert_allclose(found, queries.astype(np.float64) @ trained.decode(codes).T, rtol=1e-5, atol=1e-5)
    assert found.shape == (n_queries, 50)
    assert summary_scores(queries, trained, codes[:0]).shape == (n_queries, 0)


@pytest.mark.parametrize("factory", DECODED)
def test_other_codecs_have_no_layout(codec: Trained, factory: str) -> None:
    assert codec(factory, 16).layout is None


@pytest.mark.parametrize("factory", ["Senary256", "PQ{dims/4}x6", "SQ8", "Flat", "RQ2x6"])
def test_an_index_scores_as_its_decoded_vectors(
    draw: Draw, slow_scores: Callable[..., NDArray[np.float64]], tmp_path: Path, factory: str
) -> None:
    """Over several segments, one of before codecs were trained, and with a document deleted."""
    config = IndexConfig(codec=factory, summary_codec=factory, encoding=None)
    index = Index.create(tmp_path / "x.hive", config, summary_weight=0.3)
    counts = [3, 0, 5, 1] * 300
    for first, last in ((0, 40), (40, 1150), (1150, 1200)):
        part = draw(1, counts, 16, 8)[first:last]
        index.add([str(i) for i in range(first, last)], part)
    index.delete(["1160"])
    queries, rows = draw(5, [4, 0, 7], 16, 8), np.array([1199, 3, 3, 45, 2, 1160, 700, 41, 0])
    kept = index.snapshot().vectors(rows)
    expected = slow_scores(queries, kept, 0.3)
    for i in range(len(queries)):
        found = index.snapshot().score(queries[i : i + 1], rows)
        assert found.rows.tolist() == [0, 2, 3, 41, 45, 700, 1199]
        np.testing.assert_allclose(found.total, expected[i], atol=1e-5)


@pytest.mark.slow
def test_a_processor_with_narrow_registers_scores_alike(tmp_path: Path) -> None:
    narrow = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse4.2,+popcnt,+bmi,+bmi2"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", __file__, "-k", "decoded_vectors"]
    done = subprocess.run(
        command,
        env={**os.environ, **narrow, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("codec", ["SQ8", "SQ6", "SQ4", "Flat", "PQ4x4", "Residual8x2"])
@pytest.mark.parametrize("size", [1e-12, 1e-30])
def test_a_query_is_scored_as_if_it_were_alone(draw: Callable[..., WordVectors], codec: str, size: float) -> None:
    documents, queries = draw(1, [3, 0, 5] * 20), draw(2, [4, 0, 3, 2])
    factors = np.repeat(np.float32([60_000, 1, size, 1]), queries.counts)[:, None]
    queries = WordVectors(queries.vectors * factors, queries.offsets, queries.word_ids)
    trained = train_codec(codec, documents.vectors)
    spans = CodeSpans.of([(trained.encode(documents.vectors), documents.offsets[:-1], documents.offsets[1:])])
    together = code_scores(queries, trained.layout, spans)  # type: ignore[arg-type]
    for place in range(len(queries)):
        alone = code_scores(queries[place : place + 1], trained.layout, spans)[0]  # type: ignore[arg-type]
        np.testing.assert_allclose(together[place], alone, rtol=1e-4, atol=1e-4 * np.abs(alone).max())
