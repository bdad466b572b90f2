"""The writer: one thread that owns the write connection and commits in groups.

Jobs queue up to a bound; the thread takes what is there, runs it in one transaction, commits, and
only then answers. A job that fails is rolled back alone (a savepoint each) and answers with its
error; when the commit itself fails, everybody in the group hears of it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
import sqlite3
from threading import Condition, Thread
from typing import Any

from .schema import StoreError

GROUP = 256
"""Most jobs in one transaction."""


class StoreBusy(StoreError):
    """The queue is full: nothing was taken."""


class StoreUnavailable(StoreError):
    """The database cannot be written to."""


type Job[T] = Callable[[sqlite3.Connection], T]


class Writer:
    """Runs jobs in order on its own thread. Made and used from one event loop."""

    def __init__(
        self, connection: sqlite3.Connection, loop: asyncio.AbstractEventLoop, bound: int
    ) -> None:
        """Start the thread."""
        self._connection = connection
        self._loop = loop
        self._bound = bound
        self._jobs: deque[tuple[Job[Any], asyncio.Future[Any]]] = deque()
        self._wake = Condition()
        self._closing = False
        self._held = False
        self._idle = True
        self._thread = Thread(target=self._run, name="media_request_tracker store", daemon=True)
        self._thread.start()

    @property
    def depth(self) -> int:
        """Return how many jobs wait."""
        return len(self._jobs)

    def submit[T](self, job: Job[T]) -> asyncio.Future[T]:
        """Queue a job; the future answers after its transaction was committed.

        Raises StoreBusy when the queue is full, StoreUnavailable when the store is closed.
        """
        with self._wake:
            if self._closing:
                raise StoreUnavailable("the store is closed")
            if len(self._jobs) >= self._bound:
                raise StoreBusy(f"{self._bound} writes are waiting")
            future: asyncio.Future[T] = self._loop.create_future()
            self._jobs.append((job, future))
            self._wake.notify()
        return future

    def hold(self) -> None:
        """Stop committing (jobs keep queueing) and move everything into the main file. Blocks."""
        with self._wake:
            self._held = True
            self._wake.wait_for(lambda: self._idle)
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        """Go on after `hold`. Safe to call twice."""
        with self._wake:
            if not self._held:
                return
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
            self._held = False
            self._wake.notify()

    def close(self) -> None:
        """Finish what is queued, then end the thread. Blocks."""
        self.release()
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA optimize")
        self._connection.close()

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            self._commit(group)
            with self._wake:
                self._idle = True
                self._wake.notify_all()

    def _next_group(self) -> list[tuple[Job[Any], asyncio.Future[Any]]] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or (self._jobs and not self._held))
            if not self._jobs:
                return None
            self._idle = False
            return [self._jobs.popleft() for _ in range(min(GROUP, len(self._jobs)))]

    def _commit(self, group: list[tuple[Job[Any], asyncio.Future[Any]]]) -> None:
        answers: list[tuple[asyncio.Future[Any], Any, Exception | None]] = []
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, future in group:
                connection.execute("SAVEPOINT job")
                try:
                    answers.append((future, job(connection), None))
                except sqlite3.OperationalError:
                    raise
                except (sqlite3.Error, StoreError, ValueError, TypeError) as err:
                    connection.execute("ROLLBACK TO job")
                    answers.append((future, None, err))
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except sqlite3.Error as err:
            # Disk full, read-only, I/O error: nothing of this group is durable.
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            failure = StoreUnavailable(str(err))
            answers = [(future, None, failure) for _, future in group]
        with suppress(RuntimeError):  # the loop is gone, and with it whoever asked
            self._loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
