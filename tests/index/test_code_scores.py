"""Scores from codes against those of the decoded vectors, by the definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.code_scores import code_scores as scores_of
from wordhive.index.code_spans import CodeSpans
from wordhive.index.codecs import ByteSteps, Codec, CodeParts, train_codec

Draw = Callable[..., WordVectors]
Trained = Callable[[str, int], Codec]

RESIDUAL = ("Residual256x1", "Residual256x2", "Residual256x4", "Ternary256", "Senary256", "Senary2", "Senary300")
PRODUCT = ("PQ{dims/4}x6", "PQ{dims/4}", "PQ{dims/8}x4", "PQ{dims/4}x3", "PQ{dims/8}x5", "OPQ{dims/4},PQ{dims/4}x6")
SCALAR = ("SQ8", "SQ6", "SQ4")
# Their codes have to be decoded, or are the vectors.
OTHERS = ("Flat", "SQfp16", "RQ2x6", "RaBitQ", "PQ{dims/8}x9")
COUNTS = [5, 0, 1, 130, 7, 8, 9, 0, 64, 65, 3]


@pytest.fixture(scope="module")
def codec(draw: Draw) -> Trained:
    known: dict[tuple[str, int], Codec] = {}

    def trained(factory: str, dim: int) -> Codec:
        if (factory, dim) not in known:
            # Not around 0, so that one start for all dims, or none, would be seen.
            known[factory, dim] = train_codec(factory, draw(7, [10_000], dim).vectors[:1200] + np.float32(0.1))
        return known[factory, dim]

    return trained


def check(codec: Codec, queries: WordVectors, documents: WordVectors) -> None:
    codes = codec.encode(documents.vectors)
    decoded = WordVectors(codec.decode(codes), documents.offsets, documents.word_ids)
    assert isinstance(codec.layout, (CodeParts, ByteSteps))
    found = scores_of(queries, codec.layout, CodeSpans.of([(codes, documents.offsets[:-1], documents.offsets[1:])]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow(queries, decoded), rtol=1e-5, atol=1e-5)


def slow(queries: WordVectors, documents: WordVectors) -> NDArray[np.float64]:
    """The definition, in matrices."""
    scores = np.zeros((len(queries), len(documents)))
    products = queries.vectors.astype(np.float64) @ documents.vectors.astype(np.float64).T
    for j in range(len(documents)):
        part = products[:, documents.offsets[j] : documents.offsets[j + 1]]
        for i in range(len(queries)):
            if part.shape[1]:
                scores[i, j] = part[queries.offsets[i] : queries.offsets[i + 1]].max(axis=1).sum()
    return scores


@pytest.mark.parametrize("dim", [8, 32, 128])
@pytest.mark.parametrize("factory", [*RESIDUAL, *PRODUCT, *SCALAR])
@pytest.mark.parametrize("n_words", [1, 12, 40])
def test_scores_from_codes_are_those_of_the_decoded_vectors(
    draw: Draw, codec: Trained, factory: str, dim: int, n_words: int
) -> None:
    check(codec(factory, dim), draw(1, [n_words], dim), draw(2, COUNTS, dim))


@pytest.mark.parametrize("n_words", range(1, 41))
@pytest.mark.parametrize("factory", ["Senary256", "PQ{dims/4}x6", "SQ8"])
def test_any_number_of_query_words_is_scored_in_full(draw: Draw, codec: Trained, factory: str, n_words: int) -> None:
    check(codec(factory, 16), draw(1, [n_words], 16), draw(2, [5, 1, 12], 16))
