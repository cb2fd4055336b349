"""The documents of a collection, encoded once."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

from wordhive.index import InputError, WordVectors
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.shards import check_model, read_shard_documents, read_shards, whole_shards, write_shards

from .collections.collection import Collection


def encode(collection: Collection, shards: Path, encoder: Encoder, n: int | None) -> int:
    """Encode the first n documents of a collection unless they are encoded; the number of them."""
    if not whole_shards(shards):
        write_shards(islice(collection.documents(), n), shards, encoder, total=n)
    check_model(shards, encoder.stamp)
    held = chain.from_iterable(read_shard_documents(shards))
    number = 0
    for number, document in enumerate(islice(collection.documents(), n), 1):
        if (found := next(held, None)) is None or (found.id, found.text) != (document.id, document.text):
            raise InputError(
                f"{shards} does not hold document {document.id!r}, number {number:,} of {collection.name}; "
                "choose another folder for the shards"
            )
    if n is None and next(held, None) is not None:
        raise InputError(f"{shards} holds more documents than {collection.name}; choose another folder for the shards")
    return number


def first_documents(shards: Path, n: int) -> WordVectors:
    """The vectors of the first n documents of encoded shards."""
    parts: list[WordVectors] = []
    for _, documents in read_shards(shards):
        parts.append(documents[: n - sum(map(len, parts))])
        if sum(map(len, parts)) == n:
            break
    return WordVectors.concat(parts)
