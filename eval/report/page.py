"""The report as one page: no scripts, nothing from elsewhere, light or dark as the reader's system is."""

from __future__ import annotations

from wordhive.retrieval.page_style import head

from ..results import ExperimentResults
from . import sentences, tables
from .collection_section import section
from .environment import Setting
from .html_tables import system, table
from .ranking import Roster
from .style import STYLE
from .svg.shapes import escaped


def page(findings: ExperimentResults) -> str:
    """The whole page, as HTML."""
    roster = Roster.of(findings)
    anchors = [f"collection-{number}" for number in range(1, len(findings.collections) + 1)]
    sections = "\n".join(
        section(collection, roster, findings.alpha, anchor)
        for collection, anchor in zip(findings.collections, anchors, strict=True)
    )
    return f"""{head(escaped(findings.title), STYLE)}
<body>
<main>
<header>
<p class="kind">Evaluation</p>
<h1 dir="auto">{escaped(findings.title)}</h1>
<p class="about">{escaped(sentences.compared(findings))}</p>
{_results(findings, anchors)}
</header>
<section>
<h2>Summary</h2>
{table(tables.summary(findings, roster), roster, "Summary")}
<p class="about">{escaped(sentences.letters(findings))} Bold: the best of its column.
{escaped(sentences.method(findings))}</p>
{_systems(findings, roster)}
</section>
{sections}
{_setting(findings)}
</main>
</body>
</html>
"""


def _results(findings: ExperimentResults, anchors: list[str]) -> str:
    rows = "\n".join(
        f'<li><a href="#{anchor}"><bdi>{escaped(c.name)}</bdi></a>'
        f"<span>{escaped(sentences.result(c, findings.alpha))}</span></li>"
        for c, anchor in zip(findings.collections, anchors, strict=True)
    )
    return f'<ul class="results">{rows}</ul>' if rows else ""


def _systems(findings: ExperimentResults, roster: Roster) -> str:
    described = {s.name: (s.kind, s.description) for c in findings.collections for s in c.systems}
    rows = "\n".join(
        f'<dt>{system(name, roster)}<span class="tag">{escaped(kind)}</span></dt><dd dir="auto">{escaped(told)}</dd>'
        for name, (kind, told) in ((name, described[name]) for name in roster.names)
    )
    return f'<details class="systems" open><summary>What the systems are</summary><dl>{rows}</dl></details>'


def _setting(findings: ExperimentResults) -> str:
    setting = Setting.of(findings)
    facts = "\n".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in setting.facts)
    parts = [
        f"<h3>Make it again</h3><pre>{escaped(setting.command)}</pre>" if setting.command else "",
        f'<dl class="facts">{facts}</dl>' if facts else "",
        f"<h3>Configuration</h3><pre>{escaped(setting.config)}</pre>" if setting.config else "",
    ]
    return f"<section>\n<h2>Setting</h2>\n{''.join(parts)}\n</section>" if any(parts) else ""
