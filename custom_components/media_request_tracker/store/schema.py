"""The database file: its tables, its versions, and what happens when it cannot be used as it is.

Migrations run forward only, each in one transaction, after the file was copied aside. A file that
is no sound database is set aside and a fresh one takes its place: the services know the truth.
"""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
import shutil
import sqlite3
from time import time


class StoreError(Exception):
    """The store cannot do what was asked."""


class StoreTooNew(StoreError):
    """The file was written by a later version of the integration."""


class Opened(StrEnum):
    """What opening the file came down to."""

    FRESH = "fresh"
    OPENED = "opened"
    MIGRATED = "migrated"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class OpenResult:
    """How the file was opened, and where a broken one was set aside."""

    opened: Opened
    set_aside: Path | None = None


def _first(connection: sqlite3.Connection) -> None:
    for statement in (
        """CREATE TABLE webhooks (
            id INTEGER PRIMARY KEY AUTOINCREMENT, entry_id TEXT NOT NULL, received_at REAL NOT NULL,
            content_type TEXT NOT NULL, body BLOB NOT NULL, state INTEGER NOT NULL DEFAULT 0,
            note TEXT)""",
        "CREATE INDEX webhooks_by_state ON webhooks (state, entry_id)",
        "CREATE INDEX webhooks_by_time ON webhooks (received_at)",
        """CREATE TABLE observations (
            service TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, sent REAL NOT NULL,
            value TEXT NOT NULL, PRIMARY KEY (service, kind, subject)) WITHOUT ROWID""",
        """CREATE TABLE occurrences (
            service TEXT NOT NULL, kind TEXT NOT NULL, record TEXT NOT NULL, at REAL NOT NULL,
            value TEXT NOT NULL, PRIMARY KEY (service, kind, record)) WITHOUT ROWID""",
        """CREATE TABLE requests (
            id TEXT PRIMARY KEY, open INTEGER NOT NULL, frozen INTEGER NOT NULL,
            media_type TEXT NOT NULL, title TEXT NOT NULL, folded TEXT NOT NULL, year INTEGER,
            requester TEXT, stage TEXT NOT NULL, requested_at REAL, available_at REAL,
            updated_at REAL NOT NULL, rules INTEGER NOT NULL, summary TEXT NOT NULL,
            detail TEXT NOT NULL)""",
        "CREATE INDEX requests_by_update ON requests (updated_at DESC)",
        "CREATE INDEX requests_by_open ON requests (open, updated_at DESC)",
        "CREATE TABLE frozen_facts (request TEXT PRIMARY KEY, facts TEXT NOT NULL)",
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    ):
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first,)
"""Step n brings a file of version n to version n + 1."""


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return a connection set up for this store; the caller manages transactions."""
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 5000")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
    return connection


def prepare(path: Path) -> OpenResult:
    """Make `path` a sound database of the current version.

    Raises StoreTooNew when a later version wrote it, OSError or sqlite3.Error when the place
    cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    existed = path.exists()
    try:
        return _migrate(path, existed=existed)
    except sqlite3.DatabaseError as err:
        if isinstance(err, sqlite3.OperationalError) and not _is_damage(err):
            raise
        aside = set_aside(path)
        _migrate(path, existed=False)
        return OpenResult(Opened.RECOVERED, aside)


def _is_damage(err: sqlite3.OperationalError) -> bool:
    """Return whether an operational error speaks of the file's content, not of its place."""
    return err.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _migrate(path: Path, *, existed: bool) -> OpenResult:
    with closing(connect(path)) as connection:
        if existed:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreTooNew(f"version {version} is later than {len(MIGRATIONS)}")
        if version == len(MIGRATIONS):
            return OpenResult(Opened.OPENED)
        if version:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy2(path, path.with_name(f"{path.name}.v{version}"))
        for step in range(version, len(MIGRATIONS)):
            connection.execute("BEGIN IMMEDIATE")
            try:
                MIGRATIONS[step](connection)
                connection.execute(f"PRAGMA user_version = {step + 1}")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
    return OpenResult(Opened.MIGRATED if version else Opened.FRESH)


def set_aside(path: Path) -> Path:
    """Move a database and its companions out of the way; return where it went."""
    aside = path.with_name(f"{path.name}.corrupt-{int(time())}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside
