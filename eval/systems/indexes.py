"""Indexes of wordhive, and multi-vector models whose documents are all scored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from wordhive.index import Index, IndexConfig, InputError
from wordhive.index.arguments import given_path
from wordhive.index.maintenance.info import IndexInfo
from wordhive.index.quantity import quantity
from wordhive.index.storage.settings import EncoderStamp
from wordhive.retrieval.encoder import Encoder
from wordhive.retrieval.retriever import Retriever, fitting_config
from wordhive.retrieval.shards import index_shards, is_shard_folder, whole_shards
from wordhive.retrieval.texts.chunks import longer_share
from wordhive.retrieval.windows.whole_texts import MOST_TOKENS

from ..collections.preparation import Prepared
from ..encoded import encode
from ..experiment import ChunkSpec, MultiVectorSpec, SystemSpec, WordhiveSpec, slug
from ..measuring.latency import stage_latency, timed
from ..measuring.memory import peak_memory
from ..result_cache import read_result, write_result
from ..runs import Run
from . import chunks
from .index_runs import candidate_recall, exact_runs, two_stage_run
from .index_size import holdings
from .indexed import indexed
from .task import Measurements, RunResult, Stamp, Task, rate

_K = 10
# What search by a part of the score does without.
_NOT_NEEDED = {"whole": set[str](), "words": {"summaries", "candidates"}, "summary": {"words", "word ids", "offsets"}}


def stamp(spec: WordhiveSpec | MultiVectorSpec) -> Stamp:
    """What the model computes, and the index's configuration, whatever its file is called."""
    return {"model": _stamp(spec.model).fingerprint, "config": _config(_as_wordhive(spec)).model_dump()}


def find(spec: WordhiveSpec | MultiVectorSpec, job: Task) -> RunResult:
    """The run of an index that is made of shards, which all systems of the same model share.

    Raises:
        InputError: A part that the model's score does not have.
    """
    given, spec = spec, _as_wordhive(spec)
    retriever, seconds = index_of(given, job)
    index, searcher = retriever.index, retriever.searcher
    if spec.part != "whole" and not index.settings.summary_weight:
        raise InputError(f"{spec.name!r} asks for {spec.part} alone, but the score of {spec.model} is words alone")
    candidates = "all" if spec.part != "whole" or index.settings.config.encoding is None else spec.candidates
    names, texts = list(job.queries), list(job.queries.values())
    searcher.search(texts[0], _K, candidates=candidates)  # kernels are compiled once

    # So many chunks as may be of the documents of a ranking.
    depth = job.depth * chunks.most(index.snapshot().ids().values()) if spec.chunk else job.depth

    def search_all() -> Run:
        queries = retriever.encoder.encode_queries(texts)
        if candidates == "all":
            run = exact_runs(index, queries, names, depth)[0][spec.part]
        else:
            run = two_stage_run(searcher, queries, names, candidates, depth)
        return chunks.merged(run, job.depth) if spec.chunk else run

    run, seconds_searching = timed(search_all)
    held = names[: job.exact]
    recall = {}
    if candidates != "all" and held:
        queries = retriever.encoder.encode_queries(texts[: len(held)])
        recall = candidate_recall(index, queries, exact_runs(index, queries, held, _K)[1])
    whole = spec.part == "whole"
    return RunResult(
        run,
        Measurements(
            _description(spec, retriever, candidates),
            candidate_recall=recall,
            bytes_per_document=_bytes(index.info(), spec.part, job.prepared.n_documents),
            # Exact search computes both parts: its time is no part's own.
            latency=stage_latency(searcher, job.timed_texts, _K, candidates) if whole else {},
            queries_per_second=rate(len(run), seconds_searching) if whole else None,
            seconds_indexing=seconds,
            peak_memory=peak_memory(),
            index=holdings(retriever, job) if whole and not spec.chunk else None,
        ),
    )


