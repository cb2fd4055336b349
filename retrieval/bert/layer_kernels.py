"""The layers of a BERT: everything between the embeddings and the hidden states, in one call.

Weights are bytes or float16, activations float32. Before a product with bytes, a row of activations becomes bytes with
a scale of its own, and the product is float32 again. Texts lie one behind the other without padding; each attends to
itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from wordhive.index.simd.instructions import LANES

from .layer_tiles import (
    NARROW,
    PANEL,
    ROWS,
    byte_tile,
    exponentials,
    gelu,
    half_tile,
    largest,
    narrow_tile,
    to_bytes,
    wide_tile,
)

# Tokens whose activations stay in a core's cache between two products.
_BLOCK = 96
# A GELU is never below it. So its bytes begin there, and have no bit for a sign.
GELU_LEAST = -0.17
_GELU_LEAST = np.float32(GELU_LEAST)
_MOST_BYTE, _HALF_BYTE, _ROUND, _TINY = np.float32(255), np.float32(127), np.float32(0.5), np.float32(1e-12)
_MIDDLE = np.float32(128.5)  # of bytes that stand for −127 … 127, and one half to round


class Sizes(NamedTuple):
    """The sizes of a BERT.

    Attributes:
        hidden: Dims of a token.
        inner: Dims between the two products of a feed-forward layer.
        heads, layers: Their numbers.
        epsilon: What a norm adds to a variance.
    """

    hidden: int
    inner: int
    heads: int
    layers: int
    epsilon: np.float32


@njit(nogil=True, cache=True)
def run_layers(
    x: NDArray[np.float32],
    offsets: NDArray[np.int64],
    sizes: Sizes,
    weights: int,
    starts: int,
    floats: NDArray[np.float32],
) -> None:
    """Turn embeddings into hidden states.

    Args:
        x: Float32 `[n_tokens, hidden]`, the embeddings behind their norm; becomes the hidden states.
        offsets: Int64 `[n_texts + 1]`, of the texts' tokens.
        sizes: The model's.
        weights: The address of all layers' weights; see `fast_transformer.Packed`.
        starts: The address of the int32 of all layers; 0 where weights are float16.
        floats: Those of all layers.
    """
    hidden, inner = sizes.hidden, sizes.inner
    n_tokens, padded, in_bytes = len(x), 0, starts != 0
    for text in range(len(offsets) - 1):
        padded = max(padded, (offsets[text + 1] - offsets[text] + PANEL - 1) // PANEL * PANEL)
    block = max(1, min(_BLOCK, n_tokens))
    parts = np.empty((n_tokens, 3 * hidden), np.float32)  # queries, keys, values
    mixed, added, wide = np.empty_like(x), np.empty_like(x), np.empty((block, inner), np.float32)
    coded, scales = np.empty(block * max(hidden, inner), np.uint8), np.empty(block, np.float32)
    row, keys = np.empty(hidden, np.float32), np.empty((hidden // sizes.heads, padded), np.float32)
    shares, row_scales = np.empty((ROWS, padded), np.float32), np.ones(2 * ROWS, np.float32)
    size = 1 if in_bytes else 2  # bytes of a weight
    for layer in range(sizes.layers):
        f = floats[layer * (17 * hidden + 2 * inner) : (layer + 1) * (17 * hidden + 2 * inner)]
        smooth, at = f[10 * hidden + 2 * inner :].reshape(7, hidden), f.ctypes.data
        w = weights + layer * size * (4 * hidden * hidden + 2 * hidden * inner)
        s = starts + 4 * layer * (5 * hidden + inner)
        w2, s2, at2 = w + 3 * size * hidden * hidden, s + 12 * hidden, at + 24 * hidden
        w3, s3, at3 = w2 + size * hidden * hidden, s2 + 4 * hidden, at2 + 8 * hidden
        w4, s4, at4 = w3 + size * hidden * inner, s3 + 4 * inner, at3 + 8 * inner
        for first in range(0, n_tokens, block):
            some = x[first : first + block]
            if in_bytes:
                _code(some, smooth[0], coded, scales, row)
                _multiply(coded, scales, len(some), hidden, w, s, at, parts[first : first + block])
            else:
                _multiply_halves(some, w, at + 12 * hidden, parts[first : first + block])
        for text in range(len(offsets) - 1):
            _attend(parts, sizes.heads, offsets[text], offsets[text + 1], mixed, keys, shares, row_scales)
        for first in range(0, n_tokens, block):
            some, given, out = x[first : first + block], mixed[first : first + block], added[first : first + block]
            n = len(some)
            if in_bytes:
                _code(given, smooth[1], coded, scales, row)
                _multiply(coded, scales, n, hidden, w2, s2, at2, out)
                _add_and_norm(some, out, smooth[3], smooth[4], sizes.epsilon)
                _code(some, smooth[2], coded, scales, row)
                _multiply(coded, scales, n, hidden, w3, s3, at3, wide)
                _activate_and_code(wide[:n], coded, scales)
                _multiply(coded, scales, n, inner, w4, s4, at4, out)
            else:
                _multiply_halves(given, w2, at2 + 4 * hidden, out)
                _add_and_norm(some, out, smooth[3], smooth[4], sizes.epsilon)
                _multiply_halves(some, w3, at3 + 4 * inner, wide)
                gelu(wide.ctypes.data, n * inner // LANES)
                _multiply_halves(wide[:n], w4, at4 + 4 * hidden, out)
            _add_and_norm(some, out, smooth[5], smooth[6], sizes.epsilon)


@njit(nogil=True, cache=True)
def _multiply(coded, row_scales, n_rows, n_inputs, weights, starts, scales, out):  # type: ignore[no-untyped-def]
    """The product of rows of bytes with weights. The columns' biases follow their scales."""
    n_columns = out.shape[1]
    for column in range(0, n_columns, PANEL):
        for row in range(0, n_rows, ROWS):
            byte_tile(
                coded.ctypes.data, n_inputs, weights + column * n_inputs, n_inputs // 4, starts + 4 * column,
                row_scales.ctypes.data, scales + 4 * column, scales + 4 * (n_columns + column),
                out.ctypes.data + 4 * column, 4 * n_columns, row, n_rows - 1,
            )  # fmt: skip


