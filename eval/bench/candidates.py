"""First stages side by side: how much of the exact top each finds, in how many bytes, how fast."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from wordhive.index import IndexConfig, InputError, WordVectors
from wordhive.index.candidates.candidate_index import CandidateIndex
from wordhive.index.encodings import FusedEncoding
from wordhive.index.faiss.faiss_library import sub_quantisers
from wordhive.index.storage.training import fit_encoding
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.retriever import DOCUMENTS_A_COMMIT
from wordhive.retrieval.shards import read_shards

from ..collections.collection import Collection
from ..encoded import encode, first_documents
from ..exact_scores import ExactScores, shares
from ..measuring.latency import timed
from ..result_cache import read_result, result_path, write_result
from .ground_truth import TOPS, GroundTruth

CANDIDATES = (20, 50, 100, 200, 500, 1000)
_TIMED_QUERIES = 100


@dataclass(frozen=True)
class FirstStage:
    """An encoding of some size with a FAISS index of it."""

    name: str
    config: IndexConfig


@dataclass(frozen=True)
class Measured:
    """What a first stage does on a collection.

    encoding: the name of it in the grid. candidates: the FAISS factory string.
    bytes_per_document: what FAISS stores of one document, links included. parameter_bytes: what is stored once.
    documents_per_second: encoded. queries_per_second: encoded and searched for 1000 candidates, one at a time, median.
    shares: k → n → share of the exact top k among the first n candidates. ndcg: n → nDCG@10 after exact reranking of n.
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

    Raises InputError for a file that holds anything else.
    """
    try:
        grid = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"no grid file at {path}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(grid, dict) or not grid or not all(isinstance(values, dict) for values in grid.values()):
        raise InputError(f"{path} is no grid; expected names with an encoding and a list of candidates each")
    stages = []
    for name, values in grid.items():
        factories = values.get("candidates")
        if not isinstance(factories, list) or not factories:
            raise InputError(f"{path}: {name} has candidates {factories!r}; expected a list of FAISS factory strings")
        for factory in factories:
            config = IndexConfig.parse(yaml.safe_dump({**values, "candidates": factory}), f"{path}: {name}")
            if config.encoding is None:
                raise InputError(f"{path}: {name} has no encoding, and so no first stage; give it one, or leave it out")
            stages.append(FirstStage(str(name), config))
    return stages


@dataclass(frozen=True)
class CandidateBench:
    """First stages measured on a collection: on its first documents, with its first judged queries."""

    collection: str
    split: str
    n_documents: int
    n_queries: int
    fitted_to: int
    encoder: str
    summary_weight: float
    ndcg_exact: float
    stages: list[Measured]


def bench(
    stages: Sequence[FirstStage],
    collection: Collection,
    encoder: Encoder,
    folder: Path,
    *,
    shards: Path | None = None,
    n_queries: int | None = None,
    n_documents: int | None = None,
    fitted_to: int = DOCUMENTS_A_COMMIT,
    summary_weight: float | None = None,
    on_measured: Callable[[Measured], None] = lambda found: None,
) -> CandidateBench:
    """Measure first stages on a collection.

    folder: keeps the exact scores and every result, so that a run can be stopped and goes on where it was. shards: the
    encoded documents, in that folder unless given; written where they are not there. n_queries, n_documents: the first
    so many; None: all. fitted_to: documents that parameters are fitted to. summary_weight: the summary's share of the
    score; None: the model's. on_measured: called with every result.
    Raises InputError for shards of another model or of other documents.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shards = shards or folder / "shards"
    held = encode(collection, shards, encoder, n_documents)
    names = list(collection.queries)[:n_queries]
    queries = encoder.encode_queries([collection.queries[name] for name in names])
    weight = encoder.summary_weight if summary_weight is None else summary_weight
    exact = ExactScores.make(folder, shards, queries, weight, held, exact_match=encoder.exact_match)
    truth = GroundTruth(names, {name: collection.qrels[name] for name in names}, exact)
    found = []
    for key in dict.fromkeys(map(_shared, stages)):
        group = [stage for stage in stages if _shared(stage) == key]
        for measured in _group(
            group, folder, shards, weight, encoder.query_length, queries, truth, min(fitted_to, held)
        ):
            found.append(measured)
            on_measured(measured)
    return CandidateBench(
        collection=collection.name,
        split=collection.split,
        n_documents=held,
        n_queries=len(names),
        fitted_to=min(fitted_to, held),
        encoder=str(encoder.stamp),
        summary_weight=weight,
        ndcg_exact=truth.ndcg([np.arange(held)] * len(names)),
        stages=found,
    )


