"""From evidence to stage. Every rule about where a unit stands is in this file.

Two rules about what may live here:

1. A stage is decided by the table below and by nothing else. The first row whose predicate holds
   wins. There are no transitions: nothing remembers which stage came before.
2. A predicate reads evidence and configuration. It never reads a stage, a clock or another row.

Theory of operation. A unit's services each know one leg of its way. Their facts are joined first
(`correlate`, `evidence`); what remains is a handful of questions, each with a yes or no. The rows
are ordered from the strongest statement to the weakest: what ended it, who plays it, who has the
file, how far the download is, who is searching, who asked. A stage that needs a service the
household does not have is skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .attention import unit_attention
from .evidence import Evidence
from .facts import QueueStatus, SeerrMediaStatus, SeerrStatus, TrackedState, TransferState
from .milestones import milestones
from .model import ServiceKind, Stage, Unit
from .projection import ItemRef, UnitFile, UnitProjection
from .sentence import unit_sentence
from .transfer import best_download, fraction, is_importing

type Predicate = Callable[[Evidence, Unit], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the stage table."""

    stage: Stage
    holds: Predicate
    needs: tuple[ServiceKind, ...] = ()
    """At least one of these kinds must be configured; empty means nothing is needed."""


_ARR = (ServiceKind.RADARR, ServiceKind.SONARR)


