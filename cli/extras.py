"""Which extra of wordhive brings a package that is missing."""

from __future__ import annotations

_EXTRAS = {
    "torch": "torch transformers sentence_transformers",
    "eval": "ranx ir_datasets bm25s scipy",
    "train": "accelerate datasets peft tensorboard",
    "files": "lxml pypdfium2",
    "parquet": "pyarrow",
    "openvino": "openvino",
}


def missing_package(error: Exception) -> str | None:
    """What to install, in one line; None for an error of another kind, or of a package that no extra brings."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    for extra, packages in _EXTRAS.items():
        if package in packages.split():
            return f"this needs the package {package}, which is not installed: pip install 'wordhive[{extra}]'"
    return None
