"""From units to the request: what is expected, the counts, the headline, the progress.

The headline is the least advanced thing under way, because that is what the household still waits
for; the counts beside it say the rest and always add up to the unit list.
"""

from collections.abc import Sequence
from datetime import datetime

from .attention import unanswering
from .correlate import known_titles
from .derive import derive_unit
from .evidence import Evidence
from .facts import DeclarationKind, SeerrEvent
from .model import ACTIVE, LADDER, OFF_LADDER, Stage, Unit
from .projection import Counts, DownloadProjection, ItemRef, Phrase, Projection, UnitProjection
from .sentence import unit_sentence
from .timeline import timeline
from .transfer import show

_BEFORE = (Stage.SEARCHING, Stage.APPROVED, Stage.REQUESTED)

_COUNTED = {
    "queued": (Stage.GRABBED,),
    "downloading": (Stage.DOWNLOADING,),
    "downloaded": (Stage.DOWNLOADED, Stage.IMPORTING, Stage.MATCHING),
    "ready": (Stage.AVAILABLE,),
}


def derive_request(evidence: Evidence) -> Projection:
    """Return everything that is known about one request."""
    identity = evidence.identity
    units = tuple(derive_unit(evidence, unit) for unit in evidence.units)
    placeholder = None if units else derive_unit(evidence, Unit())
    stage = headline(units) if placeholder is None else placeholder.stage
    title, details, seerr = evidence.arr_title, evidence.details, evidence.seerr
    announced = _announced(evidence)
    history = timeline(evidence, units or _listed(placeholder))
    jellyfin = _jellyfin(units)
    downloads = _downloads(evidence)
    titles, _ = known_titles(evidence.claim.facts)
    name = _first(
        details.title if details else None,
        title.title if title else None,
        announced.title if announced else None,
    )
    shown = _first(
        details.original_title if details else None, title.original_title if title else None
    )
    return Projection(
        identity=identity,
        title=name or "",
        original_title=shown if shown != name else None,
        alternate_titles=tuple(sorted(titles - {name, shown})),
        year=_first(
            details.year if details else None,
            title.year if title else None,
            announced.year if announced else None,
        ),
        imdb=_first(
            title.imdb if title else None,
            details.imdb if details else None,
            seerr.imdb if seerr else None,
        ),
        tvdb=_first(identity.tvdb, details.tvdb if details else None),
        seasons=_first(seerr.seasons if seerr else None, announced.seasons if announced else None)
        or (),
        is_anime=is_anime(evidence),
        stage=stage,
        progress=progress(units),
        counts=counts(units, evidence),
        sentence=_sentence(evidence, stage, units, placeholder),
        requested_by=_first(
            seerr.requested_by if seerr else None, announced.requested_by if announced else None
        ),
        requested_at=evidence.requested_at,
        available_at=_available_at(stage, units),
        updated_at=max((entry.time for entry in history), default=evidence.requested_at),
        closed=_closed(stage, units),
        poster=_first(
            details.poster if details else None,
            title.poster if title else None,
            announced.poster if announced else None,
        ),
        arr=evidence.claim.objects,
        path=None if title is None else title.path,
        jellyfin=jellyfin,
        eta=_eta(downloads),
        stale=unanswering(evidence, frozenset(u.stage for u in units or _listed(placeholder))),
        own_attention=() if placeholder is None else placeholder.attention,
        units=units,
        downloads=downloads,
        timeline=history,
        next_due=_next_due(evidence, units),
    )


def _first[T](*values: T | None) -> T | None:
    return next((value for value in values if value), None)


def _listed(placeholder: UnitProjection | None) -> tuple[UnitProjection, ...]:
    return () if placeholder is None else (placeholder,)


def _announced(evidence: Evidence) -> SeerrEvent | None:
    return next((event for event in reversed(evidence.seerr_events) if event.title), None)


def headline(units: Sequence[UnitProjection]) -> Stage:
    """Return the stage of a request with these units."""
    expected = [unit for unit in units if unit.expected] or list(units)
    stages = [unit.stage for unit in expected]
    for ended in (Stage.DELETED, Stage.DECLINED, Stage.FAILED):
        if all(stage is ended for stage in stages):
            return ended
    counted = [stage for stage in stages if stage not in OFF_LADDER] or stages
    if all(stage is Stage.AVAILABLE for stage in counted):
        return Stage.AVAILABLE
    if active := [stage for stage in counted if stage in ACTIVE]:
        return min(active, key=LADDER.index)
    if Stage.AVAILABLE in counted:
        return Stage.PARTIALLY_AVAILABLE
    return next((stage for stage in _BEFORE if stage in counted), counted[0])


