"""Whether the scores of a model's vectors can have a lexical part."""

from __future__ import annotations

from wordhive.index import IndexConfig
from wordhive.index.config import preset_names
from wordhive.index.errors import warn

from ..encoder import Encoder


def with_fitting_weight(config: IndexConfig, encoder: Encoder) -> IndexConfig:
    """The configuration; without a lexical part, where a model knows no words, or compares nothing but words.

    A warning says so, unless the configuration is a preset.
    """
    if not config.lexical_weight or (encoder.pooling is not None and not encoder.exact_match):
        return config
    if all(config != IndexConfig.load(preset) for preset in preset_names()):
        reason = "gives one vector a token" if encoder.pooling is None else "matches identical words only"
        warn(f"lexical_weight {config.lexical_weight:g} is left out: the model {encoder.name} {reason}")
    return config.model_copy(update={"lexical_weight": 0.0})
