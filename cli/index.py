"""`wordhive index`: text, or encoded shards, into an index."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordhive.index.quantity import quantity

from . import terminal
from .options.backend import BACKEND_HELP, DEVICE_HELP, checked_backend
from .options.model import ConfigName, MaxTokens, ModelName
from .options.reading import Excludes, Globs, IdColumn, NoGitignore, Strict, TextFieldNames, field_names, reading
from .options.source import checked_input
from .syncing import opened, synced_folder, synchronise

if TYPE_CHECKING:
    from wordhive.index import Index
    from wordhive.retrieval.encoder import Backend, Encoder
    from wordhive.retrieval.retriever import Retriever


def register(app: typer.Typer) -> None:
    app.command("index", rich_help_panel="Search")(index)


def index(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="A folder, a file (text, Markdown, code, HTML, PDF, DOCX, PPTX, EPUB, notebook), a table (JSON lines, "
            "CSV, TSV, Parquet), a BEIR folder, shards by `wordhive encode`, or - for JSON lines on standard input.",
        ),
    ],
    to: Annotated[Path, typer.Option(help="The folder of the index.")],
    model: ModelName = None,
    config: ConfigName = None,
    queries: Annotated[
        str | None,
        typer.Option(help="Queries such as will be asked, to fit the first stage to: JSON lines, TSV, a BEIR folder."),
    ] = None,
    no_texts: Annotated[
        bool, typer.Option("--no-texts", help="Keep no texts: hits have ids and attributes only.")
    ] = False,
    text_fields: TextFieldNames = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add to an index that is there; its ids may not repeat.")
    ] = False,
    upsert: Annotated[
        bool, typer.Option("--upsert", help="Add to an index that is there; replace documents whose ids are there.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a stop: pass over ids that are there.")] = False,
    sync: Annotated[
        bool,
        typer.Option("--sync", help="Make an index equal to a folder: add, replace, move and remove what changed."),
    ] = False,
    globs: Globs = None,
    excludes: Excludes = None,
    no_gitignore: NoGitignore = False,
    id_column: IdColumn = None,
    strict: Strict = False,
    limit: Annotated[int | None, typer.Option(help="Only the first so many documents.", min=1)] = None,
    max_tokens: MaxTokens = None,
    device: Annotated[str, typer.Option(help=DEVICE_HELP)] = "cpu",
    backend: Annotated[str, typer.Option(help=BACKEND_HELP)] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Make an index, or add to one. The whole input is checked before anything is encoded.

    \b
    wordhive index docs.jsonl --to my.hive
    wordhive index ~/papers --to my.hive --exclude 'drafts/'
    wordhive index ~/papers --to my.hive --sync           later: only what changed
    wordhive index more.tsv --to my.hive --append
    wordhive index changed.jsonl --to my.hive --upsert
    cat docs.jsonl | wordhive index - --to my.hive
    wordhive index huge.jsonl.gz --to my.hive            stop it with ctrl-C, then
    wordhive index huge.jsonl.gz --to my.hive --resume
    """
    from wordhive.index import InputError

    there = (to / "catalog.db").exists()
    if there and queries and not resume:
        raise InputError(f"{to} took its queries, or none, when it was made; leave out --queries")
    if there and no_texts and not resume:
        raise InputError(f"{to} keeps texts, or none, as it was made; leave out --no-texts")
    if there and text_fields is not None and not resume:
        raise InputError(f"{to} makes texts of the fields that it was made with; leave out --text-fields")
    if append + upsert + resume + sync > 1:
        raise InputError("--append, --upsert, --resume and --sync say what becomes of ids that are there; give one")
    if there and not (append or upsert or resume or sync):
        raise InputError(
            f"{to} is already an index; add to it with --append, replace with --upsert, go on with --resume, make it "
            "equal to a folder with --sync, or choose another --to"
        )
    how = reading(globs, excludes, no_gitignore, id_column, strict)
    if sync:
        synced = synced_folder(source, limit)
        if there:
            synchronise(synced, to, how, model, config, device, backend, as_json=as_json)
            return
    from wordhive.retrieval import shards
    from wordhive.retrieval.files.inputs import read_queries

    folder = Path(source) if shards.is_shard_folder(Path(source)) else None
    if folder and limit:
        raise InputError("--limit cuts text, not shards; give it to wordhive encode")
    # Everything that may be wrong with the options, before a long input is read.
    run_by = checked_backend(backend)
    retriever = opened(to, model, config, device, run_by) if there else None
    made_by = shards.read_model(folder).name if folder else None
    encoder = retriever.encoder if retriever else _encoder(to, model or made_by, config, run_by, device)
    if max_tokens is not None:
        encoder = encoder.with_max_tokens(max_tokens)
        retriever = retriever and retriever.with_encoder(encoder)
    fields = retriever.index.settings.text_fields if retriever else field_names(text_fields)
    asked = [query.text for query in read_queries(queries)] if queries else None
    go_on = "run the same command again" if upsert else "go on with --resume"
    check_new = _refuse_known(retriever.index) if retriever and append else None
    if folder:
        for part in shards.read_shard_documents(folder):
            if check_new:
                check_new([document.id for document in part])
        retriever = retriever or _created(to, encoder, config, asked, no_texts, fields, device)
        take = partial(shards.index_shards, folder, skip_known=resume, replace=upsert)
        added = _run(retriever, to, there, go_on, take)
    else:
        documents, total = checked_input(source, limit, how.with_fields(fields), check_new)
        retriever = retriever or _created(to, encoder, config, asked, no_texts, fields, device)
        if upsert:
            added = _run(retriever, to, there, go_on, lambda held: held.upsert(documents, total=total))
        else:
            added = _run(retriever, to, there, go_on, lambda held: held.add(documents, skip_known=resume, total=total))
    if as_json:
        terminal.print_json({"index": str(to), "added": added, "documents": len(retriever), **how.as_json()})
    else:
        terminal.say(
            f"{to}: {quantity(added, 'document')} {'written' if upsert else 'added'}, {len(retriever):,} in all"
        )
        terminal.note(f'search it: wordhive search {to} "your query"')
    how.finish()


