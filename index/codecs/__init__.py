"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .faiss_codec import FaissCodec
from .layout import ByteSteps, CodeParts, Floats, Layout
from .residual import ResidualCodec
from .training import check_codec, decodes, learns, load_codec, train_codec, wanted

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
    "learns",
    "load_codec",
    "train_codec",
    "wanted",
]
