"""Hits: the part of a text that met the query, pages of them, and the forms in which they go out."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from wordhive.index import IndexConfig, InputError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.hits import Hit, Hits
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.search.snippets import Match, best_part, snippet

FILLER = "the old king sat at a long table and ate his soup. "
LONG = f"{FILLER * 2}a keeper said that bees dance. {FILLER * 2}"


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder) -> Retriever:
    made = Retriever.create(tmp_path_factory.mktemp("hits") / "x", tiny_encoder, config=IndexConfig(encoding=None))
    made.add(
        [
            {"id": "late", "text": LONG, "year": 1973},
            {"id": "tags", "text": "bees <i>dance</i> & bees sing", "year": "1990", "score": 3},
            {"id": "titled", "title": "The bees", "text": "They dance."},
            ("none", ""),
        ]
    )
    return made


def found(retriever: Retriever, id: str, query: str = "bees dance") -> Hit:
    return next(hit for hit in retriever.search(query, candidates="all") if hit.id == id)


def test_what_met_is_marked(retriever: Retriever) -> None:
    hit = found(retriever, "tags")
    assert hit.highlight().count("**bees**") == 2
    assert hit.highlight("<b>", "</b>").startswith("<b>bees</b> &lt;")
    assert "&lt;/" in hit.highlight("<b>", "</b>")
    assert hit.highlight("[", "]").replace("[", "").replace("]", "") == hit.text
    assert hit.highlight("", "") == hit.text
    assert found(retriever, "none").highlight() == found(retriever, "none").snippet() == ""


def test_a_title_is_no_part_of_a_snippet(retriever: Retriever) -> None:
    assert found(retriever, "titled").snippet() == "… They dance."
    assert found(retriever, "titled").highlight("", "") == "The bees They dance."


def test_a_snippet_encodes_nothing(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    hits = retriever.search("bees dance")

    def fail(*args: Any, **kwargs: Any) -> WordVectors:
        raise AssertionError("something was encoded")

    monkeypatch.setattr(retriever.encoder, "encode_documents", fail)
    monkeypatch.setattr(retriever.encoder, "encode_queries", fail)
    for hit in hits:
        hit.snippet(30)
        hit.highlight()
    assert "late" in hits._repr_html_()


def test_without_word_ids_nothing_is_encoded_either(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = IndexConfig(encoding=None, word_ids=False)
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=config)
    retriever.add([("a", f"{'the honey, ' * 6}bees dance.")])
    hits = retriever.search("bees")
    monkeypatch.setattr(retriever.encoder, "encode_documents", None)
    assert "bees" in hits[0].snippet(40)
    assert "**bees**" in hits[0].highlight()


@pytest.mark.parametrize("change", [copy.copy, lambda hit: pickle.loads(pickle.dumps(hit))])
def test_a_copy_shows_its_beginning(retriever: Retriever, change: Any) -> None:
    copied = change(found(retriever, "late"))
    assert copied.snippet(40) == "the old king sat at a long table and ate …"
    assert copied.highlight() == LONG.strip()


def test_a_document_that_was_changed_shows_its_beginning(tmp_path: Path, tiny_encoder: Encoder) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=IndexConfig(encoding=None))
    retriever.add([("a", "bees dance"), ("b", "bees sing")])
    hits = {hit.id: hit for hit in retriever.search("bees")}
    retriever.delete(["a"])
    retriever.upsert([("b", "other bees")])
    assert [hits[id].highlight() for id in "ab"] == ["bees dance", "bees sing"]


@pytest.mark.parametrize("length", [1, 20, 40, 80, 400])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_the_part_with_most_of_what_matched_is_found(length: int, at: int) -> None:
    words = ["one two three four five. ", "six seven eight. ", "nine ten bees dance. ", "eleven twelve."]
    text = "".join(words[at:] + words[:at]) * 3
    place = text.index("bees")
    matches = [Match(place, place + 4, 1, 1.0), Match(place + 5, place + 10, 2, 1.0)]
    part = best_part(text, matches, length)
    assert part.end - part.start <= length
    assert length < 20 or part.spans == ((place, place + 4), (place + 5, place + 10))
    assert "".join(piece for piece, _ in part.pieces()) == text[part.start : part.end]
    plain = part.marked("", "").strip("… ")
    assert plain in text
    assert length < 20 or set(plain.split()) <= set(text.split())


def test_words_that_overlap_are_marked_once() -> None:
    part = snippet("abc def", [Match(0, 3, 1, 1.0), Match(1, 2, 2, 1.0), Match(4, 7, 3, 1.0)], 0, 7)
    assert part.marked("[", "]") == "[abc] [def]"


@pytest.mark.parametrize("length", [0, -1, 1.5, "x"])
def test_a_wrong_length_is_refused(retriever: Retriever, length: Any) -> None:
    hit = found(retriever, "late")
    for call in (hit.snippet, lambda given: hit.highlight(length=given)):
        with pytest.raises(InputError, match="length is"):
            call(length)
    with pytest.raises(InputError, match="before is int; expected a string"):
        hit.highlight(3)  # type: ignore[arg-type]


def test_hits_go_out_as_lists_json_and_tables(retriever: Retriever) -> None:
    hits = retriever.search("bees dance")
    assert isinstance(hits, Hits)
    assert isinstance(hits, list)
    assert hits.to_list()[0] == {each.name: getattr(hits[0], each.name) for each in fields(Hit)}
    assert [json.loads(line) for line in hits.to_jsonl().splitlines()] == hits.to_list()
    frame = pytest.importorskip("pandas").DataFrame
    assert isinstance(hits.to_pandas(), frame)
    table = pytest.importorskip("pyarrow").Table
    assert isinstance(hits.to_arrow(), table)
    for columns in (hits.to_pandas().to_dict("list"), hits.to_arrow().to_pydict()):
        assert columns["id"] == [hit.id for hit in hits]
        assert columns["score"] == [hit.score for hit in hits]
        place = columns["id"].index("tags")
        assert columns["attributes.score"][place] == 3
        assert columns["title"][columns["id"].index("titled")] == "The bees"
    assert sorted(filter(None, hits.to_arrow()["year"].to_pylist())) == ['"1990"', "1973"]  # of several types
    assert hits.to_arrow().schema.field("score").type == "double"


def test_no_hits_are_tables_too() -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assert list(Hits().to_pandas()) == Hits().to_arrow().column_names
    assert (len(Hits().to_arrow()), Hits().to_jsonl(), Hits().to_list()) == (0, "", [])
    assert "nothing found" in Hits()._repr_html_()


def test_a_notebook_shows_escaped_texts(retriever: Retriever) -> None:
    page = retriever.search("bees dance", k=2)._repr_html_()
    assert "<b>bees</b>" in page
    assert "<i>" not in page


def test_a_hit_of_a_long_text_prints_short(retriever: Retriever) -> None:
    assert repr(Hit("a", 1.5, 1.0, 0.5)) == "Hit(id='a', score=1.5000)"
    assert len(repr(found(retriever, "late"))) < 250
