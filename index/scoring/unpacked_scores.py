"""Scores from codes, unpacked a few words at a time into the nearest cache, and then multiplied with all query words.

Codes are not unpacked into vectors, but into numbers that take less work: bytes as they are, or the parts of a rotated
vector. The queries are scaled or rotated instead, so that inner products are the same.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..codecs import ByteSteps, CodeParts
from ..simd.instructions import LANES
from ..simd.tiles import (
    byte_at,
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
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .code_spans import CodeSpans
from .maxsim import QueryLanes, add_up, raise_best

# Words that are unpacked at once: 64 of 128 dims are 32 KB.
_AT_ONCE = 64


def byte_scores(queries: WordVectors, layout: ByteSteps, documents: CodeSpans) -> NDArray[np.float32]:
    """Float32 `[n_queries, n_documents]`, from codes of a byte for each dim."""
    lanes = QueryLanes.pack(queries.vectors * layout.step, queries.offsets)
    scores = np.zeros((len(queries), len(documents)), np.float32)
    query = (lanes.numbers.ctypes.data, lanes.n_groups, lanes.offsets)
    spans = (documents.addresses, documents.counts, documents.size)

    def block(first: int, last: int) -> None:
        _byte_scores(*query, *spans, first, last, scores)

    run_in_blocks(block, documents.work(lanes.n_groups))
    # The start is the same for all document words, so that it changes no maximum.
    # Each query is added up by itself: a difference of running sums would depend on the queries beside it.
    starts, with_words = np.zeros(len(queries), np.float32), np.flatnonzero(queries.counts)
    if len(with_words):
        of_words = queries.vectors @ layout.start.astype(np.float64)
        starts[with_words] = np.add.reduceat(of_words, queries.offsets[with_words])
    scores += starts[:, None] * (documents.counts > 0)
    return scores


@njit(nogil=True, cache=True)
def _byte_scores(lanes, n_groups, offsets, addresses, counts, dim, first, last, scores):  # type: ignore[no-untyped-def]
    best = np.empty(n_groups * LANES, np.float32)
    numbers = np.empty(_AT_ONCE * dim, np.float32)
    for document in range(first, last):
        if counts[document] == 0:
            continue
        best[:] = -np.inf
        for start in range(0, counts[document], _AT_ONCE):
            n_words = min(_AT_ONCE, counts[document] - start)
            _unpack_bytes(addresses[document] + start * dim, n_words * dim, numbers)
            raise_best(best.ctypes.data, lanes, n_groups, numbers.ctypes.data, 4 * dim, n_words, dim)
        add_up(best, offsets, document, scores)


@njit(nogil=True, cache=True)
def _unpack_bytes(codes, n, numbers):  # type: ignore[no-untyped-def]
    whole = n - n % LANES
    for i in range(0, whole, LANES):
        bytes_to_row(numbers.ctypes.data + 4 * i, codes + i)
    for i in range(whole, n):
        numbers[i] = byte_at(codes + i)


def part_scores(
    rotated: NDArray[np.float32], offsets: NDArray[np.int64], layout: CodeParts, documents: CodeSpans
) -> NDArray[np.float32]:
    """Float32 `[n_queries, n_documents]`, from codes of fields.

    Args:
        rotated: The words of all queries, as `CodeParts.rotate_queries` gives them.
        offsets: Int64 `[n_queries + 1]`; query i owns the words `offsets[i]:offsets[i + 1]`.
        layout: How the codes are laid out.
        documents: The codes.
    """
    rows, centroids, (n_parts, _, width) = layout.wide_rows, layout.wide_centroids, layout.rows.shape
    lanes = QueryLanes.pack(rotated, offsets)
    scores = np.zeros((len(offsets) - 1, len(documents)), np.float32)
    query = (lanes.numbers.ctypes.data, lanes.n_groups, offsets)
    parts = (rows.ctypes.data, n_parts, width, rows.shape[2], centroids.ctypes.data, centroids.shape[1])
    spans = (documents.addresses, documents.counts, documents.size, layout.header, layout.bits)

    def block(first: int, last: int) -> None:
        _part_scores(*query, *parts, *spans, first, last, scores)

    run_in_blocks(block, documents.work(lanes.n_groups))
    return scores


@njit(nogil=True, cache=True)
def _part_scores(  # type: ignore[no-untyped-def]
    lanes, n_groups, offsets, rows, parts, width, padded, centroids, stride, addresses, counts, size, header, bits,
    first, last, scores,
):  # fmt: skip
    best = np.empty(n_groups * LANES, np.float32)
    numbers = np.empty(_AT_ONCE * stride, np.float32)
    to = numbers.ctypes.data
    for document in range(first, last):
        if counts[document] == 0:
            continue
        best[:] = -np.inf
        for start in range(0, counts[document], _AT_ONCE):
            n_words = min(_AT_ONCE, counts[document] - start)
            words = addresses[document] + start * size
            _unpack(words, n_words, rows, parts, width, padded, stride, size, header, bits, to)
            if header:
                _scale(words, n_words, centroids, stride, size, header, to)
            raise_best(best.ctypes.data, lanes, n_groups, to, 4 * stride, n_words, parts * width)
        add_up(best, offsets, document, scores)


def unpacked(layout: CodeParts, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The numbers that codes `[n, size]` select, scaled: float32 `[n, layout.n_numbers]`, not yet rotated back."""
    rows, centroids, (n_parts, _, width) = layout.wide_rows, layout.wide_centroids, layout.rows.shape
    stride, codes = centroids.shape[1], np.ascontiguousarray(codes)
    parts = (rows.ctypes.data, n_parts, width, rows.shape[2], stride, codes.shape[1], layout.header, layout.bits)
    numbers = np.empty((len(codes), stride), np.float32)

    def block(first: int, last: int) -> None:
        words, to = codes.ctypes.data + first * codes.shape[1], numbers.ctypes.data + 4 * first * stride
        _unpack(words, last - first, *parts, to)
        if layout.header:
            _scale(words, last - first, centroids.ctypes.data, stride, codes.shape[1], layout.header, to)

    run_in_blocks(block, np.arange(len(codes) + 1))
    return numbers[:, : layout.n_numbers]


@njit(nogil=True, cache=True)
def _unpack(words, n_words, rows, parts, width, padded, stride, size, header, bits, numbers):  # type: ignore[no-untyped-def]
    # A padded row overwrites the beginning of the next row's target, which is copied next.
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
