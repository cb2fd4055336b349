"""The text of Office's documents: DOCX and PPTX, both of XML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .extract import Extract, ExtractBuilder
from .zip_parts import MOST_UNPACKED, ZipParts, plain_tag

_TABS = {"tab": "\t", "br": "\n", "cr": "\n", "nobreakhyphen": "-"}
_PRESENTATION = "ppt/presentation.xml"


def read_docx(content: bytes, most: int = MOST_UNPACKED) -> Extract:
    """The text of a Word document with its tables and notes; its headings are those of Word's heading styles.

    Args:
        most: See `ZipParts`.

    Raises:
        InputError: It is torn, has a password, or unpacks to too much.
    """
    parts = ZipParts(content, most)
    main = _main_part(parts, "word/document.xml")
    levels = _heading_levels(parts, main)
    builder, title = ExtractBuilder("\n"), _core_title(parts)
    for paragraph in _paragraphs(parts.xml(main)):
        text, level = _text(paragraph), levels.get(_style(paragraph))
        if level == 0:
            title = title or text
        if level is None:
            builder.add(text)
        else:
            builder.heading(text, max(level, 1))
    for kind, name in sorted(parts.relations(main).values()):
        if kind in ("footnotes", "endnotes", "comments") and name in parts:
            for paragraph in _paragraphs(parts.xml(name)):
                builder.add(_text(paragraph))
    return builder.extract(title)


def read_pptx(content: bytes, most: int = MOST_UNPACKED) -> Extract:
    """The text of a presentation: a slide is a page, its title a heading, and the speaker's notes follow its text.

    Args:
        most: See `ZipParts`.

    Raises:
        InputError: It is torn, has a password, or unpacks to too much.
    """
    parts = ZipParts(content, most)
    main = _main_part(parts, _PRESENTATION)
    relations, builder = parts.relations(main), ExtractBuilder("\n")
    for element in parts.xml(main).iter():
        if plain_tag(element) != "sldid":
            continue
        _, slide = relations.get(_relation(element), ("", ""))
        builder.page()
        _add_slide(parts.xml(slide), builder)
        for kind, name in parts.relations(slide).values():
            if kind == "notesSlide":
                _add_slide(parts.xml(name), builder, is_notes=True)
    return builder.extract(_core_title(parts))


def _main_part(parts: ZipParts, usual: str) -> str:
    """The part that the archive names as its document; the usual one where it names none."""
    if "_rels/.rels" not in parts:
        return usual
    for relation in parts.xml("_rels/.rels"):
        if relation.get("Type", "").endswith("/officeDocument"):
            return str(relation.get("Target", usual)).lstrip("/")
    return usual


def _core_title(parts: ZipParts) -> str | None:
    name = "docProps/core.xml"
    if name not in parts:
        return None
    return next((it.text for it in parts.xml(name).iter() if plain_tag(it) == "title" and it.text), None)


def _heading_levels(parts: ZipParts, main: str) -> dict[str, int]:
    """The level of each style that is a heading's, 0 for a title's: its id may be in any language, its name is not."""
    name = next((name for kind, name in parts.relations(main).values() if kind == "styles"), "")
    levels: dict[str, int] = {}
    if name not in parts:
        return levels
    for style in parts.xml(name):
        called = next((_value(it) for it in style if plain_tag(it) == "name"), "").casefold()
        kind, _, level = called.partition(" ")
        if called == "title":
            levels[_attribute(style, "styleId")] = 0
        elif kind == "heading" and level.isdecimal():
            levels[_attribute(style, "styleId")] = int(level)
    return levels


def _paragraphs(root: Any) -> Iterator[Any]:
    """Paragraphs in their order, those of tables and text boxes too; text that stands there twice, for old programs,
    once."""
    for element in root:
        tag = plain_tag(element)
        if tag == "fallback":
            continue
        if tag == "p":
            yield element
        yield from _paragraphs(element)


def _text(paragraph: Any) -> str:
    pieces: list[str] = []
    waiting = list(reversed(paragraph))
    while waiting:
        element = waiting.pop()
        tag = plain_tag(element)
        if tag == "t":
            pieces.append(element.text or "")
        elif (tag in _TABS and tag != "tab") or (tag == "tab" and plain_tag(element.getparent()) == "r"):
            pieces.append(_TABS[tag])
        if tag not in ("p", "txbxcontent", "fallback"):  # a text box in it is a paragraph of its own
            waiting.extend(reversed(element))
    return "".join(pieces)


def _style(paragraph: Any) -> str:
    for properties in paragraph:
        if plain_tag(properties) == "ppr":
            return next((_value(it) for it in properties if plain_tag(it) == "pstyle"), "")
    return ""


def _add_slide(root: Any, builder: ExtractBuilder, *, is_notes: bool = False) -> None:
    for shape in root.iter():
        if plain_tag(shape) not in ("sp", "graphicframe"):
            continue
        kind = next((it.get("type", "body") for it in shape.iter() if plain_tag(it) == "ph"), None)
        texts = [_text(it) for it in shape.iter() if plain_tag(it) == "p"]
        if kind in ("title", "ctrTitle") and not is_notes:
            builder.heading(" ".join(texts), 1)
        elif kind not in ("sldNum", "dt", "ftr", "hdr", "sldImg"):
            for text in texts:
                builder.add(text)


def _value(element: Any) -> str:
    return _attribute(element, "val")


def _attribute(element: Any, name: str) -> str:
    """An attribute by its name without its namespace."""
    return next((str(value) for key, value in element.items() if key.rpartition("}")[2] == name), "")


def _relation(element: Any) -> str:
    """The id of what an element refers to: an attribute `id` of the namespace of relations, beside a plain one."""
    return next((str(value) for key, value in element.items() if key.endswith("}id")), "")
