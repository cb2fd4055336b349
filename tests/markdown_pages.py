"""The pages of the documentation, and what tests read in them: fenced blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_COMMENT = re.compile(r"<!-- (given|not run|file): (.*?) -->")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        language: As it stands behind the fence: python, sh, yaml, …
        text: What stands between the fences.
        line: Where it begins.
        note: The comment above it, without its value: "not run", "file" or "".
        value: The comment's value: a reason, or a file's name.
    """

    language: str
    text: str
    line: int
    note: str = ""
    value: str = ""


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, each with the comment in the line above it."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start, comment = None, None
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if start is None:
            start, comment = number, _COMMENT.fullmatch(lines[number - 1].strip()) if number else None
            continue
        note, value = comment.groups() if comment else ("", "")
        text = "\n".join(lines[start + 1 : number]) + "\n"
        yield Block(lines[start].strip("` "), text, start + 1, note, value)
        start = None


def given(page: Path) -> list[str]:
    """The files that a page says that a reader has: `<!-- given: docs.jsonl, my.hive -->`."""
    return [
        file
        for note, value in _COMMENT.findall(page.read_text(encoding="utf-8"))
        if note == "given"
        for file in value.split(", ")
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks and code."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site name them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", title.replace("`", "").strip().lower()))
        for title in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    }
