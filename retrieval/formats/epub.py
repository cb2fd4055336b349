"""The text of an EPUB: its chapters in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator

from wordhive.index import InputError

from .extract import Extract, ExtractBuilder
from .html_text import add_html
from .zip_parts import MOST_UNPACKED, ZipParts, joined, lxml_etree, plain_tag

_CONTAINER = "META-INF/container.xml"


def read_epub(content: bytes, most: int = MOST_UNPACKED) -> Extract:
    """The text of all chapters.

    Args:
        most: See `ZipParts`.

    Raises:
        InputError: It is torn, protected, or unpacks to too much.
    """
    parts = ZipParts(content, most)
    package = next((it.get("full-path") for it in parts.xml(_CONTAINER).iter() if plain_tag(it) == "rootfile"), None)
    if not package:
        raise InputError(f"its {_CONTAINER} names no book; get it again")
    root = parts.xml(package)
    title = next((it.text for it in root.iter() if plain_tag(it) == "title" and it.text), None)
    protected, builder = _protected(parts), ExtractBuilder()
    items = {it.get("id"): joined(package, it.get("href", "")) for it in root.iter() if plain_tag(it) == "item"}
    chapters = [items.get(it.get("idref")) for it in root.iter() if plain_tag(it) == "itemref"]
    for chapter in chapters:
        if chapter is None or chapter not in parts:
            raise InputError(f"its chapter {chapter or 'of no name'} is not there; get it again")
        if chapter in protected:
            raise InputError("its chapters are encrypted (DRM); read a copy without it")
        html = lxml_etree().fromstring(parts.read(chapter), lxml_etree().HTMLParser(encoding="utf-8"))
        if html is not None:
            add_html(html, builder)
    return builder.extract(title)


def _protected(parts: ZipParts) -> set[str]:
    """The parts that are encrypted; fonts often are, which nobody reads."""
    name = "META-INF/encryption.xml"
    return set(_references(parts, name)) if name in parts else set()


def _references(parts: ZipParts, name: str) -> Iterator[str]:
    for element in parts.xml(name).iter():
        if plain_tag(element) == "cipherreference":
            yield joined("", element.get("URI", ""))