def is_deleted(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the request or its media is gone for good."""
    if evidence.seerr_gone is not None:
        return True
    if _plays(evidence, unit):
        return False
    if (
        evidence.seerr_media is SeerrMediaStatus.DELETED
        and evidence.seerr_status is SeerrStatus.COMPLETED
        and not evidence.has_file(unit)
    ):
        return True
    if evidence.arr_deleted is not None:
        return not evidence.items(unit)
    item_gone = evidence.item_gone(unit)
    return (
        item_gone is not None
        and evidence.arr_title is not None
        and not (evidence.has_file(unit) or evidence.live_downloads(unit))
    )


def is_declined(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the request was turned down."""
    return evidence.seerr_status is SeerrStatus.DECLINED


def is_available(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the availability authority, or a person, says that it plays."""
    return _plays(evidence, unit) or evidence.declared_available(unit) is not None


def _plays(evidence: Evidence, unit: Unit) -> bool:
    match evidence.household.authority:
        case ServiceKind.JELLYFIN:
            return any(item.playable for item in evidence.items(unit))
        case ServiceKind.SEERR:
            return evidence.seerr_media is SeerrMediaStatus.AVAILABLE and evidence.seerr_status in (
                SeerrStatus.APPROVED,
                SeerrStatus.COMPLETED,
            )
        case ServiceKind.RADARR | ServiceKind.SONARR:
            return evidence.has_file(unit)
    return False


def is_importing_stage(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the *arr has the file, or is about to."""
    return evidence.has_file(unit) or is_importing(evidence, unit)


def is_downloaded(evidence: Evidence, unit: Unit) -> bool:
    """Return whether a live download has all its bytes."""
    return any(
        download.complete
        or (
            download.queue is not None
            and download.queue.tracked_state
            in (TrackedState.IMPORT_PENDING, TrackedState.IMPORT_BLOCKED)
        )
        for download in evidence.live_downloads(unit)
    )


_UNDER_WAY = frozenset(
    {
        TransferState.DOWNLOADING,
        TransferState.STALLED,
        TransferState.PAUSED,
        TransferState.CHECKING,
        TransferState.MOVING,
        TransferState.ERROR,
        TransferState.MISSING_FILES,
    }
)
_QUEUE_UNDER_WAY = frozenset(
    {QueueStatus.DOWNLOADING, QueueStatus.PAUSED, QueueStatus.WARNING, QueueStatus.FAILED}
)


def is_downloading(evidence: Evidence, unit: Unit) -> bool:
    """Return whether a live download has bytes, or is past waiting for its turn."""
    for download in evidence.live_downloads(unit):
        transfer, queue = download.transfer, download.queue
        if transfer is not None:
            if transfer.state in _UNDER_WAY or transfer.progress > 0:
                return True
        elif queue is not None and (queue.status in _QUEUE_UNDER_WAY or fraction(download) > 0):
            return True
    return False


def is_grabbed(evidence: Evidence, unit: Unit) -> bool:
    """Return whether a live download exists."""
    return bool(evidence.live_downloads(unit))


def is_searching(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the *arr is searching, or holds a found release back."""
    search = evidence.search(unit)
    return (search is not None and search.running) or evidence.delayed(unit) is not None


def is_failed(evidence: Evidence, unit: Unit) -> bool:
    """Return whether Seerr could not hand the request over and nothing was grabbed since."""
    return evidence.seerr_status is SeerrStatus.FAILED and not evidence.downloads(unit)


def is_approved(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the request may be fulfilled."""
    if evidence.seerr_status in (SeerrStatus.APPROVED, SeerrStatus.COMPLETED):
        return True
    current = evidence.arr_unit(unit)
    return current is not None and current.monitored


def always(evidence: Evidence, unit: Unit) -> bool:
    """Hold for what nothing else is known of: somebody asked."""
    return True


STAGE_TABLE = (
    Row(Stage.DELETED, is_deleted),
    Row(Stage.DECLINED, is_declined),
    Row(Stage.AVAILABLE, is_available),
    Row(Stage.IMPORTING, is_importing_stage, needs=_ARR),
    Row(Stage.DOWNLOADED, is_downloaded, needs=(*_ARR, ServiceKind.QBITTORRENT)),
    Row(Stage.DOWNLOADING, is_downloading, needs=(*_ARR, ServiceKind.QBITTORRENT)),
    Row(Stage.GRABBED, is_grabbed, needs=_ARR),
    Row(Stage.SEARCHING, is_searching, needs=_ARR),
    Row(Stage.FAILED, is_failed),
    Row(Stage.APPROVED, is_approved),
    Row(Stage.REQUESTED, always),
)


def stage_of(evidence: Evidence, unit: Unit) -> Stage:
    """Return where a unit stands: the first row of the table that holds."""
    household = evidence.household
    return next(
        row.stage
        for row in STAGE_TABLE
        if (not row.needs or household.has(*row.needs)) and row.holds(evidence, unit)
    )


_WITH_FILE = frozenset({Stage.DOWNLOADED, Stage.IMPORTING, Stage.MATCHING, Stage.AVAILABLE})


def derive_unit(evidence: Evidence, unit: Unit) -> UnitProjection:
    """Return everything that is known about one unit."""
    stage = stage_of(evidence, unit)
    current = evidence.arr_unit(unit)
    attention, evidence.due[unit] = unit_attention(evidence, unit, stage)
    best = best_download(evidence, unit)
    size = None
    if current is not None and current.file is not None:
        size = current.file.size
    elif best is not None:
        size = best.size
    progress = 1.0 if stage in _WITH_FILE else 0.0 if best is None else best.progress
    reached = milestones(evidence, unit, stage)
    waiting = evidence.file_added(unit) if stage is Stage.IMPORTING else None
    return UnitProjection(
        unit=unit,
        title=None if current is None else current.title,
        stage=stage,
        progress=progress,
        size=size,
        air_time=None if current is None else current.air_time,
        milestones=reached,
        attention=attention,
        files=_files(evidence, unit),
        items=tuple(
            ItemRef(item.service, item.item_id, item.item_id, item.playable)
            for item in evidence.items(unit)
        ),
        downloads=tuple(d.download_id for d in evidence.live_downloads(unit)),
        waiting_since=waiting,
        declared=stage is Stage.AVAILABLE and not _plays(evidence, unit),
        sentence=unit_sentence(evidence, unit, stage, attention),
    )


def _files(evidence: Evidence, unit: Unit) -> tuple[UnitFile, ...]:
    current = evidence.arr_unit(unit)
    if current is None or current.file is None or not evidence.has_file(unit):
        return ()
    return (UnitFile(service=current.service, path=current.file.path, size=current.file.size),)
