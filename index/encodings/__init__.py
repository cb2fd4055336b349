"""A set of word vectors → one vector, such that inner products stand for scores."""

from .fitted import Fitted
from .fused import FusedEncoding, least_documents
from .muvera import Muvera
from .reduction import Reduction
from .summary import Summary

__all__ = ["Fitted", "FusedEncoding", "Muvera", "Reduction", "Summary", "least_documents"]
