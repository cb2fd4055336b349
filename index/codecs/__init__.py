"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .faiss_codec import FaissCodec
from .residual import ResidualCodec
from .training import load_codec, train_codec

__all__ = ["Codec", "FaissCodec", "ResidualCodec", "load_codec", "train_codec"]
