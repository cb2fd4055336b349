"""Models on disk and on the hub: found offline where possible, loaded without running foreign code.

A wordhive model folder has sentence-transformers' layout. It may leave out the transformer's weights and name a
published base model instead (`base_model.json`), which makes a projection of 200 KB a model of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sentence_transformers
import transformers
from sentence_transformers import CrossEncoder, MultiVectorEncoder, SentenceTransformer
from sentence_transformers.base.modules import Transformer
from sentence_transformers.base.modules.module import Module
from sentence_transformers.util import import_from_string, load_file_path

from wordhive.index import InputError, WordhiveError

from .colberter import ColBERTerConfig, colberter_modules, is_colberter
from .model_places import find_base, find_model, hub_answers, lasting_name, unreachable
from .weight_changes import apply_changes, save_changes

_BASE_FILE = "base_model.json"
_CHANGES_FILE = "changes.safetensors"
_OWN_MODULES = "wordhive.retrieval.modules."
_TRUSTED = ("sentence_transformers.", _OWN_MODULES)


def load_model(name: str, device: str | None = None) -> MultiVectorEncoder:
    """A multi-vector encoder by name: a shipped model, a local folder, or a model on the hub; published ColBERTers too.

    Raises:
        InputError: A name that leads nowhere, a single-vector model, or a folder whose modules are neither
            sentence-transformers' nor wordhive's.
        WordhiveError: The hub is out of reach.
    """
    source = find_model(name)
    with _quiet(), _load_errors(name):
        entries = _read_json(source, "modules.json")
        try:
            types = [str(entry["type"]) for entry in entries or []]
        except (KeyError, TypeError) as error:
            raise InputError(f"modules.json of {name} is damaged ({error!r}); get the model again") from error
        if any(type.startswith("wordhive.") for type in types):
            return _load_own(source, entries, device)
        if not types and is_colberter(config := _read_json(source, "config.json")):
            return _load_colberter(ColBERTerConfig.parse(config, name), source, device)
        _refuse_single_vector(source, name)
        return MultiVectorEncoder(source, device=device, local_files_only=_offline(source))


def is_own_model(name: str) -> bool:
    """Whether a local folder holds a model with modules of wordhive's."""
    path = Path(lasting_name(name)) / "modules.json"
    return path.is_file() and any(
        entry["type"].startswith(_OWN_MODULES) for entry in _read_json(str(path.parent), path.name)
    )


def is_cross_encoder(name: str) -> bool:
    """Whether a model, in a local folder or on the hub, scores pairs of texts."""
    with _quiet(), _load_errors(name):
        architectures = (_read_json(find_base(name), "config.json") or {}).get("architectures") or []
        return any(str(architecture).endswith("ForSequenceClassification") for architecture in architectures)


def load_cross_encoder(name: str) -> CrossEncoder:
    """A model that scores pairs of texts, in a local folder or on the hub."""
    with _quiet(), _load_errors(name):
        source = find_base(name)
        model: CrossEncoder = CrossEncoder(source, local_files_only=_offline(source))
        return model


def load_dense(name: str) -> SentenceTransformer:
    """A model that gives one vector a text: a local folder, an installed package that carries it, or on the hub."""
    with _quiet(), _load_errors(name):
        source = find_base(name)
        if not Path(source).is_dir() and source.startswith((".", "/", "~")):
            raise InputError(f"no model folder at {source}; give a folder, or a name on the hub")
        return SentenceTransformer(source, local_files_only=_offline(source))


def load_base(name: str) -> Transformer:
    """The transformer of a base model: a local folder, an installed package that carries it, or the hub."""
    with _quiet(), _load_errors(name):
        source = find_base(name)
        if _read_json(source, "config.json") is None:
            if not Path(source).is_dir():
                raise unreachable(name)
            raise InputError(f"{name} holds no transformer (no config.json); give a model folder or a hub name")
        transformer: Transformer = Transformer.load(source, local_files_only=_offline(source))
        return transformer


