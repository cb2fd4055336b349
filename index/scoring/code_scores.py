"""Exact late interaction from codes, without decoding them first.

The scores are those of `maxsim` on the decoded vectors, but for float32 rounding; tests compare the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..codecs import ByteSteps, CodeParts, Floats
from ..word_vectors import WordVectors
from .code_spans import CodeSpans
from .maxsim import float_scores
from .table_scores import has_small_tables, table_scores
from .unpacked_scores import byte_scores, part_scores


def code_scores(
    queries: WordVectors, layout: Floats | ByteSteps | CodeParts, documents: CodeSpans
) -> NDArray[np.float32]:
    """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

    Args:
        documents: Their codes, laid out as `layout` says. A document without words scores 0.
    """
    if isinstance(layout, Floats):
        return float_scores(queries, documents)
    if isinstance(layout, ByteSteps):
        return byte_scores(queries, layout, documents)
    rotated = layout.rotate_queries(queries.vectors)
    scores = table_scores if has_small_tables(layout, len(rotated)) else part_scores
    return scores(rotated, queries.offsets, layout, documents)