def _shared(stage: FirstStage) -> tuple[str, str, int]:
    """What stages have in common that search the same vectors: in the same order of dims, too."""
    encoding, reduction = stage.config.encoding, stage.config.reduction
    parts = sub_quantisers(reduction.dims, stage.config.candidates) if reduction is not None else 0
    return stage.name, f"{encoding!r} {reduction!r}", parts


def _group(
    group: Sequence[FirstStage],
    folder: Path,
    shards: Path,
    summary_weight: float,
    query_length: float | None,
    queries: WordVectors,
    truth: GroundTruth,
    fitted_to: int,
) -> Iterator[Measured]:
    """The results of stages that share an encoding: an earlier run's, or new ones."""
    common = {**truth.stamp, "fitted_to": fitted_to}
    made_for = [{**common, "config": stage.config.model_dump()} for stage in group]
    kept = [_read(_path(folder, stage), setting) for stage, setting in zip(group, made_for, strict=True)]
    if all(kept):
        yield from (found for found in kept if found)
        return
    built = _build(group, shards, summary_weight, query_length, fitted_to, len(truth.exact.ids))
    for stage, setting in zip(built, made_for, strict=True):
        found = _measure(stage, queries, truth)
        write_result(_path(folder, stage.stage), asdict(found), setting)
        yield found


@dataclass(frozen=True)
class _Built:
    stage: FirstStage
    encoding: FusedEncoding
    index: CandidateIndex
    encoding_bytes: int
    empty_bytes: int
    seconds_fitting: float
    documents_per_second: float


def _build(
    group: Sequence[FirstStage],
    shards: Path,
    summary_weight: float,
    query_length: float | None,
    fitted_to: int,
    limit: int,
) -> list[_Built]:
    """The candidate indexes of stages that share an encoding, which is fitted, and computed, once."""
    sample = first_documents(shards, min(fitted_to, limit))
    (encoding, encoded), fitting = timed(
        lambda: fit_encoding(group[0].config, sample, summary_weight, query_length=query_length)
    )
    trained = [timed(lambda stage=stage: CandidateIndex.train(stage.config, encoded)) for stage in group]  # type: ignore[misc]
    indexes = [index for index, _ in trained]
    empty = [index.size() for index in indexes]
    del encoded
    seconds, done = 0.0, 0
    with progress_bar(group[0].name, limit) as advance:
        for _, documents in read_shards(shards):
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


def _measure(built: _Built, queries: WordVectors, truth: GroundTruth) -> Measured:
    index = built.index
    encoded = built.encoding.encode_queries(queries)
    found: dict[int, dict[int, float]] = {k: {} for k in TOPS}
    ndcg = {}
    most = index.search(encoded, CANDIDATES[-1])[1]
    for n in CANDIDATES:
        # A scan for more finds the same first; a graph searches wider, and is asked for each number anew.
        numbers = most[:, :n] if index.is_scan else index.search(encoded, n)[1]
        rows = [row[row >= 0] for row in numbers]
        for k in TOPS:
            found[k][n] = shares(truth.best[k], rows, k)
        ndcg[n] = truth.ndcg(rows)
    return Measured(
        encoding=built.stage.name,
        candidates=built.stage.config.candidates,
        dims=encoded.shape[1],
        bytes_per_document=round((index.size() - built.empty_bytes) / len(index), 1),
        parameter_bytes=built.encoding_bytes + built.empty_bytes,
        seconds_fitting=round(built.seconds_fitting, 1),
        documents_per_second=round(built.documents_per_second, 1),
        queries_per_second=round(1 / _median_seconds(built, queries), 1),
        shares=found,
        ndcg=ndcg,
    )


def _median_seconds(built: _Built, queries: WordVectors) -> float:
    def search(query: WordVectors) -> Any:
        return built.index.search(built.encoding.encode_queries(query), CANDIDATES[-1])

    singles = [queries[i : i + 1] for i in range(min(len(queries), _TIMED_QUERIES))]
    return float(np.median([timed(lambda query=query: search(query))[1] for query in singles]))  # type: ignore[misc]


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
