"""`FolderChanges`: in what a folder differs from the files that an index was made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from wordhive.index.reading.inventory import Inventory

from .file_stamp import FILE, FileStamp
from .folder_walk import FoundFile


@dataclass(frozen=True)
class KnownFile:
    """A file as the documents of an index tell of it."""

    kind: str
    stamp: FileStamp


@dataclass(frozen=True)
class FolderChanges:
    """What has to be done to an index.

    Attributes:
        new: Files that it has not.
        changed: Files whose content it has as it was before.
        moved: Files whose content it has under another name, with that name.
        touched: Files whose content it has, with another time.
        removed: Names of files that are gone.
        n_unchanged: How many files are as they were.
    """

    new: list[FoundFile] = field(default_factory=list)
    changed: list[FoundFile] = field(default_factory=list)
    moved: list[tuple[str, FoundFile, FileStamp]] = field(default_factory=list)
    touched: list[tuple[FoundFile, FileStamp]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    n_unchanged: int = 0

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.moved or self.touched or self.removed)

    def without(self, unread: Collection[str]) -> FolderChanges:
        """The changes that are left where files of these names could not be read."""
        return replace(
            self,
            new=[file for file in self.new if file.name not in unread],
            changed=[file for file in self.changed if file.name not in unread],
            removed=sorted([*self.removed, *(file.name for file in self.changed if file.name in unread)]),
        )

    @property
    def to_read(self) -> list[FoundFile]:
        """The files whose text has to be read."""
        return sorted([*self.new, *self.changed], key=lambda file: file.name)


def known_files(index: Inventory) -> dict[str, list[KnownFile]]:
    """The files of which the documents of an index were read, by name; several of a name that was not read whole."""
    keys = [(FILE, name) for name in ("path", "type", "size", "modified", "digest")]
    known: dict[str, list[KnownFile]] = defaultdict(list)
    for path, kind, size, modified, digest in index.attribute_values(*keys):
        # An attribute `file` of a user's own has other names in it, or values of other types.
        if isinstance(path, str) and isinstance(size, int) and isinstance(modified, str) and isinstance(digest, str):
            known[path].append(KnownFile(str(kind), FileStamp(size, modified, digest)))
    return dict(known)


def compare(known: Mapping[str, list[KnownFile]], files: Iterable[FoundFile]) -> FolderChanges:
    """In what files differ from those that are known.

    A file of the same size and time is taken for the same. Of any other with a known name, and of new files whose size
    is that of one that is gone, the content is read.
    """
    changes, n_unchanged, present = FolderChanges(), 0, set()
    new: list[FoundFile] = []
    for file in files:
        present.add(file.name)
        before = known.get(file.name)
        if before is None:
            new.append(file)
        elif len(before) == 1 and before[0].stamp.is_unread(file):
            n_unchanged += 1
        elif len(before) == 1 and (stamp := _same_content(file, before)):
            changes.touched.append((file, stamp[1]))
        else:
            changes.changed.append(file)
    gone = {name: before for name, before in known.items() if name not in present}
    waiting = {name: before[0] for name, before in gone.items() if len(before) == 1}
    for file in new:
        same = _same_content(file, [it for it in waiting.values() if it.kind == file.kind])
        name = next((name for name, it in waiting.items() if same and it is same[0]), None)
        if same and name is not None:
            changes.moved.append((name, file, same[1]))
            del waiting[name], gone[name]
        else:
            changes.new.append(file)
    changes.removed.extend(sorted(gone))
    return replace(changes, n_unchanged=n_unchanged)


def _same_content(file: FoundFile, known: Iterable[KnownFile]) -> tuple[KnownFile, FileStamp] | None:
    """The known file with the content of this one, and its stamp now."""
    candidates = [it for it in known if it.stamp.size == file.size]
    if not candidates:
        return None
    try:
        now = FileStamp.of(file)
    except OSError:
        return None  # whoever reads it will say so
    return next(((it, now) for it in candidates if it.stamp.digest == now.digest), None)
