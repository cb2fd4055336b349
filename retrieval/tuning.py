"""How many candidates an index needs, and how widely to look for them: as few as find nearly all of the exact best."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wordhive.index import InputError, WordVectors
from wordhive.index.arguments import instance, real_number, strings, whole_number
from wordhive.index.encodings.pseudo_queries import pseudo_queries
from wordhive.index.quantity import quantity
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.scoring.scores import best

from .searcher import Searcher

_QUERIES = 300
_WORDS = 8
_SAMPLE = 2048
_MOST = 10_000
# Numbers of candidates that may be chosen, as multiples of a power of ten.
_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
# Probes are found to such a part of themselves.
_FINENESS = 8


@dataclass(frozen=True)
class Tuning:
    """candidates: the least number that reaches the target. found: the share of the exact top k among them.

    probes: the least, lists or places in a graph, with which it is reached; None where all documents are scanned.
    curve: number of candidates → that share, all lists visited. probed: probes → that share, with those candidates.
    n_queries: that it was measured with. own: whether they were real ones, or words of documents.
    """

    candidates: int
    found: float
    k: int
    curve: dict[int, float]
    n_queries: int
    own: bool
    probes: int | None = None
    probed: dict[int, float] = field(default_factory=dict)


def tune(searcher: Searcher, target: float = 0.995, *, k: int = 10, queries: list[str] | None = None) -> Tuning:
    """Find the least number of candidates that hold the share `target` of the exact top k, and keep it in the index.

    Where the first stage visits lists or walks a graph, half of what may be missed is left to that: the candidates are
    so many that of a scan of all they would miss the other half, and the probes as few as then reach the target.

    Args:
        queries: Such as are asked, some hundred; None: words of documents that the index holds, with their
            summaries. From then on it is what a search takes that asks for no other number. Documents that came
            before a first stage could be fitted are always candidates, whatever their number.

    Raises:
        InputError: An index without a first stage or without documents, or with too few to have one yet, for a
            target that is no share, and for one that 10,000 candidates, or all probes, don't reach.
    """
    instance(searcher, "searcher", Searcher, "a Searcher, such as Retriever.searcher")
    k, queries = whole_number(k, "k"), None if queries is None else strings(queries, "queries")
    _check(searcher, target, k, queries)
    index, now, asked = searcher.index, searcher.index.snapshot(), _asked(searcher, queries)
    exact = [best([(scores.total, scores.rows)], k) for scores in searcher.score_all(asked, k, now)]
    measured, most = _Measured(now, asked, exact), min(_MOST, len(index))
    curve = measured.curve(most, k)
    if curve[most] < target:
        raise InputError(
            f"{quantity(most, 'candidate')} hold {curve[most]:.4f} of the exact top {k}, not {target}; "
            f"choose a lower target, or "
            "a preset with a larger first stage"
        )
    n = _least(curve, target)
    if now.probing(n) is not None:
        n = _least(curve, (1 + target) / 2)
    probed = measured.probed(n, target)
    probes = next((probes for probes, share in probed.items() if share >= target), None)
    if probed and probes is None:
        raise InputError(
            f"{quantity(n, 'candidate')} hold {max(probed.values()):.4f} of the exact top {k} with "
            f"{quantity(max(probed), 'probe')}, not "
            f"{target}; choose a lower target, or another first stage"
        )
    index.set_candidates(n, probes)
    found = curve[n] if probes is None else probed[probes]
    return Tuning(n, found, k, curve, len(asked), queries is not None, probes, probed)


def _least(curve: dict[int, float], target: float) -> int:
    """The least number with such a share, or the largest number."""
    return next((n for n, share in curve.items() if share >= target), max(curve))


def _check(searcher: Searcher, target: float, k: int, queries: list[str] | None) -> None:
    index = searcher.index
    share = f"a share of the exact top {k}, above 0 and up to 1"
    if not real_number(target, "the target", share, least=0, most=1):
        raise InputError(f"the target is {target}; expected {share}")
    if index.settings.config.encoding is None:
        raise InputError(
            f"{index.path} has no first stage (its preset scores every document); there is nothing to tune"
        )
    if not len(index):
        raise InputError(f"{index.path} holds no documents; add some before it is tuned")
    coding = index.coding()
    if coding.n_unencoded == len(index):
        has_stage = coding.used is not None and coding.used.encoding is not None
        later = f"add more: from {coding.first_stage_from:,} on there is a first stage"
        raise InputError(
            f"there is nothing to tune in {index.path} yet: every search scores all of its "
            f"{quantity(len(index), 'document')}; {'compact it, and they get a first stage' if has_stage else later}"
        )
    if queries is not None and not queries:
        raise InputError("there are no queries; give some, or leave them out")


def _asked(searcher: Searcher, queries: list[str] | None) -> WordVectors:
    if queries is not None:
        if searcher.encoder is None:
            raise InputError("queries are text, and this searcher has no encoder; give it one, or leave them out")
        return searcher.encoder.encode_queries(queries)
    index = searcher.index
    sample = index.snapshot().sample(_SAMPLE)
    return pseudo_queries(sample, _QUERIES, _WORDS, 0, index.settings.query_length)


@dataclass(frozen=True)
class _Measured:
    """What first stages find of the exact best rows of each of some queries."""

    now: Snapshot
    queries: WordVectors
    exact: list[NDArray[np.int64]]

    def curve(self, most: int, k: int) -> dict[int, float]:
        """Number of candidates, ascending → the share among them, all lists visited and graphs scanned."""
        probing = self.now.probing(most)
        found = self.now.find_candidates(self.queries, most, probes=None if probing is None else probing[1])
        always = self._unencoded()
        ranks = np.concatenate([_ranks(rows, wanted, always) for rows, wanted in zip(found, self.exact, strict=True)])
        numbers = sorted({min(int(step * 10**power), most) for power in range(1, 5) for step in _STEPS} | {most})
        return {n: round(float((ranks < n).mean()), 4) for n in numbers if n >= min(k, most)}

    def _unencoded(self) -> NDArray[np.int64]:
        """Rows that are candidates of every search: of the first documents, too few to fit a first stage to."""
        segments = [s for s in self.now.segments if self.now.parameters(s.record.generation).encoding is None]
        return np.concatenate([np.zeros(0, np.int64), *(segment.rows for segment in segments)])

    def probed(self, n: int, target: float) -> dict[int, float]:
        """Probes, ascending → the share among n candidates: doubled up to the target, then halved between the last two.

        None where all are scanned.
        """
        if (probing := self.now.probing(n)) is None:
            return {}
        probes, most = probing
        below, shares = probes - 1, dict[int, float]()
        while shares.setdefault(probes, self._share(n, probes)) < target and probes < most:
            below, probes = probes, min(2 * probes, most)
        while shares[probes] >= target and probes - below > max(1, below // _FINENESS):
            middle = (below + probes) // 2
            shares[middle] = self._share(n, middle)
            below, probes = (below, middle) if shares[middle] >= target else (middle, probes)
        return dict(sorted(shares.items()))

    def _share(self, n: int, probes: int) -> float:
        found = self.now.find_candidates(self.queries, n, probes=probes)
        held = [np.isin(wanted, rows) for wanted, rows in zip(self.exact, found, strict=True)]
        return round(float(np.concatenate(held).mean()), 4)


def _ranks(rows: NDArray[np.int64], wanted: NDArray[np.int64], always: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of documents among candidates; beyond all of those that are not there, before all of `always`."""
    places = {row: place for place, row in enumerate(rows.tolist())}
    ranks = np.array([places.get(row, np.iinfo(np.int64).max) for row in wanted.tolist()], np.int64)
    ranks[np.isin(wanted, always)] = -1
    return ranks
