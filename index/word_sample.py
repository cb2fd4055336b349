"""A sample of words in which common words are no more frequent than rare ones.

Queries use rare words more often than texts do. A codec or an encoding that is fitted to words in the frequencies of
texts is good at words that hardly any query has (docs/how/codecs.md, docs/how/encodings.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .word_vectors import WordVectors


def word_sample(texts: WordVectors, n: int, seed: int) -> NDArray[np.int64]:
    """The rows of n words, or of all, ascending: one occurrence of every word first, then a second one, and so on.

    Every word without a known identity counts as a word of its own.
    """
    random = np.random.default_rng((seed, 0xD15))
    shuffled = random.permutation(len(texts.vectors))
    if len(shuffled) <= n:
        return np.sort(shuffled)
    ids = texts.word_ids[shuffled]
    order = np.argsort(ids, kind="stable")
    begins = np.flatnonzero(np.diff(ids[order], prepend=np.int64(-1)))
    rounds = np.empty(len(ids), np.int64)
    rounds[order] = np.arange(len(ids)) - np.repeat(begins, np.diff(begins, append=len(ids)))
    rounds[ids == 0] = 0
    return np.sort(shuffled[np.argsort(rounds, kind="stable")[:n]])
