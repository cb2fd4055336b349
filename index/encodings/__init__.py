"""A set of word vectors → one vector, such that inner products stand for scores."""

from .fused import FusedEncoding
from .muvera import Muvera

__all__ = ["FusedEncoding", "Muvera"]
