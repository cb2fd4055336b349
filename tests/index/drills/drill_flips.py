"""The drill of flipped bits: in every file of an index, one bit of one byte at a time.

A search then either raises WordhiveError or answers as before, and `check` names the file, unless nothing that is ever
read has changed (SQLite's free space, its counters, the index of its log). Each look at a damaged index is in a process
that may die of it.

    python tests/index/drill_flips.py short|long
"""

from __future__ import annotations

import gc
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from drill_content import CONFIG, Change, content, vectors
from drill_crash import fork

from wordhive.index import Index, InputError, WordhiveError
from wordhive.index.faiss import faiss_library
from wordhive.index.maintenance.check import check

Flip = tuple[str, int, int]  # a file, a byte of it, a bit of that


def answers(path: Path) -> str:
    """All that a search of an index gives: candidates in their order, every document's scores, all that is stored."""
    index = Index.open(path)
    try:
        query = vectors("d9", 2)
        found = index.snapshot().find_candidates(query, 1000)[0]
        scores = index.snapshot().score(query, np.sort(found))
        documents = index.snapshot().documents(found.tolist())
        return repr((found.tolist(), scores.rows.tolist(), scores.total.tolist(), [documents[row] for row in found]))
    finally:
        index.close()


def made(path: Path) -> None:
    """An index with deleted documents, of which some are in a segment that was merged."""
    config = CONFIG.model_copy(update={"codec": "SQ8", "summary_codec": "SQ8", "candidates": "SQ8"})
    index = Index.create(path, config, summary_weight=0.5)
    index.add(*content({f"d{n}": n % 4 for n in range(12)}))
    index.delete(["d3", "d4"])
    index.compact()
    index.add(*content({f"d{n}": 2 for n in range(20, 24)}))
    Change("delete", {"d1": 0, "d21": 0}).run(index)
    index.close()
    gc.collect()


def made_with_log(path: Path) -> None:
    """The same, as it is while a writer is at work: its last commits are in SQLite's log."""
    made(path.with_name("closed"))
    index = Index.open(path.with_name("closed"))
    index.upsert(*content({"d5": 3, "d30": 2}))
    shutil.copytree(index.path, path)
    index.close()
    gc.collect()


def made_while_read(path: Path) -> None:
    """The same, where a reader kept SQLite from moving several commits from its log into the catalog."""
    made(path.with_name("read"))
    reader = Index.open(path.with_name("read"))
    held = reader.snapshot()
    index = Index.open(reader.path)
    for change in (Change("upsert", {"d5": 3, "d30": 2}), Change("delete", {"d2": 0}), Change("upsert", {"d31": 1})):
        change.run(index)
    shutil.copytree(index.path, path)
    index.close()
    reader.close()
    del held
    gc.collect()


def flips(path: Path, names: list[str], most: int, draw: random.Random) -> Iterator[Flip]:
    """In each of the files, as many bytes as `most`, or every one of a small file."""
    for name in names:
        size = (path / name).stat().st_size
        for place in range(size) if size <= 3 * most else sorted(draw.sample(range(size), min(most, size))):
            yield name, place, draw.randrange(8)


class Drill:
    """Looks at damaged copies of an index, and counts what they gave."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "x"
        self._lines = folder / "lines"
        self.counts: Counter[str] = Counter(
            {
                "flips": 0,
                "refused": 0,
                "right all the same": 0,
                "wrong": 0,
                "other errors": 0,
                "deaths": 0,
                "unnamed": 0,
            }
        )

    def run(self, base: Path, chosen: list[Flip]) -> None:
        before = answers(shutil.copytree(base, self.path.with_name("whole"), dirs_exist_ok=True))
        while chosen:
            self._lines.write_text("", encoding="utf-8")
            os.waitpid(fork(lambda rest=chosen: self._look(base, rest, before)), 0)
            lines = self._lines.read_text(encoding="utf-8").splitlines()
            if len(lines) < len(chosen):
                lines.append("deaths\t")
            for (name, place, bit), line in zip(chosen, lines, strict=False):
                kind, _, detail = line.partition("\t")
                self.counts["flips"] += 1
                for each in kind.split(","):
                    self.counts[each] += 1
                if kind not in ("refused", "right all the same"):
                    sys.stdout.write(f"{name}, bit {bit} of byte {place}: {kind} {detail}\n")
            chosen = chosen[len(lines) :]

    def _look(self, base: Path, chosen: list[Flip], before: str) -> None:
        for name, place, bit in chosen:
            shutil.rmtree(self.path, ignore_errors=True)
            shutil.copytree(base, self.path)
            data = bytearray((self.path / name).read_bytes())
            data[place] ^= 1 << bit
            (self.path / name).write_bytes(data)
            kind, detail = self._searched(before)
            shutil.rmtree(self.path)  # reading a damaged log may mend it
            shutil.copytree(base, self.path)
            (self.path / name).write_bytes(data)
            try:
                named = any(name.removesuffix("-wal") in fault for fault in check(self.path))
            except InputError as error:  # no index any more, or one of a format to come
                named = "catalog.db" in name and bool(str(error))
            except Exception as error:
                named, kind, detail = True, "other errors", f"check: {error!r}"
            if not named and kind != "right all the same":
                kind += ",unnamed"
            elif not named and not name.startswith("catalog.db"):
                kind = "unnamed"
            with self._lines.open("a", encoding="utf-8") as file:
                file.write(f"{kind}\t{detail}".replace("\n", " ")[:300] + "\n")

    def _searched(self, before: str) -> tuple[str, str]:
        try:
            return ("right all the same", "") if answers(self.path) == before else ("wrong", "")
        except WordhiveError as error:
            return "refused", str(error)
        except Exception as error:
            return "other errors", repr(error)


def main(form: str, seed: int = 0) -> int:
    """Run the drill, and print the counts; 1 where a search was wrong."""
    os.environ["WORDHIVE_THREADS"] = "1"  # a process with threads can't be forked
    faiss_library.faiss().omp_set_num_threads(1)
    draw, most = random.Random(seed), 100 if form == "long" else 4
    with tempfile.TemporaryDirectory() as folder:
        drill = Drill(Path(folder))
        closed, logged, read = (Path(folder) / name for name in ("closed-index", "logged", "read-index"))
        made(closed)
        made_with_log(logged)
        made_while_read(read)
        gc.freeze()
        names = [file.relative_to(closed).as_posix() for file in sorted(closed.rglob("*")) if file.is_file()]
        names = [name for name in names if name != "lock"]
        drill.run(closed, list(flips(closed, names, most, draw)))
        drill.run(closed, list(flips(closed, ["catalog.db"], 8 * most, draw)))
        drill.run(logged, list(flips(logged, ["catalog.db", "catalog.db-wal", "catalog.db-shm"], 4 * most, draw)))
        drill.run(read, list(flips(read, ["catalog.db", "catalog.db-wal", "catalog.db-shm"], 4 * most, draw)))
        counts = ", ".join(f"{n} {outcome}" for outcome, n in drill.counts.items())
        sys.stdout.write(f"flip drill: {counts}\n")
    return int(any(drill.counts[bad] for bad in ("wrong", "other errors", "deaths", "unnamed")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
