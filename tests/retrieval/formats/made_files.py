"""Small files of each format, made without the programs that usually make them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SLIDE = (
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{OFFICE}"'
)


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return file.getvalue()


def pdf(
    pages: Sequence[str], title: str = "", outline: Sequence[tuple[str, int]] = (), encrypted: bool = False
) -> bytes:
    """Pages of a line of text each; "" is a page with a drawing only."""
    first = 4
    numbers = [first + 2 * page for page in range(len(pages))]
    entry = first + 2 * len(pages)
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R {f'/Outlines {entry} 0 R' if outline else ''} >>",
        2: f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{number} 0 R' for number in numbers)}] >>",
        3: f"<< /Title ({title}) >>",
    }
    for number, text in zip(numbers, pages, strict=True):
        font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
        stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET" if text else "10 10 50 50 re f"
        objects[number] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number + 1} 0 R "
            f"/Resources << /Font << /F1 {font} >> >> >>"
        )
        objects[number + 1] = f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    if outline:
        last = entry + len(outline)
        objects[entry] = f"<< /Type /Outlines /First {entry + 1} 0 R /Last {last} 0 R /Count {len(outline)} >>"
        for place, (name, page) in enumerate(outline, 1):
            after = f"/Next {entry + place + 1} 0 R" if place < len(outline) else ""
            objects[entry + place] = (
                f"<< /Title ({name}) /Parent {entry} 0 R {after} /Dest [{numbers[page]} 0 R /XYZ 0 700 0] >>"
            )
    guard = ""
    if encrypted:  # keys that no password opens
        objects[entry + 9] = f"<< /Filter /Standard /V 1 /R 2 /O <{'ab' * 32}> /U <{'cd' * 32}> /P -4 >>"
        guard = f"/Encrypt {entry + 9} 0 R /ID [<{'01' * 16}> <{'01' * 16}>]"
    body = "%PDF-1.4\n"
    places = {}
    for number, content in objects.items():
        places[number] = len(body)
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{number} 1\n{place:010d} 00000 n \n" for number, place in places.items())
    trailer = f"trailer\n<< /Size {max(objects) + 1} /Root 1 0 R /Info 3 0 R {guard} >>\n"
    return f"{body}xref\n0 1\n0000000000 65535 f \n{table}{trailer}startxref\n{len(body)}\n%%EOF\n".encode("latin-1")


def relations(of: Sequence[tuple[str, str, str]]) -> str:
    rows = "".join(f'<Relationship Id="{id}" Type="{OFFICE}/{kind}" Target="{to}"/>' for id, kind, to in of)
    return f"<Relationships {_RELATIONS}>{rows}</Relationships>"


def docx(paragraphs: Sequence[tuple[str, str]], title: str = "", body: str = "") -> bytes:
    """Paragraphs of a style each; style "H2" is called "heading 2" in the document's styles.

    body: XML behind them.
    """
    written = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    names = {"H1": "heading 1", "H2": "heading 2", "T": "Title"}
    styles = "".join(f'<w:style w:styleId="{id}"><w:name w:val="{name}"/></w:style>' for id, name in names.items())
    referred = [("r1", "styles", "styles.xml"), ("r2", "footnotes", "footnotes.xml")]
    return archive(
        {
            "_rels/.rels": relations([("r1", "officeDocument", "word/document.xml")]),
            "word/document.xml": f"<w:document {_WORD}><w:body>{written}{body}</w:body></w:document>",
            "word/styles.xml": f"<w:styles {_WORD}>{styles}</w:styles>",
            "word/_rels/document.xml.rels": relations(referred),
            "word/footnotes.xml": f"<w:footnotes {_WORD}><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnotes>",
            "docProps/core.xml": f'<c xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></c>',
        }
    )


def pptx(slides: Sequence[tuple[str, str]]) -> bytes:
    """Slides of a title and a text each, in the order in which they are shown, which is not that of their names."""
    parts: dict[str, str | bytes] = {}
    shown = []
    for number, (title, text) in enumerate(slides):
        name = f"slides/slide{len(slides) - number}.xml"
        shapes = "".join(
            f'<p:sp><p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
            f"<p:txBody><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:txBody></p:sp>"
            for kind, words in (("title", title), ("body", text), ("sldNum", "99"))
        )
        parts[f"ppt/{name}"] = f"<p:sld {_SLIDE}>{shapes}</p:sld>"
        shown.append((f"r{number}", "slide", name))
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="{id}"/>' for n, (id, _, _) in enumerate(shown))
    parts["ppt/presentation.xml"] = f"<p:presentation {_SLIDE}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    parts["ppt/_rels/presentation.xml.rels"] = relations(shown)
    return archive(parts)


def epub(chapters: Sequence[str], title: str = "", **more: str) -> bytes:
    """Chapters of XHTML, given in the order in which they are read.

    more: Further parts, by their names without META-INF and suffix.
    """
    items = "".join(f'<item id="c{n}" href="text/c%20{n}.xhtml"/>' for n in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    head = f"<metadata><title>{title}</title></metadata>"
    return archive(
        {
            "META-INF/container.xml": '<container><rootfile full-path="OPS/book.opf"/></container>',
            "OPS/book.opf": f"<package>{head}{items}<spine>{spine}</spine></package>",
            **{f"OPS/text/c {n}.xhtml": f"<html><body>{text}</body></html>" for n, text in enumerate(chapters)},
            **{f"META-INF/{name}.xml": content for name, content in more.items()},
        }
    )
