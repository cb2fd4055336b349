"""Exact late interaction from codes, without the vectors that they stand for.

Few query words: what each value of each field adds to the inner products with them is a row of a table, so that a
document word's are the sum of one row for each field. Many: a document's codes are unpacked into numbers that only this
file knows, in a space that queries are turned to, and stay in the nearest cache while all query words pass by.
Both are the products with the decoded vectors to float32 rounding; `maxsim` on those is what they are tested against.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .codecs.layout import ByteSteps, CodeParts
from .lanes import (
    LANES,
    TABLE_WORDS,
    aligned,
    bit_tile,
    byte_at,
    byte_tile,
    bytes_to_row,
    centroid_number,
    code_scale,
    copy1,
    copy2,
    copy4,
    copy8,
    copy16,
    field,
    scale_row,
)
from .maxsim import QueryLanes, add_up, raise_best, work
from .parallel import run_in_blocks
from .word_vectors import WordVectors

# Tables beyond these have to be read from far away, or take longer to make than they save.
_MOST_GROUPS = 4
_MOST_TABLE_BYTES = 1 << 20
_MOST_CENTROIDS = 1024
# Words that are unpacked at once: 64 of 128 dims are 32 KB.
_UNPACKED = 64
_ROW_BYTES = 4 * LANES


def code_scores(
    queries: WordVectors,
    layout: CodeParts | ByteSteps,
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

    codes: uint8 `[n_words, code size]`, contiguous. starts, ends: int64 `[n_documents]`, where each one's words are
    among them. A document without words scores 0.
    """
    if isinstance(layout, ByteSteps):
        return _byte_scores(queries, layout, codes, starts, ends)
    turned = layout.turned(queries.vectors)
    if _has_small_tables(layout, len(turned)):
        return _scores_by_tables(turned, queries.offsets, layout, codes, starts, ends)
    return _part_scores(turned, queries.offsets, layout, codes, starts, ends)


