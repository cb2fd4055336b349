"""The windows of a segment's long documents on disk: of each window its words and the code of its summary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, WordhiveError, damaged
from ..vectors.ragged import ragged_rows
from ..vectors.window_words import WindowWords
from .array_files import map_array, save_array
from .word_id_lists import WordIdLists

_COUNTS, _SIZES, _SUMMARIES = "window_counts", "window_sizes", "window_summaries"
# Positions of words are coded as word ids are: gaps between the numbers of an ascending list.
_WORD_FILES = ("window_words", "window_word_sizes", "window_positions")
WINDOW_FILES = (_COUNTS, _SIZES, _SUMMARIES, *_WORD_FILES)


@dataclass(frozen=True)
class WindowLists:
    """The windows of documents, coded.

    Attributes:
        counts: uint32 `[n_documents]`, the windows of each, 0 where it has one only.
        sizes: uint32 `[n_windows]`, the words of each.
        words: The positions of each window's words within their document.
        summaries: uint8 `[n_windows, code_size]`, where documents have summaries.
    """

    counts: NDArray[np.uint32]
    sizes: NDArray[np.uint32]
    words: WordIdLists
    summaries: NDArray[np.uint8] | None

    @classmethod
    def encode(cls, windows: WindowWords, summaries: NDArray[np.uint8] | None) -> WindowLists:
        """Code windows.

        Args:
            windows: The windows of all documents.
            summaries: The codes of their summaries.
        """
        positions = np.arange(windows.words.max(initial=-1) + 1, dtype=np.uint32)
        words = WordIdLists.encode(windows.words.astype(np.uint32), windows.offsets, positions)
        sizes = np.diff(windows.offsets).astype(np.uint32)
        return cls(windows.counts.astype(np.uint32), sizes, words, summaries)

    def save(self, folder: Path) -> None:
        """Write the files of a segment's windows.

        Raises:
            OSError: The disk is full.
        """
        save_array(folder / f"{_COUNTS}.npy", self.counts)
        save_array(folder / f"{_SIZES}.npy", self.sizes)
        self.words.save(folder, _WORD_FILES)
        if self.summaries is not None:
            save_array(folder / f"{_SUMMARIES}.npy", self.summaries)

    @classmethod
    def load(cls, folder: Path, *, has_summaries: bool) -> WindowLists | None:
        """The files that `save` wrote, mapped; None where no document of the segment has windows.

        Raises:
            WordhiveError: One that is missing or damaged.
        """
        if not (folder / f"{_COUNTS}.npy").exists():
            return None
        counts, sizes = (map_array(folder / f"{name}.npy", "<u4") for name in (_COUNTS, _SIZES))
        summaries = map_array(folder / f"{_SUMMARIES}.npy", "|u1", dims=2) if has_summaries else None
        return cls(counts, sizes, WordIdLists.load(folder, _WORD_FILES), summaries)

    def check(self, folder: Path, n_documents: int, summary_size: int) -> None:
        """Raise WordhiveError unless the files fit each other and the segment.

        Args:
            folder: Of the segment.
            n_documents: Documents of the segment.
            summary_size: Bytes of a summary's code; 0 where documents have none.
        """
        n = int(self.counts.sum(dtype=np.uint64))
        fits = {
            _COUNTS: self.counts.shape == (n_documents,),
            _SIZES: self.sizes.shape == (n,),
            _SUMMARIES: self.summaries is None or self.summaries.shape == (n, summary_size),
            _WORD_FILES[1]: len(self.words.sizes) == n and self.words.is_whole(),
        }
        for name, is_right in fits.items():
            if not is_right:
                raise damaged(folder / f"{name}.npy", "it does not fit the catalog or the other files")

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The first window of each document, and the number of all: int64 `[n_documents + 1]`."""
        return np.concatenate([[0], np.cumsum(self.counts, dtype=np.int64)])

    def of(self, documents: NDArray[np.int64], word_counts: NDArray[np.int64]) -> WindowWords | None:
        """The windows of chosen documents without their summaries; None where none of them has any.

        Args:
            documents: Their numbers.
            word_counts: int64 `[n]`, the words of each.

        Raises:
            WordhiveError: A position that a document does not have.
        """
        numbers, _ = ragged_rows(self.starts, documents)
        if not len(numbers):
            return None
        offsets = np.concatenate([[0], np.cumsum(self.sizes[numbers], dtype=np.int64)])
        words = self.words.decode(numbers, offsets).astype(np.int64)
        try:
            windows = WindowWords(self.counts[documents].astype(np.int64), offsets, words)
            windows.check(word_counts, 0)
        except InputError as error:
            raise WordhiveError(
                f"the windows of documents are damaged ({error}); restore the index from a copy"
            ) from error
        return windows

    def summaries_of(self, documents: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The codes of the summaries of all windows of chosen documents, one document after the other."""
        assert self.summaries is not None
        numbers, _ = ragged_rows(self.starts, documents)
        return np.asarray(self.summaries[numbers])
