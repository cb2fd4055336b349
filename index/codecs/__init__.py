"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .factory import check_codec, decodes, has_codebooks, load_codec, sample_size, train_codec
from .faiss_codec import FaissCodec
from .layout import ByteSteps, CodeParts, Floats, Layout
from .residual import ResidualCodec

__all__ = [
    "ByteSteps",
    "CodeParts",
    "Codec",
    "FaissCodec",
    "Floats",
    "Layout",
    "ResidualCodec",
    "check_codec",
    "decodes",
    "has_codebooks",
    "load_codec",
    "sample_size",
    "train_codec",
]
