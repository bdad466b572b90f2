"""A request's history: what its facts tell, one line each, and the milestones they imply.

The timeline is derived like everything else. A webhook and the history record of the same event
are one line; a stage that only a later one proves gets a line marked as inferred.
"""

from collections.abc import Iterable
from datetime import datetime

from .evidence import Evidence, settle_by
from .facts import (
    Declaration,
    DownloadEnded,
    FileDeleted,
    Grabbed,
    Imported,
    ManualInteraction,
    RemedyRan,
    SeerrEvent,
    SeerrEventType,
    TitleChanged,
    TransferStep,
    TransferStepped,
)
from .model import LADDER, TRACKER, USER, Stage, Unit
from .projection import Milestone, Phrase, TimelineEntry, UnitProjection

_SEERR = {
    SeerrEventType.REQUESTED: ("requested", Stage.REQUESTED),
    SeerrEventType.APPROVED: ("approved", Stage.APPROVED),
    SeerrEventType.AUTO_APPROVED: ("approved", Stage.APPROVED),
    SeerrEventType.DECLINED: ("declined", Stage.DECLINED),
    SeerrEventType.FAILED: ("failed", Stage.FAILED),
}


def timeline(evidence: Evidence, units: tuple[UnitProjection, ...]) -> tuple[TimelineEntry, ...]:
    """Return the entries in order of time; equal times in the order of the stages."""
    entries = [*_seerr(evidence), *_arr(evidence), *_own(evidence)]
    for unit in units:
        entries.extend(_steps(evidence, unit.unit))
    entries.extend(_from_milestones(entries, units))
    return tuple(sorted(set(entries), key=_order))


def _order(entry: TimelineEntry) -> tuple[datetime, int, str, str]:
    rank = LADDER.index(entry.stage) if entry.stage in LADDER else len(LADDER)
    return (entry.time, rank, entry.event, str(entry.phrase))


def _present(**parameters: str | float | None) -> tuple[tuple[str, str | int | float], ...]:
    return tuple((name, value) for name, value in parameters.items() if value is not None)


def _seerr(evidence: Evidence) -> Iterable[TimelineEntry]:
    for fact in evidence.seerr_events:
        if fact.event not in _SEERR:
            continue
        event, stage = _SEERR[fact.event]
        yield TimelineEntry(
            time=fact.at,
            event=event,
            stage=stage,
            service=fact.service,
            phrase=_seerr_phrase(fact, event),
        )


def _seerr_phrase(fact: SeerrEvent, event: str) -> Phrase:
    if fact.event is SeerrEventType.AUTO_APPROVED:
        return Phrase(key="timeline.approved.auto")
    if fact.event is SeerrEventType.REQUESTED and fact.requested_by:
        return Phrase(key="timeline.requested.by", parameters=_present(person=fact.requested_by))
    return Phrase(key=f"timeline.{event}")


