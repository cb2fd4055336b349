"""TSV as people write it: headers, titles, trailing tabs, quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from wordhive.index import InputError
from wordhive.retrieval.files.inputs import read_documents, read_queries
from wordhive.retrieval.texts.documents import Document, Query

BEES = Document("a", "Bees dance.")
TITLED = Document("a", "Bees They dance.", {"title": "Bees"})
ANTS = Document("b", "Ants follow.")


def _read(tmp_path: Path, content: str) -> list[Document]:
    path = tmp_path / "docs.tsv"
    path.write_bytes(content.encode())
    return list(read_documents(path))


@pytest.mark.parametrize(
    "header",
    [
        *("id\ttext", "_id\ttext", "ID\tText", "docid\tpassage", "doc_id\tbody", "#id\tcontents", "pid\tpassage"),
        *("Document ID\tText", "qid\tquery", "query-id\tquery", "docno\tcontent", '"id"\t"text"', "id\ttext\t"),
    ],
)
@pytest.mark.parametrize("before", ["", "\ufeff", "\n \r\n"])
def test_a_header_is_no_document(tmp_path: Path, header: str, before: str) -> None:
    assert _read(tmp_path, f"{before}{header}\r\na\tBees dance.\r\nb\tAnts follow.\r\n") == [BEES, ANTS]
    assert list(read_queries(tmp_path / "docs.tsv")) == [Query("a", "Bees dance."), Query("b", "Ants follow.")]


@pytest.mark.parametrize("line", ["id7\ttext", "7\ttext", "text\tid", "id\tis what names a document", "id\tid"])
def test_what_only_looks_like_a_header_is_a_document(tmp_path: Path, line: str) -> None:
    id, text = line.split("\t")
    assert _read(tmp_path, f"{line}\nb\tAnts follow.\n") == [Document(id, text), ANTS]


def test_a_header_after_the_first_line_is_a_document(tmp_path: Path) -> None:
    assert _read(tmp_path, "b\tAnts follow.\nid\ttext\n") == [ANTS, Document("id", "text")]


@pytest.mark.parametrize(
    "content",
    [
        "a\tThey dance.\tBees\nb\tAnts follow.\t\n",
        "a\tThey dance.\tBees\nb\tAnts follow.\n",
        "id\ttext\ttitle\na\tThey dance.\tBees\nb\tAnts follow.\n",
        "docid\ttitle\ttext\na\tBees\tThey dance.\nb\t\tAnts follow.\n",
    ],
)
def test_a_title_goes_before_the_text(tmp_path: Path, content: str) -> None:
    assert _read(tmp_path, content) == [TITLED, ANTS]


def test_other_columns_of_a_header_become_attributes(tmp_path: Path) -> None:
    content = "id\turl\ttext\tYear \na\thttp://bees\tBees dance.\t1967\nb\t\tAnts follow.\t\n"
    assert _read(tmp_path, content) == [Document("a", "Bees dance.", {"url": "http://bees", "Year": "1967"}), ANTS]


@pytest.mark.parametrize("end", ["\t", "\t\t\t", "\t\r"])
@pytest.mark.parametrize("first", ["", "id\ttext\n"])
def test_tabs_at_the_end_of_a_line_do_not_count(tmp_path: Path, end: str, first: str) -> None:
    assert _read(tmp_path, f"{first}a\tBees dance.{end}\nb\tAnts follow.{end}\n") == [BEES, ANTS]
    assert _read(tmp_path, f"{first}a\tBees dance.\nb\tAnts follow.{end}\n") == [BEES, ANTS]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('a\t"He said ""bees"" twice."', 'He said "bees" twice.'),
        ('"a"\t"Bees dance."', "Bees dance."),
        ('a\t"Bees dance."', '"Bees dance."'),
        ('a\t"Bees" dance "well"', '"Bees" dance "well"'),
        ('a\tBees ""dance""', 'Bees ""dance""'),
        ('a\t"', '"'),
        ('a\t""', '""'),
    ],
)
def test_quotes_are_those_of_csv_or_the_texts_own(tmp_path: Path, line: str, text: str) -> None:
    assert _read(tmp_path, f"b\tAnts follow.\n{line}\n") == [ANTS, Document("a", text)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\tx\n\nonly\n", "docs.tsv:3: 1 columns; expected two, an id and a text"),
        ("only\n", "docs.tsv:1: 1 columns; expected two"),
        ("a\tx\nb\ty\tz\n", "docs.tsv:2: 3 columns; expected two"),
        ("a\tx\ty\tz\n", "docs.tsv:1: 4 columns; expected 3, id, text, title"),
        ("id\ttext\turl\nb\ty\tz\tw\n", "docs.tsv:2: 4 columns; expected 3, id, text, url"),
        ("a\tx\n\ty\n", "docs.tsv:2: no id"),
        ("id\tdocid\ttext\n", "docs.tsv:1: the header names the columns id, id, text"),
        ("id\t\ttext\n", "docs.tsv:1: the header names the columns id, , text"),
        ("id\ttext\n", "holds no document"),
        ("a\tx\na\ty\n", "docs.tsv:2: document id 'a' is there twice"),
    ],
)
def test_what_can_not_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(InputError) as raised:
        _read(tmp_path, content)
    assert said in str(raised.value)
