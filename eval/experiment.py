"""An experiment: collections, and the systems that search them, read from one YAML file."""

from __future__ import annotations

import importlib.resources
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from wordhive.index import InputError
from wordhive.index.config_file import ConfigPart, parse, read_yaml
from wordhive.retrieval.encoder import DEFAULT_MODEL

from .contrasts import Test

_UNSAFE = re.compile(r"[^A-Za-z0-9.]+")


class JoinSpec(ConfigPart):
    """Documents with the same value of an attribute, joined to a long one.

    Attributes:
        by: The attribute.
        parts: Documents that are joined, at most; None: all of a value.
    """

    by: str = Field(min_length=1)
    parts: int | None = Field(default=None, ge=2)


class CollectionSpec(ConfigPart):
    """A test collection: a source, or three files.

    Attributes:
        source: A BEIR folder, an ir_datasets id, or "python-docs".
        documents, queries_file, qrels: Files of one's own.
        name: In the report; empty: the source's last part, its id, or the documents' file name.
        split: Which judgements of a folder.
        queries: Only the first so many judged ones.
        measures: The first is what systems are compared by; None: the experiment's.
        published: Its key in published.yaml; None: the source.
        join: Make long documents of short ones; None: take them as they are.
    """

    source: str | None = Field(default=None, min_length=1)
    documents: str | None = Field(default=None, min_length=1)
    queries_file: str | None = Field(default=None, min_length=1)
    qrels: str | None = Field(default=None, min_length=1)
    name: str = ""
    split: str = "test"
    queries: int | None = Field(default=None, ge=1)
    measures: tuple[str, ...] | None = Field(default=None, min_length=1)
    published: str | None = None
    join: JoinSpec | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> CollectionSpec:
        files = [each is not None for each in (self.documents, self.queries_file, self.qrels)]
        if (self.source is not None) == any(files) or any(files) != all(files):
            raise ValueError("a collection has a source, or three files: documents, queries_file and qrels")
        return self

    @property
    def place(self) -> str:
        """The source, or the file of documents."""
        return str(self.source or self.documents)

    @property
    def title(self) -> str:
        """Its name in the report."""
        if self.name:
            return self.name
        if self.documents:
            return Path(self.documents).name.split(".")[0]
        return Path(self.place).resolve().name if Path(self.place).is_dir() else self.place


class _System(ConfigPart):
    name: str = Field(min_length=1)


class ChunkSpec(ConfigPart):
    """Documents cut into passages of the model's window, the best of which counts.

    Attributes:
        overlap: Tokens that they share.
    """

    overlap: int = Field(default=32, ge=0)


class WordhiveSpec(_System):
    """An index of wordhive.

    Attributes:
        config: Preset or YAML file; None: the default for the model.
        candidates: Documents that the second stage scores, or all of them.
        part: Of the score; words or summary alone are scored exactly, on all documents.
        index: Where it is, or is made; None: in the cache.
        device: Where it is searched, "cpu" or "cuda".
        chunk: Cut documents that are longer than the model's window, the best chunk counts; None: they stay whole.
        max_tokens: Read so many tokens of a document, at most; None: what the encoder's own limit says.
    """

    kind: Literal["wordhive"] = "wordhive"
    model: str = DEFAULT_MODEL
    config: str | None = None
    candidates: Annotated[int, Field(ge=1)] | Literal["all"] = 1000
    part: Literal["whole", "words", "summary"] = "whole"
    index: str | None = None
    device: str = "cpu"
    chunk: ChunkSpec | None = None
    max_tokens: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _chunks_in_the_cache(self) -> WordhiveSpec:
        if self.chunk is not None and self.index is not None:
            raise ValueError("an index at a path of its own holds whole documents; leave out index, or chunk")
        return self


class Bm25Spec(_System):
    """BM25 by bm25s.

    Attributes:
        stemmer: A language of Snowball ("english"), or none.
    """

    kind: Literal["bm25"]
    stemmer: str | None = None
    k1: float = Field(default=1.5, gt=0)
    b: float = Field(default=0.75, ge=0, le=1)


class DenseSpec(_System):
    """One vector a text by a sentence-transformers model, every document scored."""

    kind: Literal["dense"]
    model: str


class MultiVectorSpec(_System):
    """A multi-vector model of sentence-transformers, ColBERT or PyLate, every document scored."""

    kind: Literal["multi-vector"]
    model: str


