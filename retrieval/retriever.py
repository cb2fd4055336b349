"""`Retriever`: text in, text out. An encoder, an index and a searcher as one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, overload

from sentence_transformers import MultiVectorEncoder

from wordhive.index import Index, IndexConfig, InputError
from wordhive.index.arguments import flag, given_path, id_list, instance, strings
from wordhive.index.candidates.candidate_index import check_device
from wordhive.index.config import SummaryConfig
from wordhive.index.filters.conditions import Where
from wordhive.index.storage.config_checks import check_fits_exact_match, check_fits_queries
from wordhive.index.writing.creation import check_free

from .encoder import DEFAULT_MODEL, UNNAMED, Backend, Encoder, check_backend
from .explanation import Explanation
from .progress import progress_bar
from .searcher import Candidates, Hit, Searcher
from .texts.documents import id_from
from .texts.intake import Intake, Item, ids_of
from .texts.known_texts import KnownTexts

# Documents a commit: what an interrupted run loses at most.
DOCUMENTS_A_COMMIT = 2048

Model = str | Path | MultiVectorEncoder | Encoder


class Retriever:
    """An index that is filled and searched with text.

    retriever = Retriever.create("my.hive")
    retriever.add(["Bees dance to tell where flowers are.", "Ants follow scent."])
    for hit in retriever.search("how do bees communicate?", k=1):
        print(hit.id, hit.score, hit.text)
    """

    def __init__(self, index: Index, encoder: Encoder, *, remember: int = 0) -> None:
        instance(encoder, "encoder", Encoder, "an Encoder: Encoder.load(name)")
        self.index = index
        self.encoder = encoder
        self.searcher = Searcher(index, encoder, remember=remember)

    @classmethod
    def create(
        cls,
        path: str | Path,
        model: Model = DEFAULT_MODEL,
        *,
        config: IndexConfig | str | Path | None = None,
        queries: Sequence[str] | None = None,
        store_texts: bool = True,
        device: str = "cpu",
    ) -> Retriever:
        """A new index in a folder that does not exist yet.

        model: a shipped model's name, a model folder, a name on the hub, a `MultiVectorEncoder`, or an `Encoder`.
        config: a preset's name, a YAML file, or an `IndexConfig`; None: preset "default", or "summary" for a model that
        matches identical words only. queries: such as will be asked, some hundred or more, for the first stage to be
        fitted to; it needs none. store_texts: keep texts, to be given back with hits. device: where
        the index is searched, "cpu" or "cuda"; on a GPU the model that is named is loaded there too.
        Raises InputError for a first stage that does not fit the model.
        """
        if config is not None and not isinstance(config, IndexConfig):
            config = IndexConfig.load(config)
        asked = [] if queries is None else strings(queries, "queries")
        check_device(device)
        check_free(given_path(path))  # before a model is loaded, which takes seconds
        encoder = encoder_of(model, device, "torch")
        config = fitting_config(config, encoder)
        if asked:
            check_fits_queries(config)
        index = Index.create(
            path,
            config,
            encoder=encoder.stamp,
            summary_weight=encoder.summary_weight,
            exact_match=encoder.exact_match,
            query_length=encoder.query_length,
            queries=encoder.encode_queries(asked) if asked else None,
            store_texts=store_texts,
            device=device,
        )
        return cls(index, encoder)

    @classmethod
    def open(
        cls,
        path: str | Path,
        model: Model | None = None,
        *,
        device: str = "cpu",
        backend: Backend = "torch",
        remember: int = 0,
    ) -> Retriever:
        """An existing index. model: needed where the index was made by a model object that has no name.

        device: where it is searched, "cpu" or "cuda"; on a GPU the model is loaded there too.
        backend: what runs the transformer of a model that is given by name, or by the index; see `Encoder`.
        remember: so many queries, the last different ones, are encoded once; see `Searcher`.
        Raises InputError when the path holds no index, or the model is not the one that made it.
        """
        check_backend(backend)
        index = Index.open(path, device=device)
        if model is None:
            if index.settings.encoder is None:
                raise InputError(
                    f"{path} holds vectors made elsewhere; search them with Searcher(index).search_vectors()"
                )
            if index.settings.encoder.name.partition("@")[0].removesuffix("+words") == UNNAMED:
                raise InputError(
                    f"{path} was made by a model object without a name; give it: Retriever.open(path, model)"
                )
            model = index.settings.encoder.name
        return cls(index, encoder_of(model, device, backend), remember=remember)

    def __len__(self) -> int:
        return len(self.index)

    def __enter__(self) -> Retriever:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.index.close()

    def add(
        self,
        documents: Iterable[Any],
        *,
        skip_known: bool = False,
        total: int | None = None,
        show_progress: bool | None = None,
    ) -> int:
        """Encode and add documents; the number that was added.

        documents: strings, dicts with id and text, (id, text) pairs, `Document`s, or the rows of a pandas, Polars or
        Arrow table with columns id and text. A string gets a number for its id that no document of the index and of
        `documents` has, chosen while nobody else writes. A dict's title goes before its text; it and all other keys
        become attributes. A list is checked whole before anything is encoded. Every 2048 documents are one commit, so
        that an interrupted run can go on with skip_known=True.
        skip_known: pass over documents that the index holds: those whose ids are there, and strings whose texts are, as
        often as they are there. The index must keep texts for strings.
        total: of the documents, for the progress bar, where they have no length.
        """
        intake, skip_known = Intake(documents, total), flag(skip_known, "skip_known")
        if intake.held and not skip_known:
            self._check_new(intake.held)
        added, texts = 0, None
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT):
                fresh = batch
                if skip_known:
                    if texts is None and any(isinstance(item, str) for item in batch):
                        texts = KnownTexts(self.index)
                    known = self.index.known_ids(ids_of(batch))
                    fresh = [item for item in batch if not _is_known(item, known, texts)]
                    advance(len(batch) - len(fresh))
                else:
                    self._check_new(batch)
                self._commit(fresh, intake, advance, self.index.add)
                added += len(fresh)
        return added

    def upsert(self, documents: Iterable[Any], *, total: int | None = None, show_progress: bool | None = None) -> int:
        """Encode and add documents, in place of those of the same ids; the number that was encoded.

        documents, total: as for `add`; a string has no id, and so takes nobody's place. Every 2048 documents are one
        commit: none is gone before its successor is there.
        """
        intake, written = Intake(documents, total), 0
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT):
                self._commit(batch, intake, advance, self.index.upsert)
                written += len(batch)
        return written

    def delete(self, ids: Iterable[Any] | None = None, *, where: Where | None = None, missing_ok: bool = False) -> int:
        """Delete the documents of these ids, or those that a filter lets through; see `Index.delete`.

        ids: as `add` takes them: strings, or whole numbers.
        """
        given = ids if ids is None else [id_from(id) for id in id_list(ids)]
        return self.index.delete(given, where=where, missing_ok=missing_ok)

    def _check_new(self, items: Sequence[Item]) -> None:
        ids = ids_of(items)
        known = self.index.known_ids(ids)
        if known:
            example = next(id for id in ids if id in known)
            raise InputError(f"document id {example!r} is already in {self.index.path}; give new ids")

    def _commit(
        self, items: Sequence[Item], intake: Intake, advance: Callable[[int], None], store: Callable[..., int | None]
    ) -> None:
        self.searcher.check_encoder()
        texts = [item if isinstance(item, str) else item.text for item in items]
        vectors = self.encoder.encode_documents(texts, on_batch=advance)
        store(intake.ids(items), vectors, texts, [None if isinstance(item, str) else item.attributes for item in items])

    @overload
    def search(
        self,
        queries: str,
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[Hit]: ...
    @overload
    def search(
        self,
        queries: list[str],
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[list[Hit]]: ...
    def search(
        self,
        queries: str | list[str],
        k: int = 10,
        *,
        candidates: Candidates | None = None,
        where: Where | None = None,
        carving: float | None = None,
    ) -> list[Hit] | list[list[Hit]]:
        """The k best documents of one query, or of each of several; see `Searcher.search`."""
        return self.searcher.search(queries, k, candidates=candidates, where=where, carving=carving)

    def warm_up(self) -> None:
        """Search once, so that the first user's query is as fast as later ones; see `Searcher.warm_up`."""
        self.searcher.warm_up()

    def explain(self, query: str, id: str | int) -> Explanation:
        """Why the document with that id has its score for a query; see `Searcher.explain`."""
        return self.searcher.explain(query, id_from(id))


