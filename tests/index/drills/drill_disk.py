"""The steps that a writer takes on the disk, counted, so that a drill can strike at any one of them."""

from __future__ import annotations

import builtins
import io
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_EVENTS = {"os.rename": "rename", "os.remove": "unlink", "os.rmdir": "rmdir", "os.mkdir": "mkdir"}


class Disk:
    """All steps of this process on files below `path`, while it is `on`: their names, in order, in `steps`.

    strike: called with a step's name before the step numbered `at` is taken, and if it `lasts` before each one that
    follows. It may kill or raise.
    """

    def __init__(self, path: Path, strike: Callable[[str], None], at: int, *, lasts: bool = False) -> None:
        self.steps: list[str] = []
        self.on = False
        self._path, self._strike, self._at, self._lasts = str(path), strike, at, lasts

    def watch(self) -> None:
        """Get between this process and its disk, for as long as it lives: Python's audit hooks can't be taken away."""
        sys.addaudithook(self._audit)
        fsync, connect, opened = os.fsync, sqlite3.connect, io.open

        def watched_fsync(descriptor: int) -> None:
            self._step("fsync")
            fsync(descriptor)

        def watched_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            if not {"w", "x"} & set(mode) or not str(file).startswith(self._path):
                return opened(file, mode, *rest, **options)
            raw = io.BufferedWriter(_File(file, mode.replace("b", "") + "b", self._step))
            return raw if "b" in mode else io.TextIOWrapper(raw, encoding="utf-8")

        def watched_connect(*values: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(*values, **{"factory": _Connection, **options})
            connection.step = self._step
            return connection

        os.fsync, sqlite3.connect = watched_fsync, watched_connect
        io.open = builtins.open = watched_open
        self.on = True

    def _audit(self, event: str, values: tuple[Any, ...]) -> None:
        if not values or not str(values[0]).removeprefix("file://").startswith(self._path):
            return
        if event == "open" and values[2] & _WRITING:
            self._step("open")
        elif event in _EVENTS:
            self._step(_EVENTS[event])

    def _step(self, name: str) -> None:
        if not self.on:
            return
        number = len(self.steps)
        self.steps.append(name)
        if number == self._at or (self._lasts and number > self._at):
            self._strike(name)


class _File(io.FileIO):
    def __init__(self, path: Any, mode: str, step: Callable[[str], None]) -> None:
        super().__init__(path, mode)
        self._step = step

    def write(self, data: Any) -> Any:
        self._step("write")
        return super().write(data)


class _Connection(sqlite3.Connection):
    step: Callable[[str], None]

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._told(sql)
        return super().execute(sql, *values)

    def executemany(self, sql: str, *values: Any) -> sqlite3.Cursor:
        self._told(sql)
        return super().executemany(sql, *values)

    def executescript(self, sql: str) -> sqlite3.Cursor:
        self._told(sql)
        return super().executescript(sql)

    def _told(self, sql: str) -> None:
        # Taking a transaction back writes nothing, and so can't fail.
        if not sql.startswith(("SELECT", "ROLLBACK")) and hasattr(self, "step"):
            self.step(f"sqlite {' '.join(sql.split()[:2])}")
