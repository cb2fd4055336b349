"""Ctrl-C in a real process, at a given step: 130, one line that says what became of the work, and a whole index."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wordhive.index import Index, IndexConfig, WordVectors
from wordhive.index.maintenance.check import check

# The command line, with a signal just before a function of a module is called for the first time.
PROGRAM = """
import importlib
import os
import signal
import sys

from wordhive.cli.main import main

module, name = sys.argv.pop(1).split(":")
module = importlib.import_module(module)
real = getattr(module, name)


def interrupted(*values, **options):
    setattr(module, name, real)
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        if os.environ.get("SWALLOWED"):  # as compiled code may that calls Python
            raise RuntimeError("no compiled object yet") from None
        raise
    return real(*values, **options)


setattr(module, name, interrupted)
main()
"""
Stop = Callable[..., str]


@pytest.fixture
def hive(tmp_path: Path) -> Path:
    """Six documents in two segments, one of them deleted."""
    vectors = np.eye(8, dtype=np.float32)
    index = Index.create(tmp_path / "x.hive", IndexConfig(codec="Flat", encoding=None, candidates="Flat"))
    for part in ("abc", "def"):
        words = WordVectors(vectors[:3], np.arange(4, dtype=np.int64), np.arange(1, 4, dtype=np.uint32), None)
        index.add(list(part), words, None, [{"n": ord(id) - ord("a")} for id in part])
    index.delete(["a"])
    index.close()
    return tmp_path / "x.hive"


@pytest.fixture
def stop() -> Stop:
    def command(where: str, *arguments: str | Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, where, *map(str, arguments)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 130, done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        return line

    return command


def held(path: Path) -> set[str]:
    assert check(path) == []
    index = Index.open(path)
    try:
        return set(index.snapshot().ids().values())
    finally:
        index.close()


@pytest.mark.parametrize(
    ("where", "told", "left"),
    [
        ("wordhive.index.filters.expressions:parse_where", "error: stopped", "bcdef"),
        ("wordhive.index.writing.writer:commit_deletion", "stopped: 0 documents deleted, 5 left", "bcdef"),
        ("wordhive.index.writing.writer:due", "stopped: 3 documents deleted, 2 left", "ef"),
    ],
)
def test_delete_says_whether_it_has(hive: Path, stop: Stop, where: str, told: str, left: str) -> None:
    assert told in stop(where, "delete", hive, "--where", "n <= 3")
    assert held(hive) == set(left)


def test_compact_keeps_what_it_held(hive: Path, stop: Stop) -> None:
    assert "stopped: " in (told := stop("wordhive.index.writing.writer:merge", "compact", hive))
    assert "holds what it held; run the same command again" in told
    assert held(hive) == set("bcdef")


@pytest.mark.parametrize(
    ("where", "told"),
    [("commit_generation", "is as it was"), ("merge", "fitted anew, and rewritten in part; wordhive compact does")],
)
def test_refit_says_how_far_it_came(hive: Path, stop: Stop, where: str, told: str) -> None:
    assert told in stop(f"wordhive.index.writing.writer:{where}", "refit", hive)
    assert held(hive) == set("bcdef")


def test_export_and_import_leave_nothing_half_written(hive: Path, stop: Stop, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from wordhive.index.parquet import export_index

    file, to = tmp_path / "x.parquet", tmp_path / "new.hive"
    assert "x.parquet was not written" in stop("wordhive.index.parquet:_batch", "export", hive, file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.hive"]
    export_index(Index.open(hive), file)
    assert "new.hive was not made" in stop("wordhive.index.parquet:_add", "import", file, "--to", to)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.hive", "x.parquet"]


def test_ctrl_c_that_comes_as_another_error_is_still_one(
    hive: Path, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWALLOWED", "1")
    assert "holds what it held" in stop("wordhive.index.writing.writer:merge", "compact", hive)
    parse = "wordhive.index.filters.expressions:parse_where"
    assert stop(parse, "delete", hive, "--where", "n <= 3") == "error: stopped"
    assert held(hive) == set("bcdef")


def test_a_command_that_is_done_cannot_be_stopped(hive: Path) -> None:
    program = "import atexit, os, signal\natexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
    program += "from wordhive.cli.main import main\nmain()"
    done = subprocess.run([sys.executable, "-c", program, "delete", hive, "b"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 document deleted" in done.stdout
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
