"""`Extract`: what is read of one file: its text, and where its pages and headings begin in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

BETWEEN_HEADINGS = " › "
# Characters at the beginning of a text among which its title is looked for.
_BEGINNING = 1000


@dataclass(frozen=True)
class Heading:
    """A heading.

    Attributes:
        start: The character of the text at which it begins.
        level: From 1, the highest.
        title: Its words.
    """

    start: int
    level: int
    title: str


@dataclass(frozen=True)
class Extract:
    """The text of a file.

    Attributes:
        text: All of it.
        title: What the file says that it is called.
        headings: In their order.
        pages: The character at which each page begins, of a file that has pages.
    """

    text: str
    title: str | None = None
    headings: tuple[Heading, ...] = ()
    pages: tuple[int, ...] = ()

    def titled(self) -> Extract:
        """The same, with its title before the text where that does not begin with it: who knows it looks for it."""
        if not self.title or self.title.casefold() in " ".join(self.text[:_BEGINNING].split()).casefold():
            return self
        before = f"{self.title}\n\n"
        headings = tuple(replace(one, start=one.start + len(before)) for one in self.headings)
        pages = (*self.pages[:1], *(start + len(before) for start in self.pages[1:]))
        return Extract(before + self.text, self.title, headings, pages)

    def attributes(self) -> dict[str, Any]:
        """The attributes of the document, of which `place` reads; only those that there are.

        `headings` are trails: "Guide › Install" is the heading Install below Guide.
        """
        found: dict[str, Any] = {}
        if self.title:
            found["title"] = self.title
        if self.headings:
            found["headings"] = _trails(self.headings)
            found["heading_starts"] = [heading.start for heading in self.headings]
        if self.pages:
            found["page_starts"] = list(self.pages)
        return found


@dataclass(frozen=True)
class Place:
    """Where something stands in a file: page from 1 and trail of headings, or None."""

    page: int | None
    heading: str | None


def place(attributes: Mapping[str, Any], start: int) -> Place:
    """The page and the headings of a character of a document's text.

    place(hit.attributes, 1200).page

    Args:
        attributes: Of a document that was read from a file.
        start: The character, counted from 0.
    """
    page = _before(attributes.get("page_starts"), start)
    heading, trails = _before(attributes.get("heading_starts"), start), attributes.get("headings")
    named = heading is not None and isinstance(trails, list) and heading < len(trails)
    return Place(None if page is None else page + 1, str(trails[heading]) if named and trails else None)


def _before(starts: Any, start: int) -> int | None:
    """The number of the last of ascending starts that is not behind `start`."""
    if not isinstance(starts, list) or not all(isinstance(one, int) for one in starts):
        return None
    number = bisect_right(starts, start) - 1
    return None if number < 0 else number


def _trails(headings: Sequence[Heading]) -> list[str]:
    above: list[Heading] = []
    trails = []
    for heading in headings:
        above = [*(one for one in above if one.level < heading.level), heading]
        trails.append(BETWEEN_HEADINGS.join(one.title for one in above))
    return trails


class ExtractBuilder:
    """Collects the text of a file, block by block, and notes where pages and headings begin.

    Blocks are set apart by `between`; those without a word are left out.
    """

    def __init__(self, between: str = "\n\n") -> None:
        self._between = between
        self._blocks: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._pages: list[int] = []

    def __len__(self) -> int:
        """Characters so far."""
        return self._length

    def add(self, block: str) -> None:
        """Add a block of text."""
        block = block.strip("\n").rstrip()
        if not block.strip():
            return
        if self._blocks:
            block = self._between + block
        self._blocks.append(block)
        self._length += len(block)

    def heading(self, title: str, level: int) -> None:
        """Add a heading as a block."""
        title = " ".join(title.split())
        if title:
            self._headings.append(Heading(self._next(), level, title))
            self.add(title)

    def page(self) -> None:
        """Begin a page."""
        self._pages.append(self._next())

    def _next(self) -> int:
        """Where the next block will begin."""
        return self._length + len(self._between) if self._blocks else 0

    def extract(self, title: str | None = None) -> Extract:
        """What was collected."""
        text = "".join(self._blocks)
        # A page behind the last block has no text, and begins where that ends.
        pages = tuple(min(start, len(text)) for start in self._pages)
        named = " ".join(title.split()) if title else None
        return Extract(text, named or None, tuple(self._headings), pages)
