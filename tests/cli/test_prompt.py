"""Queries typed one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wordhive.cli import prompt

from .conftest import Run


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    def lines(*typed: str, end: type[BaseException] = EOFError) -> None:
        left = iter(typed)

        def read(label: str) -> str:
            for line in left:
                return line
            raise end

        monkeypatch.setattr(prompt, "is_there", lambda: True)
        monkeypatch.setattr("builtins.input", read)

    return lines


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_every_line_is_answered_until_the_end(run: Run, hive: Path, type_in: Any, end: type[BaseException]) -> None:
    type_in("who spins webs?", "  how do bees dance? ", end=end)
    found = run("search", hive, "-k", "1")
    assert found.code == 0
    assert [line.split()[2] for line in found.out.splitlines() if line.startswith(" 1")] == ["silk", "dance"]


@pytest.mark.parametrize("last", ["", "exit", "quit", " Exit "])
def test_how_to_leave_is_said_and_leaves(run: Run, hive: Path, type_in: Any, last: str) -> None:
    type_in("webs", last, "bees")
    found = run("search", hive, "-k", "1", "--json")
    assert len(found.out.splitlines()) == 1
    assert found.err.splitlines()[0] == "type a query to search; exit, an empty line or ctrl-D leaves"


def test_a_bad_line_is_named_and_the_next_one_answered(run: Run, hive: Path, type_in: Any) -> None:
    type_in("\udcff", "webs")
    found = run("search", hive, "-k", "1", "--json")
    assert found.code == 0
    assert len(found.out.splitlines()) == 1
    _, told = found.err.strip().splitlines()
    assert told.startswith("error: ")


def test_where_nobody_types_a_query_must_be_given(run: Run, hive: Path) -> None:
    found = run("search", hive)
    assert found.code == 2
    assert "give one query in quotes" in found.err


def test_nobody_types_into_what_is_closed(run: Run, hive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert run("search", hive).code == 2
