from __future__ import annotations

import hashlib
import unicodedata
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from wordhive.index import InputError
from wordhive.retrieval.words import BatchWords, WordTable, word_identity

TRAINING_TEXTS = [
    "The quick brown fox jumps over the lazy dog; the dog sleeps.",
    "Bees dance, and ants follow scent. The bees' dance is short-lived!",
    "(A hive) costs $5 + tax? No: 3 < 4 & 4 > 3 = true_or_false / maybe.",
    "中国 人民 hello 中国人 世界 你好 世界人民",
    "naïve café résumé über naïve café",
    "runs running run runner DOG Dog",
]

HAND_WRITTEN = [
    "",
    " ",
    "\t\n\r ",
    "bees",
    "Bees dance to tell where flowers are.",
    "the bee, the BEE and The bee's beeswax",
    "don't stop — “quoted” text… (really?)",
    "short-lived  dog,dog;dog/dog",
    "e.g. 3.14 and 1,000,000 or $5.00 at 10:30",
    "中国人 and 世界 mixed中文words",
    "ひらがな カタカナ 한국어 ไทย",
    "naïve café résumé ÜBER Ñandú",
    "emoji 🐝🐜 and 👩‍👩‍👧 family 🇫🇷",
    "pneumonoultramicroscopicsilicovolcanoconiosis " + "z" * 150 + " end",
    "word " * 20,
    "a\u0301 combining, zero\u200bwidth, no\u00a0break, soft\u00adhyphen",
    "##s # ## under_score @user #tag http://example.org/a?b=c",
    "İstanbul ΣΊΣΥΦΟΣ straße ﬁne Ⅻ",
    "control\x00\x07 characters \x1f here \x85 and\u2028there",
    "مرحبا بالعالم שלום नमस्ते",
]


@pytest.fixture(scope="module")
def table(wordpiece: PreTrainedTokenizerBase) -> WordTable:
    return WordTable.from_tokenizer(wordpiece)


def words_of(table: WordTable, token_ids: list[int], *, keep_special: bool = False) -> BatchWords:
    ids = np.array([token_ids], np.int64)
    return table.words(ids, np.ones_like(ids, np.bool_), keep_special=keep_special)


def words_of_text(table: WordTable, tokenizer: Any, text: str, **options: Any) -> BatchWords:
    return words_of(table, tokenizer(text, **options)["input_ids"])


def ids_of(words: BatchWords, text: int = 0) -> list[int]:
    return words.word_ids[text, : words.counts[text]].tolist()


def identities(*forms: str) -> list[int]:
    return [word_identity(form) for form in forms]


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


def byte_level(
    *, initial: list[str] | None = None, texts: list[str] = TRAINING_TEXTS, unk: str | None = None
) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    specials = ["<s>", "</s>", "<pad>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet() if initial is None else initial
    backend.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=420, special_tokens=specials, initial_alphabet=alphabet, show_progress=False),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>", mask_token="<mask>",
        unk_token=unk,
    )  # fmt: skip


