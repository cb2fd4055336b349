"""What an index was made with, as its catalog keeps it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..config import IndexConfig
from ..errors import damaged
from .catalog.catalog import Catalog

# Settings that not every version of this format knows.
_ADDED_LATER = ("probes", "text_fields")


@dataclass(frozen=True)
class EncoderStamp:
    """Which encoder made the vectors: the name that it is loaded by, and the fingerprint of what it computes."""

    name: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.name} ({self.fingerprint[:12]})"


@dataclass(frozen=True)
class IndexSettings:
    """What an index was made with (see `Index.create`), and the two settings that tuning may change later.

    Attributes:
        has_queries: Whether the index keeps queries that its encodings are fitted to.
        candidates: How many candidates a search takes by default; None: not tuned.
        probes: Lists that a search visits, or the smallest beam of a graph; None: as configured.
        text_fields: Names of the fields that make a document's text; None: the title and the text.
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
    text_fields: tuple[str, ...] | None = None

    def values(self) -> dict[str, Any]:
        """The settings as JSON values, by name."""
        encoder = asdict(self.encoder) if self.encoder else None
        return without_unset({**self.__dict__, "config": self.config.model_dump(), "encoder": encoder})

    @classmethod
    def of(cls, catalog: Catalog) -> IndexSettings:
        """The settings in a catalog.

        Raises:
            WordhiveError: One is missing or damaged.
        """
        try:
            return cls.parse(catalog.settings(), f"the configuration in {catalog.path}")
        except (KeyError, TypeError, ValueError) as error:
            raise damaged(catalog.path, f"setting {error}") from error

    @classmethod
    def parse(cls, values: dict[str, Any], source: str) -> IndexSettings:
        """Settings of JSON values by name.

        Args:
            values: As `values()` returns them.
            source: Names the values in errors.

        Raises:
            KeyError, TypeError, ValueError: A value is missing, unknown or wrong.
            InputError: The configuration is none.
        """
        config = IndexConfig.of(values["config"], source)
        encoder = EncoderStamp(**values["encoder"]) if values["encoder"] else None
        fields = values.get("text_fields")
        fields = tuple(fields) if isinstance(fields, list) else fields
        settings = cls(**{**values, "config": config, "encoder": encoder, "text_fields": fields})
        settings._check()
        return settings

    def _check(self) -> None:
        stamp = self.encoder
        fits = {
            "encoder": stamp is None or (isinstance(stamp.name, str) and isinstance(stamp.fingerprint, str)),
            "summary_weight": _is_number(self.summary_weight) and 0 <= self.summary_weight <= 1,
            "query_length": self.query_length is None or (_is_number(self.query_length) and self.query_length >= 0),
            "candidates": self.candidates is None or _is_count(self.candidates),
            "text_fields": self.text_fields is None or _are_names(self.text_fields),
            "probes": self.probes is None or _is_count(self.probes),
            **{name: isinstance(getattr(self, name), bool) for name in ("exact_match", "has_queries", "store_texts")},
        }
        for name, fit in fits.items():
            if not fit:
                raise ValueError(f"{name!r} is {getattr(self, name)!r:.100}")


def without_unset(values: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that are None and that earlier versions don't know: they could not read the index."""
    return {name: value for name, value in values.items() if name not in _ADDED_LATER or value is not None}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def _are_names(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(name, str) and name for name in value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 1 << 62
