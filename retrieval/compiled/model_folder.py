"""What a model folder says, read without torch: modules, weights, lengths, prompts.

Folders of three kinds are read: wordhive's own, those of sentence-transformers' `MultiVectorEncoder` and of PyLate, and
checkpoints of Stanford's ColBERT. What torch makes of a folder is the measure: a folder that says something else than
what is known here is refused as `Uncompilable`, and torch runs it.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wordhive.index import InputError

from ..checkpoints.model_places import downloaded_base, find_base, unreachable
from .bert_weights import apply_changes, bert_config, bert_weights, named
from .model_files import Uncompilable, Weights, read_json, read_tensors
from .module_settings import KINDS, ModuleSettings, kind_of

_LENGTHS = ("query_length", "document_length", "query_expansion")
_PYLATE_KEYS = (
    *_LENGTHS, "do_query_expansion", "attend_to_expansion_tokens", "attend_to_mask_tokens", "query_prefix",
    "document_prefix", "skiplist_words",
)  # fmt: skip
# What `sentence_bert_config.json` may say beside lengths, and does not change what is computed.
_USUAL: dict[str, tuple[Any, ...]] = {
    "transformer_task": ("feature-extraction",),
    "module_output_name": ("token_embeddings",),
    "modality_config": ({"text": {"method": "forward", "method_output_name": "last_hidden_state"}},),
    "unpad_inputs": (None, False),
    "processing_kwargs": (None, {}),
    "do_lower_case": (False,),
}


@dataclass(frozen=True)
class Lengths:
    """How many tokens a model reads of a text.

    Attributes:
        max_seq_length: Of any text.
        query_length: Of a query, None for that of any text.
        document_length: Of a document, None for that of any text.
        query_expansion: How ColBERT fills up a query: `strategy`, `attend`, `token`, `length`; None where not at all.
    """

    max_seq_length: int
    query_length: int | None = None
    document_length: int | None = None
    query_expansion: dict[str, Any] | None = None


@dataclass(frozen=True)
class ModelFolder:
    """The folders of a model, before anything large is read.

    Attributes:
        folder: The model's own.
        base: The transformer's: the same, or that of its base model.
        entries: Modules as `modules.json` lists them; none for a checkpoint of Stanford's ColBERT.
        base_name: As `base_model.json` names the base; None where the folder holds the transformer.
        lengths: What `base_model.json` says of lengths.
    """

    folder: Path
    base: Path
    entries: list[dict[str, Any]]
    base_name: str | None = None
    lengths: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> ModelFolder:
        """A model by its folder.

        Raises:
            Uncompilable: torch is needed for it.
            InputError: A damaged file.
            WordhiveError: Its base model is not here.
        """
        entries = read_json(folder / "modules.json") or []
        if not isinstance(entries, list) or any(not isinstance(entry, dict) for entry in entries):
            raise InputError(f"modules.json of {folder} is damaged; get the model again")
        if any(not {"name", "path", "type"} <= entry.keys() for entry in entries):
            raise InputError(f"modules.json of {folder} is damaged (a module without name, path or type)")
        lengths = read_json(folder / "base_model.json") if _is_own(entries) else None
        if lengths is None:
            return cls(folder, folder, entries)
        name = str(lengths.pop("name"))
        found = find_base(name, check=False)
        base = Path(found) if Path(found).is_dir() else downloaded_base(found)
        if base is None:
            raise unreachable(name)
        return cls(folder, base, entries, name, lengths)

    def stamp(self) -> list[tuple[str, int, int]]:
        """Path, size and time of change of each file that the model is read from."""
        found = []
        for folder in dict.fromkeys((self.folder, self.base)):
            for path in sorted(folder.rglob("*")):
                if path.suffix in {".json", ".safetensors", ".metadata", ".txt", ".bin"} and path.is_file():
                    about = path.stat()
                    found.append((str(path), about.st_size, about.st_mtime_ns))
        return found

    def read(self) -> ModelParts:
        """All that the model computes with.

        Raises:
            Uncompilable: torch is needed for it.
            InputError: A damaged file.
            WordhiveError: Packaged weights are not the published ones.
        """
        if self.base_name is not None:
            find_base(self.base_name)  # which reads packaged weights, whether they are the published ones
        config = bert_config(self.base)
        kind = read_json(self.folder / "config_sentence_transformers.json") or {}
        if not self.entries:
            if "HF_ColBERT" not in (read_json(self.folder / "config.json") or {}).get("architectures", []):
                raise Uncompilable("it is no multi-vector model")
            return self._stanford(config)
        if not _is_own(self.entries) and kind.get("model_type") not in {"MultiVectorEncoder", "ColBERT"}:
            raise Uncompilable("it is no multi-vector model")
        first, *others = self.entries
        if kind_of(first["type"]) != "Transformer" or first["path"]:
            raise Uncompilable("it does not begin with a transformer")
        pylate = PyLate({}, {}, (), None) if _is_own(self.entries) else PyLate.of(kind)
        modules: list[ModuleSettings] = []
        weights = bert_weights(self.base, config)
        if (self.folder / "changes.safetensors").is_file() and self.base_name is not None:
            apply_changes(weights, self.folder / "changes.safetensors")
        weights = named(weights, str(first["name"]))
        for entry in others:
            module, own = self._module(entry, token_level=not _is_own(self.entries))
            modules.append(module)
            weights |= own
        if kind.get("model_type") == "ColBERT":
            skiplist = list(string.punctuation) if pylate.skiplist is None else pylate.skiplist
            modules += _endings(len(modules) + 1, skiplist)
        prompts = {"query": None, "document": None} | (kind.get("prompts") or {}) | pylate.prompts
        return ModelParts(
            config, self._lengths(config, pylate.lengths), {task: prompt or "" for task, prompt in prompts.items()},
            modules, weights, self.base, pylate.markers,
        )  # fmt: skip

    def _stanford(self, config: dict[str, Any]) -> ModelParts:
        about = read_json(self.folder / "artifact.metadata") or {}
        markers = {
            "query": (about.get("query_token_id") or "[unused0]") + " ",
            "document": (about.get("doc_token_id") or "[unused1]") + " ",
        }
        lengths = {
            "document_length": about.get("doc_maxlen"),
            "query_expansion": {
                "strategy": "fixed", "attend": bool(about.get("attend_to_mask_tokens")),
                "token": None, "length": about.get("query_maxlen") or 32,
            },
        }  # fmt: skip
        skiplist = list(string.punctuation) if about.get("mask_punctuation", True) else []
        head = read_tensors(self.folder / "model.safetensors", lambda name: name == "linear.weight")
        if "linear.weight" not in head:
            raise Uncompilable("it has no linear.weight")
        out, dim = head["linear.weight"].shape
        dense = KINDS["Dense"].read(
            {"in_features": dim, "out_features": out, "bias": False, "module_input_name": "token_embeddings",
             "activation_function": "torch.nn.modules.linear.Identity"}
        )  # fmt: skip
        modules = [ModuleSettings("1", "Dense", dense), *_endings(2, skiplist)]
        weights = named(bert_weights(self.base, config), "0") | {"1.linear.weight": head["linear.weight"]}
        return ModelParts(
            config, self._lengths(config, lengths), markers, modules, weights, self.base, tuple(markers.values())
        )

    def _module(self, entry: dict[str, Any], *, token_level: bool) -> tuple[ModuleSettings, Weights]:
        kind, folder = kind_of(entry["type"]), self.folder / entry["path"]
        if kind not in KINDS:
            raise Uncompilable(f"it has a module {entry['type']!r}")
        given = read_json(folder / "config.json") or {}
        if kind == "Dense" and token_level:
            given = {"module_input_name": "token_embeddings"} | given
        settings = KINDS[kind].read(given)
        name = str(entry["name"])
        own: Weights = {}
        shapes = KINDS[kind].weights
        if shapes is not None:
            if not (folder / "model.safetensors").is_file():
                raise Uncompilable(f"its {entry['path']} holds no model.safetensors")
            own = read_tensors(folder / "model.safetensors")
            expected = shapes(settings)
            if {key: array.shape for key, array in own.items()} != expected:
                raise InputError(f"{folder / 'model.safetensors'} has other weights than its config.json says")
        return ModuleSettings(name, kind, settings), {f"{name}.{key}": array for key, array in own.items()}

    def _lengths(self, config: dict[str, Any], given: dict[str, Any]) -> Lengths:
        of_folder = read_json(self.base / "sentence_bert_config.json") if self.entries else None
        saved = of_folder or {}
        for key, value in saved.items():
            if key not in ("max_seq_length", *_LENGTHS) and value not in _USUAL.get(key, ()):
                raise Uncompilable(f"its sentence_bert_config.json has {key} {value!r}")
        longest = saved.get("max_seq_length")
        if longest is None:
            about = read_json(self.base / "tokenizer_config.json") or {}
            longest = min(int(about.get("model_max_length") or 10**30), config["max_position_embeddings"])
        lengths = {key: given.get(key) for key in _LENGTHS} | {key: saved[key] for key in _LENGTHS if key in saved}
        if self.base_name is not None:
            longest = self.lengths.get("max_seq_length", longest)
            lengths |= {key: self.lengths[key] for key in _LENGTHS if key in self.lengths}
        expansion = lengths["query_expansion"]
        if expansion is not None:
            lengths["query_expansion"] = {"attend": False, "token": None} | expansion
        return Lengths(int(longest), **lengths)


@dataclass(frozen=True)
class ModelParts:
    """All that a model computes with.

    Attributes:
        transformer: BERT's settings: `config.json`, without what is not used.
        lengths: How much it reads of a text.
        prompts: What stands before a text of each task.
        modules: What comes behind the transformer, in order.
        weights: float32, named as torch names them.
        tokenizer: The folder with the tokenizer's files.
        markers: Prompts whose first token is a single one, though the tokenizer does not know it.
    """

    transformer: dict[str, Any]
    lengths: Lengths
    prompts: dict[str, str]
    modules: list[ModuleSettings]
    weights: Weights
    tokenizer: Path
    markers: tuple[str, ...]


def _is_own(entries: list[dict[str, Any]]) -> bool:
    return any(str(entry["type"]).startswith("wordhive.") for entry in entries)


def _endings(first: int, skiplist: list[str]) -> list[ModuleSettings]:
    """What torch appends to a checkpoint that lists only a transformer and a projection."""
    mask = KINDS["MultiVectorMask"].read({"skiplist_words": skiplist})
    unit = KINDS["Normalize"].read({"module_input_name": "token_embeddings"})
    return [ModuleSettings(str(first), "MultiVectorMask", mask), ModuleSettings(str(first + 1), "Normalize", unit)]


@dataclass(frozen=True)
class PyLate:
    """What PyLate wrote into `config_sentence_transformers.json`.

    Attributes:
        lengths: As `Lengths` has them.
        prompts: Each with its marker.
        markers: The tokens that PyLate inserts, as text.
        skiplist: Words of documents that are no matches; None for what is usual.
    """

    lengths: dict[str, Any]
    prompts: dict[str, str]
    markers: tuple[str, ...]
    skiplist: list[str] | None

    @classmethod
    def of(cls, config: dict[str, Any]) -> PyLate:
        """Read `config_sentence_transformers.json`."""
        saved, prompts, markers = config.get("prompts") or {}, {}, []
        for task in ("query", "document"):
            if f"{task}_prefix" in config:
                marker = config[f"{task}_prefix"] or ""
                markers.append(marker)
                prompts[task] = marker + (saved.get(task) or "").removeprefix(marker)
        lengths = {
            key: config[key]
            for key in _LENGTHS
            if key in config and (config[key] is not None or key == "query_expansion")
        }
        if "query_expansion" not in lengths and any(key in config for key in _PYLATE_KEYS):
            if config.get("do_query_expansion") is False:
                lengths["query_expansion"] = None
            else:
                attend = config.get("attend_to_expansion_tokens", config.get("attend_to_mask_tokens"))
                length = lengths.pop("query_length", None) or 32
                lengths["query_expansion"] = {"strategy": "fixed", "attend": bool(attend), "length": length}
        return cls(lengths, prompts, tuple(markers), config.get("skiplist_words"))
