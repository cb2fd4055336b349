"""Scores from codes that are unpacked a few words at a time, into the nearest cache, while all query words pass by.

They are not unpacked into the vectors that they stand for, but into numbers that are less work, and queries are turned
so that inner products are the same: bytes as they are, parts of a rotated vector.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..codecs import ByteSteps, CodeParts
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .code_spans import CodeSpans
from .maxsim import QueryLanes, add_up, raise_best
from .simd import (
    LANES,
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

# Words that are unpacked at once: 64 of 128 dims are 32 KB.
_AT_ONCE = 64


def byte_scores(queries: WordVectors, layout: ByteSteps, documents: CodeSpans) -> NDArray[np.float32]:
    """Float32 `[n_queries, n_documents]`, from codes of a byte for each dim."""
    lanes = QueryLanes.pack(queries.vectors * layout.step, queries.offsets)
    scores = np.zeros((len(queries), len(documents)), np.float32)
    asked = (lanes.numbers.ctypes.data, lanes.n_groups, lanes.offsets)
    spans = (documents.addresses, documents.counts, documents.size)

    def block(first: int, last: int) -> None:
        _byte_scores(*asked, *spans, first, last, scores)

    run_in_blocks(block, documents.work(lanes.n_groups))
    # The start is the same for all document words, so that it changes no maximum.
    # Each query is added up by itself: a difference of running sums would depend on the queries beside it.
    starts, asked_for = np.zeros(len(queries), np.float32), np.flatnonzero(queries.counts)
    if len(asked_for):
        of_words = queries.vectors @ layout.start.astype(np.float64)
        starts[asked_for] = np.add.reduceat(of_words, queries.offsets[asked_for])
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
    for place in range(0, whole, LANES):
        bytes_to_row(numbers.ctypes.data + 4 * place, codes + place)
    for place in range(whole, n):
        numbers[place] = byte_at(codes + place)


def part_scores(
    turned: NDArray[np.float32], offsets: NDArray[np.int64], layout: CodeParts, documents: CodeSpans
) -> NDArray[np.float32]:
    """Float32 `[n_queries, n_documents]`, from codes of fields.

    turned: the words of queries as the layout turns them. offsets: int64 `[n_queries + 1]`, of these words.
    """
    rows, centroids, (n_parts, _, width) = layout.wide_rows, layout.wide_centroids, layout.rows.shape
    lanes = QueryLanes.pack(turned, offsets)
    scores = np.zeros((len(offsets) - 1, len(documents)), np.float32)
    asked = (lanes.numbers.ctypes.data, lanes.n_groups, offsets)
    parts = (rows.ctypes.data, n_parts, width, rows.shape[2], centroids.ctypes.data, centroids.shape[1])
    spans = (documents.addresses, documents.counts, documents.size, layout.header, layout.bits)

    def block(first: int, last: int) -> None:
        _part_scores(*asked, *parts, *spans, first, last, scores)

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
    stride, held = centroids.shape[1], np.ascontiguousarray(codes)
    parts = (rows.ctypes.data, n_parts, width, rows.shape[2], stride, held.shape[1], layout.header, layout.bits)
    numbers = np.empty((len(codes), stride), np.float32)

    def block(first: int, last: int) -> None:
        words, to = held.ctypes.data + first * held.shape[1], numbers.ctypes.data + 4 * first * stride
        _unpack(words, last - first, *parts, to)
        if layout.header:
            _scale(words, last - first, centroids.ctypes.data, stride, held.shape[1], layout.header, to)

    run_in_blocks(block, np.arange(len(codes) + 1))
    return numbers[:, : layout.n_numbers]


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
