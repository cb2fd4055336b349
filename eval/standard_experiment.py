"""The experiment of one index on one collection: exact search, its parts, and search in two stages."""

from __future__ import annotations

from pathlib import Path

from wordhive.retrieval.encoder import DEFAULT_MODEL, Encoder
from wordhive.retrieval.retriever import Retriever, fitting_config

from .experiment import Bm25Spec, CollectionSpec, Experiment, SystemSpec, WordhiveSpec

EXACT, WORDS, SUMMARY, BM25 = "exact", "exact, words alone", "exact, summary alone", "bm25"


def standard_experiment(
    collection: CollectionSpec,
    *,
    model: str | None = None,
    config: str | None = None,
    candidates: int = 1000,
    index: Path | None = None,
    device: str = "cpu",
    bm25: bool = False,
) -> Experiment:
    """Exact search, its two parts alone where the model has two, two stages where the index has a first one, BM25.

    Args:
        model, config: None takes those of the index where it is there, or the defaults.
        candidates: Of the two stages.

    Raises:
        InputError: A model or a configuration that is not there, or is not the index's.
    """
    if index is not None and index.exists():
        with Retriever.open(index, model) as retriever:
            encoder, found = retriever.encoder, retriever.index.settings.config
    else:
        encoder = Encoder.load(model or DEFAULT_MODEL)
        found = fitting_config(config, encoder)

    def system(name: str, **options: object) -> WordhiveSpec:
        place = None if index is None else str(index)
        return WordhiveSpec.model_validate(
            {"name": name, "model": encoder.name, "config": config, "index": place, "device": device, **options}
        )

    systems: list[SystemSpec] = [system(EXACT, candidates="all")]
    if encoder.summary_weight:
        systems += [system(WORDS, part="words"), system(SUMMARY, part="summary")]
    if found.encoding is not None:
        systems.append(system(f"two stages, {candidates} candidates", candidates=candidates))
    if bm25:
        systems.append(Bm25Spec(name=BM25, kind="bm25"))
    return Experiment(
        title=f"One index on {collection.title}",
        collections=(collection,),
        systems=tuple(systems),
        baseline=BM25 if bm25 else EXACT,
    )
