"""How a collection is measured after its makers' convention: by what, and whether queries may find themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..runs import MEASURES

# How ir_datasets writes measures, and what ranx calls them.
_NAMES = {
    "nDCG": "ndcg",
    "RR": "mrr",
    "AP": "map",
    "MAP": "map",
    "R": "recall",
    "P": "precision",
    "Success": "hit_rate",
}
_OFFICIAL = re.compile(r"(?P<name>\w+)(?:\(rel=(?P<level>\d+)\))?(?:@(?P<cutoff>\d+))?")

# Their queries are documents of the collection too, under the same ids (BEIR, Thakur et al. 2021; its evaluation leaves
# them out). Elsewhere ids of a query and a document may be equal by chance.
_OF_DOCUMENTS = re.compile(r"(?:beir/)?(?:arguana|quora(?:/\w+)?)")


def leaves_itself_out(name: str) -> bool:
    """Whether a query's own document does not count among its results.

    Args:
        name: An ir_datasets id, or the name of a BEIR folder.
    """
    return _OF_DOCUMENTS.fullmatch(name) is not None


def measures_of(official: Sequence[str]) -> tuple[str, ...]:
    """ranx's names of the measures to report, the main one first.

    Args:
        official: What the collection's makers report, as ir_datasets writes it, e.g. "nDCG@10", "RR(rel=2)"; the
            first is the main one, nDCG@10 where there is none. Where one of them takes a document as relevant from
            a higher grade on, so do all measures that know no grades: "recall@100-l2" counts those of grade 2 and
            above.
    """
    matches = [match for name in official if (match := _OFFICIAL.fullmatch(name)) and match["name"] in _NAMES]
    level = max((int(match["level"] or 1) for match in matches), default=1)
    main = [_named(_NAMES[match["name"]], match["cutoff"], int(match["level"] or 1)) for match in matches[:1]]
    return tuple(dict.fromkeys([*main, *(_at_level(measure, level) for measure in MEASURES)]))


def _named(name: str, cutoff: str | None, level: int) -> str:
    return _at_level(f"{name}@{cutoff}" if cutoff else name, level)


def _at_level(measure: str, level: int) -> str:
    # nDCG weighs every grade above 0, as in trec_eval.
    return measure if level == 1 or measure.startswith("ndcg") else f"{measure}-l{level}"
