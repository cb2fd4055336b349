"""Texts cut into batches, which bounds the working memory of an encoding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..word_vectors import WordVectors


def batches(texts: WordVectors, most_words: int, most_texts: int) -> Iterator[WordVectors]:
    """Batches of texts in order, each of at most so many words and texts; a longer text is a batch of its own."""
    start = 0
    while start < len(texts):
        stop = int(np.searchsorted(texts.offsets, texts.offsets[start] + most_words, side="right")) - 1
        stop = max(start + 1, min(stop, start + most_texts))
        yield texts[start:stop]
        start = stop


def text_numbers(texts: WordVectors) -> NDArray[np.int64]:
    """The number of every word's text within the batch, int64 `[n_words]`."""
    return np.repeat(np.arange(len(texts)), texts.counts)
