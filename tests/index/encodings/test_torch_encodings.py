"""Encodings by torch, on its own CPU device, against those of the compiled kernels."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordhive.index import InputError, MuveraConfig, WordhiveError, WordVectors
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import FittedEncoding, FusedEncoding, MuveraEncoding

Draw = Callable[..., WordVectors]
pytestmark = pytest.mark.usefixtures("in_float32")

TORCH = "cpu:0"  # "cpu" are the compiled kernels
SKETCH = {"projection_dim": 3, "projection": "count-sketch"}
SIDES = ["encode_documents", "encode_queries"]
MUVERAS: list[dict[str, Any]] = [
    {},
    {"fill": True},
    {"fill": True, "bits": 5},
    {"bits": 0, "fill": True},
    {"projection_dim": 4, "fill": True},
    SKETCH,
    {**SKETCH, "fill": True, "repetitions": 1},
    {"centre": True},
    {"centre": True, "fill": True, "projection_dim": 4},
    {"final_dim": 10},
    {"final_dim": 10, "final_projection": "dense", "fill": True},
    {"google": True, "fill": True, "bits": 3},
    {"google": True, "fill": True, **SKETCH, "final_dim": 7},
]
quick = settings(max_examples=25, deadline=None, derandomize=True, database=None)
counts = st.lists(st.integers(0, 6), min_size=1, max_size=8)


def muvera(sample: WordVectors, **settings: Any) -> MuveraEncoding:
    return MuveraEncoding.fit(MuveraConfig(**{"repetitions": 3, "bits": 2, "projection_dim": None, **settings}), sample)


def fitted(sample: WordVectors) -> FittedEncoding:
    return FittedEncoding.fit(FittedConfig(centroids=12, threshold=0.1, sample_words=40), sample)


def assert_same(
    encoding: MuveraEncoding | FittedEncoding | FusedEncoding, texts: WordVectors, side: str = "encode_documents"
) -> None:
    expected = getattr(encoding, side)(texts)
    encoded = getattr(encoding, side)(texts, TORCH)
    assert (encoded.dtype, encoded.shape) == (np.float32, expected.shape)
    np.testing.assert_allclose(encoded, expected, atol=1e-5 * max(1, np.abs(expected).max(initial=0)))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("settings", MUVERAS, ids=str)
def test_muvera_is_that_of_the_compiled_kernel(draw: Draw, settings: dict[str, Any], side: str) -> None:
    texts = draw(3, [5, 1, 0, 40, 2, 0])
    assert_same(muvera(texts, **settings), texts, side)


@quick
@given(seed=st.integers(0, 10_000), counts=counts, bits=st.integers(0, 6))
def test_any_batch_is_filled_like_the_compiled_kernel(draw: Draw, seed: int, counts: list[int], bits: int) -> None:
    texts = draw(seed, counts)
    assert_same(muvera(draw(1, [3]), bits=bits, fill=True, seed=seed), texts)


def test_a_fill_is_the_first_of_the_nearest_words(draw: Draw) -> None:
    words = draw(1, [30]).vectors
    texts = WordVectors.from_list([words, words[::-1], np.repeat(words[:2], 5, axis=0)])
    encoding = muvera(texts, bits=8, fill=True)
    np.testing.assert_array_equal(encoding.encode_documents(texts, TORCH)[2], encoding.encode_documents(texts)[2])
    assert_same(encoding, texts)


@pytest.mark.parametrize("side", SIDES)
def test_a_word_on_every_hyperplane_is_on_the_same_side(draw: Draw, side: str) -> None:
    texts = WordVectors.from_list([np.zeros((2, 8)), np.concatenate([np.zeros((1, 8)), draw(1, [3]).vectors])])
    assert_same(muvera(texts, bits=4, fill=True), texts, side)


def test_thousands_of_buckets_are_filled(draw: Draw) -> None:
    texts = draw(1, [3000, 5])
    assert_same(muvera(texts, bits=12, repetitions=1, fill=True), texts)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("numbers", [1, 40, 200])
def test_small_batches_encode_like_one(draw: Draw, monkeypatch: pytest.MonkeyPatch, numbers: int, side: str) -> None:
    texts = draw(3, [5, 1, 0, 0, 9, 2, 3])
    encodings = [muvera(texts, projection_dim=4, fill=True), fitted(texts)]
    expected = [getattr(encoding, side)(texts) for encoding in encodings]
    for family in ("muvera", "fitted"):
        monkeypatch.setattr(f"wordhive.index.encodings.{family}._BATCH_NUMBERS", numbers)
    for encoding, rows in zip(encodings, expected, strict=True):
        for device in ("cpu", TORCH):
            np.testing.assert_allclose(getattr(encoding, side)(texts, device), rows, atol=1e-5)


@pytest.mark.parametrize("side", SIDES)
@quick
@given(seed=st.integers(0, 10_000), counts=counts)
def test_fitted_is_that_of_the_compiled_kernel(draw: Draw, seed: int, counts: list[int], side: str) -> None:
    assert_same(fitted(draw(7, [5, 9, 0, 14, 8, 20, 3])), draw(seed, counts), side)


@pytest.mark.parametrize("reduction", [None, ReductionConfig(dims=6, queries=50)], ids=["full", "reduced"])
@pytest.mark.parametrize(
    "config", [FittedConfig(centroids=8, sample_words=64), MuveraConfig(repetitions=3, bits=2, projection_dim=4)]
)
@pytest.mark.parametrize("side", SIDES)
def test_fused_is_that_of_the_compiled_kernels(
    draw: Draw, config: FittedConfig | MuveraConfig, reduction: ReductionConfig | None, side: str
) -> None:
    texts = draw(1, [5, 0, 3] * 10, summary_dim=4)
    assert_same(FusedEncoding.fit(config, texts, 0.6, reduction), texts, side)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("counts", [[], [0], [0, 0]])
def test_texts_without_words_are_zeros(draw: Draw, counts: list[int], side: str) -> None:
    for encoding in (muvera(draw(1, [3]), fill=True), muvera(draw(1, [3]), final_dim=5), fitted(draw(1, [9]))):
        encoded = getattr(encoding, side)(draw(1, counts), TORCH)
        np.testing.assert_array_equal(encoded, np.zeros((len(counts), encoding.dim)))


def test_parameters_and_words_that_cannot_be_written_to_are_taken(draw: Draw) -> None:
    texts = draw(1, [3, 4])
    encoding = muvera(texts, fill=True)
    for array in (texts.vectors, texts.offsets, encoding.hyperplanes):
        array.flags.writeable = False
    assert_same(encoding, texts)
    assert_same(encoding, WordVectors(texts.vectors[::-1], texts.offsets, texts.word_ids))


@pytest.mark.parametrize("device", ["banana", "", "cuda:x", "CUDA"])
@pytest.mark.parametrize("side", SIDES)
def test_a_device_that_is_none_is_refused(draw: Draw, device: str, side: str) -> None:
    for encoding in (muvera(draw(1, [3])), fitted(draw(1, [9]))):
        with pytest.raises(InputError, match=f"device is '{device}'; choose cpu, cuda .* or mps"):
            getattr(encoding, side)(draw(1, []), device)


@pytest.mark.parametrize("device", ["meta", "hpu", "cuda:99"])
def test_a_device_that_is_not_there_is_named(draw: Draw, device: str) -> None:
    with pytest.raises(WordhiveError, match=rf"device '{device}' was asked for, but torch cannot use it \(.*the cpu$"):
        muvera(draw(1, [3])).encode_documents(draw(1, [3]), device)


def test_torch_is_imported_for_a_device_of_its_own_alone() -> None:
    code = """if True:
        import sys
        import numpy as np
        from wordhive.index import MuveraConfig, WordVectors
        from wordhive.index.encodings import MuveraEncoding
        texts = WordVectors.from_list([np.eye(3)])
        encoding = MuveraEncoding.fit(MuveraConfig(repetitions=1, bits=1, projection_dim=None), texts)
        encoding.encode_documents(texts)
        assert "torch" not in sys.modules
        encoding.encode_documents(texts, "cpu:0")
        assert "torch" in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)
