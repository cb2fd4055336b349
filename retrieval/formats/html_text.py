"""The text of HTML without navigation, scripts and forms."""

from __future__ import annotations

import re
from typing import Any

from wordhive.index import InputError

from .decoding import decode
from .extract import Extract, ExtractBuilder
from .zip_parts import plain_tag

_DROPPED_NAMES = "script style noscript template nav footer aside form button svg math iframe head select object canvas"
_BLOCK_NAMES = (
    "address article blockquote body br caption dd details div dl dt fieldset figcaption figure header hr li main ol p "
    "pre section summary table tbody tfoot thead tr ul"
)
_DROPPED, _BLOCKS = frozenset(_DROPPED_NAMES.split()), frozenset(_BLOCK_NAMES.split())
_DROPPED_ROLES = frozenset(("navigation", "search", "contentinfo", "banner", "menu"))
# Links to a heading itself, which documentation tools put behind it.
_DROPPED_CLASSES = frozenset(("headerlink", "anchor", "anchorlink", "heading-anchor"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"\s+")
_DECLARED = re.compile(rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?([\w-]+)""", re.IGNORECASE)
# A part of the page that is called its main one has at least this share of its text.
_LEAST_MAIN = 0.1


def read_html(content: bytes) -> tuple[Extract, str]:
    """The text of a page, and its encoding.

    Where the page tells its main part (`main`, `role="main"`, or one `article`), that is read; else all of it, without
    navigation. Its title is `title`, or the first heading.

    Raises:
        InputError: It is no text, or its elements are nested too deeply.
    """
    declared = _DECLARED.search(content[:4096])
    text, encoding = decode(content, declared[1].decode("ascii") if declared else None)
    root = _parsed(text)
    if root is None:
        return Extract(""), encoding
    titles = [" ".join(found.itertext()) for found in root.iter() if plain_tag(found) == "title"][:1]
    whole = _extract(root)
    main = _main(root)
    chosen = whole if main is None else _extract(main)
    if len(chosen.text) < _LEAST_MAIN * len(whole.text):
        chosen = whole
    title = titles[0] if titles and titles[0].strip() else next((one.title for one in chosen.headings), None)
    return Extract(chosen.text, _SPACE.sub(" ", title).strip() if title else None, chosen.headings), encoding


def _parsed(text: str) -> Any:
    from lxml import etree, html

    parser = html.HTMLParser(encoding="utf-8")
    try:
        # A lone surrogate can't be in it: it was decoded.
        return html.document_fromstring(text.encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):  # nothing but comments, or nothing at all
        return None


def _main(root: Any) -> Any:
    named = [it for it in root.iter() if plain_tag(it) == "main" or it.get("role") == "main"]
    if named:
        return named[0]
    articles = [it for it in root.iter() if plain_tag(it) == "article"]
    return articles[0] if len(articles) == 1 else None


def _extract(root: Any) -> Extract:
    builder = ExtractBuilder()
    add_html(root, builder)
    return builder.extract()


def add_html(root: Any, builder: ExtractBuilder) -> None:
    """Add the text of an element of HTML, block by block."""
    walk = _Walk(builder)
    try:
        walk.element(root, is_pre=False)
    except RecursionError as error:
        raise InputError("its elements are nested too deeply to be read") from error
    walk.end_block()


class _Walk:
    def __init__(self, builder: ExtractBuilder) -> None:
        self._builder = builder
        self._pieces: list[str] = []

    def element(self, element: Any, *, is_pre: bool) -> None:
        tag = plain_tag(element)
        if not tag or _is_dropped(element, tag):
            return
        if tag in _HEADINGS:
            self.end_block()
            self._builder.heading(_heading_text(element), _HEADINGS[tag])
            return
        is_block = tag in _BLOCKS
        if is_block:
            self.end_block()
        elif tag in ("td", "th"):
            self._pieces.append(" ")
        is_pre = is_pre or tag == "pre"
        self._text(element.text, is_pre)
        for child in element:
            self.element(child, is_pre=is_pre)
            self._text(child.tail, is_pre)
        if is_block:
            self.end_block()

    def end_block(self) -> None:
        block = "".join(self._pieces)
        self._pieces = []
        self._builder.add(block if "\n" in block else block.strip())

    def _text(self, text: str | None, is_pre: bool) -> None:
        if text:
            self._pieces.append(text if is_pre else _SPACE.sub(" ", text))


def _is_dropped(element: Any, tag: str) -> bool:
    if tag in _DROPPED or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if element.get("role") in _DROPPED_ROLES:
        return True
    return tag == "a" and not _DROPPED_CLASSES.isdisjoint((element.get("class") or "").split())


def _heading_text(element: Any) -> str:
    if _is_dropped(element, plain_tag(element)):
        return ""
    pieces = [element.text or ""]
    for child in element:
        pieces += [_heading_text(child) if plain_tag(child) else "", child.tail or ""]
    return "".join(pieces)
