"""What the drills write into an index, and how they tell that it is there: all of it follows from ids and versions."""

from __future__ import annotations

import gc
import random
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from wordhive.index import Index, IndexConfig, MuveraConfig, WordVectors
from wordhive.index.maintenance.check import check
from wordhive.index.reading.snapshot import Snapshot
from wordhive.index.storage.word_id_lists import by_word_id

DIM, SUMMARY_DIM = 8, 4
# Flat codes are the vectors themselves: whatever was compacted and refit, they must be equal to the last bit.
CONFIG = IndexConfig(
    codec="Flat",
    summary_codec="Flat",
    encoding=MuveraConfig(repetitions=2, bits=2, projection_dim=4),
    candidates="Flat",
)
# Versions by id: all that an index should hold.
State = dict[str, int]


class DrillError(AssertionError):
    """The index is not what it should be: something that was committed is not there."""


class PhantomError(DrillError):
    """Something is there that was never committed, or only half of a change."""


@dataclass(frozen=True)
class Change:
    """One call of a writer: add, upsert, delete, compact or refit. documents: id and version of what it is about."""

    kind: str
    documents: State = field(default_factory=dict)

    def run(self, index: Index) -> None:
        if self.kind in ("add", "upsert"):
            getattr(index, self.kind)(*content(self.documents))
        elif self.kind == "delete":
            index.delete(list(self.documents))
        else:
            getattr(index, self.kind)()

    def after(self, state: State) -> State:
        """What an index holds that held `state` before."""
        if self.kind == "delete":
            return {id: version for id, version in state.items() if id not in self.documents}
        return {**state, **self.documents}


def next_change(state: State, number: int, seed: int, n_ids: int = 40) -> Change:
    """The change that a writer makes as its `number`th: the same one whoever asks."""
    draw = random.Random(f"{seed} {number}")
    kind = draw.choices(["add", "upsert", "delete", "compact", "refit"], [6, 5, 5, 1, 1])[0]
    free = [f"d{n}" for n in range(n_ids) if f"d{n}" not in state]
    if kind == "delete" and state:
        chosen = draw.sample(sorted(state), draw.randint(1, min(len(state), 5)))
    elif kind == "upsert":
        chosen = draw.sample([f"d{n}" for n in range(n_ids)], draw.randint(1, 4))
    elif kind in ("compact", "refit") and state:
        chosen = []
    else:
        kind, chosen = ("add", draw.sample(free, draw.randint(1, min(len(free), 4)))) if free else ("compact", [])
    return Change(kind, dict.fromkeys(chosen, number))


def vectors(id: str, version: int) -> WordVectors:
    """The vectors of a version of a document: from none to hundreds of words."""
    draw = np.random.default_rng([int(id[1:]), version])
    words = draw.standard_normal((int(draw.choice([0, 1, 3, 6, 300])), DIM)).astype(np.float32)
    ids = draw.integers(1, 2**32, len(words), dtype=np.uint32)
    summary = draw.standard_normal((1, SUMMARY_DIM)).astype(np.float32)
    return WordVectors(words, np.array([0, len(words)]), ids, summary)


def text(id: str, version: int) -> str:
    return f"{id} version {version} " + "long " * (1000 * (version % 4))


def content(documents: State) -> tuple[list[str], WordVectors, list[str], list[dict[str, int]]]:
    """The arguments of `add` and `upsert`."""
    return (
        list(documents),
        WordVectors.concat([vectors(*document) for document in documents.items()]),
        [text(*document) for document in documents.items()],
        [{"version": version} for version in documents.values()],
    )


def held(index: Index | Snapshot) -> State:
    """What an index, or a snapshot of one, holds. Raises DrillError where its parts disagree."""
    snapshot = index if isinstance(index, Snapshot) else index.snapshot()
    rows = sorted(snapshot.ids())
    documents = snapshot.documents(rows)
    found = {documents[row].id: documents[row].attributes["version"] for row in rows}
    if len(found) != len(rows) or len(index) != len(rows) or snapshot.rows(list(found)) != dict(zip(found, rows)):  # noqa: B905
        raise DrillError(f"{len(rows)} rows, {len(found)} ids, {len(index)} documents")
    for document in documents.values():
        if document.text != text(document.id, document.attributes["version"]):
            raise DrillError(f"the text of {document.id} is not version {document.attributes['version']}'s")
    stored = snapshot.vectors(np.array(rows, np.int64))
    expected = WordVectors.concat([vectors(*document) for document in found.items()]) if found else stored
    expected = by_word_id(expected)
    for name in ("vectors", "offsets", "word_ids", "summary"):
        if not np.array_equal(getattr(stored, name), getattr(expected, name)):
            raise DrillError(f"the {name} of the documents are not those of their versions")
    if index.dim:
        query = vectors("d9", 2)
        if sorted(snapshot.find_candidates(query, len(rows) + 9)[0].tolist()) != rows:
            raise DrillError("the first stage finds other documents")
        if (
            sorted(snapshot.score(query, np.array(rows, np.int64)).rows.tolist()) != rows
        ):  # by generations, then ascending
            raise DrillError("the second stage scores other documents")
    return found


def inspect(path: Path, *expected: State) -> State:
    """What the index at `path` holds, opened anew: one of the states that are expected, and no damage."""
    index = Index.open(path)
    found = held(index)
    close(index)
    if found not in expected:
        committed = set.intersection(*(set(state.items()) for state in expected))
        kind = PhantomError if committed <= set(found.items()) else DrillError
        raise kind(f"holds {found}; expected {' or '.join(map(str, expected))}")
    if faults := check(path):
        raise DrillError("; ".join(faults))
    return found


def leftovers(path: Path) -> set[str]:
    """Folders in an index that its catalog does not name."""
    index = Index.open(path)
    named = {segment.record.id for segment in index.snapshot().segments}
    named |= {str(generation) for generation in index.snapshot().generations}
    close(index)
    return {folder.name for part in ("segments", "params") for folder in (path / part).iterdir()} - named


def close(index: Index) -> None:
    """Let go of everything: a process that forks must not share an open catalog with its children."""
    index.close()
    gc.collect()
