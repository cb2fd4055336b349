"""Scores by tables, for few query words: a table holds what each value of each field of a code adds to the products.

A row of a table has one number for each of `LANES` query words. The inner products of a document word are the sum of
one row per field (asymmetric distances, Jégou et al. 2011, for many query words at once).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..codecs import CodeParts
from ..simd.instructions import LANES
from ..simd.tiles import TABLE_WORDS, aligned, bit_tile, byte_tile
from ..threads import run_in_blocks
from .code_spans import CodeSpans
from .maxsim import add_up

# Larger tables leave the near caches, or take longer to make than they save.
_MOST_GROUPS = 4
_MOST_BYTES = 3 << 19
_MOST_CENTROIDS = 1024
# Multiplications at once: so few that the matrix library wakes no threads.
_MULTIPLIED = 1 << 17
_ROW_BYTES = 4 * LANES


def has_small_tables(layout: CodeParts, n_words: int) -> bool:
    """Whether tables are the fastest way for so many query words."""
    n_groups, (n_parts, n_values, _) = -(-n_words // LANES), layout.rows.shape
    size = n_groups * n_parts * n_values * _ROW_BYTES
    return n_groups <= _MOST_GROUPS and len(layout.wide_centroids) <= _MOST_CENTROIDS and size <= _MOST_BYTES


def table_scores(
    rotated: NDArray[np.float32], offsets: NDArray[np.int64], layout: CodeParts, documents: CodeSpans
) -> NDArray[np.float32]:
    """Float32 `[n_queries, n_documents]`.

    Args:
        rotated: The words of all queries, as `CodeParts.rotate_queries` gives them.
        offsets: Int64 `[n_queries + 1]`; query i owns the words `offsets[i]:offsets[i + 1]`.
        layout: How the codes are laid out.
        documents: The codes.
    """
    n_groups, (n_parts, n_values, width) = -(-len(rotated) // LANES), layout.rows.shape
    words = np.zeros((n_groups, LANES, layout.n_numbers), np.float32)
    words.reshape(-1, layout.n_numbers)[: len(rotated)] = rotated
    tables = aligned(n_groups, n_parts, n_values, LANES)
    np.matmul(layout.rows, words.reshape(n_groups, LANES, n_parts, width).transpose(0, 2, 3, 1), out=tables)
    numbers = layout.wide_centroids[:, : layout.n_numbers]
    centroids = aligned(n_groups, len(numbers), LANES)
    at_once = max(1, _MULTIPLIED // (LANES * layout.n_numbers))
    for first in range(0, len(numbers), at_once):
        part = slice(first, first + at_once)
        np.matmul(numbers[part], words.transpose(0, 2, 1), out=centroids[:, part])
    scores = np.zeros((len(offsets) - 1, len(documents)), np.float32)
    query = (tables.ctypes.data, centroids.ctypes.data, n_groups, n_parts, len(numbers))
    spans = (documents.addresses, documents.counts, documents.size, layout.header, layout.bits)

    def block(first: int, last: int) -> None:
        _table_scores(*query, *spans, offsets, first, last, scores)

    run_in_blocks(block, documents.work(n_groups))
    return scores


@njit(nogil=True, cache=True)
def _table_scores(  # type: ignore[no-untyped-def]
    tables, centroids, n_groups, parts, n_centroids, addresses, counts, size, header, bits, offsets, first, last, scores
):
    best = np.empty(n_groups * LANES, np.float32)
    for document in range(first, last):
        words, n_words = addresses[document], counts[document]
        if n_words == 0:
            continue
        best[:] = -np.inf
        for group in range(n_groups):
            at, table = best.ctypes.data + group * _ROW_BYTES, tables + ((group * parts) << bits) * _ROW_BYTES
            means = centroids + group * n_centroids * _ROW_BYTES
            if bits == 8:
                for word in range(0, n_words, TABLE_WORDS):
                    byte_tile(at, table, means, words, size, header, bits, parts, word, n_words - 1)
            else:
                for word in range(0, n_words, TABLE_WORDS):
                    bit_tile(at, table, means, words, size, header, bits, parts, word, n_words - 1)
        add_up(best, offsets, document, scores)
