"""What is read of each format, and how a broken file is told."""

from __future__ import annotations

import json

import pytest

from wordhive.index import InputError
from wordhive.retrieval.formats.decoding import decode
from wordhive.retrieval.formats.epub import read_epub
from wordhive.retrieval.formats.extract import Extract, place
from wordhive.retrieval.formats.html_text import read_html
from wordhive.retrieval.formats.markdown_text import read_markdown, read_notebook
from wordhive.retrieval.formats.office import read_docx, read_pptx
from wordhive.retrieval.formats.pdf import read_pdf

from .made_files import archive, docx, epub, pdf, pptx


def marked(extract: Extract) -> list[str]:
    """Trails of headings, each with the words that stand where it begins."""
    found = extract.attributes()
    return [
        f"{trail}: {extract.text[start:].split(chr(10))[0]}"
        for trail, start in zip(found.get("headings", []), found.get("heading_starts", []), strict=True)
    ]


def problem_of(read, *given) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as raised:
        read(*given)
    return str(raised.value)


def test_markdown_keeps_its_text_and_tells_its_headings() -> None:
    front = "---\ntitle: 'All of bees'\ntags: x\n---\n\n"
    found = read_markdown(f"{front}# Bees *fly*\n\nx\n\n```sh\n# no heading\n```\n\nDances\n------\n\nlast\n")
    assert found.title == "All of bees"
    assert found.text.startswith("# Bees *fly*")
    assert found.text.endswith("last")
    assert marked(found) == ["Bees fly: # Bees *fly*", "Bees fly › Dances: Dances"]
    assert read_markdown("x\n\n# One\n").title == "One"
    assert read_markdown("x\n\n---\ny\n").attributes() == {}


def test_a_trail_ends_where_a_heading_of_its_level_begins() -> None:
    trails = read_markdown("# A\n\n### B\n\n## C\n\n# D\n\n## E\n").attributes()["headings"]
    assert trails == ["A", "A › B", "A › C", "D", "D › E"]


def test_a_place_is_page_and_heading_of_a_character() -> None:
    attributes = {"page_starts": [0, 10, 10, 20], "headings": ["A", "A › B"], "heading_starts": [5, 12]}
    assert [(place(attributes, at).page, place(attributes, at).heading) for at in (0, 5, 9, 10, 12, 99)] == [
        (1, None), (1, "A"), (1, "A"), (3, "A"), (3, "A › B"), (4, "A › B"),
    ]  # fmt: skip
    assert place({}, 3).page is place({"page_starts": "x"}, 3).heading is None


def test_a_title_that_the_text_does_not_begin_with_goes_before_it() -> None:
    found = Extract("Intro\n\nThey dance.", "Bees", read_markdown("# Intro").headings, (0, 7)).titled()
    assert found.text == "Bees\n\nIntro\n\nThey dance."
    assert found.pages == (0, 13)
    assert found.text[found.headings[0].start :].startswith("Intro")
    same = Extract("The  bees\ndance", "the Bees")
    assert same.titled() is same


def test_html_without_navigation_and_scripts() -> None:
    page = (
        "<html><head><title>Silk\n - Insects</title><style>p{}</style></head><body><nav>Home</nav><div role='main'>"
        "<h1>Silk<a class='headerlink' href='#'>¶</a></h1><p>Worms <b>spin</b>\n  it.</p><script>x()</script>"
        "<ul><li>one<li>two</ul><pre>a\n  b</pre><h2></h2><h2>Uses &amp; more</h2><table><tr><td>a<td>b</table>"
        "<!-- no --></div><footer>imprint</footer></body></html>"
    )
    found, encoding = read_html(page.encode())
    assert found.text == "Silk\n\nWorms spin it.\n\none\n\ntwo\n\na\n  b\n\nUses & more\n\na b"
    assert (found.title, encoding) == ("Silk - Insects", "utf-8")
    assert marked(found) == ["Silk: Silk", "Silk › Uses & more: Uses & more"]


