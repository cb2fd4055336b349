"""Whole words from token ids, and their identity.

A vocabulary table says of every token whether it begins a word, so that the words of a batch are found
with a few array operations. Only a word's *form* needs its text, once: it is looked up by its piece
sequence ever after.

What counts as a word: the pieces between white space, with every punctuation mark and every CJK
ideograph a word of its own (ColBERTer section 3.2, which splits as BERT does). Special tokens are no words.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError

_WORDPIECE, _METASPACE, _BYTE_LEVEL = "##", "▁", "Ġ"
_BYTE_PIECE = re.compile("<0x([0-9A-F]{2})>")

# A scheme is recognised by the share of the vocabulary that carries its mark.
_MARK_SHARE = 0.05


@dataclass(frozen=True)
class BatchWords:
    """Which unique word each token of a batch belongs to.

    Attributes:
        slots: int64 `[n_texts, n_tokens]`, the word's number within its text in order of first appearance; -1: no
            word.
        counts: int64 `[n_texts]`, unique words of each text.
        word_ids: uint32 `[n_texts, max(counts)]`, identities; 0 past a text's count and for kept special tokens.
    """

    slots: NDArray[np.int64]
    counts: NDArray[np.int64]
    word_ids: NDArray[np.uint32]


def word_identity(form: str) -> int:
    """The identity of a normalised word, in 1 … 2³²−1 (0 is reserved): the first 4 bytes of its SHA-256,
    little-endian, as in the ColBERTer reference."""
    return int.from_bytes(hashlib.sha256(form.encode()).digest()[:4], "little") or 1


@dataclass(frozen=True)
class Borders:
    """What the pieces of a vocabulary say about the borders of words, each bool `[n_vocabulary]`.

    Attributes:
        begins: The piece begins a word whatever stands before it.
        ends: The piece after it begins one.
        inside: The piece begins with the rest of a character, and so never a word.
        rest: The piece is nothing but the rest of a character; it ends a word where the character does.
    """

    begins: NDArray[np.bool_]
    ends: NDArray[np.bool_]
    inside: NDArray[np.bool_]
    rest: NDArray[np.bool_]

    @classmethod
    def of(cls, vocabulary: dict[str, int], size: int, scheme: str) -> Borders:
        """The borders of a vocabulary whose pieces follow a scheme, "##", "▁" or "Ġ"."""
        table = np.zeros((4, size), np.bool_)
        table[0] = True
        for piece, token in vocabulary.items():
            if scheme == _WORDPIECE:
                table[0, token] = not piece.startswith(_WORDPIECE)
            else:
                table[:, token] = _byte_borders(_piece_bytes(piece, scheme))
        return cls(*table)

    def starts(self, tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a word begins at each token of `[n_texts, n_tokens]`, as far as its neighbours say."""
        ends = self.ends[tokens]
        rest = self.rest[tokens]
        if rest.any():
            place = np.where(rest, 0, np.arange(tokens.shape[1]))
            ends = np.take_along_axis(ends, np.maximum.accumulate(place, axis=1), axis=1)
        starts = self.begins[tokens]
        starts[:, 1:] |= ends[:, :-1] & ~self.inside[tokens[:, 1:]]
        return np.asarray(starts, np.bool_)


