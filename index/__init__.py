"""Vectors, encodings, codecs and storage; knows nothing of text models."""

from .vectors import light_numba as light_numba  # before anything imports numba

# isort: split
from .config import IndexConfig, MuveraConfig
from .errors import InputError, WordhiveError
from .index import Index
from .word_vectors import WordVectors

__all__ = ["Index", "IndexConfig", "InputError", "MuveraConfig", "WordVectors", "WordhiveError"]
