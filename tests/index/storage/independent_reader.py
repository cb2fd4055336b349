"""A reader of wordhive's indexes that uses nothing of wordhive: all that it knows is in docs/format.md."""

from __future__ import annotations

import hashlib
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

SEALED = ("setting", "generation", "segment", "file", "tombstone")
DIMS_A_BYTE = {2: 8, 3: 5, 4: 4, 6: 3, 16: 2}


class IndexReader:
    """The documents of an index, each of their parts by row, all in memory; damage fails an assertion."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog = sqlite3.connect(f"file:{folder / 'catalog.db'}?mode=ro", uri=True, isolation_level=None)
        self.catalog.execute("BEGIN")
        assert self.all("PRAGMA user_version") == [(3,)]
        self.settings = {name: json.loads(value) for name, value in self.all("SELECT name, value FROM setting")}
        self.ids: dict[int, str] = {}
        self.texts: dict[int, str | None] = {}
        self.attributes: dict[int, dict[str, Any]] = {}
        self.vectors: dict[int, np.ndarray] = {}
        self.word_ids: dict[int, np.ndarray] = {}
        self.summaries: dict[int, np.ndarray] = {}
        self.windows: dict[int, list[tuple[np.ndarray, np.ndarray | None]]] = {}
        self.candidates: dict[int, np.ndarray] = {}
        self.check()
        self.read_documents()
        for segment in self.all("SELECT id, generation, first_row, n_documents, n_rows FROM segment"):
            self.read_segment(*segment)
        self.catalog.close()

    def all(self, query: str) -> list[tuple[Any, ...]]:
        return self.catalog.execute(query).fetchall()

    def check(self) -> None:
        tables = [self.all(f"SELECT * FROM {it} ORDER BY 1") for it in SEALED]
        sealed = "".join(map(repr, [*tables, self.all("SELECT max(id) FROM history")]))
        assert self.all("SELECT sha256 FROM seal") == [(hashlib.sha256(sealed.encode()).hexdigest(),)]
        for path, size, checksum in tables[3]:
            content = (self.folder / path).read_bytes()
            assert (len(content), xxhash.xxh3_128_hexdigest(content)) == (size, checksum)
        if (self.folder / "committed").exists():
            number, checksum = (self.folder / "committed").read_bytes().split()
            assert checksum == xxhash.xxh3_64_hexdigest(number).encode()
            assert int(number) <= self.all("SELECT max(id) FROM history")[0][0]

    def read_documents(self) -> None:
        dictionaries = dict(self.all("SELECT id, content FROM dictionary"))
        query = "SELECT document.*, dictionary, body FROM document LEFT JOIN text USING (row)"
        for row, id, attributes, size, checksum, dictionary, body in self.all(query):
            if dictionary is not None:
                content = dictionaries[dictionary] if dictionary else b""
                known = zstandard.ZstdCompressionDict(content) if content else None
                body = zstandard.ZstdDecompressor(dict_data=known).decompress(body)
            head = f"{row} {size} {body is not None} {len(id)} {id} {attributes}".encode()
            assert zlib.crc32(body or b"", zlib.crc32(head)) == checksum
            self.ids[row], self.texts[row] = id, None if body is None else body.decode()
            self.attributes[row] = json.loads(attributes) if attributes else {}

    def read_segment(self, id: str, generation: int, first_row: int, n_documents: int, n_rows: int) -> None:
        folder, params = self.folder / "segments" / id, self.folder / "params" / str(generation)
        config = json.loads((params / "config.json").read_text())
        words = decoded(params / "words", config["codec"], np.load(folder / "words.npy"))
        offsets = np.load(folder / "offsets.npy")
        rows = np.load(folder / "rows.npy") if n_documents < n_rows else np.arange(first_row, first_row + n_rows)
        word_ids = decoded_lists(folder, np.diff(offsets))
        parts = [(self.vectors, np.split(words, offsets[1:-1])), (self.word_ids, np.split(word_ids, offsets[1:-1]))]
        if (folder / "summaries.npy").exists():
            codes = np.load(folder / "summaries.npy")
            parts.append((self.summaries, list(decoded(params / "summaries", config["summary_codec"], codes))))
        if (folder / "window_counts.npy").exists():
            parts.append((self.windows, self.read_windows(folder, params, config["summary_codec"])))
        if config["encoding"] is not None:
            candidates = faiss.read_index(str(folder / "candidates.faiss"))
            parts.append((self.candidates, list(candidates.reconstruct_n(0, n_documents))))
        deleted = {row for (row,) in self.all("SELECT row FROM tombstone")}
        for by_row, values in parts:
            by_row.update({row: it for row, it in zip(rows.tolist(), values, strict=True) if row not in deleted})

    def read_windows(self, folder: Path, params: Path, codec: str) -> list[list[tuple[np.ndarray, np.ndarray | None]]]:
        """The words and the summary of each window of each document."""
        counts, sizes = (np.load(folder / f"window_{name}.npy").astype(np.int64) for name in ("counts", "sizes"))
        words = np.split(decoded_lists(folder, sizes, WINDOW_WORDS), np.cumsum(sizes)[:-1])
        summaries: list[np.ndarray | None] = [None] * len(sizes)
        if (folder / "window_summaries.npy").exists():
            summaries = list(decoded(params / "summaries", codec, np.load(folder / "window_summaries.npy")))
        windows = list(zip(words, summaries, strict=True))
        ends = np.cumsum(counts).tolist()
        return [windows[end - n : end] for end, n in zip(ends, counts.tolist(), strict=True)]

    def scores(self, words: np.ndarray, word_ids: np.ndarray, summary: np.ndarray | None) -> dict[str, float]:
        """The exact score of every document by its id."""
        weight = self.settings["summary_weight"] if self.summaries else 0.0
        size = (1 - weight) * np.linalg.norm(words, axis=1).sum() + (weight and weight * np.linalg.norm(summary))
        lexical = self.lexical(words, word_ids)
        scores = {}
        for row, id in self.ids.items():
            products = words @ self.vectors[row].T
            if self.settings["exact_match"]:
                same = (word_ids[:, None] == self.word_ids[row]) & (word_ids[:, None] != 0)
                products = np.where(same, products, 0).clip(min=0)
            windows = self.windows.get(row) or [(np.arange(products.shape[1]), self.summaries.get(row))]
            totals = []
            for chosen, of_window in windows:
                best = products[:, chosen].max(axis=1).sum() if products[:, chosen].size else 0.0
                totals.append((1 - weight) * best + (weight * summary @ of_window if weight else 0))
            scores[id] = float(max(totals) + size * lexical[row])
        return scores

    def lexical(self, words: np.ndarray, word_ids: np.ndarray) -> dict[int, float]:
        """The lexical part of the score of every document by its row, before it is multiplied by the query's size."""
        held = {row: set(ids.tolist()) for row, ids in self.word_ids.items()}
        n_with = {word: sum(word in ids for ids in held.values()) for word in set(word_ids.tolist()) - {0}}
        idf = {word: np.log(1 + (len(held) - n + 0.5) / (n + 0.5)) for word, n in n_with.items()}
        lengths = {word: np.linalg.norm(words[word_ids == word], axis=1).sum() for word in idf}
        weights = {word: np.sqrt(lengths[word]) * idf[word] ** 2 for word in idf}
        weight, total = self.settings["config"].get("lexical_weight", 0.0), sum(weights.values())
        return {
            row: sum(weight * it / total for word, it in weights.items() if word in ids) for row, ids in held.items()
        }


