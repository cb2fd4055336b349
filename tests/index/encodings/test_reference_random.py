"""MUVERA's C++ reference: what it draws, and encodings that it printed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import InputError, MuveraConfig, WordVectors
from wordhive.index.config import IndexConfig
from wordhive.index.encodings import MuveraEncoding, reference_random

WORDS = np.array([[((37 * i + 17 * j) % 101 - 50) / 50 for j in range(8)] for i in range(5)], np.float32)


def encode(kind: str, **settings: object) -> NDArray[np.float32]:
    text = WordVectors.from_list([WORDS])
    config = MuveraConfig(google=True, projection="count-sketch", **settings)  # type: ignore[arg-type]
    encoding = MuveraEncoding.fit(config, text)
    return (encoding.encode_queries(text) if kind == "query" else encoding.encode_documents(text))[0]


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (1, [0.30639967, 0.15606569, -0.42438623, -0.5680398, -0.20454669, -0.80628866]),
        (42, [1.2219213, -0.51696414, 0.86963594, 0.72133267]),
    ],
)
def test_normal_numbers_are_those_of_the_reference(seed: int, expected: list[float]) -> None:
    stream = reference_random.MersenneTwister(seed)
    drawn = np.array([stream.normal() for _ in expected], np.float32)
    np.testing.assert_array_equal(drawn, np.array(expected, np.float32))


@pytest.mark.parametrize(("dim", "targets"), [(4, [1, 3, 1, 0, 0, 2, 2, 1]), (6, [2, 5, 1, 1, 1, 4, 3, 1])])
def test_count_sketches_are_those_of_the_reference(dim: int, targets: list[int]) -> None:
    sketch = reference_random.count_sketch(1, 8, dim)
    assert sketch.tolist() == [targets, [-1, 1, 1, 1, 1, -1, 1, -1]]


def test_raw_words_are_those_of_the_standard() -> None:
    stream = reference_random.MersenneTwister(5489)
    assert [stream.word() for _ in range(10_000)][-1] == 4_123_659_995  # the C++ standard, [rand.predef]


GOLDEN = {
    "document": ("document", {"projection_dim": None, "fill": True}, -8.40, 6.803058,
                 [-0.16, 0.18, 0.52, 0.86, -0.82, -0.48, -0.14, 0.20]),
    "query": ("query", {"projection_dim": None}, -3.76, 5.5615826,
              [-0.32, 0.36, 1.04, 1.72, -1.64, -0.96, -0.28, 0.40]),
    "document, sketched inside": ("document", {"projection_dim": 4, "fill": True}, -3.80, 7.686716,
                                  [0.04, 0.48, 0.34, 0.18, -0.70, -2.18, 0.34, 0.82]),
    "query, sketched inside": ("query", {"projection_dim": 4, "bits": 2, "repetitions": 1}, -0.52, 3.7877698,
                               [-0.62, -1.22, 1.02, 1.18, 0.78, 1.12, -1.68, -0.46]),
    "document, sketched at last": ("document", {"projection_dim": None, "fill": True, "final_dim": 6}, -2.96,
                                   4.2306504, [2.88, -0.76, -1.80, -2.30, -0.58, -0.40]),
}  # fmt: skip
LENGTHS = {"document": 128, "query": 128, "document, sketched inside": 64, "query, sketched inside": 16}


@pytest.mark.parametrize("name", GOLDEN)
def test_encodings_are_those_of_the_reference(name: str) -> None:
    kind, settings, total, norm, first = GOLDEN[name]
    encoded = encode(kind, **{"repetitions": 2, "bits": 3, **settings})
    assert len(encoded) == LENGTHS.get(name, 6)
    assert float(encoded.sum()) == pytest.approx(total, abs=2e-5)
    assert float(np.linalg.norm(encoded)) == pytest.approx(norm, abs=1e-6)
    np.testing.assert_allclose(encoded[: len(first)], first, atol=1e-6)


def test_a_query_has_as_many_numbers_as_the_reference_says() -> None:
    assert np.count_nonzero(encode("query", repetitions=2, bits=3, projection_dim=None)) == 72


def test_its_buckets_are_ours_in_another_order() -> None:
    text = WordVectors.from_list([WORDS])
    ours = MuveraEncoding.fit(MuveraConfig(repetitions=1, bits=3, projection_dim=None), text)
    theirs = MuveraEncoding.fit(MuveraConfig(repetitions=1, bits=3, projection_dim=None, google=True), text)
    ours.hyperplanes = theirs.hyperplanes
    blocks = [np.sort(e.encode_documents(text).reshape(8, 8), axis=0) for e in (ours, theirs)]
    np.testing.assert_array_equal(*blocks)


@pytest.mark.parametrize(
    "settings", ["projection_dim: 4", "projection_dim: null, final_dim: 6, final_projection: dense"]
)
def test_dense_projections_are_none_of_its_own(settings: str) -> None:
    with pytest.raises(InputError, match="count-sketches only"):
        IndexConfig.parse(f"encoding: {{family: muvera, google: true, {settings}}}", "mine")