def _refuse_known(index: Index) -> Callable[[list[str]], None]:
    def check(ids: list[str]) -> None:
        from wordhive.index import InputError

        known = index.known_ids(ids)
        if known:
            example = next(id for id in ids if id in known)
            raise InputError(
                f"document id {example!r} is already in {index.path}; give new ids, pass over those with --resume, or "
                "replace them with --upsert"
            )

    return check


def _encoder(to: Path, model: str | None, config: str | None, backend: Backend, device: str) -> Encoder:
    from wordhive.index import IndexConfig
    from wordhive.index.candidates.gpu import check_device
    from wordhive.index.writing.creation import check_free
    from wordhive.retrieval.encoder import DEFAULT_MODEL
    from wordhive.retrieval.retriever import encoder_of, fitting_config

    check_free(to)
    if config is not None:
        IndexConfig.load(config)
    check_device(device)
    encoder = encoder_of(model or DEFAULT_MODEL, device, backend)
    fitting_config(config, encoder)
    return encoder


def _created(
    to: Path,
    encoder: Encoder,
    config: str | None,
    queries: list[str] | None,
    no_texts: bool,
    text_fields: tuple[str, ...] | None,
    device: str,
) -> Retriever:
    from wordhive.retrieval.retriever import Retriever

    return Retriever.create(
        to,
        encoder,
        config=config,
        queries=queries,
        store_texts=not no_texts,
        text_fields=text_fields,
        device=device,
    )


def _run(retriever: Retriever, to: Path, there: bool, go_on: str, add: Callable[[Retriever], int]) -> int:
    held = 0

    def outcome() -> str:
        return f"safe in {to}: {quantity(held, 'document')}; {go_on}" if there or held else "nothing was written"

    with terminal.stoppable(outcome):
        try:
            return add(retriever)
        except BaseException:
            retriever.index.reload()
            held = len(retriever)
            retriever.index.close()
            if not there and not held:
                # Nothing half-written: an index that got no document was not there before.
                shutil.rmtree(to, ignore_errors=True)
            raise
