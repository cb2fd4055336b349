"""What an index was made with, as its catalog keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..config import IndexConfig
from ..errors import WordhiveError
from .catalog.catalog import Catalog


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made the vectors: the name that it is loaded by, and the fingerprint of what it computes."""

    name: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint[:12]})"


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
        except (KeyError, TypeError, ValueError) as error:
            raise WordhiveError(f"{catalog.path} is damaged (setting {error}); restore it from a copy") from error

    @classmethod
    def parse(cls, values: dict[str, Any], source: str) -> IndexSettings:
        """Those of JSON values by name; `source` names them in errors.

        Raises KeyError, TypeError or ValueError for others, InputError for another configuration.
        """
        config = IndexConfig.of(values["config"], source)
        encoder = EncoderStamp(**values["encoder"]) if values["encoder"] else None
        settings = cls(**{**values, "config": config, "encoder": encoder})
        settings._check()
        return settings

    def _check(self) -> None:
        stamp = self.encoder
        fits = {
            "encoder": stamp is None or (isinstance(stamp.name, str) and isinstance(stamp.fingerprint, str)),
            "summary_weight": _is_number(self.summary_weight) and 0 <= self.summary_weight <= 1,
            "query_length": self.query_length is None or (_is_number(self.query_length) and self.query_length >= 0),
            "candidates": self.candidates is None or _is_count(self.candidates),
            "probes": self.probes is None or _is_count(self.probes),
            **{name: isinstance(getattr(self, name), bool) for name in ("exact_match", "has_queries", "store_texts")},
        }
        for name, fit in fits.items():
            if not fit:
                raise ValueError(f"{name!r} is {getattr(self, name)!r:.100}")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 1 << 62
