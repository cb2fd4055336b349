"""Windows: the overlapping parts of a text, each of which a model reads at once.

A transformer reads some hundred tokens. A longer text is cut at the ends of its sentences into windows that fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from ..encoding_model import EncodingModel, Span, Task

# Tokens that a window shares with the one before, at most. Shorter models share a smaller part of theirs.
OVERLAP = 32
_LARGEST_SHARE = 8

# Chinese and Japanese have no white space after a sentence.
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\n\s*\n\s*")
_SPACE = re.compile(r"\s+")
_PIECES_COUNTED_AT_ONCE = 512


class _Piece(NamedTuple):
    start: int
    end: int
    n_tokens: int


@dataclass(frozen=True)
class Windows:
    """Cuts texts into windows for one model and one task.

    Args:
        count: The number of tokens of each of several texts, without special ones.
        room: Tokens of a window, without the special ones and the prompt.
        overlap: Tokens at most that a window shares with the one before.
    """

    count: Callable[[list[str]], list[int]]
    room: int
    overlap: int

    @classmethod
    def of(cls, model: EncodingModel, task: Task, overlap: int | None = None) -> Windows | None:
        """The windows of a model; None where it reads texts of any length, or no room is left beside its prompt.

        Args:
            model: The model.
            task: "query" or "document".
            overlap: Default: 32 tokens, or an eighth of a window where that is less.
        """
        longest = model.longest_input(task)
        if longest is None:
            return None
        room = longest - model.token_counts([model.prompt(task)], special=True)[0]
        if room < 1:
            return None
        if overlap is None:
            overlap = min(OVERLAP, room // _LARGEST_SHARE)
        return cls(model.token_counts, room, overlap)

    def spans(self, text: str) -> Iterator[Span]:
        """The characters `[start, end)` of each window, in order; one window for a short text.

        A window ends with a sentence. A sentence that is longer than a window is cut between words, a word that is
        longer between characters.
        """
        window: list[_Piece] = []
        n_tokens = 0
        for piece in self._pieces(text):
            if window and n_tokens + piece.n_tokens > self.room:
                yield window[0].start, window[-1].end
                window = _last(window, min(self.overlap, self.room - piece.n_tokens))
                n_tokens = sum(each.n_tokens for each in window)
            window.append(piece)
            n_tokens += piece.n_tokens
        yield (window[0].start, window[-1].end) if window else (0, len(text))

    def _pieces(self, text: str) -> Iterator[_Piece]:
        """Sentences with the white space after them; words, or parts of words, of those that do not fit a window."""
        for sentence in self._counted(text, _split(text, (0, len(text)), _SENTENCE_END)):
            if sentence.n_tokens <= self.room:
                yield sentence
                continue
            for word in self._counted(text, _split(text, sentence[:2], _SPACE)):
                yield from [word] if word.n_tokens <= self.room else self._parts(text, word)

    def _parts(self, text: str, word: _Piece) -> Iterator[_Piece]:
        """A long word halved until its parts fit; a character that does not is passed on as it is."""
        middle = (word.start + word.end) // 2
        if word.n_tokens <= self.room or middle == word.start:
            yield word
            return
        for half in self._counted(text, [(word.start, middle), (middle, word.end)]):
            yield from self._parts(text, half)

    def _counted(self, text: str, spans: Iterable[Span]) -> Iterator[_Piece]:
        source = iter(spans)
        while some := list(islice(source, _PIECES_COUNTED_AT_ONCE)):
            counts = self.count([text[start:end] for start, end in some])
            yield from (_Piece(start, end, n) for (start, end), n in zip(some, counts, strict=True))


def _last(window: list[_Piece], most: int) -> list[_Piece]:
    """The last pieces of a window that have so many tokens at most."""
    first, n_tokens = len(window), 0
    while first and n_tokens + window[first - 1].n_tokens <= most:
        first -= 1
        n_tokens += window[first].n_tokens
    return window[first:]


def _split(text: str, span: Span, border: re.Pattern[str]) -> Iterator[Span]:
    """The parts of a span between borders, each with the border behind it."""
    start, stop = span
    for match in border.finditer(text, start, stop):
        if start < match.end() < stop:
            yield start, match.end()
            start = match.end()
    if start < stop:
        yield start, stop
