"""First stages side by side: how much of the exact top each finds, in how many bytes, how fast."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wordhive.index import IndexConfig, InputError, WordVectors
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.config_file import read_yaml
from wordhive.index.encodings import FusedEncoding
from wordhive.index.faiss.faiss_factory import sub_quantisers
from wordhive.index.storage.training import fit_encoding
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.shards import read_shards

from ..encoded import first_documents
from ..exact_scores import shares
from ..measuring.latency import timed
from ..result_cache import read_result, result_path, write_result
from .encoded_collection import BenchResults, EncodedCollection
from .ground_truth import TOPS

CANDIDATES = (20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class FirstStage:
    """An encoding of some size with a FAISS index of it."""

    name: str
    config: IndexConfig


@dataclass(frozen=True)
class Measured:
    """What a first stage does on a collection.

    Attributes:
        encoding: The name of it in the grid.
        candidates: The FAISS factory string.
        bytes_per_document: What FAISS stores of one document, links included.
        parameter_bytes: What is stored once.
        documents_per_second: Encoded.
        queries_per_second: Encoded and searched for 1000 candidates, one at a time, median.
        shares: K → n → share of the exact top k among the first n candidates.
        ndcg: N → nDCG@10 after exact reranking of n.
    """

    encoding: str
    candidates: str
    dims: int
    bytes_per_document: float
    parameter_bytes: int
    seconds_fitting: float
    documents_per_second: float
    queries_per_second: float
    shares: dict[int, dict[int, float]]
    ndcg: dict[int, float]


def default_grid() -> Path:
    """The grid that comes with wordhive."""
    return Path(str(importlib.resources.files("wordhive.configs"))) / "bench" / "candidates.yaml"


def load_grid(path: Path) -> list[FirstStage]:
    """The first stages of a grid file: name → an index configuration whose `candidates` is a list of FAISS strings.

    Raises:
        InputError: A file that holds anything else.
    """
    grid = read_yaml(path)
    if not grid or not all(isinstance(values, dict) for values in grid.values()):
        raise InputError(f"{path} is no grid; expected names with an encoding and a list of candidates each")
    stages = []
    for name, values in grid.items():
        factories = values.get("candidates")
        if not isinstance(factories, list) or not factories:
            raise InputError(f"{path}: {name} has candidates {factories!r}; expected a list of FAISS factory strings")
        for factory in factories:
            config = IndexConfig.of({**values, "candidates": factory}, f"{path}: {name}")
            if config.encoding is None:
                raise InputError(f"{path}: {name} has no encoding, and so no first stage; give it one, or leave it out")
            stages.append(FirstStage(str(name), config))
    return stages


@dataclass(frozen=True)
class CandidateBench(BenchResults):
    """First stages measured on a collection."""

    stages: list[Measured]


def bench(
    stages: Sequence[FirstStage],
    measured_on: EncodedCollection,
    on_measured: Callable[[Measured], None] = lambda measured: None,
) -> CandidateBench:
    """Measure first stages on a collection; `on_measured` is called with every result."""
    results = []
    for key in dict.fromkeys(map(_shared, stages)):
        for measured in _group([stage for stage in stages if _shared(stage) == key], measured_on):
            results.append(measured)
            on_measured(measured)
    return CandidateBench(**measured_on.facts(), stages=results)


def _shared(stage: FirstStage) -> tuple[str, str, int]:
    """What stages have in common that search the same vectors: in the same order of dims, too."""
    encoding, reduction = stage.config.encoding, stage.config.reduction
    parts = sub_quantisers(reduction.dims, stage.config.candidates) if reduction is not None else 0
    return stage.name, f"{encoding!r} {reduction!r}", parts


def _group(group: Sequence[FirstStage], measured_on: EncodedCollection) -> Iterator[Measured]:
    """The results of stages that share an encoding: an earlier run's, or new ones."""
    made_for = [{**measured_on.made_for, "config": stage.config.model_dump()} for stage in group]
    earlier = [_read(_path(measured_on.folder, stage), setting) for stage, setting in zip(group, made_for, strict=True)]
    if all(earlier):
        yield from (measured for measured in earlier if measured)
        return
    for built, setting in zip(_build(group, measured_on), made_for, strict=True):
        measured = _measure(built, measured_on)
        write_result(_path(measured_on.folder, built.stage), asdict(measured), setting)
        yield measured


