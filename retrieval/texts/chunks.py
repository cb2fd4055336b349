"""Documents that are longer than what a model reads: how many there are, and how to cut them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from sentence_transformers.base.modules import Transformer

from wordhive.index import InputError

from ..encoder import Encoder
from .documents import Document

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n\s*\n")
_SPACE = re.compile(r"\s+")
_TEXTS_AT_ONCE = 256


def window(encoder: Encoder) -> int | None:
    """The tokens of a document that the model reads, its special ones and its prompt among them; None: all."""
    for module in encoder.model:
        if isinstance(module, Transformer):
            longest: int | None = module.document_length or module.max_seq_length
            return longest
    return None


def truncated_share(documents: Iterable[Document], encoder: Encoder, total: int, sample: int = 1000) -> float:
    """The share of documents that are longer than the model's window, by every so many of them.

    Args:
        total: Their number.
        sample: Documents to look at, about; the text beyond the window is not encoded.
    """
    longest = window(encoder)
    chosen = islice(documents, 0, None, max(1, total // sample))
    longer = looked_at = 0
    while texts := [document.text for document in islice(chosen, _TEXTS_AT_ONCE)]:
        longer += sum(longest is not None and n > longest for n in _counts(encoder, texts, whole=True))
        looked_at += len(texts)
    return longer / looked_at if looked_at else 0.0


def chunked(documents: Iterable[Document], encoder: Encoder, *, overlap: int = 32) -> Iterator[Document]:
    """Documents cut into chunks that the model reads whole, in their order; `document_of` gives back the document's id.

    A chunk ends with a sentence, or inside of one that is longer than the window with a word. Only a word that is
    longer stays so.

    Args:
        overlap: Tokens at most that a chunk shares with the one before. Every document has a chunk, with its
            attributes.

    Raises:
        InputError: An overlap that leaves less than half a window for new text.
    """
    longest = window(encoder)
    room = None if longest is None else longest - _counts(encoder, [""], whole=True)[0]
    if overlap < 0 or (room is not None and 2 * overlap > room):
        raise InputError(f"overlap is {overlap} tokens; expected 0 to {(room or 0) // 2}, half of the model's window")
    for document in documents:
        texts = [document.text] if room is None else _cut(document.text, encoder, room, overlap)
        for number, text in enumerate(texts, 1):
            yield Document(f"{document.id}#{number}", text, document.attributes)


def document_of(chunk: str) -> str:
    """The id of the document that a chunk is of."""
    return chunk.rpartition("#")[0]


def _cut(text: str, encoder: Encoder, room: int, overlap: int) -> Iterator[str]:
    if _counts(encoder, [text])[0] <= room:
        yield text
        return
    pieces = _pieces(text, encoder, room)
    first = 0
    while first < len(pieces):
        end, n_tokens = first, 0
        while end < len(pieces) and (end == first or n_tokens + pieces[end][1] <= room):
            n_tokens += pieces[end][1]
            end += 1
        yield "".join(piece for piece, _ in pieces[first:end]).strip()
        # The next one begins with the last pieces again, as long as they and one more fit.
        again, shared = end, 0
        while end < len(pieces) and again - 1 > first and shared + pieces[again - 1][1] <= overlap:
            again -= 1
            shared += pieces[again][1]
        first = end if end < len(pieces) and shared + pieces[end][1] > room else again


def _pieces(text: str, encoder: Encoder, room: int) -> list[tuple[str, int]]:
    """Sentences with the white space after them, and their tokens; words of those that do not fit a window."""
    pieces: list[tuple[str, int]] = []
    sentences = _split(text, _SENTENCE_END)
    for sentence, n_tokens in zip(sentences, _counts(encoder, sentences), strict=True):
        if n_tokens <= room:
            pieces.append((sentence, n_tokens))
        else:
            words = _split(sentence, _SPACE)
            pieces += zip(words, _counts(encoder, words), strict=True)
    return pieces


def _split(text: str, border: re.Pattern[str]) -> list[str]:
    ends = [match.end() for match in border.finditer(text)]
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True) if a < b]


def _counts(encoder: Encoder, texts: list[str], whole: bool = False) -> list[int]:
    """Tokens of each text.

    Args:
        whole: With the special ones and the prompt of a document.
    """
    prompt = encoder.prompt("document") if whole else ""
    found = encoder.model.tokenizer(
        [prompt + text for text in texts], add_special_tokens=whole, truncation=False, verbose=False
    )
    return [len(tokens) for tokens in found["input_ids"]]
