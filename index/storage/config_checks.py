"""Whether a configuration fits the index that it is for."""

from __future__ import annotations

from pathlib import Path

from ..codecs import check_codec, decodes
from ..config import FittedConfig, IndexConfig, SummaryConfig
from ..errors import InputError


def check_decodes(config: IndexConfig) -> None:
    """Raise InputError for a codec whose codes can't be decoded to vectors that give the same scores."""
    for codec in (config.codec, config.summary_codec):
        if not decodes(codec):
            check_codec(codec, 1)


def config_for(config: IndexConfig | str | Path | None, *, exact_match: bool) -> IndexConfig:
    """The configuration that is given, as one, by a preset's name or as a YAML file; or the default one.

    Raises:
        InputError: There is no such preset or file, or it does not fit scores of identical words only.
    """
    if config is None:
        config = IndexConfig.default(exact_match=exact_match)
    elif not isinstance(config, IndexConfig):
        config = IndexConfig.load(config)
    if exact_match:
        check_fits_exact_match(config)
    return config


def check_fits_exact_match(config: IndexConfig) -> None:
    """Raise InputError for a configuration that does not fit scores where only identical words match."""
    if not config.word_ids:
        raise InputError("word_ids is false, but only identical words match here, by their ids; leave it true")
    if config.encoding is not None and not isinstance(config.encoding, SummaryConfig):
        raise InputError(
            f"a {config.encoding.family} first stage approximates the best of all pairs of words, and here only "
            "identical words match; take preset summary, or exact to score every document"
        )


def check_fits_queries(config: IndexConfig) -> None:
    """Raise InputError where queries make no difference to what the configuration asks for."""
    reduced = config.reduction is not None and config.reduction.method == "query-aware"
    if not isinstance(config.encoding, FittedConfig) and not (config.encoding is not None and reduced):
        other = "" if isinstance(config.encoding, SummaryConfig) else ", or take preset default or small"
        raise InputError(f"this configuration fits nothing to queries; leave them out{other}")
