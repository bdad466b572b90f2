"""The running whole: ledger, store and listeners. One per Home Assistant; the only writer.

Data goes one way: payload → facts → ledger → changes → store → listeners. A raw webhook is
committed before anything is made of it; listeners hear of a change after it was committed. Without
a usable store the tracker keeps running in memory and says so.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
import json
import logging
from pathlib import Path

from .adapters.base import Callback, Clock, UnreadableCallback
from .core.codec import UnreadableFact, dumps, load_observation, load_occurrence, loads, to_plain
from .core.correlate import Name
from .core.facts import Fact, FactKey, Observation, Transfer
from .core.ledger import Frozen, Ledger
from .core.model import RequestId, ServiceId, ServiceKind
from .core.options import Household, Options
from .core.projection import RULES_VERSION, Change, Projection, RequestIdentity
from .store import (
    Batch,
    ObservationRow,
    OccurrenceRow,
    RequestRow,
    Search,
    Store,
    StoreBusy,
    StoreUnavailable,
    WebhookState,
)
from .store.schema import OpenResult

_LOGGER = logging.getLogger(__name__)

type Listener = Callable[[Sequence[Change]], None]
type Parser = Callable[[bytes, datetime], Callback]

VOLATILE_EVERY = timedelta(seconds=60)
"""How often a mere progress of bytes is written down."""

_FORGOTTEN = "forgotten"


@dataclass(slots=True)
class PushLog:
    """What came in by webhook from one service."""

    last: datetime | None = None
    received: int = 0
    unparsed: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """A configured service as the tracker knows it."""

    kind: ServiceKind
    parse: Parser | None


@dataclass(slots=True)
class Retention:
    """How many finished requests stay in memory, and for how long."""

    most: int = 25
    age: timedelta = field(default_factory=lambda: timedelta(days=7))


class Tracker:
    """Holds requests and applies facts."""

    def __init__(self, clock: Clock, options: Options | None = None) -> None:
        """Start with an empty ledger; `open` brings the past back."""
        self._clock = clock
        self.options = options or Options()
        self.retention = Retention()
        self.ledger = Ledger(Household(options=self.options))
        self.store: Store | None = None
        self.opened = asyncio.Event()
        self.push: dict[ServiceId, PushLog] = {}
        self._services: dict[ServiceId, Service] = {}
        self._listeners: list[Listener] = []
        self._volatile: dict[FactKey, Observation] = {}
        self._volatile_since: datetime | None = None
        self._forgotten: set[RequestId] = set()
        self._store_lost = False

    # --- Life ----------------------------------------------------------------------------------

    async def open(self, path: Path) -> OpenResult:
        """Open the store, take its facts into the ledger and finish what was cut short.

        Raises StoreError, OSError or sqlite3.Error when there is no using the store; the tracker
        then runs in memory.
        """
        try:
            store = await Store.open(path)
            loaded = await store.load()
        finally:
            self.opened.set()
        unparsed = await store.unparsed()
        self.store = store
        for entry_id, number in unparsed.items():
            self._push_log(ServiceId(entry_id)).unparsed = number
        self._forgotten = {RequestId(r) for r in json.loads(loaded.meta.get(_FORGOTTEN, "[]"))}
        self.ledger.note_forgotten(self._forgotten)
        for request, summary in loaded.frozen:
            self._note_frozen(request, summary)
        facts: list[Fact] = []
        for kind, text, load in (
            *((row.kind, row.value, load_observation) for row in loaded.observations),
            *((row.kind, row.value, load_occurrence) for row in loaded.occurrences),
        ):
            try:
                facts.append(load(kind, text))
            except UnreadableFact:
                _LOGGER.warning("A stored fact of kind %s cannot be read and is left out", kind)
        self.ledger.learn(facts)
        changes = self.ledger.rederive(self._clock())
        await self._persist((), changes)
        self._notify(changes)
        for row in loaded.webhooks:
            received = datetime.fromtimestamp(row.received_at, tz=self._clock().tzinfo)
            await self._parse(row.id, ServiceId(row.entry_id), row.body, received)
        return store.result

    async def close(self) -> None:
        """Write the last words and close the store."""
        if self.store is None:
            return
        await self._flush_volatile()
        store, self.store = self.store, None
        await store.close()

    # --- Services ------------------------------------------------------------------------------

    async def add_service(
        self, service: ServiceId, kind: ServiceKind, parse: Parser | None = None
    ) -> None:
        """Take a configured service into the household."""
        self._services[service] = Service(kind, parse)
        await self._reconsider()

    def remove_service(self, service: ServiceId) -> None:
        """Note that a service is not running; it stays part of the household until forgotten."""
        if (known := self._services.get(service)) is not None:
            self._services[service] = replace(known, parse=None)

    async def forget_service(self, service: ServiceId) -> None:
        """Drop a service for good, and what it said about open requests."""
        self._services.pop(service, None)
        self.push.pop(service, None)
        dropped = self.ledger.forget_service(service)
        self.ledger.household = self._household()
        changes = self.ledger.rederive(self._clock())
        await self._persist((), changes, dropped=dropped)
        self._notify(changes)

    async def configure(self, options: Options, retention: Retention | None = None) -> None:
        """Change the options; everything is derived again under them."""
        self.options = options
        if retention is not None:
            self.retention = retention
        await self._reconsider()

    async def _reconsider(self) -> None:
        self.ledger.household = self._household()
        changes = self.ledger.rederive(self._clock())
        await self._persist((), changes)
        self._notify(changes)

    def _household(self) -> Household:
        return Household(
            services={service: known.kind for service, known in self._services.items()},
            options=self.options,
        )

    @property
    def services(self) -> Mapping[ServiceId, ServiceKind]:
        """Return the household's services."""
        return self.ledger.household.services

    # --- Facts ---------------------------------------------------------------------------------

    async def receive(self, service: ServiceId, content_type: str, body: bytes) -> Callback | None:
        """Keep a webhook's raw body, then make facts of it.

        Returns what the body says, or None when it is not understood (it is kept and counted).
        Raises StoreBusy or StoreUnavailable when it could not be made durable.
        """
        await self.opened.wait()
        if self.store is None:
            raise StoreUnavailable("there is no store")
        received = self._clock()
        row = await self.store.add_webhook(service, received.timestamp(), content_type, body)
        log = self._push_log(service)
        log.last = received
        log.received += 1
        return await self._parse(row, service, body, received)

    async def _parse(
        self, row: int, service: ServiceId, body: bytes, received: datetime
    ) -> Callback | None:
        known = self._services.get(service)
        if known is None or known.parse is None:
            return None
        try:
            callback = known.parse(body, received)
        except UnreadableCallback as err:
            self._push_log(service).unparsed += 1
            await self._write(Batch(webhooks={row: (WebhookState.UNPARSED, str(err))}))
            return None
        await self.ingest(callback.facts, webhooks={row: (WebhookState.PARSED, None)})
        return callback

    async def replay(self, service: ServiceId) -> None:
        """Parse what was received while nobody could."""
        if self.store is None:
            return
        loaded = await self.store.load()
        for row in loaded.webhooks:
            if row.entry_id == service:
                received = datetime.fromtimestamp(row.received_at, tz=self._clock().tzinfo)
                await self._parse(row.id, service, row.body, received)

    async def ingest(
        self,
        facts: Iterable[Fact],
        *,
        webhooks: Mapping[int, tuple[WebhookState, str | None]] | None = None,
    ) -> tuple[Change, ...]:
        """Apply facts, write them down, tell the listeners; returns what changed."""
        facts = tuple(facts)
        thawed = await self._thaw(self.ledger.stirs(facts))
        learned, changes = self.ledger.apply(facts, self._clock())
        changes = (*thawed, *changes)
        await self._persist(learned, changes, webhooks=webhooks or {})
        self._notify(changes)
        return changes

    async def tick(self) -> tuple[Change, ...]:
        """Let time do its part: thresholds pass, finished requests leave, the unclaimed go."""
        now = self._clock()
        changes = self.ledger.rederive(now, self.ledger.due(now))
        dropped = self.ledger.prune(now)
        if changes or dropped:
            await self._persist((), changes, dropped=dropped)
            self._notify(changes)
        await self._freeze_finished(now)
        if self._volatile_since is not None and now - self._volatile_since >= VOLATILE_EVERY:
            await self._flush_volatile()
        return changes

    async def forget(self, request: RequestId) -> bool:
        """Drop a request and never make it again; returns whether there was one."""
        projection = self.ledger.projections.get(request)
        if projection is None:
            return False
        facts = self.ledger.forget(request)
        self._forgotten.add(request)
        change = Change(request_id=request, before=projection, after=None)
        observations, occurrences = _keys(fact.key for fact in facts)
        await self._write(
            Batch(
                deleted_requests=[request],
                deleted_observations=observations,
                deleted_occurrences=occurrences,
                meta={_FORGOTTEN: json.dumps(sorted(self._forgotten))},
            )
        )
        self._notify((change,))
        return True

    # --- Reading -------------------------------------------------------------------------------

    @property
    def requests(self) -> Mapping[RequestId, Projection]:
        """Return the open requests and the recently finished ones."""
        return self.ledger.projections

    def open_requests(self) -> tuple[Projection, ...]:
        """Return the requests that are not closed."""
        return tuple(p for p in self.ledger.projections.values() if not p.closed)

    def projection(self, request: RequestId) -> Projection | None:
        """Return a request in memory."""
        return self.ledger.projections.get(request)

    def known(self, service: ServiceId) -> tuple[Observation, ...]:
        """Return what is known of a service."""
        return self.ledger.known(service)

    async def get(self, request: RequestId) -> Projection | None:
        """Return a request from memory, else as it was when it was put aside."""
        if (projection := self.projection(request)) is not None:
            return projection
        if self.store is None:
            return None
        row = await self.store.get(request)
        return None if row is None else loads(Projection, row.detail)

    async def search(self, search: Search) -> tuple[list[Projection], int]:
        """Return a page of all requests ever, latest news first, and how many match."""
        if self.store is None:
            found = [p for p in self.requests.values() if _matches(p, search)]
            found.sort(key=lambda p: (p.updated_at or self._clock(), p.id), reverse=True)
            return found[search.offset : search.offset + search.limit], len(found)
        rows, total = await self.store.search(search)
        return [
            self.projection(RequestId(row.id)) or loads(Projection, row.detail) for row in rows
        ], total

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each committed change; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @property
    def unclaimed(self) -> int:
        """Return how many facts belong to no request."""
        return len(self.ledger.unclaimed())

    @property
    def in_memory(self) -> bool:
        """Return whether nothing is being written down."""
        return self.store is None or self._store_lost

    # --- Persisting ----------------------------------------------------------------------------

    def _push_log(self, service: ServiceId) -> PushLog:
        return self.push.setdefault(service, PushLog())

    def _notify(self, changes: Sequence[Change]) -> None:
        if not changes:
            return
        for listener in tuple(self._listeners):
            listener(changes)

    async def _persist(
        self,
        learned: Iterable[Fact],
        changes: Iterable[Change],
        *,
        dropped: Iterable[FactKey] = (),
        webhooks: Mapping[int, tuple[WebhookState, str | None]] | None = None,
    ) -> None:
        observations: list[ObservationRow] = []
        occurrences: list[OccurrenceRow] = []
        shown = [change for change in changes if _is_worth_writing(change)]
        for fact in learned:
            if isinstance(fact, Transfer) and not shown:
                self._volatile[fact.key] = fact
                self._volatile_since = self._volatile_since or self._clock()
            elif isinstance(fact, Observation):
                self._volatile.pop(fact.key, None)
                observations.append(_observation_row(fact))
            else:
                occurrences.append(_occurrence_row(fact))
        gone_observations, gone_occurrences = _keys(dropped)
        batch = Batch(
            webhooks=webhooks or {},
            observations=observations,
            occurrences=occurrences,
            requests=[_request_row(change.after) for change in shown if change.after is not None],
            deleted_requests=[change.request_id for change in shown if change.after is None],
            deleted_observations=gone_observations,
            deleted_occurrences=gone_occurrences,
        )
        if batch != Batch():
            await self._write(batch)

    async def _flush_volatile(self) -> None:
        waiting, self._volatile = self._volatile, {}
        self._volatile_since = None
        if waiting:
            await self._write(Batch(observations=[_observation_row(f) for f in waiting.values()]))

    async def _write(self, batch: Batch) -> None:
        """Write a batch; what cannot be written stays in memory and is read again later."""
        if self.store is None:
            return
        try:
            await self.store.write(batch)
        except (StoreBusy, StoreUnavailable) as err:
            if not self._store_lost:
                _LOGGER.error("The tracker's database cannot be written to: %s", err)
            self._store_lost = True
        else:
            if self._store_lost:
                _LOGGER.info("The tracker's database can be written to again")
            self._store_lost = False

    # --- Finished requests ---------------------------------------------------------------------

    async def _freeze_finished(self, now: datetime) -> None:
        """Put the oldest finished requests aside; they stay in the history."""
        if self.store is None:
            return
        finished = sorted(
            (p for p in self.requests.values() if p.closed),
            key=lambda p: p.updated_at or now,
            reverse=True,
        )
        for place, projection in enumerate(finished):
            age = now - (projection.updated_at or now)
            if place < self.retention.most and age < self.retention.age:
                continue
            facts = self.ledger.freeze(projection.id)
            observations, occurrences = _keys(fact.key for fact in facts)
            await self._write(
                Batch(
                    requests=[_request_row(projection, frozen=True, facts=facts)],
                    frozen_facts={projection.id: _pack(facts)},
                    deleted_observations=observations,
                    deleted_occurrences=occurrences,
                )
            )
            self._notify((Change(request_id=projection.id, before=projection, after=None),))

    def _note_frozen(self, request: str, summary: str) -> None:
        plain = json.loads(summary)
        state = plain.get("seerr_state")
        self.ledger.note_frozen(
            Frozen(
                identity=loads(RequestIdentity, json.dumps(plain["identity"])),
                names=frozenset(_name(name) for name in plain["names"]),
                seerr_state=None if state is None else (state[0], state[1]),
            )
        )

    async def _thaw(self, requests: Iterable[RequestId]) -> tuple[Change, ...]:
        changes: list[Change] = []
        for request in sorted(requests):
            text = None if self.store is None else await self.store.frozen_facts(request)
            facts = [] if text is None else _unpack(text)
            changes.extend(self.ledger.thaw(request, facts, self._clock()))
            await self._write(
                Batch(
                    thawed=[request],
                    observations=[_observation_row(f) for f in facts if isinstance(f, Observation)],
                    occurrences=[
                        _occurrence_row(f) for f in facts if not isinstance(f, Observation)
                    ],
                )
            )
        return tuple(changes)


