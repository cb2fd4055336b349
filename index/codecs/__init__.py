"""Compression of word and summary vectors into codes of a fixed size."""

from .codec import Codec
from .faiss_codec import FaissCodec
from .residual import ResidualCodec
from .training import check_codec, learns, load_codec, train_codec, wanted

__all__ = ["Codec", "FaissCodec", "ResidualCodec", "check_codec", "learns", "load_codec", "train_codec", "wanted"]