def encoder_of(model: Model, device: str, backend: Backend) -> Encoder:
    """The encoder that `model` is, or names: on the GPU that an index is on. Raises as `Encoder.load` does."""
    if not isinstance(model, (str, Path)):
        return Encoder.of(model)
    on_gpu = device != "cpu" and backend == "torch"
    return Encoder.load(model, device=device if on_gpu else None, backend=backend)


def fitting_config(config: IndexConfig | str | Path | None, encoder: Encoder) -> IndexConfig:
    """The configuration of an index for a model: the given one, or the default for such a model.

    Raises InputError for a first stage that does not fit the model.
    """
    if config is None:
        config = IndexConfig.default(exact_match=encoder.exact_match)
    elif not isinstance(config, IndexConfig):
        config = IndexConfig.load(config)
    if encoder.exact_match:
        check_fits_exact_match(config)
    if isinstance(config.encoding, SummaryConfig) and not encoder.encode_queries([]).summary_dim:
        raise InputError(
            f"the model {encoder.name} gives no summary, which would be the first stage; "
            "take preset exact to score every document"
        )
    return config


def _is_known(item: Item, known_ids: set[str], texts: KnownTexts | None) -> bool:
    if isinstance(item, str):
        return texts is not None and texts.take(item)
    return item.id in known_ids
