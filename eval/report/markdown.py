"""The report as GitHub Markdown."""

from __future__ import annotations

import re

from ..results import CollectionResults, ExperimentResults
from ..svg.shapes import escaped
from . import sentences, tables
from .environment import Environment
from .ranking import Legend
from .tables import Cell, Table

_SPECIAL = re.compile(r"([\\`*_\[\]|~#])")


def markdown(results: ExperimentResults) -> str:
    """The tables of the page, and its sentences."""
    legend = Legend.of(results)
    parts = [
        f"# {_text(results.title)}",
        _text(sentences.compared(results)),
        "\n".join(f"- **{_text(c.name)}**: {_text(sentences.result(c, results.alpha))}" for c in results.collections),
        "## Summary",
        _table(tables.summary(results, legend), legend),
        f"{_text(sentences.letters(results))} Bold: the best of its column. {_text(sentences.method(results))}",
        *(part for c in results.collections for part in _collection(c, legend, results.alpha)),
        *_environment(results),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _collection(collection: CollectionResults, legend: Legend, alpha: float) -> list[str]:
    first, others = tables.contrasts(collection)
    titled = [
        ("", tables.measures(collection, legend, alpha)),
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
            parts += [f"### {title}" if title else "", _table(content, legend)]
    return parts


def _environment(results: ExperimentResults) -> list[str]:
    environment = Environment.of(results)
    facts = "\n".join(f"- {_text(name)}: {_text(value)}" for name, value in environment.facts)
    blocks = [_block("sh", environment.command), facts, _block("yaml", environment.config)]
    return ["## Setting", *blocks] if any(blocks) else []


def _table(content: Table, legend: Legend) -> str:
    lines = [
        [_text(column) for column in content.columns],
        ["---" if align == "l" else "---:" for align in content.align],
        *([_cell(cell, legend) for cell in row] for row in content.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell, legend: Legend) -> str:
    shown = _text(cell.text)
    if cell.system:
        shown = f"<sub>{legend.letter(cell.text)}</sub> {shown}"
    if cell.best:
        shown = f"**{shown}**"
    return shown + (f"<sup>{cell.beaten}</sup>" if cell.beaten else "")


def _text(text: str) -> str:
    """Text in one line. The signs of Markdown and HTML are escaped."""
    return _SPECIAL.sub(r"\\\1", escaped(" ".join(text.split())).replace("&#x27;", "'").replace("&quot;", '"'))


def _block(language: str, text: str) -> str:
    """Code in a fence that is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
    return f"{fence}{language}\n{text}\n{fence}" if text else ""