def _arr(evidence: Evidence) -> Iterable[TimelineEntry]:
    known = evidence.units
    for grab in settle_by(evidence.all(Grabbed), lambda fact: (fact.service, fact.download_id)):
        upgrade = any(
            download.upgrade and grab.at == download.started
            for unit in known
            for download in evidence.downloads(unit)
        )
        event = "upgrading" if upgrade else "grabbed"
        yield TimelineEntry(
            time=grab.at,
            event=event,
            stage=None if upgrade else Stage.GRABBED,
            service=grab.service,
            units=grab.units,
            phrase=Phrase(
                key=f"timeline.{event}" + (".sized" if grab.size else ""),
                parameters=_present(
                    quality=grab.quality or "?",
                    indexer=grab.indexer or "?",
                    size_bytes=grab.size or None,
                ),
            ),
        )
    for imported in settle_by(
        evidence.all(Imported), lambda fact: (fact.service, fact.object_id, fact.download_id)
    ):
        event = "upgraded" if imported.is_upgrade else "imported"
        yield TimelineEntry(
            time=imported.at,
            event=event,
            stage=None if imported.is_upgrade else Stage.IMPORTING,
            service=imported.service,
            units=imported.units,
            phrase=Phrase(key=f"timeline.{event}"),
        )
    for ended in settle_by(
        evidence.all(DownloadEnded), lambda fact: (fact.service, fact.download_id, fact.end)
    ):
        said = "said" if ended.message else ""
        yield TimelineEntry(
            time=ended.at,
            event=f"download_{ended.end}",
            service=ended.service,
            units=ended.units,
            phrase=Phrase(
                key=f"timeline.download_{ended.end}" + (f".{said}" if said else ""),
                parameters=_present(message=ended.message),
            ),
        )
    for deleted in settle_by(
        evidence.all(FileDeleted), lambda fact: (fact.service, fact.object_id, fact.units)
    ):
        if not deleted.is_replacement:
            yield TimelineEntry(
                time=deleted.at,
                event="file_deleted",
                service=deleted.service,
                units=deleted.units,
                phrase=Phrase(key="timeline.file_deleted"),
            )
    for changed in settle_by(
        evidence.all(TitleChanged), lambda fact: (fact.service, fact.object_id, fact.change)
    ):
        yield TimelineEntry(
            time=changed.at,
            event=f"title_{changed.change}",
            service=changed.service,
            phrase=Phrase(
                key=f"timeline.title_{changed.change}",
                parameters=(("service", evidence.service_name(changed.service)),),
            ),
        )
    for call in settle_by(
        evidence.all(ManualInteraction), lambda fact: (fact.service, fact.download_id)
    ):
        yield TimelineEntry(
            time=call.at,
            event="import_blocked",
            service=call.service,
            units=call.units,
            phrase=Phrase(
                key="timeline.import_blocked" + (".said" if call.messages else ""),
                parameters=_present(message=call.messages[0] if call.messages else None),
            ),
        )


def _steps(evidence: Evidence, unit: Unit) -> Iterable[TimelineEntry]:
    for download in evidence.downloads(unit):
        if download.upgrade or not download.completed:
            continue
        ids = {download.download_id}
        if not any(
            step.download_id in ids and step.step is TransferStep.COMPLETED
            for step in evidence.all(TransferStepped)
        ):
            continue
        transfer = download.transfer
        size = transfer.size if transfer is not None else None
        yield TimelineEntry(
            time=download.completed,
            event="downloaded",
            stage=Stage.DOWNLOADED,
            service=None if transfer is None else transfer.service,
            units=(unit,),
            phrase=Phrase(
                key="timeline.downloaded" + (".sized" if size else ""),
                parameters=_present(size_bytes=size),
            ),
        )


def _own(evidence: Evidence) -> Iterable[TimelineEntry]:
    for remedy in evidence.all(RemedyRan):
        outcome = "dry_run" if remedy.dry_run else "ran" if remedy.succeeded else "failed"
        yield TimelineEntry(
            time=remedy.at,
            event="remedy",
            service=USER if remedy.by else TRACKER,
            units=(remedy.unit,),
            phrase=Phrase(
                key=f"timeline.remedy.{remedy.remedy}.{outcome}",
                parameters=(("service", evidence.service_name(remedy.target)),),
            ),
        )
    for declared in evidence.all(Declaration):
        yield TimelineEntry(
            time=declared.at,
            event="declared",
            service=USER,
            units=declared.units,
            phrase=Phrase(key=f"timeline.declared.{declared.declares}"),
        )


def _from_milestones(
    entries: Iterable[TimelineEntry], units: tuple[UnitProjection, ...]
) -> Iterable[TimelineEntry]:
    """Return the stages that were reached without an entry of their own."""
    told: set[tuple[Stage, Unit]] = set()
    for entry in entries:
        if entry.stage is not None:
            told.update((entry.stage, unit) for unit in entry.units or (u.unit for u in units))
    reached: dict[tuple[Stage, datetime, bool], list[Unit]] = {}
    for unit in units:
        for milestone in unit.milestones:
            if _told(milestone, unit.unit, told):
                continue
            key = (milestone.stage, milestone.time, milestone.inferred)
            reached.setdefault(key, []).append(unit.unit)
    for (stage, time, inferred), those in reached.items():
        yield TimelineEntry(
            time=time,
            event=stage.value,
            stage=stage,
            units=tuple(those),
            phrase=Phrase(key=f"timeline.{stage}"),
            inferred=inferred,
        )


def _told(milestone: Milestone, unit: Unit, told: set[tuple[Stage, Unit]]) -> bool:
    return (milestone.stage, unit) in told
