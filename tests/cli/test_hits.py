"""What a terminal shows of hits."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from wordhive.cli import hits, terminal
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever
from wordhive.retrieval.searcher import Hit

from .conftest import Run

WIDTHS = [40, 60, 80, 120]
# What moves the cursor, paints, renames the window or turns the direction around.
CONTROLS = ["\x1b[31m", "\x1b]0;name\x07", "\x9b2J", "\r", "\x08", "\x7f", "\u202e", "\u2066", "\u2028", "\n\n", "\t"]
TEXTS = {
    "plain": "Honey bees dance to tell others where flowers are, and ants lay trails of scent to food. " * 9,
    "cjk": "蜜蜂通过舞蹈进行交流,告诉同伴花朵在哪里。" * 30,
    "rtl": "הדבורים רוקדות כדי לספר לאחרות היכן הפרחים " * 20,
    "emoji": "🐝🌼 bees 👩‍👩‍👧 dance " * 40,
    "one word": "b" * 900,
    "markup": "[bold]bees[/bold] [link=x]dance[/link] [/] " * 20,
}


def shown(*found: Hit, width: int = 80, color: Any = None) -> list[str]:
    file = io.StringIO()
    hits.show(found, Console(file=file, width=width, color_system=color, force_terminal=color is not None))
    return file.getvalue().splitlines()


def hit(text: str | None, id: str = "a", **attributes: Any) -> Hit:
    return Hit(id, 1.5, 1.0, 0.5, text, attributes)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", TEXTS)
def test_texts_are_wrapped_with_an_indent(kind: str, width: int) -> None:
    first, *lines = shown(hit(TEXTS[kind]), width=width)
    assert first == " 1  1.500  a  words 1.000 + summary 0.500"
    assert len(lines) == 3
    assert all(line.startswith("    ") and line[4] != " " and cell_len(line) <= min(width, 100) for line in lines)
    assert lines[-1].endswith(" …")


@pytest.mark.parametrize("width", WIDTHS)
def test_lines_end_between_words(width: int) -> None:
    lines = shown(hit(TEXTS["plain"]), width=width)[1:]
    words = set(TEXTS["plain"].split())
    assert {word for line in lines for word in line.split()} - words == {"…"}


def test_a_title_has_a_line_of_its_own() -> None:
    assert shown(hit("The hive Bees live there.", title="The hive", year=1973, tags=["a", "b"]))[1:] == [
        "    The hive",
        '    year 1973 · tags ["a", "b"]',
        "    Bees live there.",
    ]


@pytest.mark.parametrize(
    ("text", "title", "lines"),
    [
        ("There are bees.", "The", ["The", "There are bees."]),
        ("Bees.", "The hive", ["The hive", "Bees."]),
        ("The hive", "The hive", ["The hive"]),
        (None, "The hive", ["The hive"]),
        ("Bees.", 7, ["title 7", "Bees."]),
        ("Bees.", " ", ["title", "Bees."]),
    ],
)
def test_only_a_title_before_the_text_is_taken_off_it(text: str | None, title: Any, lines: list[str]) -> None:
    assert [line.strip() for line in shown(hit(text, title=title))[1:]] == lines


@pytest.mark.parametrize("width", WIDTHS)
def test_attributes_take_one_line(width: int) -> None:
    values = {f"name {n}": "value " * 50 for n in range(9)}
    lines = shown(hit("Bees.", **values), width=width)
    assert len(lines) == 3
    assert lines[1].endswith("…")
    assert cell_len(lines[1]) <= width


@pytest.mark.parametrize("control", CONTROLS)
def test_nothing_in_a_document_controls_the_terminal(control: str) -> None:
    wild = f"x{control}y"
    lines = shown(hit(f"{wild} {wild}", wild, title=wild, **{wild: wild}))
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_joined_letters_stay_joined() -> None:
    assert terminal.plain("می\u200cخواهم 👩\u200d👧 co\u00adop \ufeffx") == "می\u200cخواهم 👩\u200d👧 coop x"


def test_nothing_found_is_said() -> None:
    assert shown() == ["nothing found: no document is let through, or the index is empty"]


@pytest.fixture(scope="module")
def retriever(tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    before = "The council met on Tuesday. It spoke about roads and budgets at length. " * 6
    retriever = Retriever.create(tmp_path_factory.mktemp("hits") / "x.hive", Encoder.load())
    retriever.add([{"id": "late", "text": f"{before}A keeper said that honey bees dance. {before}"}])
    return retriever


@pytest.mark.parametrize("width", WIDTHS)
def test_what_matched_is_shown_and_bold(retriever: Retriever, width: int) -> None:
    found = retriever.search("bees that dance")
    lines = shown(*found, width=width)[1:]
    assert lines[0].startswith("    … ")
    assert "honey bees dance" in " ".join(line.strip() for line in lines)
    assert any("\x1b[1mbees" in line for line in shown(*found, width=width, color="standard"))


def test_a_document_that_is_gone_is_shown_from_its_beginning(tmp_path: Path) -> None:
    retriever = Retriever.create(tmp_path / "x.hive", Encoder.load())
    retriever.add(["Bees dance."])
    found = retriever.search("bees")
    retriever.delete(["0"])
    assert shown(*found)[1:] == ["    Bees dance."]


def test_the_command_prints_titles_and_attributes(run: Run, hive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = run("search", hive, "how do bees dance?", "-k", "1").out.splitlines()
    assert lines[0].split()[2] == "dance"
    assert lines[1:] == [
        "    Waggle dance",
        "    year 1973",
        "    Honey bees dance to tell others where flowers are.",
    ]