def _name(parts: Sequence[str | int]) -> Name:
    return tuple(parts)


def _is_worth_writing(change: Change) -> bool:
    """Return whether more than the progress of bytes changed."""
    before, after = change.before, change.after
    if before is None or after is None:
        return True
    return (before.stage, before.timeline, before.attention, before.title, before.closed) != (
        after.stage,
        after.timeline,
        after.attention,
        after.title,
        after.closed,
    ) or before.identity != after.identity


def _observation_row(fact: Observation) -> ObservationRow:
    return ObservationRow(fact.service, fact.KIND, fact.subject, fact.at.timestamp(), dumps(fact))


def _occurrence_row(fact: Fact) -> OccurrenceRow:
    return OccurrenceRow(
        fact.service, fact.KIND, fact.key.subject, fact.at.timestamp(), dumps(fact)
    )


_LEVELS = frozenset(cls.KIND for cls in Observation.__subclasses__())


def _keys(keys: Iterable[FactKey]) -> tuple[list[FactKey], list[FactKey]]:
    """Return the keys of observations and those of occurrences."""
    keys = tuple(keys)
    return (
        [key for key in keys if key.kind in _LEVELS],
        [key for key in keys if key.kind not in _LEVELS],
    )


def _request_row(
    projection: Projection, *, frozen: bool = False, facts: Iterable[Fact] = ()
) -> RequestRow:
    def seconds(moment: datetime | None) -> float | None:
        return None if moment is None else moment.timestamp()

    return RequestRow(
        id=projection.id,
        open=not projection.closed,
        frozen=frozen,
        media_type=projection.identity.media_type,
        title=projection.title,
        year=projection.year,
        requester=projection.requested_by,
        stage=projection.stage,
        requested_at=seconds(projection.requested_at),
        available_at=seconds(projection.available_at),
        updated_at=seconds(projection.updated_at) or 0.0,
        rules=RULES_VERSION,
        summary=_summary(projection, facts) if frozen else "{}",
        detail=dumps(projection),
    )


def _summary(projection: Projection, facts: Iterable[Fact]) -> str:
    frozen = Ledger.frozen_form(projection, tuple(facts))
    return json.dumps(
        {
            "identity": to_plain(frozen.identity),
            "names": sorted((list(name) for name in frozen.names), key=str),
            "seerr_state": frozen.seerr_state,
        }
    )


def _pack(facts: Iterable[Fact]) -> str:
    return json.dumps(
        [[fact.KIND, isinstance(fact, Observation), to_plain(fact)] for fact in facts]
    )


def _unpack(text: str) -> list[Fact]:
    facts: list[Fact] = []
    for kind, level, plain in json.loads(text):
        try:
            load = load_observation if level else load_occurrence
            facts.append(load(kind, json.dumps(plain)))
        except UnreadableFact:
            _LOGGER.warning("A stored fact of kind %s cannot be read and is left out", kind)
    return facts


def _matches(projection: Projection, search: Search) -> bool:
    return (
        (search.open is None or projection.closed is not search.open)
        and (not search.stages or projection.stage in search.stages)
        and (search.requester is None or projection.requested_by == search.requester)
        and (search.media_type is None or projection.identity.media_type == search.media_type)
        and (not search.text or search.text.casefold() in projection.title.casefold())
    )
