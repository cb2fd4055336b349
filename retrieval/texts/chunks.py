"""Documents that are longer than a model's window: how many there are, and how to cut them into documents of their own.

An encoder reads whole documents. Chunks are what other engines search instead: a baseline for comparisons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from wordhive.index import InputError

from ..encoder import Encoder
from ..windows.windows import OVERLAP
from .documents import Document

_TEXTS_AT_ONCE = 256
# Enough to be longer than any window.
_CHARACTERS_READ = 2**18


def window(encoder: Encoder) -> int | None:
    """The tokens of a document that the model reads at once, its special ones and its prompt among them; None: all."""
    return encoder.longest_input("document")


def longer_share(documents: Iterable[Document], encoder: Encoder, total: int, sample: int = 1000) -> float:
    """The share of documents that are longer than the model's window, by every so many of them.

    Args:
        total: Their number.
        sample: Documents to look at, about.
    """
    longest = window(encoder)
    chosen = islice(documents, 0, None, max(1, total // sample))
    longer = looked_at = 0
    prompt = encoder.prompt("document")
    while texts := [prompt + document.text[:_CHARACTERS_READ] for document in islice(chosen, _TEXTS_AT_ONCE)]:
        counts = encoder.token_counts(texts, special=True)
        longer += sum(longest is not None and n > longest for n in counts)
        looked_at += len(texts)
    return longer / looked_at if looked_at else 0.0


def chunked(documents: Iterable[Document], encoder: Encoder, *, overlap: int = OVERLAP) -> Iterator[Document]:
    """Documents cut into chunks that fit the model's window, in their order; `document_of` gives back a document's id.

    A chunk ends with a sentence, or inside of one that is longer than the window with a word.

    Args:
        overlap: Tokens at most that a chunk shares with the one before. Every document has a chunk, with its
            attributes.

    Raises:
        InputError: An overlap that leaves less than half a window for new text.
    """
    windows = encoder.windows_of("document", overlap)
    if overlap < 0 or (windows is not None and 2 * overlap > windows.room):
        most = 0 if windows is None else windows.room // 2
        raise InputError(f"overlap is {overlap} tokens; expected 0 to {most}, half of the model's window")
    for document in documents:
        spans = [(0, len(document.text))] if windows is None else windows.spans(document.text)
        for number, (start, end) in enumerate(spans, 1):
            yield Document(f"{document.id}#{number}", document.text[start:end].strip(), document.attributes)


def document_of(chunk: str) -> str:
    """The id of the document that a chunk is of."""
    return chunk.rpartition("#")[0]
