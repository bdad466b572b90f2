"""The store: typed operations over the writer and a reader of its own.

Writes go through one thread in order; reads have a thread and a read-only connection of their own,
so that a slow search never delays a webhook.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path
import sqlite3
from typing import Any, Self

from .rows import (
    Batch,
    Loaded,
    ObservationRow,
    OccurrenceRow,
    RequestRow,
    Search,
    WebhookRow,
    WebhookState,
)
from .schema import OpenResult, connect, prepare
from .worker import Writer

QUEUE_BOUND = 10_000
HOLD_SECONDS = 600
RAW_DAYS = 14
OCCURRENCE_DAYS = 90
MAX_BYTES = 500 * 1024 * 1024
_DAY = 86_400
_PURGE_STEP = 500

_REQUEST_COLUMNS = (
    "id, open, frozen, media_type, title, year, requester, stage, requested_at, available_at,"
    " updated_at, rules, summary, detail"
)


class Store:
    """The tracker's database. Everything is awaited from the loop that opened it."""

    def __init__(
        self,
        path: Path,
        result: OpenResult,
        writer: Writer,
        reader: sqlite3.Connection,
        executor: ThreadPoolExecutor,
    ) -> None:
        """Use `Store.open` instead."""
        self.path = path
        self.result = result
        self._writer = writer
        self._reader = reader
        self._executor = executor
        self._release_timer: asyncio.TimerHandle | None = None

    @classmethod
    async def open(cls, path: Path, *, bound: int = QUEUE_BOUND) -> Self:
        """Open or make the database at `path`.

        Raises StoreTooNew, and OSError or sqlite3.Error when the place cannot be used.
        """
        loop = asyncio.get_running_loop()
        executor = ThreadPoolExecutor(1, thread_name_prefix="media_request_tracker reads")

        def work() -> tuple[OpenResult, sqlite3.Connection, sqlite3.Connection]:
            result = prepare(path)
            return result, connect(path), connect(path, read_only=True)

        try:
            result, connection, reader = await loop.run_in_executor(executor, work)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return cls(path, result, Writer(connection, loop, bound), reader, executor)

    async def close(self) -> None:
        """Write what is queued and end both threads."""
        await self.release()

        def work() -> None:
            self._writer.close()
            self._reader.close()

        await asyncio.get_running_loop().run_in_executor(self._executor, work)
        self._executor.shutdown(wait=True)

    async def _read[T](self, question: Callable[[sqlite3.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(
            self._executor, question, self._reader
        )

    # --- Webhooks ------------------------------------------------------------------------------

    async def add_webhook(
        self, entry_id: str, received_at: float, content_type: str, body: bytes
    ) -> int:
        """Keep a raw webhook; returns its id once it is committed. Raises StoreBusy."""

        def job(connection: sqlite3.Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO webhooks (entry_id, received_at, content_type, body)"
                " VALUES (?, ?, ?, ?)",
                (entry_id, received_at, content_type, body),
            )
            return int(cursor.lastrowid or 0)

        return await self._writer.submit(job)

    async def unparsed(self) -> Mapping[str, int]:
        """Return how many unparsable webhooks are kept, by entry."""
        return await self._read(
            lambda connection: dict(
                connection.execute(
                    "SELECT entry_id, count(*) FROM webhooks WHERE state = ? GROUP BY entry_id",
                    (WebhookState.UNPARSED,),
                ).fetchall()
            )
        )

    # --- Facts and requests --------------------------------------------------------------------

    async def write(self, batch: Batch) -> None:
        """Write a batch in one transaction; returns once it is committed. Raises StoreBusy."""
        await self._writer.submit(lambda connection: _write(connection, batch))

    async def load(self) -> Loaded:
        """Return everything that is needed at start."""

        def question(connection: sqlite3.Connection) -> Loaded:
            return Loaded(
                observations=[
                    ObservationRow(*row)
                    for row in connection.execute(
                        "SELECT service, kind, subject, sent, value FROM observations"
                    )
                ],
                occurrences=[
                    OccurrenceRow(*row)
                    for row in connection.execute(
                        "SELECT service, kind, record, at, value FROM occurrences"
                    )
                ],
                frozen=connection.execute(
                    "SELECT id, summary FROM requests WHERE frozen = 1"
                ).fetchall(),
                webhooks=[
                    WebhookRow(*row)
                    for row in connection.execute(
                        "SELECT id, entry_id, received_at, content_type, body FROM webhooks"
                        " WHERE state = ? ORDER BY id",
                        (WebhookState.RECEIVED,),
                    )
                ],
                meta=dict(connection.execute("SELECT key, value FROM meta").fetchall()),
            )

        return await self._read(question)

    async def frozen_facts(self, request: str) -> str | None:
        """Return the facts (JSON) kept aside for a request."""
        row = await self._read(
            lambda connection: connection.execute(
                "SELECT facts FROM frozen_facts WHERE request = ?", (request,)
            ).fetchone()
        )
        return None if row is None else str(row[0])

    async def get(self, request: str) -> RequestRow | None:
        """Return one request as last projected."""
        row = await self._read(
            lambda connection: connection.execute(
                f"SELECT {_REQUEST_COLUMNS} FROM requests WHERE id = ?",  # noqa: S608
                (request,),
            ).fetchone()
        )
        return None if row is None else _request(row)

    async def search(self, search: Search) -> tuple[list[RequestRow], int]:
        """Return a page of the requests that match, latest news first, and how many match."""
        conditions, values = _conditions(search)
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""

        def question(connection: sqlite3.Connection) -> tuple[list[RequestRow], int]:
            (total,) = connection.execute(
                f"SELECT count(*) FROM requests{where}",
                values,  # noqa: S608
            ).fetchone()
            rows = connection.execute(
                f"SELECT {_REQUEST_COLUMNS} FROM requests{where}"  # noqa: S608
                " ORDER BY updated_at DESC, id LIMIT ? OFFSET ?",
                (*values, search.limit, search.offset),
            )
            return [_request(row) for row in rows], total

        return await self._read(question)

    # --- Keeping house -------------------------------------------------------------------------

    async def size(self) -> int:
        """Return the size of the database's files in bytes."""

        def work() -> int:
            files = (self.path, self.path.with_name(f"{self.path.name}-wal"))
            return sum(file.stat().st_size for file in files if file.exists())

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def purge(self, now: float, *, max_bytes: int = MAX_BYTES) -> int:
        """Delete raw webhooks and frozen facts past their time; returns how many rows went.

        A webhook that waits to be parsed is never deleted.
        """
        removed = 0
        while step := await self._writer.submit(_purge_webhooks(now - RAW_DAYS * _DAY)):
            removed += step
        while step := await self._writer.submit(_purge_frozen(now - OCCURRENCE_DAYS * _DAY)):
            removed += step
        while await self._used() > max_bytes:
            step = await self._writer.submit(_purge_webhooks(now))
            if not step:
                break
            removed += step
        return removed

    async def _used(self) -> int:
        def question(connection: sqlite3.Connection) -> int:
            values = [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            ]
            return int((values[0] - values[1]) * values[2])

        return await self._read(question)

    async def hold(self) -> None:
        """Bring the main file up to date and write nothing until `release`: for a backup.

        Released by itself after ten minutes, should nobody call `release`.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self._writer.hold)
        self._release_timer = loop.call_later(HOLD_SECONDS, self._writer.release)

    async def release(self) -> None:
        """Go on writing after `hold`."""
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None
        await asyncio.get_running_loop().run_in_executor(self._executor, self._writer.release)

    @property
    def depth(self) -> int:
        """Return how many writes wait."""
        return self._writer.depth


def _purge_webhooks(before: float) -> Callable[[sqlite3.Connection], int]:
    def job(connection: sqlite3.Connection) -> int:
        return connection.execute(
            "DELETE FROM webhooks WHERE id IN (SELECT id FROM webhooks"
            " WHERE received_at < ? AND state != ? ORDER BY received_at LIMIT ?)",
            (before, WebhookState.RECEIVED, _PURGE_STEP),
        ).rowcount

    return job


def _purge_frozen(before: float) -> Callable[[sqlite3.Connection], int]:
    def job(connection: sqlite3.Connection) -> int:
        return connection.execute(
            "DELETE FROM frozen_facts WHERE request IN (SELECT request FROM frozen_facts"
            " JOIN requests ON requests.id = request WHERE updated_at < ? LIMIT ?)",
            (before, _PURGE_STEP),
        ).rowcount

    return job


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    if search.open is not None:
        conditions.append("open = ?")
        values.append(search.open)
    if search.stages:
        conditions.append(f"stage IN ({', '.join('?' * len(search.stages))})")
        values.extend(search.stages)
    if search.requester is not None:
        conditions.append("requester = ?")
        values.append(search.requester)
    if search.media_type is not None:
        conditions.append("media_type = ?")
        values.append(search.media_type)
    if search.text:
        conditions.append("instr(folded, ?) > 0")
        values.append(search.text.casefold())
    return conditions, values


def _request(row: tuple[Any, ...]) -> RequestRow:
    (
        request,
        is_open,
        frozen,
        media_type,
        title,
        year,
        requester,
        stage,
        requested_at,
        available_at,
        updated_at,
        rules,
        summary,
        detail,
    ) = row
    return RequestRow(
        id=request,
        open=bool(is_open),
        frozen=bool(frozen),
        media_type=media_type,
        title=title,
        year=year,
        requester=requester,
        stage=stage,
        requested_at=requested_at,
        available_at=available_at,
        updated_at=updated_at,
        rules=rules,
        summary=summary,
        detail=detail,
    )


def _write(connection: sqlite3.Connection, batch: Batch) -> None:
    connection.executemany(
        "UPDATE webhooks SET state = ?, note = ? WHERE id = ?",
        [(state, note, id_) for id_, (state, note) in batch.webhooks.items()],
    )
    connection.executemany(
        "INSERT INTO observations (service, kind, subject, sent, value) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET sent = excluded.sent, value = excluded.value"
        " WHERE (excluded.sent, excluded.value) > (sent, value)",
        [astuple(row) for row in batch.observations],
    )
    connection.executemany(
        "INSERT INTO occurrences (service, kind, record, at, value) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET at = excluded.at, value = excluded.value"
        " WHERE (excluded.at, excluded.value) < (at, value)",
        [astuple(row) for row in batch.occurrences],
    )
    connection.executemany(
        f"INSERT OR REPLACE INTO requests ({_REQUEST_COLUMNS}, folded)"  # noqa: S608
        f" VALUES ({', '.join('?' * 15)})",
        [
            (
                row.id,
                row.open,
                row.frozen,
                row.media_type,
                row.title,
                row.year,
                row.requester,
                row.stage,
                row.requested_at,
                row.available_at,
                row.updated_at,
                row.rules,
                row.summary,
                row.detail,
                row.title.casefold(),
            )
            for row in batch.requests
        ],
    )
    for table, key in (("requests", "id"), ("frozen_facts", "request")):
        connection.executemany(
            f"DELETE FROM {table} WHERE {key} = ?",  # noqa: S608
            [(request,) for request in batch.deleted_requests],
        )
    connection.executemany(
        "DELETE FROM observations WHERE service = ? AND kind = ? AND subject = ?",
        batch.deleted_observations,
    )
    connection.executemany(
        "DELETE FROM occurrences WHERE service = ? AND kind = ? AND record = ?",
        batch.deleted_occurrences,
    )
    connection.executemany(
        "INSERT OR REPLACE INTO frozen_facts (request, facts) VALUES (?, ?)",
        list(batch.frozen_facts.items()),
    )
    for request in batch.thawed:
        connection.execute("DELETE FROM frozen_facts WHERE request = ?", (request,))
    connection.executemany(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", list(batch.meta.items())
    )
