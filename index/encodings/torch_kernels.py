"""The encodings' arithmetic in torch, on any device that it knows; the compiled kernels on the CPU say what is right.

Parameters go to the device once, then the words of one batch after the other, and only encodings come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..torch_device import put, torch_device
from ..word_vectors import WordVectors
from .fitted import Fitted
from .muvera import Muvera


def muvera_encodings(
    encoding: Muvera, batches: Iterable[WordVectors], device: str, *, is_query: bool
) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch, float32 `[n_texts, encoding.dim]`."""
    place, config = torch_device(device), encoding.config
    repetitions, bits, _ = encoding.hyperplanes.shape
    hyperplanes = put(encoding.hyperplanes, place).flatten(0, 1)
    projections = None if encoding.projections is None else put(encoding.projections, place)
    mean = put(encoding.mean, place)
    sketch = None if encoding.sketch is None else put(encoding.sketch, place)
    final = None if encoding.final is None else put(encoding.final, place).T / encoding.dim**0.5
    weights = 2 ** torch.arange(bits, dtype=torch.int32, device=place)
    if config.google:
        weights = weights.flip(0)
    numbers = torch.arange(2**bits, device=place)
    for texts in batches:
        words = put(texts.vectors, place)
        centred = words - mean if config.centre else words
        # Full float32, as torch has it by default: where a program allows TF32, words near a hyperplane change sides.
        signs = (centred @ hyperplanes.T > 0).view(len(words), repetitions, bits)
        buckets = (signs * weights).sum(2)
        projected = words if is_query else centred
        if projections is None:
            projected = projected[:, None].expand(-1, repetitions, -1)
        else:
            projected = (projected @ projections.flatten(0, 1).T).view(len(words), *projections.shape[:2])
        fill = config.fill and not is_query
        blocks = add_to_buckets(projected, buckets, _texts(texts, place), len(texts), 2**bits, not is_query, fill)
        if config.google:
            blocks = blocks[:, :, numbers ^ (numbers >> 1)]
        full = blocks.flatten(1)
        if final is not None:
            full = full @ final
        elif sketch is not None:
            full = full.new_zeros(len(texts), encoding.dim).index_add_(1, sketch[0], full * sketch[1])
        yield full.cpu().numpy()


def fitted_documents(encoding: Fitted, batches: Iterable[WordVectors], device: str) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch of documents, float32 `[n_documents, dim]`."""
    place = torch_device(device)
    words, solution = put(encoding.words, place), put(encoding.solution, place)
    for documents in batches:
        products = put(documents.vectors, place) @ words.T
        best = best_of_texts(products, _texts(documents, place), len(documents))
        yield (best @ solution.T).cpu().numpy()


def fitted_queries(encoding: Fitted, batches: Iterable[WordVectors], device: str) -> Iterator[NDArray[np.float32]]:
    """The encodings of each batch of queries, float32 `[n_queries, dim]`."""
    place = torch_device(device)
    centroids = put(encoding.centroids, place)
    for queries in batches:
        words = put(queries.vectors, place)
        lengths = words.norm(dim=1, keepdim=True)
        near = (words @ centroids.T - encoding.config.threshold * lengths).clamp(min=0)
        features = torch.cat([words, near, lengths], 1)
        sums = features.new_zeros(len(queries), features.shape[1]).index_add_(0, _texts(queries, place), features)
        yield sums.cpu().numpy()


def best_of_texts(products: Tensor, texts: Tensor, n_texts: int) -> Tensor:
    """The largest number of each text in every column, float32 `[n_texts, n_columns]`; 0 for a text without words.

    products: float32 `[n_words, n_columns]`. texts: int64 `[n_words]`, each word's text.
    """
    best = products.new_zeros(n_texts, products.shape[1])
    return best.scatter_reduce_(0, texts[:, None].expand_as(products), products, "amax", include_self=False)


def add_to_buckets(
    projected: Tensor, buckets: Tensor, texts: Tensor, n_texts: int, n_buckets: int, average: bool, fill: bool
) -> Tensor:
    """The sum or average of each text's words in every bucket, float32 `[n_texts, repetitions, n_buckets, dim]`.

    projected: float32 `[n_words, repetitions, dim]`. buckets: int64 `[n_words, repetitions]`. texts: int64 `[n_words]`,
    each word's text. fill: give an empty bucket the word whose own bucket differs from it in the fewest bits, of
    several the first.
    """
    n_words, repetitions, dim = projected.shape
    numbers = torch.arange(repetitions, device=texts.device)
    slots = ((texts[:, None] * repetitions + numbers) * n_buckets + buckets).flatten()
    blocks = projected.new_zeros(n_texts * repetitions * n_buckets, dim)
    blocks.index_add_(0, slots, projected.reshape(-1, dim))
    counts = torch.bincount(slots, minlength=len(blocks))
    if average:
        blocks /= counts.clamp(min=1)[:, None]
    if fill:
        nearest = _nearest_words(slots, len(blocks), n_words, n_buckets)
        empty = torch.nonzero((counts == 0) & (nearest < n_words)).flatten()
        blocks[empty] = projected[nearest[empty], empty // n_buckets % repetitions]
    return blocks.view(n_texts, repetitions, n_buckets, dim)


def _nearest_words(slots: Tensor, n_slots: int, n_words: int, n_buckets: int) -> Tensor:
    """The word nearest to every slot, int64 `[n_slots]`; `n_words` where the slot's text has none.

    That with the least key, differing bits · n_words + word. Buckets are the corners of a cube, so that one exchange
    along each of its axes brings the least key of all to every corner: words are never compared with buckets.
    """
    bits = n_buckets.bit_length() - 1
    none = (bits + 1) * n_words
    words = torch.arange(n_words, dtype=torch.int32, device=slots.device)
    # In 32 bits, which are enough: older versions of torch scatter no minimum of 64 on MPS.
    keys = torch.full((n_slots,), none, dtype=torch.int32, device=slots.device)
    keys.scatter_reduce_(0, slots, words.repeat_interleave(len(slots) // max(n_words, 1)), "amin")
    for bit in range(bits):
        corners = keys.view(-1, 2, 2**bit)
        keys = torch.minimum(corners, corners.flip(1) + n_words).flatten()
    return torch.where(keys < none, keys % max(n_words, 1), n_words).long()


def _texts(batch: WordVectors, device: torch.device) -> Tensor:
    return put(np.repeat(np.arange(len(batch)), batch.counts), device)
