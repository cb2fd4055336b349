from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordhiveError, WordVectors
from wordhive.index.maintenance.check import check

Draw = Callable[..., WordVectors]
CONFIG = IndexConfig(codec="SQ8", encoding=None)


_WORDS = ["honey", "bees", "dance", "where", "flowers", "are", "größe", "ants", "follow", "a", "trail", "of", "scent"]


def texts(n: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [f"{row} " + " ".join(draw.choices(_WORDS, k=40)) for row in range(n)]


def add(index: Index, given: Sequence[str | None], first: int = 0, attributes: dict[str, Any] | None = None) -> None:
    n = len(given)
    vectors = WordVectors(np.ones((n, 4), np.float32), np.arange(n + 1), np.ones(n, np.uint32), None)
    index.add([f"d{first + row}" for row in range(n)], vectors, given, [attributes] * n)


def sql(index: Index, query: str, *values: Any) -> list[Any]:
    with sqlite3.connect(index.path / "catalog.db") as connection:
        found = connection.execute(query, values).fetchall()
    connection.close()
    return found


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index.create(tmp_path / "my.hive", CONFIG)


@pytest.mark.parametrize("parts", [[1500], [400, 400, 400, 300], [999, 501], [10, 1490]])
def test_texts_come_back_whichever_dictionary_they_have(index: Index, parts: list[int]) -> None:
    given, first = texts(1500), 0
    for part in parts:
        add(index, given[first : first + part], first)
        first += part
    assert sql(index, "SELECT count(*) FROM dictionary") == [(1,)]
    found = Index.open(index.path).snapshot().documents(list(range(1500)))
    assert [found[row].text for row in range(1500)] == given


def test_the_dictionary_is_trained_once(index: Index) -> None:
    add(index, texts(1000))
    before = sql(index, "SELECT * FROM dictionary")
    add(index, texts(1200, seed=5), 1000)
    index.refit()
    index.compact()
    assert sql(index, "SELECT * FROM dictionary") == before
    assert sql(index, "SELECT DISTINCT dictionary FROM text") == [(1,)]


def test_few_texts_have_no_dictionary(index: Index) -> None:
    add(index, texts(999))
    assert sql(index, "SELECT count(*) FROM dictionary") == [(0,)]
    assert sql(index, "SELECT DISTINCT dictionary FROM text") == [(0,)]


@pytest.mark.parametrize("text", [None, "", "a", "日本語/é\u0301 \x00", "x" * 100_000, "\n \t"])
def test_any_text_comes_back(index: Index, text: str | None) -> None:
    add(index, [text], attributes={"jahr": 1984})
    again = Index.open(index.path)
    found = again.snapshot().documents([0])[0]
    assert (found.text, found.attributes, again.snapshot().texts(["d0"])) == (text, {"jahr": 1984}, {"d0": text})


def test_compressed_texts_are_a_fraction(index: Index) -> None:
    given = texts(2000)
    add(index, given)
    plain = sum(len(text.encode()) for text in given)
    assert sql(index, "SELECT sum(length(body)) FROM text")[0][0] < 0.5 * plain


def test_text_that_compression_would_lengthen_is_kept_as_it_is(index: Index) -> None:
    add(index, ["bees"])
    assert sql(index, "SELECT dictionary, body FROM text") == [(None, b"bees")]


def test_the_bytes_of_texts_are_those_of_the_documents_that_are_there(index: Index) -> None:
    given = texts(50)
    add(index, given)
    sizes = [len(text.encode()) for text in given]
    assert index.info().text_bytes == sum(sizes)
    index.delete(["d0", "d1"])
    assert index.info().text_bytes == sum(sizes[2:])
    index.upsert(["d2"], [np.ones((1, 4), np.float32)], ["größe"])
    assert index.info().text_bytes == sum(sizes[3:]) + 7
    assert sql(index, "SELECT count(*) FROM text") == [(48,)]


def test_an_index_without_texts_keeps_none(tmp_path: Path) -> None:
    index = Index.create(tmp_path / "x", CONFIG, store_texts=False)
    given = texts(1200)
    add(index, given, attributes={"a": 1})
    again = Index.open(tmp_path / "x")
    found = again.snapshot().documents([0, 1199])
    assert [(one.id, one.text, one.attributes) for one in found.values()] == [
        ("d0", None, {"a": 1}),
        ("d1199", None, {"a": 1}),
    ]
    assert sql(index, "SELECT (SELECT count(*) FROM text) + (SELECT count(*) FROM dictionary)") == [(0,)]
    assert again.info().text_bytes == sum(len(text.encode()) for text in given)
    add(again, ["more"], 1200)
    assert again.snapshot().texts(["d1200"]) == {"d1200": None}


DAMAGES = {
    "id": "UPDATE document SET id = 'e3' WHERE row = 3",
    "attributes": """UPDATE document SET attributes = '{"a": 2}' WHERE row = 3""",
    "no attributes": "UPDATE document SET attributes = NULL WHERE row = 3",
    "size": "UPDATE document SET text_size = text_size + 1 WHERE row = 3",
    "no size": "UPDATE document SET text_size = NULL WHERE row = 3",
    "checksum": "UPDATE document SET checksum = checksum + 1 WHERE row = 3",
    "no text": "DELETE FROM text WHERE row = 3",
    "another's text": "UPDATE text SET body = (SELECT body FROM text WHERE row = 4) WHERE row = 3",
    "rows": "UPDATE text SET row = CASE row WHEN 3 THEN -4 ELSE -3 END WHERE row IN (3, 4)",
    "not compressed": "UPDATE text SET dictionary = NULL WHERE row = 3",
    "no dictionary used": "UPDATE text SET dictionary = 0 WHERE row = 3",
    "unknown dictionary": "UPDATE text SET dictionary = 7 WHERE row = 3",
    "no dictionary": "DELETE FROM dictionary",
    "dictionary": "UPDATE dictionary SET content = zeroblob(5000)",
    "a character": "UPDATE text SET body = 'text' WHERE row = 3",
    "half": "UPDATE text SET body = substr(body, 1, 20) WHERE row = 3",
    "flipped": "UPDATE text SET body = CAST(substr(body, 1, 15) || x'55' || substr(body, 17) AS BLOB) WHERE row = 3",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_document_is_named_and_never_given(index: Index, damage: str) -> None:
    add(index, texts(1000), attributes={"a": 1})
    index.close()
    sql(index, damage)
    sql(index, "UPDATE text SET row = -row WHERE row < 0")
    again = Index.open(index.path)
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged \((document '[de]3'|no dictionary)"):
        again.snapshot().documents([3])
    with pytest.raises(WordhiveError, match=r"catalog\.db is damaged"):
        again.snapshot().texts(["d3", "e3"])
    assert len(check(index.path)) == 1
    assert "catalog.db is damaged (" in check(index.path)[0]
