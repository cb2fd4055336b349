"""A package that an extra brings is named, where it is missing."""

from __future__ import annotations

import sys
from importlib.metadata import requires

import pytest

from wordhive.cli.extras import _EXTRAS, missing_package
from wordhive.cli.main import main


def test_every_package_is_in_its_extra() -> None:
    declared = "\n".join(requires("wordhive") or [])
    for extra, packages in _EXTRAS.items():
        own = [line for line in declared.splitlines() if f'extra == "{extra}"' in line.replace("'", '"')]
        for package in packages.split():
            assert any(line.startswith(package.replace("_", "-")) for line in own), (extra, package)


def test_the_extra_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ranx", None)
    for name in [name for name in sys.modules if name.startswith("wordhive.eval")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit) as stopped:
        main(["eval", "docs.jsonl", "--queries-file", "queries.tsv", "--qrels", "judged.qrels"])
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert "needs the package ranx" in told
    assert "pip install 'wordhive[eval]'" in told
    assert told.splitlines()[-1].startswith("error: this needs")


def test_other_errors_are_not_taken_for_missing_packages() -> None:
    assert missing_package(ModuleNotFoundError("No module", name="nowhere")) is None
    assert missing_package(ModuleNotFoundError("No module")) is None
    assert missing_package(ValueError("torch")) is None
