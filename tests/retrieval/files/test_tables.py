"""Tables as documents: which columns, which ids, and how a broken one is told."""

from __future__ import annotations

import datetime
import decimal
import gzip
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import InputError
from wordhive.retrieval.files.inputs import read_documents
from wordhive.retrieval.files.tables import TableColumns
from wordhive.retrieval.texts.documents import Document

BEES, ANTS = Document("a", "Bees dance."), Document("b", "Ants follow.")


def read(path: Path, content: str | bytes, **columns: Any) -> list[Document]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_documents(path, columns=TableColumns(**columns)))


def problem_of(path: Path, content: str | bytes, **columns: Any) -> str:
    with pytest.raises(InputError) as raised:
        read(path, content, **columns)
    return str(raised.value).removeprefix(str(path.parent) + "/")


@pytest.mark.parametrize(
    "content",
    [
        "id,text\na,Bees dance.\nb,Ants follow.\n",
        "\ufeffid,text\r\na,Bees dance.\r\n\r\nb,Ants follow.",
        '\nID;"Passage"\na;Bees dance.\nb;"Ants follow."\n',
        "doc_id\tcontents\na\tBees dance.\nb\tAnts follow.\n",
        gzip.compress(b"id,text\na,Bees dance.\nb,Ants follow.\n", mtime=0),
    ],
)
def test_csv_as_programs_write_it(tmp_path: Path, content: str | bytes) -> None:
    assert read(tmp_path / "docs.csv", content) == [BEES, ANTS]


def test_cells_of_csv_may_hold_all_that_is_quoted(tmp_path: Path) -> None:
    content = 'id,text,title,year\n1,"Two lines\nof ""bees"", and more",Bees,1990\n2,x,,\n'
    assert read(tmp_path / "docs.csv", content) == [
        Document("1", 'Bees Two lines\nof "bees", and more', {"title": "Bees", "year": "1990"}),
        Document("2", "x"),
    ]


def test_rows_without_ids_are_numbered(tmp_path: Path) -> None:
    assert [one.id for one in read(tmp_path / "docs.csv", "text,year\nx,1\ny,2\n")] == ["1", "2"]
    (tmp_path / "folder").mkdir()
    read(tmp_path / "folder" / "docs.jsonl", '{"id": "a", "text": "x"}')
    (tmp_path / "folder" / "docs.jsonl").write_text('{"text": "x"}\n{"text": "y"}\n', encoding="utf-8")
    assert [one.id for one in read_documents(tmp_path / "folder")] == ["docs.jsonl#1", "docs.jsonl#2"]


def test_columns_can_be_chosen(tmp_path: Path) -> None:
    chosen = {"id": "key", "texts": ["head", "body"]}
    expected = [
        Document("k", "Bees\nThey dance.", {"head": "Bees", "id_": "7", "text_": "no"}),
        Document("l", "Ants", {"head": "Ants", "id_": "8"}),
    ]
    table = "id,key,head,body,text\n7,k,Bees,They dance.,no\n8,l,Ants,,\n"
    assert read(tmp_path / "docs.csv", table, **chosen) == expected
    assert read(tmp_path / "docs.tsv", table.replace(",", "\t"), **chosen) == expected
    rows = '{"id": "7", "key": "k", "head": "Bees", "body": "They dance.", "text": "no"}\n'
    assert read(tmp_path / "docs.jsonl", rows, **chosen) == expected[:1]
    assert read(tmp_path / "docs.jsonl", '{"id": "a", "body": "Bees dance."}', texts=["body"]) == [BEES]
    assert read(tmp_path / "docs.jsonl", '{"key": "a", "text": "Bees dance."}', id="key") == [BEES]


@pytest.mark.parametrize(
    ("name", "content", "columns", "said"),
    [
        ("x.csv", "id,name\na,b\n", {}, "x.csv: no column text; it has id, name: name one by --text-fields"),
        ("x.csv", "id,text\na,b\n", {"texts": ["body"]}, "x.csv: no column 'body'; it has id, text"),
        ("x.csv", "id,text\na,b\n", {"id": "key"}, "x.csv: no column 'key'; it has id, text"),
        ("x.csv", "id,text,id\na,b,c\n", {}, "x.csv: the header names a column twice"),
        ("x.csv", "id,text\n\na,b\nc,d,e\n", {}, "x.csv:4: 3 cells; expected 2"),
        ("x.csv", 'id,text\na,b\nc,"open\n', {}, "x.csv:3: no CSV (unexpected end of data)"),
        ("x.csv", "id,text\n,b\n", {}, "x.csv:2: no id"),
        ("x.csv", "id,text\na,\xe9\n".encode("latin-1") * 20_000 + "b,é".encode(), {}, "x.csv:"),
        ("x.csv", "", {}, "x.csv: no column text; it has none"),
        ("x.csv", "id,text\n", {}, "x.csv holds no document"),
        ("x.csv", bytes(range(256)), {}, "x.csv: it is binary"),
        ("x.csv", gzip.compress(b"id,text\na,b\n" * 99, mtime=0)[:-9], {}, "x.csv"),
        ("x.jsonl", '{"id": "a", "body": "x"}', {}, "x.jsonl:1: 'a' has no text; expected a field text"),
        ("x.jsonl", '{"text": "x"}', {}, "x.jsonl:1: no id; expected a field _id or id"),
        ("x.jsonl", '{"id": "a", "text": 3}', {"texts": ["text"]}, "x.jsonl:1: 'a' has 3 in its field text"),
        ("x.jsonl", '{"id": "a", "text": "x"}', {"id": "key"}, "x.jsonl:1: no field 'key'; it has id, text"),
    ],
)
def test_a_table_that_can_not_be_read_is_told(
    tmp_path: Path, name: str, content: str | bytes, columns: dict[str, Any], said: str
) -> None:
    assert problem_of(tmp_path / name, content, **columns).startswith(said)


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    path = tmp_path / "docs.parquet"
    columns = {
        "id": [7, 8],
        "text": pa.array(["Bees dance.", "Ants follow."]).dictionary_encode(),
        "day": [datetime.date(1990, 2, 3), None],
        "price": [decimal.Decimal("1.50"), None],
        "share": [float("nan"), 0.5],
        "tags": [["x", "y"], []],
        "more": [{"at": datetime.datetime(2000, 1, 1), "n": 1}, None],
        "vector": [[0.1], [0.2]],
        "picture": [b"\x00", b"\x01"],
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    assert list(read_documents(path)) == [
        Document(
            "7", "Bees dance.",
            {"day": "1990-02-03", "price": 1.5, "tags": ["x", "y"], "more": {"at": "2000-01-01T00:00:00", "n": 1}},
        ),
        Document("8", "Ants follow.", {"share": 0.5, "tags": []}),
    ]  # fmt: skip
    torn = path.read_bytes()[:-20]
    assert "torn or no Parquet" in problem_of(path, torn)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": [1], "text": [[1, 2]]}, "column 'text' holds list<"),
        ({"id": [1], "text": [3]}, "column 'text' holds int64; expected strings"),
        ({"id": [1.5], "text": ["x"]}, "column 'id' holds double; expected strings or whole numbers"),
        ({"id": [1], "name": ["x"]}, "no column text; it has id, name"),
        ({"id": [None, 2], "text": ["x", "y"]}, "row 1: no id"),
        ({"id": [1, 1], "text": ["x", "y"]}, "row 2: document id '1' is there twice"),
    ],
)
def test_a_parquet_file_of_other_columns_is_told(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    pyarrow.parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(InputError) as raised:
        list(read_documents(tmp_path / "x.parquet"))
    assert said in str(raised.value)
