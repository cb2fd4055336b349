"""The report as GitHub Markdown."""

from __future__ import annotations

import re

from ..results import CollectionResults, ExperimentResults
from ..svg.shapes import escaped
from . import sentences, tables
from .environment import Setting
from .ranking import Roster
from .tables import Cell, Table

_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")


def markdown(results: ExperimentResults) -> str:
    """All tables of the page, and what was found in words."""
    roster = Roster.of(results)
    parts = [
        f"# {_text(results.title)}",
        _text(sentences.compared(results)),
        "\n".join(f"- **{_text(c.name)}**: {_text(sentences.result(c, results.alpha))}" for c in results.collections),
        "## Summary",
        _table(tables.summary(results, roster), roster),
        f"{_text(sentences.letters(results))} Bold: the best of its column. {_text(sentences.method(results))}",
        *(part for c in results.collections for part in _collection(c, roster, results.alpha)),
        *_setting(results),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _collection(collection: CollectionResults, roster: Roster, alpha: float) -> list[str]:
    first, others = tables.contrasts(collection)
    titled = [
        ("", tables.measures(collection, roster, alpha)),
        (f"Wins and losses against {_text(collection.baseline)}", first),
        ("All other pairs", others),
        ("Recall of candidates", tables.candidate_recall(collection.systems)),
        ("Beside published results", tables.published(collection) if collection.published else None),
        ("Warnings", tables.warnings(collection)),
    ]
    parts = [
        f"## {_text(collection.name)}",
        _text(" ".join(filter(None, [sentences.about(collection), sentences.truncation(collection)]))),
        _text(sentences.result(collection, alpha)),
    ]
    for title, content in titled:
        if content is not None and content.rows:
            parts += [f"### {title}" if title else "", _table(content, roster)]
    return parts


def _setting(results: ExperimentResults) -> list[str]:
    setting = Setting.of(results)
    facts = "\n".join(f"- {_text(name)}: {_text(value)}" for name, value in setting.facts)
    blocks = [_block("sh", setting.command), facts, _block("yaml", setting.config)]
    return ["## Setting", *blocks] if any(blocks) else []


def _table(content: Table, roster: Roster) -> str:
    lines = [
        [_text(column) for column in content.columns],
        ["---" if align == "l" else "---:" for align in content.align],
        *([_cell(cell, roster) for cell in row] for row in content.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell, roster: Roster) -> str:
    shown = _text(cell.text)
    if cell.system:
        shown = f"<sub>{roster.letter(cell.text)}</sub> {shown}"
    if cell.best:
        shown = f"**{shown}**"
    return shown + (f"<sup>{cell.beaten}</sup>" if cell.beaten else "")


def _text(text: str) -> str:
    """Text in one line, with nothing in it that Markdown or HTML would take for their own."""
    return _SPECIAL.sub(r"\\\1", escaped(" ".join(text.split())).replace("&#x27;", "'").replace("&quot;", '"'))


def _block(language: str, text: str) -> str:
    """Code in a fence that is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text}\n{fence}" if text else ""
