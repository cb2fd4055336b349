"""Documents that a retriever holds: read by id, by a filter, counted, iterated, changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wordhive.index import IndexConfig, InputError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.texts.documents import Document

EXACT = IndexConfig(encoding=None)
DOCUMENTS = [
    {"id": "dance", "text": "bees dance", "year": 1973},
    {"id": "trail", "text": "ants follow the scent", "year": 2004},
    {"id": 7, "text": "honey"},
]


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder) -> Retriever:
    made = Retriever.create(tmp_path / "x.hive", tiny_encoder, config=EXACT)
    made.add(DOCUMENTS)
    return made


def test_documents_are_counted(retriever: Retriever) -> None:
    assert retriever.count() == 3
    assert retriever.count("year >= 2000") == retriever.count({"year": {"$gte": 2000}}) == 1
    assert retriever.count('{"year": {"$exists": false}}') == 1
    with pytest.warns(UserWarning, match="no document has the attribute 'yaer'; did you mean 'year'"):
        assert retriever.count("yaer = 1") == 0
    with pytest.raises(InputError, match="the filter is 7; expected a dict"):
        retriever.count(7)  # type: ignore[arg-type]


def test_documents_are_got_by_a_filter(retriever: Retriever) -> None:
    assert [each.id for each in retriever.get(where="year > 1")] == ["dance", "trail"]
    for arguments in ({}, {"ids": ["7"], "where": {}}):
        with pytest.raises(InputError, match="get takes either ids or where"):
            retriever.get(**arguments)


def test_ids_are_in_it(retriever: Retriever) -> None:
    assert all(id in retriever for id in ("dance", 7, "7", np.int64(7)))
    assert not any(id in retriever for id in ("none", 8, None, 7.0, b"7", ["7"]))


def test_iterating_gives_all_documents_of_one_moment(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordhive.retrieval.operations.stored_documents._READ_AT_ONCE", 2)
    reading = iter(retriever)
    retriever.delete(["trail"])
    assert [each.id for each in reading] == ["dance", "trail", "7"]
    assert list(retriever) == [Document("dance", "bees dance", {"year": 1973}), Document("7", "honey")]


def test_iterating_without_texts_is_refused(tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.create(tmp_path / "y", tiny_encoder, config=EXACT, store_texts=False)
    retriever.add(["bees"])
    with pytest.raises(InputError, match="keeps no text"):
        list(retriever)


def test_attributes_change_without_encoding(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> WordVectors:
        raise AssertionError("something was encoded")

    before = [(hit.id, hit.score) for hit in retriever.search("bees")]
    monkeypatch.setattr(retriever.encoder, "encode_documents", fail)
    assert retriever.update([7, "dance"], {"read": True}) == 2
    assert retriever.update(where={"year": 2004}, attributes={"year": 2005}) == 1
    assert retriever.get(["7", "trail"]) == [
        Document("7", "honey", {"read": True}),
        Document("trail", "ants follow the scent", {"year": 2005}),
    ]
    assert [(hit.id, hit.score) for hit in retriever.search("bees")] == before
    assert [hit.id for hit in retriever.search("bees", where="year = 2005")] == ["trail"]


@pytest.mark.parametrize("attributes", [{"text": "x"}, {"title": "x"}, [{"text": "x"}]])
def test_the_text_is_not_updated(retriever: Retriever, attributes: Any) -> None:
    with pytest.raises(InputError, match="is part of the text, which update does not encode again; upsert"):
        retriever.update(["dance"], attributes)


def test_a_closed_retriever_says_so(retriever: Retriever) -> None:
    assert repr(retriever).startswith(f"Retriever('{retriever.index.path}', 3 documents, model ")
    assert repr(retriever).endswith(", preset exact)")
    retriever.close()
    retriever.close()
    assert ", closed, model " in repr(retriever)
    assert "closed" in retriever._repr_html_()
    for call in (lambda: retriever.search("bees"), lambda: retriever.count("year = 1"), lambda: retriever.get(["7"])):
        with pytest.raises(InputError, match="was closed here; open it again"):
            call()


def test_a_notebook_shows_size_model_and_preset(tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.create(tmp_path / "<b>", tiny_encoder, config="small", text_fields=["head", "body"])
    page = retriever._repr_html_()
    assert "&lt;b&gt;" in page
    assert all(fact in page for fact in (tiny_encoder.name, "small", "head, body", "documents"))
    assert repr(retriever).endswith("preset small)")
