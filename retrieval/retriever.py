"""`Retriever`: text in, text out. An encoder, an index and a searcher as one object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from wordhive.index import Index, IndexConfig, InputError, WordVectors
from wordhive.index.arguments import given_path, instance, one_of, shown, strings
from wordhive.index.candidates.gpu import check_device
from wordhive.index.config import SummaryConfig, preset_name
from wordhive.index.index import field_names
from wordhive.index.quantity import quantity
from wordhive.index.storage.config_checks import check_fits_queries, config_for
from wordhive.index.writing.creation import check_free

from .checkpoints.model_name import UNNAMED, ModelName
from .encoder import DEFAULT_MODEL, Backend, Encoder
from .operations.document_writer import DOCUMENTS_A_COMMIT as DOCUMENTS_A_COMMIT
from .operations.document_writer import DocumentWriter
from .operations.stored_documents import StoredDocuments
from .operations.text_search import TextSearch
from .pages import render
from .search.lexical_weight import with_fitting_weight
from .searcher import Searcher

if TYPE_CHECKING:
    from sentence_transformers import MultiVectorEncoder

Model: TypeAlias = "str | Path | MultiVectorEncoder | Encoder"


class Retriever(StoredDocuments, DocumentWriter, TextSearch):
    """An index that is filled and searched with text.

    retriever = Retriever.open_or_create("my.hive")
    retriever.upsert([("bees", "Bees dance to tell where flowers are."), ("ants", "Ants follow scent.")])
    for hit in retriever.search("how do bees communicate?", k=1):
        print(hit.id, hit.score, hit.text)

    Args:
        index: The index, open.
        encoder: The one that made the index.
        cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.
    """

    def __init__(self, index: Index, encoder: Encoder, *, cache_queries: int = 0) -> None:
        instance(encoder, "encoder", Encoder, "an Encoder: Encoder.load(name)")
        self.index = index
        self.encoder = encoder
        self.searcher = Searcher(index, encoder, cache_queries=cache_queries)

    @classmethod
    def create(
        cls,
        path: str | Path,
        model: Model = DEFAULT_MODEL,
        *,
        config: IndexConfig | str | Path | None = None,
        queries: Sequence[str] | None = None,
        store_texts: bool = True,
        text_fields: Sequence[str] | None = None,
        device: str = "cpu",
        backend: Backend = "auto",
        cache_queries: int = 0,
    ) -> Retriever:
        """A new, empty index in a folder that does not exist yet.

            Retriever.create("papers.hive", text_fields=["title", "abstract", "body"])

        Args:
            path: The folder.
            model: A shipped model's name, a model folder, a name on the hub, a `MultiVectorEncoder`, or an `Encoder`.
            config: A preset's name, a YAML file, or an `IndexConfig`. Default: preset "default", or "summary" for a
                model that matches identical words only.
            queries: Some hundred example queries or more. Optional: they fit the first stage to your users.
            store_texts: Keep texts, to return them with hits.
            text_fields: The keys of a dict, or columns of a table, that make its text, in this order. Each may be
                missing. All but the last stay attributes too. Default: an optional title, and text.
            device: Where the index is searched, "cpu" or "cuda". A model given by name is loaded on the same GPU.
            backend: What runs the transformer of a model that is loaded here; see `Encoder`.
            cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.

        Raises:
            InputError: The path is taken, or the first stage does not fit the model.
        """
        if config is not None and not isinstance(config, IndexConfig):
            config = IndexConfig.load(config)
        examples = [] if queries is None else strings(queries, "queries")
        # Before a model is loaded, which takes seconds.
        one_of(backend, "backend", get_args(Backend))
        check_device(device)
        fields = None if text_fields is None else field_names(text_fields)
        check_free(given_path(path))
        encoder = encoder_of(model, device, backend)
        config = fitting_config(config, encoder)
        if examples:
            check_fits_queries(config)
        vectors = encoder.encode_queries(examples) if examples else None
        index = new_index(
            path, config, encoder, queries=vectors, store_texts=store_texts, text_fields=fields, device=device
        )
        return cls(index, encoder, cache_queries=cache_queries)

    @classmethod
    def open(
        cls,
        path: str | Path,
        model: Model | None = None,
        *,
        device: str = "cpu",
        backend: Backend = "auto",
        cache_queries: int = 0,
    ) -> Retriever:
        """An existing index.

            Retriever.open("my.hive")

        Args:
            path: The index's folder.
            model: Needed where a model object without a name made the index.
            device: Where the index is searched, "cpu" or "cuda". A model given by name is loaded on the same GPU.
            backend: What runs the transformer of a model that is loaded here; see `Encoder`.
            cache_queries: Keep the vectors of so many queries, the last different ones, to encode each of them once.

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
        return cls(index, encoder_of(model, device, backend), cache_queries=cache_queries)

    @classmethod
    def open_or_create(
        cls,
        path: str | Path,
        model: Model | None = None,
        *,
        config: IndexConfig | str | Path | None = None,
        queries: Sequence[str] | None = None,
        store_texts: bool = True,
        text_fields: Sequence[str] | None = None,
        device: str = "cpu",
        backend: Backend = "auto",
        cache_queries: int = 0,
    ) -> Retriever:
        """The index in a folder, or a new one where there is none.

            retriever = Retriever.open_or_create("my.hive")

        Args:
            path: The folder.
            model: As for `create`. Default: the one that made the index, or the default one for a new index.
            config, text_fields: As for `create`. An index that is there must have been made with the same.
            queries, store_texts: As for `create`. An index that is there keeps what it was made with.
            device, backend, cache_queries: As for `open`.

        Raises:
            InputError: The path is taken by something else, or by an index of another model, configuration or fields.
        """
        shared: dict[str, Any] = {"device": device, "backend": backend, "cache_queries": cache_queries}
        if not (given_path(path) / "catalog.db").is_file():
            return cls.create(
                path,
                DEFAULT_MODEL if model is None else model,
                config=config,
                queries=queries,
                store_texts=store_texts,
                text_fields=text_fields,
                **shared,
            )
        wanted = None if config is None else IndexConfig.load(config) if not isinstance(config, IndexConfig) else config
        fields = None if text_fields is None else field_names(text_fields)
        retriever = cls.open(path, model, **shared)
        settings = retriever.index.settings
        if wanted is not None and wanted != settings.config:
            raise InputError(
                f"{path} was made with another configuration than {shown(config)}; leave it out, or choose another path"
            )
        if fields is not None and fields != settings.text_fields:
            names = ", ".join(settings.text_fields or ("title", "text"))
            raise InputError(f"{path} makes its texts of {names}, not of {', '.join(fields)}; leave text_fields out")
        return retriever

    def close(self) -> None:
        """Close the index. A `with` block does it at its end.

        with Retriever.open("my.hive") as retriever: ...
        """
        self.index.close()

    def __enter__(self) -> Retriever:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        size = "closed" if self.index.is_closed else quantity(len(self), "document")
        return f"Retriever({str(self.index.path)!r}, {size}, model {self.encoder.name}, preset {self._preset})"

    def with_encoder(self, encoder: Encoder) -> Retriever:
        """The same index with another encoder of the same model, such as one that reads more of a document.

            retriever = retriever.with_encoder(retriever.encoder.with_max_tokens(1_000_000))

        Raises:
            InputError: The encoder is not the one that made the index.
        """
        return Retriever(self.index, encoder)

    def _repr_html_(self) -> str:
        index, fields = self.index, self.index.settings.text_fields
        facts = {"index": str(index.path), "model": self.encoder.name, "preset": self._preset}
        if fields:
            facts["text fields"] = ", ".join(fields)
        if index.is_closed:
            return render("retriever.html", facts={**facts, "documents": "closed"})
        info = index.info()
        facts |= {name: f"{n:,}" for name, n in (("documents", info.n_documents), ("words", info.n_words))}
        return render("retriever.html", facts={**facts, "bytes": f"{info.total_bytes:,}"})

    @property
    def _preset(self) -> str:
        return preset_name(self.index.settings.config) or "of your own"


def encoder_of(model: Model, device: str, backend: Backend) -> Encoder:
    """The encoder that `model` is, or names. A named one is loaded on the GPU that the index is on.

    Raises:
        InputError: The name leads nowhere; see `Encoder.load`.
    """
    if not isinstance(model, (str, Path)):
        return Encoder.of(model)
    on_gpu = device != "cpu" and backend in ("auto", "torch")
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
    text_fields: Sequence[str] | None = None,
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
        text_fields=text_fields,
        device=device,
    )
