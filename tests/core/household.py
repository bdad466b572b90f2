"""Builders of small worlds: a household, its services, and what they say about one film."""

from datetime import UTC, datetime, timedelta

from custom_components.media_request_tracker.core.facts import (
    ArrTitle,
    ArrUnit,
    BecamePlayable,
    DownloadEnd,
    DownloadEnded,
    Fact,
    FileDeleted,
    Grabbed,
    Imported,
    ItemType,
    LibraryItem,
    MediaFile,
    Miss,
    MissKind,
    QueueItem,
    QueueStatus,
    SearchState,
    SeerrEvent,
    SeerrEventType,
    SeerrMediaStatus,
    SeerrRequest,
    SeerrStatus,
    ServiceHealth,
    TitleDetails,
    TrackedState,
    Transfer,
    TransferState,
    TransferStep,
    TransferStepped,
)
from custom_components.media_request_tracker.core.ledger import Ledger
from custom_components.media_request_tracker.core.model import (
    FILM,
    DownloadId,
    MediaType,
    ServiceId,
    ServiceKind,
    TitleKey,
    TmdbId,
)
from custom_components.media_request_tracker.core.options import Household
from custom_components.media_request_tracker.core.projection import Projection

SEERR = ServiceId("seerr-entry")
RADARR = ServiceId("radarr-entry")
RADARR_4K = ServiceId("radarr-4k-entry")
QBIT = ServiceId("qbittorrent-entry")
JELLYFIN = ServiceId("jellyfin-entry")

FULL = {
    SEERR: ServiceKind.SEERR,
    RADARR: ServiceKind.RADARR,
    QBIT: ServiceKind.QBITTORRENT,
    JELLYFIN: ServiceKind.JELLYFIN,
}

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
HASH = DownloadId("c2c60f66c126652a86f7f2ee73dc83d4e255929e")
OTHER_HASH = DownloadId("a" * 40)
PATH = "/data/movies/Perfect Days (2023)/Perfect Days (2023) Bluray-1080p.mkv"
TMDB = TmdbId(976893)
MOVIE = 52


def at(minutes: float) -> datetime:
    """Return the moment this many minutes into the story."""
    return START + timedelta(minutes=minutes)


def household(**changes: object) -> Household:
    return Household(services=FULL, **changes)  # type: ignore[arg-type]


def key(tmdb: int = TMDB) -> TitleKey:
    return TitleKey(MediaType.MOVIE, tmdb)


def request(
    minutes: float, status: SeerrStatus = SeerrStatus.APPROVED, **changes: object
) -> SeerrRequest:
    values: dict[str, object] = {
        "request_id": 1,
        "media_type": MediaType.MOVIE,
        "tmdb": TMDB,
        "requested_at": START,
        "requested_by": "Kid",
        "media_status": SeerrMediaStatus.PROCESSING,
    }
    return SeerrRequest(service=SEERR, at=at(minutes), status=status, **(values | changes))  # type: ignore[arg-type]


def announced(minutes: float, event: SeerrEventType, **changes: object) -> SeerrEvent:
    values: dict[str, object] = {
        "request_id": 1,
        "media_type": MediaType.MOVIE,
        "tmdb": TMDB,
        "title": "Perfect Days",
        "year": 2023,
        "requested_by": "Kid",
    }
    return SeerrEvent(
        service=SEERR,
        at=at(minutes),
        record=f"webhook:{event}:{minutes}",
        provisional=True,
        event=event,
        **(values | changes),  # type: ignore[arg-type]
    )


def details(minutes: float) -> TitleDetails:
    return TitleDetails(
        service=SEERR,
        at=at(minutes),
        media_type=MediaType.MOVIE,
        tmdb=TMDB,
        title="Perfect Days",
        original_title="PERFECT DAYS",
        year=2023,
        poster="https://image.tmdb.org/t/p/w500/poster.jpg",
    )


def movie(minutes: float, *, released: bool = True, **changes: object) -> ArrTitle:
    values: dict[str, object] = {
        "object_id": MOVIE,
        "title_key": key(),
        "tmdb": TMDB,
        "title": "Perfect Days",
        "year": 2023,
        "monitored": True,
        "released": released,
        "added": at(1),
    }
    return ArrTitle(service=RADARR, at=at(minutes), **(values | changes))  # type: ignore[arg-type]


def film(minutes: float, *, added: float | None = None, **changes: object) -> ArrUnit:
    """The film in Radarr; with a file if `added` says when that was imported."""
    file = None if added is None else MediaFile(7, PATH, 8_000_000_000, at(added), "Bluray-1080p")
    values: dict[str, object] = {"object_id": MOVIE, "unit": FILM, "monitored": True}
    return ArrUnit(
        service=RADARR,
        at=at(minutes),
        has_file=file is not None,
        file=file,
        **(values | changes),  # type: ignore[arg-type]
    )


def grabbed(
    minutes: float, download: str = HASH, *, webhook: bool = False, **changes: object
) -> Grabbed:
    values: dict[str, object] = {
        "object_id": MOVIE,
        "title_key": key(),
        "download_id": DownloadId(download),
        "units": (FILM,),
        "release": "Perfect.Days.2023.1080p.BluRay-GRP",
        "size": 8_000_000_000,
        "quality": "Bluray-1080p",
        "indexer": "Indexer",
        "client": "qBittorrent",
    }
    record = f"webhook:grab:{minutes}" if webhook else f"history:{int(minutes * 60)}:{download}"
    return Grabbed(
        service=RADARR,
        at=at(minutes),
        record=record,
        provisional=webhook,
        **(values | changes),  # type: ignore[arg-type]
    )


