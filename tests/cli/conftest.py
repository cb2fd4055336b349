"""The command line in this process: importing torch for every call would take minutes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer.main

from wordhive.cli.main import main

BEES = [
    {
        "_id": "dance",
        "title": "Waggle dance",
        "text": "Honey bees dance to tell others where flowers are.",
        "year": 1973,
    },
    {
        "_id": "trail",
        "title": "Ant trails",
        "text": "Ants lay a scent trail between their nest and food.",
        "year": 1990,
    },
    {"_id": "hive", "title": "The hive", "text": "A hive holds thousands of workers and a single queen."},
    {"_id": "silk", "title": "Silk", "text": "Spiders spin webs of silk to catch flies."},
    {"_id": "song", "title": "Bird song", "text": "Male birds sing in spring to hold a territory."},
    {"_id": "swarm", "title": "Swarming", "text": "In spring half of a colony leaves with the old queen."},
]


@pytest.fixture(scope="session", autouse=True)
def put_together_once() -> Iterator[None]:
    """The commands are put together once: a call's seconds are then its own work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@dataclass(frozen=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> Outcome:
        code: Any = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code or 0
        printed = capsys.readouterr()
        return Outcome(int(code), printed.out, printed.err)

    return command


@pytest.fixture(scope="session")
def bees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six documents as JSON lines."""
    path = tmp_path_factory.mktemp("bees") / "bees.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in BEES), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def hive(bees: Path) -> Path:
    """The six documents, indexed; tests only read it."""
    path = bees.parent / "bees.hive"
    with pytest.raises(SystemExit) as stop:
        main(["index", str(bees), "--to", str(path)])
    assert not stop.value.code
    return path


@pytest.fixture(scope="session")
def beir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six documents as a collection with two judged queries."""
    folder = tmp_path_factory.mktemp("beir") / "tiny"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(d) + "\n" for d in BEES), encoding="utf-8")
    (folder / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "bees dance for flowers"}\n{"_id": "q2", "text": "spiders spin silk"}\n',
        encoding="utf-8",
    )
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\tdance\t2\nq2\tsilk\t1\nq2\tsong\t0\n", encoding="utf-8"
    )
    return folder


@pytest.fixture(scope="session")
def uni(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that matches identical words only."""
    from sentence_transformers import MultiVectorEncoder

    from wordhive.retrieval.encoder import Encoder
    from wordhive.retrieval.modules import ScoreMix

    folder: Path = tmp_path_factory.mktemp("uni") / "uni"
    modules = [*list(Encoder.load().model)[:-1], ScoreMix(0.5, exact_match=True)]
    Encoder(MultiVectorEncoder(modules=modules)).save(folder, base="all-MiniLM-L6-v2")
    return folder