@njit(nogil=True, cache=True)
def _multiply_halves(given, weights, bias, out):  # type: ignore[no-untyped-def]
    """The product of rows of float32 with weights in float16."""
    n_rows, n_inputs = given.shape
    n_columns = out.shape[1]
    for column in range(0, n_columns, PANEL):
        for row in range(0, n_rows, ROWS):
            half_tile(
                given.ctypes.data, 4 * n_inputs, weights + 2 * column * n_inputs, n_inputs, bias + 4 * column,
                out.ctypes.data + 4 * column, 4 * n_columns, row, n_rows - 1,
            )  # fmt: skip


@njit(nogil=True, cache=True, fastmath=True)
def _code(x, smooth, coded, scales, row):  # type: ignore[no-untyped-def]
    """Rows of x · smooth as bytes, 128 being 0, with a scale for each row."""
    size = x.shape[1]
    for r in range(len(x)):
        top = _TINY
        for c in range(size):
            row[c] = x[r, c] * smooth[c]
            top = max(top, abs(row[c]))
        scales[r] = top / _HALF_BYTE
        to_bytes(row.ctypes.data, coded.ctypes.data + r * size, size // LANES, _HALF_BYTE / top, _MIDDLE)


@njit(nogil=True, cache=True, fastmath=True)
def _add_and_norm(x, added, gain, shift, epsilon):  # type: ignore[no-untyped-def]
    size = x.shape[1]
    for r in range(len(x)):
        total = np.float32(0)
        for c in range(size):
            x[r, c] += added[r, c]
            total += x[r, c]
        mean = total / np.float32(size)
        squares = np.float32(0)
        for c in range(size):
            squares += (x[r, c] - mean) * (x[r, c] - mean)
        factor = np.float32(1) / np.sqrt(squares / np.float32(size) + epsilon)
        for c in range(size):
            x[r, c] = (x[r, c] - mean) * factor * gain[c] + shift[c]


@njit(nogil=True, cache=True)
def _activate_and_code(wide, coded, scales):  # type: ignore[no-untyped-def]
    """GELU of rows, as bytes that begin at its least value, with a scale for each row."""
    size = wide.shape[1]
    for r in range(len(wide)):
        at = wide.ctypes.data + 4 * r * size
        scales[r] = (max(gelu(at, size // LANES), np.float32(0)) - _GELU_LEAST) / _MOST_BYTE
        factor = np.float32(1) / scales[r]
        to_bytes(at, coded.ctypes.data + r * size, size // LANES, factor, _ROUND - _GELU_LEAST * factor)


@njit(nogil=True, cache=True)
def _attend(parts, heads, start, stop, mixed, keys, shares, row_scales):  # type: ignore[no-untyped-def]
    """Every token of a text becomes a mean of the text's values, for each head. The queries are scaled already.

    Args:
        parts: Queries, keys and values, float32 `[n_tokens, 3 · hidden]`.
        mixed: Where the means go, float32 `[n_tokens, hidden]`.
        keys, shares, row_scales: Room; the second half of `row_scales` holds ones.
    """
    hidden, n = mixed.shape[1], stop - start
    dims, width = hidden // heads, 12 * hidden
    padded = (n + PANEL - 1) // PANEL * PANEL
    rows = (n + LANES - 1) // LANES
    room, ones = shares.ctypes.data, row_scales.ctypes.data + 4 * ROWS
    keys = keys.ravel()[: dims * padded].reshape(dims, padded)
    for head in range(heads):
        own = head * dims
        for c in range(dims):
            for token in range(n):
                keys[c, token] = parts[start + token, hidden + own + c]
            keys[c, n:] = 0
        values = parts.ctypes.data + start * width + 4 * (2 * hidden + own)
        for row in range(0, n, ROWS):
            some = min(ROWS, n - row)
            queries = parts.ctypes.data + (start + row) * width + 4 * own
            for column in range(0, padded, PANEL):
                right = keys.ctypes.data + 4 * column
                wide_tile(queries, width, right, 4 * padded, dims, ones, room + 4 * column, 4 * padded, some - 1)
            for r in range(some):
                shares.ravel()[r * padded + n : r * padded + rows * LANES] = -3e38
                at = room + 4 * r * padded
                row_scales[r] = np.float32(1) / exponentials(at, rows, largest(at, rows))
            for c in range(0, dims, NARROW):
                target = mixed.ctypes.data + 4 * ((start + row) * hidden + own + c)
                narrow_tile(
                    room, 4 * padded, values + 4 * c, width, n, row_scales.ctypes.data, target, 4 * hidden, some - 1
                )
