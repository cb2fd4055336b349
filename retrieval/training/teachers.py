"""A teacher's scores of the documents of training examples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from wordhive.index import InputError
from wordhive.index.scoring.maxsim import maxsim

from ..checkpoints.loading import is_cross_encoder, load_cross_encoder
from ..encoder import Encoder
from ..progress import progress_bar
from .config import StageConfig
from .examples import Example

_FILE = "teacher.npy"
_ROWS = 256

Scorer = Callable[[list[str], list[list[str]]], NDArray[np.float32]]


def score_rows(rows: list[Example], stage: StageConfig, folder: Path, show_progress: bool | None) -> list[list[float]]:
    """For each row the teacher's scores of its positive and of as many negatives as the stage takes.

    They come with the rows (teacher "scores"), or from the model that the stage names, a multi-vector model or a
    cross-encoder, which scores each row once; its scores are kept in `folder` for a run that goes on.

    Raises:
        InputError: Rows without scores, or a model that is neither.
    """
    n = 1 + stage.negatives
    if n < 2:
        raise InputError(f"stage {stage.name} has a teacher and no negatives to compare; set negatives, or mine some")
    name = stage.loss.teacher
    if name == "scores":
        return [_given(row, n) for row in rows]
    path = folder / _FILE
    if path.is_file() and np.load(path).shape == (len(rows), n):
        found: list[list[float]] = np.load(path).tolist()
        return found
    score = _cross_encoder(name) if is_cross_encoder(name) else _multi_vector(name)
    parts = []
    with progress_bar(f"Scores of {name}", len(rows), show=show_progress) as advance:
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            parts.append(score([row.query for row in part], [[row.positive, *row.negatives][:n] for row in part]))
            advance(len(part))
    folder.mkdir(parents=True, exist_ok=True)
    scores = np.concatenate(parts)
    np.save(path, scores)
    return [[float(value) for value in row] for row in scores]


def _given(row: Example, n: int) -> list[float]:
    if row.scores is None or len(row.scores) < n:
        raise InputError(
            f"the example {row.query!r:.60} has {len(row.scores or ())} scores, expected {n}, of its positive and "
            "negatives; name a model as teacher, or add scores"
        )
    return list(row.scores[:n])


def _multi_vector(name: str) -> Scorer:
    encoder = Encoder.load(name)

    def score(queries: list[str], documents: list[list[str]]) -> NDArray[np.float32]:
        asked = encoder.encode_queries(queries)
        texts = list(dict.fromkeys(text for row in documents for text in row))
        place = {text: number for number, text in enumerate(texts)}
        found = encoder.encode_documents(texts, show_progress=False)
        scores = maxsim(asked, found.vectors, found.offsets)
        if encoder.summary_weight and asked.summary is not None and found.summary is not None:
            w = np.float32(encoder.summary_weight)
            scores = (1 - w) * scores + w * (asked.summary @ found.summary.T)
        own = np.array([[place[text] for text in row] for row in documents])
        return np.take_along_axis(scores, own, axis=1)

    return score


def _cross_encoder(name: str) -> Scorer:
    model = load_cross_encoder(name)

    def score(queries: list[str], documents: list[list[str]]) -> NDArray[np.float32]:
        pairs = [(query, text) for query, row in zip(queries, documents, strict=True) for text in row]
        with torch.inference_mode():
            scores: NDArray[np.float32] = model.predict(pairs, show_progress_bar=False)
        if scores.ndim != 1:
            raise InputError(f"{name} gives {scores.shape[1]} numbers a pair; a teacher has to give one")
        return scores.reshape(len(queries), -1)

    return score
