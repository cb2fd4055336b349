"""Queries that are remembered: the same hits, without the transformer."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import InputError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.search.query_cache import QueryCache
from wordhive.retrieval.searcher import Searcher


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What an encoder was asked for."""
    asked: list[list[str]] = []
    encode = Encoder.encode_queries

    def spied(self: Encoder, texts: list[str], **how: int) -> WordVectors:
        asked.append(list(texts))
        return encode(self, texts, **how)

    monkeypatch.setattr(Encoder, "encode_queries", spied)
    return asked


def assert_same(given: WordVectors, expected: WordVectors, *, atol: float = 0.0) -> None:
    np.testing.assert_array_equal(given.offsets, expected.offsets)
    np.testing.assert_array_equal(given.word_ids, expected.word_ids)
    np.testing.assert_allclose(given.vectors, expected.vectors, rtol=0, atol=atol)
    assert given.summary is not None
    assert expected.summary is not None
    np.testing.assert_allclose(given.summary, expected.summary, rtol=0, atol=atol)


def test_a_query_that_comes_again_is_not_encoded_again(
    tmp_path: Path, tiny_encoder: Encoder, sentences: list[str], asked: list[list[str]]
) -> None:
    retriever = Retriever.create(tmp_path / "x", tiny_encoder)
    retriever.add(sentences)
    plain, searcher = Searcher(retriever.index, tiny_encoder), Searcher(retriever.index, tiny_encoder, cache_queries=2)
    expected = plain.search("bees dance")
    asked.clear()
    for _ in range(3):
        assert searcher.search("bees dance") == expected
    assert asked == [["bees dance"]]
    assert searcher.explain("bees dance", "0") == plain.explain("bees dance", "0")
    assert searcher.search("bees dance")[0].explain().query == "bees dance"
    assert asked.count(["bees dance"]) == 2  # the second is the plain one's


def test_vectors_are_the_same_bits(tiny_encoder: Encoder) -> None:
    memory, expected = QueryCache(tiny_encoder, 3), tiny_encoder.encode_queries(["honey, ants"])
    for _ in range(2):
        assert_same(memory.encode(["honey, ants"]), expected)


def test_a_batch_encodes_what_is_new_in_it(tiny_encoder: Encoder, asked: list[list[str]]) -> None:
    memory = QueryCache(tiny_encoder, 9)
    memory.encode(["bees"])
    texts = ["ants and a long tail of words", "bees", "", "ants and a long tail of words", "moths"]
    found = memory.encode(texts)
    assert asked == [["bees"], ["ants and a long tail of words", "", "moths"]]
    assert_same(found, tiny_encoder.encode_queries(texts), atol=1e-5)
    asked.clear()
    assert_same(memory.encode(texts), found)
    assert asked == []
    assert len(memory.encode([])) == 0


def test_the_last_ones_are_kept(tiny_encoder: Encoder, asked: list[list[str]]) -> None:
    memory = QueryCache(tiny_encoder, 2)
    for text in ("a", "b", "a", "c", "a", "b"):  # b was asked longest ago when c came
        memory.encode([text])
    assert asked == [["a"], ["b"], ["c"], ["b"]]
    asked.clear()
    batch = ["d", "e", "f"]
    assert len(memory.encode(batch)) == 3
    memory.encode(["e", "f"])
    memory.encode(["d"])
    assert asked == [batch, ["d"]]


@pytest.mark.parametrize("texts", [["A"], ["a "], ["a", "A"]])
def test_other_texts_are_other_queries(tiny_encoder: Encoder, asked: list[list[str]], texts: list[str]) -> None:
    memory = QueryCache(tiny_encoder, 9)
    memory.encode(["a"])
    memory.encode(texts)
    assert asked[1] == [text for text in texts if text != "a"]


def test_what_a_caller_does_to_vectors_is_not_remembered(tiny_encoder: Encoder) -> None:
    memory, expected = QueryCache(tiny_encoder, 3), tiny_encoder.encode_queries(["wasps"])
    for _ in range(2):
        found = memory.encode(["wasps"])
        assert_same(found, expected)
        found.vectors[:] = 7


def test_nothing_is_remembered_unless_asked_for(tiny_encoder: Encoder, asked: list[list[str]]) -> None:
    memory = QueryCache(tiny_encoder, 0)
    for _ in range(2):
        memory.encode(["a"])
    assert asked == [["a"], ["a"]]


def test_threads_may_share_it(tiny_encoder: Encoder) -> None:
    memory, texts = QueryCache(tiny_encoder, 2), ["bees", "ants", "moths", "wasps"]
    expected = {text: tiny_encoder.encode_queries([text]) for text in texts}
    failed: list[BaseException] = []

    def ask(seed: int) -> None:
        try:
            for number in np.random.default_rng(seed).integers(0, 4, 30):
                assert_same(memory.encode([texts[number]]), expected[texts[number]])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


@pytest.mark.parametrize("size", [-1, 1.5, "many", None])
def test_a_size_that_is_none_is_refused(tmp_path: Path, tiny_folder: Path, tiny_encoder: Encoder, size: object) -> None:
    Retriever.create(tmp_path / "x", tiny_encoder)
    with pytest.raises(InputError, match=r"cache_queries is .*; expected a whole number from 0, of queries"):
        Retriever.open(tmp_path / "x", tiny_folder, cache_queries=size)  # type: ignore[arg-type]


def test_a_text_that_is_none_is_refused(tiny_encoder: Encoder) -> None:
    for wrong in ([None], [["a"]], [b"a"]):
        with pytest.raises(InputError, match="expected strings"):
            QueryCache(tiny_encoder, 3).encode(wrong)  # type: ignore[arg-type]
