"""A folder of the user's that holds compiled models: arrays that are mapped into memory, and what is known of them.

    ~/.cache/wordhive/compiled/          or $WORDHIVE_CACHE/compiled/
      <fingerprint>/model.json           settings, and the checksum of every array
      <fingerprint>/<checksum>.safetensors
      sources/<key>.json                 which fingerprint the files of a model folder have, by their sizes and times

Every file appears complete, by being renamed, and says its checksum. What is damaged is as good as missing.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray
from safetensors.numpy import save_file

from wordhive.index.files import discard

# Of what is written. A file of another format is made anew.
FORMAT = 1
_JSON = "model.json"
_TYPES = {"F32": np.float32, "I8": np.int8, "U8": np.uint8, "I16": np.int16, "U16": np.uint16, "I32": np.int32,
          "U32": np.uint32, "I64": np.int64}  # fmt: skip
_LONGEST_HEADER = 1 << 24
_LONGEST_WRITE = 3600  # seconds


class Damaged(Exception):
    """A file of the cache can't be used; the message says why, in a few words."""


def cache_folder() -> Path:
    """The folder: WORDHIVE_CACHE, or where caches of programs are on this system."""
    given = os.environ.get("WORDHIVE_CACHE")
    if given:
        return Path(given).expanduser().absolute() / "compiled"
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "wordhive" / "compiled"


@dataclass(frozen=True)
class Arrays(Mapping[str, NDArray[Any]]):
    """The arrays of a safetensors file, mapped into memory: what is not read takes none.

    Each is checked against its checksum when it is first asked for, without the map.
    """

    path: Path
    _header: dict[str, Any]
    _start: int
    _map: mmap.mmap
    _checksums: dict[str, str]
    _known: dict[str, NDArray[Any]]

    @classmethod
    def open(cls, path: Path, checksums: dict[str, str]) -> Arrays:
        """The arrays of a file.

        Raises:
            Damaged: It is missing, cut, or no such file.
        """
        try:
            with open(path, "rb") as file:
                length = int.from_bytes(file.read(8), "little")
                if length > _LONGEST_HEADER:
                    raise ValueError("its header is too long")
                header = json.loads(file.read(length))
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise Damaged(_reason(error)) from error
        return cls(path, header, 8 + length, mapped, checksums, {})

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._checksums)

    def __len__(self) -> int:
        return len(self._checksums)

    def check(self, names: list[str]) -> None:
        """Raise Damaged unless these arrays are what was written."""
        for name in names:
            self[name]

    def _read(self, name: str) -> NDArray[Any]:
        array: NDArray[Any]
        try:
            about = self._header[name]
            first, end = about["data_offsets"]
            array = np.frombuffer(
                self._map, _TYPES[about["dtype"]], int(np.prod(about["shape"], dtype=np.int64)), self._start + first
            ).reshape(about["shape"])
            expected = self._checksums[name]
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{name}: {_reason(error)}") from error
        if array.nbytes != end - first or self._checksum(self._start + first, end - first) != expected:
            raise Damaged(f"{name} is not what was written")
        return array

    def _checksum(self, start: int, size: int) -> str:
        # Read, not mapped: what is only checked should stay out of this process's memory.
        digest = xxhash.xxh3_64()
        with open(self.path, "rb", buffering=0) as file:
            file.seek(start)
            while size and (block := file.read(min(size, 1 << 20))):
                digest.update(block)
                size -= len(block)
        return digest.hexdigest()


def write_model(folder: Path, about: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a compiled model into a folder.

    Args:
        folder: Of this fingerprint.
        about: What is known of it, for JSON.
        arrays: By name.

    Raises:
        OSError: There is no room, or no right to write.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    checksums = {name: xxhash.xxh3_64(array.data.cast("B")).hexdigest() for name, array in whole.items()}
    weights = folder / f"{xxhash.xxh3_64(json.dumps(checksums, sort_keys=True).encode()).hexdigest()}.safetensors"
    new = _beside(weights)
    try:
        new.touch()
        mode = new.stat().st_mode
        save_file(whole, new)
        new.chmod(mode)  # the library's own would keep others from a cache that is shared
        new.replace(weights)
    except Exception as error:
        discard(new)
        # safetensors' own writer reports a full disk as an error of the format.
        raise error if isinstance(error, OSError) else OSError(str(error)) from error
    write_json(folder / _JSON, about | {"arrays": weights.name, "checksums": checksums})
    for other in folder.glob("*.safetensors"):
        if other != weights:
            discard(other)


def read_model(folder: Path) -> tuple[dict[str, Any], Arrays]:
    """What `write_model` wrote.

    Raises:
        FileNotFoundError: Nothing.
        Damaged: It is damaged, or of another format.
    """
    about = read_json(folder / _JSON)
    try:
        name, checksums = Path(about["arrays"]).name, dict(about["checksums"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(_reason(error)) from error
    return about, Arrays.open(folder / name, checksums)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write facts with their checksum, all at once.

    Raises:
        OSError: There is no room, or no right to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = _beside(path)
    try:
        new.write_text(json.dumps({"format": FORMAT, "checksum": _digest(value), "facts": value}), encoding="utf-8")
        new.replace(path)
    except OSError:
        discard(new)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote.

    Raises:
        FileNotFoundError: Nothing.
        Damaged: It is damaged, or of another format.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise Damaged(f"it has format {found['format']!r:.20}, this version writes {FORMAT}")
        facts: dict[str, Any] = found["facts"]
        intact = _digest(facts) == found["checksum"]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(path)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(_reason(error)) from error
    if not intact:
        raise Damaged("it is not what was written")
    return facts


def key_of(*facts: Any) -> str:
    """A name for what depends on these facts."""
    return xxhash.xxh3_128(json.dumps([FORMAT, *facts]).encode()).hexdigest()


def _digest(value: Any) -> str:
    return xxhash.xxh3_64(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _beside(path: Path) -> Path:
    for old in path.parent.glob(f".{path.name}.*"):  # of a process that was killed
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _LONGEST_WRITE:
                old.unlink()
    return path.with_name(f".{path.name}.{token_hex(8)}")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return f"{type(error).__name__}: {error}"[:120]
