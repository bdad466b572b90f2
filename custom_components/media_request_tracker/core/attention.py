"""Why something does not move, one rule per reason.

A rule looks at a unit's evidence and stage and answers with since when the situation lasts; the
engine below compares that with the household's threshold. So an attention appears by time alone,
and disappears by itself when the situation is over: nothing is ever set or cleared.

Time does not run against anybody while the service in question does not answer: the clock of a
rule starts again when the service is back.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from .evidence import SAME_EVENT, Download, Evidence
from .facts import (
    Grabbed,
    Imported,
    QueueStatus,
    SeerrEventType,
    SeerrStatus,
    ServiceHealth,
    TrackedState,
    Transfer,
    TransferState,
)
from .model import ServiceId, ServiceKind, Stage, Unit
from .projection import Attention, AttentionCode, Phrase, Severity, gravity

type Parameter = tuple[str, str | int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A situation that a rule recognised."""

    since: datetime
    service: ServiceId | None = None
    variant: str | None = None
    messages: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    times: tuple[tuple[str, datetime], ...] = ()


type Rule = Callable[[Evidence, Unit, Stage], Found | None]


def unit_attention(
    evidence: Evidence, unit: Unit, stage: Stage
) -> tuple[tuple[Attention, ...], datetime | None]:
    """Return a unit's attentions, gravest first, and when time alone will add the next one."""
    raised: list[Attention] = []
    due: list[datetime] = []
    for code, severity, rule in RULES:
        found = rule(evidence, unit, stage)
        if found is None:
            continue
        moment = _patience(evidence, found) + evidence.household.options.threshold(code)
        if moment > evidence.now:
            due.append(moment)
            continue
        key = f"attention.{code}" + (f".{found.variant}" if found.variant else "")
        raised.append(
            Attention(
                code=code,
                unit=unit,
                since=found.since,
                severity=severity,
                service=found.service,
                messages=found.messages,
                advice=Phrase(key=key, parameters=found.parameters, times=found.times),
            )
        )
    return tuple(sorted(raised, key=gravity)), min(due, default=None)


def _patience(evidence: Evidence, found: Found) -> datetime:
    """Return when the clock of a situation started: not before its service was back."""
    health = evidence.health(found.service)
    if health is None or not health.reachable:
        return found.since
    return max(found.since, health.since)


def _answers(evidence: Evidence, service: ServiceId | None) -> bool:
    health = evidence.health(service)
    return health is None or health.reachable


def _arr_service(evidence: Evidence) -> ServiceId | None:
    return evidence.claim.objects[0].service if evidence.claim.objects else None


def _approved_at(evidence: Evidence) -> datetime | None:
    event = evidence.seerr_event(SeerrEventType.APPROVED, SeerrEventType.AUTO_APPROVED)
    return evidence.requested_at if event is None else event.at


def _quoted(messages: tuple[str, ...]) -> tuple[Parameter, ...]:
    return (("message", messages[0]),) if messages else ()


# --- Before the download -----------------------------------------------------------------------


