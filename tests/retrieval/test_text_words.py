"""What is read of a text, by whole arrays, is what a loop over its tokens reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sentence_transformers import MultiVectorEncoder

from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.explaining.alignment import aligned, rows_of
from wordhive.retrieval.text_words import Reading, TextWord, read
from wordhive.retrieval.windows.whole_texts import Task

from .conftest import TEXTS
from .slow_reading import read_slowly

SCRIPTS = (
    "Bees dance!! The  queen's hive … café cafe\u0301 ½ x².\n\n蜜蜂采蜜。女王产卵\uff01 Пчёлы танцуют. "
    "النحل يرقص؟ मधुमक्खी 🐝\u200d🌼 ミツバチが踊る。\u3000[MASK] [UNK] [SEP] \u202e\u00a0don't-stop; "
    "\x00e.g. A\u0130\ufb01ß. "
)
LONG = {
    "many scripts": SCRIPTS * 12,
    "words alone": " ".join(f"word{n % 37} Bee{n % 5}" for n in range(700)),
    "a word without end": "Bees. " + "ab蜜x" * 400 + ". \u0301Ants",
    "white space": "bees \t\n\u3000 " * 300 + " " * 300,
    "marks": "…!?" * 300,
}
SHORT = dict(enumerate([*TEXTS, SCRIPTS, "\n", "\u0301", "[CLS] [SEP]"]))


@pytest.fixture(scope="module", params=["words", "tokens", "token words", "stems", "kept words", "growing queries"])
def any_encoder(
    request: pytest.FixtureRequest,
    encoder: Encoder,
    make_foreign: Callable[..., MultiVectorEncoder],
    tiny_base: object,
    sentences: list[str],
) -> Encoder:
    """Models of whole words, of tokens, with stems, prompts, special tokens and query expansion."""
    if request.param == "words":
        return encoder
    if request.param == "stems":
        return Encoder.fit(str(tiny_base), sentences, dim=16, stem="english", device="cpu")
    model = make_foreign()
    if request.param == "kept words":
        model.prompts["document"] = "Bees say:"  # runs on into the text
    if request.param == "growing queries":
        model[0].query_expansion = {"strategy": "min", "attend": True, "length": 8}
    return Encoder(model) if request.param == "tokens" else Encoder(model).with_words()


@pytest.mark.parametrize("task", ["document", "query"])
@pytest.mark.parametrize("name", [*LONG, *SHORT])
def test_a_text_is_read_as_token_by_token(any_encoder: Encoder, name: str, task: Task) -> None:
    text = {**LONG, **SHORT}[name]  # type: ignore[dict-item]
    if name in LONG:
        assert len(any_encoder.windows(text, task)[0]) > 1
    reading = read(any_encoder, text, task)
    words, end = read_slowly(any_encoder, text, task)
    assert reading.words == words
    assert reading.end == end


def test_words_keep_their_own_places() -> None:
    reading = Reading(["a", "[CLS]", "b"], np.array([7, 0, 9], np.uint32), np.array([[0, 1], [4, 5], [2, 3]]),
                      np.array([0, 2, 2, 3]), 5)  # fmt: skip
    assert reading.words == [TextWord("a", 7, ((0, 1), (4, 5))), TextWord("[CLS]", 0, ()), TextWord("b", 9, ((2, 3),))]


@pytest.mark.parametrize(
    ("words", "stored", "rows"),
    [
        ([7, 9, 8], [8, 7], [1, -1, 0]),
        ([0, 7, 0], [0, 0, 7], [0, 2, 1]),
        ([0, 7, 0], [0, 7], [-1, 1, -1]),
        ([0, 7], [7], [-1, 0]),
        ([7], [], [-1]),
        ([], [3], []),
    ],
)
def test_words_are_found_among_vectors(words: list[int], stored: list[int], rows: list[int]) -> None:
    n = len(words)
    reading = Reading([str(id) for id in words], np.array(words, np.uint32), np.zeros((0, 2), np.int64),
                      np.zeros(n + 1, np.int64), 0)  # fmt: skip
    ids = np.array(stored, np.uint32)
    assert rows_of(reading, ids).tolist() == rows
    found = aligned(reading, ids, {3: "named"})
    shown = [(word.word_id, row) for word, row in found]
    hidden = 0 in stored and words.count(0) != stored.count(0)
    expected = [(id, None if row < 0 else row) for id, row in zip(words, rows, strict=True) if id or not hidden]
    rest = [row for row in range(len(stored)) if row not in rows]
    assert shown == expected + [(stored[row], row) for row in rest]
    assert [word.form for word, _ in found[len(expected) :]] == [{3: "named"}.get(stored[row], "[?]") for row in rest]
