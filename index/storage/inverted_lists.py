"""Inverted lists: which documents of a segment have a word.

They are made from the word ids of the segment's documents when a search first needs them, and kept in memory only. Rare
words have a list; of the others only the number of documents is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..vectors.ragged import span_rows
from ..word_vectors import ragged_blocks
from .word_id_lists import WordIdLists

# A word of more documents has no list. Some hundred candidates more cost a search little.
MOST_LISTED = 100
# Words whose ids are decoded at a time.
_BLOCK_WORDS = 1_000_000


@dataclass(frozen=True)
class InvertedLists:
    """The documents of each word of a vocabulary.

    Attributes:
        vocabulary: Uint32, ascending.
        counts: Int32, documents that have each word of it.
        starts: Int64 `[len(vocabulary) + 1]`; a rare word has the documents `documents[starts[i]:starts[i + 1]]`.
        documents: Int32, ascending for each word.
    """

    vocabulary: NDArray[np.uint32]
    counts: NDArray[np.int32]
    starts: NDArray[np.int64]
    documents: NDArray[np.int32]

    @classmethod
    def of(cls, lists: WordIdLists, offsets: NDArray[np.int64]) -> InvertedLists:
        """The inverted lists of documents.

        Args:
            lists: Their word ids.
            offsets: Of their words.

        Raises:
            WordhiveError: Word ids that are damaged.
        """
        vocabulary, everything = np.asarray(lists.vocabulary), np.arange(len(offsets) - 1)
        counts = count_documents(lists, offsets, everything)
        listed = np.where((counts <= MOST_LISTED) & (vocabulary > 0), counts, 0)
        starts = np.concatenate([[0], np.cumsum(listed, dtype=np.int64)])
        documents, ends = np.empty(starts[-1], np.int32), starts[:-1].copy()
        for chosen, own, places in _decoded(lists, offsets, everything):
            _fill(places, own, chosen, listed, ends, documents)
        return cls(vocabulary, counts, starts, documents)

    def places(self, word_ids: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The place of each word in the vocabulary; −1 where it is not in it."""
        places = np.searchsorted(self.vocabulary, word_ids)
        found = places < len(self.vocabulary)
        found[found] = self.vocabulary[places[found]] == word_ids[found]
        return np.where(found, places, -1)

    def listed(self, word_ids: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The documents that have a rare one of the given words: their numbers, and which word each of them has."""
        places = self.places(word_ids)
        words = np.flatnonzero(places >= 0)
        starts = self.starts[places[words]]
        counts = self.starts[places[words] + 1] - starts
        return self.documents[span_rows(starts, counts)].astype(np.int64), np.repeat(words, counts)


def count_documents(lists: WordIdLists, offsets: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int32]:
    """How many of the chosen documents have each word of the vocabulary, int32 `[len(vocabulary)]`."""
    counts = np.zeros(len(lists.vocabulary), np.int32)
    for _, own, places in _decoded(lists, offsets, chosen):
        _count(places, own, counts)
    return counts


def _decoded(
    lists: WordIdLists, offsets: NDArray[np.int64], chosen: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of documents, the offsets of their words, and the places of these in the vocabulary."""
    counts = offsets[chosen + 1] - offsets[chosen]
    for block in ragged_blocks(counts, _BLOCK_WORDS):
        own = np.concatenate([[0], np.cumsum(counts[block])]).astype(np.int64)
        yield chosen[block], own, lists.places(chosen[block], own)


@njit(nogil=True, cache=True)
def _count(places, offsets, counts):  # type: ignore[no-untyped-def]
    for text in range(len(offsets) - 1):
        before = -1
        for word in range(offsets[text], offsets[text + 1]):
            if places[word] != before:
                before = places[word]
                counts[before] += 1


@njit(nogil=True, cache=True)
def _fill(places, offsets, numbers, listed, ends, documents):  # type: ignore[no-untyped-def]
    for text in range(len(numbers)):
        before = -1
        for word in range(offsets[text], offsets[text + 1]):
            place = places[word]
            if place != before:
                before = place
                if listed[place]:
                    documents[ends[place]] = numbers[text]
                    ends[place] += 1
