"""What an index was made with, as its catalog keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from .catalog import Catalog
from .config import IndexConfig
from .errors import WordhiveError
from .info import EncoderStamp


@dataclass(frozen=True)
class IndexSettings:
    """Settings that hold for an index's whole life, but for those that tuning sets; see `Index.create`.

    has_queries: whether it keeps queries that its encodings are fitted to. store_texts: whether it keeps texts.
    candidates: how many a search takes that asks for no number; None: it was not tuned. probes: lists that it visits,
    or the least beam of a graph; None: as configured.
    """

    config: IndexConfig
    encoder: EncoderStamp | None
    summary_weight: float
    exact_match: bool
    query_length: float | None
    has_queries: bool
    store_texts: bool
    candidates: int | None = None
    probes: int | None = None

    def values(self) -> dict[str, Any]:
        """As JSON values, by name; without those that earlier versions don't know, where they say nothing."""
        encoder = asdict(self.encoder) if self.encoder else None
        values = {**self.__dict__, "config": self.config.model_dump(), "encoder": encoder}
        return {name: value for name, value in values.items() if name != "probes" or value is not None}

    @classmethod
    def of(cls, catalog: Catalog) -> IndexSettings:
        """Those in a catalog. Raises WordhiveError where one is missing or damaged."""
        try:
            return cls.parse(catalog.settings(), f"the configuration in {catalog.path}")
        except (KeyError, TypeError) as error:
            raise WordhiveError(f"{catalog.path} is damaged (setting {error}); restore it from a copy") from error

    @classmethod
    def parse(cls, values: dict[str, Any], source: str) -> IndexSettings:
        """Those of JSON values by name; `source` names them in errors. Raises KeyError or TypeError for others."""
        config = IndexConfig.parse(json.dumps(values["config"]), source)
        encoder = EncoderStamp(**values["encoder"]) if values["encoder"] else None
        return cls(**{**values, "config": config, "encoder": encoder})
