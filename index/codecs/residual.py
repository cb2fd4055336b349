"""A centroid and a coarse residual: PLAID's codes (Santhanam et al. 2022), with fitted levels and a fitted rotation.

A vector is coded as its nearest centroid plus a residual. The residual is rotated, divided by a scale of its own, and
each of its dims is rounded to one of a few levels:

| levels | bits a dim | dims a byte |
|---|---|---|
| 2 | 1 | 8 |
| 3 | 1.6 | 5 |
| 4 | 2 | 4 |
| 6 | 2.7 | 3 |
| 16 | 4 | 2 |

The levels fit usual words. Without the scale, a word far from its centroid would be clipped
(docs/measurements/codecs.md).

Decoding needs no arithmetic on levels. For every value of every byte, a table holds the vector that it adds, rotated
back: a word is its centroid plus the scale times the sum of one row of each table.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..errors import InputError, damaged
from ..faiss import faiss_library
from ..tensors import read_tensors, tensor, write_tensors
from ..threads import run_in_blocks
from .layout import CodeParts

ENDING = ".safetensors"
# Dims that one byte holds, by levels of a dim.
_DIMS_A_BYTE = {2: 8, 3: 5, 4: 4, 6: 3, 16: 2}
_NAME = re.compile(r"(?P<kind>Residual|Ternary|Senary)(?P<centroids>[1-9]\d{0,5})(?:x(?P<bits>[124]))?")
_LEVELS = {"Ternary": 3, "Senary": 6}
_MOST_CENTROIDS = 65_536
# A centroid of fewer vectors lies on them: no residuals are left to learn levels from.
_VECTORS_A_CENTROID = 32
# Vectors and rounds to fit the rotation and the levels with; more do not improve them.
_SAMPLE = 20_000
_ROUNDS = 20
# Steps of the scale from 0 to 1; a byte of them reaches to 4.
_STEPS = 64
# Vectors that are encoded at once.
_BLOCK = 16_384
_SEED = 1


class ResidualCodec:
    """Codes of one or two bytes for the centroid, one for the scale, then the levels.

    Args:
        centroids: Float32 `[n, dim]`.
        rotation: Float32 `[dim, dim]`, orthogonal.
        levels: Float32 `[dim, n_levels]`, ascending, of the rotated residual.
        centroid_bytes: Bytes of a centroid's number, 1 or 2.
    """

    def __init__(
        self,
        centroids: NDArray[np.float32],
        rotation: NDArray[np.float32],
        levels: NDArray[np.float32],
        centroid_bytes: int,
    ) -> None:
        self._centroids, self._rotation, self._levels = centroids, rotation, levels
        self._centroid_bytes = centroid_bytes
        self.dim = int(centroids.shape[1])
        self.code_size = centroid_bytes + 1 + -(-self.dim // _DIMS_A_BYTE[levels.shape[1]])

    @cached_property
    def _tables(self) -> NDArray[np.float32]:
        return _tables(self._rotation, self._levels)

    @cached_property
    def _rows(self) -> NDArray[np.float32]:
        """The centroids, with zeros for the numbers that a single byte may hold beyond them."""
        missing = 256 - len(self._centroids) if self._centroid_bytes == 1 else 0
        return np.pad(self._centroids, ((0, missing), (0, 0)))

    @staticmethod
    def is_named(factory: str) -> bool:
        """Whether a factory string is one of this codec's: Senary256, Ternary256 (centroids), Residual256x2 (bits)."""
        named = _NAME.fullmatch(factory)
        return named is not None and (named["kind"] == "Residual") == bool(named["bits"])

    @classmethod
    def train(cls, factory: str, sample: NDArray[np.float32]) -> ResidualCodec:
        """A codec by its factory string, trained on `[n, dim]` vectors; fewer centroids where there are few of them.

        Raises:
            InputError: More than 65,536 centroids.
        """
        cls.check(factory)
        n_centroids, n_levels = _parsed(factory)
        centroids = _cluster(sample, n_centroids)
        part = sample[np.sort(np.random.default_rng(_SEED).permutation(len(sample))[:_SAMPLE])]
        residuals = part - centroids[_nearest(part, centroids)]
        rotation, levels = _fit(residuals, n_levels)
        return cls(centroids, rotation, levels, 1 if n_centroids <= 256 else 2)

    @staticmethod
    def check(factory: str) -> None:
        """Raise InputError for more than 65,536 centroids."""
        n_centroids, _ = _parsed(factory)
        if n_centroids > _MOST_CENTROIDS:
            raise InputError(f"codec {factory!r} has {n_centroids:,} centroids; choose at most {_MOST_CENTROIDS:,}")

    @staticmethod
    def sample_size(factory: str) -> int:
        """The number of vectors to train on; more do not improve the codec."""
        return max(_SAMPLE, _parsed(factory)[0] * _VECTORS_A_CENTROID)

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        codes = np.empty((len(vectors), self.code_size), np.uint8)
        for first in range(0, len(vectors), _BLOCK):
            part = np.asarray(vectors[first : first + _BLOCK], np.float32)
            nearest = _nearest(part, self._centroids)
            residuals = np.asarray(part - self._centroids[nearest], np.float32)
            rotated = np.asarray(residuals @ self._rotation, np.float32)
            digits = _digits(rotated, self._levels)
            block = codes[first : first + _BLOCK]
            for byte in range(self._centroid_bytes):
                block[:, byte] = nearest >> (8 * byte) & 255
            block[:, self._centroid_bytes] = _scales(rotated, _values(digits, self._levels))
            block[:, self._centroid_bytes + 1 :] = _packed(digits, self._levels.shape[1])
        return codes

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        codes = np.ascontiguousarray(codes)
        vectors = np.empty((len(codes), self.dim), np.float32)

        def block(first: int, last: int) -> None:
            _decode(codes, self._centroid_bytes, self._rows, self._tables, first, last, vectors)

        run_in_blocks(block, np.arange(len(codes) + 1))
        return vectors

    @cached_property
    def layout(self) -> CodeParts:
        """The numbers before the rotation back, where a byte selects nothing but its own dims."""
        dim, n_levels = self._levels.shape
        per_byte = _DIMS_A_BYTE[n_levels]
        rows = np.zeros((-(-dim // per_byte), 256, per_byte), np.float32)
        byte = np.arange(256)
        for k in range(dim):
            rows[k // per_byte, :, k % per_byte] = self._levels[k, byte // n_levels ** (k % per_byte) % n_levels]
        numbers = rows.shape[0] * per_byte
        rotation = np.pad(self._rotation, ((0, 0), (0, numbers - dim)))
        return CodeParts(rows / np.float32(_STEPS), 8, rotation, self._rows @ rotation, self._centroid_bytes)

    def check_codes(self, codes: NDArray[np.uint8]) -> None:
        """Raise ValueError for codes `[n, code_size]` with the number of no centroid."""
        if self._centroid_bytes == 2 and len(self._centroids) < _MOST_CENTROIDS:
            codes, most = np.asarray(codes), np.zeros(len(codes) // _BLOCK + 1, np.int64)
            run_in_blocks(
                lambda first, last: _most_numbers(codes, first, last, most), np.arange(len(most) + 1) * _BLOCK
            )
            if most.max() >= len(self._centroids):
                raise ValueError(f"a centroid has number {most.max()}; expected numbers below {len(self._centroids)}")

    def save(self, folder: Path, name: str) -> None:
        tensors: dict[str, NDArray[np.generic]] = {
            "centroids": self._centroids,
            "rotation": self._rotation,
            "levels": self._levels,
            "centroid_bytes": np.array([self._centroid_bytes]),
        }
        write_tensors(folder / f"{name}{ENDING}", tensors)

    @classmethod
    def load(cls, path: Path, factory: str, dim: int) -> ResidualCodec:
        """The codec that `save` wrote, by its factory string.

        Raises:
            WordhiveError: Any other file, or none.
        """
        tensors = read_tensors(path)
        n_centroids, n_levels = _parsed(factory)
        try:
            centroids = tensor(tensors, "centroids", None, dim)
            rotation, levels = tensor(tensors, "rotation", dim, dim), tensor(tensors, "levels", dim, n_levels)
            n_bytes = int(tensor(tensors, "centroid_bytes", 1)[0])
            if n_bytes != (1 if n_centroids <= 256 else 2) or not 0 < len(centroids) <= n_centroids:
                raise ValueError(f"{len(centroids)} centroids in {n_bytes} bytes")
        except ValueError as error:
            raise damaged(path, error) from error
        return cls(centroids, rotation, levels, n_bytes)


@njit(nogil=True, cache=True)
def _most_numbers(codes, first, last, most):  # type: ignore[no-untyped-def]
    for block in range(first, last):
        for word in range(block * _BLOCK, min((block + 1) * _BLOCK, len(codes))):
            most[block] = max(most[block], np.int64(codes[word, 0]) | np.int64(codes[word, 1]) << 8)


def _parsed(factory: str) -> tuple[int, int]:
    """Centroids and levels."""
    named = _NAME.fullmatch(factory)
    assert named is not None
    levels = 2 ** int(named["bits"]) if named["bits"] else _LEVELS[named["kind"]]
    return int(named["centroids"]), levels


def _cluster(sample: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """At most n centroids by k-means; the zero vector alone where there are too few vectors for one."""
    n = min(n, len(sample) // _VECTORS_A_CENTROID)
    if n == 0:
        return np.zeros((1, sample.shape[1]), np.float32)
    kmeans = faiss_library.faiss().Kmeans(sample.shape[1], n, niter=15, seed=_SEED, min_points_per_centroid=1)
    kmeans.train(np.ascontiguousarray(sample, np.float32))
    return np.asarray(kmeans.centroids, np.float32).reshape(n, -1)


def _nearest(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.int64]:
    halves = 0.5 * np.einsum("ij,ij->i", centroids, centroids)
    at_once = max(1, (1 << 24) // len(centroids))
    parts = [
        np.argmax(vectors[first : first + at_once] @ centroids.T - halves, axis=1)
        for first in range(0, len(vectors), at_once)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _fit(residuals: NDArray[np.float32], n_levels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A rotation and each dim's levels of a small squared error, in turns: levels by Lloyd, the rotation by Procrustes.

    It begins with a random rotation, which spreads what is left over all dims (as ITQ, Gong and Lazebnik 2011).
    """
    dim = residuals.shape[1]
    rotation = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((dim, dim)))[0].astype(np.float32)
    levels = _first_levels(residuals @ rotation, n_levels)
    for _ in range(_ROUNDS):
        rotated = residuals @ rotation
        digits = _digits(rotated, levels)
        levels = _means(rotated, digits, levels)
        left, _, right = np.linalg.svd(residuals.T @ _values(digits, levels))
        rotation = np.asarray(left @ right, np.float32)
    return rotation, _means(residuals @ rotation, _digits(residuals @ rotation, levels), levels)


def _first_levels(rotated: NDArray[np.float32], n_levels: int) -> NDArray[np.float32]:
    """Levels over each dim's spread; over that of a unit vector where nothing is left to see."""
    spread = np.sqrt(np.square(rotated).mean(axis=0)) if len(rotated) else np.zeros(rotated.shape[1])
    usual = float(np.sqrt(np.square(spread).mean())) or 1 / np.sqrt(rotated.shape[1])
    spread = np.where(spread > 0.01 * usual, spread, usual)
    # The middles of n_levels equal parts of ±2 standard deviations.
    steps = (np.arange(n_levels) + 0.5) * (4 / n_levels) - 2
    return np.asarray(spread[:, None] * steps, np.float32)


def _means(rotated: NDArray[np.float32], digits: NDArray[np.uint8], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the numbers that were rounded to each level; an unused level stays."""
    counts, sums = np.zeros(levels.shape, np.int64), np.zeros(levels.shape)
    _add_up(rotated, digits, counts, sums)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), levels)
    return np.sort(means.astype(np.float32), axis=1)


@njit(nogil=True, cache=True)
def _add_up(rotated, digits, counts, sums):  # type: ignore[no-untyped-def]
    for word in range(rotated.shape[0]):
        for k in range(rotated.shape[1]):
            counts[k, digits[word, k]] += 1
            sums[k, digits[word, k]] += rotated[word, k]


def _digits(rotated: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The nearest level of every dim, uint8 `[n, dim]`."""
    borders = np.ascontiguousarray(((levels[:, 1:] + levels[:, :-1]) / 2).T)
    digits = np.empty(rotated.shape, np.uint8)
    run_in_blocks(lambda first, last: _count_below(rotated, borders, first, last, digits), np.arange(len(rotated) + 1))
    return digits


@njit(nogil=True, cache=True)
def _count_below(rotated, borders, first, last, digits):  # type: ignore[no-untyped-def]
    # Integers as wide as the floats they count, so that both take as many lanes.
    counts = np.empty(rotated.shape[1], np.int32)
    for word in range(first, last):
        counts[:] = 0
        for border in range(len(borders)):
            for k in range(rotated.shape[1]):
                counts[k] += np.int32(rotated[word, k] > borders[border, k])
        for k in range(rotated.shape[1]):
            digits[word, k] = counts[k]


def _values(digits: NDArray[np.uint8], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The level of every digit, float32 `[n, dim]`."""
    values = np.empty(digits.shape, np.float32)
    run_in_blocks(lambda first, last: _look_up(digits, levels, first, last, values), np.arange(len(digits) + 1))
    return values


@njit(nogil=True, cache=True)
def _look_up(digits, levels, first, last, values):  # type: ignore[no-untyped-def]
    for word in range(first, last):
        for k in range(digits.shape[1]):
            values[word, k] = levels[k, digits[word, k]]


def _scales(rotated: NDArray[np.float32], values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The scale of each vector with the least squared error, in steps."""
    products, squares = np.einsum("ij,ij->i", rotated, values), np.einsum("ij,ij->i", values, values)
    scales = products / np.maximum(squares, np.finfo(np.float32).tiny)
    return np.asarray(np.clip(np.rint(_STEPS * scales), 0, 255), np.uint8)


def _packed(digits: NDArray[np.uint8], n_levels: int) -> NDArray[np.uint8]:
    """Digits packed into bytes, as numbers in base `n_levels`; the first dim is the last digit."""
    per_byte = _DIMS_A_BYTE[n_levels]
    n, dim = digits.shape
    packed = np.zeros((n, -(-dim // per_byte)), np.uint8)
    for position in range(per_byte):
        part = digits[:, position::per_byte]
        packed[:, : part.shape[1]] += part * np.uint8(n_levels**position)
    return packed


def _tables(rotation: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What each value of each byte of the levels adds to a vector, float32 `[n_bytes, 256, dim]`."""
    dim, n_levels = levels.shape
    per_byte = _DIMS_A_BYTE[n_levels]
    tables = np.zeros((-(-dim // per_byte), 256, dim), np.float32)
    byte = np.arange(256)
    for k in range(dim):
        digit = byte // n_levels ** (k % per_byte) % n_levels
        tables[k // per_byte] += levels[k, digit][:, None] * rotation[:, k]
    return tables


@njit(nogil=True, fastmath=True, cache=True)
def _decode(codes, centroid_bytes, centroids, tables, first, last, vectors):  # type: ignore[no-untyped-def]
    dim = centroids.shape[1]
    for word in range(first, last):
        number = np.int64(codes[word, 0])
        if centroid_bytes == 2:
            number += np.int64(codes[word, 1]) << 8
        for k in range(dim):
            vectors[word, k] = 0
        for byte in range(len(tables)):
            value = codes[word, centroid_bytes + 1 + byte]
            for k in range(dim):
                vectors[word, k] += tables[byte, value, k]
        scale = np.float32(codes[word, centroid_bytes]) / np.float32(_STEPS)
        for k in range(dim):
            vectors[word, k] = centroids[number, k] + scale * vectors[word, k]