class FusionSpec(_System):
    """Other systems' runs put together.

    Attributes:
        of: Names of systems above it.
        method: By ranx's name ("rrf", "wsum", …).
        params: The method's.
        norm: Of scores, before.
        tune_on: The split on which the parameters are chosen, never the one that is measured; with an ir_datasets
            id, the last part of another id, or a whole one.
    """

    kind: Literal["fusion"]
    of: tuple[str, ...] = Field(min_length=2)
    method: str = "rrf"
    params: dict[str, Any] = Field(default_factory=dict)
    norm: str | None = "min-max"
    tune_on: str | None = None


class RunSpec(_System):
    """A TREC run file of someone else's.

    Attributes:
        file: Its path, in which {collection} and {split} are filled in.
    """

    kind: Literal["run"]
    file: str


SystemSpec = Annotated[
    WordhiveSpec | Bm25Spec | DenseSpec | MultiVectorSpec | FusionSpec | RunSpec, Field(discriminator="kind")
]


class Experiment(ConfigPart):
    """What `wordhive eval CONFIG.yaml` does.

    Attributes:
        baseline: The system that others are compared with; None: the first.
        measures: Of ranx, the first is what systems are compared by; None: those of each collection's convention.
        depth: Documents of each ranking.
        queries_timed: Single queries for latencies.
        queries_exact: Queries whose candidates are held against exact search; None: all.
        seed: Of the randomisation test.
    """

    title: str = "Systems side by side"
    collections: tuple[CollectionSpec, ...] = Field(min_length=1)
    systems: tuple[SystemSpec, ...] = Field(min_length=1)
    baseline: str = ""
    measures: tuple[str, ...] | None = Field(default=None, min_length=1)
    test: Test = "fisher"
    alpha: float = Field(default=0.05, gt=0, lt=1)
    seed: int = Field(default=0, ge=0)
    depth: int = Field(default=1000, ge=10)
    queries_timed: int = Field(default=100, ge=0)
    queries_exact: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _names_fit(self) -> Experiment:
        names = [system.name for system in self.systems]
        _distinct("systems", names)
        _distinct("collections", [collection.title for collection in self.collections])
        if self.baseline and self.baseline not in names:
            raise ValueError(f"the baseline {self.baseline!r} is none of the systems {', '.join(map(repr, names))}")
        for place, system in enumerate(self.systems):
            if isinstance(system, FusionSpec) and len(set(system.of)) < len(system.of):
                raise ValueError(
                    f"system {system.name!r} fuses {', '.join(map(repr, system.of))}; name each of them once"
                )
            if isinstance(system, FusionSpec) and (unknown := set(system.of) - set(names[:place])):
                raise ValueError(
                    f"system {system.name!r} fuses {min(unknown)!r}, which is no system above it; "
                    f"choose from {', '.join(map(repr, names[:place])) or 'none'}"
                )
        return self

    @classmethod
    def load(cls, path: str | Path) -> Experiment:
        """The experiment in a YAML file; `${NAME:-default}` stands for an environment variable.

        Paths are relative to the folder where the command runs.

        Raises:
            InputError: What is missing or wrong.
        """
        return parse(cls, read_yaml(Path(path)), str(path))

    @classmethod
    def suite(cls, name: str) -> Experiment:
        """A suite that comes with the package.

        Raises:
            InputError: One that does not.
        """
        names = suite_names()
        if name not in names:
            raise InputError(f"no suite {name!r}; choose {', '.join(names)}, or give a .yaml file")
        with importlib.resources.as_file(_suites() / f"{name}.yaml") as path:
            return cls.load(path)

    @property
    def reference(self) -> str:
        """The name of the baseline."""
        return self.baseline or self.systems[0].name

    def with_queries(self, limit: int) -> Experiment:
        """The same on at most so many queries of each collection."""
        held = [c.model_copy(update={"queries": min(limit, c.queries or limit)}) for c in self.collections]
        return self.model_copy(update={"collections": tuple(held)})

    def system(self, name: str) -> SystemSpec:
        """The system of that name."""
        return next(system for system in self.systems if system.name == name)


def slug(name: str) -> str:
    """A name as part of a path."""
    return _UNSAFE.sub("-", name).strip("-.") or "-"


def suite_names() -> list[str]:
    """The suites that come with the package."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _suites().iterdir() if entry.name.endswith(".yaml"))


def _suites() -> Any:
    return importlib.resources.files("wordhive.configs") / "eval"


def _distinct(what: str, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(slug(name).lower(), name)) is not name or names.count(name) > 1:
            raise ValueError(f"{what} {other!r} and {name!r} have the same name in paths; give each one of its own")
