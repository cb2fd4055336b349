"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .faiss_codec import FaissCodec
from .residual import ResidualCodec
from .training import learns, load_codec, train_codec, wanted

__all__ = ["Codec", "FaissCodec", "ResidualCodec", "learns", "load_codec", "train_codec", "wanted"]
