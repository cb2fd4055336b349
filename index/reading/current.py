"""`CurrentSnapshot`: the snapshot that an open index reads from, shared by its threads."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

from ..errors import InputError
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.identity import ReplacedError
from ..storage.settings import IndexSettings
from .open_files import OpenFiles
from .snapshot import Snapshot


class CurrentSnapshot:
    """The last snapshot that was taken: at opening, by a `reload`, or after a change of one's own.

    Args:
        catalog, settings: Of the open index; a `reload` exchanges them where another index lies at its path.
    """

    def __init__(self, path: Path, catalog: Catalog, settings: IndexSettings, device: str, files: OpenFiles) -> None:
        self.settings = settings
        self.catalog = catalog
        self._path = path
        self._device = device
        self._lock = threading.RLock()
        self._files = files
        self._snapshot: Snapshot | None = None  # taken when it is needed: a disk that fails may be well by then
        self._taken: list[tuple[weakref.ref[Snapshot], Catalog]] = []
        self.is_closed = False
        self.refresh()

    def refresh(self) -> None:
        """Take a snapshot of what others have committed since.

        Raises:
            InputError: The index was closed.
            ReplacedError: Another one lies at its path.
        """
        with self._lock:
            if self.is_closed:
                raise InputError(f"{self._path} was closed here; open it again")
            self.catalog = self.catalog.refreshed()
            self.catalog.check_not_replaced()
            if self.catalog.has_large_log():
                self._snapshot = None  # it may need the log
                self._close_unused()
                self.catalog.checkpoint()
            self._snapshot = self._take(self.catalog, self.settings, self._files)
            self._files = self._snapshot.files
            self._close_unused()

    def reload(self) -> None:
        """Take a snapshot of what others have committed since, or of another index that lies at the path now.

        Raises:
            InputError: The index was closed.
            WordhiveError: None is at its path any more.
        """
        with self._lock:
            try:
                self.refresh()
            except ReplacedError:
                if not self.catalog.path.is_file():
                    raise
                self._follow()

    def _follow(self) -> None:
        """Go on with the index that lies at the path now, without anything that was read of the other one."""
        catalog = Catalog.open(self.catalog.path)
        try:
            settings, files = IndexSettings.of(catalog), OpenFiles(scoring=self._files.scoring)
            snapshot = self._take(catalog, settings, files)
        except BaseException:
            catalog.close()
            raise
        self.catalog.close()
        self.catalog, self.settings, self._files, self._snapshot = catalog, settings, snapshot.files, snapshot

    def _take(self, catalog: Catalog, settings: IndexSettings, files: OpenFiles) -> Snapshot:
        snapshot = Snapshot(self._path, catalog, settings, self._device, files)
        self._taken.append((weakref.ref(snapshot), snapshot.catalog))
        return snapshot

    def _close_unused(self) -> None:
        """Close the catalogs of snapshots that nobody has any more.

        A callback could do it at once, but an interrupt that came within would be lost.
        """
        unused = [catalog for snapshot, catalog in self._taken if snapshot() is None]
        self._taken = [(snapshot, catalog) for snapshot, catalog in self._taken if catalog not in unused]
        for catalog in unused:
            catalog.close()

    def snapshot(self) -> Snapshot:
        """The snapshot, whose files may not be open yet."""
        with self._lock:
            if self._snapshot is None:
                self.refresh()
            assert self._snapshot is not None
            return self._snapshot

    def opened(self) -> Snapshot:
        """The snapshot with its files open.

        Raises:
            WordhiveError: A file that is missing or damaged.
        """
        snapshot = self.snapshot()
        while not snapshot.open():
            self.refresh()
            snapshot = self.snapshot()
        return snapshot

    def changed(self) -> None:
        """Take a new snapshot next time, after a change of one's own."""
        with self._lock:
            self._snapshot = None  # it keeps SQLite's log from being folded
            self._close_unused()
            self.catalog.checkpoint()

    def close(self) -> None:
        """Let go of the snapshot. What was read before stays readable."""
        with self._lock:
            if self.is_closed:
                return
            self._snapshot, self._files, self.is_closed = None, OpenFiles(), True
            self._close_unused()
            self.catalog.checkpoint()
            self.catalog.close()
