"""Hits as a terminal shows them: rank, score and id, then the title, the attributes, and the words that matched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from wordhive.retrieval.explanation import Explanation
    from wordhive.retrieval.searcher import Hit

_INDENT = "    "
# Longer lines are hard to read, and shorter ones hold no word.
_WIDEST, _NARROWEST = 100, 16
_TITLE_LINES, _TEXT_LINES = 2, 3
_LONGEST_VALUE = 40
# What documents that were read from files keep of them, for programs: a hit's id names the file.
_OF_FILES = ("file", "headings", "heading_starts", "page_starts")
# Hits whose matches are looked up, some milliseconds each; the texts of later ones are shown from their beginnings.
_EXPLAINED = 20
# Every query word meets some word: those that add less than this share of the best word's score say nothing.
_LEAST_SHARE = 0.1
_SENTENCE_ENDS = (". ", "? ", "! ", "\n", "。")


def show(hits: Sequence[Hit], console: Console | None = None) -> None:
    """Print hits, best first, as wide as the console. Nothing in a document controls the terminal."""
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)
    if not hits:
        console.print("nothing found: no document is let through, or the index is empty", soft_wrap=True)
    width = max(min(console.width, _WIDEST) - len(_INDENT), _NARROWEST)
    for rank, hit in enumerate(hits, 1):
        # Ids are not wrapped: they are there to be copied.
        console.print(_heading(rank, hit), soft_wrap=True)
        for line in _body(hit, width, console, is_explained=rank <= _EXPLAINED):
            console.print(Text(_INDENT).append_text(line), soft_wrap=True)


def _heading(rank: int, hit: Hit) -> Text:
    from rich.text import Text

    # Numbers go before the id: behind one that is written from right to left a terminal would reorder them.
    heading = Text(f"{rank:>2}  ")
    heading.append(f"{hit.score:.3f}", style="bold")
    heading.append("  ")
    heading.append(terminal.plain(hit.id), style="bold cyan")
    if hit.summary_score:
        heading.append(f"  words {hit.words_score:.3f} + summary {hit.summary_score:.3f}", style="dim")
    return heading


def _body(hit: Hit, width: int, console: Console, *, is_explained: bool) -> Iterator[Text]:
    from rich.text import Text

    title, start = _title(hit)
    if title:
        yield from _lines(Text(terminal.plain(title), style="bold"), width, _TITLE_LINES, console)
    shown = _attributes(hit.attributes, title)
    if shown:
        line = Text(shown, style="dim")
        line.truncate(width, overflow="ellipsis")
        yield line
    if hit.text and hit.text[start:].strip():
        found = _explained(hit) if is_explained else None
        yield from _lines(_passage(hit.text, start, found, width * _TEXT_LINES), width, _TEXT_LINES, console)


def _title(hit: Hit) -> tuple[str, int]:
    """The title, "" where there is none, and where the text goes on behind it: reading documents puts it there."""
    title = hit.attributes.get("title")
    if not isinstance(title, str) or not title.strip():
        return "", 0
    title, text = title.strip(), hit.text or ""
    end = len(title)
    is_in_text = text.startswith(title) and (len(text) == end or text[end].isspace())
    return title, end if is_in_text else 0


def _attributes(attributes: dict[str, Any], title: str) -> str:
    parts = []
    for name, value in attributes.items():
        if name in _OF_FILES or (name == "title" and title):
            continue
        told = terminal.plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        parts.append(
            f"{terminal.plain(name)} {told if len(told) <= _LONGEST_VALUE else told[: _LONGEST_VALUE - 1] + '…'}"
        )
    return " · ".join(parts)


def _explained(hit: Hit) -> Explanation | None:
    from wordhive.index import WordhiveError

    try:
        return hit.explain()
    except WordhiveError:  # the document was deleted or replaced since it was found: it is shown from its beginning
        return None


Match = tuple[int, int, int, float]


def _passage(text: str, start: int, found: Explanation | None, room: int) -> Text:
    """The part of a text, from `start` on, that holds most of what matched; in one line, matched words in bold.

    room: cells of the terminal that there are for it.
    """
    from rich.cells import cell_len
    from rich.text import Text

    start = len(text) - len(text[start:].lstrip())
    some = text[start : start + room]
    room = max(room * len(some) // max(cell_len(some), 1), 1)
    matches = [] if found is None or found.text != text else _matches(found, start)
    begin = _beginning(text, start, matches, room)
    passage = Text("… " if text[start:begin].strip() else "")
    at, end = begin, min(begin + 2 * room, len(text))
    for first, last, *_ in matches:
        if at <= first and last <= end:
            passage.append(terminal.plain_piece(text[at:first]))
            passage.append(terminal.plain_piece(text[first:last]), style="bold")
            at = last
    passage.append(terminal.plain_piece(text[at:end]))
    return passage


def _matches(found: Explanation, start: int) -> list[Match]:
    """Characters of every word that was met for a good part of the score, its number and its score, in their order."""
    met = {match.place for match in found.matches if match.score > 0}
    least = _LEAST_SHARE * max((found.words[place].score for place in met if place is not None), default=0.0)
    met = {place for place in met if place is not None and found.words[place].score >= least}
    spans = [
        (*span, place, word.score) for place, word in enumerate(found.words) if place in met for span in word.spans
    ]
    return sorted(span for span in spans if span[0] >= start)


def _beginning(text: str, start: int, matches: Sequence[Match], room: int) -> int:
    """Where to begin such that most of what matched is within reach: at a sentence or a word, the earliest that can."""
    reach, best = room * 3 // 4, 0.0
    chosen = start
    for place, (first, *_) in enumerate(matches):
        begin = start if first < start + room // 4 else first
        words = {word: score for _, last, word, score in matches[place:] if last <= begin + reach}
        total = sum(words.values())
        if total > best * 1.001:
            best, chosen = total, begin
    if chosen == start:
        return start
    before = text[max(chosen - room // 4, start) : chosen]
    ends = [before.rfind(end) + len(end) for end in _SENTENCE_ENDS if end in before]
    cut = max(ends, default=before.find(" ") + 1)
    return chosen - len(before) + cut


def _lines(text: Text, width: int, most: int, console: Console) -> list[Text]:
    """A text in lines that end between words, at most so many; an ellipsis for what is left over."""
    text.rstrip()
    lines = list(text.wrap(console, width, overflow="fold"))
    for line in lines:
        line.rstrip()
    if len(lines) <= most:
        return lines
    last = lines[most - 1]
    if last.cell_len + 2 > width:
        last = last[: last.plain.rfind(" ")] if " " in last.plain else last[: len(last) * (width - 2) // width]
    return [*lines[: most - 1], last.append(" …")]
