"""`Retriever`: text in, text out. An encoder, an index and a searcher as one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, get_args, overload

from sentence_transformers import MultiVectorEncoder
from typing_extensions import Unpack

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.arguments import flag, given_path, id_list, instance, one_of, strings
from wordhive.index.candidates.gpu import check_device
from wordhive.index.config import SummaryConfig
from wordhive.index.filters.conditions import Where
from wordhive.index.storage.batch import check_new_ids
from wordhive.index.storage.config_checks import check_fits_queries, config_for
from wordhive.index.writing.creation import check_free

from .checkpoints.model_name import UNNAMED, ModelName
from .encoder import DEFAULT_MODEL, Backend, Encoder
from .explanation import Explanation
from .progress import progress_bar
from .search.lexical_weight import with_fitting_weight
from .search.search_options import SearchOptions
from .searcher import Hit, Searcher
from .texts.documents import Document, id_from
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

    Args:
        index: The index, open.
        encoder: The one that made the index.
        cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.
        remember: Another name for `cache_queries`.
    """

    def __init__(self, index: Index, encoder: Encoder, *, cache_queries: int = 0, remember: int = 0) -> None:
        instance(encoder, "encoder", Encoder, "an Encoder: Encoder.load(name)")
        self.index = index
        self.encoder = encoder
        self.searcher = Searcher(index, encoder, cache_queries=cache_queries, remember=remember)

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
        """A new, empty index in a folder that does not exist yet.

        Args:
            path: The folder.
            model: A shipped model's name, a model folder, a name on the hub, a `MultiVectorEncoder`, or an `Encoder`.
            config: A preset's name, a YAML file, or an `IndexConfig`. Default: preset "default", or "summary" for a
                model that matches identical words only.
            queries: Some hundred example queries or more. Optional: they fit the first stage to your users.
            store_texts: Keep texts, to return them with hits.
            device: Where the index is searched, "cpu" or "cuda". A model given by name is loaded on the same GPU.

        Raises:
            InputError: The path is taken, or the first stage does not fit the model.
        """
        if config is not None and not isinstance(config, IndexConfig):
            config = IndexConfig.load(config)
        examples = [] if queries is None else strings(queries, "queries")
        # Before a model is loaded, which takes seconds.
        check_device(device)
        check_free(given_path(path))
        encoder = encoder_of(model, device, "torch")
        config = fitting_config(config, encoder)
        if examples:
            check_fits_queries(config)
        vectors = encoder.encode_queries(examples) if examples else None
        return cls(new_index(path, config, encoder, queries=vectors, store_texts=store_texts, device=device), encoder)

    @classmethod
    def open(
        cls,
        path: str | Path,
        model: Model | None = None,
        *,
        device: str = "cpu",
        backend: Backend = "torch",
        cache_queries: int = 0,
        remember: int = 0,
    ) -> Retriever:
        """An existing index.

        Args:
            path: The index's folder.
            model: Needed where a model object without a name made the index.
            device: Where the index is searched, "cpu" or "cuda". A model given by name is loaded on the same GPU.
            backend: What runs the transformer of a model that is loaded here; see `Encoder`.
            cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.
            remember: Another name for `cache_queries`.

        Raises:
            InputError: The path holds no index, or the model is not the one that made it.
        """
        one_of(backend, "backend", get_args(Backend))
        index = Index.open(path, device=device)
        made_by = index.settings.encoder
        if model is None:
            if made_by is None:
                raise InputError(
                    f"{path} holds vectors made elsewhere; search them with Searcher(index).search_vectors()"
                )
            if ModelName.parse(made_by.name).base == UNNAMED:
                raise InputError(
                    f"{path} was made by a model object without a name; give it: Retriever.open(path, model)"
                )
            model = made_by.name
        return cls(index, encoder_of(model, device, backend), cache_queries=cache_queries, remember=remember)

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

        retriever.add(["Bees dance.", ("ants", "Ants follow scent."), {"id": "w", "text": "Wasps sting.", "legs": 6}])

        A list is checked whole before anything is encoded. Every 2048 documents are one commit: after an interruption,
        call it again with skip_known=True.

        Args:
            documents: Strings, dicts with id and text, (id, text) pairs, `Document`s, or a pandas, Polars or Arrow
                table with columns id and text. A string gets a number for its id that no other document has. A dict's
                title goes before its text; it and all other keys become attributes.
            skip_known: Pass over documents whose ids the index holds. It knows strings by their texts, so it must keep
                texts; a string that comes more often than the index holds it is added.
            total: The number of documents, for the progress bar. Needed only where they have no length.
            show_progress: Default: on a terminal only.

        Raises:
            InputError: Something is no document, or an id repeats or is in the index.
        """
        intake, skip_known = Intake(documents, total), flag(skip_known, "skip_known")
        if intake.held and not skip_known:
            self._check_new(intake.held)
        added, texts = 0, None
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT):
                new = batch
                if skip_known:
                    if texts is None and any(isinstance(item, str) for item in batch):
                        texts = KnownTexts(self.index)
                    known = self.index.known_ids(ids_of(batch))
                    new = [item for item in batch if not _is_known(item, known, texts)]
                    advance(len(batch) - len(new))
                elif intake.held is None:
                    self._check_new(batch)
                self._commit(new, intake, advance, self.index.add)
                added += len(new)
        return added

    def upsert(self, documents: Iterable[Any], *, total: int | None = None, show_progress: bool | None = None) -> int:
        """Encode and add documents, in place of those of the same ids; the number that was encoded.

        Every 2048 documents are one commit, which removes the old ones and adds the new ones at once.

        Args:
            documents: As for `add`. A string has no id, so it replaces nothing.
            total: The number of documents, for the progress bar. Needed only where they have no length.
            show_progress: Default: on a terminal only.
        """
        intake, written = Intake(documents, total), 0
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT):
                self._commit(batch, intake, advance, self.index.upsert)
                written += len(batch)
        return written

    def delete(self, ids: Iterable[Any] | None = None, *, where: Where | None = None, missing_ok: bool = False) -> int:
        """Delete documents in one commit: all of them, or none. Returns their number.

        Args:
            ids: The documents' ids, as `add` takes them: strings, or whole numbers.
            where: A filter: delete all documents that match. Give either this or `ids`.
            missing_ok: Pass over ids that are not in the index.

        Raises:
            InputError: An id is not in the index.
        """
        return self.index.delete(None if ids is None else _ids_from(ids), where=where, missing_ok=missing_ok)

    def get(self, ids: Iterable[Any]) -> list[Document]:
        """The stored documents of these ids, in the same order.

        retriever.get(["ants", "bees"])[0].text

        Args:
            ids: The documents' ids, as `add` takes them: strings, or whole numbers. One may be there twice.

        Raises:
            InputError: An id is not in the index, or its text was not stored.
        """
        wanted, snapshot = _ids_from(ids), self.index.snapshot()
        rows = snapshot.rows(wanted)
        stored = snapshot.documents(list(rows.values()))
        documents = []
        for id in wanted:
            if id not in rows:
                raise InputError(f"{self.index.path} holds no document {id!r}; give ids as a search returns them")
            document = stored[rows[id]]
            if document.text is None:
                raise InputError(
                    f"{self.index.path} keeps no text of document {id!r}; read its attributes with "
                    "index.snapshot().documents(rows)"
                )
            documents.append(Document(id, document.text, document.attributes))
        return documents

    def _check_new(self, items: Sequence[Item]) -> None:
        ids = ids_of(items)
        check_new_ids(ids, self.index.known_ids(ids), self.index.path)

    def _commit(
        self, items: Sequence[Item], intake: Intake, advance: Callable[[int], None], store: Callable[..., int | None]
    ) -> None:
        self.searcher.check_encoder()
        texts = [item if isinstance(item, str) else item.text for item in items]
        vectors = self.encoder.encode_documents(texts, on_batch=advance)
        store(intake.ids(items), vectors, texts, [None if isinstance(item, str) else item.attributes for item in items])

    @overload
    def search(self, queries: str, k: int = 10, **options: Unpack[SearchOptions]) -> list[Hit]: ...
    @overload
    def search(self, queries: list[str], k: int = 10, **options: Unpack[SearchOptions]) -> list[list[Hit]]: ...
    def search(
        self, queries: str | list[str], k: int = 10, **options: Unpack[SearchOptions]
    ) -> list[Hit] | list[list[Hit]]:
        """The k best documents of one query, or of each of several. Ties go to the smaller id.

        retriever.search("how do bees communicate?", k=3, where={"year": {"$gte": 2000}})

        Args:
            queries: One text, or a list of texts.
            k: How many documents.
            **options: `candidates`, `where`, `carving`, `times`; see `SearchOptions`.
        """
        return self.searcher.search(queries, k, **options)

    def warm_up(self) -> None:
        """Search once, so that the first user's query is as fast as later ones; see `Searcher.warm_up`."""
        self.searcher.warm_up()

    def explain(self, query: str, id: str | int) -> Explanation:
        """Why the document with that id has its score for a query; see `Searcher.explain`."""
        return self.searcher.explain(query, id_from(id))


