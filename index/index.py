"""`Index`: word vectors on disk. It makes, changes and opens them; `Index.snapshot` reads and searches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .arguments import flag, given_ids, given_path, real_number, shown, strings, whole_number
from .candidates.gpu import check_device
from .candidates.intrinsic_dimension import estimate
from .config import IndexConfig
from .errors import InputError
from .filters.conditions import Where
from .filters.given_filter import given_filter
from .maintenance.coding import Coding, coding
from .maintenance.drift import drift
from .maintenance.info import IndexInfo, bytes_by_part
from .quantity import quantity
from .reading.current import CurrentSnapshot
from .reading.inventory import Inventory, open_catalog
from .reading.open_files import OpenFiles
from .reading.snapshot import Snapshot
from .storage.batch import Batch, attributes_as_json, check_ids
from .storage.catalog.catalog import Catalog
from .storage.config_checks import check_decodes, check_fits_queries, config_for
from .storage.settings import EncoderStamp, IndexSettings
from .word_vectors import WordVectors
from .writing.commits import Attributes
from .writing.creation import check_free, create
from .writing.free_numbers import Ids
from .writing.writer import Writer

# Numbers of first-stage vectors among which neighbours are looked for, to estimate their dimension.
_MEASURED_NUMBERS = 10_000_000


class Index:
    """An index folder: a catalog, trained parameters, immutable segments.

    Any number of processes may have it open for reading; one at a time can write. `snapshot` returns what it held when
    it was opened, last reloaded, or last changed by this object.

    Example:
        >>> with Index.create("my.hive") as index:
        ...     index.add(["a", "b"], [np.eye(3, 8), np.eye(2, 8)])
        ...     [rows] = index.snapshot().find_candidates(WordVectors.from_list([np.eye(1, 8)]), 10)
    """

    def __init__(self, path: Path, catalog: Catalog, device: str) -> None:
        files = OpenFiles()
        if device != "cpu":
            from .scoring.torch_scoring import TorchScoring

            files.scoring = TorchScoring(device)
        self.path = path
        self._current = CurrentSnapshot(path, catalog, IndexSettings.of(catalog), device, files)
        self._writer = Writer(path, self._current, device)

    @classmethod
    def create(
        cls,
        path: str | Path,
        config: IndexConfig | str | Path | None = None,
        *,
        encoder: EncoderStamp | None = None,
        summary_weight: float = 0.0,
        exact_match: bool = False,
        query_length: float | None = None,
        queries: WordVectors | Sequence[Any] | None = None,
        store_texts: bool = True,
        text_fields: Sequence[str] | None = None,
        device: str = "cpu",
    ) -> Index:
        """A new, empty index in a folder that does not exist yet.

        Args:
            path: The folder.
            config: An `IndexConfig`, a preset's name or a YAML file. By default preset "default", or "summary" with
                `exact_match`.
            encoder: What makes the vectors. Who searches with texts checks it.
            summary_weight: The summary's share of a score, 0 … 1.
            exact_match: Only identical words match, by their word ids.
            query_length: Sum of a query's word norms, if the model fixes it.
            queries: Example queries. Optional: fits the first stage to your users.
            store_texts: Keep texts, to return them with hits.
            text_fields: Names of the fields that make a text, for who makes texts of fields; the index only keeps them.
            device: "cpu" or "cuda": where documents are encoded, candidates found, and scores computed.

        Raises:
            InputError: The path is taken, or the configuration does not fit `exact_match` or the queries.
        """
        path = given_path(path)
        check_device(device)
        summary_weight = real_number(summary_weight, "summary_weight", "a number from 0 to 1", least=0, most=1)
        exact_match, store_texts = flag(exact_match, "exact_match"), flag(store_texts, "store_texts")
        if encoder is not None and not isinstance(encoder, EncoderStamp):
            raise InputError(f"encoder is {shown(encoder)}; expected an EncoderStamp, such as Encoder.stamp, or None")
        if query_length is not None:
            query_length = real_number(query_length, "query_length", "a number from 0, or None", least=0)
        check_free(path)
        config = config_for(config, exact_match=exact_match)
        check_decodes(config)
        if queries is not None:
            check_fits_queries(config)
            queries = queries if isinstance(queries, WordVectors) else WordVectors.from_list(queries)
        settings = IndexSettings(
            config, encoder, summary_weight, exact_match, query_length, queries is not None, store_texts,
            text_fields=None if text_fields is None else field_names(text_fields),
        )  # fmt: skip
        return cls(path, create(path, settings, queries), device)

    @classmethod
    def open(cls, path: str | Path, *, device: str = "cpu") -> Index:
        """An existing index.

        Args:
            path: Its folder.
            device: "cpu" or "cuda": where documents are encoded, candidates found, and scores computed.

        Raises:
            InputError: The path holds no index, or one of another format.
        """
        given_path(path)
        check_device(device)
        catalog = open_catalog(path)
        return cls(catalog.path.parent, catalog, device)

    def close(self) -> None:
        """Close the index. Snapshots that were taken before stay readable."""
        self._current.close()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed here."""
        return self._current.is_closed

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reload(self) -> None:
        """Read what others have committed since.

        Where another index lies at the path by now, it is read and written from now on; without a reload, changes are
        refused.

        Raises:
            WordhiveError: No index is there any more.
        """
        self._current.reload()

    def snapshot(self) -> Snapshot:
        """What the index holds now: documents, vectors, candidates, scores. It stays the same while others write.

        Raises:
            WordhiveError: A file that is missing or damaged.
        """
        return self._current.opened()

    def __len__(self) -> int:
        return len(self._current.snapshot())

    def __contains__(self, id: str) -> bool:
        return bool(self.known_ids([id]))

    @property
    def settings(self) -> IndexSettings:
        """What the index was made with."""
        return self._current.settings

    @property
    def _catalog(self) -> Catalog:
        return self._current.catalog

    @property
    def inventory(self) -> Inventory:
        """What its catalog tells after the latest commit."""
        return Inventory(self._catalog)

    @property
    def dim(self) -> int:
        """Dimensions of a word; 0 before the first document."""
        return self._current.snapshot().dim

    @property
    def summary_dim(self) -> int:
        """Dimensions of a summary; 0 where documents have none."""
        return self._current.snapshot().summary_dim

    def add(
        self,
        ids: Ids,
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> None:
        """Add documents in one commit: all of them, or none. The first documents train codecs and encoding.

        Args:
            ids: Strings of your own; or a function that chooses them, given `FreeNumbers`, while nobody else writes.
            vectors: `WordVectors`, or one `[n, dim]` array or tensor for each document.
            texts: Returned with hits.
            attributes: Dicts of names and values, for filters; returned with hits.

        Raises:
            InputError: Ids repeat or exist, counts or dims differ, a value is not finite, or word ids are missing
                where only identical words match.
            WordhiveError: Another process is writing, or the disk is full.
        """
        self._writer.store(ids, vectors, texts, attributes, replace=False)

    def upsert(
        self,
        ids: Ids,
        vectors: WordVectors | Sequence[Any],
        texts: Sequence[str | None] | None = None,
        attributes: Sequence[dict[str, Any] | None] | None = None,
    ) -> int:
        """Add documents or replace those of the same ids, in one commit; the number of documents that were replaced.

        Arguments and errors are those of `add`.
        """
        return self._writer.store(ids, vectors, texts, attributes, replace=True)

    def change(
        self,
        *,
        removed: Iterable[str] = (),
        relabelled: Mapping[str, tuple[str, dict[str, Any]]] | None = None,
        added: Iterable[Batch] = (),
        n_added: int = 0,
    ) -> None:
        """Remove documents, give others new ids and attributes, and add some: all of it in one commit, or none.

        Nobody else can write meanwhile. Batches are taken one after the other, so that they need not fit in memory.

        Args:
            removed: Ids.
            relabelled: For the ids of documents that stay: the new id, and all their attributes.
            added: Documents in batches, of `Batch.check`. They may have ids of removed documents.
            n_added: How many they are, for the history.

        Raises:
            InputError: An id is unknown, or would be there twice.
            WordhiveError: Another process is writing, or the disk is full.
        """
        self._writer.change(given_ids(removed), relabelled or {}, added, n_added)

    def attribute_values(self, *keys: str | Sequence[str]) -> list[tuple[Any, ...]]:
        """The different values that some attributes have together, of the documents that have the first one.

        index.attribute_values("lang", ("author", "name"))

        Args:
            *keys: The name of each attribute, or the names that lead to it in objects.
        """
        return self.inventory.attribute_values(*keys)

    def delete(
        self, ids: Iterable[str] | None = None, *, where: Where | str | None = None, missing_ok: bool = False
    ) -> int:
        """Delete documents in one commit, all of them or none; their number.

        Their bytes are freed by `compact`, or by a merge once half of a segment is deleted.

        Args:
            ids: Which documents.
            where: A filter that the documents match, in place of ids: a dict, an expression, or JSON.
            missing_ok: Ignore unknown ids.

        Raises:
            InputError: An id is unknown, or the filter is none.
        """
        chosen, condition = _chosen("delete", ids, where)
        return self._writer.delete(chosen, condition, missing_ok=flag(missing_ok, "missing_ok"))

    def update(
        self,
        ids: Iterable[str] | None = None,
        attributes: Attributes | Sequence[Attributes] | None = None,
        *,
        where: Where | str | None = None,
        missing_ok: bool = False,
    ) -> int:
        """Change attributes of documents in one commit; vectors and texts stay. The number of documents.

            index.update(["a", "b"], {"read": True, "draft": None})

        Args:
            ids: Which documents.
            attributes: New values by name, for all of the documents; or a list with such a dict for each id. Other
                attributes stay as they are; None removes one.
            where: A filter that the documents match, in place of ids: a dict, an expression, or JSON.
            missing_ok: Ignore unknown ids.

        Raises:
            InputError: An id is unknown, the filter is none, or JSON can't hold a value.
        """
        chosen, condition = _chosen("update", ids, where)
        changes = _changes(attributes, None if ids is None else chosen)
        return self._writer.update(chosen, condition, changes, missing_ok=flag(missing_ok, "missing_ok"))

    def compact(self) -> None:
        """Rewrite the index as one segment without deleted documents, coded by the last parameters.

        It can be stopped at any time: the index is then as it was. The disk needs room for both.
        """
        self._writer.compact()

    def refit(self) -> None:
        """Train codecs and encoding anew, on the documents of today, and rewrite the index with them.

        Codes are made of decoded codes, so that a codec's loss counts twice. If it is stopped, the index is partly
        rewritten, and as good as before; `compact` does the rest.
        """
        self._writer.refit()

    def set_candidates(self, n: int | None, probes: int | None = None) -> None:
        """Set how many candidates a search takes by default. Whoever has the index open already does not notice.

        Args:
            n: How many; None: 1000, as before any tuning.
            probes: Lists that searches visit, or the smallest beam of a graph; None: as configured.

        Raises:
            InputError: A number is below 1.
        """
        n, probes = (
            value if value is None else whole_number(value, name, otherwise=", or None")
            for name, value in (("candidates", n), ("probes", probes))
        )
        self._writer.set_tuning(n, probes)

    def known_ids(self, ids: Iterable[str]) -> set[str]:
        """Those of the given ids that the index holds after its latest commit."""
        return self.inventory.known_ids(ids)

    def info(self) -> IndexInfo:
        """What the index holds, and its bytes by part."""
        snapshot, settings, size = self._current.snapshot(), self.settings, self._catalog.size()
        n_words = sum(segment.record.n_words for segment in snapshot.segments)
        return IndexInfo(
            str(self.path), len(snapshot), len(snapshot.tombstones), n_words, len(snapshot.segments), snapshot.dim,
            snapshot.summary_dim, settings.summary_weight, settings.exact_match, settings.encoder, settings.config,
            bytes_by_part(self._catalog.files(), size), size.plain_texts,
        )  # fmt: skip

    def coding(self) -> Coding:
        """How documents are coded now, and from how many documents on as configured."""
        return coding(self.snapshot(), self.settings.config)

    def intrinsic_dimension(self) -> float | None:
        """In how many directions first-stage vectors spread around each of them: the median of the largest segment.

        The higher, the more candidates, or the wider a graph's beam, for the same recall. None without a first stage,
        or with too few documents to tell.
        """
        snapshot = self.snapshot()
        segments = [s for s in snapshot.segments if snapshot.parameters(s.record.generation).encoding]
        largest = max(segments, key=lambda segment: segment.record.n_documents, default=None)
        vectors = largest.candidates.vectors(_MEASURED_NUMBERS) if largest else None
        return None if vectors is None else estimate(vectors)

    def drift(self) -> float | None:
        """Ratio of approximation error, new documents to old; 1 means no drift.

        The first stage is fitted to the old documents; the new ones came later. From `drift.HIGH` on a `refit` is
        worth its time. None where nothing is fitted, or too few documents are new.
        """
        weight = self.settings.summary_weight if self.summary_dim else 0.0
        return drift(self.snapshot(), weight, self.settings.query_length)


def field_names(names: Sequence[str]) -> tuple[str, ...]:
    found = tuple(strings(names, "text_fields"))
    if not found or "" in found or len(set(found)) < len(found):
        raise InputError(f"text_fields is {shown(list(found))}; expected names, each of them once")
    return found


def _chosen(method: str, ids: Iterable[str] | None, where: Where | str | None) -> tuple[list[str], Where | None]:
    """The ids, or the filter, that a change is told by."""
    if (ids is None) == (where is None):
        raise InputError(f"{method} takes either ids or where; give one of them")
    return [] if ids is None else given_ids(ids), None if where is None else given_filter(where)


def _changes(attributes: Any, ids: list[str] | None) -> list[Attributes]:
    """Changes of attributes: one for all documents, or one for each of the ids."""
    if isinstance(attributes, dict):
        changes = [attributes]
    elif ids is None or not isinstance(attributes, (list, tuple)):
        raise InputError(
            f"attributes is {shown(attributes)}; expected a dict of names and values"
            + ("" if ids is None else ", or a list of such dicts, one for each id")
        )
    else:
        changes = list(attributes)
        if len(changes) != len(ids):
            raise InputError(f"{len(changes)} dicts of attributes for {quantity(len(ids), 'id')}; expected one each")
        check_ids(ids)
    for place, change in enumerate(changes):
        if not isinstance(change, dict):
            raise InputError(f"attributes holds {shown(change)}; expected dicts of names and values")
        attributes_as_json(change, ids[place] if ids and place < len(ids) else "")
    return changes
