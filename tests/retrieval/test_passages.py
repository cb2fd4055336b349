"""Passages of a document: scored by the words that stand in them, held against a slow oracle."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import Index, IndexConfig, InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.explaining.passages import PASSAGE_CHARACTERS, Passage
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.text_words import read

QUERY = "where do bees find honey?"
FILLER = "Ants follow the scent of other ants; the scent fades. "
TEXT = f"{FILLER * 12}Bees find honey in flowers.\n\n{FILLER * 20}\n\nThe queen lays eggs. {FILLER * 9}"


@pytest.fixture(scope="module")
def retriever(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    retriever = Retriever.create(tmp_path_factory.mktemp("passages") / "x", tiny_encoder, config="exact")
    retriever.add([("long", TEXT), ("short", "Bees dance."), ("empty", " ")])
    return retriever


def _slowly(retriever: Retriever, id: str, passage: Passage) -> float:
    """The words' score of a document that has only the words of the passage, with their stored vectors."""
    index, encoder = retriever.index, retriever.encoder
    snapshot = index.snapshot()
    stored = snapshot.vectors(np.array([snapshot.rows([id])[id]]))
    inside = {word.word_id for word in read(encoder, passage.text, "document").words}
    vectors = stored.vectors[[row for row, word in enumerate(stored.word_ids.tolist()) if word in inside]]
    query = encoder.encode_queries([QUERY]).vectors
    return float((query @ vectors.T).max(axis=1).sum()) * (1 - index.settings.summary_weight)


def test_scores_are_those_of_the_words_in_a_passage(retriever: Retriever) -> None:
    found = retriever.searcher.passages(QUERY, "long", 100)
    assert len(found) > 5
    assert [passage.score for passage in found] == sorted((passage.score for passage in found), reverse=True)
    for passage in found:
        assert passage.text == TEXT[passage.start : passage.end]
        assert len(passage.text) <= PASSAGE_CHARACTERS
        assert passage.score == pytest.approx(_slowly(retriever, "long", passage), abs=1e-5)


def test_passages_are_the_whole_text_without_overlap(retriever: Retriever) -> None:
    found = sorted(retriever.searcher.passages(QUERY, "long", 100), key=lambda passage: passage.start)
    assert "".join("".join(passage.text for passage in found).split()) == "".join(TEXT.split())


def test_the_best_passage_is_the_one_with_the_words_that_were_asked_for(retriever: Retriever) -> None:
    (best,) = retriever.searcher.passages(QUERY, "long", 1)
    assert "Bees find honey" in best.text
    for match in best.matches:
        assert TEXT[match.start : match.end].lower() == match.match.lower()
        assert best.start <= match.start < match.end <= best.end
    assert sum(match.score for match in best.matches) == pytest.approx(best.score, abs=1e-4)
    assert {"bees", "find", "honey"} <= {match.match.lower() for match in best.matches}


def test_a_hit_gives_its_passages(retriever: Retriever) -> None:
    hits = {hit.id: hit for hit in retriever.search(QUERY)}
    assert hits["long"].passages(2) == retriever.searcher.passages(QUERY, "long", 2)
    assert [passage.text for passage in hits["short"].passages()] == ["Bees dance."]
    assert hits["empty"].passages() == []
    with pytest.raises(InputError, match="has no query text"):
        copy.copy(hits["long"]).passages()
    with pytest.raises(InputError, match="n is 0"):
        hits["long"].passages(0)


def test_passages_need_texts_and_a_query(tiny_encoder: Encoder, retriever: Retriever, tmp_path: Path) -> None:
    without = Retriever.create(tmp_path / "x", tiny_encoder, config="exact", store_texts=False)
    without.add([("a", "Bees dance.")])
    with pytest.raises(InputError, match="the text of document 'a' was not stored"):
        without.search(QUERY)[0].passages()
    with pytest.raises(InputError, match="the query is ' '"):
        retriever.searcher.passages(" ", "long")
    with pytest.raises(InputError, match="holds no document 'wasp'"):
        retriever.searcher.passages(QUERY, "wasp")


def test_an_index_without_word_ids_has_passages_too(tiny_encoder: Encoder, tmp_path: Path) -> None:
    config = IndexConfig(encoding=None, word_ids=False)
    bare = Retriever.create(tmp_path / "x", tiny_encoder, config=config)
    bare.add([("long", TEXT)])
    best = bare.search(QUERY)[0].passages(1)[0]
    assert "Bees find honey" in best.text


@pytest.mark.parametrize("words", [False, True])
def test_foreign_models_have_passages(
    make_foreign: Callable[..., MultiVectorEncoder], tmp_path: Path, words: bool
) -> None:
    encoder = Encoder(make_foreign())
    encoder = encoder.with_words() if words else encoder
    index = Index.create(tmp_path / "x", IndexConfig.load("exact"), encoder=encoder.stamp)
    retriever = Retriever(index, encoder)
    retriever.add([("long", TEXT)])
    found = retriever.search(QUERY)[0].passages(100)
    assert "".join("".join(p.text for p in sorted(found, key=lambda p: p.start)).split()) == "".join(TEXT.split())
    for passage in found:
        for match in passage.matches:
            assert TEXT[match.start : match.end].strip()
