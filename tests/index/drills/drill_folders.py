"""The drill of folders from somebody else: numbers in every file set to extremes, checksums and seal made to fit.

Each folder is opened, searched, read and changed in a process with limits of memory and time. It must be taken, or
refused in one line; the process may not die of it, no address beyond an array may be scored, and nothing outside the
folder may be touched.

    python tests/index/drill_folders.py short|long
"""

from __future__ import annotations

import gc
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from drill_content import CONFIG, content, vectors
from drill_crash import fork
from safetensors.numpy import load, save

from wordhive.index import Index, IndexConfig, InputError, WordhiveError
from wordhive.index.config import FittedConfig, ReductionConfig
from wordhive.index.encodings import fused
from wordhive.index.faiss import faiss_library
from wordhive.index.files import checksum
from wordhive.index.maintenance.check import check
from wordhive.index.scoring import rerank
from wordhive.index.scoring.code_spans import CodeSpans
from wordhive.index.storage import training
from wordhive.index.storage.catalog import seal

EXTREMES = (
    0,
    1,
    -1,
    2,
    127,
    255,
    256,
    65_535,
    65_536,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**40,
    2**62,
    2**63 - 1,
    -(2**63),
)
VALUES: tuple[Any, ...] = (*EXTREMES, 0.5, -1.5, 1e300, None, "", "x", "../x", [], {}, [[]], True, "9" * 50)
KINDS = {
    "scalar": CONFIG.model_copy(update={"candidates": "SQ8"}),
    "products": CONFIG.model_copy(update={"candidates": "PQ{dims}x4", "codec": "Residual300x2"}),
    "graph": CONFIG.model_copy(update={"candidates": "HNSW4_SQ8", "codec": "SQ6"}),
    "lists": CONFIG.model_copy(update={"candidates": "IVF2,SQ8", "codec": "Flat"}),
    "fitted": CONFIG.model_copy(
        update={"encoding": FittedConfig(centroids=8, sample_words=40), "reduction": ReductionConfig(dims=6)}
    ),
    "refined": CONFIG.model_copy(update={"candidates": "PCA4,SQ8", "codec": "RaBitQ"}),
}  # fmt: skip
SECONDS = 60
BYTES = 3 << 30


def made(path: Path, config: IndexConfig) -> None:
    index = Index.create(path, config, summary_weight=0.5)
    index.add(*content({f"d{n}": n % 4 + 1 for n in range(60)}))
    index.delete(["d3", "d4"])
    index.compact()
    index.add(*content({f"d{n}": 2 for n in range(70, 74)}))
    index.delete(["d7", "d71"])
    index.close()


