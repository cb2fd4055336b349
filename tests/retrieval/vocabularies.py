"""Vocabularies of every kind, and the words that a table finds by them."""

from __future__ import annotations

from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

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


def words_of(table: WordTable, token_ids: list[int], *, keep_special: bool = False) -> BatchWords:
    ids = np.array([token_ids], np.int64)
    return table.words(ids, np.ones_like(ids, np.bool_), keep_special=keep_special)


def words_of_text(table: WordTable, tokenizer: Any, text: str, **options: Any) -> BatchWords:
    return words_of(table, tokenizer(text, **options)["input_ids"])


def ids_of(words: BatchWords, text: int = 0) -> list[int]:
    return words.word_ids[text, : words.counts[text]].tolist()


def identities(*forms: str) -> list[int]:
    return [word_identity(form) for form in forms]


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
