"""A codec by name, or from the files of an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import faiss_codec, residual
from .codec import Codec
from .faiss_codec import FaissCodec
from .residual import ResidualCodec


def train_codec(factory: str, sample: NDArray[np.float32]) -> Codec:
    """Train a codec by its name.

    Args:
        factory: "Senary256" or "Ternary256" (number of centroids), "Residual256x2" (and bits a dim: 1, 2 or 4), or a
            FAISS factory string.
        sample: Vectors, float32 `[n, dim]`.

    Raises:
        InputError: The string names no codec, or the sample is too small to train it.
    """
    if ResidualCodec.is_named(factory):
        return ResidualCodec.train(factory, sample)
    return FaissCodec.train(factory, sample)


def sample_size(factory: str) -> int:
    """The number of vectors to train a codec on; more do not improve it."""
    return ResidualCodec.sample_size(factory) if ResidualCodec.is_named(factory) else faiss_codec.SAMPLE_SIZE


def has_codebooks(factory: str) -> bool:
    """Whether a codec learns centroids or codebooks, which overfit few vectors."""
    return ResidualCodec.is_named(factory) or faiss_codec.has_codebooks(factory)


def decodes(factory: str) -> bool:
    """Whether decoding uses all bits of a code."""
    return ResidualCodec.is_named(factory) or faiss_codec.decodes(factory)


def check_codec(factory: str, dim: int) -> None:
    """Raise InputError for a string that names no codec for vectors of `dim` dims."""
    if ResidualCodec.is_named(factory):
        ResidualCodec.check(factory)
    else:
        FaissCodec.check(factory, dim)


def load_codec(factory: str, folder: Path, name: str, dim: int) -> Codec:
    """Load a codec.

    Args:
        factory: The name that it was trained by.
        folder: The folder that `Codec.save` wrote to.
        name: Its file's name, without the ending.
        dim: Dims of its vectors.

    Raises:
        WordhiveError: The file is missing, damaged, or of another codec.
    """
    if ResidualCodec.is_named(factory):
        return ResidualCodec.load(folder / f"{name}{residual.ENDING}", factory, dim)
    return FaissCodec.load(folder / f"{name}{faiss_codec.ENDING}", factory, dim)
