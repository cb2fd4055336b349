"""Texts of any length are encoded whole, whatever they are encoded with; what is not read is told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.index import WordVectors
from wordhive.index.errors import WordhiveWarning
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.text_words import read
from wordhive.retrieval.words import word_identity

from ..conftest import TEXTS, assert_same

LONG = " ".join(f"{TEXTS[0]} {TEXTS[2]} Worker {'ab'[n % 2]} raises eggs." for n in range(40))


def _oracle(encoder: Encoder, text: str, task: str) -> WordVectors:
    """Each window encoded by itself, words joined one by one, for a model with equal word weights."""
    spans, _ = encoder.windows(text, task)  # type: ignore[arg-type]
    encode = encoder.encode_documents if task == "document" else encoder.encode_queries
    parts = [encode([text[start:end]]) for start, end in spans]
    vectors: dict[int, list[np.ndarray]] = {}  # type: ignore[type-arg]
    for part in parts:
        for id, vector in zip(part.word_ids.tolist(), part.vectors, strict=True):
            vectors.setdefault(id, []).append(vector)
    means = [np.mean(found, axis=0) for found in vectors.values()]
    unit = np.array([mean / np.linalg.norm(mean) for mean in means], np.float32)
    n_tokens = [int(encoder.preprocess([text[a:b]], task)["attention_mask"].sum()) for a, b in spans]  # type: ignore[arg-type]
    summary = np.average([part.summary[0] for part in parts if part.summary is not None], axis=0, weights=n_tokens)
    summary = summary.astype(np.float32)
    return WordVectors(unit, np.array([0, len(unit)]), np.array(list(vectors), np.uint32), summary[None])


@pytest.mark.parametrize("task", ["document", "query"])
def test_a_long_text_is_one_bag_of_its_windows_words(tiny_encoder: Encoder, task: str) -> None:
    encode = tiny_encoder.encode_documents if task == "document" else tiny_encoder.encode_queries
    assert len(tiny_encoder.windows(LONG, task)[0]) > 5  # type: ignore[arg-type]
    assert_same(encode([LONG]), _oracle(tiny_encoder, LONG, task))


@pytest.mark.parametrize("task", ["document", "query"])
def test_long_texts_are_equal_whatever_their_batch_mates(tiny_encoder: Encoder, task: str) -> None:
    encode = tiny_encoder.encode_documents if task == "document" else tiny_encoder.encode_queries
    texts = [TEXTS[0], LONG, "", TEXTS[2], LONG[: len(LONG) // 2], "bees"]
    together = encode(texts, batch_size=3)
    for number, text in enumerate(texts):
        assert_same(together[number : number + 1], encode([text]))


def test_words_are_counted_to_the_end(tiny_encoder: Encoder) -> None:
    texts = [LONG, "bees", ""]
    assert tiny_encoder.count_words(texts).tolist() == tiny_encoder.encode_documents(texts).counts.tolist()


def test_many_windows_are_encoded_a_part_at_a_time(tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tiny_encoder.encode_documents([LONG, "bees", LONG[:3000]])
    monkeypatch.setattr("wordhive.retrieval.windows.whole_texts._WINDOWS_AT_ONCE", 3)
    assert_same(tiny_encoder.encode_documents([LONG, "bees", LONG[:3000]]), whole)


def test_a_text_of_more_letters_than_are_looked_at_is_read_whole(tiny_encoder: Encoder) -> None:
    text = "bees " * 2000 + "honey"
    assert word_identity("honey") in tiny_encoder.encode_documents([text]).word_ids
    assert word_identity("honey") in tiny_encoder.encode_queries([text, "ants"]).word_ids


def test_what_is_read_is_what_is_encoded(tiny_encoder: Encoder) -> None:
    reading = read(tiny_encoder, LONG, "document")
    assert [word.word_id for word in reading.words] == tiny_encoder.encode_documents([LONG]).word_ids.tolist()
    assert reading.end == len(LONG)
    for word in reading.words:
        assert list(word.spans) == sorted(set(word.spans))
        assert {LONG[start:end].lower() for start, end in word.spans} == {word.form.lower()}
    scent = next(word for word in reading.words if word.form == "scent")
    assert len(scent.spans) == LONG.count("scent")


@pytest.mark.parametrize("words", [False, True])
def test_foreign_models_read_whole_documents(make_foreign: Callable[..., MultiVectorEncoder], words: bool) -> None:
    encoder = Encoder(make_foreign())
    encoder = encoder.with_words() if words else encoder
    whole = encoder.encode_documents([LONG])
    spans, capped = encoder.windows(LONG, "document")
    parts = encoder.encode_documents([LONG[start:end] for start, end in spans])
    assert len(spans) > 5
    assert not capped
    if words:
        specials = int((parts[0:1].word_ids == 0).sum())
        assert specials == int((whole.word_ids == 0).sum())
        assert set(whole.word_ids.tolist()) == set(parts.word_ids.tolist())
        assert len(set(whole.word_ids.tolist())) == len(whole.word_ids) - specials + 1
        np.testing.assert_allclose(np.linalg.norm(whole.vectors, axis=1), 1, atol=1e-5)
    else:
        np.testing.assert_allclose(whole.vectors, parts.vectors, atol=1e-5)
        assert all(before[1] == after[0] for before, after in pairwise(spans))  # no token twice
    assert [word.word_id for word in read(encoder, LONG, "document").words] == whole.word_ids.tolist()


def test_a_document_beyond_the_cap_is_told(tiny_folder: object) -> None:
    encoder = Encoder.load(str(tiny_folder), device="cpu", max_tokens=128)
    with pytest.warns(WordhiveWarning, match=r"2 documents longer than 128 tokens: .* number 1, number 3"):
        vectors = encoder.encode_documents(["bees", LONG, "ants", LONG])
    spans, capped = encoder.windows(LONG, "document")
    assert capped
    assert len(spans) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(vectors[1:2], encoder.encode_documents([LONG[: spans[-1][1]]]))
        told: list[int] = []
        encoder.encode_documents(["bees", LONG, "ants", LONG], on_capped=told.append)
    assert told == [1, 3]


def test_progress_counts_texts_not_windows(tiny_encoder: Encoder) -> None:
    done: list[int] = []
    tiny_encoder.encode_documents([LONG, "bees", LONG, ""], batch_size=2, on_batch=done.append)
    assert sum(done) == 4


def test_the_cap_stays_with_the_encoder(tiny_folder: object) -> None:
    encoder = Encoder.load(str(tiny_folder), device="cpu", max_tokens=128)
    assert encoder.with_dim(8).max_tokens == 128
