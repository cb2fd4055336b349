"""A collection made ready for an experiment: its queries chosen, its documents counted and known by a fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

from wordhive.index import InputError
from wordhive.index.arguments import given_path
from wordhive.retrieval.progress import progress_bar

from ..experiment import CollectionSpec
from .collection import Collection
from .joined import joined
from .loading import collection_of_files, load_collection


@dataclass(frozen=True)
class Prepared:
    """A collection whose documents were read through once.

    Attributes:
        collection: With the queries that are used, and their judgements.
        fingerprint: Of ids and texts of all documents.
    """

    spec: CollectionSpec
    collection: Collection
    fingerprint: str
    n_documents: int

    @property
    def stamp(self) -> dict[str, str]:
        """Tells documents and queries from others."""
        queries = hashlib.sha256(json.dumps(self.collection.queries).encode()).hexdigest()
        return {"documents": self.fingerprint, "queries": queries}

    @property
    def qrels_stamp(self) -> str:
        """Tells the judgements from others."""
        return hashlib.sha256(json.dumps(self.collection.qrels, sort_keys=True).encode()).hexdigest()


def prepare(spec: CollectionSpec) -> Prepared:
    """Load a collection and read its documents through, which completes its warnings."""
    collection = chosen(spec)
    digest, n_documents = hashlib.sha256(), 0
    with progress_bar(f"Reading {spec.title}", None) as advance:
        for document in collection.documents():
            digest.update(json.dumps([document.id, document.text]).encode())
            n_documents += 1
            advance(1)
    if not n_documents:
        raise InputError(f"{spec.place} holds no documents")
    return Prepared(spec, collection, digest.hexdigest(), n_documents)


def on_split(spec: CollectionSpec, split: str) -> CollectionSpec:
    """The specification of another split's queries, all of them, on the same documents.

    Args:
        split: Of a folder; of an ir_datasets id the last part of another id, or a whole one.

    Raises:
        InputError: It is the same split, or there is no other.
    """
    if spec.source is None:
        raise InputError(f"tune_on is {split!r}, but {spec.title}, made of three files, has one split; take a folder")
    if given_path(spec.source).is_dir():
        source, same = spec.source, split == spec.split
    else:
        source = split if "/" in split else f"{spec.source.rpartition('/')[0]}/{split}"
        same = source == spec.source
    if same:
        raise InputError(
            f"tune_on is {split!r}, the very split of {spec.title} that is measured; choose another, such as train"
        )
    return spec.model_copy(update={"name": spec.title, "source": source, "split": split, "queries": None})


def prepare_split(prepared: Prepared, split: str) -> Prepared:
    """The same documents with another split's queries; see `on_split`."""
    spec = on_split(prepared.spec, split)
    return replace(prepared, spec=spec, collection=replace(chosen(spec), documents=prepared.collection.documents))


def chosen(spec: CollectionSpec) -> Collection:
    """The collection with the queries that a specification asks for."""
    if spec.documents is not None:
        queries_file, qrels = str(spec.queries_file), str(spec.qrels)
        collection = collection_of_files(Path(spec.documents), Path(queries_file), Path(qrels), name=spec.title)
    else:
        collection = load_collection(spec.place, spec.split)
    if spec.join is not None:
        collection = joined(collection, spec.join.by, spec.join.parts)
    queries = dict(list(collection.queries.items())[: spec.queries])
    return replace(collection, queries=queries, qrels={id: collection.qrels[id] for id in queries})
