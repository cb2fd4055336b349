"""`FolderSync`: an index made equal to a folder, in one commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from wordhive.index import InputError
from wordhive.index.reading.inventory import Inventory
from wordhive.index.storage.batch import Batch
from wordhive.index.storage.catalog.documents import StoredDocument

from ..progress import progress_bar
from .file_stamp import FILE, moved
from .folder_changes import FolderChanges, compare, known_files
from .folder_walk import ALL_FILES, Choice, walk
from .inputs import no_files
from .left_out import LeftOut
from .spool import Spool, read_files
from .tables import USUAL_COLUMNS, TableColumns

if TYPE_CHECKING:
    from wordhive.index import Index

    from ..retriever import Retriever


@dataclass(frozen=True)
class FolderSync:
    """What makes an index equal to a folder: found by `FolderSync.find`, done by `apply`, which may come to nothing.

    Documents that were not read from files stay, unless a file has their id.

    Attributes:
        changes: In what the folder differs.
        spool: The documents of new and changed files.
        removed: Ids of documents that go.
        relabelled: New id and attributes of documents whose files were moved or touched, by id.
    """

    changes: FolderChanges
    spool: Spool
    removed: list[str]
    relabelled: dict[str, tuple[str, dict[str, Any]]]

    @classmethod
    def find(
        cls,
        index: Inventory,
        folder: Path,
        pass_over: Callable[[LeftOut], None],
        *,
        choice: Choice = ALL_FILES,
        columns: TableColumns = USUAL_COLUMNS,
        show_progress: bool | None = None,
    ) -> FolderSync:
        """Compare a folder with an index, and read what is new. Nothing is changed, and no model is needed.

        A changed file that can't be read is one that is gone: its old text is no more what it holds.

        Args:
            index: What the index holds.
            folder: The folder.
            pass_over: Called with each file that gives no document; what it raises ends the work.
            choice: Of the folder's files; as it was before, or files that are not chosen any more are removed.
            columns: Of tables.
            show_progress: Default: on a terminal only.

        Raises:
            InputError: The folder holds nothing, or nothing that the index has: then it is another one, or empty
                because nothing is mounted there.
        """
        found = list(walk(folder, choice, pass_over))
        if not found:
            raise no_files(folder)
        known = known_files(index)
        changes = compare(known, found)
        if known and len(changes.removed) == len(known):
            raise InputError(
                f"{folder} has none of the {len(known):,} files that {index.path} was made of; give that folder, or "
                "index this one to another --to"
            )
        unread: set[str] = set()

        def leave(one: LeftOut) -> None:
            unread.add(one.path)
            pass_over(one)

        to_read = changes.to_read
        spool = read_files(to_read, columns, leave, total=len(to_read), show_progress=show_progress)
        changes = changes.without(unread)
        gone = _ids_of(index, [*changes.removed, *(file.name for file in changes.changed)])
        relabelled = _relabelled(index, changes)
        # Documents of other origin whose ids are those of files by now.
        ids = [*(document.id for document in spool), *(id for id, _ in relabelled.values())]
        taken = index.known_ids(ids) - relabelled.keys() - set(gone)
        return cls(changes, spool, [*gone, *sorted(taken)], relabelled)

    def __enter__(self) -> FolderSync:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.spool.close()

    def __bool__(self) -> bool:
        """Whether the index has to be changed."""
        return bool(self.removed or self.relabelled or len(self.spool))

    def apply(self, index: Index, retriever: Retriever | None = None, *, show_progress: bool | None = None) -> None:
        """Change the index: all of it in one commit, or nothing.

        Args:
            index: The index, open.
            retriever: The same index with its model; it is needed where the spool has documents.
            show_progress: Default: on a terminal only.
        """
        if retriever is None:
            if len(self.spool):
                raise InputError("there is new text; give the retriever that encodes it")
            index.change(removed=self.removed, relabelled=self.relabelled)
            return
        with progress_bar("Indexing", len(self.spool), show=show_progress) as advance:
            batches, n = self._encoded(retriever, advance), len(self.spool)
            index.change(removed=self.removed, relabelled=self.relabelled, added=batches, n_added=n)

    def _encoded(self, retriever: Retriever, advance: Callable[[int], None]) -> Iterator[Batch]:
        from ..retriever import DOCUMENTS_A_COMMIT  # with torch, whose loading takes longer than an unchanged folder

        retriever.searcher.check_encoder()
        documents = iter(self.spool)
        while part := list(islice(documents, DOCUMENTS_A_COMMIT)):
            texts = [document.text for document in part]
            vectors = retriever.encoder.encode_documents(texts, on_batch=advance)
            ids = [document.id for document in part]
            yield Batch.check(ids, vectors, texts, [document.attributes for document in part])


def _relabelled(index: Inventory, changes: FolderChanges) -> dict[str, tuple[str, dict[str, Any]]]:
    now = {before: (file, stamp) for before, file, stamp in changes.moved}
    now |= {file.name: (file, stamp) for file, stamp in changes.touched}
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for document in _documents_of(index, list(now)):
        before = str(document.attributes[FILE]["path"])
        file, stamp = now[before]
        # The id of a row begins with the name of its file.
        id = file.name + document.id.removeprefix(before) if document.id.startswith(before) else document.id
        found[document.id] = (id, moved(document.attributes, file, stamp))
    return found


def _ids_of(index: Inventory, files: list[str]) -> list[str]:
    """The ids of the documents of files."""
    return [document.id for document in _documents_of(index, files)]


def _documents_of(index: Inventory, files: list[str]) -> Iterator[StoredDocument]:
    """The documents that were read from files of these names."""
    for document in index.documents({f"{FILE}.path": {"$in": files}}) if files else ():
        if isinstance(document.attributes[FILE].get("digest"), str):  # else the attribute is a user's own
            yield document
