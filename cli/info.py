"""`wordhive info`: what an index holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from wordhive.index.quantity import quantity

from . import terminal

if TYPE_CHECKING:
    from wordhive.index import IndexConfig
    from wordhive.index.maintenance.coding import Coding
    from wordhive.index.maintenance.info import IndexInfo

Told = TypeVar("Told")


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel="Search")(info)


def info(
    index: Annotated[Path, typer.Argument(help="The folder of an index.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show what an index holds, who made it, and where its bytes are.

    \b
    wordhive info my.hive
    """
    from wordhive.index import Index
    from wordhive.index.maintenance.drift import HIGH

    opened = Index.open(index)
    found, coding = opened.info(), _told(opened.coding)
    spread, drift = _told(opened.intrinsic_dimension), _told(opened.drift)
    if as_json:
        sums = {
            "bytes_without_texts": found.bytes_without_texts,
            "bytes_of_documents": found.bytes_of_documents,
            "times_plain_text": found.times_plain_text(found.bytes_without_texts),
            "times_plain_text_without_parameters": found.times_plain_text(found.bytes_of_documents),
        }
        tuned = {"candidates": opened.settings.candidates, "probes": opened.settings.probes}
        fields = {"text_fields": opened.settings.text_fields}
        more = {"coding": coding, "intrinsic_dimension": spread, "drift": drift}
        terminal.print_json({**terminal.plain_value(found), **sums, **more, **tuned, **fields})
        return
    n = max(found.n_documents, 1)
    terminal.say(found.path, bold=True)
    gone = f", {found.n_deleted:,} deleted and not compacted" if found.n_deleted else ""
    terminal.say(f"documents  {found.n_documents:,} in {quantity(found.n_segments, 'segment')}{gone}")
    terminal.say(f"words      {found.n_words:,}, {found.n_words / n:.1f} a document, {quantity(found.dim, 'dim')}")
    if found.exact_match:
        terminal.say("matching   identical words only")
    share = f", {found.summary_weight:.2f} of the score" if found.summary_dim else ""
    terminal.say(f"summary    {quantity(found.summary_dim, 'dim') if found.summary_dim else 'none'}{share}")
    if opened.settings.text_fields is not None:
        terminal.say(f"fields     {', '.join(opened.settings.text_fields)} make the text")
    if found.config.lexical_weight:
        terminal.say(f"lexical    {found.config.lexical_weight:g} of what vectors can give, for all words of a query")
    terminal.say(f"encoder    {found.encoder or 'none: vectors made elsewhere'}")
    for line in _stages(found, coding):
        terminal.say(line)
    if opened.settings.candidates is not None:
        all_are = coding is not None and 0 < coding.n_unencoded == found.n_documents
        first = "all, while there is no first stage; then " if all_are else ""
        terminal.say(f"candidates {first}{opened.settings.candidates:,} a search, as it was tuned")
    if opened.settings.probes is not None:
        terminal.say(f"probes     {opened.settings.probes:,}, lists or places in a graph, as it was tuned")
    if drift is not None:
        advice = (
            f": later documents differ from those it was fitted to; wordhive refit {index}" if drift >= HIGH else ""
        )
        terminal.say(f"drift      {drift:.2f}{advice}")
    if spread is not None:
        terminal.say(f"spread     in {spread:.1f} dimensions around a document; more of them want more candidates")
    terminal.print_table(["part", "size", "bytes a document", "of the plain text"], _sizes(found))


def _sizes(info: IndexInfo) -> list[list[str]]:
    """Two sums, since on a small collection what is stored once is most of it, and on a large one next to nothing."""
    sums = {
        "all but texts": info.bytes_without_texts,
        "… and parameters": info.bytes_of_documents,
        "total": info.total_bytes,
        "(plain text)": info.text_bytes,
    }
    return [_row(info, part, size) for part, size in {**info.bytes, **sums}.items()]


def _row(info: IndexInfo, part: str, size: int) -> list[str]:
    times = info.times_plain_text(size)
    share = "–" if times is None else f"{times:.2f} ×"
    return [part, terminal.size(size), f"{size / max(info.n_documents, 1):,.1f}", share]


def _told(measure: Callable[[], Told]) -> Told | None:
    from wordhive.index import WordhiveError

    try:
        return measure()
    except WordhiveError as error:  # of a damaged index, all the rest can still be told
        terminal.note(f"warning: {error}")
        return None


def _stages(info: IndexInfo, coding: Coding | None) -> list[str]:
    """What documents are coded by now, and what they will be by, where they are too few for it."""
    if coding is None or coding.used is None:
        return [f"stages     {_first_stage(info, info.config)}; {_codecs(info, info.config)}", *_later(info, coding)]
    used = coding.used
    waits = used.encoding is None and info.config.encoding is not None
    first = "none yet: every search scores all documents" if waits else _first_stage(info, used)
    lines = [f"stages     {first}; {_codecs(info, used)}"]
    if coding.n_unencoded and used.encoding is not None:
        lines.append(
            f"           {quantity(coding.n_unencoded, 'document')} came before it, scored by every search; "
            f"wordhive compact {info.path}"
        )
    return lines + _later(info, coding)


def _later(info: IndexInfo, coding: Coding | None) -> list[str]:
    if coding is None:
        return []
    now, asked = coding.used, info.config
    waiting: dict[int, list[str]] = {}
    if asked.encoding is not None and (now is None or now.encoding is None) and coding.first_stage_from > 1:
        waiting.setdefault(coding.first_stage_from, []).append(_first_stage(info, asked))
    codecs = (asked.codec, asked.summary_codec)
    if (now is None or (now.codec, now.summary_codec) != codecs) and coding.codecs_from > 1:
        waiting.setdefault(coding.codecs_from, []).append(_codecs(info, asked))
    return [f"           from {n:,} documents on: {'; '.join(parts)}" for n, parts in sorted(waiting.items())]


def _codecs(info: IndexInfo, config: IndexConfig) -> str:
    from wordhive.index.faiss.faiss_factory import filled

    words = filled(config.codec, info.dim) if info.dim else config.codec
    if not info.summary_dim:
        return f"words {words}"
    return f"words {words}, summary {filled(config.summary_codec, info.summary_dim)}"


def _first_stage(info: IndexInfo, config: IndexConfig) -> str:
    from wordhive.index.faiss.faiss_factory import filled

    if config.encoding is None:
        return "none: every search scores all documents"
    names = {"muvera": "MUVERA", "fitted": "fitted encoding", "summary": "the summary"}
    reduced = f" reduced to {config.reduction.dims} dims" if config.reduction else ""
    dim = config.reduction.dims if config.reduction else info.summary_dim if config.encoding.family == "summary" else 0
    return f"{names[config.encoding.family]}{reduced}, {filled(config.candidates, dim) if dim else config.candidates}"
