"""Vectors, encodings, codecs and storage; knows nothing of text models."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import IndexConfig as IndexConfig
    from .config import MuveraConfig as MuveraConfig
    from .errors import InputError as InputError
    from .errors import WordhiveError as WordhiveError
    from .index import Index as Index
    from .word_vectors import WordVectors as WordVectors

_HOMES = {
    "Index": "index",
    "IndexConfig": "config",
    "InputError": "errors",
    "MuveraConfig": "config",
    "WordVectors": "word_vectors",
    "WordhiveError": "errors",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    # Kernels take a second to import: an index of which only its catalog is read does without them.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
