"""The drill of failing disks: at every step of every change, the disk is full or broken, once or from then on.

The change must then raise WordhiveError and leave the index as it was, or succeed (where a merge or a clean-up is put
off); the index answers rightly in either case, and once the disk is well again, changes work again. Beside the steps
that Python takes, writes fail below it: in SQLite and numpy, by a limit on the size of files and of the catalog.

    python tests/index/drill_faults.py short|long
"""

from __future__ import annotations

import errno
import gc
import itertools
import os
import random
import resource
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Protocol

from drill_content import Change, State, held, inspect, leftovers
from drill_crash import CASES, fork, some_documents
from drill_disk import Disk

from wordhive.index import Index, WordhiveError
from wordhive.index.errors import WordhiveWarning
from wordhive.index.faiss import faiss_library

# Bytes: small files fail at the first ones, the catalog's log at the last ones.
_LIMITS = [*range(150, 1_000, 100), *range(1_000, 10_000, 500), *range(10_000, 200_000, 5_000)]
_SQLITE = {errno.ENOSPC: "database or disk is full", errno.EIO: "disk I/O error"}


class Fault(Protocol):
    """A way to make a disk fail."""

    def prepare(self) -> None:
        """What must be done before the index is opened."""

    def begin(self, index: Index) -> None:
        """From now on it fails."""

    def end(self, index: Index) -> bool:
        """It is well again; whether it failed."""


class StepFault:
    """The step numbered `at` fails, and if it `lasts` all that follow."""

    def __init__(self, path: Path, code: int, at: int, *, lasts: bool) -> None:
        self._disk = Disk(path, self._fail, at, lasts=lasts)
        self._code, self._at = code, at

    def _fail(self, step: str) -> None:
        if step.startswith("sqlite"):
            raise sqlite3.OperationalError(_SQLITE[self._code])
        raise OSError(self._code, os.strerror(self._code))

    def prepare(self) -> None:
        self._disk.watch()
        self._disk.on = False

    def begin(self, index: Index) -> None:
        self._disk.on = True

    def end(self, index: Index) -> bool:
        self._disk.on = False
        return len(self._disk.steps) > self._at


class SizeFault:
    """No file can grow beyond a limit: Python ignores the signal, so that a write below it fails."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def prepare(self) -> None:
        pass

    def begin(self, index: Index) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._limit, resource.RLIM_INFINITY))

    def end(self, index: Index) -> bool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return True


class PageFault:
    """The catalog can have only so many pages more."""

    def __init__(self, more: int) -> None:
        self._more = more

    def prepare(self) -> None:
        pass

    def begin(self, index: Index) -> None:
        (pages,) = index._catalog._connection.execute("PRAGMA page_count").fetchone()
        index._catalog._connection.execute(f"PRAGMA max_page_count = {pages + self._more}").fetchone()

    def end(self, index: Index) -> bool:
        index._catalog._connection.execute("PRAGMA max_page_count = 1000000000").fetchone()
        return True


def outcome(index: Index, change: Change) -> str:
    """Run a change that may fail, and say what became of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", WordhiveWarning)
            change.run(index)
    except WordhiveError as error:
        return f"refused {error}"
    except Exception as error:
        return f"wrong error {error!r}"
    return "done"


def judge(index: Index, change: Change, before: State, told: str) -> str:
    """Whether the index, on a disk that is well again, is what the caller was told: "" or what is wrong."""
    after = change.after(before)
    state = after if told == "done" else before
    try:
        if (found := held(index)) != state:
            return f"{told}, but holds {'the change' if found == after else found}"
        inspect(index.path, state)
        Change("upsert", {"d99": 1}).run(index)
        if held(index) != {**state, "d99": 1}:
            return f"{told}, but is not changed later"
        if left := leftovers(index.path):
            return f"{told}, left over: {left}"
    except Exception as error:
        return f"{told}, then {error!r}"
    return told if told.startswith("wrong error") else ""


class Drill:
    """Changes of copies of an index, each in a process of its own, and counts of what became of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x"
        self._answer = folder / "answer"
        self.counts: Counter[str] = Counter({"faults": 0, "refused": 0, "done all the same": 0, "wrong": 0})

    def strike(self, base: Path, what: str, change: Change, before: State, fault: Fault) -> bool:
        """One fault; whether it came about."""
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(base, self.path)
        self._answer.write_text("1\n\ndied", encoding="utf-8")

        def work() -> None:
            fault.prepare()
            index = Index.open(self.path)
            held(index)
            fault.begin(index)
            told = outcome(index, change)
            struck = fault.end(index)
            wrong = judge(index, change, before, told)
            self._answer.write_text(f"{struck:d}\n{told}\n{wrong}".replace(str(self.path), ""), encoding="utf-8")

        os.waitpid(fork(work), 0)
        struck, told, wrong = self._answer.read_text(encoding="utf-8").split("\n", 2)
        if struck == "1" or wrong:
            self.counts["faults"] += 1
            self.counts["wrong" if wrong else "refused" if told.startswith("refused") else "done all the same"] += 1
        if wrong:
            sys.stdout.write(f"{what}: {wrong}\n")
        return struck == "1"


def main(form: str, seed: int = 0) -> int:
    """Run the drill, and print the counts; 1 where anything was wrong."""
    os.environ["WORDHIVE_THREADS"] = "1"  # a process with threads can't be forked
    faiss_library.faiss().omp_set_num_threads(1)
    draw, long = random.Random(seed), form == "long"
    with tempfile.TemporaryDirectory() as folder:
        drill = Drill(Path(folder))
        inspect(drill.path, some_documents(drill.path))  # what is imported late is imported now
        gc.freeze()
        for name, (setup, change) in CASES.items():
            base = Path(folder) / name.replace(" ", "-")
            before = setup(base)
            for code, lasts in itertools.product(_SQLITE, (False, True)):
                kind = f"{errno.errorcode[code]}{' that lasts' if lasts else ''}"
                for at in range(1000):
                    if long or draw.random() < 0.01:
                        fault = StepFault(drill.path, code, at, lasts=lasts)
                        if not drill.strike(base, f"{name}, {kind} at step {at}", change, before, fault):
                            break
            for limit in _LIMITS if long else draw.sample(_LIMITS, 1):
                drill.strike(base, f"{name}, files up to {limit} bytes", change, before, SizeFault(limit))
            for more in range(0, 16, 1 if long else 12):
                drill.strike(base, f"{name}, {more} pages more", change, before, PageFault(more))
        counts = ", ".join(f"{n} {outcome}" for outcome, n in drill.counts.items())
        sys.stdout.write(f"fault drill: {counts}\n")
    return int(drill.counts["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
