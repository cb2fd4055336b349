"""`wordhive index --sync`: an index that is there, made equal to a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wordhive.index.quantity import quantity

from . import terminal
from .options.backend import checked_backend
from .options.reading import Reading

if TYPE_CHECKING:
    from wordhive.retrieval.encoder import Backend
    from wordhive.retrieval.files.folder_changes import FolderChanges
    from wordhive.retrieval.files.folder_sync import FolderSync
    from wordhive.retrieval.retriever import Retriever


def synced_folder(source: str, limit: int | None) -> Path:
    """The folder of files that a command was given.

    Raises:
        InputError: It is something else.
    """
    from wordhive.index import InputError
    from wordhive.retrieval.files.folder_walk import is_own
    from wordhive.retrieval.files.inputs import corpus_of, source_path

    folder = source_path(source)
    if not folder.is_dir() or is_own(folder) or corpus_of(folder):
        raise InputError(f"{source} is no folder of files, which --sync takes; replace documents of others by --upsert")
    if limit:
        raise InputError("--sync takes the whole folder; leave out --limit")
    return folder


def synchronise(
    folder: Path,
    to: Path,
    how: Reading,
    model: str | None,
    config: str | None,
    device: str,
    backend: str,
    *,
    as_json: bool,
) -> None:
    """Make an index equal to a folder and print what was done. A model is loaded only where there is new text."""
    # Neither torch nor the kernels of an index are imported before something changed.
    from wordhive.index.reading.inventory import Inventory
    from wordhive.retrieval.files.folder_sync import FolderSync

    if device != "cpu":
        from wordhive.index.candidates.gpu import check_device

        check_device(device)
    with Inventory.open(to) as inventory:
        columns = how.with_fields(inventory.settings.text_fields).columns
        found = FolderSync.find(inventory, folder, how.pass_over(str(folder)), choice=how.choice, columns=columns)
        how.tell()
        with found, terminal.stoppable(lambda: f"{to} is as it was; run the same command again"):
            if len(found.spool):
                with opened(to, model, config, device, checked_backend(backend)) as retriever:
                    found.apply(retriever.index, retriever)
            elif found:
                _apply(found, to, device)
            n_new = len(found.spool)
        n = len(inventory)
    counts = _counts(found.changes)
    if as_json:
        told = {"index": str(to), **counts, "unchanged": found.changes.n_unchanged, "added": n_new, "documents": n}
        terminal.print_json({**told, **how.as_json()})
    else:
        done = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing changed"
        unchanged = quantity(found.changes.n_unchanged, "unchanged file")
        terminal.say(f"{to}: {done}; {unchanged}; {quantity(n, 'document')} in all")
    how.finish()


def _apply(found: FolderSync, to: Path, device: str) -> None:
    from wordhive.index import Index

    with Index.open(to, device=device) as index:
        found.apply(index)


def _counts(changes: FolderChanges) -> dict[str, int]:
    return {
        "new": len(changes.new),
        "changed": len(changes.changed),
        "moved": len(changes.moved),
        "touched": len(changes.touched),
        "removed": len(changes.removed),
    }


def opened(to: Path, model: str | None, config: str | None, device: str, backend: Backend) -> Retriever:
    from wordhive.index import IndexConfig, InputError
    from wordhive.retrieval.retriever import Retriever

    retriever = Retriever.open(to, model, device=device, backend=backend)
    if config is not None and IndexConfig.load(config) != retriever.index.settings.config:
        raise InputError(f"{to} was made with another configuration than {config!r}; leave out --config")
    return retriever
