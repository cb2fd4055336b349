"""`wordhive train mine`, and the group whose default command's name may be left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from wordhive.cli.train import group as train_module
from wordhive.cli.train.group import DEFAULT_COMMAND

from ..conftest import BEES, Run


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    rows = [{"query": document["title"], "positive": document["text"]} for document in BEES]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_mining_writes_the_rows_with_negatives(run: Run, pairs: Path, tmp_path: Path) -> None:
    to = tmp_path / "mined.jsonl"
    outcome = run("train", "mine", pairs, "--to", to, "--skip", "0", "--negatives", "2", "--json")
    rows = [json.loads(line) for line in to.read_text(encoding="utf-8").splitlines()]
    total = sum(len(row["negatives"]) for row in rows)
    assert outcome.json() == {"file": str(to), "examples": len(BEES), "negatives": total}
    assert outcome.err == ""
    assert [row["query"] for row in rows] == [document["title"] for document in BEES]
    hive = next(row for row in rows if row["query"] == "The hive")
    assert hive["positive"] not in hive["negatives"]


def test_an_index_mines_and_people_are_told(run: Run, pairs: Path, hive: Path, tmp_path: Path) -> None:
    to = tmp_path / "mined.jsonl.gz"
    outcome = run("train", "mine", pairs, "--to", to, "--method", hive, "--skip", "1", "--negatives", "3")
    assert outcome.code == 0
    assert "6 examples, 3.00 negatives each of 3 asked for" in outcome.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--skip", "9", "--depth", "5"), "a depth beyond"),
        (("--max-ratio", "2"), "max_ratio is 2.0"),
        (("--corpus", "nowhere.jsonl"), "nowhere.jsonl; check the path"),
        (("--query", "question"), "pairs.jsonl:1: no field 'question'"),
        (("--negatives", "0"), "--help"),
    ],
)
def test_bad_options_are_one_line_and_write_nothing(
    run: Run, pairs: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    outcome = run("train", "mine", pairs, "--to", tmp_path / "mined.jsonl", *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_a_folder_that_is_not_there_is_named_before_mining(run: Run, pairs: Path, tmp_path: Path) -> None:
    outcome = run("train", "mine", pairs, "--to", tmp_path / "no" / "mined.jsonl")
    assert (outcome.code, "no folder at" in outcome.err) == (2, True)


def test_standard_input_is_refused(run: Run, tmp_path: Path) -> None:
    outcome = run("train", "mine", "-", "--to", tmp_path / "mined.jsonl")
    assert (outcome.code, "standard input" in outcome.err) == (2, True)


def test_an_unknown_first_argument_is_the_default_commands(capsys: pytest.CaptureFixture[str]) -> None:
    group = typer.Typer(cls=train_module.DefaultCommandGroup)

    @group.command(DEFAULT_COMMAND)
    def default(config: Path, steps: int = 0) -> None:
        typer.echo(f"{config.name} {steps}")

    @group.command()
    def other() -> None:
        typer.echo("other")

    def said(*arguments: str) -> str:
        group(list(arguments), standalone_mode=False)
        return capsys.readouterr().out.strip()

    assert said("my.yaml", "--steps", "3") == "my.yaml 3"
    assert said("--steps", "3", "my.yaml") == "my.yaml 3"
    assert said(DEFAULT_COMMAND, "my.yaml") == "my.yaml 0"
    assert said("other") == "other"
    assert "my.yaml" not in said("--help")
