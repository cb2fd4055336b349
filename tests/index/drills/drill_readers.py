"""The drill of readers: four processes search while another one adds, upserts, deletes and compacts.

The writer tells how many changes it has begun, and how many are done. What a reader holds must be what a whole number
of changes leaves: of all that were done when it reloaded, and some of those that were begun since.

    python tests/index/drill_readers.py short|long
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from drill_content import CONFIG, DrillError, State, held, inspect, next_change
from drill_crash import fork, some_documents

from wordhive.index import Index
from wordhive.index.faiss import faiss_library

READERS = 4


class Drill:
    """A writer, its readers, and what they tell each other: in files, a line a change."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.path = folder / "x"
        self._begun, self._done = folder / "begun", folder / "done"
        self._folder, self._until = folder, time.monotonic() + seconds
        self.counts: Counter[str] = Counter({"looks": 0, "changes": 0, "states seen": 0, "errors": 0})

    def run(self) -> None:
        for file in (self._begun, self._done):
            file.write_bytes(b"")
        Index.create(self.path, CONFIG, summary_weight=0.5).close()
        children = [fork(self._write), *(fork(lambda number=n: self._read(number)) for n in range(READERS))]
        self.counts["errors"] = sum(os.waitpid(child, 0)[1] != 0 for child in children)
        self.counts["changes"] = self._done.stat().st_size
        for line in self._folder.glob("reader-*"):
            looks, states = line.read_text(encoding="utf-8").split()
            self.counts["looks"] += int(looks)
            self.counts["states seen"] += int(states)

    def _write(self) -> None:
        index, state, number = Index.open(self.path), State(), 0
        while time.monotonic() < self._until:
            change = next_change(state, number, 0)
            _tell(self._begun)
            change.run(index)
            _tell(self._done)
            state, number = change.after(state), number + 1

    def _read(self, number: int) -> None:
        index, draw = Index.open(self.path), random.Random(number)
        states, looks, seen = [State()], 0, set[int]()
        while time.monotonic() < self._until:
            at_least = self._done.stat().st_size
            if draw.random() < 0.1:
                index.close()
                index = Index.open(self.path)
            else:
                index.reload()
            for _ in range(draw.randint(1, 3)):
                found = held(index.snapshot())
                looks += 1
            at_most = self._begun.stat().st_size
            while len(states) <= at_most:
                states.append(next_change(states[-1], len(states) - 1, 0).after(states[-1]))
            whole = [n for n in range(at_least, at_most + 1) if states[n] == found]
            if not whole:
                raise DrillError(f"saw {found}, no state from change {at_least} to {at_most}")
            at_least = whole[0]
            seen.add(whole[-1])
        (self._folder / f"reader-{number}").write_text(f"{looks} {len(seen)}", encoding="utf-8")


def _tell(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b".")


def main(form: str) -> int:
    """Run the drill, and print the counts; 1 where a reader saw what was never committed, or raised."""
    os.environ["WORDHIVE_THREADS"] = "1"  # a process with threads can't be forked
    faiss_library.faiss().omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        inspect(Path(folder) / "warm", some_documents(Path(folder) / "warm"))  # what is imported late is imported now
        gc.collect()
        gc.freeze()
        drill = Drill(Path(folder), 60 if form == "long" else 3)
        drill.run()
        counts = ", ".join(f"{n} {outcome}" for outcome, n in drill.counts.items())
        sys.stdout.write(f"reader drill: {READERS} readers, {counts}\n")
    return int(drill.counts["errors"] > 0 or not drill.counts["changes"] or not drill.counts["looks"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
