"""Where words begin and end, in vocabularies of every kind."""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from wordhive.retrieval.words import WordTable

from .vocabularies import (
    HAND_WRITTEN,
    TRAINING_TEXTS,
    byte_level,
    identities,
    ids_of,
    metaspace,
    words_of,
    words_of_text,
)


def check_against_word_ids(table: WordTable, tokenizer: Any, text: str) -> None:
    """Compare with the tokenizer's own word numbers and its own normalised words."""
    encoded = tokenizer(text, truncation=True, max_length=64)
    backend = tokenizer.backend_tokenizer
    forms = [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))]
    words = words_of(table, encoded["input_ids"])
    own_form: dict[int, str] = {}
    seen: list[str] = []
    for token, number, slot in zip(encoded["input_ids"], encoded.word_ids(), words.slots[0].tolist(), strict=True):
        if number is None:
            assert slot == -1
            continue
        form = "[unk]" if token == tokenizer.unk_token_id else forms[number]
        if form not in seen:
            seen.append(form)
        assert own_form.setdefault(slot, form) == form
        assert slot == seen.index(form)
    assert words.counts[0] == len(seen)
    assert len(set(ids_of(words))) == len(seen)
    assert 0 not in ids_of(words)


@pytest.mark.parametrize("text", HAND_WRITTEN)
def test_wordpiece_words_are_the_tokenizers_own(table: WordTable, wordpiece: Any, text: str) -> None:
    check_against_word_ids(table, wordpiece, text)


WORDS = st.sampled_from(
    ["bee", "Bees", "BEE", "don't", "中国", "naïve", "running", "🐝", "x" * 120, "3.14", "—", "“a”"]
)


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS).map("".join)))
def test_wordpiece_words_of_any_text_are_the_tokenizers_own(table: WordTable, wordpiece: Any, text: str) -> None:
    check_against_word_ids(table, wordpiece, text)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["play", "Playing", "PLAYING", "xylophones", "été", "ete", "b2b"]), max_size=8))
def test_identities_are_those_of_the_normalised_words(table: WordTable, wordpiece: Any, chosen: list[str]) -> None:
    forms = dict.fromkeys(word.lower().replace("é", "e") for word in chosen)
    words = words_of_text(table, wordpiece, " ".join(chosen))
    assert ids_of(words) == identities(*forms)


@pytest.fixture(scope="module")
def bytes_tokenizer() -> PreTrainedTokenizerFast:
    return byte_level()


def stands_alone(character: str) -> bool:
    ascii_symbol = character.isascii() and not character.isalnum() and not character.isspace()
    ideograph = 0x4E00 <= ord(character) <= 0x9FFF
    return ascii_symbol or unicodedata.category(character).startswith("P") or ideograph


def forms_by_offsets(tokenizer: Any, text: str) -> list[str]:
    """The words between white space, punctuation and ideographs; a border within a piece is no border."""
    borders = {0, len(text)}
    for place, character in enumerate(text):
        if character.isspace() or stands_alone(character):
            borders |= {place, place + 1}
    for start, end in tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]:
        while start < end and text[start] == " ":
            start += 1
        borders -= set(range(start + 1, end))
    forms = (text[start:end].strip().lower() for start, end in pairwise(sorted(borders)))
    return list(dict.fromkeys(form for form in forms if form))


def check_against_offsets(tokenizer: Any, text: str) -> None:
    words = words_of_text(WordTable.from_tokenizer(tokenizer), tokenizer, text, add_special_tokens=False)
    assert ids_of(words) == identities(*forms_by_offsets(tokenizer, text))


PLAIN_TEXTS = [
    "",
    "   ",
    "The fox, the dog.",
    "bees' dance is short-lived!",
    " (A hive) costs $5 + tax?",
    "dog dog DOG Dog",
    "no  double   spaces ",
    "naïve café naïve",
    "a.b.c...d,,e",
    "jumps/over_the<lazy>dog=fox&ants",
]


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_words_of_marked_vocabularies_lie_between_spaces_and_punctuation(
    marked: PreTrainedTokenizerFast, text: str
) -> None:
    check_against_offsets(marked, text)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="abdeghinorst TB.,-'(?", max_size=30))
def test_words_of_marked_vocabularies_for_any_text(marked: PreTrainedTokenizerFast, text: str) -> None:
    check_against_offsets(marked, text)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def metaspaced(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return metaspace(request.param)


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="abeo 中国人民世界,.", max_size=20))
def test_ideographs_of_metaspace_vocabularies_are_words_of_their_own(
    metaspaced: PreTrainedTokenizerFast, text: str
) -> None:
    check_against_offsets(metaspaced, text)


@pytest.mark.parametrize("text", ["hello\ndog", "hello\tdog", "the dog\n\nhello fox"])
def test_newlines_and_tabs_end_words_of_byte_level_vocabularies(
    bytes_tokenizer: PreTrainedTokenizerFast, text: str
) -> None:
    check_against_offsets(bytes_tokenizer, text)


@pytest.mark.parametrize("text", ["don’t", "the “dog” sleeps", "dog—fox", "dog…"])
def test_unicode_punctuation_ends_words_of_byte_level_vocabularies(
    bytes_tokenizer: PreTrainedTokenizerFast, text: str
) -> None:
    check_against_offsets(bytes_tokenizer, text)


@pytest.mark.parametrize("text", ["人dog", "the 世dog"])
def test_letters_behind_an_ideograph_are_a_word_of_byte_level_vocabularies(
    bytes_tokenizer: PreTrainedTokenizerFast, text: str
) -> None:
    check_against_offsets(bytes_tokenizer, text)


@pytest.mark.parametrize("text", ["龍", "龍 虎", "the 龍"])
def test_the_bytes_of_an_ideograph_stay_together(bytes_tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    pieces = bytes_tokenizer.tokenize("龍")
    assert len(pieces) == 3
    check_against_offsets(bytes_tokenizer, text)


def test_neighbouring_ideographs_of_byte_level_vocabularies_are_words_of_their_own() -> None:
    tokenizer = byte_level(texts=[TRAINING_TEXTS[0], *["中", "国", "人", "民"] * 5])
    assert {"ä¸Ń", "åĽ½", "äºº"} < set(tokenizer.get_vocab())
    words = words_of_text(WordTable.from_tokenizer(tokenizer), tokenizer, "中国人中")
    assert ids_of(words) == identities("中", "国", "人")


def test_newlines_end_words_of_metaspace_vocabularies() -> None:
    pieces = ["<unk>", "▁dog", "\n", "fox", "▁the"]
    backend = Tokenizer(models.Unigram([(piece, -float(rank)) for rank, piece in enumerate(pieces)], unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    check_against_offsets(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>"), "dog\nfox")


def test_the_byte_pieces_of_a_character_stay_together() -> None:
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"▁{letter}" for letter in "abcdefghijklmnop")]
    vocabulary = {piece: number for number, piece in enumerate([*pieces, "▁", "a"])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[("▁", "a")], unk_token="<unk>", byte_fallback=True))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    assert tokenizer.tokenize("a 中") == ["▁a", "▁", "<0xE4>", "<0xB8>", "<0xAD>"]
    words = words_of_text(WordTable.from_tokenizer(tokenizer), tokenizer, "a 中")
    assert ids_of(words) == identities("a", "中")
