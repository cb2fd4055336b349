"""Work in a process of its own."""

from __future__ import annotations

import os
import signal

import pytest

from wordhive.eval.measuring.own_process import in_own_process
from wordhive.index import WordhiveError


def test_it_begins_with_its_own_variables_and_leaves_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORDHIVE_GIVEN", "before")
    changes = {"WORDHIVE_GIVEN": "a", "WORDHIVE_NEW": "b"}
    assert [in_own_process(os.getenv, name, environment=changes) for name in changes] == ["a", "b"]
    assert in_own_process(os.getpid) != os.getpid()
    assert (os.environ["WORDHIVE_GIVEN"], "WORDHIVE_NEW" in os.environ) == ("before", False)


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(FileNotFoundError):
        in_own_process(os.listdir, "/nowhere")


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(WordhiveError, match="was killed, or crashed"):
        in_own_process(signal.raise_signal, signal.SIGKILL)
