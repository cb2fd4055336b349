"""FAISS's standalone codecs."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..faiss import faiss_factory, faiss_files, faiss_library
from ..faiss.faiss_index import FaissIndex, Kind
from .layout import ByteSteps, CodeParts, Floats, Layout

ENDING = ".faiss"
# The range of fewer words says little about the range of later ones.
_FEW_WORDS = 10_000
SAMPLE_SIZE = 20_000
# Codecs without codebooks: scalar quantisers learn a range per dim, Flat learns nothing.
_PLAIN = re.compile(r"SQ\w+|Flat")
# RaBitQ of several bits a dim: FAISS 1.15 decodes only the first.
_UNDECODED = re.compile(r"RaBitQ(fs)?[2-9]")
# One codec of each kind, for error messages.
CHOICES = (
    "Senary256, Ternary256, Residual256x2, Residual256x1, SQ8, SQ6, SQ4, SQfp16, PQ8, OPQ8,PQ8, RQ8x8, RaBitQ or Flat"
)


def has_codebooks(factory: str) -> bool:
    """Whether a codec learns codebooks."""
    return _PLAIN.fullmatch(factory) is None


def decodes(factory: str) -> bool:
    """Whether decoding uses all bits of a code."""
    return _UNDECODED.search(factory) is None


class FaissCodec:
    """A codec that FAISS trained: scalar (SQ8, SQ6, SQ4, SQfp16), product (PQ8, OPQ8,PQ8), additive (RQ8x8), 1 bit."""

    def __init__(self, index: FaissIndex) -> None:
        self._faiss = index
        self._index = index.index
        self.dim = index.dim
        self.code_size: int = index.index.sa_code_size()

    @classmethod
    def train(cls, factory: str, sample: NDArray[np.float32]) -> FaissCodec:
        """A codec by FAISS factory string, trained on `[n, dim]` vectors.

        Raises:
            InputError: A string that names no codec, or a sample too small to train it.
        """
        cls.check(factory, sample.shape[1])
        return cls(faiss_factory.from_factory(sample.shape[1], factory, sample, "codec", _FEW_WORDS, choices=CHOICES))

    @staticmethod
    def check(factory: str, dim: int) -> None:
        """Raise InputError for a string that names no codec for vectors of `dim` dims, or one that is not decoded."""
        if not decodes(factory):
            raise InputError(
                f"codec {factory!r} is decoded by its first bit alone, so that the others are of no use; choose "
                "RaBitQ, or for as many bytes Residual256x2, SQ4 or SQ8"
            )
        index, _ = faiss_factory.parsed(dim, factory, "codec", CHOICES)
        try:
            index.sa_code_size()
        except RuntimeError as error:
            raise InputError(f"codec {factory!r} cannot encode single vectors; choose {CHOICES}") from error
        faiss_files.check_known(index, factory, "codec")

    @cached_property
    def layout(self) -> Layout:
        return _layout(self._faiss)

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        codes = np.empty((len(vectors), self.code_size), np.uint8)
        if len(vectors):
            codes[:] = self._index.sa_encode(np.ascontiguousarray(vectors, np.float32))
        return codes

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        vectors = np.empty((len(codes), self.dim), np.float32)
        if len(codes):
            vectors[:] = self._index.sa_decode(np.ascontiguousarray(codes))
        return vectors

    def check_codes(self, codes: NDArray[np.uint8]) -> None:
        """Every code can be decoded: the tables have a row for each value of each field."""

    def save(self, folder: Path, name: str) -> None:
        faiss_library.write(self._index, folder / f"{name}{ENDING}")

    @classmethod
    def load(cls, path: Path, factory: str, dim: int) -> FaissCodec:
        """The codec that `save` wrote, by its factory string.

        Raises:
            WordhiveError: Any other file, or none.
        """
        return cls(FaissIndex.of(faiss_files.read(path, dim, (factory,), 0)))


def _layout(faiss_index: FaissIndex) -> Layout:
    index, kind = faiss_index.index, faiss_index.kind
    if kind is Kind.FLAT:
        return Floats()
    if kind is Kind.SCALAR:
        return _scalar_layout(index.sq)
    if kind is Kind.PRODUCT and index.pq.nbits <= 8 and index.pq.code_size > 1:
        return CodeParts(_floats(index.pq.centroids, index.pq.M, 1 << index.pq.nbits, index.pq.dsub), index.pq.nbits)
    if kind is Kind.TRANSFORMED and faiss_index.inner is not None:
        return _rotated_layout(index, faiss_index.inner)
    return None


def _scalar_layout(quantizer: Any) -> Layout:
    kinds, bits = faiss_library.faiss().ScalarQuantizer, quantizer.bits
    if quantizer.qtype not in (kinds.QT_8bit, kinds.QT_6bit, kinds.QT_4bit):
        return None
    start, spread = _floats(quantizer.trained, 2, quantizer.d)
    with np.errstate(over="ignore", invalid="ignore"):  # ranges of vectors that no model makes
        return _stepped(quantizer, bits, start, spread)


def _stepped(quantizer: Any, bits: int, start: NDArray[np.float32], spread: NDArray[np.float32]) -> Layout:
    step = spread / np.float32((1 << bits) - 1)
    if bits == 8:
        return ByteSteps(start + step / 2, step)
    values = np.arange(1 << bits, dtype=np.float32) + np.float32(0.5)
    rows = start[:, None] + step[:, None] * values
    if bits == 6:
        return CodeParts(rows[:, :, None], bits) if quantizer.code_size > 1 else None
    byte, pairs = np.arange(256), np.zeros((-(-quantizer.d // 2), 256, 2), np.float32)
    pairs[:, :, 0] = rows[::2, byte & 15]
    pairs[: quantizer.d // 2, :, 1] = rows[1::2, byte >> 4]
    return CodeParts(pairs, 8)


def _rotated_layout(index: Any, behind: FaissIndex) -> Layout:
    """Product codes of rotated vectors (OPQ): a rotation leaves inner products as they are."""
    library = faiss_library.faiss()
    inner, step = _layout(behind), library.downcast_VectorTransform(index.chain.at(0))
    if index.chain.size() != 1 or not isinstance(step, library.LinearTransform) or not isinstance(inner, CodeParts):
        return None
    if step.have_bias or not step.is_orthonormal or inner.rotation is not None:
        return None
    return replace(inner, rotation=_floats(step.A, step.d_out, step.d_in).T)


def _floats(vector: Any, *shape: int) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = faiss_library.faiss().vector_to_array(vector)
    return numbers.reshape(shape)
