"""FAISS's standalone codecs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import faiss_library
from ..errors import InputError

ENDING = ".faiss"
# Fewer words than these say little about the range of those to come.
_FEW_WORDS = 10_000
WANTED = 20_000
# Scalar quantisers know each dim's range, and floats nothing; all others learn codebooks.
_PLAIN = re.compile(r"SQ\w+|Flat")
# Of each kind one, for who names none.
CHOICES = (
    "Senary256, Ternary256, Residual256x2, Residual256x1, SQ8, SQ6, SQ4, SQfp16, PQ8, OPQ8,PQ8, RQ8x8, RaBitQ or Flat"
)


def learns(factory: str) -> bool:
    """Whether a codec of that name has codebooks."""
    return _PLAIN.fullmatch(factory) is None


class FaissCodec:
    """A codec that FAISS trained: scalar (SQ8, SQ6, SQ4, SQfp16), product (PQ8, OPQ8,PQ8), additive (RQ8x8), 1 bit."""

    def __init__(self, index: Any) -> None:
        self._index = index
        self.dim: int = index.d
        self.code_size: int = index.sa_code_size()

    @classmethod
    def train(cls, factory: str, sample: NDArray[np.float32]) -> FaissCodec:
        """A codec by FAISS factory string, trained on `[n, dim]` vectors.

        Raises InputError for a string that names no codec, or a sample too small to train it.
        """
        cls.check(factory, sample.shape[1])
        return cls(faiss_library.from_factory(sample.shape[1], factory, sample, "codec", _FEW_WORDS, choices=CHOICES))

    @staticmethod
    def check(factory: str, dim: int) -> None:
        """Raise InputError for a string that names no codec for vectors of `dim` dims."""
        index, _ = faiss_library.parsed(dim, factory, "codec", CHOICES)
        try:
            index.sa_code_size()
        except RuntimeError as error:
            raise InputError(f"codec {factory!r} cannot encode single vectors; choose {CHOICES}") from error

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

    def save(self, folder: Path, name: str) -> None:
        faiss_library.write(self._index, folder / f"{name}{ENDING}")

    @classmethod
    def load(cls, path: Path) -> FaissCodec:
        """The codec that `save` wrote. Raises WordhiveError for a file that is missing or damaged."""
        return cls(faiss_library.read(path))
