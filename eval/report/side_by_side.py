"""Queries with what two or more systems found for them, next to each other."""

from __future__ import annotations

from collections.abc import Sequence

from ..results import CollectionResults, HitResult, SideBySide
from . import numbers
from .html_tables import system
from .ranking import Roster, measure_name
from .svg.shapes import escaped

_OPEN = 2


def side_by_side(collection: CollectionResults, roster: Roster) -> str:
    """All of them, numbered as in the chart of queries; the first ones open."""
    measure = measure_name(collection.main_measure)
    return "\n".join(_query(n, query, roster, measure) for n, query in enumerate(collection.side_by_side, 1))


def _query(number: int, found: SideBySide, roster: Roster, measure: str) -> str:
    values = "".join(
        f'<span>{system(name, roster)} <b class="value">{numbers.quality(value)}</b></span>'
        for name, value in found.systems.items()
    )
    lists = "".join(_hits(name, hits, roster) for name, hits in found.hits.items())
    opened = " open" if number <= _OPEN else ""
    return f"""<details class="query"{opened}>
<summary><span class="number">{number}</span><span class="asked"><strong dir="auto">{escaped(found.query)}</strong>
<span class="values"><span class="id">query {escaped(found.query_id)}</span>
<span>{escaped(measure)}</span>{values}</span></span></summary>
<div class="columns">{lists}</div>
</details>"""


def _hits(name: str, hits: Sequence[HitResult], roster: Roster) -> str:
    rows = "\n".join(_hit(rank, hit) for rank, hit in enumerate(hits, 1)) or '<li class="none">Nothing was found.</li>'
    return f'<section class="hits"><h5>{system(name, roster)}</h5><ol>{rows}</ol></section>'


def _hit(rank: int, hit: HitResult) -> str:
    chips = "".join(_chip(*match) for match in hit.matches)
    matches = f'<ul class="matches" aria-label="word matches">{chips}</ul>' if chips else ""
    text = f'<p class="text" dir="auto">{escaped(hit.text)}</p>' if hit.text else ""
    return (
        f'<li><p class="hit"><span class="rank">{rank}</span>{_badge(hit.grade)}<span class="id">'
        f'<bdi>{escaped(hit.id)}</bdi></span><span class="score">{hit.score:.3f}</span></p>'
        f"{text}{matches}</li>"
    )


def _badge(grade: int | None) -> str:
    if grade is None:
        return '<span class="grade unjudged">not judged</span>'
    if grade <= 0:
        return '<span class="grade no">✗ irrelevant</span>'
    return f'<span class="grade yes">✓ relevant{f" {grade}" if grade > 1 else ""}</span>'


def _chip(word: str, match: str, share: float) -> str:
    same = word.casefold() == match.casefold()
    shown = f"<bdi>{escaped(word)}</bdi>" + ("" if same else f" → <bdi>{escaped(match)}</bdi>")
    return f"<li>{shown} <b>{100 * share:.0f} %</b></li>"