def counts(units: Sequence[UnitProjection], evidence: Evidence) -> Counts:
    """Return how many expected units stand where."""
    expected = [unit for unit in units if unit.expected]
    upcoming = sum(unit.upcoming for unit in units)
    known = {
        name: sum(unit.stage in stages for unit in expected) for name, stages in _COUNTED.items()
    }
    if not units:
        return Counts(about=_about(evidence))
    return Counts(**known, expected=len(expected), upcoming=upcoming)


def _about(evidence: Evidence) -> int | None:
    if evidence.details is None or evidence.seerr is None:
        return None
    seasons = dict(evidence.details.episode_counts)
    return sum(seasons.get(season, 0) for season in evidence.seerr.seasons) or None


def progress(units: Sequence[UnitProjection]) -> float | None:
    """Return the size-weighted progress of the expected units; None while the set is unknown.

    Unknown sizes count as the mean of the known ones.
    """
    expected = [unit for unit in units if unit.expected]
    if not expected:
        return None
    known = [unit.size for unit in expected if unit.size]
    mean = sum(known) / len(known) if known else 1.0
    total = sum(unit.size or mean for unit in expected)
    return sum((unit.size or mean) * unit.progress for unit in expected) / total


def is_anime(evidence: Evidence) -> bool | None:
    """Return whether the title is anime: a person's word, a service's, or None for unknown."""
    said: dict[DeclarationKind, bool | None] = {
        DeclarationKind.ANIME: True,
        DeclarationKind.NOT_ANIME: False,
        DeclarationKind.ANIME_AUTO: None,
    }
    declared = evidence.newest_declaration(frozenset(said))
    if declared is not None and said[declared.declares] is not None:
        return said[declared.declares]
    title = evidence.arr_title
    if title is None:
        return None
    folders = evidence.household.options.anime_folders
    if (
        title.series_type == "anime"
        or "anime" in (tag.casefold() for tag in title.tags)
        or (title.path is not None and any(title.path.startswith(folder) for folder in folders))
    ):
        return True
    return False if title.series_type is not None else None


def _sentence(
    evidence: Evidence,
    stage: Stage,
    units: Sequence[UnitProjection],
    placeholder: UnitProjection | None,
) -> Phrase:
    if placeholder is not None:
        return unit_sentence(evidence, placeholder.unit, stage, placeholder.attention)
    spoken = [unit for unit in units if unit.stage is stage]
    return (spoken or list(units))[0].sentence


def _available_at(stage: Stage, units: Sequence[UnitProjection]) -> datetime | None:
    if stage is not Stage.AVAILABLE:
        return None
    times = [
        milestone.time
        for unit in units
        for milestone in unit.milestones
        if milestone.stage is Stage.AVAILABLE
    ]
    return max(times, default=None)


def _closed(stage: Stage, units: Sequence[UnitProjection]) -> bool:
    if stage in (Stage.DECLINED, Stage.DELETED):
        return True
    return stage is Stage.AVAILABLE and not any(unit.upcoming for unit in units)


def _jellyfin(units: Sequence[UnitProjection]) -> ItemRef | None:
    return next((item for unit in units for item in unit.items if item.playable), None)


def _downloads(evidence: Evidence) -> tuple[DownloadProjection, ...]:
    carried: dict[str, list[Unit]] = {}
    found = {}
    for unit in evidence.units:
        for download in evidence.downloads(unit):
            carried.setdefault(download.download_id, []).append(unit)
            found[download.download_id] = download
    return tuple(
        show(evidence, download, tuple(carried[download_id]))
        for download_id, download in sorted(found.items(), key=lambda pair: pair[1].started)
    )


def _eta(downloads: Sequence[DownloadProjection]) -> datetime | None:
    return max((d.eta for d in downloads if d.live and d.eta is not None), default=None)


def _next_due(evidence: Evidence, units: Sequence[UnitProjection]) -> datetime | None:
    return min(
        (due for unit in units if (due := evidence.due.get(unit.unit)) is not None), default=None
    )
