"""What is printed: nothing of it controls the terminal, and what programs read stays what it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wordhive.cli import terminal

WILD = ["\x1b[31m", "\x9b2J", "\x7f", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800"]


@pytest.mark.parametrize("wild", WILD)
def test_json_is_one_line_that_controls_nothing(capsys: pytest.CaptureFixture[str], wild: str) -> None:
    terminal.print_json({f"a{wild}": f"é蜜{wild}"})
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 1
    assert printed.rstrip("\n").isprintable()
    assert "é蜜" in printed
    assert json.loads(printed) == {f"a{wild}": f"é蜜{wild}"}


@pytest.mark.parametrize("wild", WILD)
def test_json_files_hold_what_they_were_given(tmp_path: Path, wild: str) -> None:
    terminal.write_json(tmp_path / "x.json", [wild])
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == [wild]


@pytest.mark.parametrize("wild", WILD)
def test_lines_control_nothing(capsys: pytest.CaptureFixture[str], wild: str) -> None:
    terminal.say(f"a{wild}b")
    terminal.note(f"a{wild}b")
    terminal.fail(f"a{wild}b")
    terminal.print_table([f"c{wild}"], [[f"a{wild}b"]], title=f"t{wild}")
    printed = capsys.readouterr()
    for line in [*printed.out.split("\n"), *printed.err.split("\n")]:
        assert line.isprintable(), repr(line)


def test_tables_take_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_table(["run [red]"], [["[bold]a.run[/bold]"], ["[/x]"]], title="[b]title")
    printed = capsys.readouterr().out
    assert all(part in printed for part in ("run [red]", "[bold]a.run[/bold]", "[/x]", "[b]title"))
