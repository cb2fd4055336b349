"""The largest inner product of every document's words with each word of a sample, of which fitted encodings are made.

Where the processor multiplies bfloat16 in hardware, products are computed in it, four times as fast as in float32. A
product is then off by up to .4 % of the norms, a small part of a fitted encoding's own error
(docs/measurements/speed.md).
"""

from __future__ import annotations

import importlib.util
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..simd.instructions import processor_has
from ..threads import run_in_blocks
from ..vectors.float_order import ordered
from ..word_vectors import WordVectors
from .batches import batches

# Products of one batch: few enough to be read back from a cache.
_BATCH_PRODUCTS = 4_000_000


def best_products(
    documents: WordVectors, words: NDArray[np.float32], *, bfloat16: bool | None = None
) -> NDArray[np.float32]:
    """The largest products, float32 `[n_documents, n_words]`; 0 for a document without words.

    Args:
        documents: The documents.
        words: The sample, float32 `[n_words, dim]`.
        bfloat16: Multiply in bfloat16. None: where the processor does so in hardware.
    """
    best = np.zeros((len(documents), len(words)), np.float32)
    multiply = _in_bfloat16 if (multiplies_bfloat16() if bfloat16 is None else bfloat16) else _in_float32
    if words.size:
        multiply(documents, words, best)
    return best


@cache
def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions to multiply in bfloat16, and torch is there to use them."""
    has_them = processor_has("avx512bf16") or processor_has("amx-bf16")
    return has_them and importlib.util.find_spec("torch") is not None


def _in_float32(documents: WordVectors, words: NDArray[np.float32], best: NDArray[np.float32]) -> None:
    buffer, done = np.empty((0, len(words)), np.float32), 0
    for part in batches(documents, _BATCH_PRODUCTS // len(words), len(documents)):
        # One buffer for all batches: to allocate a new one takes as long as the multiplication.
        buffer = buffer if len(buffer) >= len(part.vectors) else np.empty((len(part.vectors), len(words)), np.float32)
        products = np.matmul(part.vectors, words.T, out=buffer[: len(part.vectors)])
        _best(_best_floats, products, part.offsets, best[done : done + len(part)])
        done += len(part)


def _in_bfloat16(documents: WordVectors, words: NDArray[np.float32], best: NDArray[np.float32]) -> None:
    import torch

    # All documents are converted at once: to wake torch's threads for each batch takes longer.
    columns, rows = torch.tensor(words).bfloat16().T, torch.tensor(documents.vectors).bfloat16()
    buffer, done = torch.empty((0, len(words)), dtype=torch.bfloat16), 0
    first = 0
    for part in batches(documents, _BATCH_PRODUCTS // len(words), len(documents)):
        n = len(part.vectors)
        buffer = buffer if len(buffer) >= n else torch.empty((n, len(words)), dtype=torch.bfloat16)
        torch.matmul(rows[first : first + n], columns, out=buffer[:n])
        bits = buffer[:n].view(torch.int16).numpy()
        _best(_best_bits, bits, part.offsets, best[done : done + len(part)].view(np.int32))
        first, done = first + n, done + len(part)


def _best(kernel: Any, products: NDArray[Any], offsets: NDArray[np.int64], best: NDArray[Any]) -> None:
    run_in_blocks(lambda first, last: kernel(products, offsets, first, last, best), offsets * products.shape[1])


@njit(nogil=True, fastmath=True, cache=True)
def _best_floats(products, offsets, first, last, best):  # type: ignore[no-untyped-def]
    for text in range(first, last):
        start, end = offsets[text], offsets[text + 1]
        if start == end:
            continue
        best[text] = products[start]
        for word in range(start + 1, end):
            for k in range(products.shape[1]):
                best[text, k] = max(best[text, k], products[word, k])


@njit(nogil=True, cache=True)
def _best_bits(products, offsets, first, last, best):  # type: ignore[no-untyped-def]
    """As `_best_floats`, from the bits of bfloat16 to the bits of float32, whose upper half they are."""
    largest = np.empty(products.shape[1], np.int16)
    for text in range(first, last):
        start, end = offsets[text], offsets[text + 1]
        if start == end:
            continue
        largest[:] = -32768
        for word in range(start, end):
            for k in range(products.shape[1]):
                largest[k] = max(largest[k], _ordered(products[word, k]))
        for k in range(products.shape[1]):
            best[text, k] = np.int32(_ordered(largest[k])) << 16


_ordered_kernel = njit(inline="always")(ordered)


@njit(inline="always")
def _ordered(bits):  # type: ignore[no-untyped-def]
    return np.int16(_ordered_kernel(bits, np.int16(15), np.int16(0x7FFF)))
