"""A filter on the command line whose attribute no document has: a line on stderr says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Run

HINT = "warning: no document has the attribute 'yaer'; did you mean 'year'?"


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_search_names_an_attribute_that_no_document_has(run: Run, hive: Path, options: list[str]) -> None:
    outcome = run("search", hive, "bees", "--where", "yaer > 1900", *options)
    assert outcome.code == 0
    assert outcome.err.strip() == HINT
    assert HINT not in outcome.out


def test_a_search_of_attributes_that_there_are_says_nothing(run: Run, hive: Path) -> None:
    outcome = run("search", hive, "bees", "--where", "year > 2020")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("nothing found")


def test_a_deletion_names_it_too(run: Run, hive: Path) -> None:
    outcome = run("delete", hive, "--where", "yaer > 1900")
    assert outcome.code == 0
    assert outcome.err.strip() == HINT
    assert "0 documents deleted, 6 left" in outcome.out


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9" * 5000, "１００", ""])
def test_candidates_that_are_no_number_are_refused_in_one_line(run: Run, hive: Path, value: str) -> None:
    outcome = run("search", hive, "bees", f"--candidates={value}")
    assert outcome.code == 2
    assert "expected a number from 1, or all" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert len(outcome.err) < 200
