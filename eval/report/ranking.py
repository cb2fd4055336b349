"""How systems stand to each other: their letters, who is best, who beats whom."""

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
class Roster:
    """All systems of the results in the order of their first appearance: what gives each a letter and a look."""

    names: list[str]

    @classmethod
    def of(cls, results: ExperimentResults) -> Roster:
        """Those of all collections."""
        return cls(list(dict.fromkeys(s.name for c in results.collections for s in c.systems)))

    def number(self, name: str) -> int:
        """Place of a system, from 0."""
        return self.names.index(name)

    def letter(self, name: str) -> str:
        """a, b, …, z, aa, ab, …"""
        number, letters = self.number(name) + 1, ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(97 + rest) + letters
        return letters

    def letters(self, names: set[str]) -> str:
        """The letters of some, one after the other; with commas where they would not be told apart."""
        letters = [self.letter(name) for name in self.names if name in names]
        return ("," if len(self.names) > 26 else "").join(letters)


def value(system: SystemResults, measure: str) -> float | None:
    """Mean of a measure; None where the system has none, or no number."""
    quality = system.measures.get(measure)
    return quality if quality is not None and math.isfinite(quality) else None


def total_bytes(system: SystemResults) -> float | None:
    """Bytes of a document, all parts; None where they are unknown."""
    return sum(system.bytes_per_document.values()) if system.bytes_per_document else None


def median_latency(system: SystemResults) -> float | None:
    """Milliseconds of a query at the median; None where they are unknown."""
    return system.latency.get("total", {}).get("p50")


def best(values: Sequence[float | None]) -> list[bool]:
    """Which are the largest, to the four places that are printed; none where there is but one."""
    rounded = [None if v is None or not math.isfinite(v) else round(v, 4) for v in values]
    known = [v for v in rounded if v is not None]
    return [len(known) > 1 and v == max(known) for v in rounded]


def leader(collection: CollectionResults, among: Sequence[SystemResults] | None = None) -> SystemResults | None:
    """The best by the main measure, the first of equals; None where nobody has it."""
    systems = collection.systems if among is None else among
    known = [(quality, s) for s in systems if (quality := value(s, collection.main_measure)) is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def challenger(collection: CollectionResults) -> SystemResults | None:
    """The best other than the baseline."""
    return leader(collection, [s for s in collection.systems if s.name != collection.baseline])


def baseline(collection: CollectionResults) -> SystemResults | None:
    """The system that the others are compared with; None where it is missing."""
    return next((s for s in collection.systems if s.name == collection.baseline), None)


def against(collection: CollectionResults, first: str, second: str) -> Contrast | None:
    """What was found of two systems, seen from the first; None where they were not compared."""
    for contrast in collection.contrasts:
        if (contrast.first, contrast.second) == (first, second):
            return contrast
        if (contrast.second, contrast.first) == (first, second):
            return contrast.swapped
    return None


def beaten(collection: CollectionResults, alpha: float) -> dict[str, set[str]]:
    """System → those that it is significantly better than, by the main measure."""
    losers: dict[str, set[str]] = {system.name: set() for system in collection.systems}
    for contrast in collection.contrasts:
        for seen in (contrast, contrast.swapped):
            if seen.p < alpha and seen.difference > 0 and seen.first in losers:
                losers[seen.first].add(seen.second)
    return losers


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points (cost, quality) that none is better than at no more cost: the Pareto front, cheapest first."""
    border: list[tuple[float, float]] = []
    for cost, gain in sorted(points, key=lambda point: (point[0], -point[1])):
        if not border or gain > border[-1][1]:
            border.append((cost, gain))
    return border


def measure_name(measure: str) -> str:
    """ndcg@10 as nDCG@10; names that are not known stay as they are."""
    name, at, depth = measure.partition("@")
    return _NAMES.get(name, name) + at + depth


def isolated(name: str) -> str:
    """A name that stands in a sentence; one that is written from right to left must not reorder what is around it."""
    backward = any(unicodedata.bidirectional(character) in ("R", "AL") for character in name)
    return f"\u2068{name}\u2069" if backward else name


def named(name: str) -> str:
    """A name that stands in a sentence, in quotation marks where a comma or an "and" in it would cut the sentence."""
    return isolated(f"“{name}”" if _AMBIGUOUS.search(name) else name)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: a, b and c. Where one needs quotation marks, all have them."""
    quoted = any(_AMBIGUOUS.search(name) for name in names)
    shown = [isolated(f"“{name}”" if quoted else name) for name in names]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
