"""Compression of word vectors by FAISS's standalone codecs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import faiss_library
from .errors import InputError

# Fewer words than these say little about the range of those to come.
_FEW_WORDS = 10_000


class Codec:
    """Float vectors ⇄ codes of a fixed size.

    dim: of the vectors. code_size: bytes of one code.
    """

    def __init__(self, index: Any) -> None:
        self._index = index
        self.dim: int = index.d
        self.code_size: int = index.sa_code_size()

    @classmethod
    def train(cls, factory: str, sample: NDArray[np.float32]) -> Codec:
        """A codec by FAISS factory string ("SQ8", "SQ4", "SQfp16", "PQ32", "Flat", …), trained on `[n, dim]` vectors.

        Raises InputError for a string that names no codec, or a sample too small to train it.
        """
        index = faiss_library.from_factory(sample.shape[1], factory, sample, "codec", _FEW_WORDS)
        try:
            index.sa_code_size()
        except RuntimeError as error:
            raise InputError(
                f"codec {factory!r} cannot encode single vectors; choose SQ8, SQ4, SQfp16, PQ… or Flat"
            ) from error
        return cls(index)

    def encode(self, vectors: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Codes, uint8 `[n, code_size]`, of vectors `[n, dim]`."""
        codes = np.empty((len(vectors), self.code_size), np.uint8)
        if len(vectors):
            codes[:] = self._index.sa_encode(np.ascontiguousarray(vectors, np.float32))
        return codes

    def decode(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Vectors, float32 `[n, dim]`, of codes `[n, code_size]`."""
        vectors = np.empty((len(codes), self.dim), np.float32)
        if len(codes):
            vectors[:] = self._index.sa_decode(np.ascontiguousarray(codes))
        return vectors

    def save(self, path: Path) -> None:
        faiss_library.write(self._index, path)

    @classmethod
    def load(cls, path: Path) -> Codec:
        return cls(faiss_library.read(path))
