"""How an index codes its documents now, and from how many on as it was asked to: codebooks want documents to follow."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import IndexConfig
from ..reading.snapshot import Snapshot
from ..storage.parameters import codecs_from, first_stage_from


@dataclass(frozen=True)
class Coding:
    """used: by what the last documents were coded; None before the first.

    n_unencoded: documents that have no vector of a first stage, so that every search scores them. first_stage_from,
    codecs_from: numbers of documents from which on the first stage, and the codecs, are as configured; 1 where they
    are from the first.
    """

    used: IndexConfig | None
    n_unencoded: int
    first_stage_from: int
    codecs_from: int


def coding(now: Snapshot, config: IndexConfig) -> Coding:
    """How the documents of an index of that configuration are coded.

    Raises WordhiveError where parameters are damaged.
    """
    used = None if now.generation is None else now.parameters(now.generation.id).config
    unencoded = [s.record for s in now.segments if now.parameters(s.record.generation).encoding is None]
    n_unencoded = sum(record.n_documents - now.n_deleted(record) for record in unencoded)
    return Coding(used, n_unencoded, first_stage_from(config), codecs_from(config))
