"""Long documents made of short ones: a collection whose documents of one article, say, are joined to one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from wordhive.index import InputError
from wordhive.index.arguments import shown
from wordhive.retrieval.texts.documents import Document

from ..runs import Qrels
from .collection import Collection


def joined(collection: Collection, by: str, parts: int | None = None) -> Collection:
    """The collection with the documents that have the same value of an attribute joined to one, in their order.

    A joined document is relevant to a query as much as the most relevant of its parts. Documents without the attribute
    stay as they are.

    Args:
        collection: The collection of short documents.
        by: The attribute, such as "title".
        parts: Documents that are joined, at most; the next so many make another document. None: all of a value.

    Raises:
        InputError: No document has the attribute.
    """
    owners = _owners(collection, by, parts)
    if all(owner == id for id, owner in owners.items()):
        raise InputError(f"no document of {collection.name} has the attribute {by!r}, so there is nothing to join")
    qrels: Qrels = {}
    for query, grades in collection.qrels.items():
        whole = qrels.setdefault(query, {})
        for id, grade in grades.items():
            owner = owners.get(id, id)
            whole[owner] = max(grade, whole.get(owner, grade))
    return replace(collection, documents=lambda: _documents(collection, by, owners), qrels=qrels)


def _owners(collection: Collection, by: str, parts: int | None) -> dict[str, str]:
    """The id of the joined document that each document goes into."""
    owners: dict[str, str] = {}
    held: Counter[str] = Counter()
    for document in collection.documents():
        value = document.attributes.get(by)
        if value is None:
            owners[document.id] = document.id
            continue
        name = value if isinstance(value, str) else shown(value)
        owners[document.id] = name if parts is None else f"{name}/{held[name] // parts + 1}"
        held[name] += 1
    return owners


def _documents(collection: Collection, by: str, owners: dict[str, str]) -> Iterator[Document]:
    whole: dict[str, list[Document]] = {}
    for document in collection.documents():
        whole.setdefault(owners[document.id], []).append(document)
    for id, parts in whole.items():
        first = parts[0]
        value = first.attributes.get(by)
        texts = [first.text, *(_without(part.text, value) for part in parts[1:])]
        yield first if id == first.id else Document(id, "\n\n".join(texts), {by: value})


def _without(text: str, value: object) -> str:
    """A text without the title before it, which the first part has already."""
    return text.removeprefix(value).lstrip() if isinstance(value, str) else text
