"""The collection that every Python has."""

from __future__ import annotations

from wordhive.eval.collections.python_docs import _split, python_docs


def test_there_are_enough_passages_with_ids_of_their_own() -> None:
    documents = list(python_docs().documents())
    assert len(documents) > 1000
    assert len({document.id for document in documents}) == len(documents)


def test_a_query_is_not_part_of_its_document() -> None:
    collection = python_docs()
    texts = {document.id: document.text for document in collection.documents()}
    assert len(collection.queries) >= 200
    for id, query in collection.queries.items():
        assert collection.qrels[id] == {id: 1}
        assert query not in texts[id]


def test_the_first_sentence_is_cut_from_its_docstring() -> None:
    text = "Return a copy of the mapping with keys sorted. The rest\n    stays behind."
    assert _split(text) == ("Return a copy of the mapping with keys sorted", "The rest stays behind.")


def test_a_docstring_whose_first_sentence_is_no_query_stays_whole() -> None:
    assert _split("Too short. The rest.") == ("", "Too short. The rest.")


def test_the_draw_is_the_same_every_time() -> None:
    assert python_docs(500, 50).queries == python_docs(500, 50).queries
