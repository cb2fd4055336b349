"""Documents beyond a model's window: counted, cut, and put together again."""

from __future__ import annotations

import random

import pytest

from wordhive.eval.runs import merge_chunks
from wordhive.index import InputError
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.texts.chunks import chunked, document_of, longer_share, window
from wordhive.retrieval.texts.documents import Document

WORDS = "bees dance unbelievably often near extraordinarily bright flowers in antidisestablishmentarian spring"


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder.load()


def _text(n_words: int, seed: int, sentence: int = 12) -> str:
    draw, words = random.Random(seed), WORDS.split()
    return " ".join(draw.choice(words) + "." * (i % sentence == sentence - 1) for i in range(n_words))


def _is_cut(encoder: Encoder, text: str) -> bool:
    # What the model reads, read back.
    tokens = encoder.preprocess([text], "document")["input_ids"][0]
    read: str = encoder.model.tokenizer.decode(tokens, skip_special_tokens=True)
    return "".join(read.split()) != "".join(text.split())


def test_the_window_is_where_the_model_cuts(encoder: Encoder) -> None:
    assert encoder.preprocess([_text(2000, 0)], "document")["input_ids"].shape[1] == window(encoder)


def test_the_share_of_truncated_documents_is_that_of_those_the_model_cuts(encoder: Encoder) -> None:
    documents = [Document(str(n), _text(n * 8, n)) for n in range(40)]
    share = sum(_is_cut(encoder, document.text) for document in documents) / 40
    assert 0.1 < share < 0.9
    assert longer_share(documents, encoder, 40) == share
    assert longer_share(documents, encoder, 40, sample=10) == pytest.approx(share, abs=0.1)
    assert longer_share([], encoder, 0) == 0


@pytest.mark.parametrize("sentence", [4, 10_000])
def test_chunks_fit_the_window_and_hold_every_word_in_order(encoder: Encoder, sentence: int) -> None:
    text = _text(900, 3, sentence)
    chunks = list(chunked([Document("a#b", text, {"year": 1973})], encoder))
    assert len(chunks) > 2
    assert {(document_of(chunk.id), chunk.attributes["year"]) for chunk in chunks} == {("a#b", 1973)}
    assert not any(_is_cut(encoder, chunk.text) for chunk in chunks)
    if sentence == 4:
        assert all(chunk.text.endswith(".") for chunk in chunks)
    held: list[str] = []
    for chunk in chunks:
        words = chunk.text.split()
        shared = max(n for n in range(len(words)) if held[len(held) - n :] == words[:n])
        assert shared or not held  # each begins with the end of the one before
        held += words[shared:]
    assert held == text.split()


def test_a_document_that_fits_stays_whole(encoder: Encoder) -> None:
    documents = [Document("a", "Bees dance."), Document("b", "")]
    assert [(c.id, c.text) for c in chunked(documents, encoder)] == [("a#1", "Bees dance."), ("b#1", "")]


def test_chunks_need_not_overlap(encoder: Encoder) -> None:
    text = _text(900, 4)
    chunks = list(chunked([Document("a", text)], encoder, overlap=0))
    assert " ".join(chunk.text for chunk in chunks) == text
    with pytest.raises(InputError, match="overlap is 400 tokens"):
        list(chunked([Document("a", text)], encoder, overlap=400))


def test_a_word_longer_than_the_window_ends(encoder: Encoder) -> None:
    chunks = list(chunked([Document("a", f"bees {'x' * 3000} dance")], encoder))
    assert " ".join(chunk.text for chunk in chunks) == f"bees {'x' * 3000} dance"


def test_a_document_counts_as_its_best_chunk() -> None:
    run = {"q": {"b#2": 3.0, "a#b#1": 2.5, "c#1": 1.0, "b#1": 0.5, "a#b#9": 3.0}, "r": {}}
    assert {q: list(found.items()) for q, found in merge_chunks(run).items()} == {
        "q": [("a#b", 3.0), ("b", 3.0), ("c", 1.0)],
        "r": [],
    }
