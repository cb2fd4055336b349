"""The crash drill: writers that are killed, and an index that must be whole after each of them.

A writer is a fork of this process. It tells what it committed by a byte a change in a journal outside the index. It
dies by SIGKILL before each step that it takes on the disk, one after the other, or after some time; or in the middle of
a write, by the signal for a file that grows beyond its limit. Whoever opens the index then must find every change that
the journal has, and of the next one all or nothing.

    python tests/index/drill_crash.py short|long
"""

from __future__ import annotations

import gc
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from drill_content import CONFIG, Change, DrillError, PhantomError, State, close, inspect, leftovers, next_change
from drill_disk import Disk

from wordhive.index import Index
from wordhive.index.errors import WordhiveError
from wordhive.index.faiss import faiss_library

Setup = Callable[[Path], State]


def fork(work: Callable[[], None]) -> int:
    """A child process that does some work: its exit status is 0, or 3 after an exception, which it prints."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(3)
    os._exit(0)


def die(_: str = "") -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Drill:
    """Kills writers of indexes below a folder, and counts what became of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "x"
        self._journal = folder / "journal"
        self.counts: Counter[str] = Counter({"kills": 0, "lost": 0, "phantom": 0, "needing a hand": 0})
        self.struck: Counter[str] = Counter()

    def write(self, changes: Iterator[Change] | list[Change]) -> None:
        """A writer's life."""
        index = Index.open(self.path)
        journal = os.open(self._journal, os.O_WRONLY | os.O_APPEND)
        for change in changes:
            change.run(index)
            os.write(journal, b".")

    def fall(self, work: Callable[[], None], delay: float | None = None) -> int:
        """Let a writer work until it dies, by its own hand or by ours; the number of changes in its journal."""
        self._journal.write_bytes(b"")
        child = fork(work)
        if delay is not None:
            time.sleep(delay)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            self.counts["kills"] += 1
        elif os.WEXITSTATUS(status):
            self.counts["needing a hand"] += 1
        return self._journal.stat().st_size

    def judge(self, before: State, after: State | None, what: str) -> State:
        """What the index holds: the state before the last change, or the one after it; None: it was not begun."""
        try:
            return inspect(self.path, before, *([] if after is None else [after]))
        except DrillError as error:
            self.counts["phantom" if isinstance(error, PhantomError) else "lost"] += 1
            sys.stdout.write(f"{what}: {error}\n")
            raise

    def go_on(self, state: State) -> None:
        """Write once more, and see that nothing of the fallen writer is left."""
        change = Change("upsert", {"d99": 1})
        index = Index.open(self.path)
        change.run(index)
        close(index)
        inspect(self.path, change.after(state))
        if left := leftovers(self.path):
            raise WordhiveError(f"left over: {left}")


# Every step of every kind of change


def some_documents(path: Path) -> State:
    """An index of two segments, one with a deleted document."""
    return _made(path, [Change("add", {f"d{n}": 1 for n in range(6)}), Change("add", {f"d{n}": 2 for n in range(6, 9)}),
                        Change("delete", {"d1": 0})])  # fmt: skip


def many_segments(path: Path) -> State:
    """An index of seven segments: the next one is merged with all of them."""
    return _made(path, [Change("add", {f"d{n}": n}) for n in range(7)])


def no_documents(path: Path) -> State:
    return _made(path, [])


def _made(path: Path, changes: list[Change]) -> State:
    index, state = Index.create(path, CONFIG, summary_weight=0.5), State()
    for change in changes:
        change.run(index)
        state = change.after(state)
    close(index)
    return state


CASES: dict[str, tuple[Setup, Change]] = {
    "first add": (no_documents, Change("add", {"d1": 3, "d2": 4})),
    "add": (some_documents, Change("add", {"d10": 3, "d11": 4})),
    "add that merges": (many_segments, Change("add", {"d10": 3})),
    "upsert": (some_documents, Change("upsert", {"d2": 3, "d11": 4})),
    "delete": (some_documents, Change("delete", {"d2": 0, "d8": 0})),
    "delete that merges": (some_documents, Change("delete", {"d6": 0, "d7": 0})),
    "delete all": (some_documents, Change("delete", {f"d{n}": 0 for n in (0, 2, 3, 4, 5, 6, 7, 8)})),
    "compact": (some_documents, Change("compact")),
    "refit": (some_documents, Change("refit")),
}


