"""The report as one page: no scripts, nothing from elsewhere, light or dark as the reader's system is."""

from __future__ import annotations

from wordhive.retrieval.pages import render

from ..results import ExperimentResults
from ..svg.shapes import key
from . import numbers, ranking, sentences, tables
from .environment import Environment
from .figures import figures


def page(results: ExperimentResults) -> str:
    """The whole page, as HTML."""
    return render(
        "report.html",
        "wordhive.eval.report",
        "wordhive.eval.svg",
        results=results,
        legend=ranking.Legend.of(results),
        described={system.name: system for collection in results.collections for system in collection.systems},
        environment=Environment.of(results),
        figures=figures,
        key=key,
        numbers=numbers,
        ranking=ranking,
        sentences=sentences,
        tables=tables,
    )