def metaspace(kind: str) -> PreTrainedTokenizerFast:
    specials = ["<s>", "</s>", "<pad>", "<unk>"]
    trainer: Any
    if kind == "unigram":
        backend = Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(
            vocab_size=150, special_tokens=specials, unk_token="<unk>", show_progress=False
        )
    else:
        backend = Tokenizer(models.BPE(unk_token="<unk>"))
        trainer = trainers.BpeTrainer(vocab_size=180, special_tokens=specials, show_progress=False)
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.train_from_iterator(TRAINING_TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


@pytest.fixture(scope="module", params=["byte-level", "unigram", "bpe"])
def marked(request: pytest.FixtureRequest) -> PreTrainedTokenizerFast:
    return byte_level() if request.param == "byte-level" else metaspace(request.param)


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


def test_special_tokens_are_no_words(table: WordTable, wordpiece: Any) -> None:
    tokens = wordpiece.convert_tokens_to_ids(["[CLS]", "bees", "[MASK]", "dance", "[SEP]", "[PAD]"])
    words = words_of(table, tokens)
    assert words.slots.tolist() == [[-1, 0, -1, 1, -1, -1]]
    assert ids_of(words) == identities("bees", "dance")


def test_a_special_token_separates_words(table: WordTable, wordpiece: Any) -> None:
    tokens = wordpiece.convert_tokens_to_ids(["play", "##ing", "[SEP]", "##ing", "play"])
    words = words_of(table, tokens)
    assert words.slots.tolist() == [[0, 0, -1, 1, 2]]
    assert ids_of(words) == identities("playing", "ing", "play")


def test_special_tokens_of_marked_vocabularies_are_no_words(marked: PreTrainedTokenizerFast) -> None:
    tokens = [marked.bos_token_id, *marked("dog", add_special_tokens=False)["input_ids"], marked.eos_token_id]
    words = words_of(WordTable.from_tokenizer(marked), [*tokens, marked.pad_token_id])
    assert ids_of(words) == identities("dog")
    assert words.slots[0, 0] == words.slots[0, -1] == words.slots[0, -2] == -1


def test_a_special_token_that_is_also_the_unknown_token_is_no_word() -> None:
    tokenizer = byte_level(unk="</s>")
    words = words_of(WordTable.from_tokenizer(tokenizer), tokenizer.convert_tokens_to_ids(["d", "</s>"]))
    assert ids_of(words) == identities("d")


def test_an_unknown_token_stands_for_one_word(table: WordTable, wordpiece: Any) -> None:
    words = words_of_text(table, wordpiece, "bees 🐝 and 🐜")
    assert ids_of(words) == identities("bees", "[unk]", "and")
    assert words.slots.tolist() == [[-1, 0, 1, 2, 1, -1]]


@pytest.mark.parametrize("text", ["", " ", "\n\t", "[CLS] [SEP]", "[PAD][MASK] [SEP]"])
def test_a_text_of_only_special_tokens_has_no_words(table: WordTable, wordpiece: Any, text: str) -> None:
    words = words_of_text(table, wordpiece, text)
    assert words.counts.tolist() == [0]
    assert words.word_ids.shape == (1, 0)
    assert set(words.slots[0].tolist()) == {-1}


def test_a_batch_without_tokens_and_a_batch_without_texts(table: WordTable) -> None:
    for shape in ((2, 0), (0, 3), (0, 0)):
        words = table.words(np.zeros(shape, np.int64), np.zeros(shape, np.bool_))
        assert words.slots.shape == shape
        assert words.counts.tolist() == [0] * shape[0]
        assert words.word_ids.shape == (shape[0], 0)


def test_a_text_of_only_spaces_has_no_words(marked: PreTrainedTokenizerFast) -> None:
    words = words_of_text(WordTable.from_tokenizer(marked), marked, "     ")
    assert words.counts.tolist() == [0]


def test_a_truncated_word_keeps_the_pieces_that_fit(table: WordTable, wordpiece: Any) -> None:
    whole = wordpiece("xylophones", add_special_tokens=False)["input_ids"]
    assert len(whole) > 2
    encoded = wordpiece("bees xylophones", truncation=True, max_length=5)
    words = words_of(table, encoded["input_ids"])
    assert encoded["input_ids"][2:4] == whole[:2]
    assert words.slots.tolist() == [[-1, 0, 1, 1, -1]]
    assert ids_of(words) == identities("bees", wordpiece.decode(whole[:2]))


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


def test_unique_words_stand_in_order_of_first_appearance(table: WordTable, wordpiece: Any) -> None:
    words = words_of_text(table, wordpiece, "zebra ant zebra bee ant zebra cat")
    assert ids_of(words) == identities("zebra", "ant", "bee", "cat")
    assert words.slots.tolist() == [[-1, 0, 1, 0, 2, 1, 0, 3, -1]]


def test_padding_and_batch_mates_change_nothing(table: WordTable, wordpiece: Any) -> None:
    texts = [text for text in HAND_WRITTEN if text.strip()]
    batch = wordpiece(texts, padding=True, truncation=True, max_length=64, return_tensors="np")
    together = table.words(batch["input_ids"].astype(np.int64), batch["attention_mask"].astype(np.bool_))
    for number, text in enumerate(texts):
        alone = words_of_text(table, wordpiece, text, truncation=True, max_length=64)
        width = alone.slots.shape[1]
        assert together.slots[number, :width].tolist() == alone.slots[0].tolist()
        assert (together.slots[number, width:] == -1).all()
        assert ids_of(together, number) == ids_of(alone)
        assert (together.word_ids[number, together.counts[number] :] == 0).all()


def test_padding_on_the_left_changes_nothing(table: WordTable, wordpiece: Any) -> None:
    tokens = wordpiece("bees dance")["input_ids"]
    padded = np.array([[wordpiece.pad_token_id] * 3 + tokens])
    words = table.words(padded, np.array([[False] * 3 + [True] * len(tokens)]))
    assert words.slots.tolist() == [[-1, -1, -1, -1, 0, 1, -1]]
    assert ids_of(words) == identities("bees", "dance")


def test_texts_share_no_words_across_the_border_of_a_row(table: WordTable, wordpiece: Any) -> None:
    tokens = np.array(wordpiece.convert_tokens_to_ids(["bees", "play", "##ing", "##ing"])).reshape(2, 2)
    words = table.words(tokens, np.ones_like(tokens, np.bool_))
    assert words.slots.tolist() == [[0, 1], [0, 0]]
    assert ids_of(words, 0) == identities("bees", "play")
    assert ids_of(words, 1) == identities("inging")


def test_a_token_outside_the_mask_is_no_part_of_a_word(table: WordTable, wordpiece: Any) -> None:
    tokens = np.array([wordpiece.convert_tokens_to_ids(["bees", ",", "dance"])])
    words = table.words(tokens, np.array([[True, False, True]]))
    assert words.slots.tolist() == [[0, -1, 1]]
    assert ids_of(words) == identities("bees", "dance")


def test_kept_special_tokens_are_entries_of_their_own_with_identity_zero(table: WordTable, wordpiece: Any) -> None:
    tokens = wordpiece.convert_tokens_to_ids(["[CLS]", "bees", "bees", "[MASK]", "[MASK]", "[SEP]"])
    words = words_of(table, tokens, keep_special=True)
    assert words.slots.tolist() == [[0, 1, 1, 2, 3, 4]]
    assert ids_of(words) == [0, *identities("bees"), 0, 0, 0]


def test_padding_is_never_kept(table: WordTable, wordpiece: Any) -> None:
    batch = wordpiece(["bees", "bees dance well"], padding=True, return_tensors="np")
    mask = batch["attention_mask"].astype(np.bool_)
    words = table.words(batch["input_ids"].astype(np.int64), mask, keep_special=True)
    assert words.counts.tolist() == [3, 5]
    assert words.slots[0].tolist() == [0, 1, 2, -1, -1]
    assert words.word_ids[0].tolist() == [0, *identities("bees"), 0, 0, 0]


def test_special_tokens_outside_the_mask_are_not_kept(table: WordTable, wordpiece: Any) -> None:
    tokens = np.array([wordpiece.convert_tokens_to_ids(["[CLS]", "bees", "[MASK]", "[SEP]"])])
    words = table.words(tokens, np.array([[False, True, True, False]]), keep_special=True)
    assert words.slots.tolist() == [[-1, 0, 1, -1]]


def test_a_vocabulary_without_word_marks_is_refused() -> None:
    backend = Tokenizer(models.WordLevel({"<unk>": 0, "bees": 1, "dance": 2}, unk_token="<unk>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>")
    with pytest.raises(InputError, match=r"this model's vocabulary marks no word borders .*words=False"):
        WordTable.from_tokenizer(tokenizer)


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


def test_results_have_the_documented_types(table: WordTable, wordpiece: Any) -> None:
    words = words_of_text(table, wordpiece, "bees dance")
    assert words.slots.dtype == np.int64
    assert words.counts.dtype == np.int64
    assert words.word_ids.dtype == np.uint32
