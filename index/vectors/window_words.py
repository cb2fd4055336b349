"""`WindowWords`: which words of a long text stand together, so that a text is scored by its best window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .ragged import ragged_rows


@dataclass(frozen=True)
class WindowWords:
    """The windows of several texts, one text after the other.

    A text that was read in one window has none: all of its words stand together, and its summary is the window's.

    Args:
        counts: int64 `[n_texts]`, the windows of each text, 0 or more than 1.
        offsets: int64 `[n_windows + 1]`; window i owns the entries `offsets[i]:offsets[i + 1]` of `words`.
        words: int64 `[n]`, words by their position within their text, ascending in each window.
        summary: float32 `[n_windows, summary_dim]`, a summary of each window, or None.

    Raises:
        InputError: Shapes disagree, or a position is negative.
    """

    counts: NDArray[np.int64]
    offsets: NDArray[np.int64]
    words: NDArray[np.int64]
    summary: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n, offsets = int(self.counts.sum()), self.offsets
        if (
            offsets.shape != (n + 1,)
            or offsets[0] != 0
            or offsets[-1] != len(self.words)
            or (np.diff(offsets) < 0).any()
        ):
            raise InputError(f"the offsets of {n} windows must run from 0 to {len(self.words)}, and not decrease")
        if self.words.min(initial=0) < 0:
            raise InputError("a window has a word at a negative position")
        gaps = np.diff(self.words)
        gaps[self.offsets[1:-1][(self.offsets[1:-1] > 0) & (self.offsets[1:-1] < len(self.words))] - 1] = 1
        if (gaps < 1).any():
            raise InputError("the words of a window are not ascending")
        if self.summary is not None and (self.summary.ndim != 2 or len(self.summary) != n):
            raise InputError(f"the windows' summaries have shape {self.summary.shape}; expected [{n}, summary_dim]")

    def __len__(self) -> int:
        """The number of windows."""
        return len(self.offsets) - 1

    @property
    def starts(self) -> NDArray[np.int64]:
        """The first window of each text, and the number of all: int64 `[n_texts + 1]`."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    def check(self, word_counts: NDArray[np.int64], summary_dim: int) -> None:
        """Raise InputError unless the windows are of texts that have so many words, int64 `[n_texts]`.

        Args:
            word_counts: The words of each text.
            summary_dim: Dims of a text's summary; 0 where texts have none.
        """
        dim = 0 if self.summary is None else self.summary.shape[1]
        if dim != summary_dim:
            raise InputError(
                f"the windows' summaries have {dim} dims, those of the texts {summary_dim}; expected the same"
            )
        if len(self.counts) != len(word_counts):
            raise InputError(f"windows of {len(self.counts)} texts; expected those of {len(word_counts)}")
        if (self.words >= self.of_words(word_counts)).any():
            raise InputError("a window has a word at a position that its text does not have")

    def of_words(self, of_texts: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number of each text, int64 `[n_texts]`, for each entry of `words`: int64 `[n]`."""
        return np.repeat(np.repeat(of_texts, self.counts), np.diff(self.offsets))

    def take(self, texts: NDArray[np.int64]) -> WindowWords:
        """The windows of the given texts, in the given order."""
        windows, _ = ragged_rows(self.starts, texts)
        words, offsets = ragged_rows(self.offsets, windows)
        summary = None if self.summary is None else self.summary[windows]
        return WindowWords(self.counts[texts], offsets, self.words[words], summary)

    def reordered(self, positions: NDArray[np.int64], offsets: NDArray[np.int64]) -> WindowWords:
        """The same windows after the words of each text changed their places.

        Args:
            positions: int64 `[n_words of all texts]`, the new position within its text of each word.
            offsets: int64 `[n_texts + 1]`, of the texts' words.
        """
        first = self.of_words(offsets[:-1])
        window = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        moved = positions[first + self.words]
        return WindowWords(self.counts, self.offsets, moved[np.lexsort([moved, window])], self.summary)

    @classmethod
    def none(cls, n_texts: int, summary_dim: int = 0) -> WindowWords:
        """The windows of texts that have none."""
        summary = np.zeros((0, summary_dim), np.float32) if summary_dim else None
        return cls(np.zeros(n_texts, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64), summary)

    @classmethod
    def concat(cls, parts: Sequence[tuple[WindowWords | None, int]], summary_dim: int) -> WindowWords | None:
        """The windows of all texts of `parts`, in order; None where there is none.

        Args:
            parts: The windows of some texts, None where they have none, and the number of the texts.
            summary_dim: Dims of a summary; 0 where texts have none.
        """
        if not any(windows is not None and len(windows) for windows, _ in parts):
            return None
        known = [windows for windows, _ in parts if windows is not None]
        counts = [np.zeros(n, np.int64) if windows is None else windows.counts for windows, n in parts]
        sizes = np.concatenate([np.diff(windows.offsets) for windows in known])
        summaries = [windows.summary for windows in known if windows.summary is not None]
        return cls(
            np.concatenate(counts),
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            np.concatenate([windows.words for windows in known]),
            np.concatenate(summaries) if summary_dim else None,
        )