@pytest.mark.parametrize(
    "page",
    [
        "<body><article><p>Ants.</p></article></body>",
        "<p>Ants.",
        "Ants.",
        "<main></main><p>Ants.</p>",
        "<nav>x</nav><div hidden>y</div><div>Ants.</div>",
    ],
)
def test_html_as_people_write_it(page: str) -> None:
    assert read_html(page.encode())[0].text == "Ants."


def test_html_tells_its_encoding() -> None:
    page = "<meta charset='windows-1251'><p>Пчелы</p>".encode("cp1251")
    assert (read_html(page)[0].text, read_html(page)[1]) == ("Пчелы", "cp1251")
    assert read_html("<?xml version='1.0' encoding='latin-1'?><p>é</p>".encode("latin-1"))[0].text == "é"
    assert read_html(b"<!-- nothing -->")[0].text == ""
    assert read_html(b"")[0].text == ""


def test_html_that_is_nested_deeply_does_no_harm() -> None:
    assert read_html(b"<p>seen</p>" + b"<div>" * 20_000 + b"x")[0].text.startswith("seen")


def test_pages_and_outline_of_pdf() -> None:
    found = read_pdf(
        pdf(["Bees dance.", "", "On ants. Ants follow."], "Insects", [("Bees", 0), ("ANTS follow", 2)]), 999
    )
    assert found.text == "Bees dance.\n\nOn ants. Ants follow."
    assert found.pages == (0, 13, 13)
    assert found.title == "Insects"
    assert [(one.title, found.text[one.start :][:4]) for one in found.headings] == [
        ("Bees", "Bees"),
        ("ANTS follow", "Ants"),
    ]
    assert place(found.attributes(), found.text.index("On")).page == 3


def test_a_pdf_that_can_not_be_read_is_told() -> None:
    assert "a scan" in problem_of(read_pdf, pdf(["", ""]), 999)
    assert "on its 2 pages" in problem_of(read_pdf, pdf(["", ""]), 999)
    assert "password" in problem_of(read_pdf, pdf(["x"], encrypted=True), 999)
    assert "torn" in problem_of(read_pdf, pdf(["x"])[:60], 999)
    assert "torn" in problem_of(read_pdf, b"", 999)
    assert "more than 20 characters in 2 pages" in problem_of(read_pdf, pdf(["Bees dance.", "Bees dance."]), 20)


def test_docx() -> None:
    table = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>legs</w:t><w:tab/><w:t>six</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    twice = (
        "<w:p><w:r><w:AlternateContent><w:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent>"
        "</w:Choice><w:Fallback><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></w:Fallback>"
        "</w:AlternateContent></w:r></w:p>"
    )
    found = read_docx(docx([("H1", "Bees"), ("", "They dance."), ("H2", "How"), ("", "So.")], "On bees", table + twice))
    assert found.text == "Bees\nThey dance.\nHow\nSo.\nlegs\tsix\nbox\nA note."
    assert marked(found) == ["Bees: Bees", "Bees › How: How"]
    assert found.title == "On bees"
    assert read_docx(docx([("T", "Named"), ("", "x")])).title == "Named"


def test_pptx() -> None:
    found = read_pptx(pptx([("Bees", "They dance."), ("", ""), ("Ants", "They follow.")]))
    assert found.text == "Bees\nThey dance.\nAnts\nThey follow."
    assert found.pages == (0, 17, 17)
    assert marked(found) == ["Bees: Bees", "Ants: Ants"]


def test_epub() -> None:
    found = read_epub(epub(["<h1>Bees</h1><p>They dance.</p>", "<nav>x</nav><h1>Ants</h1>"], "Insects"))
    assert found.text == "Bees\n\nThey dance.\n\nAnts"
    assert found.title == "Insects"
    assert marked(found) == ["Bees: Bees", "Ants: Ants"]


READERS = [(read_docx, docx([("", "x")])), (read_pptx, pptx([("x", "y")])), (read_epub, epub(["<p>x</p>"]))]


