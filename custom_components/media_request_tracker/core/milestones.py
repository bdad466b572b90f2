"""When a unit first reached each stage in its current attempt.

A milestone is the earlier of its own evidence and the next milestone, so that milestones are
ordered by construction: an import seen while the transfer was last read at 97 % means that the
download was complete by then, and the milestone says that this is inferred. Evidence from before
the request, or from an earlier attempt, does not count, and nothing is inferred below the first
evidence of a download: a film that was already there was never downloaded for this request.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from .evidence import Evidence
from .facts import Declaration, Grabbed, Imported, SeerrEventType
from .model import LADDER, ServiceKind, Stage, Unit
from .projection import Milestone

_SKEW = timedelta(minutes=5)
"""How far the services' clocks may differ."""

_DOWNLOAD_SIDE = (Stage.GRABBED, Stage.DOWNLOADING, Stage.DOWNLOADED)

_ASKED_SIDE = (Stage.REQUESTED, Stage.APPROVED)


def milestones(evidence: Evidence, unit: Unit, stage: Stage) -> tuple[Milestone, ...]:
    """Return the milestones of a unit up to `stage`, in order."""
    if stage not in LADDER:
        stage = _furthest(evidence, unit)
    own = _own_evidence(evidence, unit)
    top = LADDER.index(stage)
    inferable = _inferable(evidence, unit, own)
    found: list[Milestone] = []
    following: datetime | None = None
    for reached in reversed(LADDER[: top + 1]):
        time = own.get(reached)
        if time is None and (following is None or reached not in inferable):
            continue
        inferred = time is None or (following is not None and time > following)
        moment = following if inferred and following is not None else time
        if moment is None:
            continue
        found.append(Milestone(stage=reached, time=moment, inferred=inferred))
        following = moment
    return tuple(reversed(found))


def _inferable(evidence: Evidence, unit: Unit, own: dict[Stage, datetime]) -> frozenset[Stage]:
    """Return the stages that a later one may prove."""
    stages: set[Stage] = set()
    if not evidence.identity.adopted:
        stages.update(_ASKED_SIDE)
    if any(stage in own for stage in (*_DOWNLOAD_SIDE, Stage.IMPORTING)):
        if Stage.GRABBED in own or evidence.live_downloads(unit):
            stages.update(_DOWNLOAD_SIDE)
        elif Stage.DOWNLOADED in own or _imported_download(evidence, unit):
            stages.update((Stage.GRABBED, Stage.DOWNLOADED))
        if evidence.household.has(ServiceKind.RADARR, ServiceKind.SONARR):
            stages.add(Stage.IMPORTING)
    return frozenset(stages)


def _imported_download(evidence: Evidence, unit: Unit) -> bool:
    return any(fact.download_id is not None for fact in evidence.covering(Imported, unit))


def _furthest(evidence: Evidence, unit: Unit) -> Stage:
    """Return how far a unit got that is off the ladder now."""
    own = _own_evidence(evidence, unit)
    return next((stage for stage in reversed(LADDER) if stage in own), Stage.REQUESTED)


def _own_evidence(evidence: Evidence, unit: Unit) -> dict[Stage, datetime]:
    """Return the earliest evidence of each stage itself that counts in this attempt."""
    requested = evidence.requested_at
    start = evidence.attempt_start(unit)
    floor = None if requested is None else requested - _SKEW
    attempt = max((time for time in (floor, start) if time is not None), default=None)
    approved = evidence.seerr_event(SeerrEventType.APPROVED, SeerrEventType.AUTO_APPROVED)
    search = evidence.search(unit)
    downloads = [d for d in evidence.downloads(unit) if not d.upgrade]
    current = evidence.arr_unit(unit)
    added = current.file.added if current is not None and current.file is not None else None
    declared = evidence.declared_available(unit)
    candidates: dict[Stage, tuple[datetime | None, Iterable[datetime | None]]] = {
        Stage.REQUESTED: (None, [requested]),
        Stage.APPROVED: (None, [None if approved is None else approved.at]),
        Stage.SEARCHING: (floor, [] if search is None else [search.started]),
        Stage.GRABBED: (attempt, [fact.at for fact in evidence.covering(Grabbed, unit)]),
        Stage.DOWNLOADING: (attempt, [d.first_bytes for d in downloads]),
        Stage.DOWNLOADED: (attempt, [d.completed for d in downloads]),
        Stage.IMPORTING: (
            attempt,
            [*(fact.at for fact in evidence.covering(Imported, unit)), added],
        ),
        Stage.AVAILABLE: (attempt, _available(evidence, unit, declared)),
    }
    own: dict[Stage, datetime] = {}
    for stage, (bound, times) in candidates.items():
        counted = [time for time in times if time is not None and (bound is None or time >= bound)]
        if counted:
            own[stage] = min(min(counted), evidence.now)
    return own


def _available(
    evidence: Evidence, unit: Unit, declared: Declaration | None
) -> Iterable[datetime | None]:
    if declared is not None:
        yield declared.at
    if evidence.household.authority is ServiceKind.JELLYFIN:
        for item in evidence.items(unit):
            if item.playable:
                first = evidence.first_playable(item)
                start = evidence.attempt_start(unit)
                if first is None or (start is not None and first < start):
                    yield evidence.file_added(unit) or start or evidence.requested_at
                else:
                    yield first
    elif evidence.household.authority is ServiceKind.SEERR:
        event = evidence.seerr_event(SeerrEventType.AVAILABLE)
        if event is not None:
            yield event.at
        elif evidence.seerr is not None:
            yield evidence.file_added(unit) or evidence.seerr.requested_at
    else:
        yield evidence.file_added(unit)
