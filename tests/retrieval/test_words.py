"""The words of batches: special tokens, padding, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from wordhive.index import InputError
from wordhive.retrieval.words import WordTable

from .vocabularies import HAND_WRITTEN, byte_level, identities, ids_of, words_of, words_of_text


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


def test_results_have_the_documented_types(table: WordTable, wordpiece: Any) -> None:
    words = words_of_text(table, wordpiece, "bees dance")
    assert words.slots.dtype == np.int64
    assert words.counts.dtype == np.int64
    assert words.word_ids.dtype == np.uint32
