"""What is known about one request, sorted out of its facts.

This module answers questions of fact that the rules then ask by name: which occurrences really are
distinct, which downloads are alive, does the *arr have the file, does Jellyfin play it, has
something gone for good. It decides no stage.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from .correlate import Claim, Seed, canonical_download, matched_units, same_file
from .facts import (
    ArrOccurrence,
    ArrTitle,
    ArrUnit,
    BecamePlayable,
    Declaration,
    DeclarationKind,
    DownloadEnded,
    Fact,
    FileDeleted,
    FileRenamed,
    Grabbed,
    Imported,
    LibraryItem,
    ManualInteraction,
    Miss,
    MissKind,
    Occurrence,
    QueueItem,
    QueueStatus,
    RemedyRan,
    SearchState,
    SeerrEvent,
    SeerrEventType,
    SeerrMediaStatus,
    SeerrRequest,
    SeerrStatus,
    ServiceHealth,
    TitleChange,
    TitleChanged,
    TitleDetails,
    Transfer,
    TransferStep,
    TransferStepped,
)
from .model import FILM, DownloadId, MediaType, ServiceId, ServiceKind, Unit
from .options import Household

SAME_EVENT = timedelta(minutes=10)
"""A webhook and a history record this close, and alike, are one event."""

GONE_AFTER = timedelta(minutes=10)
"""Two misses this far apart mean that a thing is gone."""

SHIELD = timedelta(minutes=30)
"""Misses this soon after an upgrade or a rename mean nothing."""

UHD_HEIGHT = 1600
"""Pixels of height from which a picture counts as 4K."""

_EVENT_STATUS = {
    SeerrEventType.REQUESTED: SeerrStatus.PENDING,
    SeerrEventType.APPROVED: SeerrStatus.APPROVED,
    SeerrEventType.AUTO_APPROVED: SeerrStatus.APPROVED,
    SeerrEventType.DECLINED: SeerrStatus.DECLINED,
    SeerrEventType.FAILED: SeerrStatus.FAILED,
    SeerrEventType.AVAILABLE: SeerrStatus.COMPLETED,
}


def settle[T: Occurrence](occurrences: Iterable[T]) -> tuple[T, ...]:
    """Return the distinct ones of occurrences that all mean the same, oldest first.

    A provisional one (from a webhook) gives way to a record within ten minutes of it, and to an
    earlier provisional one within ten minutes: deliveries get repeated.
    """
    ordered = sorted(occurrences, key=lambda fact: (fact.at, fact.provisional, fact.record))
    records = [fact for fact in ordered if not fact.provisional]
    kept: list[T] = []
    last_provisional: datetime | None = None
    for fact in ordered:
        if fact.provisional:
            if any(abs(record.at - fact.at) <= SAME_EVENT for record in records):
                continue
            if last_provisional is not None and fact.at - last_provisional <= SAME_EVENT:
                continue
            last_provisional = fact.at
        kept.append(fact)
    return tuple(kept)


def settle_by[T: Occurrence](
    occurrences: Iterable[T], meaning: Callable[[T], object]
) -> tuple[T, ...]:
    """Settle occurrences group by group; `meaning` maps one to what it means."""
    groups: dict[object, list[T]] = {}
    for fact in occurrences:
        groups.setdefault(meaning(fact), []).append(fact)
    kept = (fact for group in groups.values() for fact in settle(group))
    return tuple(sorted(kept, key=lambda fact: (fact.at, fact.KIND, fact.record)))


def gone(
    seen: datetime | None, misses: Iterable[datetime], shields: Sequence[datetime] = ()
) -> datetime | None:
    """Return when a thing last seen at `seen` turned out to be gone, or None.

    Two misses at least ten minutes apart after the last sight say so; a miss up to thirty minutes
    after one of `shields` (an upgrade, a rename) says nothing.
    """
    counted = [
        miss
        for miss in sorted(misses)
        if (seen is None or miss > seen)
        and not any(shield <= miss < shield + SHIELD for shield in shields)
    ]
    return next((miss for miss in counted if miss - counted[0] >= GONE_AFTER), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One release on its way, by everything that is known of it."""

    download_id: DownloadId
    grab: Grabbed | None
    started: datetime
    """When it was last grabbed, or first seen in the queue."""
    queue: QueueItem | None
    queue_current: bool
    """The *arr's queue still listed it at the last read."""
    queue_gone: datetime | None
    transfer: Transfer | None
    transfer_gone: datetime | None
    first_bytes: datetime | None
    completed: datetime | None
    """When its last byte was seen to be there; None while it is not."""
    ended: datetime | None
    """When it stopped being alive: imported, given up, or gone."""
    lost: bool
    """It ended by vanishing from both the client and the queue."""
    upgrade: bool
    """It was grabbed while the unit already had a file."""

    @property
    def live(self) -> bool:
        """Return whether it still can deliver its units."""
        return self.ended is None

    @property
    def complete(self) -> bool:
        """Return whether all its bytes are there."""
        if self.transfer is not None:
            return self.transfer.complete
        return self.queue is not None and self.queue.status is QueueStatus.COMPLETED


