"""A reader of wordhive's indexes that uses nothing of wordhive: written from docs/format.md alone.

It reads whole indexes into memory, which is enough to show that the format is told in full.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import xxhash
import zstandard
from safetensors.numpy import load_file

LEVELS = {"Senary": 6, "Ternary": 3}
DIMS_A_BYTE = {2: 8, 3: 5, 4: 4, 6: 3, 16: 2}


class IndexReader:
    """Documents of an index: `ids`, `texts`, `attributes`, `vectors`, `word_ids`, `summaries`, each by row."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog = sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True)
        assert self.one("PRAGMA user_version") == 3
        self.settings = {name: json.loads(value) for name, value in self.all("SELECT name, value FROM setting")}
        self.ids: dict[int, str] = {}
        self.texts: dict[int, str | None] = {}
        self.attributes: dict[int, dict[str, Any]] = {}
        self.vectors: dict[int, np.ndarray] = {}
        self.word_ids: dict[int, np.ndarray] = {}
        self.summaries: dict[int, np.ndarray] = {}
        self.check_files()
        self.read_documents()
        for segment in self.all("SELECT id, generation, first_row, n_documents, n_rows FROM segment"):
            self.read_segment(*segment)

    def all(self, query: str) -> list[tuple[Any, ...]]:
        return self.catalog.execute(query).fetchall()

    def one(self, query: str) -> Any:
        return self.all(query)[0][0]

    def check_files(self) -> None:
        for path, size, checksum in self.all("SELECT path, size, checksum FROM file"):
            content = (self.folder / path).read_bytes()
            assert (len(content), xxhash.xxh3_128_hexdigest(content)) == (size, checksum)
        commits = self.one("SELECT coalesce(max(id), 0) FROM history")
        if (self.folder / "committed").exists():
            number, checksum = (self.folder / "committed").read_bytes().split()
            assert checksum == xxhash.xxh3_64_hexdigest(number).encode()
            assert int(number) <= commits

    def read_documents(self) -> None:
        dictionaries = dict(self.all("SELECT id, content FROM dictionary"))
        for row, id, attributes, size, checksum, dictionary, body in self.all(
            "SELECT document.row, id, attributes, text_size, checksum, dictionary, body "
            "FROM document LEFT JOIN text USING (row)"
        ):
            if dictionary is not None:
                known = zstandard.ZstdCompressionDict(dictionaries[dictionary]) if dictionary else None
                body = zstandard.ZstdDecompressor(dict_data=known).decompress(body)
            head = f"{row} {size} {body is not None} {len(id)} {id} {attributes}".encode()
            assert zlib.crc32(body or b"", zlib.crc32(head)) == checksum
            self.ids[row], self.texts[row] = id, None if body is None else body.decode()
            self.attributes[row] = json.loads(attributes) if attributes else {}

    def read_segment(self, id: str, generation: int, first_row: int, n_documents: int, n_rows: int) -> None:
        folder, params = self.folder / "segments" / id, self.folder / "params" / str(generation)
        config = json.loads((params / "config.json").read_text())
        words = decoded(params, "words", config["codec"], np.load(folder / "words.npy"))
        offsets = np.load(folder / "offsets.npy")
        rows = np.load(folder / "rows.npy") if n_documents < n_rows else np.arange(first_row, first_row + n_rows)
        word_ids = decoded_word_ids(folder, np.diff(offsets))
        summaries = None
        if (folder / "summaries.npy").exists():
            summaries = decoded(params, "summaries", config["summary_codec"], np.load(folder / "summaries.npy"))
        deleted = {row for (row,) in self.all("SELECT row FROM tombstone")}
        for number, row in enumerate(rows.tolist()):
            if row not in deleted:
                own = slice(offsets[number], offsets[number + 1])
                self.vectors[row], self.word_ids[row] = words[own], word_ids[own]
                if summaries is not None:
                    self.summaries[row] = summaries[number]

    def scores(self, words: np.ndarray, word_ids: np.ndarray, summary: np.ndarray | None) -> dict[str, float]:
        """The exact score of every document by its id."""
        weight = self.settings["summary_weight"] if summary is not None and self.summaries else 0.0
        scores = {}
        for row, id in self.ids.items():
            products = words @ self.vectors[row].T
            if self.settings["exact_match"]:
                same = (word_ids[:, None] == self.word_ids[row]) & (word_ids[:, None] != 0)
                products = np.where(same, products, 0).clip(min=0)
            best = products.max(axis=1).sum() if products.size else 0.0
            scores[id] = float((1 - weight) * best + (weight * summary @ self.summaries[row] if weight else 0))
        return scores


def decoded(params: Path, name: str, codec: str, codes: np.ndarray) -> np.ndarray:
    """The vectors of codes, by the codec that was trained."""
    faiss_file = params / f"{name}.faiss"
    if faiss_file.exists():
        index = faiss.read_index(str(faiss_file))
        return index.sa_decode(codes) if len(codes) else np.zeros((0, index.d), np.float32)
    parts = load_file(params / f"{name}.safetensors")
    centroids, rotation, levels = (parts[part].astype(np.float32) for part in ("centroids", "rotation", "levels"))
    n_bytes = int(parts["centroid_bytes"][0])
    dim, n_levels = levels.shape
    per_byte = DIMS_A_BYTE[n_levels]
    number = sum(codes[:, byte].astype(np.int64) << 8 * byte for byte in range(n_bytes))
    scale = codes[:, n_bytes].astype(np.float32) / 64
    fields = codes[:, n_bytes + 1 :].astype(np.int64)
    digits = np.stack([fields[:, k // per_byte] // n_levels ** (k % per_byte) % n_levels for k in range(dim)], axis=1)
    residuals = scale[:, None] * levels[np.arange(dim), digits]
    return centroids[number] + residuals @ rotation.T


def decoded_word_ids(folder: Path, counts: np.ndarray) -> np.ndarray:
    """The identity of every word."""
    vocabulary, sizes = np.load(folder / "vocabulary.npy"), np.load(folder / "word_id_sizes.npy").astype(np.int64)
    if len(vocabulary) < 2:
        return np.full(counts.sum(), vocabulary[0] if len(vocabulary) else 0, np.uint32)
    codes = np.unpackbits(np.load(folder / "word_ids.npy"), bitorder="little")
    starts, ids = (np.cumsum(sizes) - sizes) * 8, []
    for start, n_words in zip(starts.tolist(), counts.tolist(), strict=True):
        low, at, place = 0, start, 0
        while (2 << low) * max(1, n_words) <= len(vocabulary):
            low += 1
        for _ in range(n_words):
            high = 0
            while not codes[at]:
                high, at = high + 1, at + 1
            at += 1
            place += (high << low) + sum(int(codes[at + k]) << k for k in range(low))
            at += low
            ids.append(vocabulary[place])
    return np.array(ids, np.uint32)