@pytest.mark.parametrize(("read", "good"), READERS)
def test_an_archive_that_can_not_be_read_is_told(read, good: bytes) -> None:  # type: ignore[no-untyped-def]
    assert read(good).text
    assert "torn" in problem_of(read, good[: len(good) // 2])
    assert "torn" in problem_of(read, b"")
    assert "has a password" in problem_of(read, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99))
    assert "it has no part" in problem_of(read, archive({"other": "x"}))


@pytest.mark.parametrize(("read", "good"), READERS)
def test_an_archive_that_unpacks_to_too_much_is_told(read, good: bytes) -> None:  # type: ignore[no-untyped-def]
    assert "unpacks to more than 100 bytes; it is a zip bomb" in problem_of(read, good, 100)


def test_what_an_archive_says_of_its_sizes_does_not_count() -> None:
    bomb = archive({"word/document.xml": b"<w>" + b" " * 5_000 + b"</w>"})
    real, lie = (5_007).to_bytes(4, "little"), (9).to_bytes(4, "little")
    assert bomb.count(real) == 2
    assert "torn" in problem_of(read_docx, bomb.replace(real, lie), 1_000)
    assert "zip bomb" in problem_of(read_docx, bomb, 1_000)


def test_entities_of_xml_are_not_followed() -> None:
    for entity in ('SYSTEM "file:///etc/hostname"', '"bees bees bees"'):
        document = f"<!DOCTYPE w [<!ENTITY e {entity}>]><w><p><r><t>x&e;y</t></r></p></w>"
        assert read_docx(archive({"word/document.xml": document})).text == "x"


def test_chapters_that_are_encrypted_are_told() -> None:
    protected = '<e><CipherReference URI="OPS/text/c%200.xhtml"/></e>'
    assert "DRM" in problem_of(read_epub, epub(["<p>x</p>"], encryption=protected))
    fonts = '<e><CipherReference URI="OPS/font.otf"/></e>'
    assert read_epub(epub(["<p>x</p>"], encryption=fonts)).text == "x"


def test_a_notebook_without_what_it_printed() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Ants\n", "They follow."]},
        {"cell_type": "code", "source": "follow()", "outputs": [{"text": "noise"}]},
        {"cell_type": "code", "source": []},
        {"cell_type": "markdown", "source": "## More"},
    ]
    found = read_notebook(json.dumps({"cells": cells}))
    assert found.text == "# Ants\nThey follow.\n\nfollow()\n\n## More"
    assert found.title == "Ants"
    assert marked(found) == ["Ants: # Ants", "Ants › More: ## More"]
    assert read_notebook(json.dumps({"worksheets": [{"cells": [{"cell_type": "code", "input": "x"}]}]})).text == "x"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"cells": 3}', '{"cells": [3]}', "[" * 100_000])
def test_a_torn_notebook_is_told(text: str) -> None:
    assert "no Jupyter notebook" in problem_of(read_notebook, text)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *((name, "Grüße aus São Paulo: 3 €\n") for name in ("utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252")),
        ("utf-16-le", "Bees dance to tell where flowers are."),
        ("utf-16-be", "Bees dance to tell where flowers are."),
        ("latin-1", "ok\nnaïve\n"),
        ("latin-1", "Les abeilles dansent pour indiquer où se trouvent les fleurs. Été."),
        ("cp1250", "Pszczoły tańczą, żeby powiedzieć, gdzie są kwiaty."),
        ("cp1251", "Пчелы танцуют, чтобы показать, где цветы."),
        ("koi8-r", "Пчелы танцуют, чтобы показать, где цветы."),
        ("shift_jis", "蜜蜂は花の場所を伝えるために踊ります。"),
        ("cp1252", "a" * 200_000 + " é"),
    ],
)
def test_encodings_are_told(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding))[0] == text


def test_line_ends_become_plain() -> None:
    assert decode(b"a\r\nb\rc\n") == ("a\nb\nc\n", "utf-8")


@pytest.mark.parametrize(
    "content", [bytes(range(256)) * 9, b"\x89PNG\r\n\x1a\n\0\0", b"text\0and nul", b"\x01\x02\x03" * 99]
)
def test_binary_is_no_text(content: bytes) -> None:
    assert "it is binary" in problem_of(decode, content)
