"""`CurrentSnapshot`: the snapshot that an open index reads from, shared by its threads."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

from ..errors import InputError
from ..storage.catalog.catalog import Catalog
from ..storage.catalog.identity import ReplacedError
from ..storage.settings import IndexSettings
from .snapshot import OpenFiles, Snapshot


class CurrentSnapshot:
    """What the index held when it was last looked at: at opening, at a `reload`, or at an own change.

    catalog, settings: of the index that is open, which a `reload` exchanges where another one lies at its path.
    files: what its snapshots share.
    """

    def __init__(self, path: Path, catalog: Catalog, settings: IndexSettings, device: str, files: OpenFiles) -> None:
        self.settings = settings
        self.catalog = catalog
        self._path = path
        self._device = device
        self._looking = threading.RLock()
        self._files = files
        self._seen: Snapshot | None = None  # looked at when it is needed: a disk that fails may be well by then
        self._made: list[tuple[weakref.ref[Snapshot], Catalog]] = []
        self._closed = False
        self.look()

    def look(self) -> None:
        """See what others have committed since.

        Raises InputError where the index was closed, and ReplacedError where another one lies at its path.
        """
        with self._looking:
            if self._closed:
                raise InputError(f"{self._path} was closed here; open it again")
            self.catalog = self.catalog.refreshed()
            self.catalog.check_place()
            if self.catalog.has_large_log():
                self._seen = None  # it may be what holds the log
                self._let_go()
                self.catalog.fold()
            self._seen = self._snapshot(self.catalog, self.settings, self._files)
            self._files = self._seen.files
            self._let_go()

    def reload(self) -> None:
        """See what others have committed since, or the index that was put in the place of this one.

        Raises InputError where the index was closed, and WordhiveError where none is at its path any more.
        """
        with self._looking:
            try:
                self.look()
            except ReplacedError:
                if not self.catalog.path.is_file():
                    raise
                self._follow()

    def _follow(self) -> None:
        """Go on with the index that lies at the path now: nothing that was read of the other one holds for it."""
        catalog = Catalog.open(self.catalog.path)
        try:
            settings, files = IndexSettings.of(catalog), OpenFiles(scoring=self._files.scoring)
            seen = self._snapshot(catalog, settings, files)
        except BaseException:
            catalog.close()
            raise
        self.catalog.close()
        self.catalog, self.settings, self._files, self._seen = catalog, settings, seen.files, seen

    def _snapshot(self, catalog: Catalog, settings: IndexSettings, files: OpenFiles) -> Snapshot:
        made = Snapshot(self._path, catalog, settings, self._device, files)
        self._made.append((weakref.ref(made), made.catalog))
        return made

    def _let_go(self) -> None:
        """Close what snapshots read that nobody has any more.

        A callback could do it at once, but an interrupt that came within would be lost.
        """
        given_up = [catalog for made, catalog in self._made if made() is None]
        self._made = [(made, catalog) for made, catalog in self._made if catalog not in given_up]
        for catalog in given_up:
            catalog.close()

    def now(self) -> Snapshot:
        """The snapshot, whose files may not be open yet."""
        with self._looking:
            if self._seen is None:
                self.look()
            assert self._seen is not None
            return self._seen

    def opened(self) -> Snapshot:
        """The snapshot with its files open. Raises WordhiveError for one that is missing or not as it was written."""
        now = self.now()
        while not now.open():
            self.look()
            now = self.now()
        return now

    def changed(self) -> None:
        """Look at the latest commit next, and let SQLite's log begin anew where no reader holds it."""
        with self._looking:
            self._seen = None  # it holds the log
            self._let_go()
            self.catalog.fold()

    def close(self) -> None:
        """Let go of the snapshot. What was read before stays readable."""
        with self._looking:
            if self._closed:
                return
            self._seen, self._files, self._closed = None, OpenFiles(), True
            self._let_go()
            self.catalog.fold()
            self.catalog.close()