@dataclass
class WordTable:
    """What the tokens of one vocabulary do to whole words.

    Attributes:
        borders: What each token does by itself.
        special: Bool `[n_vocabulary]`; the token is part of no word.
        to_text: Token ids → the text they stand for.
        normalise: A word's text → the form that decides its identity.
    """

    borders: Borders
    special: NDArray[np.bool_]
    to_text: Callable[[list[int]], str]
    normalise: Callable[[str], str]
    _identities: dict[int, int] = field(default_factory=dict, repr=False)

    @classmethod
    def from_tokenizer(cls, tokenizer: Any, *, stem: str | None = None) -> WordTable:
        """The table of a transformers tokenizer, WordPiece or with ▁ / Ġ marks.

        Args:
            stem: A Snowball algorithm ("porter", "english", …) or None; words are lower-cased either way.

        Raises:
            InputError: A vocabulary without whole-word marks.
        """
        vocabulary: dict[str, int] = tokenizer.get_vocab()
        size = max(vocabulary.values(), default=-1) + 1
        scheme = _scheme(vocabulary)
        special = np.zeros(size, np.bool_)
        special[[token for token in _special_tokens(tokenizer) if 0 <= token < size]] = True
        pieces = {token: piece for piece, token in vocabulary.items()}

        def to_text(tokens: list[int]) -> str:
            text: str = tokenizer.convert_tokens_to_string([pieces[token] for token in tokens])
            return text.replace(_WORDPIECE, "") if scheme == _WORDPIECE else text

        return cls(Borders.of(vocabulary, size, scheme), special, to_text, _normaliser(stem))

    def words(self, token_ids: NDArray[np.int64], mask: NDArray[np.bool_], *, keep_special: bool = False) -> BatchWords:
        """The unique words of each text in a padded batch.

        Args:
            token_ids: `[n_texts, n_tokens]`.
            mask: Same shape, True where a token counts; a token outside it still separates words.
            keep_special: Special tokens within the mask become entries of their own, with identity 0.
        """
        n_texts, n_tokens = token_ids.shape
        special = self.special[token_ids]
        starts = self.starts(token_ids)
        # One number for each run of tokens: a word occurrence, or one special token.
        occurrence = np.cumsum(starts.ravel()) - 1
        identities = self._occurrence_identities(token_ids.ravel(), occurrence)
        identities[special.ravel()[np.flatnonzero(starts)]] = 0
        counted = mask & (~special | keep_special)
        # A text without a form (a lone space mark) is no word.
        counted &= special | (identities[occurrence].reshape(token_ids.shape) > 0)
        return _unique_within_texts(counted, special, occurrence.reshape(n_texts, n_tokens), identities)

    def starts(self, token_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether a word, or a special token, begins at each token of `[n_texts, n_tokens]`."""
        special = self.special[token_ids]
        starts = self.borders.starts(token_ids) | special
        starts[:, 1:] |= special[:, :-1]
        starts[:, :1] = True
        return np.asarray(starts, np.bool_)

    def _occurrence_identities(self, tokens: NDArray[np.int64], occurrence: NDArray[np.int64]) -> NDArray[np.int64]:
        if not len(tokens):
            return np.zeros(0, np.int64)
        firsts = np.flatnonzero(np.diff(occurrence, prepend=-1))
        place = np.arange(len(tokens)) - firsts[occurrence]
        keys = np.add.reduceat(_mix(tokens, place), firsts)
        unique, example, inverse = np.unique(keys, return_index=True, return_inverse=True)
        ends = np.append(firsts[1:], len(tokens))
        known = self._identities
        identities = np.empty(len(unique), np.int64)
        for position, key in enumerate(unique.tolist()):
            identity = known.get(key)
            if identity is None:
                first, end = firsts[example[position]], ends[example[position]]
                form = self.normalise(self.to_text(tokens[first:end].tolist()))
                identity = known[key] = word_identity(form) if form else 0
            identities[position] = identity
        return identities[inverse]


def _unique_within_texts(
    counted: NDArray[np.bool_],
    special: NDArray[np.bool_],
    occurrence: NDArray[np.int64],
    identities: NDArray[np.int64],
) -> BatchWords:
    n_texts = len(counted)
    text, token = np.nonzero(counted)
    run = occurrence[text, token]
    # Equal words share their identity; a kept special token shares with nothing, so it is keyed by its run.
    within = np.where(special[text, token], run + 2**32, identities[run])
    keys = text * (2**33 + occurrence.size) + within
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # tokens stand in text order, so this is (text, first appearance)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    owners = text[first[order]]
    counts = np.bincount(owners, minlength=n_texts).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(counts)])
    slots = np.full(counted.shape, -1, np.int64)
    slots[text, token] = rank[inverse] - starts[text]
    word_ids = np.zeros((n_texts, int(counts.max(initial=0))), np.uint32)
    word_ids[owners, np.arange(len(order)) - starts[owners]] = identities[run[first[order]]]
    return BatchWords(slots, counts, word_ids)


def _mix(tokens: NDArray[np.int64], place: NDArray[np.int64]) -> NDArray[np.int64]:
    # splitmix64 of (token, place): summed over a word it is a 64-bit key of its piece sequence.
    x = tokens.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + place.astype(np.uint64) * np.uint64(
        0xD1B54A32D192ED03
    )
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.int64] = (x ^ (x >> np.uint64(31))).astype(np.int64)
    return mixed


def _scheme(vocabulary: dict[str, int]) -> str:
    schemes = (_WORDPIECE, _METASPACE, _BYTE_LEVEL)
    marks = {mark: sum(piece.startswith(mark) for piece in vocabulary) for mark in schemes}
    scheme = max(marks, key=lambda mark: marks[mark])
    if marks[scheme] < _MARK_SHARE * len(vocabulary):
        raise InputError(
            "this model's vocabulary marks no word borders (expected ##, ▁ or Ġ on its pieces), so whole words "
            "cannot be found from its tokens; load it with words=False to keep one vector a token"
        )
    return scheme


def _special_tokens(tokenizer: Any) -> set[int]:
    # An unknown token stands for a word, if for one that can't be told from others; unless it ends texts as well.
    roles = ("bos", "eos", "pad", "cls", "sep", "mask")
    markers = {getattr(tokenizer, f"{role}_token_id", None) for role in roles}
    return set(tokenizer.all_special_ids) - ({tokenizer.unk_token_id} - markers)


def _piece_bytes(piece: str, scheme: str) -> bytes:
    """The UTF-8 bytes that a piece stands for: whole characters, or the beginning, middle or end of one."""
    if scheme == _BYTE_LEVEL:
        return b"".join(_BYTES.get(character, character.encode()) for character in piece)
    match = _BYTE_PIECE.fullmatch(piece)
    return bytes([int(match[1], 16)]) if match else piece.replace(_METASPACE, " ").encode()


def _byte_level_alphabet() -> dict[str, bytes]:
    # GPT-2's: a printable byte of Latin-1 stands for itself, the others for the characters from 256 on.
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): bytes([byte]) for byte in printable} | {
        chr(256 + place): bytes([byte]) for place, byte in enumerate(others)
    }


_BYTES = _byte_level_alphabet()


def _byte_borders(data: bytes) -> tuple[bool, bool, bool, bool]:
    """begins, ends, inside and rest of a piece; see `Borders`."""
    leads = [place for place, byte in enumerate(data) if not 0x80 <= byte < 0xC0]
    if not leads:
        return not data, False, bool(data), bool(data)
    inside = leads[0] > 0
    first, last = _character(data[: leads[1]] if len(leads) > 1 else data), _character(data[leads[-1] :])
    # A space begins a word, the one that it stands before; any other white space ends one too.
    begins = not inside and (first.isspace() or _stands_alone(first))
    return begins, last != " " and (last.isspace() or _stands_alone(last)), inside, False


def _character(data: bytes) -> str:
    """The character that bytes begin; where some are missing, one from the middle of what it can be."""
    length = 1 + sum(data[0] >= lead for lead in (0xC0, 0xE0, 0xF0))
    if data == b"\xe2":
        return "\u2010"  # nearly all text from U+2000 to U+2FFF is punctuation
    middle = b"\x9f" + b"\xbf" * 3
    return (data + middle[: max(0, length - len(data))])[:length].decode(errors="replace")[0]


def _stands_alone(character: str) -> bool:
    if unicodedata.category(character).startswith("P") or character in "$+<=>^`|~":
        return True
    return _is_cjk(ord(character))


def _is_cjk(code: int) -> bool:
    return (
        0x4E00 <= code <= 0x9FFF  # unified ideographs
        or 0x3400 <= code <= 0x4DBF  # extension A
        or 0x20000 <= code <= 0x2EBEF  # extensions B to F
        or 0xF900 <= code <= 0xFAFF  # compatibility ideographs
        or 0x3040 <= code <= 0x30FF  # kana
    )


def _normaliser(stem: str | None) -> Callable[[str], str]:
    if stem is None:
        return lambda text: text.strip().lower()
    import snowballstemmer

    if stem not in snowballstemmer.algorithms():
        raise InputError(f"no stemmer {stem!r}; choose one of {', '.join(snowballstemmer.algorithms())}, or None")
    stemmer = snowballstemmer.stemmer(stem)

    def normalise(text: str) -> str:
        word = text.strip().lower()
        # Porter's own program leaves words of one or two letters alone; Snowball's makes "i" of "is", nothing of "s".
        return str(stemmer.stemWord(word)) if len(word) > 2 else word

    return normalise
