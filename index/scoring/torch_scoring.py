"""Exact scores on a device of torch's: those of the compiled kernels on the CPU, but for rounding in float32.

Blocks of words are unpacked on the device and multiplied with all query words. So the vectors of all documents are
never there at once, and only scores come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..codecs import Codec
from ..torch_device import full_float32, put, torch_device
from ..word_vectors import WordVectors, ragged_blocks
from .coded_documents import ChosenDocuments
from .torch_codes import PlacedCodes, Spans, rotated_queries

# Numbers that codes are unpacked into at once, and products of these with queries: 128 MB of either.
_AT_ONCE = 1 << 25


class TorchScoring:
    """The second stage on a device; the codes of open segments stay on it. Raises as `torch_device` does."""

    def __init__(self, device: str) -> None:
        self._device = torch_device(device)
        self._words = PlacedCodes(self._device, lambda coded: coded.words)
        self._summaries = PlacedCodes(self._device, lambda coded: coded.summaries)

    def word_scores(self, queries: WordVectors, codec: Codec, documents: ChosenDocuments) -> NDArray[np.float32]:
        """The words' part of the score of every query with every document, float32 `[n_queries, n_documents]`.

        A document without words scores 0.
        """
        spans = []
        for coded, chosen in documents:
            starts = coded.offsets[chosen]
            spans.append((coded, starts, coded.offsets[chosen + 1] - starts))
        counts = np.concatenate([n_words for _, _, n_words in spans])
        scores = np.zeros((len(queries), len(counts)), np.float32)
        words = rotated_queries(codec.layout, queries.vectors)
        if not len(words):
            return scores
        with full_float32(self._device):
            of_queries = put(queries.counts, self._device)
            for block, products in self._products(words, self._words, codec, spans):
                best = best_of_spans(products, put(counts[block], self._device))
                sums = torch.segment_reduce(best.T.contiguous(), "sum", lengths=of_queries, axis=0, unsafe=True)
                scores[:, block] = sums.cpu().numpy()
        return scores

    def summary_scores(
        self, queries: NDArray[np.float32], codec: Codec, documents: ChosenDocuments
    ) -> NDArray[np.float32]:
        """Inner products of queries `[n, dim]` with documents' summaries, float32 `[n, n_documents]`."""
        spans = [(coded, chosen, np.ones_like(chosen)) for coded, chosen in documents]
        scores = np.zeros((len(queries), sum(len(chosen) for _, chosen in documents)), np.float32)
        if len(queries):
            with full_float32(self._device):
                for block, products in self._products(
                    rotated_queries(codec.layout, queries), self._summaries, codec, spans
                ):
                    scores[:, block] = products.T.cpu().numpy()
        return scores

    def _products(
        self, queries: NDArray[np.float32], placed: PlacedCodes, codec: Codec, spans: Sequence[Spans]
    ) -> Iterator[tuple[slice, Tensor]]:
        """Inner products of codes with queries, float32 `[n_codes, n_queries]`, block by block of spans.

        A block without codes is left out.
        """
        counts, columns = np.concatenate([n_codes for _, _, n_codes in spans]), put(queries, self._device).T
        for block in ragged_blocks(counts, max(1, _AT_ONCE // max(queries.shape))):
            if counts[block].any():
                yield block, placed.numbers(codec, list(_part(spans, block))) @ columns


def best_of_spans(products: Tensor, counts: Tensor) -> Tensor:
    """The largest number of each span in every column, float32 `[n_spans, n_columns]`; 0 for a span without rows.

    Args:
        products: float32 `[n_rows, n_columns]`, at least one row.
        counts: int64 `[n_spans]`, of the rows of each.
    """
    # One thread for each result: unlike in a scatter, no two write to the same address.
    best = torch.segment_reduce(products, "max", lengths=counts, axis=0, unsafe=True)
    return best.where(counts[:, None] > 0, best.new_zeros(()))


def _part(spans: Sequence[Spans], block: slice) -> Iterator[Spans]:
    first = 0
    for coded, starts, counts in spans:
        part = slice(max(block.start - first, 0), max(block.stop - first, 0))
        if len(starts[part]):
            yield coded, starts[part], counts[part]
        first += len(starts)
