"""The drill of creation: several processes make an index at the same path at the same moment.

Exactly one of them makes it, and what it commits at once is there afterwards; the others are told that it is there.
Some tries find an empty folder, or one of a creation that was killed, and in some a process fails half way.

    python tests/index/drill_creation.py short|long
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from drill_content import CONFIG, close, content, inspect
from drill_crash import fork

from wordhive.index import Index, InputError, WordhiveError
from wordhive.index.faiss import faiss_library
from wordhive.index.writing import creation

STATES = ["nothing", "an empty folder", "a creation that was killed"]
# Tries of two and of four processes.
TRIES = {"short": 8, "long": 1000}
FAILS = 5  # of so many tries, in one a process fails


def prepare(path: Path, state: str) -> None:
    if state != "nothing":
        path.mkdir()
    if state == "a creation that was killed":
        (path / "segments").mkdir()
        (path / "params").mkdir()
        (path / "catalog.new").write_bytes(b"half")


def make(path: Path, number: int, start: float, told: Path, *, fails: bool) -> None:
    """One process: make the index at a moment that is agreed upon, commit a document, tell what came of it."""
    if fails:

        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        creation.sync = fail
        creation.Catalog.create = fail  # type: ignore[method-assign, assignment]
    while time.monotonic() < start:
        pass
    try:
        index = Index.create(path, CONFIG, summary_weight=0.5)
    except InputError as error:
        outcome = "told" if "is already an index" in str(error) else f"wrong: {error}"
    except WordhiveError as error:
        outcome = "failed" if fails and "Input/output error" in str(error) else f"wrong: {error}"
    else:
        index.add(*content({f"d{number}": 1}))
        close(index)
        outcome = "made"
    (told / str(number)).write_text(outcome, encoding="utf-8")


def attempt(folder: Path, number: int, processes: int, counts: Counter[str]) -> None:
    path, told = folder / f"{number}.hive", folder / f"{number}.told"
    told.mkdir()
    prepare(path, STATES[number % len(STATES)])
    failing = number % processes if number % FAILS == 0 else None
    start = time.monotonic() + 0.01
    children = [fork(lambda n=n: make(path, n, start, told, fails=n == failing)) for n in range(processes)]
    died = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    outcomes = {int(file.name): file.read_text(encoding="utf-8") for file in told.iterdir()}
    makers = [process for process, outcome in outcomes.items() if outcome == "made"]
    wrong = [outcome for outcome in outcomes.values() if outcome.startswith("wrong")]
    counts["tries"] += 1
    counts["winners"] += len(makers)
    counts["told"] += sum(outcome == "told" for outcome in outcomes.values())
    counts["failed on purpose"] += sum(outcome == "failed" for outcome in outcomes.values())
    if died or wrong or len(makers) != 1:
        counts["wrong"] += 1
        sys.stderr.write(f"try {number}: {died} died, {outcomes}\n")
        return
    try:
        inspect(path, {f"d{makers[0]}": 1})
    except (AssertionError, WordhiveError) as error:
        counts["lost or not to be opened"] += 1
        sys.stderr.write(f"try {number}: {error}\n")


def main(form: str) -> None:
    faiss_library.faiss().omp_set_num_threads(1)
    bad = 0
    for processes in (2, 4):
        counts: Counter[str] = Counter(
            dict.fromkeys(("tries", "winners", "told", "wrong", "lost or not to be opened"), 0)
        )
        with tempfile.TemporaryDirectory() as folder:
            for number in range(TRIES[form]):
                attempt(Path(folder), number, processes, counts)
        sys.stdout.write(
            f"creation drill, {processes} processes: {', '.join(f'{n} {name}' for name, n in counts.items())}\n"
        )
        bad += counts["wrong"] + counts["lost or not to be opened"]
    sys.exit(bad > 0)


if __name__ == "__main__":
    main(sys.argv[1])
