"""The drill of interrupts: ctrl-C at any moment of any change.

Each of them must come out of the call as KeyboardInterrupt. The index then holds what it held before, or what the
change leaves, and the same object goes on working.

    python tests/index/drill_interrupts.py short|long
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from drill_content import CONFIG, State, content, held, inspect, leftovers, next_change

from wordhive.index import Index
from wordhive.index.faiss import faiss_library

INTERRUPTS = {"short": 60, "long": 2000}
# Interrupts after which the folder is opened anew.
LOOKS = 20


class Drill:
    def __init__(self, path: Path) -> None:
        self.counts: Counter[str] = Counter(
            dict.fromkeys(
                ("interrupts", "surfaced", "swallowed", "told as something else", "lost", "changes in between"), 0
            )
        )
        self._path, self._came = path, False
        self._draw = random.Random(0)
        self._seconds: dict[str, float] = {}  # that a change of a kind takes
        sys.unraisablehook = self._unraisable

    def run(self, interrupts: int) -> None:
        index, state, number = Index.create(self._path, CONFIG, summary_weight=0.5), State(), 0
        while self.counts["interrupts"] < interrupts:
            change = next_change(state, number, 1)
            number += 1
            after = change.after(state)
            stopped = self._interrupted(lambda: change.run(index), change.kind)  # noqa: B023
            index.reload()
            found = held(index)
            if found not in ((state, after) if stopped else (after,)):
                self.counts["lost"] += 1
                sys.stderr.write(f"{change.kind}, stopped: {stopped}: holds {found}; expected {state} or {after}\n")
            if stopped and self.counts["interrupts"] % LOOKS == 0:
                inspect(self._path, found)
            state = found
        index.add(*content({"d999": 1}))
        index.compact()
        inspect(self._path, {**state, "d999": 1})
        assert not leftovers(self._path)

    def _interrupted(self, work: Any, kind: str) -> bool:
        """Whether an interrupt came while it worked, at some moment of the time that it takes."""
        self._came = False
        signal.signal(signal.SIGALRM, self._interrupt)
        started = time.perf_counter()
        try:
            try:
                signal.setitimer(
                    signal.ITIMER_REAL, max(self._draw.random() * 1.2 * self._seconds.get(kind, 0.01), 1e-5)
                )
                work()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            self.counts["surfaced"] += 1
            return self._told(kind)
        except BaseException as error:
            if not self._came:
                raise
            self.counts["told as something else"] += 1
            sys.stderr.write(f"{kind}: {type(error).__name__}: {error}\n")
            return self._told(kind)
        finally:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
        if self._came:
            self.counts["swallowed"] += 1
            sys.stderr.write(f"{kind}: went on\n")
            return self._told(kind)
        self.counts["changes in between"] += 1
        self._seconds[kind] = 0.7 * self._seconds.get(kind, 0.01) + 0.3 * (time.perf_counter() - started)
        return False

    def _told(self, kind: str) -> bool:
        self.counts["interrupts"] += 1
        self._seconds[kind] = 1.05 * self._seconds.get(kind, 0.01)  # it may take longer than it was given
        return True

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        raise KeyboardInterrupt

    def _unraisable(self, unraisable: Any) -> None:
        sys.stderr.write(f"lost in {unraisable.object!r}: {unraisable.exc_type.__name__}\n")


def main(form: str) -> None:
    faiss_library.faiss().omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        # Compiled kernels are loaded first: LLVM calls Python back then, where an interrupt is lost, and numba's own
        # imports don't survive one.
        warm, state = Index.create(Path(folder) / "warm", CONFIG, summary_weight=0.5), State()
        for number in range(150):
            change = next_change(state, number, 1)
            change.run(warm)
            state = change.after(state)
        held(warm)
        drill = Drill(Path(folder) / "x")
        drill.run(INTERRUPTS[form])
    sys.stdout.write(f"interrupt drill: {', '.join(f'{n} {name}' for name, n in drill.counts.items())}\n")
    sys.exit(drill.counts["surfaced"] != drill.counts["interrupts"] or drill.counts["lost"] > 0)


if __name__ == "__main__":
    main(sys.argv[1])
