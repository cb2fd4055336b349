"""What a model reads of a text: its words in the order of their vectors, and where they stand in it.

Word ids are hashes; the text itself says what to show for them, read again as the model reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .encoder import Encoder
from .encoding_model import Span, Task, Tokens

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# No white space lies beyond.
_SPACES = np.array([code for code in range(0x3001) if chr(code).isspace()], np.uint32)
# Above all word ids: special tokens have id 0, and are told apart by their order within a window.
_SPECIAL = 2**32


@dataclass(frozen=True)
class TextWord:
    """A word of a text; a single token, where the model gives each a vector.

    Attributes:
        form: As it first appears.
        word_id: Its identity; 0 where it is special, or a token.
        spans: The characters `[start, end)` of every place in the text; none for what stands in the prompt, or
            where the tokenizer does not tell.
    """

    form: str
    word_id: int
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Reading:
    """All words of a text.

    Attributes:
        forms: Each word as it first appears.
        word_ids: Uint32 `[n_words]`; 0 for special ones and tokens.
        places: Int64 `[n_places, 2]`, the characters `[start, end)` where words stand, one word after the other.
        offsets: Int64 `[n_words + 1]`; word i has the places `offsets[i]:offsets[i + 1]`.
        end: The character where reading ended; None where the tokenizer does not tell.
    """

    forms: list[str]
    word_ids: NDArray[np.uint32]
    places: Ints
    offsets: Ints
    end: int | None

    @cached_property
    def words(self) -> list[TextWord]:
        """Each word as an object."""
        places = list(zip(*self.places.T.tolist(), strict=True))
        spans = [tuple(places[first:last]) for first, last in pairwise(self.offsets.tolist())]
        return list(map(TextWord, self.forms, self.word_ids.tolist(), spans))


def read(encoder: Encoder, text: str, task: Task) -> Reading:
    """What the encoder's model reads of a text, in all its windows, without computing its vectors."""
    windows, _ = encoder.windows(text, task)
    prompt = encoder.prompt(task)
    sources = [prompt + text[first:stop] for first, stop in windows]
    read_tokens = encoder.tokens([text[first:stop] for first, stop in windows], task)
    characters = _characters(read_tokens, sources)
    tokens, mask = read_tokens.scored()
    slots, starts, ids = _words(encoder, tokens, mask)
    rows, firsts, lasts = _occurrences(slots, starts)
    # As the vectors of windows are joined: words by identity, special tokens by their order.
    words, word_ids = _joined(ids, alone=encoder.word_table is None)
    word = words[rows, slots[rows, firsts]]
    order = np.argsort(word, kind="stable")
    rows, firsts, lasts, word = rows[order], firsts[order], lasts[order], word[order]
    begins = np.flatnonzero(np.diff(word, prepend=-1))
    forms = [""] * len(begins)
    places, of_word, end = np.zeros((0, 2), np.int64), np.zeros(0, np.int64), None
    if characters is not None:
        spans = np.stack([characters[rows, firsts, 0], characters[rows, lasts, 1]], axis=1)
        forms = [
            sources[row][first:last]
            for row, (first, last) in zip(rows[begins].tolist(), spans[begins].tolist(), strict=True)
        ]
        moved = np.maximum(spans - len(prompt), 0)
        inside = moved[:, 0] < moved[:, 1]
        offset = np.array([first for first, _ in windows])
        places, of_word = _once(moved[inside] + offset[rows[inside], None], word[inside])
        end = windows[-1][0] + max(0, int(characters[-1, :, 1].max(initial=0)) - len(prompt))
    for number, place in enumerate(begins.tolist()):
        if not forms[number]:
            piece = tokens[rows[place], firsts[place] : lasts[place] + 1]
            forms[number] = _form(encoder, piece.tolist(), int(word_ids[number]))
    return Reading(forms, word_ids, places, np.searchsorted(of_word, np.arange(len(forms) + 1)), end)


