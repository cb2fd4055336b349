"""`wordhive explain`, for people, for programs, and as a page."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Outcome, Run

QUERY = "how do bees dance?"


def _refused(outcome: Outcome, said: str, code: int = 2) -> None:
    assert outcome.code == code
    assert outcome.out == ""
    assert len(outcome.err.strip().splitlines()) == 1
    assert said in outcome.err


def test_every_query_word_is_a_line_with_its_match(run: Run, hive: Path) -> None:
    found = run("explain", hive, QUERY, "dance")
    assert found.code == 0
    lines = found.out.splitlines()
    assert lines[0].startswith("dance  ")
    rows = {line.split()[0]: line for line in lines if " % " in line}
    assert list(rows) == ["how", "do", "bees", "dance", "?", "summary"]
    assert "→ bees" in rows["bees"]
    assert "█" in rows["bees"]
    assert "Waggle dance Honey bees dance to tell others where flowers are." in " ".join(lines)


def test_exact_words_are_a_line_of_their_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "docs.jsonl").write_text(
        '{"id": "dance", "text": "Honey bees dance."}\n{"id": "trail", "text": "Ants follow scent."}\n'
    )
    run("index", tmp_path / "docs.jsonl", "--to", tmp_path / "x.hive", "--config", "hybrid")
    found = run("explain", tmp_path / "x.hive", QUERY, "dance")
    (line,) = [line for line in found.out.splitlines() if line.startswith("exact words")]
    assert line.split()[2:4] == ["bees", "dance"]


def test_json_holds_what_search_found(run: Run, hive: Path) -> None:
    hit = run("search", hive, QUERY, "-k", "1", "--json").json()["hits"][0]
    found = run("explain", hive, QUERY, "dance", "--json").json()
    assert found["id"] == hit["id"] == "dance"
    for part in ("score", "words_score", "summary_score", "lexical_score"):
        assert found[part] == pytest.approx(hit[part], abs=1e-5)
    assert [match["word"] for match in found["matches"]] == ["how", "do", "bees", "dance", "?"]
    bees = next(word for word in found["words"] if word["word"] == "bees")
    assert [found["text"][start:end] for start, end in bees["spans"]] == ["bees"]


def test_a_page_is_written_and_nothing_printed(run: Run, hive: Path, tmp_path: Path) -> None:
    target = tmp_path / "dance.html"
    found = run("explain", hive, QUERY, "dance", "--html", target)
    assert (found.code, found.out) == (0, "")
    page = target.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert ">bees</mark>" in page


def test_what_a_terminal_shows_controls_nothing(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "docs.tsv"
    source.write_text("a\tbees \x1b[31mdan\x1bce and \x1b]0;title\x07 hum\n", encoding="utf-8")
    assert run("index", source, "--to", tmp_path / "x").code == 0
    found = run("explain", tmp_path / "x", "be\x1bes \x1b[1m", "a")
    assert found.code == 0
    assert all(character.isprintable() or character == "\n" for character in found.out)


def test_bad_input_is_one_line(run: Run, hive: Path, tmp_path: Path) -> None:
    _refused(run("explain", hive, QUERY, "nowhere"), "no document 'nowhere'")
    _refused(run("explain", hive, " ", "dance"), "the query is ' '")
    _refused(run("explain", tmp_path / "none", QUERY, "dance"), "no index at")
    _refused(run("explain", hive, QUERY, "dance", "--html", tmp_path / "no" / "x.html"), "x.html", code=1)
