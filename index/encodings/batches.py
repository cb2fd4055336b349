"""Texts cut into batches, which bounds the working memory of an encoding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..word_vectors import WordVectors


def batches(texts: WordVectors, most_words: int, most_texts: int) -> Iterator[WordVectors]:
    """The texts in order, so many words and texts at a time; a text of more words comes alone."""
    start = 0
    while start < len(texts):
        stop = int(np.searchsorted(texts.offsets, texts.offsets[start] + most_words, side="right")) - 1
        stop = max(start + 1, min(stop, start + most_texts))
        yield texts[start:stop]
        start = stop
