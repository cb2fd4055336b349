"""Vectors, encodings, codecs and storage; knows nothing of text models."""

from .config import EncodingConfig, IndexConfig
from .errors import InputError, WordhiveError
from .index import Index
from .word_vectors import WordVectors

__all__ = ["EncodingConfig", "Index", "IndexConfig", "InputError", "WordVectors", "WordhiveError"]