def index_of(spec: WordhiveSpec | MultiVectorSpec, job: Task) -> tuple[Retriever, float | None]:
    """The index of a collection, made where it is not there; and the seconds of encoding and indexing.

    Seconds are None where a part of it was done by an earlier run that was stopped, or elsewhere.
    """
    own = _as_wordhive(spec)
    encoder = _encoder(spec.model, own.max_tokens)
    if own.index is not None:
        return indexed(job.prepared.collection, given_path(own.index), encoder, own.config, own.device)
    shards, n_held, encoding = _shards(encoder, job, own.chunk)
    config = _config(own)
    digest = hashlib.sha256(json.dumps(config.model_dump(), sort_keys=True).encode()).hexdigest()
    path = shards.with_name(f"{shards.stem}-{digest[:8]}.hive")
    state, made_for = path.with_suffix(".json"), {"documents": job.prepared.fingerprint, "config": config.model_dump()}
    fresh = not path.exists()
    if fresh:
        retriever = Retriever.create(path, encoder, config=config, device=own.device)
    else:
        retriever = Retriever.open(path, encoder, device=own.device)
    if (whole := read_result(state, made_for)) is None or len(retriever) != n_held:
        _, taken = timed(lambda: index_shards(shards, retriever, skip_known=not fresh))
        whole = {"seconds": round(taken + encoding, 1) if fresh and encoding is not None else None}
        write_result(state, whole, made_for)
    return retriever, whole["seconds"]


def truncated(systems: Sequence[SystemSpec], prepared: Prepared) -> float | None:
    """The share of documents that are longer than the window of the first of wordhive's models; None without one."""
    ours = next(
        (s for s in systems if isinstance(s, WordhiveSpec | MultiVectorSpec) and not _as_wordhive(s).chunk), None
    )
    if ours is None:
        return None
    return longer_share(prepared.collection.documents(), _encoder(ours.model), prepared.n_documents)


def _shards(encoder: Encoder, job: Task, chunk: ChunkSpec | None) -> tuple[Path, int, float | None]:
    """The encoded documents or chunks, their number, and the seconds that it took; None where they are unknown."""
    read = f"{encoder.max_tokens}-tokens" if chunk is None else f"chunks-{chunk.overlap}"
    shards = job.cache / f"{slug(Path(encoder.name).name)}-{encoder.fingerprint[:8]}-{read}.shards"
    state, made_for = shards.with_suffix(".json"), {"documents": job.prepared.fingerprint}
    if whole_shards(shards) and (known := read_result(state, made_for)) is not None:
        return shards, known.get("n", job.prepared.n_documents), known["seconds"]
    shards.parent.mkdir(parents=True, exist_ok=True)
    fresh = not is_shard_folder(shards)
    collection = job.prepared.collection
    if chunk is not None:
        collection = chunks.cut(collection, encoder, chunk.overlap)
    n, taken = timed(lambda: encode(collection, shards, encoder, None))
    seconds = round(taken, 1) if fresh else None
    write_result(state, {"seconds": seconds, "n": n}, made_for)
    return shards, n, seconds


def _config(spec: WordhiveSpec) -> IndexConfig:
    """The configuration that is asked for; the own one of an index that is there already."""
    if spec.config is None and spec.index is not None and given_path(spec.index).exists():
        return Index.open(spec.index).settings.config
    return fitting_config(spec.config, _encoder(spec.model))


def _as_wordhive(spec: WordhiveSpec | MultiVectorSpec) -> WordhiveSpec:
    if isinstance(spec, WordhiveSpec):
        return spec
    return WordhiveSpec(name=spec.name, model=spec.model, config="exact", candidates="all")


def _description(spec: WordhiveSpec, retriever: Retriever, candidates: int | str) -> str:
    of = {"whole": "", "words": "its words alone, ", "summary": "its summaries alone, "}[spec.part]
    found = f"{quantity(candidates, 'candidate')} scored" if isinstance(candidates, int) else "every document scored"
    index = "its default preset" if spec.config is None else f"preset {spec.config}"
    if spec.config is None and spec.index is not None:
        index = f"index {Path(spec.index).name}"
    whole = "" if spec.chunk is None else "documents cut into chunks, "
    if spec.max_tokens is not None:
        whole += f"the first {quantity(spec.max_tokens, 'token')} read, "
    return f"{retriever.encoder.name} with {index}, {whole}{of}{found}"


def _bytes(info: IndexInfo, part: str, n_documents: int) -> dict[str, float]:
    left_out = {"texts", "parameters", *_NOT_NEEDED[part]}
    sizes = {name: size for name, size in info.bytes.items() if size and name not in left_out}
    return {name: round(size / n_documents, 1) for name, size in sizes.items()}


# Two of them: an experiment goes through the same models for each collection.
@lru_cache(maxsize=2)
def _encoder(name: str, max_tokens: int | None = None) -> Encoder:
    return Encoder.load(name, max_tokens=MOST_TOKENS if max_tokens is None else max_tokens)


@cache
def _stamp(name: str) -> EncoderStamp:
    return _encoder(name).stamp
