"""Encodings: one vector for a text's words, such that inner products approximate scores."""

from .fitted import FittedEncoding
from .fused import FusedEncoding, least_documents
from .muvera import MuveraEncoding
from .reduction import Reduction
from .summary import SummaryEncoding

__all__ = ["FittedEncoding", "FusedEncoding", "MuveraEncoding", "Reduction", "SummaryEncoding", "least_documents"]