@dataclass(frozen=True)
class _Built:
    stage: FirstStage
    encoding: FusedEncoding
    index: CandidateIndex
    encoding_bytes: int
    empty_bytes: int
    seconds_fitting: float
    documents_per_second: float

    def search(self, query: WordVectors) -> Any:
        return self.index.search(self.encoding.encode_queries(query), CANDIDATES[-1])


def _build(group: Sequence[FirstStage], measured_on: EncodedCollection) -> list[_Built]:
    """The candidate indexes of stages that share an encoding, which is fitted, and computed, once."""
    limit, query_length = measured_on.n_documents, measured_on.encoder.query_length
    sample = first_documents(measured_on.shards, measured_on.fitted_to)
    (encoding, encoded), fitting = timed(
        lambda: fit_encoding(group[0].config, sample, measured_on.summary_weight, query_length=query_length)
    )
    trained = [timed(lambda stage=stage: CandidateIndex.train(stage.config, encoded)) for stage in group]  # type: ignore[misc]
    indexes = [index for index, _ in trained]
    empty = [index.size() for index in indexes]
    del encoded
    seconds, done = 0.0, 0
    with progress_bar(group[0].name, limit) as advance:
        for _, documents in read_shards(measured_on.shards):
            part = documents[: limit - done]
            if not len(part):
                break
            encoded, taken = timed(lambda part=part: encoding.encode_documents(part))  # type: ignore[misc]
            seconds += taken
            for index in indexes:
                index.add(encoded)
            done += len(part)
            advance(len(part))
    own = sum(tensor.nbytes for tensor in encoding.tensors().values())
    return [
        _Built(stage, encoding, index, own, size, fitting + training, done / seconds)
        for stage, (index, training), size in zip(group, trained, empty, strict=True)
    ]


def _measure(built: _Built, measured_on: EncodedCollection) -> Measured:
    index, truth = built.index, measured_on.truth
    encoded = built.encoding.encode_queries(measured_on.queries)
    recall: dict[int, dict[int, float]] = {k: {} for k in TOPS}
    ndcg = {}
    most = index.search(encoded, CANDIDATES[-1])[1]
    for n in CANDIDATES:
        # A scan for more finds the same first; a graph searches wider, and is asked for each number anew.
        numbers = most[:, :n] if index.is_scan else index.search(encoded, n)[1]
        rows = [row[row >= 0] for row in numbers]
        for k in TOPS:
            recall[k][n] = shares(truth.best[k], rows, k)
        ndcg[n] = truth.ndcg(rows)
    return Measured(
        encoding=built.stage.name,
        candidates=built.stage.config.candidates,
        dims=encoded.shape[1],
        bytes_per_document=round((index.size() - built.empty_bytes) / len(index), 1),
        parameter_bytes=built.encoding_bytes + built.empty_bytes,
        seconds_fitting=round(built.seconds_fitting, 1),
        documents_per_second=round(built.documents_per_second, 1),
        queries_per_second=round(1 / measured_on.median_seconds(built.search), 1),
        shares=recall,
        ndcg=ndcg,
    )


def _read(path: Path, made_for: dict[str, Any]) -> Measured | None:
    """What an earlier run found in the same setting, or None."""
    values = read_result(path, made_for)
    if values is None:
        return None
    try:
        values["shares"] = {int(k): _by_number(row) for k, row in values["shares"].items()}
        return Measured(**{**values, "ndcg": _by_number(values["ndcg"])})
    except (ValueError, KeyError, TypeError, AttributeError):  # another version's
        return None


def _by_number(row: dict[str, float]) -> dict[int, float]:
    return {int(n): value for n, value in row.items()}


def _path(folder: Path, stage: FirstStage) -> Path:
    return result_path(folder, f"{stage.name}.{stage.config.candidates}")
