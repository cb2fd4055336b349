"""The identities of words: one for a word in every scheme, lower-cased, stemmed."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from transformers import PreTrainedTokenizerFast

from wordhive.index import InputError
from wordhive.retrieval.words import WordTable, word_identity

from .vocabularies import HAND_WRITTEN, byte_level, identities, ids_of, words_of, words_of_text


def test_a_word_has_one_identity_with_and_without_a_space_before_it(marked: PreTrainedTokenizerFast) -> None:
    table = WordTable.from_tokenizer(marked)
    first, second, third = (words_of_text(table, marked, text) for text in ("dog", " dog", "(dog"))
    assert ids_of(first) == ids_of(second) == identities("dog")
    assert ids_of(third) == identities("(", "dog")


def test_one_word_has_one_identity_in_every_scheme(wordpiece: Any, marked: PreTrainedTokenizerFast) -> None:
    other = words_of_text(WordTable.from_tokenizer(marked), marked, "the bees dance")
    piece = words_of_text(WordTable.from_tokenizer(wordpiece), wordpiece, "the bees dance")
    assert ids_of(other) == ids_of(piece) == identities("the", "bees", "dance")


def test_identity_is_the_first_four_bytes_of_sha256_little_endian() -> None:
    for form in ("bee", "中", "naïve", "[unk]"):
        assert word_identity(form) == int(np.frombuffer(hashlib.sha256(form.encode()).digest()[:4], "<u4")[0])
    assert word_identity("bee") == int.from_bytes(bytes.fromhex(hashlib.sha256(b"bee").hexdigest()[:8]), "little")


def test_an_identity_of_zero_becomes_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Zeros:
        def __init__(self, data: bytes) -> None: ...

        def digest(self) -> bytes:
            return bytes(4) + b"\xff" * 28

    monkeypatch.setattr(hashlib, "sha256", Zeros)
    assert word_identity("bee") == 1


def test_words_are_lower_cased() -> None:
    tokenizer = byte_level()
    words = words_of_text(WordTable.from_tokenizer(tokenizer), tokenizer, "Dog DOG dog dOg")
    assert ids_of(words) == identities("dog")
    assert set(words.slots[0].tolist()) == {0}


def test_stemming_makes_inflected_words_equal(wordpiece: Any) -> None:
    stemmed = WordTable.from_tokenizer(wordpiece, stem="porter")
    words = words_of_text(stemmed, wordpiece, "runs Running run bees")
    assert ids_of(words) == identities("run", "bee")
    assert words.slots.tolist() == [[-1, 0, 0, 0, 1, -1]]


def test_stemming_leaves_words_of_two_letters_alone(wordpiece: Any) -> None:
    stemmed = WordTable.from_tokenizer(wordpiece, stem="porter")
    words = words_of_text(stemmed, wordpiece, "bee's is i as a us")
    assert words.counts.tolist() == [8]
    assert words.word_ids[0].tolist() == [word_identity(form) for form in ("bee", "'", "s", "is", "i", "as", "a", "us")]


def test_without_stemming_inflected_words_differ(table: WordTable, wordpiece: Any) -> None:
    words = words_of_text(table, wordpiece, "runs running run")
    assert ids_of(words) == identities("runs", "running", "run")


def test_an_unknown_stemmer_is_refused(wordpiece: Any) -> None:
    with pytest.raises(InputError, match=r"no stemmer 'klingon'; choose one of .*english.*, or None"):
        WordTable.from_tokenizer(wordpiece, stem="klingon")


def test_the_identity_cache_gives_what_a_fresh_table_gives(wordpiece: Any) -> None:
    used = WordTable.from_tokenizer(wordpiece)
    first = [words_of_text(used, wordpiece, text) for text in HAND_WRITTEN]
    again = [words_of_text(used, wordpiece, text) for text in reversed(HAND_WRITTEN)][::-1]
    for text, one, two in zip(HAND_WRITTEN, first, again, strict=True):
        fresh = words_of_text(WordTable.from_tokenizer(wordpiece), wordpiece, text)
        for words in (one, two):
            assert words.slots.tolist() == fresh.slots.tolist()
            assert words.word_ids.tolist() == fresh.word_ids.tolist()


def test_a_known_word_is_not_decoded_again(wordpiece: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = WordTable.from_tokenizer(wordpiece)
    before = words_of_text(table, wordpiece, "bees dance xylophones")

    def fail(tokens: list[int]) -> str:
        raise AssertionError(f"decoded {tokens} again")

    monkeypatch.setattr(table, "to_text", fail)
    after = words_of_text(table, wordpiece, "xylophones dance bees")
    assert ids_of(after) == ids_of(before)[::-1]


def test_pieces_in_another_order_are_another_word(table: WordTable, wordpiece: Any) -> None:
    one = words_of(table, wordpiece.convert_tokens_to_ids(["play", "##ing", "##s"]))
    two = words_of(table, wordpiece.convert_tokens_to_ids(["play", "##s", "##ing"]))
    assert ids_of(one) == identities("playings")
    assert ids_of(two) == identities("playsing")
