"""MUVERA's fixed dimensional encodings (Dhulipala et al., NeurIPS 2024, section 2).

Random hyperplanes cut the space into buckets. A query's block of a bucket is the *sum* of its words there, a
document's the *mean*, so that one inner product adds up every query word with the document words near it.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..config import MuveraConfig
from ..errors import InputError
from ..tensors import tensor
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from . import reference_random
from .batches import batches
from .calibration import fitted_scale

# Working memory of one batch of documents, in float32 numbers.
_BATCH_NUMBERS = 16_000_000


class MuveraEncoding:
    """A MUVERA encoding with its drawn parameters; see `Encoding`.

    Attributes:
        hyperplanes: Float32 `[repetitions, bits, dim]`.
        projections: Float32 `[repetitions, projection_dim, dim]`, or None where buckets keep the words' dims.
        mean: Float32 `[dim]`, the origin of the buckets, subtracted from document words too; zeros unless centred.
        sketch: Int64 `[2, length]`, target and sign of every coordinate in the final count-sketch, or None.
        final: Int8 `[final_dim, length]`, the signs of the final dense projection, or None.
    """

    is_summary: ClassVar[bool] = False

    def __init__(
        self,
        config: MuveraConfig,
        hyperplanes: NDArray[np.float32],
        projections: NDArray[np.float32] | None,
        mean: NDArray[np.float32],
        sketch: NDArray[np.int64] | None = None,
        final: NDArray[np.int8] | None = None,
    ) -> None:
        self.config = config
        self.hyperplanes = hyperplanes
        self.projections = projections
        self.mean = mean
        self.sketch = sketch
        self.final = final

    @classmethod
    def fit(cls, config: MuveraConfig, sample: WordVectors, queries: WordVectors | None = None) -> MuveraEncoding:
        """Draw the parameters for words of the sample's dims. Only the centre depends on the sample's values.

        Raises:
            InputError: The inner projection has more dims than the words.
        """
        dim, inner = sample.dim, config.projection_dim
        if inner is not None and inner > dim:
            raise InputError(f"projection_dim is {inner}, but the words have {dim} dims; choose at most {dim}")
        draw = _draw_as_google if config.google else _draw
        hyperplanes, projections = draw(config, dim, inner if inner is not None and inner < dim else None)
        mean = np.zeros(dim, np.float32)
        if config.centre and len(sample.vectors):
            mean = sample.vectors.mean(axis=0)
        encoding = cls(config, hyperplanes, projections, mean)
        if config.final_dim is not None and config.final_dim < encoding.dim:
            encoding._draw_final(config.final_dim, encoding.dim)
        return encoding

    def _draw_final(self, final_dim: int, dim: int) -> None:
        config = self.config
        stream = np.random.default_rng((config.seed, config.repetitions, dim))
        if config.google:
            self.sketch = reference_random.count_sketch(config.seed, dim, final_dim)
        elif config.final_projection == "count-sketch":
            self.sketch = np.stack([stream.integers(0, final_dim, dim), stream.integers(0, 2, dim) * 2 - 1])
        else:
            self.final = (stream.integers(0, 2, (final_dim, dim), np.int8) * 2 - 1).astype(np.int8)

    @property
    def dim(self) -> int:
        """Length of an encoding."""
        if self.sketch is not None or self.final is not None:
            assert self.config.final_dim is not None
            return self.config.final_dim
        return self._full_dim

    def dims(self, word_dim: int, summary_dim: int) -> tuple[int, int]:
        """Length of a query's vector and of a document's.

        Raises:
            ValueError: Words of other dims.
        """
        self._check(word_dim)
        return self.dim, self.dim

    @property
    def _block_dim(self) -> int:
        source = self.hyperplanes if self.projections is None else self.projections
        return int(source.shape[2] if self.projections is None else source.shape[1])

    def encode_documents(self, documents: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_documents, dim]`; a document without words is all zeros."""
        return self._encode_batches(documents, device, is_query=False)

    def encode_queries(self, queries: WordVectors, device: str = "cpu") -> NDArray[np.float32]:
        """Float32 `[n_queries, dim]`."""
        return self._encode_batches(queries, device, is_query=True)

    def scale(self, sample: WordVectors) -> float:
        """A MUVERA inner product grows with the repetitions and shrinks with the bits: its scale is fitted."""
        return fitted_scale(self, sample, self.config.seed)

    def folded(self, matrix: NDArray[np.float32]) -> None:
        """None: words are added up in buckets, which no matrix can be multiplied into beforehand."""

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """All parameters by name, as `from_tensors` reads them."""
        tensors: dict[str, NDArray[np.generic]] = {"hyperplanes": self.hyperplanes, "mean": self.mean}
        if self.projections is not None:
            tensors["projections"] = self.projections
        if self.sketch is not None:
            tensors["sketch"] = self.sketch
        if self.final is not None:
            tensors["final"] = self.final
        return tensors

    @classmethod
    def from_tensors(cls, config: MuveraConfig, tensors: dict[str, NDArray[np.generic]]) -> MuveraEncoding:
        """The encoding whose `tensors()` these are.

        Raises:
            ValueError: A tensor that is missing or misshapen.
        """
        hyperplanes = tensor(tensors, "hyperplanes", config.repetitions, config.bits, None)
        dim, inner = hyperplanes.shape[2], config.projection_dim
        projections = None
        if inner is not None and inner < dim:
            projections = tensor(tensors, "projections", config.repetitions, inner, dim)
        encoding = cls(config, hyperplanes, projections, tensor(tensors, "mean", dim))
        if encoding._full_dim > _BATCH_NUMBERS:
            raise ValueError(f"{encoding._full_dim:,} dims; expected at most {_BATCH_NUMBERS:,}")
        if config.final_dim is not None and config.final_dim < encoding._full_dim:
            encoding._take_final(tensors, config.final_dim, encoding._full_dim)
        return encoding

    def _take_final(self, tensors: dict[str, NDArray[np.generic]], final_dim: int, dim: int) -> None:
        if not self.config.google and self.config.final_projection == "dense":
            self.final = tensor(tensors, "final", final_dim, dim).astype(np.int8)
            return
        tensor(tensors, "sketch", 2, dim)
        self.sketch = tensors["sketch"].astype(np.int64)
        if self.sketch[0].min() < 0 or self.sketch[0].max() >= final_dim:
            raise ValueError(f"tensor 'sketch' has places beyond {final_dim} dims")

    @property
    def _full_dim(self) -> int:
        return self.config.repetitions * int(2**self.config.bits) * self._block_dim

    def _check(self, dim: int) -> None:
        if dim != self.hyperplanes.shape[2]:
            raise InputError(f"the words have {dim} dims, the encoding was fitted to {self.hyperplanes.shape[2]}")

    def _encode_batches(self, texts: WordVectors, device: str, *, is_query: bool) -> NDArray[np.float32]:
        self._check(texts.dim)
        most_words = _BATCH_NUMBERS // (self.config.repetitions * (self._block_dim + 1))
        parts = batches(texts, most_words, _BATCH_NUMBERS // self._full_dim)
        if device == "cpu":
            encoded = [self._encode(part, is_query=is_query) for part in parts]
        else:
            from .torch_muvera import muvera_encodings  # here, because importing torch takes a second

            encoded = list(muvera_encodings(self.config, self.tensors(), parts, device, is_query=is_query))
        return np.concatenate(encoded) if encoded else np.zeros((0, self.dim), np.float32)

    def _encode(self, texts: WordVectors, *, is_query: bool) -> NDArray[np.float32]:
        config, offsets = self.config, texts.offsets
        n_words, n_texts = len(texts.vectors), len(texts)
        centred = texts.vectors - self.mean if config.centre else texts.vectors
        # A query keeps its own words: ⟨q, d − mean⟩ and ⟨q, d⟩ rank alike, ⟨q − mean, d − mean⟩ doesn't.
        words = texts.vectors if is_query else centred
        signs = centred @ self.hyperplanes.reshape(-1, words.shape[1]).T > 0
        weights = 2 ** np.arange(config.bits, dtype=np.int32)
        if config.google:  # which reads the first hyperplane as the highest bit
            weights = weights[::-1]
        buckets = (signs.reshape(n_words, config.repetitions, config.bits) @ weights).astype(np.int32)
        if self.projections is None:
            projected = np.ascontiguousarray(words)[:, None, :]
        else:
            flat = self.projections.reshape(-1, words.shape[1])
            projected = (words @ flat.T).reshape(n_words, config.repetitions, self._block_dim)
        blocks = np.zeros((n_texts, config.repetitions, 2**config.bits, self._block_dim), np.float32)
        fill = config.fill and not is_query and config.bits > 0

        def block(first: int, last: int) -> None:
            _add_to_buckets(projected, buckets, offsets, first, last, is_query, fill, blocks)

        run_in_blocks(block, offsets * (config.repetitions * self._block_dim // 16 + 1))
        if config.google:
            # It numbers buckets so that neighbours differ in one sign: bucket i has the signs of i's Gray code.
            numbers = np.arange(2**config.bits)
            blocks = blocks[:, :, numbers ^ (numbers >> 1)]
        full = np.reshape(blocks, (n_texts, self._full_dim))
        if self.final is not None:
            return np.asarray(full @ (self.final.T / np.float32(np.sqrt(self.dim))), np.float32)
        if self.sketch is None:
            return full
        out = np.zeros((n_texts, self.dim), np.float32)
        _sketch_rows(full, self.sketch[0], self.sketch[1].astype(np.float32), out)
        return out


def _draw(config: MuveraConfig, dim: int, inner: int | None) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    # One stream a repetition: more repetitions leave the first ones as they are.
    streams = [np.random.default_rng((config.seed, repetition)) for repetition in range(config.repetitions)]
    hyperplanes = np.stack([s.standard_normal((config.bits, dim), np.float32) for s in streams])
    if inner is None:
        return hyperplanes, None
    draw = _dense_projection if config.projection == "dense" else _count_sketch
    return hyperplanes, np.stack([draw(stream, inner, dim) for stream in streams])


def _draw_as_google(
    config: MuveraConfig, dim: int, inner: int | None
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    seeds = range(config.seed, config.seed + config.repetitions)
    hyperplanes = np.stack([reference_random.hyperplanes(seed, config.bits, dim) for seed in seeds])
    if inner is None:
        return hyperplanes, None
    projections = np.zeros((config.repetitions, inner, dim), np.float32)
    for repetition, seed in enumerate(seeds):
        targets, signs = reference_random.count_sketch(seed, dim, inner)
        projections[repetition, targets, np.arange(dim)] = signs
    return hyperplanes, projections


def _dense_projection(stream: np.random.Generator, inner: int, dim: int) -> NDArray[np.float32]:
    signs = stream.integers(0, 2, (inner, dim)) * 2 - 1
    matrix: NDArray[np.float32] = (signs / np.sqrt(inner)).astype(np.float32)
    return matrix


def _count_sketch(stream: np.random.Generator, inner: int, dim: int) -> NDArray[np.float32]:
    matrix = np.zeros((inner, dim), np.float32)
    matrix[stream.integers(0, inner, dim), np.arange(dim)] = stream.integers(0, 2, dim) * 2 - 1
    return matrix


@njit(nogil=True, cache=True)
def _add_to_buckets(projected, buckets, offsets, first, last, is_query, fill, blocks):  # type: ignore[no-untyped-def]
    _, repetitions, n_buckets, dim = blocks.shape
    shared = projected.shape[1] == 1  # without inner projection every repetition adds the same vectors
    counts = np.empty(n_buckets, np.int64)
    for text in range(first, last):
        start, end = offsets[text], offsets[text + 1]
        if start == end:
            continue
        for r in range(repetitions):
            source = 0 if shared else r
            counts[:] = 0
            for word in range(start, end):
                bucket = buckets[word, r]
                counts[bucket] += 1
                for k in range(dim):
                    blocks[text, r, bucket, k] += projected[word, source, k]
            if is_query:
                continue
            for bucket in range(n_buckets):
                if counts[bucket] > 1:
                    for k in range(dim):
                        blocks[text, r, bucket, k] /= counts[bucket]
                elif fill and counts[bucket] == 0:
                    nearest = start
                    fewest = 64
                    for word in range(start, end):
                        differing = buckets[word, r] ^ bucket
                        distance = 0
                        while differing:
                            differing &= differing - 1
                            distance += 1
                        if distance < fewest:
                            fewest = distance
                            nearest = word
                    for k in range(dim):
                        blocks[text, r, bucket, k] = projected[nearest, source, k]


@njit(nogil=True, cache=True)
def _sketch_rows(full, targets, signs, out):  # type: ignore[no-untyped-def]
    for text in range(full.shape[0]):
        for k in range(full.shape[1]):
            out[text, targets[k]] += signs[k] * full[text, k]
