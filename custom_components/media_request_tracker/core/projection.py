"""What the core says about a request: the shapes that entities, cards and the store see.

A projection is a pure function of the request's facts, the configuration and the time. It is
frozen and compared by value: equal projections mean that nothing needs to be written or shown.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .model import (
    ACTIVE,
    FILM,
    DownloadId,
    ImdbId,
    MediaType,
    RequestId,
    ServiceId,
    Stage,
    TmdbId,
    TvdbId,
    Unit,
)

RULES_VERSION = 1
"""Raised whenever the same facts yield another projection; stored beside frozen projections."""


class AttentionCode(StrEnum):
    """Why something does not move."""

    WAITING_FOR_APPROVAL = "waiting_for_approval"
    HANDOVER_FAILED = "handover_failed"
    SEASON_UNKNOWN = "season_unknown"
    NOT_SEARCHED = "not_searched"
    NOT_RELEASED = "not_released"
    NO_RELEASE = "no_release"
    METADATA_PENDING = "metadata_pending"
    DOWNLOAD_STALLED = "download_stalled"
    DOWNLOAD_PAUSED = "download_paused"
    DOWNLOAD_ERROR = "download_error"
    DOWNLOAD_MISSING = "download_missing"
    DOWNLOAD_UNTRACKED = "download_untracked"
    IMPORT_WAITING = "import_waiting"
    IMPORT_BLOCKED = "import_blocked"
    NEEDS_LINK = "needs_link"
    NOT_IN_SHOKO = "not_in_shoko"
    NOT_IN_VFS = "not_in_vfs"
    NOT_IN_JELLYFIN = "not_in_jellyfin"
    DELETION_INCOMPLETE = "deletion_incomplete"
    PUSH_SILENT = "push_silent"
    SERVICE_UNAVAILABLE = "service_unavailable"


class Severity(StrEnum):
    """How grave an attention is, gravest first."""

    PERSON = "person"
    BLOCKED = "blocked"
    WAITING = "waiting"
    INFO = "info"


SEVERITY_ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence before it is put into words: which one, its parameters and its times.

    `parameters` hold names, numbers and quoted messages, `times` aware datetimes that whoever
    shows the sentence formats in the reader's zone.
    """

    key: str
    parameters: tuple[tuple[str, str | int | float], ...] = ()
    times: tuple[tuple[str, datetime], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """A named reason why a unit does not move."""

    code: AttentionCode
    unit: Unit
    since: datetime
    severity: Severity
    advice: Phrase
    """What is wrong, who must act, and what helps."""
    service: ServiceId | None = None
    """The service in question."""
    messages: tuple[str, ...] = ()
    """The service's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """When a unit first reached a stage in its current attempt."""

    stage: Stage
    time: datetime
    inferred: bool = False
    """Only a later stage proves it."""


@dataclass(frozen=True, slots=True)
class ItemRef:
    """A Jellyfin item that answers a unit."""

    service: ServiceId
    item_id: str
    watch_id: str
    """The item a Watch link opens."""
    playable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """A file an *arr has for a unit."""

    service: ServiceId
    path: str | None
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitProjection:
    """One film or episode."""

    unit: Unit = FILM
    title: str | None = None
    stage: Stage
    progress: float = 0.0
    size: int | None = None
    expected: bool = True
    """Counts towards completeness: monitored and out, or has a file."""
    upcoming: bool = False
    air_time: datetime | None = None
    milestones: tuple[Milestone, ...] = ()
    attention: tuple[Attention, ...] = ()
    """Gravest first; at most one of a code."""
    files: tuple[UnitFile, ...] = ()
    items: tuple[ItemRef, ...] = ()
    downloads: tuple[DownloadId, ...] = ()
    """Live downloads that carry this unit."""
    waiting_since: datetime | None = None
    """Since when the *arr has the file and Jellyfin does not show it."""
    declared: bool = False
    """Available because a person said so."""
    sentence: Phrase

    @property
    def jellyfin_id(self) -> str | None:
        """Return the item that plays this unit."""
        return next((item.item_id for item in self.items if item.playable), None)


class DownloadState(StrEnum):
    """How a download is doing, whichever service tells."""

    QUEUED = "queued"
    METADATA = "metadata"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    CHECKING = "checking"
    MOVING = "moving"
    COMPLETE = "complete"
    IMPORTING = "importing"
    IMPORT_BLOCKED = "import_blocked"
    ERROR = "error"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadProjection:
    """One grabbed release."""

    download_id: DownloadId
    name: str | None = None
    client: str | None = None
    """Name of the download client, as the *arr calls it."""
    transfer: ServiceId | None = None
    """The download client of ours that has it."""
    size: int | None = None
    progress: float = 0.0
    speed: int | None = None
    eta: datetime | None = None
    state: DownloadState
    live: bool = True
    upgrade: bool = False
    stale: bool = False
    units: tuple[Unit, ...] = ()
    grabbed_at: datetime | None = None
    torrent: bool = True
    """False when the id cannot be a torrent's, so that no torrent client is asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of a request's history."""

    time: datetime
    event: str
    """What happened: a stage, or `upgraded`, `re_grabbed`, `remedy`, `file_deleted` …"""
    stage: Stage | None = None
    service: ServiceId | None = None
    units: tuple[Unit, ...] = ()
    phrase: Phrase
    inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many expected units stand where; they add up to the unit list."""

    queued: int = 0
    downloading: int = 0
    downloaded: int = 0
    ready: int = 0
    expected: int | None = None
    """None while the set is unknown."""
    upcoming: int = 0
    about: int | None = None
    """Number of units by the request's own service, while the set is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeerrRef:
    """The Seerr request behind a request."""

    service: ServiceId
    request_id: int
    subject: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ArrRef:
    """The *arr object behind a request."""

    service: ServiceId
    object_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdentity:
    """What makes a request this request. Never changes."""

    id: RequestId
    media_type: MediaType
    tmdb: TmdbId | None = None
    tvdb: TvdbId | None = None
    is_4k: bool = False
    seerr: SeerrRef | None = None
    """None for a title that nobody requested."""
    arr: ArrRef | None = None
    """The object an adopted title was found as."""

    @property
    def adopted(self) -> bool:
        """Return whether nobody requested this title in Seerr."""
        return self.seerr is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """A request, whole."""

    identity: RequestIdentity
    title: str
    original_title: str | None = None
    alternate_titles: tuple[str, ...] = ()
    year: int | None = None
    imdb: ImdbId | None = None
    tvdb: TvdbId | None = None
    seasons: tuple[int, ...] = ()
    is_anime: bool | None = None
    stage: Stage
    progress: float | None = None
    counts: Counts = field(default_factory=Counts)
    sentence: Phrase
    requested_by: str | None = None
    requested_at: datetime | None = None
    available_at: datetime | None = None
    updated_at: datetime | None = None
    """When the latest thing in the timeline happened."""
    closed: bool = False
    poster: str | None = None
    """Address of the poster at its source; never shown to a person as it is."""
    arr: tuple[ArrRef, ...] = ()
    path: str | None = None
    """Library folder, as the *arr sees it."""
    jellyfin: ItemRef | None = None
    """The item of the film, or of the series."""
    eta: datetime | None = None
    """When the running transfers end, by the download client."""
    stale: tuple[ServiceId, ...] = ()
    """Services that this request needs and that do not answer."""
    own_attention: tuple[Attention, ...] = ()
    """Attentions of the request as a whole, while its units are not known yet."""
    units: tuple[UnitProjection, ...] = ()
    downloads: tuple[DownloadProjection, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()
    next_due: datetime | None = None
    """The next moment at which time alone changes this projection."""

    @property
    def id(self) -> RequestId:
        """Return the request's id."""
        return self.identity.id

    @property
    def attention(self) -> tuple[Attention, ...]:
        """Return all attentions, gravest first, then oldest."""
        found = [attention for unit in self.units for attention in unit.attention]
        return tuple(sorted([*self.own_attention, *found], key=gravity))

    @property
    def active(self) -> bool:
        """Return whether something is under way for it."""
        return any(unit.stage in ACTIVE for unit in self.units)


def gravity(attention: Attention) -> tuple[int, datetime, str]:
    """Return the sort key that puts the gravest attention first."""
    return (SEVERITY_ORDER.index(attention.severity), attention.since, attention.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A request before and after facts or time changed it."""

    request_id: RequestId
    before: Projection | None
    after: Projection | None
