from __future__ import annotations

import dataclasses
import pickle
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Metaspace
from transformers import BatchEncoding

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.config import MuveraConfig
from wordhive.index.errors import WordhiveWarning
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.explaining.scored_document import best_matches
from wordhive.retrieval.explanation import DocumentWord, Explanation, WordMatch
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.runtimes.torch_tokens import TorchTokens
from wordhive.retrieval.searcher import Hit, Searcher
from wordhive.retrieval.text_words import _characters, read
from wordhive.retrieval.words import word_identity

SMALL = IndexConfig(encoding=MuveraConfig(repetitions=4, bits=2, projection_dim=8))
QUERIES = ["where do bees find honey?", "Ants; ants, scent", "who breathes like a lung", "!?"]


def with_summary(tiny_encoder: Encoder, foreign: MultiVectorEncoder) -> Encoder:
    return tiny_encoder


def tokens(tiny_encoder: Encoder, foreign: MultiVectorEncoder) -> Encoder:
    return Encoder(foreign)


def words_and_special_tokens(tiny_encoder: Encoder, foreign: MultiVectorEncoder) -> Encoder:
    return Encoder(foreign).with_words()


@pytest.fixture(params=[with_summary, tokens, words_and_special_tokens], ids=lambda make: make.__name__)
def any_retriever(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    tiny_encoder: Encoder,
    foreign: MultiVectorEncoder,
    sentences: list[str],
) -> Retriever:
    make: Callable[[Encoder, MultiVectorEncoder], Encoder] = request.param
    retriever = Retriever.create(tmp_path / "x", make(tiny_encoder, foreign), config=SMALL)
    retriever.add(sentences[:5])
    retriever.add([*sentences[5:], ""])
    return retriever


@pytest.fixture
def retriever(tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]) -> Retriever:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder, config=SMALL)
    retriever.add(sentences)
    return retriever


def without(vectors: WordVectors, words: set[str]) -> WordVectors:
    """The vectors that a gate would leave which removes these words."""
    removed = np.array([word_identity(word) for word in words], np.uint32)
    keep = ~np.isin(vectors.word_ids, removed)
    kept = [int(keep[a:b].sum()) for a, b in zip(vectors.offsets, vectors.offsets[1:], strict=False)]
    offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
    return WordVectors(vectors.vectors[keep], offsets, vectors.word_ids[keep], vectors.summary)


def indexed(path: Path, encoder: Encoder, vectors: WordVectors, texts: list[str | None]) -> Searcher:
    index = Index.create(path, SMALL, encoder=encoder.stamp, summary_weight=encoder.summary_weight)
    index.add([str(number) for number in range(len(texts))], vectors, texts)
    return Searcher(index, encoder)


def test_the_parts_add_up_to_what_the_search_found(any_retriever: Retriever) -> None:
    for hits in any_retriever.search(QUERIES, k=20):
        assert len(hits) == 13
        for hit in hits:
            found = hit.explain()
            assert found.id == hit.id
            assert found.score == pytest.approx(hit.score, abs=1e-5)
            assert found.words_score == pytest.approx(hit.words_score, abs=1e-5)
            assert found.summary_score == pytest.approx(hit.summary_score, abs=1e-5)
            assert sum(match.score for match in found.matches) == pytest.approx(hit.words_score, abs=1e-5)
            assert sum(word.score for word in found.words) == pytest.approx(hit.words_score, abs=1e-5)
            shares = [found.summary_share, *(match.share for match in found.matches)]
            assert sum(shares) == pytest.approx(100 if hit.score > 0 else 0)


def _best_window(stored: WordVectors, query: WordVectors, weight: float) -> set[int]:
    """The rows of the words of the window that gives a document its score."""
    windows = stored.windows
    if windows is None:
        return set(range(len(stored.vectors)))
    parts = [windows.words[windows.offsets[n] : windows.offsets[n + 1]] for n in range(len(windows))]
    scores = [(1 - weight) * (query.vectors @ stored.vectors[part].T).max(axis=1).sum() for part in parts]
    if query.summary is not None and windows.summary is not None:
        scores = [
            score + weight * (query.summary[0] @ each) for score, each in zip(scores, windows.summary, strict=True)
        ]
    return set(parts[int(np.argmax(scores))].tolist())