def _has_small_tables(layout: CodeParts, n_words: int) -> bool:
    n_groups, n_centroids = -(-n_words // LANES), 0 if layout.centroids is None else len(layout.centroids)
    size = n_groups * layout.rows.shape[0] * layout.rows.shape[1] * _ROW_BYTES
    return n_groups <= _MOST_GROUPS and n_centroids <= _MOST_CENTROIDS and size <= _MOST_TABLE_BYTES


def _scores_by_tables(
    turned: NDArray[np.float32],
    offsets: NDArray[np.int64],
    layout: CodeParts,
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    n_parts, n_values, width = layout.rows.shape
    n_groups = -(-len(turned) // LANES)
    words = np.zeros((n_groups * LANES, layout.n_numbers), np.float32)
    words[: len(turned)] = turned
    groups = words.reshape(n_groups, LANES, n_parts, width)
    tables = aligned(n_groups, n_parts, n_values, LANES)
    np.matmul(layout.rows, groups.transpose(0, 2, 3, 1), out=tables)
    held = layout.wide_centroids[:, : layout.n_numbers]
    centroids = aligned(n_groups, len(held), LANES)
    np.matmul(held, words.reshape(n_groups, LANES, -1).transpose(0, 2, 1), out=centroids)
    scores = np.zeros((len(offsets) - 1, len(starts)), np.float32)
    places = (tables.ctypes.data, centroids.ctypes.data, codes.ctypes.data)
    sizes = (n_groups, n_parts, len(held), codes.shape[1], layout.header, layout.bits)

    def block(first: int, last: int) -> None:
        _table_scores(*places, *sizes, offsets, starts, ends, first, last, scores)

    run_in_blocks(block, work(starts, ends, n_groups))
    return scores


@njit(nogil=True, cache=True)
def _table_scores(  # type: ignore[no-untyped-def]
    tables, centroids, codes, n_groups, parts, n_centroids, size, header, bits, offsets, starts, ends, first, last, scores
):
    best = np.empty(n_groups * LANES, np.float32)
    for document in range(first, last):
        n_words = ends[document] - starts[document]
        if n_words == 0:
            continue
        best[:] = -np.inf
        words = codes + starts[document] * size
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


def _byte_scores(
    queries: WordVectors,
    layout: ByteSteps,
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    """The start is the same for all document words, so that it changes no maximum, and comes last."""
    lanes = QueryLanes.pack(queries.vectors * layout.step, queries.offsets)
    scores = np.zeros((len(queries), len(starts)), np.float32)
    places = (lanes.numbers.ctypes.data, codes.ctypes.data)

    def block(first: int, last: int) -> None:
        _byte_kernel(*places, lanes.n_groups, codes.shape[1], lanes.offsets, starts, ends, first, last, scores)

    run_in_blocks(block, work(starts, ends, lanes.n_groups))
    shares = np.concatenate([[0], np.cumsum(queries.vectors @ layout.start.astype(np.float64))])
    base = np.diff(shares[queries.offsets]).astype(np.float32)
    scores += base[:, None] * (ends > starts)
    return scores


@njit(nogil=True, cache=True)
def _byte_kernel(lanes, codes, n_groups, dim, offsets, starts, ends, first, last, scores):  # type: ignore[no-untyped-def]
    best = np.empty(n_groups * LANES, np.float32)
    stride = 4 * dim
    numbers = np.empty(_UNPACKED * dim + LANES, np.float32)
    for document in range(first, last):
        if starts[document] == ends[document]:
            continue
        best[:] = -np.inf
        for start in range(starts[document], ends[document], _UNPACKED):
            n_words = min(_UNPACKED, ends[document] - start)
            _unpack_bytes(codes + start * dim, n_words * dim, numbers)
            raise_best(best.ctypes.data, lanes, n_groups, numbers.ctypes.data, stride, n_words, dim)
        add_up(best, offsets, document, scores)


@njit(nogil=True, cache=True)
def _unpack_bytes(codes, n, numbers):  # type: ignore[no-untyped-def]
    whole = n - n % LANES
    for place in range(0, whole, LANES):
        bytes_to_row(numbers.ctypes.data + 4 * place, codes + place)
    for place in range(whole, n):
        numbers[place] = byte_at(codes + place)


def _part_scores(
    turned: NDArray[np.float32],
    offsets: NDArray[np.int64],
    layout: CodeParts,
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    n_parts, _, width = layout.rows.shape
    lanes = QueryLanes.pack(turned, offsets)
    rows, centroids = layout.wide_rows, layout.wide_centroids
    scores = np.zeros((len(offsets) - 1, len(starts)), np.float32)
    places = (lanes.numbers.ctypes.data, rows.ctypes.data, centroids.ctypes.data, codes.ctypes.data)
    sizes = (lanes.n_groups, n_parts, width, rows.shape[2], centroids.shape[1], codes.shape[1], layout.header, layout.bits)

    def block(first: int, last: int) -> None:
        _part_kernel(*places, *sizes, offsets, starts, ends, first, last, scores)

    run_in_blocks(block, work(starts, ends, lanes.n_groups))
    return scores


@njit(nogil=True, cache=True)
def _part_kernel(  # type: ignore[no-untyped-def]
    lanes, rows, centroids, codes, n_groups, parts, width, padded, stride, size, header, bits,
    offsets, starts, ends, first, last, scores,
):  # fmt: skip
    best = np.empty(n_groups * LANES, np.float32)
    numbers = np.empty(_UNPACKED * stride + 16, np.float32)
    for document in range(first, last):
        if starts[document] == ends[document]:
            continue
        best[:] = -np.inf
        for start in range(starts[document], ends[document], _UNPACKED):
            n_words = min(_UNPACKED, ends[document] - start)
            words = codes + start * size
            _unpack(words, n_words, rows, parts, width, padded, stride, size, header, bits, numbers.ctypes.data)
            if header:
                _scale(words, n_words, centroids, stride, size, header, numbers.ctypes.data)
            raise_best(best.ctypes.data, lanes, n_groups, numbers.ctypes.data, 4 * stride, n_words, parts * width)
        add_up(best, offsets, document, scores)


@njit(nogil=True, cache=True)
def _unpack(words, n_words, rows, parts, width, padded, stride, size, header, bits, numbers):  # type: ignore[no-untyped-def]
    # A row that is copied in full overwrites what comes after it, which is copied next.
    for word in range(n_words):
        code, to = words + word * size, numbers + 4 * word * stride
        for part in range(parts):
            value = byte_at(code + header + part) if bits == 8 else field(code, size, header, bits, part)
            row, target = rows + 4 * ((part << bits) + value) * padded, to + 4 * part * width
            if padded == 1:
                copy1(target, row)
            elif padded == 2:
                copy2(target, row)
            elif padded == 4:
                copy4(target, row)
            elif padded == 8:
                copy8(target, row)
            else:
                for start in range(0, padded, 16):
                    copy16(target + 4 * start, row + 4 * start)


@njit(nogil=True, cache=True)
def _scale(words, n_words, centroids, stride, size, header, numbers):  # type: ignore[no-untyped-def]
    for word in range(n_words):
        code, at = words + word * size, numbers + 4 * word * stride
        centroid, scale = centroids + 4 * centroid_number(code, header) * stride, code_scale(code, header)
        for start in range(0, stride, LANES):
            scale_row(at + 4 * start, centroid + 4 * start, scale)
