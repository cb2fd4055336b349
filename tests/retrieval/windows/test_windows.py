"""Texts cut into windows: every character is read, in order, and no window is longer than the model reads."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import MultiVectorEncoder

from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.encoding_model import Task
from wordhive.retrieval.windows.windows import Windows

WORDS = ["bees", "dance", "to", "tell", "where", "flowers", "are", "unbelievably", "中国人", "naïve", "🐝"]


def letters(texts: list[str]) -> list[int]:
    """A token for every letter that is no white space."""
    return [sum(not letter.isspace() for letter in text) for text in texts]


def covered(spans: list[tuple[int, int]], text: str) -> bool:
    """Whether spans go forward and leave out nothing."""
    ends = [end for _, end in spans]
    starts = [start for start, _ in spans]
    forward = starts == sorted(set(starts)) and ends == sorted(set(ends))
    close = all(start <= end for start, end in zip(starts[1:], ends[:-1], strict=True))
    return forward and close and starts[0] == 0 and ends[-1] == len(text)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab .!?\n。é中", max_size=300), st.integers(1, 40), st.integers(0, 20))
def test_windows_leave_out_nothing_and_fit(text: str, room: int, overlap: int) -> None:
    spans = list(Windows(letters, room, min(overlap, room // 2)).spans(text))
    assert covered(spans, text)
    assert all(letters([text[start:end]])[0] <= room for start, end in spans)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab .!?\n。é中", max_size=300), st.integers(2, 40), st.integers(0, 20))
def test_a_window_shares_no_more_than_the_overlap(text: str, room: int, overlap: int) -> None:
    overlap = min(overlap, room // 2)
    spans = list(Windows(letters, room, overlap).spans(text))
    for (_, end), (start, _) in pairwise(spans):
        assert letters([text[start:end]])[0] <= overlap


def test_a_window_ends_with_a_sentence() -> None:
    text = "Bees dance. Ants follow scent! Do wasps sting?\n\nMoths fly by night"
    spans = list(Windows(letters, 24, 0).spans(text))
    assert [text[start:end].strip() for start, end in spans] == [
        "Bees dance.", "Ants follow scent!", "Do wasps sting?", "Moths fly by night",
    ]  # fmt: skip


def test_sentences_without_white_space_behind_them_are_cut() -> None:
    text = "蜜蜂跳舞。蚂蚁跟着气味。飞蛾夜里飞。"
    assert [text[a:b] for a, b in Windows(letters, 8, 0).spans(text)] == [
        "蜜蜂跳舞。",
        "蚂蚁跟着气味。",
        "飞蛾夜里飞。",
    ]


def test_windows_share_the_last_sentences_of_the_one_before() -> None:
    text = "Bees dance. Ants go. Do wasps sting? Moths fly by night."
    assert [text[a:b] for a, b in Windows(letters, 24, 10).spans(text)] == [
        "Bees dance. Ants go. ", "Ants go. Do wasps sting? ", "Moths fly by night.",
    ]  # fmt: skip


def test_a_long_sentence_is_cut_between_words_and_a_long_word_between_letters() -> None:
    assert [
        text for a, b in Windows(letters, 5, 0).spans("aaa bb cccc dddd") for text in ["aaa bb cccc dddd"[a:b]]
    ] == ["aaa bb ", "cccc ", "dddd"]
    text = "x" * 23
    assert all(end - start <= 5 for start, end in Windows(letters, 5, 0).spans(text))


def test_an_empty_text_has_one_window() -> None:
    assert list(Windows(letters, 5, 0).spans("")) == [(0, 0)]


@pytest.mark.parametrize("task", ["query", "document"])
def test_the_longest_input_is_where_a_foreign_model_cuts(foreign: MultiVectorEncoder, task: Task) -> None:
    tokens = foreign.preprocess(["bees " * 200], task=task, prompt=foreign.prompts[task])
    assert Encoder(foreign).longest_input(task) == tokens["input_ids"].shape[1]


def _text(n_words: int, seed: int) -> str:
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) + ("." if draw.random() < 0.1 else "") for _ in range(n_words))


@pytest.mark.parametrize("name", ["encoder", "foreign"])
def test_no_window_is_cut_by_the_model(request: pytest.FixtureRequest, tiny_encoder: Encoder, name: str) -> None:
    encoder = tiny_encoder if name == "encoder" else Encoder(request.getfixturevalue(name))
    text = _text(400, 1)
    tasks: tuple[Task, ...] = ("query", "document")
    for task in tasks:
        windows = encoder.windows_of(task)
        assert windows is not None
        spans = list(windows.spans(text))
        assert covered(spans, text)
        assert not encoder.tokens([text[a:b] for a, b in spans], task).cut.any()
        assert encoder.tokens([text], task).cut.all()


def test_windows_fit_whatever_the_vocabulary(marked: Any) -> None:
    def count(texts: list[str]) -> list[int]:
        return [len(tokens) for tokens in marked(texts, add_special_tokens=False)["input_ids"]]

    text = _text(300, 2)
    spans = list(Windows(count, 40, 8).spans(text))
    assert covered(spans, text)
    assert max(count([text[a:b] for a, b in spans])) <= 40
