"""The text of a PDF, page by page, by PDFium."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from wordhive.index import InputError
from wordhive.index.quantity import quantity

from .extract import Extract, Heading

# A word that was divided at the end of a line: PDFium writes U+0002, older versions U+FFFE.
_DIVIDED = re.compile("[\x02\ufffe]\\s*\n?")
_BETWEEN_PAGES = "\n\n"
# PDFium's numbers of errors.
_REASONS = {
    3: "it is torn or no PDF; get it again",
    4: "it has a password; save it without one",
    5: "it is protected in a way that can't be read; save it without protection",
}


def read_pdf(content: bytes, most: int) -> Extract:
    """The text of all pages; its headings are those of the outline that viewers show beside it.

    Args:
        most: Characters from which it is no document; see `MOST_CHARACTERS`.

    Raises:
        InputError: It is torn or encrypted, or its pages are pictures.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        reason = _REASONS.get(getattr(error, "err_code", None) or 3, _REASONS[3])
        raise InputError(reason) from error
    try:
        return _extract(document, most)
    except pypdfium2.PdfiumError as error:
        raise InputError(f"it is torn ({error}); get it again") from error
    finally:
        document.close()


def _extract(document: Any, most: int) -> Extract:
    pages: list[str] = []
    starts: list[int] = []
    length = 0
    for number in range(len(document)):
        text = _page_text(document, number)
        starts.append(length)
        pages.append(text)
        length += len(text) + (len(_BETWEEN_PAGES) if text else 0)
        if length > most:
            raise InputError(f"it has more than {most:,} characters in {number + 1:,} pages; split it")
    if not any(pages):
        raise InputError(
            f"no text on its {quantity(len(pages), 'page')}: a scan; let a program read it first, such as ocrmypdf"
        )
    text = _BETWEEN_PAGES.join(page for page in pages if page)
    title = " ".join((document.get_metadata_value("Title") or "").split())
    return Extract(text, title or None, _headings(document, text, starts), tuple(min(it, len(text)) for it in starts))


def _page_text(document: Any, number: int) -> str:
    page = document[number]
    try:
        text = page.get_textpage()
        try:
            found = str(text.get_text_range())
        finally:
            text.close()
    finally:
        page.close()
    # PDFium passes on halves of characters that a PDF names as such.
    found = (
        found.replace("\r\n", "\n").replace("\r", "\n").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
    return _DIVIDED.sub("", found).replace("\0", "").strip()


def _headings(document: Any, text: str, starts: Sequence[int]) -> tuple[Heading, ...]:
    """The outline's entries, each where its words stand on its page, or at the beginning of it."""
    headings: list[Heading] = []
    for bookmark in document.get_toc():
        title, target = " ".join((bookmark.get_title() or "").split()), bookmark.get_dest()
        page = target.get_index() if target is not None else None
        if not title or page is None or not 0 <= page < len(starts):
            continue
        begin = starts[page]
        end = starts[page + 1] if page + 1 < len(starts) else len(text)
        words = r"\s+".join(map(re.escape, title.split()))
        found = re.compile(words, re.IGNORECASE).search(text, begin, end)
        headings.append(Heading(min(found.start() if found else begin, len(text)), bookmark.level + 1, title))
    return tuple(sorted(headings, key=lambda it: it.start))
