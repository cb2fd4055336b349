"""The drills, each in a process of its own, which forks: in short here, in long by `make test-slow`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("form", ["short", pytest.param("long", marks=pytest.mark.slow)])
@pytest.mark.parametrize("drill", ["crash", "creation", "faults", "flips", "folders", "interrupts", "readers"])
def test_drill(drill: str, form: str) -> None:
    script = Path(__file__).with_name(f"drill_{drill}.py")
    done = subprocess.run([sys.executable, script, form], capture_output=True, text=True)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
