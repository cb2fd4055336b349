"""A sample of words in which a common word has no more places than a rare one.

Queries ask for rare words more than texts use them: what is fitted to words as often as texts use them is good at words
that hardly anybody asks for (docs/measurements/codecs.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .word_vectors import WordVectors


def word_sample(texts: WordVectors, n: int, seed: int) -> NDArray[np.int64]:
    """The rows of n words, or of all, ascending: one occurrence of every word first, then a second one, and so on.

    Words whose identity is not known count as different from all others.
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
