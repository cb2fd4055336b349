"""Hits as a terminal shows them: rank, score and id, then the title, the attributes, and the words that matched."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from wordhive.retrieval.hits import Hit
    from wordhive.retrieval.search.snippets import Match

_INDENT = "    "
# Longer lines are hard to read, and shorter ones hold no word.
_WIDEST, _NARROWEST = 100, 16
_TITLE_LINES, _TEXT_LINES, _PASSAGE_LINES = 2, 3, 12
_LONGEST_VALUE = 40
# What documents that were read from files keep of them, for programs: a hit's id names the file.
_OF_FILES = ("file", "headings", "heading_starts", "page_starts")
# Hits whose matches are looked up, some milliseconds each; the texts of later ones are shown from their beginnings.
_EXPLAINED = 20


def with_passages(hits: Sequence[Hit], n: int) -> list[dict[str, Any]]:
    """Hits as JSON has them, each with up to n of its passages; without that key for n = 0."""
    if not n:
        return [asdict(hit) for hit in hits]
    return [{**asdict(hit), "passages": [asdict(passage) for passage in hit.passages(n)]} for hit in hits]


def show(hits: Sequence[Hit], console: Console | None = None, *, passages: int = 0) -> None:
    """Print hits, best first, as wide as the console. Nothing in a document controls the terminal.

    Args:
        hits: The hits.
        console: Where they are printed. Default: standard output.
        passages: Show so many passages of each hit in place of a snippet.
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console(highlight=False)
    if not hits:
        console.print("nothing found: no document is let through, or the index is empty", soft_wrap=True)
    width = max(min(console.width, _WIDEST) - len(_INDENT), _NARROWEST)
    for rank, hit in enumerate(hits, 1):
        # Ids are not wrapped: they are there to be copied.
        console.print(_heading(rank, hit), soft_wrap=True)
        for line in _body(hit, width, console, is_explained=rank <= _EXPLAINED, with_text=not passages):
            console.print(Text(_INDENT).append_text(line), soft_wrap=True)
        for line in _passages(hit, width, console, passages) if passages else ():
            console.print(Text(_INDENT).append_text(line), soft_wrap=True)


def _heading(rank: int, hit: Hit) -> Text:
    from rich.text import Text

    # Numbers go before the id: behind one that is written from right to left a terminal would reorder them.
    heading = Text(f"{rank:>2}  ")
    heading.append(f"{hit.score:.3f}", style="bold")
    heading.append("  ")
    heading.append(terminal.plain(hit.id), style="bold cyan")
    parts = [("summary", hit.summary_score), ("exact words", hit.lexical_score)]
    if any(score for _, score in parts):
        shown = [("words", hit.words_score), *((name, score) for name, score in parts if score)]
        heading.append("  " + " + ".join(f"{name} {score:.3f}" for name, score in shown), style="dim")
    return heading


def _body(hit: Hit, width: int, console: Console, *, is_explained: bool, with_text: bool) -> Iterator[Text]:
    from rich.text import Text

    title, start = _title(hit)
    if title:
        yield from _lines(Text(terminal.plain(title), style="bold"), width, _TITLE_LINES, console)
    shown = _attributes(hit.attributes, title)
    if shown:
        line = Text(shown, style="dim")
        line.truncate(width, overflow="ellipsis")
        yield line
    if with_text and hit.text and hit.text[start:].strip():
        found = hit.matches() if is_explained else []
        yield from _lines(_passage(hit.text, start, found, width * _TEXT_LINES), width, _TEXT_LINES, console)


def _passages(hit: Hit, width: int, console: Console, n: int) -> Iterator[Text]:
    """The passages that carry a hit's score: where each stands, and its text with matched words in bold."""
    from rich.text import Text

    from wordhive.retrieval.formats.extract import place

    for passage in hit.passages(n):
        where = place(hit.attributes, passage.start)
        parts = [f"{passage.score:.3f}", f"characters {passage.start:,} to {passage.end:,}"]
        parts += [] if where.page is None else [f"page {where.page}"]
        parts += [] if where.heading is None else [terminal.plain(where.heading)]
        yield Text(" · ".join(parts), style="dim")
        text, at = Text(), 0
        for match in sorted(passage.matches, key=lambda match: match.start):
            first, last = match.start - passage.start, match.end - passage.start
            if first >= at:
                text.append(terminal.plain_piece(passage.text[at:first]))
                text.append(terminal.plain_piece(passage.text[first:last]), style="bold")
                at = last
        text.append(terminal.plain_piece(passage.text[at:]))
        yield from _lines(text, width, _PASSAGE_LINES, console)


def _title(hit: Hit) -> tuple[str, int]:
    """The title, "" where there is none, and where the text goes on behind it: reading documents puts it there."""
    from wordhive.retrieval.search.snippets import title_end

    title = hit.attributes.get("title")
    if not isinstance(title, str) or not title.strip():
        return "", 0
    return title.strip(), title_end(hit.text or "", title)


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


def _passage(text: str, start: int, matches: Sequence[Match], room: int) -> Text:
    """The part of a text, from `start` on, that holds most of what matched; in one line, matched words in bold.

    room: cells of the terminal that there are for it.
    """
    from rich.cells import cell_len
    from rich.text import Text

    from wordhive.retrieval.search.snippets import beginning, snippet

    start = len(text) - len(text[start:].lstrip())
    some = text[start : start + room]
    room = max(room * len(some) // max(cell_len(some), 1), 1)
    begin = beginning(text, start, matches, room)
    passage = Text("… " if text[start:begin].strip() else "")
    for piece, met in snippet(text, matches, begin, min(begin + 2 * room, len(text))).pieces():
        passage.append(terminal.plain_piece(piece), style="bold" if met else None)
    return passage


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
