"""Inner products of summaries from their codes: a few queries without making the documents' vectors."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..codecs import ByteSteps, Codec, CodeParts
from ..small_products import FEW_QUERIES
from .unpacked_scores import unpacked

_MOST_CENTROIDS = 4096


def summary_scores(queries: NDArray[np.float32], codec: Codec, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Inner products of queries `[n_queries, dim]` with the vectors of codes: float32 `[n_queries, n_codes]`."""
    layout, few = codec.layout, len(queries) <= FEW_QUERIES
    if isinstance(layout, ByteSteps) and few:
        return _by_bytes(queries, layout, codes)
    if not isinstance(layout, CodeParts):
        return np.asarray(queries @ codec.decode(codes).T)
    if few and len(layout.wide_centroids) <= _MOST_CENTROIDS:
        return _by_parts(queries, layout, codes)
    return np.asarray(layout.rotate_queries(queries) @ unpacked(layout, codes).T)


def _by_bytes(queries: NDArray[np.float32], layout: ByteSteps, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    products = np.zeros((len(queries), len(codes)), np.float32)
    for query, found in zip(queries * layout.step, products, strict=True):
        _add_bytes(query, codes, found)
    return products + (queries @ layout.start)[:, None]


def _by_parts(queries: NDArray[np.float32], layout: CodeParts, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    products = np.empty((len(queries), len(codes)), np.float32)
    n_parts, _, width = layout.rows.shape
    for query, found in zip(layout.rotate_queries(queries), products, strict=True):
        table = np.matmul(layout.rows, query.reshape(n_parts, width, 1))[:, :, 0]
        centroids = layout.wide_centroids[:, : layout.n_numbers] @ query
        _add_rows(table, centroids, codes, layout.header, layout.bits, found)
    return products


@njit(nogil=True, fastmath=True, cache=True)
def _add_bytes(query, codes, products):  # type: ignore[no-untyped-def]
    for text in range(len(codes)):
        total = np.float32(0)
        for k in range(codes.shape[1]):
            total += query[k] * np.float32(codes[text, k])
        products[text] = total


@njit(nogil=True, fastmath=True, cache=True)
def _add_rows(table, centroids, codes, header, bits, products):  # type: ignore[no-untyped-def]
    mask = (1 << bits) - 1
    for text in range(len(codes)):
        total = np.float32(0)
        for part in range(len(table)):
            byte, shift = header + (part * bits >> 3), part * bits & 7
            value = np.int64(codes[text, byte])
            if shift + bits > 8:
                value |= np.int64(codes[text, byte + 1]) << 8
            total += table[part, value >> shift & mask]
        if header:
            number = np.int64(codes[text, 0])
            if header == 3:
                number |= np.int64(codes[text, 1]) << 8
            total = centroids[number] + np.float32(codes[text, header - 1]) * total
        products[text] = total
