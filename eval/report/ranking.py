"""Systems compared: their letters, the best, and which beats which."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ..contrasts import Contrast
from ..results import CollectionResults, ExperimentResults, SystemResults

_NAMES = {"ndcg": "nDCG", "ndcg_burges": "nDCG (exponential)", "mrr": "MRR", "map": "MAP", "recall": "Recall",
          "precision": "P", "hit_rate": "Hit rate", "r-precision": "R-precision", "f1": "F1", "rbp": "RBP",
          "bpref": "bpref"}  # fmt: skip

_AMBIGUOUS = re.compile(r"[,;]| and ")


@dataclass(frozen=True)
class Legend:
    """A number and a letter for every system of the results.

    Attributes:
        names: The systems in the order of their first appearance.
    """

    names: list[str]

    @classmethod
    def of(cls, results: ExperimentResults) -> Legend:
        """The legend of the systems of all collections."""
        return cls(list(dict.fromkeys(s.name for c in results.collections for s in c.systems)))

    def number(self, name: str) -> int:
        """The number of a system, from 0. It decides the system's mark."""
        return self.names.index(name)

    def letter(self, name: str) -> str:
        """The letter of a system: a, b, …, z, aa, ab, …"""
        number, letters = self.number(name) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(97 + rest) + letters
        return letters

    def letters(self, names: set[str]) -> str:
        """The letters of some systems in a row; with commas where a letter may have two signs."""
        letters = [self.letter(name) for name in self.names if name in names]
        return ("," if len(self.names) > 26 else "").join(letters)


def value(system: SystemResults, measure: str) -> float | None:
    """The mean of a measure; None where the system has none, or it is not finite."""
    mean = system.measures.get(measure)
    return mean if mean is not None and math.isfinite(mean) else None


def total_bytes(system: SystemResults) -> float | None:
    """Bytes of a document, all parts; None if unknown."""
    return sum(system.bytes_per_document.values()) if system.bytes_per_document else None


def median_latency(system: SystemResults) -> float | None:
    """Median milliseconds of a query; None if unknown."""
    return system.latency.get("total", {}).get("p50")


def best(values: Sequence[float | None]) -> list[bool]:
    """Which values are the largest, rounded as they are printed. A value alone is not marked."""
    rounded = [None if v is None or not math.isfinite(v) else round(v, 4) for v in values]
    known = [v for v in rounded if v is not None]
    return [len(known) > 1 and v == max(known) for v in rounded]


def leader(collection: CollectionResults, among: Sequence[SystemResults] | None = None) -> SystemResults | None:
    """The best system by the main measure, the first of equals; None where no system has a value."""
    systems = collection.systems if among is None else among
    known = [(mean, s) for s in systems if (mean := value(s, collection.main_measure)) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def challenger(collection: CollectionResults) -> SystemResults | None:
    """The best system beside the baseline."""
    return leader(collection, [s for s in collection.systems if s.name != collection.baseline])


def baseline(collection: CollectionResults) -> SystemResults | None:
    """The system that the others are compared with; None where it is missing."""
    return next((s for s in collection.systems if s.name == collection.baseline), None)


def against(collection: CollectionResults, first: str, second: str) -> Contrast | None:
    """The comparison of two systems, seen from the first; None where there is none."""
    for contrast in collection.contrasts:
        if (contrast.first, contrast.second) == (first, second):
            return contrast
        if (contrast.second, contrast.first) == (first, second):
            return contrast.swapped
    return None


def beaten(collection: CollectionResults, alpha: float) -> dict[str, set[str]]:
    """The names of the systems that each system significantly beats, by the main measure."""
    names: dict[str, set[str]] = {system.name: set() for system in collection.systems}
    for contrast in collection.contrasts:
        for side in (contrast, contrast.swapped):
            if side.p < alpha and side.difference > 0 and side.first in names:
                names[side.first].add(side.second)
    return names


def measure_name(measure: str) -> str:
    """The printed name of a measure: ndcg@10 → nDCG@10. An unknown name stays as it is."""
    name, at, depth = measure.partition("@")
    return _NAMES.get(name, name) + at + depth


def isolated(name: str) -> str:
    """A name for a sentence; one from right to left must not reorder the words around it."""
    backward = any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)
    return f"\u2068{name}\u2069" if backward else name


def named(name: str) -> str:
    """A name for a sentence, in quotation marks where it holds a comma or an "and"."""
    return isolated(f"“{name}”" if _AMBIGUOUS.search(name) else name)


def listed(names: Sequence[str]) -> str:
    """Names for a sentence: a, b and c. If one needs quotation marks, all have them."""
    quoted = any(_AMBIGUOUS.search(name) for name in names)
    shown = [isolated(f"“{name}”" if quoted else name) for name in names]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
