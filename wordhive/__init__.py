"""Late-interaction search with one small vector per whole word."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from wordhive.index.config import IndexConfig as IndexConfig
    from wordhive.index.errors import InputError as InputError
    from wordhive.index.errors import WordhiveError as WordhiveError
    from wordhive.index.index import Index as Index
    from wordhive.index.word_vectors import WordVectors as WordVectors
    from wordhive.retrieval.encoder import Encoder as Encoder
    from wordhive.retrieval.explanation import Explanation as Explanation
    from wordhive.retrieval.hits import Hit as Hit
    from wordhive.retrieval.hits import Hits as Hits
    from wordhive.retrieval.retriever import Retriever as Retriever
    from wordhive.retrieval.searcher import Searcher as Searcher
    from wordhive.retrieval.texts.documents import Document as Document

_HOMES = {
    "Document": "wordhive.retrieval.texts.documents",
    "Encoder": "wordhive.retrieval.encoder",
    "Explanation": "wordhive.retrieval.explanation",
    "Hit": "wordhive.retrieval.hits",
    "Hits": "wordhive.retrieval.hits",
    "Index": "wordhive.index.index",
    "IndexConfig": "wordhive.index.config",
    "InputError": "wordhive.index.errors",
    "Retriever": "wordhive.retrieval.retriever",
    "Searcher": "wordhive.retrieval.searcher",
    "WordVectors": "wordhive.index.word_vectors",
    "WordhiveError": "wordhive.index.errors",
}

__all__ = ["__version__", *sorted(_HOMES)]


def __getattr__(name: str) -> Any:
    # Torch and FAISS take seconds to import: they are loaded when a name that needs them is first used.
    if name not in _HOMES:
        raise AttributeError(f"module 'wordhive' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