def encoder_of(model: Model, device: str, backend: Backend) -> Encoder:
    """The encoder that `model` is, or names. A named one is loaded on the GPU that the index is on.

    Raises:
        InputError: The name leads nowhere; see `Encoder.load`.
    """
    if not isinstance(model, (str, Path)):
        return Encoder.of(model)
    on_gpu = device != "cpu" and backend == "torch"
    return Encoder.load(model, device=device if on_gpu else None, backend=backend)


def fitting_config(config: IndexConfig | str | Path | None, encoder: Encoder) -> IndexConfig:
    """The given configuration, or the default one for a model.

    Raises:
        InputError: The first stage does not fit the model.
    """
    config = config_for(config, exact_match=encoder.exact_match)
    if isinstance(config.encoding, SummaryConfig) and not encoder.encode_queries([]).summary_dim:
        raise InputError(
            f"the model {encoder.name} gives no summary, which would be the first stage; "
            "take preset exact to score every document"
        )
    return with_fitting_weight(config, encoder)


def new_index(
    path: str | Path,
    config: IndexConfig,
    encoder: Encoder,
    *,
    queries: WordVectors | None = None,
    store_texts: bool = True,
    device: str = "cpu",
) -> Index:
    """A new, empty index for the vectors of an encoder; see `Index.create`."""
    return Index.create(
        path,
        config,
        encoder=encoder.stamp,
        summary_weight=encoder.summary_weight,
        exact_match=encoder.exact_match,
        query_length=encoder.query_length,
        queries=queries,
        store_texts=store_texts,
        device=device,
    )


def _ids_from(ids: Iterable[Any]) -> list[Any]:
    return [id_from(id) for id in id_list(ids)]


def _is_known(item: Item, known_ids: set[str], texts: KnownTexts | None) -> bool:
    if isinstance(item, str):
        return texts is not None and texts.take(item)
    return item.id in known_ids
