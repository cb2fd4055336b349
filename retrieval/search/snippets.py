"""Snippets: the part of a text that holds most of what met a query, with the words that met it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..encoding_model import Span
from ..explanation import Explanation
from ..text_words import TextWord

# Every query word meets some word: those that add less than this share of the best word's score say nothing.
_LEAST_SHARE = 0.1
_SENTENCE_ENDS = (". ", "? ", "! ", "\n", "。")
_CUT = "…"


@dataclass(frozen=True)
class Match:
    """A word of a text that met a query word: its characters, which word it is, and what it adds to the score."""

    start: int
    end: int
    word: int
    score: float


@dataclass(frozen=True)
class Snippet:
    """A part of a text, its characters from `start` to `end`, with the places of the words that met a query."""

    text: str
    start: int
    end: int
    spans: tuple[Span, ...]

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The part in pieces: characters, and whether they met the query."""
        at = self.start
        for start, end in self.spans:
            if at < start:
                yield self.text[at:start], False
            yield self.text[start:end], True
            at = end
        if at < self.end:
            yield self.text[at : self.end], False

    def marked(self, before: str, after: str) -> str:
        """The part as a text, each word that met the query between two marks; "…" where the text goes on.

        Where the marks are tags of HTML, the text's own characters are escaped.
        """
        is_html = "<" in before + after
        words = [
            f"{before}{shown}{after}" if met else shown
            for piece, met in self.pieces()
            for shown in [html.escape(piece) if is_html else piece]
        ]
        first = f"{_CUT} " if self.text[: self.start].strip() else ""
        last = f" {_CUT}" if self.text[self.end :].strip() else ""
        return f"{first}{''.join(words).strip()}{last}"


def matches(found: Explanation) -> list[Match]:
    """Every place of each word that adds a good part to the score, in the order of the text."""
    met = {match.place for match in found.matches if match.score > 0}
    least = _LEAST_SHARE * max((found.words[place].score for place in met if place is not None), default=0.0)
    met = {place for place in met if place is not None and found.words[place].score >= least}
    places = [
        Match(*span, place, word.score) for place, word in enumerate(found.words) if place in met for span in word.spans
    ]
    return sorted(places, key=lambda match: (match.start, match.end))


def same_words(read: Sequence[TextWord], word_ids: NDArray[np.uint32]) -> list[Match]:
    """Every place of each word that is among others by its identity; all count the same."""
    asked = set(word_ids.tolist()) - {0}
    places = [
        Match(*span, number, 1.0) for number, word in enumerate(read) if word.word_id in asked for span in word.spans
    ]
    return sorted(places, key=lambda match: (match.start, match.end))


def snippet(text: str, found: Sequence[Match], begin: int, end: int) -> Snippet:
    """The part between two characters, with the words that lie within it whole; of two that overlap the first."""
    spans: list[Span] = []
    at = begin
    for match in found:
        if at <= match.start and match.end <= end:
            spans.append((match.start, match.end))
            at = match.end
    return Snippet(text, begin, end, tuple(spans))


def best_part(text: str, found: Sequence[Match], length: int, *, title: str = "") -> Snippet:
    """The snippet of at most so many characters that holds most of what matched. It begins and ends between words.

    Args:
        text: The text.
        found: What matched, in the order of the text.
        length: The most characters.
        title: Is left out where the text begins with it.
    """
    start = title_end(text, title)
    start = len(text) - len(text[start:].lstrip())
    begin = beginning(text, start, found, length)
    end = min(begin + length, len(text))
    if end < len(text) and not text[end].isspace():
        blank = max(text.rfind(" ", begin + length // 2, end), text.rfind("\n", begin + length // 2, end))
        end = blank if blank > 0 else end
    return snippet(text, found, begin, end)


def title_end(text: str, title: object) -> int:
    """Where a text goes on behind its title: reading documents puts that before the text. 0 where it is not there."""
    title = title.strip() if isinstance(title, str) else ""
    end = len(title)
    return end if title and text.startswith(title) and (len(text) == end or text[end].isspace()) else 0


def beginning(text: str, start: int, found: Sequence[Match], room: int) -> int:
    """Where to begin such that most of what matched is within reach: at a sentence or a word, the earliest that can.

    Args:
        text: The text.
        start: The first character that may be shown.
        found: What matched, in the order of the text.
        room: Characters that are shown.
    """
    found = [match for match in found if match.start >= start]
    reach, best, chosen = room * 3 // 4, 0.0, start
    for number, match in enumerate(found):
        begin = start if match.start < start + room // 4 else match.start
        words: dict[int, float] = {}
        for other in found[number:]:
            if other.end > begin + reach:
                break
            words[other.word] = other.score
        total = sum(words.values())
        if total > best * 1.001:
            best, chosen = total, begin
    if chosen == start:
        return start
    before = text[max(chosen - room // 4, start) : chosen]
    ends = [before.rfind(end) + len(end) for end in _SENTENCE_ENDS if end in before]
    cut = max(ends, default=before.find(" ") + 1)
    return chosen - len(before) + cut