class Folders:
    """Makes damaged folders of whole ones."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw

    def damage(self, path: Path) -> str:
        """Change one place or two in the index at `path`; what was changed."""
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix in _DAMAGES]
        file = self._draw.choice(files)
        detail = _DAMAGES[file.suffix](self._draw, file)
        fit(path)
        return f"{file.relative_to(path)}: {detail}"


def fit(path: Path) -> None:
    """Make checksums and seal fit what is there."""
    connection = sqlite3.connect(path / "catalog.db")
    try:
        for (name,) in connection.execute("SELECT path FROM file").fetchall():
            file = path / str(name)
            if ".." not in str(name) and file.is_file():
                values = (file.stat().st_size, checksum(file), name)
                connection.execute("UPDATE file SET size = ?, checksum = ? WHERE path = ?", values)
        seal.seal(connection)
        connection.commit()
    except sqlite3.DatabaseError as error:  # the damage was to the catalog itself
        sys.stdout.write(f"not sealed: {error}\n")
    finally:
        connection.close()


def _in_array(draw: random.Random, file: Path) -> str:
    data = bytearray(file.read_bytes())
    size = int.from_bytes(data[8:10], "little") + 10
    form = draw.choice(["number", "number", "number", "header", "end"])
    if form == "end":
        file.write_bytes(data[: draw.randrange(len(data))] if draw.random() < 0.5 else data + bytes(8))
    elif form == "header":
        text = bytes(data[10:size]).decode().rstrip()
        before, _, _after = text.partition("(")
        shape = draw.choice(["0,", "-1,", "5,", f"{2**62},", f"{2**62}, 4", "3, 5", "2, 2, 2", "1, " * 30])
        changed = f"{before}({shape}), }}" if draw.random() < 0.7 else text.replace("<i8", "<f8").replace("|u1", "|O8")
        header = (changed.ljust(size - 11) + "\n").encode()
        file.write_bytes(bytes(data[:8]) + len(header).to_bytes(2, "little") + header + bytes(data[size:]))
        return f"header {changed}"
    else:
        _set_number(draw, data, size)
        file.write_bytes(data)
    return form


def _set_number(draw: random.Random, data: bytearray, first: int) -> None:
    for _ in range(draw.choice([1, 1, 3])):
        width = draw.choice([1, 4, 8])
        if len(data) - first < width:
            return
        place = draw.randrange(first, len(data) - width + 1)
        if draw.random() < 0.5:
            place = first + (place - first) // width * width
        data[place : place + width] = (draw.choice(EXTREMES) % 256**width).to_bytes(width, "little")


def _in_faiss(draw: random.Random, file: Path) -> str:
    data = bytearray(file.read_bytes())
    width, most = draw.choice([1, 4, 8]), len(data) if draw.random() < 0.4 else min(400, len(data))
    place = draw.randrange(max(1, most - width))
    value = draw.choice([*EXTREMES, *range(3, 70)])
    data[place : place + width] = (value % 256**width).to_bytes(width, "little")
    if draw.random() < 0.1:
        data = data[: draw.randrange(len(data))]
    file.write_bytes(data)
    return f"{width} bytes at {place}: {value}"


def _in_tensors(draw: random.Random, file: Path) -> str:
    tensors = load(file.read_bytes())
    name = draw.choice(sorted(tensors))
    tensor, form = tensors[name], draw.choice(["value", "shape", "gone", "kind", "empty", "bytes"])
    if form == "bytes":
        data = bytearray(file.read_bytes())
        _set_number(draw, data, 0)
        file.write_bytes(data)
        return form
    if form == "value" and tensor.size:
        tensor = tensor.copy()
        with np.errstate(all="ignore"):
            changed = np.array(draw.choice([*EXTREMES, float("nan"), float("inf")]), np.float64).astype(tensor.dtype)
        tensor.reshape(-1)[draw.randrange(tensor.size)] = changed
    elif form == "shape":
        tensor = draw.choice([tensor[:-1], tensor.reshape(-1), tensor[None], np.concatenate([tensor, tensor])])
    elif form == "kind":
        tensor = tensor.astype(draw.choice([np.int8, np.bool_, np.float64, np.int64]))
    elif form == "empty":
        tensor = tensor[:0]
    tensors = {key: it for key, it in {**tensors, name: tensor}.items() if form != "gone" or key != name}
    file.write_bytes(save({key: np.ascontiguousarray(it) for key, it in tensors.items()}))
    return f"{name} {form}"


def _changed(draw: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(sorted(value))
        return {**value, key: _changed(draw, value[key])}
    return draw.choice([*VALUES, "PQ4x8", "SQ8", "IVF4,Flat", "HNSW2", "Senary256", "OPQ4,PQ4x4", "RQ2x4", "Flat"])


def _in_json(draw: random.Random, file: Path) -> str:
    values = _changed(draw, json.loads(file.read_text()))
    file.write_text(json.dumps(values))
    return json.dumps(values)[:200]


def _in_catalog(draw: random.Random, file: Path) -> str:
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        if draw.random() < 0.05:
            extra = draw.choice([
                "CREATE TABLE other (x)", "CREATE VIEW other AS SELECT 1", "CREATE INDEX other ON segment (n_words)",
                "CREATE TRIGGER other AFTER DELETE ON text BEGIN SELECT 1; END", "DROP TABLE tombstone",
                "ALTER TABLE segment ADD COLUMN x", "ALTER TABLE text RENAME TO texts",
            ])  # fmt: skip
            connection.execute(extra)
            return extra
        table = draw.choice(["setting", "generation", "segment", "tombstone", "file", "history", "document", "text"])
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        keys = [row[0] for row in connection.execute(f"SELECT {columns[0]} FROM {table}")]
        if not keys:
            return "nothing"
        key, column = draw.choice(keys), draw.choice(columns)
        before = connection.execute(f"SELECT {column} FROM {table} WHERE {columns[0]} = ?", (key,)).fetchone()[0]
        value = draw.choice([it for it in VALUES if it is None or isinstance(it, (int, float, str))])
        if draw.random() < 0.3:
            value = draw.choice([b"", b"\x00", b"\xff" * 9, (before + 1) if isinstance(before, int) else f"{before}x"])
        if table == "setting" and column == "value" and draw.random() < 0.8:
            value = json.dumps(_changed(draw, json.loads(before)))
        statement = f"UPDATE {table} SET {column} = ? WHERE {columns[0]} = ?"
        connection.execute(statement, (value, key))
        return f"{table}.{column} of {key!r}: {value!r}"[:200]
    except (sqlite3.Error, OverflowError) as error:
        return f"nothing ({error})"
    finally:
        connection.close()


_DAMAGES = {
    ".npy": _in_array, ".faiss": _in_faiss, ".safetensors": _in_tensors, ".json": _in_json, ".db": _in_catalog,
}  # fmt: skip


class _WatchedSpans(CodeSpans):
    """Spans that are compared with the arrays they lie in."""

    @classmethod
    def of(cls, parts: Any) -> CodeSpans:
        spans, first = CodeSpans.of(parts), 0
        for array, starts, _ in parts:
            begin, ends = array.ctypes.data, slice(first, first + len(starts))
            at, n = spans.addresses[ends], spans.counts[ends]
            if len(at) and (n.min() < 0 or at.min() < begin or (at + n * spans.size).max() > begin + array.nbytes):
                raise AssertionError("words beyond their array")
            first += len(starts)
        return spans


def used(path: Path) -> None:
    """Open an index, search it, read it, change it, check it. Raises what these raise."""
    for fault in check(path, untrusted=True):
        if "\n" in fault:
            raise AssertionError(f"a fault of several lines: {fault!r}")
    index = Index.open(path)
    try:
        query = vectors("d9", 2)
        found = index.snapshot().find_candidates(query, 50)[0]
        index.snapshot().score(query, np.sort(found))
        for _ in index.snapshot().score_all(query):
            pass
        index.snapshot().documents(found.tolist())
        index.snapshot().vectors(np.sort(found))
        index.info()
        index.add(*content({"d99": 2}))
        index.delete(["d9"])
        index.compact()
        index.snapshot().find_candidates(query, 50)
    finally:
        index.close()


class Drill:
    """Uses damaged folders in processes that may die, and counts how that went."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = folder / "lines"
        outcomes = ("folders", "taken", "refused", "other errors", "deaths", "touched outside")
        self.counts: Counter[str] = Counter(dict.fromkeys(outcomes, 0))

    def run(self, name: str, base: Path, n: int, seed: int) -> None:
        done = 0
        while done < n:
            self._lines.write_text("", encoding="utf-8")
            os.waitpid(fork(lambda first=done: self._use(base, first, n, seed)), 0)
            lines = self._lines.read_text(encoding="utf-8").splitlines()
            if lines and lines[-1].startswith("begun\t"):
                lines[-1] = lines[-1].replace("begun", "deaths", 1)
            lines = [line for line in lines if not line.startswith("begun\t")]
            for line in lines:
                kind, _, detail = line.partition("\t")
                self.counts["folders"] += 1
                self.counts[kind] += 1
                if kind not in ("taken", "refused") or os.environ.get("SHOW"):
                    sys.stdout.write(f"{name} {kind}: {detail}\n")
            done += max(1, len(lines))

    def _use(self, base: Path, first: int, n: int, seed: int) -> None:
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        outside = self._folder / "outside"
        for number in range(first, n):
            path = self._folder / "x"
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(base, path)
            shutil.rmtree(outside, ignore_errors=True)
            outside.mkdir()
            (outside / "file").write_text("as it was")
            before = sorted(self._folder.iterdir())
            detail = Folders(random.Random(f"{base.name} {number} {seed}")).damage(path).replace("\n", " ")
            self._say(f"begun\t{number} {detail}")
            signal.alarm(SECONDS)
            kind, error = self._used(path)
            signal.alarm(0)
            if sorted(self._folder.iterdir()) != before or (outside / "file").read_text() != "as it was":
                kind = "touched outside"
            self._say(f"{kind}\t{number} {detail} | {error}")

    def _say(self, line: str) -> None:
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(line.replace("\n", "\\n")[:700] + "\n")

    def _used(self, path: Path) -> tuple[str, str]:
        try:
            used(path)
        except (WordhiveError, InputError) as error:
            return ("other errors" if "\n" in str(error) else "refused"), str(error)
        except BaseException as error:
            return "other errors", repr(error)
        return "taken", ""


def main(form: str, seed: int = 0) -> int:
    """Run the drill, and print the counts; 1 where a folder was neither taken nor refused."""
    os.environ["WORDHIVE_THREADS"] = "1"  # a process with threads can't be forked
    faiss_library.faiss().omp_set_num_threads(1)
    training._LEAST_FOR_CODEBOOKS = fused._LEAST_DOCUMENTS = 1  # all that larger indexes have
    rerank.CodeSpans = _WatchedSpans  # type: ignore[misc, attr-defined]
    each = int(os.environ.get("FOLDERS", 450 if form == "long" else 8))
    with tempfile.TemporaryDirectory() as name:
        drill = Drill(Path(name))
        for kind, config in KINDS.items():
            base = Path(name) / kind
            made(base, config)
            used(Path(shutil.copytree(base, Path(name) / "whole")))
            shutil.rmtree(Path(name) / "whole")
            gc.freeze()
            drill.run(kind, base, each, seed)
        counts = ", ".join(f"{n} {outcome}" for outcome, n in drill.counts.items())
        sys.stdout.write(f"folder drill: {counts}\n")
    return int(any(drill.counts[bad] for bad in ("other errors", "deaths", "touched outside")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
