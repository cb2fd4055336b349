"""The words of texts as hashes, for what counts words and never shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

_WORD = re.compile(r"\w+|[^\w\s]+")
_TEXTS_AT_ONCE = 4096
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class HashedWords:
    """The words of texts, one after the other: hashes, uint64 [n_words], and the text of each, int32 [n_words]."""

    hashes: NDArray[np.uint64]
    texts: NDArray[np.int32]
    n_texts: int

    @classmethod
    def of(cls, texts: list[str]) -> HashedWords:
        """The lower-cased words of texts, and their runs of punctuation; the texts ascend."""
        table = _Hashes()
        lists = [_WORD.findall(text.lower()) for text in texts]
        lengths = [len(words) for words in lists]
        hashes = np.fromiter(map(table.__getitem__, chain.from_iterable(lists)), np.uint64, sum(lengths))
        return cls(hashes, np.repeat(np.arange(len(texts), dtype=np.int32), lengths), len(texts))

    def buckets(self, n: int) -> NDArray[np.int32]:
        """The bucket of each word among n, int32 [n_words]."""
        return np.asarray(self.hashes % np.uint64(n), np.int32)

    def with_pairs(self) -> HashedWords:
        """These words, and behind them every pair of neighbours within a text; texts no longer ascend."""
        pairs = self.hashes[:-1] * _ODD + self.hashes[1:]
        within = self.texts[:-1] == self.texts[1:]
        hashes = np.concatenate([self.hashes, pairs[within]])
        return HashedWords(hashes, np.concatenate([self.texts, self.texts[:-1][within]]), self.n_texts)


def hashed_parts(texts: Iterable[str]) -> Iterator[HashedWords]:
    """The hashed words of many texts, some thousand texts at a time."""
    rest = iter(texts)
    while part := list(islice(rest, _TEXTS_AT_ONCE)):
        yield HashedWords.of(part)


class _Hashes(dict[str, int]):
    # Common words are hashed once: a digest costs more than all else that is done with a word.
    def __missing__(self, word: str) -> int:
        value = self[word] = int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")
        return value