def check_new_folder(folder: Path) -> None:
    """Raise InputError for a folder that holds something."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; choose another folder for the model")


def save_model(model: MultiVectorEncoder, folder: Path, base: str | None = None) -> None:
    """Write a model in the hub layout.

    Args:
        base: A published transformer whose name stands in for its weights, with what training changed of them
            beside it.
    """
    check_new_folder(folder)
    published = None if base is None else load_base(base)
    folder.mkdir(parents=True, exist_ok=True)
    if base is None or published is None:
        with _quiet():
            model.save(str(folder), create_model_card=False)
        return
    entries = []
    for position, (name, module) in enumerate(model.named_children()):
        kind = type(module)
        path = "" if position == 0 else f"{position}_{kind.__name__}"
        entries.append({"idx": position, "name": name, "path": path, "type": f"{kind.__module__}.{kind.__name__}"})
        if position:
            (folder / path).mkdir()
            assert isinstance(module, Module)
            module.save(str(folder / path))
    transformer = model[0]
    assert isinstance(transformer, Transformer)
    save_changes(transformer.model, published.model, folder / _CHANGES_FILE)
    lengths = {key: getattr(transformer, key) for key in ("max_seq_length", "query_length", "document_length")}
    _write_json(folder / _BASE_FILE, {"name": lasting_name(base), **lengths})
    _write_json(folder / "modules.json", entries)
    config = {"model_type": "MultiVectorEncoder", "prompts": model.prompts, "similarity_fn_name": "maxsim"}
    config["__version__"] = {"sentence_transformers": sentence_transformers.__version__}
    _write_json(folder / "config_sentence_transformers.json", config)


def _load_own(source: str, entries: list[dict[str, Any]], device: str | None) -> MultiVectorEncoder:
    modules = []
    for entry in entries:
        kind = _module_class(entry["type"], source)
        base = _read_json(source, _BASE_FILE) if issubclass(kind, Transformer) else None
        if base is None:
            modules.append(kind.load(source, subfolder=entry["path"], local_files_only=_offline(source)))
            continue
        transformer = load_base(base.pop("name"))
        changes = load_file_path(source, _CHANGES_FILE, local_files_only=_offline(source))
        if changes is not None:
            apply_changes(transformer.model, Path(changes))
        for key, value in base.items():
            setattr(transformer, key, value)
        modules.append(transformer)
    config = _read_json(source, "config_sentence_transformers.json") or {}
    prompts = {task: prompt for task, prompt in (config.get("prompts") or {}).items() if prompt is not None}
    return MultiVectorEncoder(modules=modules, prompts=prompts, device=device, similarity_fn_name="maxsim")


def _load_colberter(config: ColBERTerConfig, source: str, device: str | None) -> MultiVectorEncoder:
    # Tensors only: from safetensors, or from torch's format with weights_only.
    weights: Any = Module.load_torch_weights(source, local_files_only=_offline(source))
    modules = colberter_modules(config, weights, load_base(config.base), source)
    return MultiVectorEncoder(modules=modules, device=device, similarity_fn_name="maxsim")


def _module_class(reference: str, source: str) -> type[Module]:
    # A name from a file decides what is imported: only from packages that are known to be harmless.
    if not reference.startswith(_TRUSTED):
        raise InputError(
            f"{source} asks for the class {reference!r}; wordhive loads modules of sentence_transformers and "
            "wordhive only, and never runs code that comes with a model"
        )
    try:
        kind = import_from_string(reference)
    except ImportError as error:
        raise InputError(
            f"{source} asks for {reference!r}, which this version does not have; update wordhive"
        ) from error
    if not (isinstance(kind, type) and issubclass(kind, Module)):
        raise InputError(f"{source} asks for {reference!r}, which is no sentence-transformers module")
    return kind


def _refuse_single_vector(source: str, name: str) -> None:
    config = _read_json(source, "config_sentence_transformers.json")
    architectures = (_read_json(source, "config.json") or {}).get("architectures") or []
    late = any(architecture == "HF_ColBERT" or architecture.endswith("ForRetrieval") for architecture in architectures)
    if late or (config or {}).get("model_type") in {"ColBERT", "MultiVectorEncoder"}:
        return
    if config is None and not architectures:
        if not Path(source).is_dir():
            raise unreachable(name)
        raise InputError(f"{name} holds no model (no config.json); give a model folder, or a name on the hub")
    raise InputError(
        f"{name} gives one vector a text, not one a word; fit a whole-word model on it first: "
        f"wordhive fit {name} --texts FILE --to FOLDER"
    )


def _read_json(source: str, name: str) -> Any:
    path = load_file_path(source, name, local_files_only=_offline(source))
    try:
        return None if path is None else json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}); get the model again") from error


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


@contextmanager
def _load_errors(name: str) -> Iterator[None]:
    try:
        yield
    except WordhiveError:
        raise
    except OSError as error:
        raise unreachable(name) from error
    except Exception as error:
        # A folder of anything is tried; what transformers and torch raise for it has no common kind.
        reason = " ".join(str(error).split())[:300]
        raise InputError(f"cannot load the model {name!r}: {type(error).__name__}: {reason}") from error


def _offline(source: str) -> bool:
    """Whether only files that are here can serve: a folder's, or the hub's cache."""
    return Path(source).is_dir() or not hub_answers()


@contextmanager
def _quiet() -> Iterator[None]:
    # Transformers draws a bar for reading 90 MB; a search should print its hits.
    bars = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()  # type: ignore[no-untyped-call]
