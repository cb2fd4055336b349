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
    """A codec by its name, trained on `[n, dim]` vectors.

    Args:
        factory: Senary256 or Ternary256 (centroids), Residual256x2 (bits a dim: 1, 2 or 4), or a FAISS factory
            string.

    Raises:
        InputError: A string that names no codec, or a sample too small to train it.
    """
    if ResidualCodec.is_named(factory):
        return ResidualCodec.train(factory, sample)
    return FaissCodec.train(factory, sample)


def wanted(factory: str) -> int:
    """Vectors to train a codec of that name on: more of them make it no better."""
    return ResidualCodec.wanted(factory) if ResidualCodec.is_named(factory) else faiss_codec.WANTED


def learns(factory: str) -> bool:
    """Whether a codec of that name learns centroids or codebooks, for which a few vectors are not enough."""
    return ResidualCodec.is_named(factory) or faiss_codec.learns(factory)


def decodes(factory: str) -> bool:
    """Whether the codes of a codec of that name are decoded by all that they say."""
    return ResidualCodec.is_named(factory) or faiss_codec.decodes(factory)


def check_codec(factory: str, dim: int) -> None:
    """Raise InputError for a string that names no codec for vectors of `dim` dims."""
    if ResidualCodec.is_named(factory):
        ResidualCodec.check(factory)
    else:
        FaissCodec.check(factory, dim)


def load_codec(factory: str, folder: Path, name: str, dim: int) -> Codec:
    """The codec that was trained by a name for vectors of `dim` dims, and saved in a folder.

    Raises:
        WordhiveError: A file that is missing, damaged, or of another codec.
    """
    if ResidualCodec.is_named(factory):
        return ResidualCodec.load(folder / f"{name}{residual.ENDING}", factory, dim)
    return FaissCodec.load(folder / f"{name}{faiss_codec.ENDING}", factory, dim)
