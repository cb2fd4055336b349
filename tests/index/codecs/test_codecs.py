from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from wordhive.index import IndexConfig, InputError, WordhiveError
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.codecs import Codec, load_codec, train_codec
from wordhive.index.faiss import faiss_factory, faiss_library

RESIDUAL = ["Ternary4", "Residual4x1", "Residual4x2", "Residual300x4"]
FACTORIES = ["SQ8", "SQ6", "SQ4", "SQfp16", "Flat", "PQ4x4", "OPQ4,PQ4x4", "RQ2x4", "RaBitQ", *RESIDUAL]


def vectors(n: int, dim: int = 8, seed: int = 1) -> NDArray[np.float32]:
    drawn = np.random.default_rng(seed).standard_normal((n, dim))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@cache
def trained(factory: str) -> Codec:
    return train_codec(factory, vectors(300))


@pytest.mark.parametrize(("factory", "levels"), [("SQ8", 255), ("SQ4", 15)])
def test_scalar_codes_are_off_by_less_than_one_step(factory: str, levels: int) -> None:
    sample = vectors(60)
    codec = train_codec(factory, sample)
    step = 2 * 1.5 * np.abs(sample).max() / levels
    assert np.abs(codec.decode(codec.encode(sample)) - sample).max() < step


def test_half_precision_codes_are_the_nearest_halves() -> None:
    sample = vectors(20)
    codec = train_codec("SQfp16", sample)
    np.testing.assert_array_equal(codec.decode(codec.encode(sample)), sample.astype(np.float16))


def test_flat_codes_lose_nothing() -> None:
    sample = vectors(20)
    codec = train_codec("Flat", sample)
    np.testing.assert_array_equal(codec.decode(codec.encode(sample)), sample)


def test_product_codes_keep_the_vectors_they_can_tell_apart() -> None:
    sample = np.repeat(vectors(4, seed=3), 8, axis=0)
    codec = train_codec("PQ4x4", sample)
    np.testing.assert_allclose(codec.decode(codec.encode(sample)), sample, atol=1e-3)


@pytest.mark.parametrize(("factory", "size"), [("SQ8", 8), ("SQ4", 4), ("SQfp16", 16), ("Flat", 32), ("PQ4x4", 2)])
def test_a_code_has_the_size_its_name_says(factory: str, size: int) -> None:
    assert trained(factory).encode(vectors(3)).shape == (3, size)


@pytest.mark.parametrize("factory", FACTORIES)
def test_no_vectors_have_no_codes(factory: str) -> None:
    codec = trained(factory)
    assert codec.decode(codec.encode(vectors(60)[:0])).shape == (0, 8)


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_codec_read_back_gives_the_same_codes(tmp_path: Path, factory: str) -> None:
    codec = trained(factory)
    codec.save(tmp_path, "words")
    again = load_codec(factory, tmp_path, "words", 8)
    np.testing.assert_array_equal(again.encode(vectors(9, seed=2)), codec.encode(vectors(9, seed=2)))


def test_a_slice_of_codes_is_decoded_alike() -> None:
    codec = train_codec("SQ8", vectors(60))
    codes = codec.encode(vectors(10))
    np.testing.assert_array_equal(codec.decode(codes[::2]), codec.decode(codes)[::2])


@pytest.mark.parametrize("factory", ["Rubbish", "", "PQ3"])
def test_a_string_that_is_no_codec_is_named(factory: str) -> None:
    with pytest.raises(InputError, match=f"codec '{factory}' is no FAISS factory string for 8 dims.*Ternary256.*SQ8"):
        train_codec(factory, vectors(60))


def test_an_index_that_encodes_no_single_vectors_is_refused() -> None:
    with pytest.raises(InputError, match="codec 'HNSW16' cannot encode single vectors"):
        train_codec("HNSW16", vectors(60))


def test_too_few_vectors_for_product_codes_are_counted() -> None:
    with pytest.raises(InputError, match="codec 'PQ4' cannot be trained on 60 vectors"):
        train_codec("PQ4", vectors(60))


@pytest.mark.parametrize(("factory", "ending"), [("SQ8", "faiss"), ("Ternary4", "safetensors")])
@pytest.mark.parametrize("damage", [b"", b"garbage" * 20])
def test_a_damaged_file_is_named(tmp_path: Path, factory: str, ending: str, damage: bytes) -> None:
    (tmp_path / f"words.{ending}").write_bytes(damage)
    with pytest.raises(WordhiveError, match=rf"words\.{ending} is damaged"):
        load_codec(factory, tmp_path, "words", 8)


def test_the_range_of_a_small_sample_is_widened() -> None:
    widened = faiss_factory.widened(np.array([[0.5, -2.0]], np.float32), "SQ8", 10)
    assert (widened.min(axis=0).tolist(), widened.max(axis=0).tolist()) == ([-3.0, -3.0], [3.0, 3.0])


def test_the_sample_itself_stays_in_what_is_widened() -> None:
    np.testing.assert_array_equal(faiss_factory.widened(vectors(5), "SQ4", 10)[:5], vectors(5))


@pytest.mark.parametrize("factory", ["Flat", "PQ4x4", "HNSW16", "IVF2,SQ8"])
def test_only_scalar_quantisers_are_widened(factory: str) -> None:
    assert len(faiss_factory.widened(vectors(5), factory, 10)) == 5


def test_a_large_sample_is_not_widened() -> None:
    assert len(faiss_factory.widened(vectors(5), "SQ8", 5)) == 5


def test_a_sample_of_zeros_trains() -> None:
    codec = train_codec("SQ8", np.zeros((3, 8), np.float32))
    np.testing.assert_allclose(codec.decode(codec.encode(np.zeros((1, 8), np.float32))), 0, atol=1e-6)


@pytest.fixture
def without_faiss(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    faiss_library.faiss.cache_clear()
    monkeypatch.setitem(sys.modules, "faiss", None)
    yield
    monkeypatch.undo()
    faiss_library.faiss.cache_clear()


@pytest.mark.usefixtures("without_faiss")
def test_without_faiss_training_a_codec_names_what_to_install() -> None:
    with pytest.raises(WordhiveError, match=r"FAISS is not installed.*faiss-cpu.*faiss-gpu-cuvs"):
        train_codec("SQ8", vectors(3))


@pytest.mark.usefixtures("without_faiss")
def test_without_faiss_reading_a_codec_names_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(WordhiveError, match="faiss-cpu"):
        load_codec("SQ8", tmp_path, "words", 8)


@pytest.mark.usefixtures("without_faiss")
def test_without_faiss_training_candidates_names_what_to_install() -> None:
    with pytest.raises(WordhiveError, match="faiss-cpu"):
        CandidateIndex.train(IndexConfig(), vectors(3))


@pytest.mark.usefixtures("without_faiss")
def test_the_message_about_faiss_is_one_line() -> None:
    with pytest.raises(WordhiveError) as caught:
        faiss_library.faiss()
    assert "\n" not in str(caught.value)
