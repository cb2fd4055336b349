"""The index of a collection at a path of the user's choice: made, completed, or used again."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

from wordhive.index import Index, IndexConfig, InputError
from wordhive.index.quantity import quantity
from wordhive.retrieval.encoder import DEFAULT_MODEL
from wordhive.retrieval.retriever import Model, Retriever

from ..collections.collection import Collection


def indexed(
    collection: Collection,
    path: Path,
    model: Model | None = None,
    config: str | Path | None = None,
    device: str = "cpu",
) -> tuple[Retriever, float | None]:
    """The collection's index at `path`: made if it is not there, completed if it is half done; and the seconds of it.

    Seconds are None unless the whole index was made.

    Args:
        model, config: None takes the index's own, or the defaults.

    Raises:
        InputError: The index holds other documents, or has another model or configuration, and adds nothing.
    """
    if not path.exists():
        retriever = Retriever.create(path, model or DEFAULT_MODEL, config=config, device=device)
    else:
        retriever = Retriever.open(path, model, device=device)
        if config is not None and IndexConfig.load(config) != retriever.index.settings.config:
            raise InputError(f"{path} was made with another configuration than {str(config)!r}; choose another --index")
    total, held = _counted(collection, retriever.index)
    if held == total:
        return retriever, None
    started = time.perf_counter()
    retriever.add(collection.documents(), skip_known=True, total=total)
    return retriever, None if held else round(time.perf_counter() - started, 1)


def _counted(collection: Collection, index: Index) -> tuple[int, int]:
    """Documents of the collection, and how many of them the index holds; it may hold no others."""
    total = held = 0
    source = collection.documents()
    while part := list(islice(source, 4096)):
        total += len(part)
        texts = index.snapshot().texts([document.id for document in part])
        held += len(texts)
        for document in part:
            if texts.get(document.id) not in (None, document.text):  # an index may keep no texts
                raise InputError(
                    f"{index.path} holds another text of document {document.id!r} than {collection.name}; "
                    "choose another index"
                )
    if held != len(index):
        raise InputError(
            f"{index.path} holds {quantity(len(index) - held, 'document')} that {collection.name} has "
            f"not; choose another index"
        )
    return total, held
