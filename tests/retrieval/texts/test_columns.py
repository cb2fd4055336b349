"""Columns by name, fields of a text, Arrow streams: what of a row becomes id, text and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import IndexConfig, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever

EXACT = IndexConfig(encoding=None)
ROWS = [
    {"isbn": 7, "abstract": "bees dance", "year": 1967, "lang": "en", "price": 1.5},
    {"isbn": 8, "abstract": "ants follow", "year": None, "lang": "de", "price": float("nan")},
]
NAMES = {"id": "isbn", "text": "abstract"}


def pandas_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame(ROWS)


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").Table.from_pylist(ROWS)


def data_set() -> Any:
    return pytest.importorskip("datasets").Dataset.from_list(ROWS)


class Stream:
    """An Arrow stream of some library: a relation of DuckDB's, say. It is read once."""

    def __init__(self) -> None:
        self.reader = arrow_table().to_reader(max_chunksize=1)

    def __arrow_c_stream__(self, schema: Any = None) -> Any:
        return self.reader.__arrow_c_stream__(schema)


TABLES: dict[str, Callable[[], Any]] = {
    "pandas": pandas_frame,
    "arrow": arrow_table,
    "reader": lambda: arrow_table().to_reader(),
    "stream": Stream,
    "data set": data_set,
    "streamed data set": lambda: data_set().to_iterable_dataset(),
    "generator": lambda: (dict(row) for row in ROWS),
    "list": lambda: ROWS,
}


@pytest.fixture
def make(tmp_path: Path, tiny_encoder: Encoder) -> Callable[..., Retriever]:
    def create(*fields: str) -> Retriever:
        return Retriever.create(tmp_path / "x", tiny_encoder, config=EXACT, text_fields=fields or None)

    return create


def stored(retriever: Retriever) -> dict[str, tuple[str, dict[str, Any]]]:
    return {document.id: (document.text, document.attributes) for document in retriever}


@pytest.mark.parametrize("kind", TABLES)
def test_columns_are_chosen_by_name(make: Callable[..., Retriever], kind: str) -> None:
    retriever = make()
    assert retriever.add(TABLES[kind](), columns=NAMES, attributes=["year", "lang"]) == 2
    bees, ants = stored(retriever).values()
    assert bees == ("bees dance", {"year": 1967, "lang": "en"})
    assert (ants[0], ants[1].get("year"), ants[1]["lang"]) == ("ants follow", None, "de")
    assert retriever.upsert(TABLES[kind](), columns={**NAMES, "published": "year"}, attributes=["published"]) == 2
    assert stored(retriever)["7"] == ("bees dance", {"published": 1967})


@pytest.mark.parametrize("kind", ["pandas", "arrow", "reader", "stream"])
def test_missing_values_of_tables_are_left_out(make: Callable[..., Retriever], kind: str) -> None:
    retriever = make()
    retriever.add(TABLES[kind](), columns=NAMES)
    assert stored(retriever)["8"][1] == {"lang": "de"}
    assert stored(retriever)["7"][1] == {"year": 1967, "lang": "en", "price": 1.5}


def test_a_stream_is_read_a_commit_at_a_time(make: Callable[..., Retriever], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.operations.document_writer.DOCUMENTS_A_COMMIT", 1)
    retriever, seen = make(), []
    retriever.add(Stream(), columns=NAMES, show_progress=lambda done, total: seen.append((done, total, len(retriever))))
    assert seen == [(1, None, 0), (2, None, 1)]
    seen.clear()
    retriever.upsert(data_set(), columns=NAMES, show_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("kind", ["pandas", "arrow", "reader", "data set"])
def test_a_column_that_a_table_lacks_is_named(make: Callable[..., Retriever], kind: str) -> None:
    retriever = make()
    for given in ({"columns": {**NAMES, "title": "nmae"}}, {"columns": NAMES, "attributes": ["nmae"]}):
        with pytest.raises(InputError, match="the table has no column 'nmae'; choose from 'isbn', 'abstract', 'year'"):
            retriever.add(TABLES[kind](), **given)
    assert len(retriever) == 0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"columns": ["isbn"]}, "columns is .*; expected a dict from our names to yours"),
        ({"columns": {"id": 1}}, "columns is .*; expected a dict"),
        ({"attributes": "year"}, "attributes is 'year'; expected a list of strings"),
        ({"columns": {"id": "ibsn", "text": "abstract"}}, r"document 0 .*: no id; .*\(fields: isbn, year"),
        (
            {"columns": {"id": "isbn", "text": "x"}},
            r"7' has no text; expected a field text with a string \(fields: abs",
        ),
        ({"columns": {"id": "isbn"}, "show_progress": "yes"}, "no text|show_progress is 'yes'"),
    ],
)
def test_wrong_columns_are_refused(make: Callable[..., Retriever], given: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        make().add(ROWS, **given)


def test_strings_have_no_columns(make: Callable[..., Retriever]) -> None:
    with pytest.raises(InputError, match="document 1 is str, which has no names; leave columns and attributes out"):
        make().add([{"isbn": 1, "abstract": "x"}, "bees"], columns=NAMES)


def test_a_stream_without_pyarrow_says_what_to_install(
    make: Callable[..., Retriever], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"pip install wordhive\[parquet\]"):
        make().add(stream, columns=NAMES)


def papers() -> Iterator[dict[str, Any]]:
    yield {"id": "a", "title": " Bees ", "body": "They dance.", "abstract": None, "year": 1}
    yield {"id": "b", "abstract": "Of ants.", "body": ""}


def test_fields_make_the_text_in_their_order(make: Callable[..., Retriever], tiny_encoder: Encoder) -> None:
    retriever = make("title", "abstract", "body")
    retriever.add(papers())
    assert stored(retriever) == {
        "a": ("Bees\nThey dance.", {"title": " Bees ", "year": 1}),
        "b": ("Of ants.", {"abstract": "Of ants."}),
    }
    retriever.close()
    with Retriever.open(retriever.index.path, tiny_encoder) as again:  # later adds agree
        assert again.add([{"id": "c", "title": "Wasps", "body": "Paper."}, ("d", "a pair"), "a string"]) == 3
        assert [again.get([id])[0].text for id in "cd"] == ["Wasps\nPaper.", "a pair"]
        with pytest.raises(
            InputError, match=r"'e' has no text; expected a field title or abstract or body .*fields: text"
        ):
            again.add([{"id": "e", "text": "x"}])
        with pytest.raises(InputError, match=r"'e' has 7 in its field body, of its text; expected a string, or None"):
            again.add([{"id": "e", "title": "x", "body": 7}])
        with pytest.raises(InputError, match="'abstract' is part of the text"):
            again.update(["a"], {"abstract": "x"})
        assert again.add(TABLES["arrow"](), columns={"id": "isbn", "body": "abstract"}, attributes=["lang"]) == 2
        assert again.get(["7"])[0].attributes == {"lang": "en"}
