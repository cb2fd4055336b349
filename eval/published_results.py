"""Results that others published, kept in published.yaml with their sources."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import Field

from wordhive.index.config_file import ConfigPart, parse, read_yaml


class PublishedResult(ConfigPart):
    """A value, and where it is printed."""

    value: float = Field(ge=0, le=1)
    source: str = Field(min_length=1)


class PublishedCollection(ConfigPart):
    """What systems have on a collection.

    Attributes:
        measure: Such as "ndcg@10".
    """

    measure: str
    systems: dict[str, PublishedResult]


class _Published(ConfigPart):
    sources: tuple[str, ...]
    collections: dict[str, PublishedCollection]


def published(collection: str, measure: str) -> dict[str, tuple[float, str]]:
    """System → value of the measure, and its source; empty where nothing is known.

    Args:
        collection: An ir_datasets id.
    """
    known = _read().collections.get(collection)
    if known is None or known.measure != measure:
        return {}
    return {name: (result.value, result.source) for name, result in known.systems.items()}


@cache
def _read() -> _Published:
    path = Path(__file__).with_name("published.yaml")
    return parse(_Published, read_yaml(path), str(path))
