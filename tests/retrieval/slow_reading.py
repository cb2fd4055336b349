"""What a model reads of a text, token by token in plain Python: the oracle of `wordhive.retrieval.text_words`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.encoding_model import Span, Task, Tokens
from wordhive.retrieval.text_words import TextWord


def read_slowly(encoder: Encoder, text: str, task: Task) -> tuple[list[TextWord], int | None]:
    """What the encoder's model reads of a text, window by window, without computing its vectors."""
    words: dict[tuple[int, int], TextWord] = {}
    end: int | None = None
    tokens_alone = encoder.word_table is None
    windows, _ = encoder.windows(text, task)
    for number, (first, stop) in enumerate(windows):
        read, end = _read_window(encoder, text[first:stop], task)
        end = None if end is None else first + end
        specials = 0
        for place, word in enumerate(read):
            # As the vectors of windows are joined: words by identity, special tokens by their order.
            key = (number, place) if tokens_alone else (word.word_id, 0 if word.word_id else specials)
            specials += not word.word_id
            words[key] = _joined(words.get(key), word, first)
    # A place is told once, whatever number of tokens its character has.
    return [replace(word, spans=tuple(dict.fromkeys(word.spans))) for word in words.values()], end


def _joined(before: TextWord | None, word: TextWord, first: int) -> TextWord:
    spans = tuple((start + first, end + first) for start, end in word.spans)
    if before is None:
        return replace(word, spans=spans)
    # Windows overlap, so that a place may be in two.
    return replace(before, spans=tuple(dict.fromkeys((*before.spans, *spans))))


def _read_window(encoder: Encoder, text: str, task: Task) -> tuple[list[TextWord], int | None]:
    given = encoder.tokens([text], task)
    prompt = encoder.prompt(task)
    characters = _characters(given, prompt + text)
    tokens, mask = given.scored()
    slots, starts, word_ids = _words(encoder, tokens, mask)
    found: list[list[Span]] = [[] for _ in word_ids]
    for slot, first, last in _occurrences(slots, starts):
        found[slot].append((first, last))
    words = []
    for places, word_id in zip(found, word_ids.tolist(), strict=True):
        spans = [(characters[first][0], characters[last][1]) for first, last in places] if characters else []
        first, last = places[0]
        form = (prompt + text)[slice(*spans[0])] if spans else ""
        words.append(TextWord(form or _form(encoder, tokens[0, first : last + 1].tolist(), word_id), word_id,
                              _within(spans, len(prompt))))  # fmt: skip
    end = max(0, max(end for _, end in characters) - len(prompt)) if characters else None
    return words, end


def _words(
    encoder: Encoder, tokens: NDArray[np.int64], mask: NDArray[np.bool_]
) -> tuple[list[int], list[bool], NDArray[np.uint32]]:
    """The slot of every token (−1: none), whether a word begins there, and the identity of each slot."""
    table, pooling = encoder.word_table, encoder.pooling
    if table is None or pooling is None:
        slots = np.where(mask, np.cumsum(mask, axis=1) - 1, -1)
        return slots[0].tolist(), [True] * tokens.size, np.zeros(mask.sum(), np.uint32)
    words = table.words(tokens, mask, keep_special=pooling.keep_special)
    return words.slots[0].tolist(), table.starts(tokens)[0].tolist(), words.word_ids[0]


def _occurrences(slots: list[int], starts: list[bool]) -> Iterator[tuple[int, int, int]]:
    """(slot, first token, last token) of every occurrence of a word."""
    first = 0
    for place, slot in enumerate(slots):
        if starts[place] or slots[first] != slot:
            first = place
        if slot >= 0 and (place + 1 == len(slots) or starts[place + 1] or slots[place + 1] != slot):
            yield slot, first, place


def _characters(tokens: Tokens, source: str) -> list[Span] | None:
    """The characters of every token, without the white space around them."""
    offsets = tokens.offsets()
    return None if offsets is None else [_stripped(source, start, end) for start, end in offsets[0].tolist()]


def _stripped(source: str, start: int, end: int) -> Span:
    part = source[start:end]
    start += len(part) - len(part.lstrip())
    return start, max(start, start + len(part.strip()))


def _within(spans: list[Span], prompt: int) -> tuple[Span, ...]:
    moved = ((max(start - prompt, 0), end - prompt) for start, end in spans)
    return tuple((start, end) for start, end in moved if start < end)


def _form(encoder: Encoder, tokens: list[int], word_id: int) -> str:
    if encoder.word_table is not None and word_id:
        return encoder.word_table.to_text(tokens).strip()
    return " ".join(encoder.token_names(tokens))
