"""The summary as a table for LaTeX documents that use booktabs."""

from __future__ import annotations

from ..comparison import latex_cell
from ..results import ExperimentResults
from . import sentences, tables
from .ranking import Legend
from .tables import Cell


def latex(results: ExperimentResults) -> str:
    """A table whose caption says how differences were tested.

    Names keep their script, so LaTeX needs a font that has it.
    """
    legend = Legend.of(results)
    content = tables.summary(results, legend)
    head = " & ".join(["", *map(_text, content.columns)])
    body = [" & ".join([legend.letter(row[0].text), *map(_cell, row)]) + r" \\" for row in content.rows]
    caption = f"{results.title}. {sentences.letters(results)} {sentences.method(results)}"
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_text(caption)}}}",
            rf"\begin{{tabular}}{{l{content.align}}}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _cell(cell: Cell) -> str:
    shown = _text(cell.text)
    if cell.best:
        shown = rf"\textbf{{{shown}}}"
    return shown + (rf"\textsuperscript{{{cell.beaten}}}" if cell.beaten else "")


def _text(text: str) -> str:
    # Isolates are for screens. A sign of comparison is mathematics, or older fonts would print another.
    plain = " ".join(text.translate({0x2068: None, 0x2069: None}).split())
    return latex_cell(plain).replace("<", "$<$").replace(">", "$>$").replace("–", "--").replace("’", "'")