def kill_at_every_step(drill: Drill, chance: float, draw: random.Random) -> None:
    """A writer for each step of each case dies before the step; with a chance below 1, some of them do."""
    _kill_creators(drill, min(1.0, 3 * chance), draw)
    for name, (setup, change) in CASES.items():
        base = drill.folder / name.replace(" ", "-")
        state = setup(base)
        for at in range(1000):
            if draw.random() >= chance:
                continue
            shutil.rmtree(drill.path, ignore_errors=True)
            shutil.copytree(base, drill.path)
            disk = Disk(drill.path, die, at)

            def work(disk: Disk = disk, change: Change = change) -> None:
                disk.watch()
                drill.write([change])

            kills = drill.counts["kills"]
            done = drill.fall(work)
            what = f"{name}, step {at}"
            new = change.after(state)
            found = drill.judge(new if done else state, None if done else new, what)
            drill.go_on(found)
            if drill.counts["kills"] == kills:  # it took less steps than these
                break
            drill.struck[name] += 1


def _kill_creators(drill: Drill, chance: float, draw: random.Random) -> None:
    for at in range(1000):
        if draw.random() >= chance:
            continue
        shutil.rmtree(drill.path, ignore_errors=True)
        disk = Disk(drill.path, die, at)

        def work(disk: Disk = disk) -> None:
            disk.watch()
            Index.create(drill.path, CONFIG, summary_weight=0.5)

        kills = drill.counts["kills"]
        drill.fall(work)
        try:
            close(Index.open(drill.path))
        except WordhiveError:  # not made: then it can be made now
            close(Index.create(drill.path, CONFIG, summary_weight=0.5))
        drill.go_on({})
        if drill.counts["kills"] == kills:
            break
        drill.struck["create"] += 1


# One index that outlives all its writers


def kill_at_any_time(drill: Drill, kills: int, draw: random.Random, *, mid_write: bool) -> None:
    """Writers go on with one index, where the last one fell: after some time, or in the middle of a write."""
    shutil.rmtree(drill.path, ignore_errors=True)
    state, number, seed = no_documents(drill.path), 0, draw.randrange(1 << 30)
    last = drill.counts["kills"] + kills
    for _ in range(5 * kills):
        if drill.counts["kills"] >= last:
            break
        sizes = [file.stat().st_size for file in drill.path.rglob("*") if file.is_file()]
        limit = int(max(40_000, *sizes) * draw.uniform(0.7, 1.5))

        def work(state: State = state, number: int = number, limit: int = limit) -> None:
            if mid_write:
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            drill.write(_changes(state, number, seed, 8 if mid_write else 10_000))

        before = drill.counts["kills"]
        done = drill.fall(work, None if mid_write else draw.uniform(0.0, 0.4))
        for _ in range(done):
            state = next_change(state, number, seed).after(state)
            number += 1
        new = next_change(state, number, seed).after(state)
        found = drill.judge(state, new, f"kill {drill.counts['kills']}, change {number}")
        number += found == new != state
        state = found
        if drill.counts["kills"] > before:
            drill.struck["mid-write" if mid_write else "any time"] += 1
    drill.go_on(state)


def _changes(state: State, number: int, seed: int, n: int) -> Iterator[Change]:
    for _ in range(n):
        change = next_change(state, number, seed)
        yield change
        state, number = change.after(state), number + 1


def main(form: str, seed: int = 0) -> int:
    """Run the drill, and print the counts; 1 where anything was lost."""
    os.environ["WORDHIVE_THREADS"] = "1"  # a process with threads can't be forked
    faiss_library.faiss().omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        drill, draw = Drill(Path(folder)), random.Random(seed)
        inspect(drill.folder / "warm", some_documents(drill.folder / "warm"))  # what is imported late is imported now
        gc.freeze()
        try:
            kill_at_every_step(drill, 1.0 if form == "long" else 0.04, draw)
            kill_at_any_time(drill, 100 if form == "long" else 3, draw, mid_write=False)
            kill_at_any_time(drill, 60 if form == "long" else 3, draw, mid_write=True)
        except DrillError:  # counted, and told
            return 1
        except Exception:
            drill.counts["needing a hand"] += 1
            traceback.print_exc(file=sys.stdout)
            return 1
        finally:
            counts = ", ".join(f"{n} {name}" for name, n in drill.counts.items())
            struck = ", ".join(f"{name} {n}" for name, n in drill.struck.items())
            sys.stdout.write(f"crash drill: {counts} ({struck})\n")
    return int(any(n for name, n in drill.counts.items() if name != "kills"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
