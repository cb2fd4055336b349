"""How an index codes its documents now, and from how many documents on as it is configured."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import IndexConfig
from ..reading.snapshot import Snapshot
from ..storage.training import codecs_from, first_stage_from


@dataclass(frozen=True)
class Coding:
    """How the documents of an index are coded.

    Attributes:
        used: The configuration of the last parameters; None before the first document.
        n_unencoded: Documents without a vector of the first stage, which every search scores.
        first_stage_from: Number of documents from which on the first stage is as configured; 1: from the first
            document.
        codecs_from: The same for the codecs.
    """

    used: IndexConfig | None
    n_unencoded: int
    first_stage_from: int
    codecs_from: int


def coding(snapshot: Snapshot, config: IndexConfig) -> Coding:
    """How the documents of an index of that configuration are coded.

    Raises:
        WordhiveError: Parameters are damaged.
    """
    used = None if snapshot.generation is None else snapshot.parameters(snapshot.generation.id).config
    records = [segment.record for segment in snapshot.segments]
    unencoded = [record for record in records if snapshot.parameters(record.generation).encoding is None]
    n_unencoded = sum(record.n_documents - snapshot.tombstones.count(record) for record in unencoded)
    return Coding(used, n_unencoded, first_stage_from(config), codecs_from(config))