def test_matches_equal_a_slow_search_for_the_best_word(any_retriever: Retriever, sentences: list[str]) -> None:
    encoder, index = any_retriever.encoder, any_retriever.index
    query = encoder.encode_queries([QUERIES[0]])
    for number in range(len(sentences)):
        snapshot = index.snapshot()
        stored = snapshot.vectors(np.array([snapshot.rows([str(number)])[str(number)]]))
        document = read(encoder, sentences[number], "document").words
        found = any_retriever.explain(QUERIES[0], str(number))
        assert len(stored.vectors) == len(document) == len(found.words)
        # Stored in the order of their ids, special tokens first and in theirs.
        order = np.argsort([word.word_id for word in document], kind="stable")
        rows = _best_window(stored, query, index.settings.summary_weight)
        for vector, match in zip(query.vectors, found.matches, strict=True):
            products = [float(vector @ other) if row in rows else -1 for row, other in enumerate(stored.vectors)]
            best = int(np.argmax(products))
            assert match.product == pytest.approx(products[best], abs=1e-5)
            assert match.match == document[order[best]].form
            assert match.place == order[best]
            assert match.weight == pytest.approx(float(np.linalg.norm(vector)), abs=1e-6)


def test_words_are_shown_as_they_first_appear(retriever: Retriever) -> None:
    found = retriever.explain("Bees? bees DANCE", "0")
    assert [match.word for match in found.matches] == ["Bees", "?", "DANCE"]
    assert [word.word for word in found.words] == ["Bees", "dance", "to", "tell", "where", "flowers", "are", "."]
    assert found.text is not None
    for word in found.words:
        assert [found.text[start:end] for start, end in word.spans] == [word.word]


def test_every_place_of_a_word_is_known(retriever: Retriever) -> None:
    found = retriever.explain("ants", "1")
    assert found.text is not None
    places = {word.word: [found.text[start:end] for start, end in word.spans] for word in found.words}
    assert places["Ants"] == ["Ants", "ants"]
    assert places["of"] == ["of", "of"]
    assert "".join(piece for piece, _ in found.pieces()) == found.text


def test_words_side_by_side_stay_apart(tiny_encoder: Encoder) -> None:
    words = read(tiny_encoder, "bees!! bees bees", "document").words
    assert [(word.form, word.spans) for word in words] == [
        ("bees", ((0, 4), (7, 11), (12, 16))),
        ("!", ((4, 5), (5, 6))),
    ]


def test_white_space_before_a_piece_is_no_part_of_it(foreign: MultiVectorEncoder) -> None:
    tokenizer = Tokenizer(WordLevel({"▁bees": 0, "▁dance": 1}))
    tokenizer.pre_tokenizer = Metaspace()
    encoded = tokenizer.encode("bees dance")
    features = {"input_ids": torch.tensor([encoded.ids]), "modality": "text"}
    assert encoded.offsets == [(0, 4), (4, 10)]
    tokens = TorchTokens(foreign, "document", BatchEncoding(features, [encoded]), None)
    found = _characters(tokens, ["bees dance"])
    assert found is not None
    assert found.tolist() == [[[0, 4], [5, 10]]]


def test_special_tokens_go_by_their_names_and_prompts_stand_nowhere(foreign: MultiVectorEncoder) -> None:
    for encoder in (Encoder(foreign), Encoder(foreign).with_words()):
        words = read(encoder, "bees", "document").words
        assert [word.form for word in words] == ["[CLS]", "document", ":", "bees", "[SEP]"]
        assert [word.spans for word in words] == [(), (), (), ((0, 4),), ()]
        assert [word.form for word in read(encoder, "bees", "query").words][-3:] == ["[MASK]"] * 3


def test_the_words_of_any_text_are_those_of_its_vectors(
    tiny_encoder: Encoder, foreign: MultiVectorEncoder, sentences: list[str]
) -> None:
    texts = [*sentences, "", "naïve 好好 cafe\u0301 x²", "bees " * 99, "\x00 \u202e[MASK] [UNK]\n\n", "don't-stop"]
    for encoder in (tiny_encoder, Encoder(foreign), Encoder(foreign).with_words()):
        vectors = encoder.encode_documents(texts)
        for number, text in enumerate(texts):
            reading = read(encoder, text, "document")
            assert [word.word_id for word in reading.words] == vectors[number : number + 1].word_ids.tolist()
            for word in reading.words:
                assert word.form
                assert all(0 <= start < end <= len(text) for start, end in word.spans)