def waiting_for_approval(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Nobody has decided about the request."""
    if stage is not Stage.REQUESTED or evidence.requested_at is None:
        return None
    if evidence.seerr_status is not SeerrStatus.PENDING or evidence.identity.seerr is None:
        return None
    return Found(since=evidence.requested_at, service=evidence.identity.seerr.service)


def handover_failed(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """The request did not get from Seerr to the *arr."""
    seerr = evidence.identity.seerr
    approved = _approved_at(evidence)
    if seerr is None or approved is None:
        return None
    if stage is Stage.FAILED:
        event = evidence.seerr_event(SeerrEventType.FAILED)
        return Found(
            since=approved if event is None else event.at, service=seerr.service, variant="refused"
        )
    if (
        stage is Stage.APPROVED
        and not evidence.claim.objects
        and evidence.household.has(ServiceKind.RADARR, ServiceKind.SONARR)
    ):
        variant = "ambiguous" if evidence.claim.ambiguous else "not_in_arr"
        return Found(since=approved, service=seerr.service, variant=variant)
    return None


def not_released(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """The film is not out yet, by the *arr's minimum availability."""
    title = evidence.arr_title
    if (
        stage not in (Stage.APPROVED, Stage.SEARCHING)
        or title is None
        or title.released is not False
    ):
        return None
    since = title.added or evidence.requested_at or title.at
    if title.release_time is None:
        return Found(since=since, service=title.service)
    return Found(
        since=since,
        service=title.service,
        variant="dated",
        times=(("release", title.release_time),),
    )


def not_searched(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Approved, but no search took place."""
    title, current = evidence.arr_title, evidence.arr_unit(unit)
    approved = _approved_at(evidence)
    if stage is not Stage.APPROVED or title is None or approved is None or title.released is False:
        return None
    last = evidence.last_search(unit)
    if last is not None and last >= approved:
        return None
    if evidence.downloads(unit):
        return None
    unmonitored = current is not None and not current.monitored
    return Found(
        since=max(approved, title.added or approved),
        service=title.service,
        variant="unmonitored" if unmonitored else None,
    )


def no_release(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """A search ended and nothing was grabbed."""
    title = evidence.arr_title
    approved = _approved_at(evidence)
    last = evidence.last_search(unit)
    if stage is not Stage.APPROVED or title is None or last is None or title.released is False:
        return None
    if approved is not None and last < approved:
        return None
    if any(download.started >= last for download in evidence.downloads(unit)):
        return None
    return Found(since=last, service=title.service, times=(("searched", last),))


# --- The download ------------------------------------------------------------------------------


def _transfers(evidence: Evidence, unit: Unit) -> tuple[tuple[Download, Transfer], ...]:
    return tuple(
        (download, download.transfer)
        for download in evidence.live_downloads(unit)
        if download.transfer is not None and not download.upgrade
    )


def _in_state(
    evidence: Evidence, unit: Unit, stage: Stage, *states: TransferState
) -> tuple[Download, Transfer] | None:
    """Return the first live transfer in one of these states, while the unit still needs it."""
    if stage not in (Stage.GRABBED, Stage.DOWNLOADING):
        return None
    return next((pair for pair in _transfers(evidence, unit) if pair[1].state in states), None)


def metadata_pending(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """A magnet link finds nobody who knows what it stands for."""
    pair = _in_state(evidence, unit, stage, TransferState.METADATA)
    if pair is None:
        return None
    download, transfer = pair
    return Found(since=transfer.added_at or download.started, service=transfer.service)


def download_stalled(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """No bytes arrive."""
    pair = _in_state(evidence, unit, stage, TransferState.STALLED, TransferState.DOWNLOADING)
    if pair is None:
        return None
    download, transfer = pair
    variant = "no_seeds" if transfer.seeds == 0 else None
    since = transfer.moved_at or transfer.added_at or download.started
    return Found(since=since, service=transfer.service, variant=variant)


def download_paused(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Somebody paused the download."""
    pair = _in_state(evidence, unit, stage, TransferState.PAUSED)
    if pair is not None:
        download, transfer = pair
        since = transfer.moved_at or transfer.added_at or download.started
        return Found(since=since, service=transfer.service)
    return _queue_in(evidence, unit, stage, QueueStatus.PAUSED)


def download_error(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """The download client cannot go on."""
    pair = _in_state(evidence, unit, stage, TransferState.ERROR, TransferState.MISSING_FILES)
    if pair is not None:
        download, transfer = pair
        since = transfer.moved_at or transfer.added_at or download.started
        missing = transfer.state is TransferState.MISSING_FILES
        return Found(
            since=since, service=transfer.service, variant="missing_files" if missing else None
        )
    return _queue_in(evidence, unit, stage, QueueStatus.FAILED)


def _queue_in(evidence: Evidence, unit: Unit, stage: Stage, status: QueueStatus) -> Found | None:
    """Return what the *arr's queue says where no client of ours has the download."""
    if stage not in (Stage.GRABBED, Stage.DOWNLOADING):
        return None
    for download in evidence.live_downloads(unit):
        queue = download.queue
        if download.transfer is None and queue is not None and queue.status is status:
            return Found(
                since=download.started,
                service=queue.service,
                messages=queue.messages,
            )
    return None


def download_missing(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """The download vanished from the client and from the queue, and nothing took its place."""
    if stage not in (Stage.APPROVED, Stage.SEARCHING):
        return None
    downloads = evidence.downloads(unit)
    if not downloads or not downloads[-1].lost or downloads[-1].ended is None:
        return None
    return Found(since=downloads[-1].ended, service=_arr_service(evidence))


def download_untracked(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Complete in the client, but the *arr does not know it and will never import it."""
    if stage is not Stage.DOWNLOADED:
        return None
    for download, transfer in _transfers(evidence, unit):
        if transfer.complete and download.queue_gone is not None:
            since = download.completed or download.queue_gone
            return Found(since=since, service=_arr_service(evidence))
    return None


def _waits_for_import(evidence: Evidence, unit: Unit, stage: Stage) -> Download | None:
    if stage is not Stage.DOWNLOADED:
        return None
    return next(
        (
            download
            for download in evidence.live_downloads(unit)
            if download.complete and not download.upgrade and download.queue_gone is None
        ),
        None,
    )


def _is_blocked(evidence: Evidence, unit: Unit, download: Download) -> bool:
    queue = download.queue
    if evidence.manual_interaction(unit, download) is not None:
        return True
    if queue is None:
        return False
    return queue.tracked_state is TrackedState.IMPORT_BLOCKED or (
        queue.warning and bool(queue.messages)
    )


def _import_messages(evidence: Evidence, unit: Unit, download: Download) -> tuple[str, ...]:
    if download.queue is not None and download.queue.messages:
        return download.queue.messages
    call = evidence.manual_interaction(unit, download)
    return () if call is None else call.messages


def import_blocked(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """The *arr refuses to import, and says why."""
    download = _waits_for_import(evidence, unit, stage)
    if download is None or not _is_blocked(evidence, unit, download):
        return None
    messages = _import_messages(evidence, unit, download)
    return Found(
        since=download.completed or download.started,
        service=_arr_service(evidence),
        messages=messages,
        parameters=_quoted(messages),
        variant="said" if messages else None,
    )


def import_waiting(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Complete, and the *arr does not import it."""
    download = _waits_for_import(evidence, unit, stage)
    if download is None or _is_blocked(evidence, unit, download):
        return None
    return Found(since=download.completed or download.started, service=_arr_service(evidence))


# --- After the import --------------------------------------------------------------------------


def not_in_jellyfin(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """Imported, but Jellyfin does not show it."""
    added = evidence.file_added(unit)
    if stage is not Stage.IMPORTING or added is None:
        return None
    if evidence.household.authority is not ServiceKind.JELLYFIN:
        return None
    jellyfin = _first_service(evidence, ServiceKind.JELLYFIN)
    if not _answers(evidence, jellyfin):
        return None
    stub = any(not item.playable for item in evidence.items(unit))
    return Found(
        since=max(added, evidence.requested_at or added),
        service=jellyfin,
        variant="stub" if stub else None,
    )


def _first_service(evidence: Evidence, kind: ServiceKind) -> ServiceId | None:
    return next(
        (
            service
            for service, is_kind in sorted(evidence.household.services.items())
            if is_kind is kind
        ),
        None,
    )


# --- The services themselves -------------------------------------------------------------------


def push_silent(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """A service did something and its webhook never said so."""
    if stage in (Stage.AVAILABLE, Stage.DELETED, Stage.DECLINED):
        return None
    raw = [
        fact for kind in (Grabbed, Imported) for fact in evidence.all(kind) if unit in fact.units
    ]
    last = max(
        (fact for fact in raw if not fact.provisional),
        key=lambda fact: (fact.at, fact.record),
        default=None,
    )
    if last is None:
        return None
    health = evidence.health(last.service)
    if not _expected_push(health, last.at):
        return None
    heard = any(
        fact.provisional and fact.service == last.service and fact.at >= last.at - SAME_EVENT
        for fact in raw
    )
    return None if heard else Found(since=last.at, service=last.service)


def _expected_push(health: ServiceHealth | None, moment: datetime) -> bool:
    return (
        health is not None
        and health.push_expected
        and health.push_since is not None
        and health.push_since < moment
    )


_NEEDED: dict[Stage, tuple[ServiceKind, ...]] = {
    Stage.REQUESTED: (ServiceKind.SEERR,),
    Stage.APPROVED: (ServiceKind.SEERR, ServiceKind.RADARR, ServiceKind.SONARR),
    Stage.SEARCHING: (ServiceKind.RADARR, ServiceKind.SONARR),
    Stage.GRABBED: (ServiceKind.RADARR, ServiceKind.SONARR, ServiceKind.QBITTORRENT),
    Stage.DOWNLOADING: (ServiceKind.RADARR, ServiceKind.SONARR, ServiceKind.QBITTORRENT),
    Stage.DOWNLOADED: (ServiceKind.RADARR, ServiceKind.SONARR),
    Stage.IMPORTING: (ServiceKind.JELLYFIN,),
    Stage.FAILED: (ServiceKind.SEERR,),
}
"""Which kinds of service must answer for a unit to get on."""


def needed_services(evidence: Evidence, stages: frozenset[Stage]) -> tuple[ServiceId, ...]:
    """Return the services that must answer for units in these stages to get on."""
    involved = {fact.service for fact in evidence.claim.facts}
    kinds = {kind for stage in stages for kind in _NEEDED.get(stage, ())}
    return tuple(
        service
        for service, kind in sorted(evidence.household.services.items())
        if kind in kinds
        and (service in involved or kind is ServiceKind.JELLYFIN)
        and (
            not kind.is_arr
            or not evidence.claim.objects
            or any(ref.service == service for ref in evidence.claim.objects)
        )
    )


def unanswering(evidence: Evidence, stages: frozenset[Stage]) -> tuple[ServiceId, ...]:
    """Return those of the needed services that do not answer."""
    return tuple(
        service for service in needed_services(evidence, stages) if not _answers(evidence, service)
    )


def service_unavailable(evidence: Evidence, unit: Unit, stage: Stage) -> Found | None:
    """A service on this unit's way does not answer."""
    down = unanswering(evidence, frozenset({stage}))
    if not down:
        return None
    health = evidence.health(down[0])
    return (
        None
        if health is None
        else Found(
            since=health.since,
            service=down[0],
            parameters=(("service", evidence.household.services[down[0]].value),),
        )
    )


RULES: tuple[tuple[AttentionCode, Severity, Rule], ...] = (
    (AttentionCode.WAITING_FOR_APPROVAL, Severity.PERSON, waiting_for_approval),
    (AttentionCode.HANDOVER_FAILED, Severity.PERSON, handover_failed),
    (AttentionCode.NOT_RELEASED, Severity.INFO, not_released),
    (AttentionCode.NOT_SEARCHED, Severity.PERSON, not_searched),
    (AttentionCode.NO_RELEASE, Severity.WAITING, no_release),
    (AttentionCode.METADATA_PENDING, Severity.BLOCKED, metadata_pending),
    (AttentionCode.DOWNLOAD_STALLED, Severity.BLOCKED, download_stalled),
    (AttentionCode.DOWNLOAD_PAUSED, Severity.PERSON, download_paused),
    (AttentionCode.DOWNLOAD_ERROR, Severity.PERSON, download_error),
    (AttentionCode.DOWNLOAD_MISSING, Severity.PERSON, download_missing),
    (AttentionCode.DOWNLOAD_UNTRACKED, Severity.PERSON, download_untracked),
    (AttentionCode.IMPORT_WAITING, Severity.WAITING, import_waiting),
    (AttentionCode.IMPORT_BLOCKED, Severity.PERSON, import_blocked),
    (AttentionCode.NOT_IN_JELLYFIN, Severity.BLOCKED, not_in_jellyfin),
    (AttentionCode.PUSH_SILENT, Severity.INFO, push_silent),
    (AttentionCode.SERVICE_UNAVAILABLE, Severity.WAITING, service_unavailable),
)
"""Every reason with its gravity and its rule."""
