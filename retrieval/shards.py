"""Encoded documents on disk, in shards: `wordhive encode` writes them, `wordhive index` takes them instead of text.

    my-shards/
      shards.json            model name, fingerprint, summary weight, dims
      shard-000000.safetensors   vectors (float16), offsets, word ids, summary
      shard-000000.jsonl         the documents themselves, in the same order

A shard's vectors appear under their name last and complete, so a stopped run goes on behind its last whole shard, and
several processes may each encode a part of the shards.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordhive.index import InputError, WordhiveError, WordVectors
from wordhive.index.arguments import given_path
from wordhive.index.errors import warn
from wordhive.index.files import discard
from wordhive.index.quantity import quantity
from wordhive.index.storage.settings import EncoderStamp
from wordhive.index.tensors import read_tensors, write_tensors

from .encoder import Encoder
from .progress import progress_bar
from .retriever import Retriever
from .runtimes.text_batches import batches
from .texts.documents import Document, check_document
from .windows.whole_texts import capped_line

DOCUMENTS_A_SHARD = 2048
# Of some hundred books. Usual documents are shorter, and DOCUMENTS_A_SHARD of them fewer letters.
CHARACTERS_A_SHARD = 2**25
_MANIFEST = "shards.json"
_WRITING = "writing-"
_MOST_SHARDS = 999_999  # the most that six digits can name


@dataclass(frozen=True)
class Part:
    """Every `of`-th shard from the `number`-th on, counted from 1: what one of several processes encodes."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Part:
        """The part that "1/4" means, the first of four.

        Raises:
            InputError: Other texts.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"the part is {text!r}; expected one such as 1/4, the first of four")
        return cls(int(found[1]), int(found[2]))

    def holds(self, shard: int) -> bool:
        """Whether the shard with that number, counted from 0, is in it."""
        return shard % self.of == self.number - 1


def is_shard_folder(path: Path) -> bool:
    """Whether `write_shards` made this folder."""
    return (path / _MANIFEST).is_file()


def whole_shards(path: Path) -> bool:
    """Whether `write_shards` came to its end in this folder, with all parts."""
    n = _manifest(path).get("shards") if is_shard_folder(path) else None
    return n is not None and _shards(path) == _names(n)


def write_shards(
    documents: Iterable[Document],
    folder: Path,
    encoder: Encoder,
    *,
    part: Part = Part(),
    total: int | None = None,
    show_progress: bool | None = None,
) -> int:
    """Encode documents into shards, passing over those that whole shards hold already; the number newly encoded.

    Args:
        part: The shards that this process encodes, of all documents; others may encode other parts at the same
            time, in the same folder. The last one to end finds that all are there.

    Raises:
        InputError: The folder's shards are another model's, or begin with other documents.
    """
    folder = given_path(folder)
    manifest = {
        "model": encoder.name, "fingerprint": encoder.fingerprint, "summary_weight": encoder.summary_weight,
        "max_tokens": encoder.max_tokens,
    }  # fmt: skip
    _claim(folder, manifest)
    written, encoded, number = set(_shards(folder)), 0, 0
    capped: list[str] = []
    with progress_bar("Encoding", total, show=show_progress) as advance:
        for batch in batches(documents, DOCUMENTS_A_SHARD, CHARACTERS_A_SHARD, lambda document: len(document.text)):
            name = _name(number)
            if name in written:
                _check_same(folder, name, _lines(batch))
                advance(len(batch))
            elif not part.holds(number):
                advance(len(batch))
            else:
                long: list[int] = []
                texts = [document.text for document in batch]
                vectors = encoder.encode_documents(texts, on_batch=advance, on_capped=long.append)
                capped += [repr(batch[number].id) for number in long]
                _write(folder, name, _lines(batch), vectors)
                encoded += len(batch)
            written.discard(name)
            number += 1
    if capped:
        warn(capped_line(capped, encoder.max_tokens))
    if written:
        raise _other_documents(folder, min(written))
    outdated = _manifest(folder).get("shards") not in (None, number)
    if _shards(folder) == _names(number):
        _write_manifest(folder, {**manifest, "shards": number})
    elif outdated:  # it was whole, with fewer documents; the last of the other parts will find that it is again
        _write_manifest(folder, manifest)
    return encoded


def read_shards(folder: Path) -> Iterator[tuple[list[Document], WordVectors]]:
    """The shards of a folder: documents and their vectors."""
    return _read_shards(given_path(folder))


def _read_shards(folder: Path) -> Iterator[tuple[list[Document], WordVectors]]:
    for name in _whole(folder):
        tensors = read_tensors(folder / f"{name}.safetensors", "delete it and encode again")
        try:
            vectors = WordVectors.from_tensors(tensors)
        except (KeyError, InputError) as error:
            reason = f"{folder / name}.safetensors is damaged ({error}); delete it and encode again"
            raise WordhiveError(reason) from error
        documents = _read_documents(folder / f"{name}.jsonl")
        if len(documents) != len(vectors):
            raise WordhiveError(
                f"{folder / name}.jsonl has {quantity(len(documents), 'document')} for "
                f"{quantity(len(vectors), 'text')}; delete both"
            )
        yield documents, vectors


def read_shard_documents(folder: Path) -> Iterator[list[Document]]:
    """The documents of each shard, without their vectors."""
    folder = given_path(folder)
    return (_read_documents(folder / f"{name}.jsonl") for name in _whole(folder))


def read_model(folder: Path) -> EncoderStamp:
    """The model that made the shards."""
    manifest = _manifest(folder)
    return EncoderStamp(str(manifest["model"]), str(manifest["fingerprint"]))


def check_model(folder: Path, wanted: EncoderStamp) -> None:
    """Raise InputError when another model made the shards."""
    made_by = read_model(folder)
    if made_by.fingerprint != wanted.fingerprint:
        raise InputError(
            f"{folder} was encoded by {made_by}, not by {wanted}; use that model, or encode the documents again"
        )


def index_shards(
    folder: Path,
    retriever: Retriever,
    *,
    skip_known: bool = False,
    replace: bool = False,
    show_progress: bool | None = None,
    change: Callable[[Document], Document] = lambda document: document,
) -> int:
    """Add all shards to an index, one commit each; the number of documents added.

    Args:
        skip_known: Pass over ids that are there.
        replace: Put documents in place of those of the same ids.
        change: Gives what is added in a document's place, the same but for its attributes.

    Raises:
        InputError: The shards and the index were made by different models.
    """
    check_model(folder, retriever.encoder.stamp)
    added = 0
    with progress_bar("Indexing shards", len(_shards(folder)), show=show_progress) as advance:
        for documents, vectors in read_shards(folder):
            known = retriever.index.known_ids([document.id for document in documents]) if skip_known else set()
            fresh = np.array([i for i, document in enumerate(documents) if document.id not in known], np.int64)
            held = [change(documents[i]) for i in fresh]
            store = retriever.index.upsert if replace else retriever.index.add
            store(
                [document.id for document in held],
                vectors.take(fresh) if known else vectors,
                [document.text for document in held],
                [document.attributes for document in held],
            )
            added += len(held)
            advance(1)
    return added


def _claim(folder: Path, manifest: dict[str, Any]) -> None:
    if not is_shard_folder(folder):
        _begin(folder, manifest)
    found = _manifest(folder)
    if found["fingerprint"] != manifest["fingerprint"]:
        raise InputError(
            f"{folder} holds shards of {found['model']} ({found['fingerprint'][:12]}), not of {manifest['model']} "
            f"({manifest['fingerprint'][:12]}); choose another folder"
        )
    if found.get("max_tokens") != manifest["max_tokens"]:
        read = f"{found['max_tokens']:,} tokens" if "max_tokens" in found else "one window"
        raise InputError(
            f"{folder} holds shards of which {read} of a document were read, not {manifest['max_tokens']:,} tokens; "
            "choose another folder"
        )
    if "shards" in found and not whole_shards(folder):  # some were removed
        _write_manifest(folder, manifest)


def _begin(folder: Path, manifest: dict[str, Any]) -> None:
    held = list(folder.iterdir()) if folder.is_dir() else [folder] if folder.exists() else []
    # The process of another part may be beginning it too.
    if not all(path.name.startswith(_WRITING) for path in held) and not is_shard_folder(folder):
        raise InputError(f"{folder} is there and holds no shards; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    _write_manifest(folder, manifest)


def _write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    _replace(folder / _MANIFEST, lambda path: path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8"))


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / _MANIFEST).read_text(encoding="utf-8-sig"))
        names = (manifest["model"], manifest["fingerprint"])
        if not all(isinstance(name, str) for name in names):
            raise ValueError("a name of a model that is no text")
        if not isinstance(n := manifest.get("shards", 0), int) or not 0 <= n <= _MOST_SHARDS:
            raise ValueError(f"the number of shards is {n!r:.40}")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"no shards at {folder}; make them with: wordhive encode INPUT --to {folder}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WordhiveError(f"{folder / _MANIFEST} is damaged ({error}); encode the documents again") from error
    return manifest


def _whole(folder: Path) -> list[str]:
    names = _names(_manifest(folder).get("shards", 0))
    if not names or names != _shards(folder):
        raise InputError(f"{folder} was not encoded to its end; run the same wordhive encode again")
    return names


def _name(number: int) -> str:
    return f"shard-{number:06d}"


def _names(n: int) -> list[str]:
    return [_name(number) for number in range(n)]


def _shards(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("shard-*.safetensors"))


def _lines(documents: list[Document]) -> str:
    rows = (json.dumps({"id": d.id, "text": d.text, "attributes": d.attributes}, ensure_ascii=False) for d in documents)
    return "\n".join(rows) + "\n"


def _write(folder: Path, name: str, lines: str, vectors: WordVectors) -> None:
    _replace(folder / f"{name}.jsonl", lambda path: path.write_text(lines, encoding="utf-8"))
    _replace(folder / f"{name}.safetensors", lambda path: write_tensors(path, vectors.tensors()))


def _replace(path: Path, write: Callable[[Path], Any]) -> None:
    temporary = path.with_name(f"{_WRITING}{os.getpid()}-{path.name}")  # another process may write it too
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        discard(temporary)
        raise


def _read_documents(path: Path) -> list[Document]:
    # Not read_documents(): it would put a title before the text a second time.
    try:
        documents = [Document(**json.loads(line)) for line in _read_lines(path).split("\n") if line]
        for document in documents:
            check_document(document)
        return documents
    except (ValueError, TypeError, RecursionError) as error:
        raise WordhiveError(f"{path} is damaged ({error}); delete the shard's two files and encode again") from error


def _read_lines(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WordhiveError(f"{path} is missing; delete the shard's .safetensors and encode again") from error
    except UnicodeDecodeError as error:
        raise WordhiveError(f"{path} is damaged ({error}); delete the shard's two files and encode again") from error


def _check_same(folder: Path, name: str, lines: str) -> None:
    if _read_lines(folder / f"{name}.jsonl") != lines:
        raise _other_documents(folder, name)


def _other_documents(folder: Path, name: str) -> InputError:
    return InputError(f"{folder} was begun with other documents ({name} differs); choose another folder")