def _words(encoder: Encoder, tokens: Ints, mask: Flags) -> tuple[Ints, Flags, list[NDArray[np.uint32]]]:
    """The slot of every token in its window (−1: none), whether a word begins there, and the words of each window."""
    table, pooling = encoder.word_table, encoder.pooling
    if table is None or pooling is None:
        slots = np.where(mask, np.cumsum(mask, axis=1) - 1, -1)
        return slots, np.ones_like(mask), [np.zeros(n, np.uint32) for n in mask.sum(axis=1).tolist()]
    words = table.words(tokens, mask, keep_special=pooling.keep_special)
    ids = [row[:n] for row, n in zip(words.word_ids, words.counts.tolist(), strict=True)]
    return words.slots, table.starts(tokens), ids


def _occurrences(slots: Ints, starts: Flags) -> tuple[Ints, Ints, Ints]:
    """Window, first token and last token of every occurrence of a word, in their order."""
    begins = starts.copy()
    begins[:, :1] = True
    begins[:, 1:] |= slots[:, 1:] != slots[:, :-1]
    firsts = np.flatnonzero(begins)
    lasts = np.append(firsts, slots.size)[1:] - 1
    words = slots.ravel()[firsts] >= 0
    rows, places = np.divmod(firsts[words], slots.shape[1])
    return rows, places, lasts[words] - rows * slots.shape[1]


def _joined(ids: list[NDArray[np.uint32]], *, alone: bool) -> tuple[Ints, NDArray[np.uint32]]:
    """The number of the word in each slot of each window, by first appearance, and the identities of all words.

    Args:
        ids: The identities in each window's slots.
        alone: No word is another's equal.
    """
    counts = np.array([len(row) for row in ids])
    held = np.arange(counts.max(initial=0)) < counts[:, None]
    keys = np.zeros(held.shape, np.int64)
    keys[held] = np.arange(counts.sum()) if alone else np.concatenate(ids)
    if not alone:
        special = held & (keys == 0)
        keys = np.where(special, _SPECIAL + np.cumsum(special, axis=1), keys)
    _, first, inverse = np.unique(keys[held], return_index=True, return_inverse=True)
    order = np.argsort(first)
    words = np.full(held.shape, -1)
    words[held] = np.argsort(order)[inverse]
    return words, np.concatenate(ids)[first[order]]


def _once(places: Ints, word: Ints) -> tuple[Ints, Ints]:
    """The places of words without repetition, and the word of each: windows overlap, so that a place may be in two."""
    order = np.lexsort([places[:, 1], places[:, 0], word])
    all_of = np.column_stack([word, places])[order]
    firsts = np.sort(order[np.append(True, (all_of[1:] != all_of[:-1]).any(axis=1))[: len(order)]])
    return places[firsts], word[firsts]


def _characters(tokens: Tokens, sources: list[str]) -> Ints | None:
    """The characters `[start, end)` of every token, `[n_texts, n_tokens, 2]`, without the white space around them.

    None where the tokenizer does not tell.
    """
    spans = tokens.offsets()
    if spans is None:
        return None
    letters = np.frombuffer("".join(sources).encode("utf-32-le"), np.uint32)
    blank = np.isin(letters, _SPACES)
    place = np.arange(len(letters) + 1)
    # From every character on, the next one that is not blank; before it, the end of the last one.
    after = np.minimum.accumulate(np.where(np.append(blank, False), len(letters), place)[::-1])[::-1]
    before = np.maximum.accumulate(np.where(np.append(True, blank), 0, place))
    first = np.cumsum([0, *map(len, sources[:-1])])[:, None]
    starts = np.minimum(after[first + spans[..., 0]] - first, spans[..., 1])
    ends = np.maximum(before[first + spans[..., 1]] - first, starts)
    return np.stack([starts, ends], axis=-1)


def _form(encoder: Encoder, tokens: list[int], word_id: int) -> str:
    if encoder.word_table is not None and word_id:
        return encoder.word_table.to_text(tokens).strip()
    return " ".join(encoder.token_names(tokens))
