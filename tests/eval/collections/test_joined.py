"""Documents joined to long ones, and the judgements that follow them."""

from __future__ import annotations

import pytest

from wordhive.eval.collections.collection import Collection
from wordhive.eval.collections.joined import joined
from wordhive.index import InputError
from wordhive.retrieval.texts.documents import Document

DOCUMENTS = [
    Document("a1", "Bees Bees dance.", {"title": "Bees", "year": 1}),
    Document("b1", "Ants Ants walk.", {"title": "Ants"}),
    Document("a2", "Bees Honey is sweet.", {"title": "Bees"}),
    Document("c", "Wasps sting."),
    Document("a3", "Bees They have queens.", {"title": "Bees"}),
]
QRELS = {"q1": {"a2": 1, "a1": 0, "b1": 2}, "q2": {"c": 1, "gone": 1}, "q3": {"a3": 3, "a1": 1}}


@pytest.fixture
def collection() -> Collection:
    return Collection("insects", "test", lambda: iter(DOCUMENTS), {"q1": "?", "q2": "?", "q3": "?"}, QRELS)


def test_documents_of_one_title_are_one(collection: Collection) -> None:
    whole = joined(collection, "title")
    assert list(whole.documents()) == [
        Document("Bees", "Bees Bees dance.\n\nHoney is sweet.\n\nThey have queens.", {"title": "Bees"}),
        Document("Ants", "Ants Ants walk.", {"title": "Ants"}),
        Document("c", "Wasps sting."),
    ]
    assert whole.qrels == {"q1": {"Bees": 1, "Ants": 2}, "q2": {"c": 1, "gone": 1}, "q3": {"Bees": 3}}
    assert list(whole.documents()) == list(whole.documents())


def test_some_documents_of_a_title_are_one(collection: Collection) -> None:
    whole = joined(collection, "title", parts=2)
    assert [(document.id, document.text) for document in whole.documents()] == [
        ("Bees/1", "Bees Bees dance.\n\nHoney is sweet."),
        ("Ants/1", "Ants Ants walk."),
        ("c", "Wasps sting."),
        ("Bees/2", "Bees They have queens."),
    ]
    assert whole.qrels["q3"] == {"Bees/2": 3, "Bees/1": 1}


def test_an_attribute_that_no_document_has_is_named(collection: Collection) -> None:
    with pytest.raises(InputError, match="no document of insects has the attribute 'author'"):
        joined(collection, "author")
