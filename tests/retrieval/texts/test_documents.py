from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import InputError
from wordhive.retrieval.files.inputs import read_documents, read_queries
from wordhive.retrieval.texts.documents import (
    MOST_CHARACTERS,
    Document,
    Query,
    check_document,
    document_from,
)

BEES = Document("a", "Bees dance.")
ANTS = Document("b", "Ants follow.")
TWO_LINES = b'{"id": "a", "text": "Bees dance."}\n{"id": "b", "text": "Ants follow."}\n'


def write(path: Path, content: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def feed_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def problem_of(path: Path) -> str:
    with pytest.raises(InputError) as raised:
        list(read_documents(path))
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_json_lines(tmp_path: Path) -> None:
    assert list(read_documents(write(tmp_path / "docs.jsonl", TWO_LINES))) == [BEES, ANTS]


def test_gzipped_json_lines(tmp_path: Path) -> None:
    assert list(read_documents(write(tmp_path / "docs.jsonl.gz", gzip.compress(TWO_LINES)))) == [BEES, ANTS]


def test_the_path_may_be_a_string(tmp_path: Path) -> None:
    assert list(read_documents(str(write(tmp_path / "docs.jsonl", TWO_LINES)))) == [BEES, ANTS]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    feed_stdin(monkeypatch, TWO_LINES)
    assert list(read_documents("-")) == [BEES, ANTS]


def test_a_fault_on_standard_input_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    feed_stdin(monkeypatch, TWO_LINES + b"oops\n")
    with pytest.raises(InputError, match=r"^-:3: not JSON"):
        list(read_documents("-"))


@pytest.mark.parametrize("name", ["corpus.jsonl", "corpus.jsonl.gz"])
def test_a_beir_folder(tmp_path: Path, name: str) -> None:
    content = b'{"_id": "a", "title": "Bees", "text": "They dance."}\n{"_id": "b", "title": "", "text": "Ants."}\n'
    write(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
    write(tmp_path / "notes.txt", "not a document of the corpus")
    assert list(read_documents(tmp_path)) == [
        Document("a", "Bees They dance.", {"title": "Bees"}),
        Document("b", "Ants."),
    ]


@pytest.mark.parametrize("name", ["docs.tsv", "docs.txt", "docs.tsv.gz", "X.TSV", "X.Tsv.GZ", "X.TXT"])
def test_tsv(tmp_path: Path, name: str) -> None:
    content = b"a\tBees dance.\n\nb\tAnts follow. \r\n"
    path = write(tmp_path / name, gzip.compress(content) if name.lower().endswith(".gz") else content)
    assert list(read_documents(path)) == [BEES, ANTS]
    assert list(read_queries(path)) == [Query(one.id, one.text) for one in (BEES, ANTS)]


@pytest.mark.parametrize("content", ["", " \n\n", "\ufeff", "\ufeff\r\n"])
def test_an_empty_text_file_is_no_document(tmp_path: Path, content: str) -> None:
    write(tmp_path / "empty.txt", content)
    assert "holds no document" in problem_of(tmp_path)
    write(tmp_path / "a.txt", "Bees dance.")
    assert [(one.id, one.text) for one in read_documents(tmp_path)] == [("a.txt", "Bees dance.")]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_an_attribute_that_is_no_number_of_json_is_refused(tmp_path: Path, value: str) -> None:
    line = f'{{"id": "c", "text": "x", "v": [{{"w": {value}}}]}}'
    assert "docs.jsonl:3: " in problem_of(write(tmp_path / "docs.jsonl", TWO_LINES + line.encode()))


def test_a_folder_of_text_files(tmp_path: Path) -> None:
    write(tmp_path / "b.md", " Ants\nfollow.\n")
    write(tmp_path / "deep" / "a.TXT", "\ufeffBees dance.")
    write(tmp_path / "c.rst", "Wasps\r\nchew.\r\n")
    write(tmp_path / "picture.png", b"\x89PNG")
    assert [(one.id, one.text) for one in read_documents(tmp_path)] == [
        ("b.md", "Ants\nfollow."),
        ("c.rst", "Wasps\nchew."),
        ("deep/a.TXT", "Bees dance."),
    ]


def test_the_title_goes_before_the_text_and_stays_an_attribute(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", '{"id": "a", "title": "Bees", "text": "They dance."}')
    assert list(read_documents(path)) == [Document("a", "Bees They dance.", {"title": "Bees"})]


@pytest.mark.parametrize("title", ["", None])
def test_an_empty_title_is_left_out(tmp_path: Path, title: str | None) -> None:
    path = write(tmp_path / "docs.jsonl", json.dumps({"id": "a", "title": title, "text": "Bees dance."}))
    assert list(read_documents(path)) == [BEES]


def test_other_keys_become_attributes(tmp_path: Path) -> None:
    row = {"id": "a", "text": "Bees dance.", "year": 1967, "tags": ["x", {"y": None}], "ok": True}
    path = write(tmp_path / "docs.jsonl", json.dumps(row))
    expected = {"year": 1967, "tags": ["x", {"y": None}], "ok": True}
    assert list(read_documents(path)) == [Document("a", "Bees dance.", expected)]


@pytest.mark.parametrize(("id", "expected"), [(7, "7"), (0, "0"), (-3, "-3"), ("007", "007")])
def test_integer_ids_become_strings(tmp_path: Path, id: Any, expected: str) -> None:
    path = write(tmp_path / "docs.jsonl", json.dumps({"id": id, "text": "x"}))
    assert [document.id for document in read_documents(path)] == [expected]


def test_underscore_id_wins_over_id(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", '{"_id": "a", "id": "z", "text": "x"}')
    assert [document.id for document in read_documents(path)] == ["a"]


def test_byte_order_mark_blank_lines_and_crlf(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + TWO_LINES.replace(b"\n", b"\r\n\r\n  \r\n")
    assert list(read_documents(write(tmp_path / "docs.jsonl", content))) == [BEES, ANTS]


def test_a_file_may_end_without_a_newline(tmp_path: Path) -> None:
    assert list(read_documents(write(tmp_path / "docs.jsonl", TWO_LINES.rstrip()))) == [BEES, ANTS]


def test_unicode_line_separators_do_not_end_a_line(tmp_path: Path) -> None:
    text = "one\u2028two\x85three\x0bfour"
    path = write(tmp_path / "docs.jsonl", json.dumps({"id": "a", "text": text}, ensure_ascii=False))
    assert list(read_documents(path)) == [Document("a", text)]


@pytest.mark.parametrize("content", ["", "\n\n", "  \n", "\ufeff"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "docs.jsonl holds no document" in problem_of(write(tmp_path / "docs.jsonl", content))


@pytest.mark.parametrize("row", [{"text": "x"}, {"id": "", "text": "x"}, {"id": None, "text": "x"}, {}])
def test_a_missing_id_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + json.dumps(row).encode())
    assert "docs.jsonl:3: no id; expected a field _id or id" in problem_of(path)


@pytest.mark.parametrize("row", [{"id": "c"}, {"id": "c", "text": None}, {"id": "c", "text": ["x"]}])
def test_a_missing_text_is_refused(tmp_path: Path, row: dict[str, Any]) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + b"\n" + json.dumps(row).encode())
    assert "docs.jsonl:4: 'c' has no text" in problem_of(path)


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + b'{"id": "a", "text": "again"}\n')
    message = problem_of(path)
    assert "docs.jsonl" in message
    assert "'a' is there twice" in message


def test_a_repeated_id_is_reported_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + b'{"id": "a", "text": "again"}\n')
    assert "docs.jsonl:3: " in problem_of(path)


def test_an_integer_and_a_string_of_the_same_digits_are_one_id(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", '{"id": 1, "text": "x"}\n{"id": "1", "text": "y"}\n')
    assert "'1' is there twice" in problem_of(path)


@pytest.mark.parametrize("line", ["{", "bees", '{"id": "c", "text": "x"', "{'id': 'c'}"])
def test_a_line_that_is_not_json_is_refused(tmp_path: Path, line: str) -> None:
    assert "docs.jsonl:3: not JSON" in problem_of(write(tmp_path / "docs.jsonl", TWO_LINES + line.encode()))


@pytest.mark.parametrize(("line", "kind"), [("[1]", "list"), ('"x"', "str"), ("3", "int"), ("null", "NoneType")])
def test_json_that_is_no_object_is_refused(tmp_path: Path, line: str, kind: str) -> None:
    message = problem_of(write(tmp_path / "docs.jsonl", TWO_LINES + line.encode()))
    assert f"docs.jsonl:3: a {kind}; expected an object" in message


def test_a_line_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + '{"id": "c", "text": "é"}'.encode("latin-1"))
    assert "docs.jsonl:3: not UTF-8" in problem_of(path)


def test_an_escaped_lone_surrogate_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + b'{"id": "c", "text": "half \\ud800 a character"}')
    assert "docs.jsonl:3: " in problem_of(path)


def test_a_text_of_twelve_million_characters_is_refused(tmp_path: Path) -> None:
    row = json.dumps({"id": "c", "text": "bee " * 3_000_000})
    message = problem_of(write(tmp_path / "docs.jsonl", TWO_LINES + row.encode()))
    assert "docs.jsonl:3: document 'c' has 11,999,999 characters, the most is 10,000,000" in message


def test_a_long_tsv_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.tsv", "a\tx\nb\t" + "y" * (MOST_CHARACTERS + 1))
    assert "docs.tsv:2: document 'b' has 10,000,001 characters" in problem_of(path)


def test_a_long_text_file_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "book.txt", "y" * (MOST_CHARACTERS + 1))
    assert "book.txt: it has 10,000,001 characters" in problem_of(tmp_path)


def test_the_longest_text_that_is_allowed(tmp_path: Path) -> None:
    path = write(tmp_path / "docs.tsv", "a\t" + "y" * MOST_CHARACTERS)
    assert len(next(read_documents(path)).text) == MOST_CHARACTERS


@pytest.mark.parametrize("name", ["nothing.jsonl", "nothing.tsv", "nothing"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    assert problem_of(tmp_path / name) == f"no file at {tmp_path / name}; check the path"


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "picture.png", b"\x89PNG")
    assert f"{tmp_path} holds neither corpus.jsonl nor a file of a kind that is read" in problem_of(tmp_path)


def test_queries_from_json_lines_tsv_a_beir_folder_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [Query("q1", "how do bees talk"), Query("q2", "what do ants smell")]
    lines = b'{"_id": "q1", "text": "how do bees talk"}\n{"_id": "q2", "text": "what do ants smell", "metadata": {}}\n'
    assert list(read_queries(write(tmp_path / "beir" / "queries.jsonl", lines))) == expected
    assert list(read_queries(tmp_path / "beir")) == expected
    assert list(read_queries(write(tmp_path / "q.tsv", "q1\thow do bees talk\nq2\twhat do ants smell\n"))) == expected
    feed_stdin(monkeypatch, lines)
    assert list(read_queries("-")) == expected


def test_a_folder_without_queries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no queries\.jsonl"):
        list(read_queries(tmp_path))


def test_repeated_and_missing_queries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="query id 'q' is there twice"):
        list(read_queries(write(tmp_path / "twice.tsv", "q\tx\nq\ty\n")))
    with pytest.raises(InputError, match="holds no query"):
        list(read_queries(write(tmp_path / "empty.tsv", "")))


@pytest.mark.parametrize("id", [True, 1.5, ["a"], {"a": 1}])
def test_an_id_of_another_type_is_named(tmp_path: Path, id: Any) -> None:
    path = write(tmp_path / "docs.jsonl", TWO_LINES + json.dumps({"id": id, "text": "x"}).encode())
    assert f"docs.jsonl:3: the id {id!r} is {type(id).__name__}; expected a string, or a whole" in problem_of(path)


def test_document_from_what_users_have_at_hand() -> None:
    assert document_from(BEES, 5) is BEES
    assert document_from("Bees dance.", 5) == "Bees dance."
    assert document_from(("a", "Bees dance."), 5) == BEES
    assert document_from(["a", "Bees dance."], 5) == BEES
    assert document_from({"_id": 4, "text": " x ", "year": 2}, 5) == Document("4", "x", {"year": 2})


def test_document_from_leaves_the_dict_as_it_was() -> None:
    row = {"id": "a", "title": "T", "text": "x", "year": 2}
    document_from(row, 0)
    assert row == {"id": "a", "title": "T", "text": "x", "year": 2}


def test_a_pair_may_have_a_number_for_its_id() -> None:
    assert document_from((7, "x"), 0) == Document("7", "x")


def test_a_pair_without_a_text_is_refused() -> None:
    with pytest.raises(InputError, match=r"document 7 \(counted from 0\): 'a' has no text"):
        document_from(("a", 1), 7)


@pytest.mark.parametrize(
    "document",
    [Document(7, "x"), Document("a", None), Document("a", "x", ["y"]), Document("a", "x", {"v": float("nan")})],
)  # type: ignore[arg-type]
def test_a_document_of_other_types_is_refused(document: Document) -> None:
    with pytest.raises(InputError, match=r"document id 7 is int|document 'a'"):
        check_document(document)


@pytest.mark.parametrize("line", ["[" * 100_000, '{"id": "c", "text": "x", "v": ' + "9" * 5000 + "}"])
def test_json_that_python_can_not_read_is_refused(tmp_path: Path, line: str) -> None:
    assert "docs.jsonl:3: not JSON that can be read" in problem_of(
        write(tmp_path / "docs.jsonl", TWO_LINES + line.encode())
    )


def test_an_empty_name_is_refused() -> None:
    assert problem_of("") == "the input is empty; give a file, a folder, or - for standard input"


@pytest.mark.parametrize("value", [3, None, ("a", "b", "c"), b"bytes", ("a",)])
def test_document_from_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match=f"document 7 is {type(value).__name__}; expected a string"):
        document_from(value, 7)


def test_a_dict_without_id_is_named_by_its_number() -> None:
    with pytest.raises(InputError, match=r"document 7 \(counted from 0\): no id; .*fields: text"):
        document_from({"text": "x"}, 7)
