"""Markdown and notebooks: their text as it is, with the headings that Markdown marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from wordhive.index import InputError

from .extract import Extract, Heading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"""^title:[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*?))[ \t]*$""", re.MULTILINE)


def read_markdown(text: str) -> Extract:
    """Markdown without its front matter; its title is the one named there, or the first heading of level 1."""
    front, title = _FRONT_MATTER.match(text), None
    if front:
        named = _TITLE.search(front[1])
        title = next((group for group in named.groups() if group), None) if named else None
        text = text[front.end() :]
    text = text.strip()
    headings = tuple(_headings(text))
    return Extract(text, title or next((it.title for it in headings if it.level == 1), None), headings)


def read_notebook(text: str) -> Extract:
    """The cells of a Jupyter notebook, Markdown and code, without what the code printed.

    Raises:
        InputError: It is no notebook.
    """
    try:
        notebook = json.loads(text)
        sheets = notebook.get("worksheets") or [notebook]  # before version 4
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        sources = [(cell.get("cell_type"), _joined(cell.get("source", cell.get("input", "")))) for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"it is torn or no Jupyter notebook ({error}); save it anew") from error
    blocks: list[str] = []
    headings: list[Heading] = []
    length = 0
    for kind, source in sources:
        if not (source := source.strip()):
            continue
        if kind == "markdown":
            headings += [Heading(length + it.start, it.level, it.title) for it in _headings(source)]
        blocks.append(source)
        length += len(source) + 2
    title = next((it.title for it in headings if it.level == 1), None)
    return Extract("\n\n".join(blocks), title, tuple(headings))


def _joined(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _headings(text: str) -> Iterator[Heading]:
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    tokens = _reader().parse(text)
    for mark, content in pairwise(tokens):
        if mark.type == "heading_open" and mark.map:
            title = _plain(content.content)
            if title:
                yield Heading(starts[mark.map[0]], int(mark.tag[1:]), title)


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # Words within a line are not looked at.
    return MarkdownIt("commonmark").disable(["text_join", "inline"], ignoreInvalid=True)


def _plain(heading: str) -> str:
    """A heading without links and emphasis."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return " ".join(re.sub(r"[*`]+|\{#[^}]*\}", "", heading).split())
