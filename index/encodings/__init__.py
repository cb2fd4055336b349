"""A set of word vectors → one vector, such that inner products stand for scores."""

from .fitted import Fitted
from .fused import FusedEncoding, least_documents
from .muvera import Muvera
from .reduction import Reduction

__all__ = ["Fitted", "FusedEncoding", "Muvera", "Reduction", "least_documents"]
