"""Bags of words: the word vectors of a text's windows become one vector for each unique word of the text.

A word that stands in several windows has a vector in each of them. One vector takes their place: the mean of their
directions, weighted by their lengths, at their mean length. The lengths of a document's words are the stop-word
gate's, so a window where the gate is nearly closed says little of the direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import WordVectors
from wordhive.index.vectors.ragged import ragged_rows
from wordhive.index.vectors.window_words import WindowWords

Floats = NDArray[np.floating[Any]]

# Above all word ids: special tokens have id 0, and are told apart by their order within a window.
_SPECIAL = 2**32


def joined(
    windows: WordVectors,
    texts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    *,
    merge: bool,
    query: bool = False,
    shares: bool = False,
) -> WordVectors:
    """One bag of words for each text, and which of them stand together in a window of a document.

    Args:
        windows: The windows' vectors, each text's in order.
        texts: int64 `[n_windows]`, the text of each window, ascending from 0; every text has one.
        lengths: int64 `[n_windows]`, tokens of each window.
        merge: Give each unique word one vector. False keeps all vectors, for a model that has one a token.
        query: The texts are queries, which are not scored window by window.
        shares: The vectors' lengths are a word's shares of its window, and become its shares of the text.
    """
    n_texts = int(texts[-1]) + 1 if len(texts) else 0
    if n_texts == len(windows):
        return windows
    weights = (lengths / np.bincount(texts, lengths)[texts]).astype(np.float32)
    summary = None if windows.summary is None else _mean_summary(windows.summary, texts, weights)
    of_word = np.repeat(texts, windows.counts)
    if not merge:
        offsets = _offsets(of_word, n_texts)
        together = None if query else _windows(windows, texts, offsets, np.arange(len(of_word)))
        return WordVectors(windows.vectors, offsets, windows.word_ids, summary, together)
    first, group = _unique_words(windows, of_word)
    vectors = windows.vectors[first]
    # Exactly its own vector for a word of one window.
    several = np.flatnonzero((np.bincount(texts)[of_word] > 1) if shares else (np.bincount(group) > 1)[group])
    words, number = np.unique(group[several], return_inverse=True)
    vectors[words] = _means(windows.vectors[several], number, np.repeat(weights, windows.counts)[several], shares)
    offsets = _offsets(of_word[first], n_texts)
    # A query's words are all asked for, wherever they stand.
    parts = None if query else _windows(windows, texts, offsets, group)
    return WordVectors(vectors, offsets, windows.word_ids[first], summary, parts)


def _windows(
    windows: WordVectors, texts: NDArray[np.int64], offsets: NDArray[np.int64], word: NDArray[np.int64]
) -> WindowWords:
    """Which words of each text stand together.

    Args:
        windows: The windows' vectors.
        texts: Int64 `[n_windows]`, the text of each window.
        offsets: Int64 `[n_texts + 1]`, of the texts' words.
        word: Int64, the number among all texts' words of each of the windows' words.
    """
    counts = np.bincount(texts)
    long = np.flatnonzero(counts[texts] > 1)
    rows, ends = ragged_rows(windows.offsets, long)
    positions = word[rows] - np.repeat(offsets[texts[long]], np.diff(ends))
    order = np.lexsort([positions, np.repeat(np.arange(len(long)), np.diff(ends))])
    summary = None if windows.summary is None else windows.summary[long]
    return WindowWords(np.where(counts > 1, counts, 0), ends, positions[order], summary)


def _means(vectors: Floats, group: NDArray[np.int64], weights: Floats, shares: bool) -> Floats:
    """The vector of each group; see `joined`."""
    norms = np.linalg.norm(vectors, axis=1)
    if shares:
        sums, lengths = _sums(vectors * weights[:, None], group), _sums(norms * weights, group)
    else:
        sums, lengths = _sums(vectors, group), _sums(norms, group) / np.bincount(group)
    return _of_length(sums, lengths)


def _of_length(vectors: Floats, lengths: Floats) -> Floats:
    now = np.linalg.norm(vectors, axis=1)
    scaled: Floats = vectors * (lengths / np.maximum(now, np.finfo(np.float32).tiny))[:, None]
    return scaled


def _unique_words(windows: WordVectors, of_word: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The row of each unique word's first vector, in ascending order, and the number of every vector's word."""
    ids = windows.word_ids.astype(np.int64)
    special = ids == 0
    if special.any():
        before = np.cumsum(special) - special
        starts = np.repeat(before[np.minimum(windows.offsets[:-1], len(before) - 1)], windows.counts)
        ids[special] = (_SPECIAL + before - starts)[special]
    _, first, group = np.unique(of_word * (2 * _SPECIAL) + ids, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return first[order], rank[group]


def _sums(values: Floats, group: NDArray[np.int64]) -> Floats:
    """The sum of each group's values; groups are numbered from 0 and none is empty."""
    if not len(group):
        return values
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sums: Floats = np.add.reduceat(values[order], starts, axis=0)
    return sums


def _mean_summary(summary: Floats, texts: NDArray[np.int64], weights: Floats) -> NDArray[np.float32]:
    """The mean of the windows' summaries by their tokens.

    It is not made longer again: a text of many subjects has a short mean, which says less of it, and weighs less.
    """
    mean = _sums(summary * weights[:, None], texts).astype(np.float32)
    alone = np.bincount(texts)[texts] == 1
    mean[texts[alone]] = summary[alone]
    return mean


def _offsets(of_word: NDArray[np.int64], n_texts: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(np.bincount(of_word, minlength=n_texts))]).astype(np.int64)
