"""`Latest`: the snapshot that an open index reads from, shared by its threads."""

from __future__ import annotations

import threading
from pathlib import Path

from .catalog import Catalog
from .errors import InputError
from .settings import IndexSettings
from .snapshot import OpenFiles, Snapshot


class Latest:
    """What the index held when it was last looked at: at opening, at a `reload`, or at an own change.

    files: what its snapshots share.
    """

    def __init__(self, path: Path, catalog: Catalog, settings: IndexSettings, device: str, files: OpenFiles) -> None:
        self.settings = settings
        self._path = path
        self._catalog = catalog
        self._device = device
        self._looking = threading.RLock()
        self._files = files
        self._seen: Snapshot | None = None  # looked at when it is needed: a disk that fails may be well by then
        self._closed = False
        self.reload()

    def reload(self) -> None:
        """See what others have committed since. Raises InputError where the index was closed."""
        with self._looking:
            if self._closed:
                raise InputError(f"{self._path} was closed here; open it again")
            self._seen = Snapshot(self._path, self._catalog, self.settings, self._device, self._files)
            self._files = self._seen.files

    def now(self) -> Snapshot:
        """The snapshot, whose files may not be open yet."""
        with self._looking:
            if self._seen is None:
                self.reload()
            assert self._seen is not None
            return self._seen

    def opened(self) -> Snapshot:
        """The snapshot with its files open. Raises WordhiveError for one that is missing or not as it was written."""
        now = self.now()
        while not now.open():
            self.reload()
            now = self.now()
        return now

    def changed(self) -> None:
        """Look at the latest commit next, and let SQLite's log begin anew where no reader holds it."""
        with self._looking:
            self._seen = None  # it holds the log
            self._catalog.fold()

    def close(self) -> None:
        """Let go of the snapshot. What was read before stays readable."""
        with self._looking:
            self._seen, self._closed = None, True
