"""Word ids on disk: what takes four bytes a word as numbers takes about one and a half as gaps.

A segment has a vocabulary, its different ids in ascending order. A text's words are stored in the order of their ids,
and of each id only how far its place in the vocabulary is from the one before, as a Golomb-Rice code: the gap's lower
bits as they are, the higher ones in unary. How many are lower follows from how many words the text has (Witten, Moffat
and Bell, Managing Gigabytes, 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..errors import WordhiveError
from ..lexical.identities import identity_table, slot
from ..lexical.lexical_queries import LexicalQueries
from ..simd.tiles import bits_at, zeros_below
from ..threads import run_in_blocks
from ..word_vectors import WordVectors
from .array_files import map_array, save_array

# The files of the parts of `WordIdLists`, in its order, and the numbers that they may hold.
ID_FILES = ("word_ids", "word_id_sizes", "vocabulary")
# Bits that can be read at any place of a code at once.
_SURE_BITS = 57
_KINDS = (("|u1",), ("<u2", "<u4"), ("<u4", "<i4", "<u8", "<i8", "<u2", "<i2", "|u1", "|i1"))


def by_word_id(texts: WordVectors) -> WordVectors:
    """The same texts, the words of each in the order of their ids; those of equal ids stay in their order."""
    owners = np.repeat(np.arange(len(texts)), texts.counts)
    order = np.lexsort((texts.word_ids, owners))
    windows = texts.windows
    if windows is not None:
        positions = np.empty_like(order)
        positions[order] = np.arange(len(order)) - texts.offsets[:-1][owners]
        windows = windows.reordered(positions, texts.offsets)
    return WordVectors(texts.vectors[order], texts.offsets, texts.word_ids[order], texts.summary, windows)


@dataclass(frozen=True)
class WordIdLists:
    """The word ids of texts, coded.

    Attributes:
        codes: uint8, of all texts one after the other.
        sizes: `[n_texts]`, bytes of each text's, uint16 where they fit.
        vocabulary: uint32, ascending; words that all have the same id take no bytes.
    """

    codes: NDArray[np.uint8]
    sizes: NDArray[np.uint16] | NDArray[np.uint32]
    vocabulary: NDArray[np.uint32]

    @classmethod
    def encode(
        cls, word_ids: NDArray[np.uint32], offsets: NDArray[np.int64], vocabulary: NDArray[np.uint32]
    ) -> WordIdLists:
        """Code the ids of all words, ascending within a text.

        Args:
            vocabulary: Ascending, with all of them.
        """
        places = np.searchsorted(vocabulary, word_ids)
        bits = np.zeros(len(offsets) - 1, np.int64)
        if len(vocabulary) < 2:
            return cls(np.zeros(0, np.uint8), _narrow(bits), vocabulary)
        _measure(places, offsets, len(vocabulary), bits)
        sizes = (bits + 7) // 8
        codes = np.zeros(int(sizes.sum()), np.uint8)
        _write(places, offsets, len(vocabulary), np.cumsum(sizes) - sizes, codes)
        return cls(codes, _narrow(sizes), vocabulary)

    @classmethod
    def concat(cls, parts: Sequence[WordIdLists], vocabulary: NDArray[np.uint32]) -> WordIdLists:
        """All texts of `parts`, in order, which were coded by one vocabulary."""
        codes = np.concatenate([np.zeros(0, np.uint8), *(part.codes for part in parts)])
        sizes = np.concatenate([np.zeros(0, np.int64), *(part.sizes for part in parts)])
        return cls(codes, _narrow(sizes), vocabulary)

    def save(self, folder: Path, files: Sequence[str] = ID_FILES) -> None:
        """Write the files of a segment's word ids, or of other lists.

        Raises:
            OSError: The disk is full.
        """
        for name, part in zip(files, (self.codes, self.sizes, self.vocabulary), strict=True):
            save_array(folder / f"{name}.npy", part)

    @classmethod
    def load(cls, folder: Path, files: Sequence[str] = ID_FILES) -> WordIdLists:
        """The files that `save` wrote, mapped.

        Raises:
            WordhiveError: One that is missing or damaged.
        """
        named = zip(files, _KINDS, strict=True)
        return cls(*(map_array(folder / f"{name}.npy", *kinds) for name, kinds in named))

    def is_whole(self) -> bool:
        """Whether the sizes are those of all codes together; those of single texts are found out in reading them."""
        return int(self.sizes.sum(dtype=np.uint64)) == len(self.codes)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.sizes, dtype=np.int64)])

    def decode(self, texts: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
        """The word ids of the given texts, one text after the other; arguments and errors as of `places`."""
        if not offsets[-1]:
            return np.zeros(0, np.uint32)
        return self.vocabulary[self.places(texts, offsets)]

    def places(self, texts: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the word ids of the given texts are in the vocabulary, one text after the other.

        Args:
            offsets: int64 `[len(texts) + 1]`, of their words.

        Raises:
            WordhiveError: Codes that are damaged.
        """
        places, whole = np.zeros(offsets[-1], np.int64), np.ones(len(texts), np.bool_)
        codes, n = self.codes, len(self.vocabulary)
        if n > 1:
            begins, ends = self._starts[texts], self._starts[texts + 1]
            run_in_blocks(lambda a, b: _read(codes, begins, ends, offsets, n, a, b, places, whole), offsets)
        if not whole.all() or (not n and len(places)):
            raise WordhiveError("word ids are damaged; restore the index from a copy")
        return places

    def lexical_scores(
        self, queries: LexicalQueries, texts: NDArray[np.int64], counts: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """The lexical part of the score of every query with each of the given texts, float32 `[n_queries, n_texts]`.

        Args:
            counts: int64 `[n_texts]`, of their words.

        Raises:
            WordhiveError: Codes that are damaged.
        """
        scores = np.zeros((len(queries), len(texts)), np.float32)
        known, places = queries.known(np.asarray(self.vocabulary))
        if not len(places):
            return scores
        if len(self.vocabulary) < 2:  # without codes: every word is that one
            scores[known.owners] = known.weights[:, None] * (counts > 0)
            return scores
        # Words are looked up by their places, so that no id need be read; 0 marks an empty slot.
        table = (*identity_table((places + 1).astype(np.uint32)), int(places[-1]))
        words, whole = (known.starts, known.owners, known.weights), np.ones(len(texts), np.bool_)
        codes, n, begins, ends = self.codes, len(self.vocabulary), self._starts[texts], self._starts[texts + 1]

        def block(first: int, last: int) -> None:
            _add_weights(codes, begins, ends, counts, n, first, last, table, words, scores, whole)

        run_in_blocks(block, np.concatenate([[0], np.cumsum(counts)]))
        if not whole.all():
            raise WordhiveError("word ids are damaged; restore the index from a copy")
        return scores


def _narrow(sizes: NDArray[np.int64]) -> NDArray[np.uint16] | NDArray[np.uint32]:
    return sizes.astype(np.uint16) if sizes.max(initial=0) < 1 << 16 else sizes.astype(np.uint32)


@njit(nogil=True, cache=True)
def _low_bits(n_words, n_vocabulary):  # type: ignore[no-untyped-def]
    bits = 0
    while (2 << bits) * max(1, n_words) <= n_vocabulary:
        bits += 1
    return bits


@njit(nogil=True, cache=True)
def _measure(places, offsets, n_vocabulary, bits):  # type: ignore[no-untyped-def]
    for text in range(len(bits)):
        low = _low_bits(offsets[text + 1] - offsets[text], n_vocabulary)
        before = 0
        for word in range(offsets[text], offsets[text + 1]):
            bits[text] += ((places[word] - before) >> low) + 1 + low
            before = places[word]


@njit(nogil=True, cache=True)
def _write(places, offsets, n_vocabulary, starts, codes):  # type: ignore[no-untyped-def]
    for text in range(len(starts)):
        low = _low_bits(offsets[text + 1] - offsets[text], n_vocabulary)
        at, before = starts[text] * 8, 0
        for word in range(offsets[text], offsets[text + 1]):
            gap = places[word] - before
            before = places[word]
            at += gap >> low  # zeros are there already
            codes[at >> 3] |= 1 << (at & 7)
            at += 1
            for k in range(low):
                codes[at >> 3] |= (gap >> k & 1) << (at & 7)
                at += 1


@njit(nogil=True, cache=True)
def _read(codes, begins, ends, offsets, n_vocabulary, first, last, places, whole):  # type: ignore[no-untyped-def]
    address = codes.ctypes.data
    for text in range(first, last):
        low = _low_bits(offsets[text + 1] - offsets[text], n_vocabulary)
        at, end, place = begins[text] * 8, min(ends[text], len(codes)) * 8, 0
        for word in range(offsets[text], offsets[text + 1]):
            gap, at = _gap(codes, address, at, end, low)
            place += gap
            if at > end or place >= n_vocabulary:
                whole[text] = False
                place = 0
            places[word] = place


@njit(nogil=True, cache=True)
def _add_weights(codes, begins, ends, counts, n_vocabulary, first, last, table, words, scores, whole):  # type: ignore[no-untyped-def]
    keys, values, largest = table
    starts, owners, weights = words
    address = codes.ctypes.data
    for text in range(first, last):
        low = _low_bits(counts[text], n_vocabulary)
        at, end, place = begins[text] * 8, min(ends[text], len(codes)) * 8, 0
        before = -1
        for _ in range(counts[text]):
            gap, at = _gap(codes, address, at, end, low)
            place += gap
            if at > end or place >= n_vocabulary:
                whole[text] = False
                break
            if place > largest:
                break
            number = values[slot(keys, np.uint32(place + 1))]
            if number >= 0 and place != before:
                for entry in range(starts[number], starts[number + 1]):
                    scores[owners[entry], text] += weights[entry]
            before = place


@njit(nogil=True, cache=True, inline="always")
def _gap(codes, address, at, end, low):  # type: ignore[no-untyped-def]
    """The gap whose code begins at a bit, and the bit behind it."""
    bits = bits_at(address, at) if at + 64 <= len(codes) * 8 else 0
    high = zeros_below(bits)
    if high + 1 + low <= _SURE_BITS:
        result = (high << low) | (bits >> (high + 1) & ((1 << low) - 1)), at + high + 1 + low
    else:
        result = _gap_bit_by_bit(codes, at, end, low)
    return result


@njit(nogil=True, cache=True)
def _gap_bit_by_bit(codes, at, end, low):  # type: ignore[no-untyped-def]
    """The same for the last codes of a file, and for the longest."""
    high = 0
    while at < end and not codes[at >> 3] >> (at & 7) & 1:
        high += 1
        at += 1
    at += 1
    gap = 0
    for k in range(low):
        if at < end:
            gap |= np.int64(codes[at >> 3] >> (at & 7) & 1) << k
        at += 1
    return (high << low) | gap, at
