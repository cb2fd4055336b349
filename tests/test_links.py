"""Links between the pages of the documentation lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .markdown_pages import PAGES, ROOT, anchors, name, prose

_LINK = re.compile(r"\[(?:[^\[\]]|\n)*\]\(([^)\s]+)\)")
_OTHERS = [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("page", [*PAGES, *_OTHERS], ids=name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and "." not in anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", _OTHERS[:2], ids=name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = re.findall(r"`((?:index|retrieval|eval|cli|tests|configs|docs)/[\w/.-]+)`", text)
    assert files
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_the_site_names_every_page() -> None:
    toml = pytest.importorskip("tomllib")  # of Python 3.11
    settings = toml.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]

    def files(nav: Any) -> list[str]:
        if isinstance(nav, str):
            return [nav]
        return [file for each in (nav.values() if isinstance(nav, dict) else nav) for file in files(each)]

    assert sorted(files(settings["nav"])) == sorted(name(page).removeprefix("docs/") for page in PAGES[1:])
