"""`DocumentWriter`: adds documents to a retriever's index, replaces, changes and deletes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wordhive.index import Index, InputError
from wordhive.index.arguments import flag, shown
from wordhive.index.errors import warn
from wordhive.index.filters.conditions import Where
from wordhive.index.storage.batch import check_new_ids

from ..encoder import Encoder
from ..progress import Shown, progress_bar
from ..searcher import Searcher
from ..texts.columns import Columns
from ..texts.intake import Intake, Item, ids_of
from ..texts.known_texts import KnownTexts
from ..texts.text_fields import TextFields
from ..windows.whole_texts import capped_line
from .stored_documents import ids_from

# Documents a commit: what an interrupted run loses at most.
DOCUMENTS_A_COMMIT = 2048
# Of some dozen books; documents of usual length are DOCUMENTS_A_COMMIT at a time.
CHARACTERS_A_COMMIT = 2**25


class DocumentWriter:
    """Encodes documents and writes them into an index."""

    index: Index
    encoder: Encoder
    searcher: Searcher

    def add(
        self,
        documents: Iterable[Any],
        *,
        columns: Mapping[str, str] | None = None,
        attributes: Sequence[str] | None = None,
        skip_known: bool = False,
        total: int | None = None,
        show_progress: Shown = None,
    ) -> int:
        """Encode and add documents; the number that was added.

            retriever.add(["Bees dance.", ("ants", "Ants follow scent."), {"id": "w", "text": "Wasps sting.", "n": 6}])
            retriever.add(frame, columns={"id": "isbn", "text": "abstract"}, attributes=["year"])

        A list or a table is checked whole before anything is encoded. Every 2048 documents are one commit: after an
        interruption, call it again with skip_known=True.

        Args:
            documents: Strings, dicts with id and text, (id, text) pairs, or `Document`s, in a list or a generator; a
                table of pandas, Polars, Arrow or Hugging Face; or any Arrow stream, such as a relation of DuckDB's. A
                string gets a number for its id that no other document has. A dict's title goes before its text; it and
                all other keys become attributes. Where the index was made with `text_fields`, those make the text.
            columns: Your names of columns or keys for ours.
            attributes: The columns or keys that become attributes. Default: all others.
            skip_known: Pass over documents whose ids the index holds. It knows strings by their texts, so it must keep
                texts; a string that comes more often than the index holds it is added.
            total: The number of documents, for the progress bar. Needed only where they have no length.
            show_progress: A progress bar, or a function that is called with the documents done and their total or
                None. Default: a bar, on a terminal only.

        Raises:
            InputError: Something is no document, or an id repeats or is in the index.
        """
        intake, skip_known = self._intake(documents, total, columns, attributes), flag(skip_known, "skip_known")
        if intake.held and not skip_known:
            self._check_new(intake.held)
        added, texts = 0, None
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT, CHARACTERS_A_COMMIT):
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

    def upsert(
        self,
        documents: Iterable[Any],
        *,
        columns: Mapping[str, str] | None = None,
        attributes: Sequence[str] | None = None,
        total: int | None = None,
        show_progress: Shown = None,
    ) -> int:
        """Encode and add documents, in place of those of the same ids; the number that was encoded.

            retriever.upsert([("ants", "Ants follow a trail of scent.")])

        Every 2048 documents are one commit, which removes the old ones and adds the new ones at once.

        Args:
            documents: As for `add`. A string has no id, so it replaces nothing.
            columns, attributes, total, show_progress: As for `add`.
        """
        intake, written = self._intake(documents, total, columns, attributes), 0
        with progress_bar("Indexing", intake.total, show=show_progress) as advance:
            for batch in intake.commits(DOCUMENTS_A_COMMIT, CHARACTERS_A_COMMIT):
                self._commit(batch, intake, advance, self.index.upsert)
                written += len(batch)
        return written

    def update(
        self,
        ids: Iterable[Any] | None = None,
        attributes: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        *,
        where: Where | str | None = None,
        missing_ok: bool = False,
    ) -> int:
        """Change attributes of documents in one commit, without encoding them again; the number of documents.

            retriever.update(["ants", "bees"], {"read": True, "draft": None})
            retriever.update(["ants", "bees"], [{"legs": 6}, {"legs": 6, "wings": 4}])
            retriever.update(where="year < 1990", attributes={"old": True})

        Args:
            ids: The documents' ids, as `add` takes them: strings, or whole numbers.
            attributes: New values by name, for all of the documents; or a list with such a dict for each id. Other
                attributes stay as they are; None removes one.
            where: A filter, in place of ids: change all documents that match.
            missing_ok: Pass over ids that are not in the index.

        Raises:
            InputError: An id is not in the index, JSON can't hold a value, or an attribute makes the text.
        """
        for change in attributes if isinstance(attributes, (list, tuple)) else [attributes]:
            self._check_not_text(change)
        chosen = None if ids is None else ids_from(ids)
        return self.index.update(chosen, attributes, where=where, missing_ok=missing_ok)

    def delete(
        self, ids: Iterable[Any] | None = None, *, where: Where | str | None = None, missing_ok: bool = False
    ) -> int:
        """Delete documents in one commit: all of them, or none. Returns their number.

            retriever.delete(["ants"])
            retriever.delete(where="year < 1990")

        Args:
            ids: The documents' ids, as `add` takes them: strings, or whole numbers.
            where: A filter, in place of ids: delete all documents that match.
            missing_ok: Pass over ids that are not in the index.

        Raises:
            InputError: An id is not in the index.
        """
        return self.index.delete(None if ids is None else ids_from(ids), where=where, missing_ok=missing_ok)

    def _intake(self, documents: Any, total: int | None, columns: Any, attributes: Any) -> Intake:
        fields = self.index.settings.text_fields
        return Intake(documents, total, TextFields(fields), Columns.of(columns, attributes, fields))

    def _check_not_text(self, change: Any) -> None:
        made_of = self.index.settings.text_fields or ("title", "text")
        name = next((name for name in made_of if isinstance(change, Mapping) and name in change), None)
        if name is not None:
            raise InputError(f"{name!r} is part of the text, which update does not encode again; upsert the document")

    def _check_new(self, items: Sequence[Item]) -> None:
        ids = ids_of(items)
        check_new_ids(ids, self.index.known_ids(ids), self.index.path)

    def _commit(
        self, items: Sequence[Item], intake: Intake, advance: Callable[[int], None], store: Callable[..., int | None]
    ) -> None:
        self.searcher.check_encoder()
        texts = [item if isinstance(item, str) else item.text for item in items]
        capped: list[int] = []
        vectors = self.encoder.encode_documents(texts, on_batch=advance, on_capped=capped.append)
        store(intake.ids(items), vectors, texts, [None if isinstance(item, str) else item.attributes for item in items])
        if capped:
            warn(capped_line([_named(items[number]) for number in capped], self.encoder.max_tokens))


def _named(item: Item) -> str:
    return shown(item) if isinstance(item, str) else repr(item.id)


def _is_known(item: Item, known_ids: set[str], texts: KnownTexts | None) -> bool:
    if isinstance(item, str):
        return texts is not None and texts.take(item)
    return item.id in known_ids
