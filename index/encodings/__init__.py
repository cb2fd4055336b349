"""A set of word vectors → one vector, such that inner products stand for scores."""

from .fitted import FittedEncoding
from .fused import FusedEncoding, least_documents
from .muvera import MuveraEncoding
from .reduction import Reduction
from .summary import SummaryEncoding

__all__ = ["FittedEncoding", "FusedEncoding", "MuveraEncoding", "Reduction", "SummaryEncoding", "least_documents"]
