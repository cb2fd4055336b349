"""The parts of a zip archive, unpacked no further than a limit: DOCX, PPTX and EPUB are such archives."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from wordhive.index import InputError

if TYPE_CHECKING:
    from lxml.etree import _Element

# Bytes of all parts that are read, unpacked: pictures are not read. A long book has some.
MOST_UNPACKED = 256 * 2**20
# What Office makes of a document with a password, and what it wrote before 2007.
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_AT_ONCE = 1 << 20
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError)


class ZipParts:
    """The parts of an archive by name.

    Args:
        content: The archive's bytes.
        most: How many bytes may be unpacked of it in all.

    Raises:
        InputError: It is no archive.
    """

    def __init__(self, content: bytes, most: int = MOST_UNPACKED) -> None:
        if content.startswith(_COMPOUND):
            raise InputError("it has a password, or is of Office before 2007; save it anew, without a password")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except _FAULTS as error:
            raise InputError(f"it is torn or no document of its kind ({error}); get it again") from error
        self._names = set(self._archive.namelist())
        self._most = most
        self._left = most

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """A part.

        Raises:
            InputError: It is missing, torn or encrypted, or the parts are too large in all.
        """
        if name not in self._names:
            raise InputError(f"it has no part {name}; it is torn, or no document of its kind")
        pieces: list[bytes] = []
        try:
            with self._archive.open(name) as part:
                # What the archive says of its sizes may be a lie: what counts is what comes out.
                while piece := part.read(min(_AT_ONCE, self._left + 1)):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise InputError(
                            f"its text unpacks to more than {self._most:,} bytes; it is a zip bomb, or has to be split"
                        )
                    pieces.append(piece)
        except RuntimeError as error:  # zipfile's word for a part with a password
            raise InputError(f"its part {name} is encrypted ({error}); save it without a password") from error
        except InputError:
            raise
        except _FAULTS as error:
            raise InputError(f"its part {name} is torn ({error}); get it again") from error
        return b"".join(pieces)

    def xml(self, name: str) -> _Element:
        """The root of a part that is XML; see `read`."""
        etree = lxml_etree()
        # Entities of a document's own could name local files, or grow without end.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            return etree.fromstring(self.read(name), parser)
        except etree.XMLSyntaxError as error:
            raise InputError(f"its part {name} is no XML ({error}); get it again") from error

    def relations(self, name: str) -> dict[str, tuple[str, str]]:
        """What a part of an Office document refers to: by id, the last word of the kind, and the name of that part."""
        folder, base = posixpath.split(name)
        named = f"{folder}/_rels/{base}.rels"
        if named not in self:
            return {}
        return {
            relation.get("Id", ""): (
                relation.get("Type", "").rpartition("/")[2],
                joined(name, relation.get("Target", "")),
            )
            for relation in self.xml(named)
            if relation.get("TargetMode") != "External"
        }


def joined(name: str, target: str) -> str:
    """The name of the part that is written `target` in the part of that name."""
    target = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(name), target)).lstrip("/")


def lxml_etree() -> Any:
    """The module `lxml.etree`.

    Raises:
        ImportError: It is not installed.
    """
    import lxml.etree

    return lxml.etree


def plain_tag(element: Any) -> str:
    """An element's name without its namespace; "" for comments and the like."""
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