def imported(
    minutes: float, download: str | None = HASH, *, webhook: bool = False, **changes: object
) -> Imported:
    values: dict[str, object] = {
        "object_id": MOVIE,
        "title_key": key(),
        "download_id": None if download is None else DownloadId(download),
        "units": (FILM,),
        "path": PATH,
        "size": 8_000_000_000,
    }
    record = f"webhook:import:{minutes}" if webhook else f"history:{int(minutes * 60)}:import"
    return Imported(
        service=RADARR,
        at=at(minutes),
        record=record,
        provisional=webhook,
        **(values | changes),  # type: ignore[arg-type]
    )


def failed(minutes: float, download: str = HASH) -> DownloadEnded:
    return DownloadEnded(
        service=RADARR,
        at=at(minutes),
        record=f"history:{int(minutes * 60)}:failed",
        object_id=MOVIE,
        title_key=key(),
        download_id=DownloadId(download),
        units=(FILM,),
        end=DownloadEnd.FAILED,
    )


def file_deleted(minutes: float, reason: str = "manual") -> FileDeleted:
    return FileDeleted(
        service=RADARR,
        at=at(minutes),
        record=f"history:{int(minutes * 60)}:deleted",
        object_id=MOVIE,
        title_key=key(),
        units=(FILM,),
        reason=reason,
        path=PATH,
    )


def queued(
    minutes: float,
    status: QueueStatus = QueueStatus.DOWNLOADING,
    download: str = HASH,
    **changes: object,
) -> QueueItem:
    values: dict[str, object] = {
        "item": download,
        "download_id": DownloadId(download),
        "object_id": MOVIE,
        "units": (FILM,),
        "size": 8_000_000_000,
        "size_left": 8_000_000_000,
        "tracked_state": TrackedState.DOWNLOADING,
        "client": "qBittorrent",
        "added": at(2),
    }
    return QueueItem(service=RADARR, at=at(minutes), status=status, **(values | changes))  # type: ignore[arg-type]


def transfer(
    minutes: float,
    progress: float,
    state: TransferState = TransferState.DOWNLOADING,
    download: str = HASH,
    **changes: object,
) -> Transfer:
    values: dict[str, object] = {
        "aliases": frozenset({DownloadId(download)}),
        "name": "Perfect.Days.2023",
        "complete": progress >= 1,
        "size": 8_000_000_000,
        "speed": 1_000_000 if state is TransferState.DOWNLOADING else None,
        "added_at": at(2),
        "moved_at": at(minutes),
    }
    return Transfer(
        service=QBIT,
        at=at(minutes),
        download_id=DownloadId(download),
        state=state,
        progress=progress,
        **(values | changes),  # type: ignore[arg-type]
    )


def stepped(minutes: float, step: TransferStep, download: str = HASH) -> TransferStepped:
    return TransferStepped(
        service=QBIT,
        at=at(minutes),
        record=f"{download}@1:{step}",
        download_id=DownloadId(download),
        step=step,
    )


def item(
    minutes: float, *, playable: bool = True, item_id: str = "f" * 32, **changes: object
) -> LibraryItem:
    values: dict[str, object] = {
        "item_type": ItemType.MOVIE,
        "name": "Perfect Days",
        "year": 2023,
        "paths": (PATH.replace("/data", "/media"),),
        "provider_ids": (("Tmdb", str(TMDB)),),
    }
    return LibraryItem(
        service=JELLYFIN,
        at=at(minutes),
        item_id=item_id,
        playable=playable,
        **(values | changes),  # type: ignore[arg-type]
    )


def playable(minutes: float, item_id: str = "f" * 32) -> BecamePlayable:
    return BecamePlayable(service=JELLYFIN, at=at(minutes), record=f"{item_id}:p", item_id=item_id)


def miss(minutes: float, what: MissKind, subject: str, service: ServiceId) -> Miss:
    return Miss(
        service=service,
        at=at(minutes),
        record=f"{what}:{subject}:{minutes}",
        what=what,
        subject=subject,
    )


def health(
    minutes: float, service: ServiceId, *, reachable: bool = True, push: bool = False
) -> ServiceHealth:
    return ServiceHealth(
        service=service,
        at=at(minutes),
        reachable=reachable,
        since=at(minutes),
        push_expected=push,
        push_since=at(0) if push else None,
    )


def searching(minutes: float, *, running: bool = True, **changes: object) -> SearchState:
    return SearchState(
        service=RADARR,
        at=at(minutes),
        object_id=MOVIE,
        running=running,
        **changes,  # type: ignore[arg-type]
    )


def told(*facts: Fact, now: float = 600, home: Household | None = None) -> Ledger:
    """Return a ledger that was told these facts and looked at the clock."""
    ledger = Ledger(home or household())
    ledger.apply(facts, at(now))
    return ledger


def the_request(ledger: Ledger) -> Projection:
    """Return the one request of a ledger."""
    (projection,) = ledger.projections.values()
    return projection


def codes(projection: Projection) -> list[str]:
    return [attention.code for attention in projection.attention]