def test_without_offsets_words_have_forms_but_no_places(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = retriever.explain("bees dance", "0")
    monkeypatch.setattr("wordhive.retrieval.text_words._characters", lambda *_: None)
    found = retriever.explain("bees dance", "0")
    assert [word.word for word in found.words] == [word.word.lower() for word in expected.words]
    assert not any(word.spans for word in found.words)
    assert found.read_to is None
    assert list(found.pieces()) == [(expected.text, None)]
    assert "Bees dance to tell" in found.html()


def test_the_end_of_what_was_read_is_told(tiny_folder: Path, tmp_path: Path) -> None:
    text = "bees dance " * 60
    encoder = Encoder.load(str(tiny_folder), device="cpu", max_tokens=64)
    with pytest.warns(WordhiveWarning, match="longer than 64 tokens"):
        vectors = encoder.encode_documents([text])
    searcher = indexed(tmp_path / "x", encoder, vectors, [text])
    found = searcher.explain("bees", "0")
    assert found.read_to is not None
    assert found.read_to == len("bees dance " * 31) - 1  # 64 tokens, two of them special
    assert found.unread == text[found.read_to :]
    assert "".join(piece for piece, _ in found.pieces()) + found.unread == text


def test_words_that_the_gate_removed_are_told(tiny_encoder: Encoder, sentences: list[str], tmp_path: Path) -> None:
    vectors = without(tiny_encoder.encode_documents(sentences), {"the", "of", ",", "."})
    searcher = indexed(tmp_path / "x", tiny_encoder, vectors, list(sentences))
    hit = next(hit for hit in searcher.search("the scent of honey", k=20) if hit.id == "1")
    found = hit.explain()
    assert found.removed == ["the", "of", ",", "."]
    assert [word.stored for word in found.words if word.word in ("Ants", "the")] == [True, False]
    assert {match.match for match in found.matches}.isdisjoint(found.removed)
    assert found.words_score == pytest.approx(hit.words_score, abs=1e-5)
    assert found.note is None


def test_a_document_of_which_the_gate_left_nothing(tiny_encoder: Encoder, tmp_path: Path) -> None:
    texts: list[str | None] = ["the bees", "of the"]
    vectors = without(tiny_encoder.encode_documents(["the bees", "of the"]), {"of", "the"})
    found = indexed(tmp_path / "x", tiny_encoder, vectors, texts).explain("the bees", "1")
    assert found.removed == ["of", "the"]
    assert found.words_score == 0
    assert [(match.match, match.score) for match in found.matches] == [(None, 0.0), (None, 0.0)]


def test_special_tokens_that_can_not_be_told_apart_are_no_removed_words(
    foreign: MultiVectorEncoder, tmp_path: Path
) -> None:
    encoder = Encoder(foreign).with_words()
    vectors = encoder.encode_documents(["bees dance"])
    vectors = WordVectors(vectors.vectors[1:], np.array([0, len(vectors.vectors) - 1]), vectors.word_ids[1:])
    found = indexed(tmp_path / "x", encoder, vectors, ["bees dance"]).explain("bees", "0")
    assert found.removed == []
    assert [word.word for word in found.words] == ["document", ":", "bees", "dance", "[?]"]


def test_without_its_text_a_document_is_told_in_the_querys_words(tiny_encoder: Encoder, tmp_path: Path) -> None:
    vectors = tiny_encoder.encode_documents(["honey bees dance"])
    found = indexed(tmp_path / "x", tiny_encoder, vectors, [None]).explain("Bees dance", "0")
    assert {word.word for word in found.words} == {f"#{word_identity('honey'):08x}", "Bees", "dance"}
    assert found.note is not None
    assert "not stored" in found.note
    assert found.text is None
    assert "not stored" in found.html()


def test_a_text_that_was_not_the_one_encoded_names_nothing(tiny_encoder: Encoder, tmp_path: Path) -> None:
    vectors = tiny_encoder.encode_documents(["honey bees", "honey bees"])
    unknown = WordVectors(vectors.vectors, vectors.offsets, np.zeros_like(vectors.word_ids), vectors.summary)
    for name, given in (("x", vectors), ("y", unknown)):
        found = indexed(tmp_path / name, tiny_encoder, given, ["ants", "ants follow scent"]).explain("ants", "1")
        assert found.note is not None
        assert found.removed == []
        assert list(found.pieces()) == [("ants follow scent", None)]


def test_only_pairs_that_may_meet_do() -> None:
    similarities = np.array([[0.5, 0.9], [0.2, 0.1], [-0.3, 0.8]], np.float32)
    same = np.array([[True, False], [False, False], [True, False]])
    places, products = best_matches(similarities)
    assert places.tolist() == [1, 0, 1]
    assert products == pytest.approx([0.9, 0.2, 0.8])
    places, products = best_matches(similarities, same)
    assert places.tolist() == [0, -1, -1]
    assert products == pytest.approx([0.5, 0, 0])
    assert best_matches(np.array([[-0.4]], np.float32), np.array([[True]]))[1].tolist() == [0]


def test_a_negative_score_has_no_shares(foreign: MultiVectorEncoder, tmp_path: Path) -> None:
    encoder = Encoder(foreign)
    query = encoder.encode_queries(["bees"])
    opposite = WordVectors(-query.vectors[:1], np.array([0, 1]), query.word_ids[:1])
    found = indexed(tmp_path / "x", encoder, opposite, [None]).explain("bees", "0")
    assert found.score < 0
    assert {match.share for match in found.matches} == {0.0}


def test_what_a_hit_came_from_is_no_part_of_it(retriever: Retriever) -> None:
    hit = retriever.search("bees", k=1)[0]
    bare = Hit(hit.id, hit.score, hit.words_score, hit.summary_score, hit.text, hit.attributes)
    assert hit == bare
    assert repr(hit) == repr(bare)
    assert dataclasses.asdict(hit) == dataclasses.asdict(bare)
    assert pickle.loads(pickle.dumps(hit)) == hit


def test_hits_without_a_query_text_say_so(retriever: Retriever) -> None:
    vectors = retriever.encoder.encode_queries(["bees"])
    by_vectors = Searcher(retriever.index).search_vectors(vectors, 1)[0][0]
    for hit in (by_vectors, pickle.loads(pickle.dumps(retriever.search("bees", k=1)[0]))):
        with pytest.raises(InputError, match="no query text"):
            hit.explain()
    with pytest.raises(InputError, match="no encoder"):
        Searcher(retriever.index).explain("bees", "0")


def test_a_batch_of_queries_keeps_each_hits_own(retriever: Retriever) -> None:
    for query, hits in zip(QUERIES, retriever.search(QUERIES, k=2), strict=True):
        assert [hit.explain().query for hit in hits] == [query, query]


def test_unknown_ids_and_empty_queries_are_refused(retriever: Retriever) -> None:
    with pytest.raises(InputError, match="no document 'nothing'"):
        retriever.explain("bees", "nothing")
    for query in ("", " \n", None):
        with pytest.raises(InputError, match="the query is"):
            retriever.explain(query, "0")  # type: ignore[arg-type]


def test_a_document_that_another_process_added_is_explained(retriever: Retriever) -> None:
    other = Retriever.open(retriever.index.path, retriever.encoder)
    other.add([("late", "Late bees.")])
    assert retriever.explain("bees", "late").matches[0].match == "bees"


def test_the_page_needs_nothing_from_elsewhere_and_holds_the_text(tiny_encoder: Encoder, tmp_path: Path) -> None:
    text = "Bees & the <ants>,\n\ntoo"
    vectors = without(tiny_encoder.encode_documents([text]), {"the"})
    html = indexed(tmp_path / "x", tiny_encoder, vectors, [text]).explain("bees", "0").html()
    shown = html.split('<p class="text" dir="auto">')[1].split("</p>")[0]
    assert "<del>the</del>" in shown
    assert unescape(re.sub("<[^>]+>", "", shown)) == text
    assert not re.search(r"<script|<link|src=|href=|url\(|http:|https:|@import", html)


def test_the_page_escapes_whatever_it_shows() -> None:
    evil = '<u a="b">&amp;'
    match = WordMatch(evil, evil, 1.0, 0.5, 0.5, 100.0, 0)
    words = [DocumentWord(evil, 7, ((0, 14),), True, 0.5, 100.0), DocumentWord(evil, 8, ((14, 28),), False, 0.0, 0.0)]
    text = evil * 4
    html = Explanation(evil, evil, text, 0.5, 0.5, 0.0, 0.0, 0.0, [match], words, 42, evil).html()
    assert "<u" not in html
    assert '"b"' not in html
    assert html.count("&lt;u a=") == html.count("&amp;amp;") == 12


def test_the_page_shades_by_what_words_add(retriever: Retriever) -> None:
    found = retriever.explain("bees dance", "0")
    html = found.html()
    for match in found.matches:
        assert f'data-p="{match.place}"' in html
    assert "--heat:1.000" in html
    assert f"summary {found.summary_share:.0f} %" in html
    plain = Explanation(
        **{**{f.name: getattr(found, f.name) for f in dataclasses.fields(found)}, "summary_weight": 0.0}
    )
    assert '<li class="summary"' not in plain.html()


def test_an_index_without_word_ids_names_the_words_of_the_text(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str], retriever: Retriever
) -> None:
    bare = Retriever.create(tmp_path / "bare", tiny_encoder, config=SMALL.model_copy(update={"word_ids": False}))
    bare.add(sentences)
    assert not bare.index.snapshot().vectors(np.arange(len(sentences))).word_ids.any()
    for hit, named in zip(bare.search(QUERIES[0], 3), retriever.search(QUERIES[0], 3), strict=True):
        assert hit.explain() == named.explain()


def test_without_word_ids_and_text_only_words_of_the_query_are_named(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str]
) -> None:
    config = SMALL.model_copy(update={"word_ids": False})
    bare = Retriever.create(tmp_path / "bare", tiny_encoder, config=config, store_texts=False)
    bare.add(sentences)
    [hit] = bare.search(QUERIES[0], 1)
    assert "was not stored" in (hit.explain().note or "")