def decoded(file: Path, codec: str, codes: np.ndarray) -> np.ndarray:
    """The vectors of codes, by the codec that was trained."""
    if file.with_suffix(".safetensors").exists():
        return residual_vectors(load_file(file.with_suffix(".safetensors")), codes)
    index = faiss.read_index(str(file.with_suffix(".faiss")))
    if codec in ("Flat", "SQfp16"):
        return codes.view("<f4" if codec == "Flat" else "<f2").astype(np.float32)
    if codec in ("SQ8", "SQ6", "SQ4"):
        low, width = faiss.vector_to_array(index.sq.trained).reshape(2, index.d)
        return low + width * (fields(codes, index.d, int(codec[2])) + 0.5) / (2 ** int(codec[2]) - 1)
    if codec.startswith("PQ"):
        centroids = faiss.vector_to_array(index.pq.centroids).reshape(index.pq.M, 1 << index.pq.nbits, -1)
        return centroids[np.arange(index.pq.M), fields(codes, index.pq.M, index.pq.nbits)].reshape(-1, index.d)
    return index.sa_decode(codes) if len(codes) else np.zeros((0, index.d), np.float32)


def fields(codes: np.ndarray, n: int, bits: int) -> np.ndarray:
    """The first n fields of each code."""
    parts = np.unpackbits(codes, axis=1, bitorder="little")[:, : n * bits].reshape(-1, n, bits)
    return parts @ (1 << np.arange(bits))


def residual_vectors(tensors: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
    levels, n_bytes, k = tensors["levels"], int(tensors["centroid_bytes"][0]), np.arange(len(tensors["levels"]))
    n_levels, per_byte = levels.shape[1], DIMS_A_BYTE[levels.shape[1]]
    number = codes[:, :n_bytes].astype(np.int64) @ (256 ** np.arange(n_bytes))
    digits = codes[:, n_bytes + 1 + k // per_byte] // n_levels ** (k % per_byte) % n_levels
    residuals = codes[:, n_bytes, None].astype(np.float32) / 64 * levels[k, digits]
    return tensors["centroids"][number] + residuals @ tensors["rotation"].T


WORD_IDS = ("word_ids", "word_id_sizes", "vocabulary")
WINDOW_WORDS = ("window_words", "window_word_sizes", "window_positions")


def decoded_lists(folder: Path, counts: np.ndarray, files: tuple[str, str, str] = WORD_IDS) -> np.ndarray:
    """The numbers of ascending lists that have so many each: the ids of a text's words, or a window's words."""
    codes, sizes, vocabulary = (np.load(folder / f"{name}.npy") for name in files)
    sizes = sizes.astype(np.int64)
    if len(vocabulary) < 2:
        return np.full(counts.sum(), vocabulary[0] if len(vocabulary) else 0, np.uint32)
    bits, ids = np.unpackbits(codes, bitorder="little").view(bool), []
    for start, n_words in zip((np.cumsum(sizes) - sizes) * 8, counts, strict=True):
        low, at, position = 0, int(start), 0
        while (2 << low) * max(1, n_words) <= len(vocabulary):
            low += 1
        for _ in range(n_words):
            one = at + int(np.argmax(bits[at:]))
            position += (one - at << low) + int(bits[one + 1 : one + 1 + low] @ (1 << np.arange(low)))
            at = one + 1 + low
            ids.append(vocabulary[position])
    return np.array(ids, np.uint32)
