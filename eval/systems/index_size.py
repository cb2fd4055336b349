"""What an index holds, beside what search needs of it."""

from __future__ import annotations

from wordhive.retrieval.retriever import Retriever

from ..experiment import slug
from ..result_cache import read_result, write_result
from ..results import IndexResults
from .task import Task


def holdings(retriever: Retriever, job: Task) -> IndexResults:
    """Words and bytes of a collection's index."""
    info = retriever.index.info()
    return IndexResults(
        encoder=str(retriever.encoder.stamp),
        config=info.config.model_dump(),
        words_per_document=round(info.n_words / info.n_documents, 1),
        words_removed=_words_removed(retriever, job),
        bytes_per_document={part: round(size / info.n_documents, 1) for part, size in info.bytes.items() if size},
        text_bytes=round(info.text_bytes / info.n_documents, 1),
    )


def _words_removed(retriever: Retriever, job: Task) -> float | None:
    encoder = retriever.encoder
    if not encoder.has_stop_word_gate:
        return None
    # Counting takes a while, and the count is the same for all indexes of the model that read as much of a document.
    model = f"{slug(encoder.name.rpartition('/')[2])}-{encoder.fingerprint[:8]}"
    state = job.cache / f"{model}-{encoder.max_tokens}.words.json"
    made_for = {"documents": job.prepared.fingerprint}
    if (known := read_result(state, made_for)) is None:
        texts = (document.text for document in job.prepared.collection.documents())
        known = {"n_words": int(encoder.count_words(texts).sum())}
        state.parent.mkdir(parents=True, exist_ok=True)
        write_result(state, known, made_for)
    n_words: int = known["n_words"]
    return round(1 - retriever.index.info().n_words / n_words, 4) if n_words else 0.0