class Evidence:
    """Everything known about one request. Questions are answered lazily and once."""

    def __init__(self, seed: Seed, claimed: Claim, household: Household, now: datetime) -> None:
        """Sort the claimed facts by kind."""
        self.seed = seed
        self.identity = seed.identity
        self.claim = claimed
        self.household = household
        self.now = now
        self.due: dict[Unit, datetime | None] = {}
        """Per unit, when time alone raises the next attention; filled in by the derivation."""
        self._by_type: dict[type[Fact], list[Fact]] = {}
        for fact in claimed.facts:
            if seed.until is not None and isinstance(fact, Occurrence) and fact.at >= seed.until:
                if not isinstance(fact, (SeerrEvent, Miss, Declaration, RemedyRan)):
                    continue
            self._by_type.setdefault(type(fact), []).append(fact)

    def all[T: Fact](self, kind: type[T]) -> tuple[T, ...]:
        """Return the claimed facts of a kind, in key order."""
        return tuple(self._by_type.get(kind, ()))  # type: ignore[arg-type]

    def newest[T: Fact](self, kind: type[T]) -> T | None:
        """Return the newest fact of a kind."""
        return max(self.all(kind), key=lambda fact: (fact.at, str(fact.key)), default=None)

    # --- Seerr ---------------------------------------------------------------------------------

    @cached_property
    def seerr(self) -> SeerrRequest | None:
        """The Seerr request as last read."""
        return self.newest(SeerrRequest)

    @cached_property
    def seerr_events(self) -> tuple[SeerrEvent, ...]:
        """What Seerr's webhooks announced, each once."""
        return settle_by(self.all(SeerrEvent), lambda fact: fact.event)

    @cached_property
    def seerr_status(self) -> SeerrStatus | None:
        """The request's status: the last read, unless a webhook came after it was sent."""
        event = self.seerr_events[-1] if self.seerr_events else None
        if self.seerr is not None and (event is None or self.seerr.at >= event.at):
            return self.seerr.status
        return None if event is None else _EVENT_STATUS[event.event]

    @cached_property
    def seerr_media(self) -> SeerrMediaStatus:
        """Seerr's opinion of the media."""
        return SeerrMediaStatus.UNKNOWN if self.seerr is None else self.seerr.media_status

    @cached_property
    def seerr_gone(self) -> datetime | None:
        """When the request turned out to be deleted in Seerr."""
        if self.identity.seerr is None:
            return None
        seen = max(
            (fact.at for fact in (self.seerr, *self.all(SeerrEvent)) if fact is not None),
            default=None,
        )
        return gone(seen, self._misses(MissKind.SEERR_REQUEST, self.identity.seerr.subject))

    @cached_property
    def requested_at(self) -> datetime | None:
        """When the request was made."""
        if self.seerr is not None and self.seerr.requested_at is not None:
            return self.seerr.requested_at
        return min((event.at for event in self.seerr_events), default=None)

    def seerr_event(self, *kinds: SeerrEventType) -> SeerrEvent | None:
        """Return the first event of these kinds."""
        return next((event for event in self.seerr_events if event.event in kinds), None)

    # --- *arr ----------------------------------------------------------------------------------

    @cached_property
    def arr_title(self) -> ArrTitle | None:
        """The title as the *arr last showed it."""
        return self.newest(ArrTitle)

    @cached_property
    def arr_deleted(self) -> datetime | None:
        """When the title turned out to be deleted from the *arr."""
        seen = None if self.arr_title is None else self.arr_title.at
        changes = self.all(TitleChanged)
        last = max(changes, key=lambda fact: (fact.at, fact.record), default=None)
        if last is not None and (seen is None or last.at > seen):
            if last.change is TitleChange.DELETED:
                return last.at
            seen = last.at
        misses = [
            moment
            for ref in self.claim.objects
            for moment in self._misses(MissKind.ARR_TITLE, str(ref.object_id), ref.service)
        ]
        return gone(seen, misses)

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """The request's units, empty while the set is not known."""
        return (FILM,) if self.identity.media_type is MediaType.MOVIE else ()

    def covering[T: ArrOccurrence](self, kind: type[T], unit: Unit) -> tuple[T, ...]:
        """Return the distinct occurrences of a kind that concern a unit, oldest first."""
        return settle_by(
            (fact for fact in self.all(kind) if unit in fact.units),
            lambda fact: (fact.service, fact.object_id, fact.download_id),
        )

    def arr_unit(self, unit: Unit) -> ArrUnit | None:
        """Return the unit as the *arr last showed it."""
        found = (fact for fact in self.all(ArrUnit) if fact.unit == unit)
        newest = max(found, key=lambda fact: (fact.at, str(fact.key)), default=None)
        until = self.seed.until
        if newest is not None and until is not None and newest.file is not None:
            if newest.file.added is not None and newest.file.added >= until:
                return None
        return newest

    def file_added(self, unit: Unit) -> datetime | None:
        """Return when the unit's present file was imported, if there is one."""
        if not self.has_file(unit):
            return None
        imports = [fact.at for fact in self.covering(Imported, unit)]
        current = self.arr_unit(unit)
        if current is not None and current.file is not None and current.file.added is not None:
            imports.append(min(current.file.added, self.now))
        return max(imports, default=None)

    def has_file(self, unit: Unit) -> bool:
        """Return whether the *arr has the unit's file: the last word of reads and events."""
        words: list[tuple[datetime, int, bool]] = []
        if (current := self.arr_unit(unit)) is not None:
            words.append((current.at, 2, current.has_file))
        words.extend((fact.at, 1, True) for fact in self.covering(Imported, unit))
        words.extend(
            (fact.at, 0, False)
            for fact in self.covering(FileDeleted, unit)
            if not fact.is_replacement
        )
        return bool(words) and max(words)[2]

    def shields(self, unit: Unit) -> tuple[datetime, ...]:
        """Return the moments after which a unit may be absent for a while."""
        return tuple(
            fact.at
            for fact in (
                *self.covering(FileDeleted, unit),
                *self.covering(Imported, unit),
                *self.all(FileRenamed),
            )
            if not isinstance(fact, FileDeleted) or fact.is_replacement
            if not isinstance(fact, Imported) or fact.is_upgrade
        )

    def search(self, unit: Unit) -> SearchState | None:
        """Return the *arr's search as it stands for a unit."""
        found = (fact for fact in self.all(SearchState) if not fact.units or unit in fact.units)
        return max(found, key=lambda fact: (fact.at, str(fact.key)), default=None)

    def last_search(self, unit: Unit) -> datetime | None:
        """Return when the *arr last ended a search for a unit."""
        search, title, current = self.search(unit), self.arr_title, self.arr_unit(unit)
        times = (
            None if search is None else search.ended,
            None if title is None else title.last_search,
            None if current is None else current.last_search,
        )
        return max((time for time in times if time is not None), default=None)

    # --- Downloads -----------------------------------------------------------------------------

    def queue_items(self, unit: Unit) -> tuple[QueueItem, ...]:
        """Return the queue's items for a unit; one without units is taken to carry all."""
        return tuple(
            item
            for item in self.all(QueueItem)
            if (not item.units or unit in item.units)
            and item.object_id is not None
            and (self.seed.until is None or (item.added or item.at) < self.seed.until)
        )

    def delayed(self, unit: Unit) -> QueueItem | None:
        """Return a release that was found and is held back by the *arr, still listed."""
        reads = [item.at for item in self.all(QueueItem)]
        return next(
            (
                item
                for item in self.queue_items(unit)
                if item.download_id is None
                and item.status in (QueueStatus.DELAY, QueueStatus.CLIENT_UNAVAILABLE)
                and self._current(item)
                and item.at >= max(reads) - SAME_EVENT
            ),
            None,
        )

    def _current(self, item: QueueItem) -> bool:
        misses = self._misses(MissKind.QUEUE_ITEM, item.subject, item.service)
        return not any(miss > item.at for miss in misses)

    def _misses(
        self, what: MissKind, subject: str, service: ServiceId | None = None
    ) -> tuple[datetime, ...]:
        folded = subject.casefold()
        return tuple(
            miss.at
            for miss in self.all(Miss)
            if miss.what is what
            and miss.subject.casefold() == folded
            and (service is None or miss.service == service)
        )

    def downloads(self, unit: Unit) -> tuple[Download, ...]:
        """Return every download that carried a unit, oldest first."""
        return self._downloads.setdefault(unit, self._find_downloads(unit))

    @cached_property
    def _downloads(self) -> dict[Unit, tuple[Download, ...]]:
        return {}

    def _find_downloads(self, unit: Unit) -> tuple[Download, ...]:
        transfers = self.all(Transfer)
        grabs: dict[DownloadId, list[Grabbed]] = {}
        for grab in self.covering(Grabbed, unit):
            if grab.download_id is not None:
                grabs.setdefault(canonical_download(grab.download_id, transfers), []).append(grab)
        items: dict[DownloadId, QueueItem] = {}
        for item in self.queue_items(unit):
            if item.download_id is not None:
                key = canonical_download(item.download_id, transfers)
                if key not in items or items[key].at < item.at:
                    items[key] = item
        found = [
            self._download(unit, key, grabs.get(key, []), items.get(key))
            for key in sorted({*grabs, *items})
        ]
        return tuple(sorted(found, key=lambda download: (download.started, download.download_id)))

    def _download(
        self, unit: Unit, key: DownloadId, grabs: list[Grabbed], queue: QueueItem | None
    ) -> Download:
        transfer = next((t for t in self.all(Transfer) if t.download_id == key), None)
        ids = {key, *(() if transfer is None else transfer.aliases)}
        starts = [grab.at for grab in grabs]
        if queue is not None:
            starts.append(min(queue.added or queue.at, queue.at))
        started = max(starts)
        ends = self._ends(unit, ids, started)
        queue_current = queue is not None and self._current(queue)
        queue_gone = gone(
            None if queue is None else queue.at,
            self._download_misses(MissKind.QUEUE_ITEM, ids, started),
        )
        transfer_gone = gone(
            None if transfer is None else transfer.at,
            self._download_misses(MissKind.TRANSFER, ids, started),
        )
        lost = self._lost(queue_gone, transfer_gone)
        if lost is not None and not ends:
            ends = [lost]
        steps = [
            step
            for step in self.all(TransferStepped)
            if step.download_id in ids and step.at >= started - SAME_EVENT
        ]
        completed = [step.at for step in steps if step.step is TransferStep.COMPLETED]
        if not completed and transfer is not None and transfer.complete:
            completed = [transfer.completed_at or transfer.at]
        return Download(
            download_id=key,
            grab=grabs[-1] if grabs else None,
            started=started,
            queue=queue,
            queue_current=queue_current,
            queue_gone=queue_gone,
            transfer=transfer,
            transfer_gone=transfer_gone,
            first_bytes=min(
                (step.at for step in steps if step.step is TransferStep.STARTED), default=None
            ),
            completed=min(completed, default=None),
            ended=min(ends, default=None),
            lost=lost is not None and ends == [lost],
            upgrade=self._had_file(unit, started),
        )

    def _ends(self, unit: Unit, ids: set[DownloadId], started: datetime) -> list[datetime]:
        """Return when a download's unit was imported or the *arr gave the download up."""
        ends = [
            fact.at
            for kind in (Imported, DownloadEnded)
            for fact in self.covering(kind, unit)
            if fact.at >= started and (fact.download_id is None or fact.download_id in ids)
        ]
        current = self.arr_unit(unit)
        if current is not None and current.has_file and current.file is not None:
            added = current.file.added
            others = [
                fact
                for fact in self.covering(Imported, unit)
                if fact.download_id is not None
                and fact.download_id not in ids
                and added is not None
                and abs(fact.at - added) <= SAME_EVENT
            ]
            if added is not None and added >= started and not others:
                ends.append(added)
        return ends

    def _lost(self, queue_gone: datetime | None, transfer_gone: datetime | None) -> datetime | None:
        """Return when a download had vanished from both the client and the queue."""
        from_client = self.household.has(ServiceKind.QBITTORRENT)
        if queue_gone is None or (from_client and transfer_gone is None):
            return None
        return queue_gone if transfer_gone is None else max(queue_gone, transfer_gone)

    def _download_misses(
        self, what: MissKind, ids: set[DownloadId], started: datetime
    ) -> list[datetime]:
        return [
            moment
            for download_id in ids
            for moment in self._misses(what, download_id)
            if moment >= started
        ]

    def _had_file(self, unit: Unit, moment: datetime) -> bool:
        """Return whether the unit had a file just before a moment."""
        words = [(fact.at, True) for fact in self.covering(Imported, unit)]
        words += [
            (fact.at, False) for fact in self.covering(FileDeleted, unit) if not fact.is_replacement
        ]
        before = [word for word in words if word[0] < moment]
        if before:
            return max(before)[1]
        current = self.arr_unit(unit)
        if current is None or current.file is None or current.file.added is None:
            return False
        return current.has_file and current.file.added < moment

    def live_downloads(self, unit: Unit) -> tuple[Download, ...]:
        """Return the downloads that still can deliver a unit."""
        return tuple(download for download in self.downloads(unit) if download.live)

    def attempt_start(self, unit: Unit) -> datetime | None:
        """Return when the current attempt began: a grab with nothing alive and no file before."""
        start: datetime | None = None
        ended: datetime | None = None
        for download in self.downloads(unit):
            if download.upgrade:
                continue
            if start is None or (ended is not None and download.started > ended):
                start = download.started
                ended = None
            if not download.live and download.ended is not None:
                ended = download.ended if ended is None else max(ended, download.ended)
            else:
                ended = None
        return start

    # --- Jellyfin ------------------------------------------------------------------------------

    def items(self, unit: Unit) -> tuple[LibraryItem, ...]:
        """Return the library items that answer a unit and are not gone, best first."""
        found = [
            item
            for item in self.all(LibraryItem)
            if unit in matched_units(self.identity, item, self.claim.facts)
            and self._own_copy(unit, item)
            and self._of_this_life(item)
            and self._item_gone(unit, item) is None
        ]
        return tuple(sorted(found, key=lambda item: (not item.playable, item.item_id)))

    def item_gone(self, unit: Unit) -> datetime | None:
        """Return when the last item that answered a unit turned out to be gone."""
        if self.items(unit):
            return None
        times = [
            moment
            for item in self.all(LibraryItem)
            if unit in matched_units(self.identity, item, self.claim.facts)
            and (moment := self._item_gone(unit, item)) is not None
        ]
        return max(times, default=None)

    def _item_gone(self, unit: Unit, item: LibraryItem) -> datetime | None:
        misses = self._misses(MissKind.LIBRARY_ITEM, item.item_id, item.service)
        return gone(item.at, misses, self.shields(unit))

    def _of_this_life(self, item: LibraryItem) -> bool:
        """Return whether an item is this request's and not a later request's."""
        until = self.seed.until
        first = self.first_playable(item)
        return until is None or first is None or first < until

    def first_playable(self, item: LibraryItem) -> datetime | None:
        """Return when an item was first seen playable."""
        return min(
            (
                fact.at
                for fact in self._by_type.get(BecamePlayable, ())
                if isinstance(fact, BecamePlayable)
                and fact.service == item.service
                and fact.item_id == item.item_id
            ),
            default=None,
        )

    def _own_copy(self, unit: Unit, item: LibraryItem) -> bool:
        """Return whether an item holds this request's flavour of the title.

        Only matters where the household keeps HD and 4K apart: the very file decides, else the
        height of the picture.
        """
        flavours = self.identity.is_4k or bool(self.seed.sibling_arr_ids)
        if not flavours and not self.household.options.uhd_services:
            return True
        current = self.arr_unit(unit)
        own_path = None if current is None or current.file is None else current.file.path
        if own_path and any(same_file(path, own_path) for path in item.paths):
            return True
        if item.height is None:
            return not self.identity.is_4k
        return (item.height >= UHD_HEIGHT) == self.identity.is_4k

    # --- Everything else -----------------------------------------------------------------------

    @cached_property
    def details(self) -> TitleDetails | None:
        """Names and poster by the metadata source."""
        return self.newest(TitleDetails)

    def declared_available(self, unit: Unit) -> Declaration | None:
        """Return a person's statement that a unit is available."""
        return next(
            (
                fact
                for fact in self.all(Declaration)
                if fact.declares is DeclarationKind.AVAILABLE
                and (not fact.units or unit in fact.units)
            ),
            None,
        )

    def newest_declaration(self, kinds: frozenset[DeclarationKind]) -> Declaration | None:
        """Return the last statement of these kinds that a person made."""
        return max(
            (fact for fact in self.all(Declaration) if fact.declares in kinds),
            key=lambda fact: (fact.at, fact.record),
            default=None,
        )

    def service_name(self, service: ServiceId) -> str:
        """Return the kind of a service, for a sentence; empty when it is no longer configured."""
        kind = self.household.services.get(service)
        return "" if kind is None else kind.value

    def health(self, service: ServiceId | None) -> ServiceHealth | None:
        """Return how a service last was."""
        return next((fact for fact in self.all(ServiceHealth) if fact.service == service), None)

    def manual_interaction(self, unit: Unit, download: Download) -> ManualInteraction | None:
        """Return the *arr's call for a person about a download."""
        return next(
            (
                fact
                for fact in self.covering(ManualInteraction, unit)
                if fact.at >= download.started and fact.download_id == download.download_id
            ),
            None,
        )
