"""Tables for a page."""

from __future__ import annotations

from .ranking import Roster
from .svg.shapes import escaped, key
from .tables import Cell, Table


def table(content: Table, roster: Roster, name: str) -> str:
    """A table that scrolls in its own box where it is wider than the page, its first column staying in sight."""
    head = "".join(
        f'<th scope="col" class="{align}">{_heading(column)}</th>'
        for column, align in zip(content.columns, content.align, strict=True)
    )
    rows = "\n".join(
        "<tr>" + "".join(_cell(cell, n, content.align[n], roster) for n, cell in enumerate(row)) + "</tr>"
        for row in content.rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escaped(name)}"><table>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def system(name: str, roster: Roster) -> str:
    """A system with its mark and its letter."""
    return (
        f'<span class="system">{key(roster.number(name))}<span class="letter">{roster.letter(name)}</span>'
        f"<bdi>{escaped(name)}</bdi></span>"
    )


def _heading(column: str) -> str:
    """A name, and what follows its last comma in a second line."""
    name, comma, rest = column.rpartition(", ")
    return f"<bdi>{escaped(name)}</bdi><small>{escaped(rest)}</small>" if comma else f"<bdi>{escaped(column)}</bdi>"


def _cell(cell: Cell, number: int, align: str, roster: Roster) -> str:
    shown = system(cell.text, roster) if cell.system else f"<bdi>{escaped(cell.text)}</bdi>"
    if cell.best:
        shown = f"<b>{shown}</b>"
    if cell.beaten:
        shown += f"<sup>{cell.beaten}</sup>"
    if cell.counts:
        shown = _bar(cell.counts) + shown
    classes = align + (" faint" if cell.faint else "")
    return f'<th scope="row" class="{classes}">{shown}</th>' if number == 0 else f'<td class="{classes}">{shown}</td>'


def _bar(counts: tuple[int, int, int]) -> str:
    """Wins, ties and losses as one bar."""
    total = sum(counts) or 1
    parts = zip(("win", "tie", "loss"), counts, strict=True)
    bars = "".join(f'<i class="{kind}" style="width:{100 * n / total:.2f}%"></i>' for kind, n in parts if n)
    return f'<span class="bar" aria-hidden="true">{bars}</span>'
