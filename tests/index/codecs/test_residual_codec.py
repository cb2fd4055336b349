from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from wordhive.index import InputError, WordhiveError
from wordhive.index.codecs import load_codec, train_codec
from wordhive.index.tensors import read_tensors, write_tensors

LEVELS = {"Ternary": 3, "x1": 2, "x2": 4, "x4": 16}


def words(n: int, dim: int, seed: int = 1) -> NDArray[np.float32]:
    """Directions around a few of them, with lengths from 0 to 2, as words have them."""
    random = np.random.default_rng(seed)
    middles = np.random.default_rng(0).standard_normal((12, dim))
    drawn = middles[random.integers(0, 12, n)] + 0.5 * random.standard_normal((n, dim))
    lengths = random.uniform(0, 2, (n, 1))
    return (lengths * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def slowly_decoded(folder: Path, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """A centroid plus levels turned back, digit by digit, from what the file says."""
    tensors = read_tensors(folder / "words.safetensors")
    centroids, rotation, levels = (tensors[name].astype(np.float64) for name in ("centroids", "rotation", "levels"))
    size, (dim, n_levels) = int(tensors["centroid_bytes"][0]), levels.shape
    per_byte = {2: 8, 3: 5, 4: 4, 16: 2}[n_levels]
    vectors = []
    for code in codes.tolist():
        number = sum(byte * 256**place for place, byte in enumerate(code[:size]))
        digits = [byte // n_levels**place % n_levels for byte in code[size + 1 :] for place in range(per_byte)][:dim]
        residual = np.array([levels[k, digit] for k, digit in enumerate(digits)])
        vectors.append(centroids[number] + code[size] / 64 * (rotation @ residual))
    return np.array(vectors)


@pytest.mark.parametrize("dim", [1, 5, 8, 32])
@pytest.mark.parametrize("factory", ["Ternary8", "Ternary300", "Residual8x1", "Residual300x2", "Residual8x4"])
def test_decoding_is_centroid_plus_turned_levels(tmp_path: Path, factory: str, dim: int) -> None:
    codec = train_codec(factory, words(12_000, dim))
    codec.save(tmp_path, "words")
    codes = codec.encode(words(50, dim, seed=2))
    np.testing.assert_allclose(codec.decode(codes), slowly_decoded(tmp_path, codes), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(dim=st.integers(1, 40), factory=st.sampled_from(["Ternary5", "Residual5x1", "Residual5x2", "Residual5x4"]))
def test_every_vector_gets_the_nearest_levels_and_the_best_scale(dim: int, factory: str) -> None:
    codec = train_codec(factory, words(300, dim))
    vectors = words(40, dim, seed=3)
    residuals = (vectors - codec._centroids[_nearest(codec._centroids, vectors)]) @ codec._rotation  # type: ignore[attr-defined]
    levels = codec._levels  # type: ignore[attr-defined]
    nearest = levels[np.arange(dim), np.abs(residuals[:, :, None] - levels).argmin(axis=2)]
    scales = np.arange(256)[:, None, None] / 64
    expected = np.linalg.norm(residuals - scales * nearest, axis=2).min(axis=0)
    found = np.linalg.norm(codec.decode(codec.encode(vectors)) - vectors, axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def _nearest(centroids: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    return np.array([np.argmin(np.square(centroids - vector).sum(axis=1)) for vector in vectors])


@pytest.mark.parametrize(
    ("factory", "size"),
    [("Ternary256", 9), ("Ternary257", 10), ("Residual4x1", 6), ("Residual4x2", 10), ("Residual999x4", 19)],
)
def test_a_code_has_the_bytes_that_its_name_says(factory: str, size: int) -> None:
    assert train_codec(factory, words(100, 32)).encode(words(3, 32)).shape == (3, size)


def test_more_levels_and_more_centroids_lose_less() -> None:
    sample, unseen = words(20_000, 16), words(500, 16, seed=5)

    def error(factory: str) -> float:
        codec = train_codec(factory, sample)
        return float(np.square(codec.decode(codec.encode(unseen)) - unseen).mean())

    errors = [error(name) for name in ("Residual64x1", "Ternary64", "Residual64x2", "Residual64x4")]
    assert errors == sorted(errors, reverse=True)
    assert error("Ternary64") < 0.8 * error("Ternary1")


def test_the_fitted_rotation_loses_less_than_a_drawn_one() -> None:
    sample = words(5000, 16) * np.geomspace(1, 0.05, 16).astype(np.float32)
    codec = train_codec("Residual1x1", sample)
    drawn = np.linalg.qr(np.random.default_rng(3).standard_normal((16, 16)))[0].astype(np.float32)
    rotated = (sample - sample.mean(axis=0)) @ drawn
    steps = np.abs(rotated).mean(axis=0)
    lost = np.square(rotated - np.where(rotated > 0, steps, -steps)).mean()
    assert np.square(codec.decode(codec.encode(sample)) - sample).mean() < lost


def test_the_same_sample_gives_the_same_bytes(tmp_path: Path) -> None:
    sample = words(5000, 16)
    for name in ("a", "b"):
        train_codec("Ternary64", sample).save(tmp_path, name)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_blocks_are_encoded_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, vectors = train_codec("Ternary8", words(500, 8)), words(100, 8, seed=4)
    whole = codec.encode(vectors)
    monkeypatch.setattr("wordhive.index.codecs.residual._BLOCK", 7)
    np.testing.assert_array_equal(codec.encode(vectors), whole)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_vectors_unlike_a_small_sample_keep_their_direction(n: int) -> None:
    codec = train_codec("Ternary256", words(n, 16))
    unseen = words(200, 16, seed=9)
    decoded = codec.decode(codec.encode(unseen))
    assert (decoded * unseen).sum() > 0.7 * np.linalg.norm(decoded) * np.linalg.norm(unseen)


def test_a_sample_of_zeros_trains() -> None:
    codec = train_codec("Residual4x2", np.zeros((200, 8), np.float32))
    assert np.isfinite(codec.decode(codec.encode(words(3, 8)))).all()


@pytest.mark.parametrize("factory", ["Ternary65537", "Residual99999x2"])
def test_more_centroids_than_two_bytes_count_are_refused(factory: str) -> None:
    with pytest.raises(InputError, match="choose at most 65,536"):
        train_codec(factory, words(60, 8))


@pytest.mark.parametrize("missing", ["centroids", "rotation", "levels", "centroid_bytes"])
def test_a_file_without_a_tensor_is_damaged(tmp_path: Path, missing: str) -> None:
    train_codec("Ternary4", words(60, 8)).save(tmp_path, "words")
    tensors = read_tensors(tmp_path / "words.safetensors")
    del tensors[missing]
    write_tensors(tmp_path / "words.safetensors", tensors)
    with pytest.raises(WordhiveError, match=rf"words\.safetensors is damaged .*{missing}"):
        load_codec("Ternary4", tmp_path, "words", 8)
