"""One vector a text, by any sentence-transformers model, every document scored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from wordhive.retrieval.checkpoints.loading import load_dense
from wordhive.retrieval.progress import progress_bar
from wordhive.retrieval.runtimes.bfloat16 import has_bfloat16
from wordhive.retrieval.search.stage_times import StageTimes
from wordhive.retrieval.texts.documents import Document

from ..experiment import DenseSpec, slug
from ..measuring.latency import latency, timed
from ..measuring.memory import peak_memory
from ..result_cache import read_result, write_result
from ..runs import Run, ranking
from .task import Measurements, RunResult, Stamp, Task, rate

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_DOCUMENTS_A_BLOCK = 2048
_QUERIES_AT_ONCE = 256


def stamp(spec: DenseSpec) -> Stamp:
    """What the model computes."""
    return {"model": _fingerprint(spec.model)}


def find(spec: DenseSpec, job: Task) -> RunResult:
    """The best documents of each query by the model's own similarity, cosine or inner product."""
    model = _model(spec.model)
    folder = job.cache / f"{slug(spec.model)}-{_fingerprint(spec.model)[:8]}.dense"
    seconds = _encode(model, job, folder)
    ids = {row: document.id for row, document in enumerate(job.prepared.collection.documents())}
    blocks = [np.load(path, mmap_mode="r") for path in _blocks(folder)]

    def search(vectors: NDArray[np.float32]) -> list[dict[str, float]]:
        scores = np.concatenate([vectors @ block.T for block in blocks], axis=1)
        return [ranking(np.arange(scores.shape[1]), row, ids, job.depth) for row in scores]

    def search_all() -> Run:
        run: Run = {}
        names, texts = list(job.queries), list(job.queries.values())
        for start in range(0, len(names), _QUERIES_AT_ONCE):
            vectors = _vectors(model, texts[start : start + _QUERIES_AT_ONCE], query=True)
            run.update(zip(names[start : start + _QUERIES_AT_ONCE], search(vectors), strict=True))
        return run

    def search_in_stages(text: str, times: StageTimes) -> None:
        vectors = times.run("encode", _vectors, model, [text], query=True)
        times.run("scores", search, vectors)

    run, seconds_searching = timed(search_all)
    dim = blocks[0].shape[1]
    return RunResult(
        run,
        Measurements(
            f"{spec.model}, one vector of {dim} float32 a document, {model.similarity_fn_name}, every document scored",
            bytes_per_document={"vector": 4.0 * dim},
            latency=latency(job.timed_texts, search_in_stages),
            queries_per_second=rate(len(run), seconds_searching),
            seconds_indexing=seconds,
            peak_memory=peak_memory(),
        ),
    )


def _encode(model: SentenceTransformer, job: Task, folder: Path) -> float | None:
    """Encode all documents, block by block, passing over blocks that are there; the seconds, None where unknown."""
    state, made_for = folder / "whole.json", {"documents": job.prepared.fingerprint}
    if (whole := read_result(state, made_for)) is not None:
        seconds: float | None = whole["seconds"]
        return seconds
    folder.mkdir(parents=True, exist_ok=True)
    fresh = not _blocks(folder)
    _, taken = timed(lambda: _write_blocks(model, job, folder))
    seconds = round(taken, 1) if fresh else None
    write_result(state, {"seconds": seconds}, made_for)
    return seconds


def _write_blocks(model: SentenceTransformer, job: Task, folder: Path) -> None:
    with progress_bar("Encoding", job.prepared.n_documents) as advance:
        for number, batch in enumerate(_batches(job.prepared.collection.documents())):
            path = folder / f"block-{number:06d}.npy"
            if not path.is_file():
                temporary = folder / f"writing-{path.name}"
                np.save(temporary, _vectors(model, [document.text for document in batch], query=False))
                temporary.replace(path)
            advance(len(batch))


def _batches(documents: Iterator[Document]) -> Iterator[list[Document]]:
    while batch := list(islice(documents, _DOCUMENTS_A_BLOCK)):
        yield batch


def _blocks(folder: Path) -> list[Path]:
    return sorted(folder.glob("block-*.npy"))


def _vectors(model: SentenceTransformer, texts: list[str], *, query: bool) -> NDArray[np.float32]:
    encode = model.encode_query if query else model.encode_document
    normalize = model.similarity_fn_name == "cosine"
    # As our own encoder computes, so that times can be compared; it moves the fourth digit of a measure.
    half = torch.autocast(model.device.type, torch.bfloat16, enabled=has_bfloat16(model.device))
    with half, torch.inference_mode():
        vectors = encode(texts, show_progress_bar=False, normalize_embeddings=normalize, convert_to_numpy=True)
    return np.asarray(vectors, np.float32)


# Two of them: an experiment goes through the same models for each collection.
@lru_cache(maxsize=2)
def _model(name: str) -> SentenceTransformer:
    return load_dense(name)


@cache
def _fingerprint(name: str) -> str:
    model = _model(name)
    half = has_bfloat16(model.device)
    digest = hashlib.sha256(f"{model} {model.prompts} {model.similarity_fn_name} {half}".encode())
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().data)
    return digest.hexdigest()
