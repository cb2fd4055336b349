"""Documents cut into chunks, and runs of chunks as runs of documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.texts.chunks import chunked, document_of

from ..collections.collection import Collection
from ..runs import Run, merge_chunks


def cut(collection: Collection, encoder: Encoder, overlap: int) -> Collection:
    """The collection with chunks in place of its documents."""
    return replace(collection, documents=lambda: chunked(collection.documents(), encoder, overlap=overlap))


def most(ids: Iterable[str]) -> int:
    """The number of chunks of the document that has most."""
    return max(Counter(map(document_of, ids)).values(), default=1)


def merged(run: Run, depth: int) -> Run:
    """A run of chunks with each document at its best one, cut to so many documents."""
    return {id: dict(list(found.items())[:depth]) for id, found in merge_chunks(run).items()}
