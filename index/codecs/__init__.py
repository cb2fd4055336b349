"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .factory import check_codec, decodes, learns, load_codec, train_codec, wanted
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
    "learns",
    "load_codec",
    "train_codec",
    "wanted",
]
