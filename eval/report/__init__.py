"""Reports of an evaluation: a page, Markdown, a table for LaTeX."""

from __future__ import annotations

from pathlib import Path

from ..results import ExperimentResults
from .latex import latex
from .markdown import markdown
from .page import page

__all__ = ["latex", "markdown", "page", "write"]


def write(results: ExperimentResults, folder: Path) -> list[Path]:
    """Write report.md, report.html and report.tex. The same results give the same bytes.

    Args:
        folder: Made if it does not exist.

    Returns:
        The files.

    Raises:
        OSError: A file can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"report.md": markdown, "report.html": page, "report.tex": latex}
    files = []
    for name, made in contents.items():
        files.append(folder / name)
        # Halves of characters, which JSON may hold, can't be written.
        files[-1].write_text(made(results), encoding="utf-8", errors="replace", newline="\n")
    return files
