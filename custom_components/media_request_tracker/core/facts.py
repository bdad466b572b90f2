"""Facts: what services say, typed and stamped.

A fact is either an *observation* (what a service's answer said was so when we asked; the newest
read of a key wins) or an *occurrence* (what happened once; occurrences only accumulate). Both are
frozen, carry all their stamps, and know their key, so that a set of facts is a join: any order and
any repetition gives the same state.

Facts know nothing of rules. Adapters make them, `ledger` keeps them, `derive` reads them.

Stamps: an observation's `at` is when our read was *sent*; an occurrence's `at` is when it
happened by the service's clock, but never later than when we received it (adapters clamp it).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

from .model import DownloadId, ImdbId, MediaType, ServiceId, TitleKey, TmdbId, TvdbId, Unit


class FactKey(NamedTuple):
    """What makes two facts statements about the same thing."""

    service: ServiceId
    kind: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A level: what `service` said was so when the read sent at `at` was answered."""

    KIND: ClassVar[str]

    service: ServiceId
    at: datetime

    @property
    def subject(self) -> str:
        """Return what the observation is about, unique within service and kind."""
        raise NotImplementedError

    @property
    def key(self) -> FactKey:
        """Return the key under which the newest observation wins."""
        return FactKey(self.service, self.KIND, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened once.

    `record` is the service's own id of it (a history id), or for a provisional occurrence (from a
    webhook) anything unique to that delivery. A record with the same meaning within ten minutes
    supersedes the provisional one.
    """

    KIND: ClassVar[str]

    service: ServiceId
    at: datetime
    record: str
    provisional: bool = False

    @property
    def key(self) -> FactKey:
        """Return the key under which repetitions collapse."""
        return FactKey(self.service, self.KIND, self.record)


type Fact = Observation | Occurrence


# --- Seerr -------------------------------------------------------------------------------------


class SeerrStatus(StrEnum):
    """Status of a Seerr request (its numbers 1 to 5)."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    FAILED = "failed"
    COMPLETED = "completed"
    UNKNOWN = "unknown"


class SeerrMediaStatus(StrEnum):
    """Status of the media behind a Seerr request (its numbers 1 to 7)."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    PROCESSING = "processing"
    PARTIALLY_AVAILABLE = "partially_available"
    AVAILABLE = "available"
    BLOCKLISTED = "blocklisted"
    DELETED = "deleted"


def seerr_subject(request_id: int, media_type: MediaType, tmdb: TmdbId) -> str:
    """Return the subject of a Seerr request; the title belongs to it because ids get reused."""
    return f"{request_id}:{media_type}:{tmdb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeerrRequest(Observation):
    """A request as Seerr's REST answer shows it."""

    KIND: ClassVar[str] = "seerr_request"

    request_id: int
    media_type: MediaType
    tmdb: TmdbId
    tvdb: TvdbId | None = None
    imdb: ImdbId | None = None
    is_4k: bool = False
    seasons: tuple[int, ...] = ()
    status: SeerrStatus
    media_status: SeerrMediaStatus = SeerrMediaStatus.UNKNOWN
    season_media: tuple[tuple[int, SeerrMediaStatus], ...] = ()
    requested_by: str | None = None
    requested_at: datetime | None = None
    arr_server: int | None = None
    """Seerr's own index of the *arr server, not a name."""
    arr_id: int | None = None
    """The *arr's object id, once the *arr has answered Seerr."""
    jellyfin_id: str | None = None

    @property
    def subject(self) -> str:
        """Return request id and title."""
        return seerr_subject(self.request_id, self.media_type, self.tmdb)


class SeerrEventType(StrEnum):
    """Webhook events that move a request."""

    REQUESTED = "requested"
    APPROVED = "approved"
    AUTO_APPROVED = "auto_approved"
    DECLINED = "declined"
    FAILED = "failed"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeerrEvent(Occurrence):
    """What a Seerr webhook announced. Always provisional: Seerr keeps no event records."""

    KIND: ClassVar[str] = "seerr_event"

    event: SeerrEventType
    request_id: int
    media_type: MediaType
    tmdb: TmdbId
    tvdb: TvdbId | None = None
    is_4k: bool = False
    seasons: tuple[int, ...] = ()
    title: str | None = None
    year: int | None = None
    poster: str | None = None
    requested_by: str | None = None
    message: str | None = None

    @property
    def request_subject(self) -> str:
        """Return the subject of the request this event is about."""
        return seerr_subject(self.request_id, self.media_type, self.tmdb)


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleDetails(Observation):
    """Names and poster of a title, from whichever service was asked."""

    KIND: ClassVar[str] = "title"

    media_type: MediaType
    tmdb: TmdbId
    tvdb: TvdbId | None = None
    imdb: ImdbId | None = None
    title: str
    original_title: str | None = None
    year: int | None = None
    poster: str | None = None
    episode_counts: tuple[tuple[int, int], ...] = ()
    """(season, number of episodes) as the metadata source counts them: only ever "about N"."""

    @property
    def subject(self) -> str:
        """Return the title by its TMDB id, which Seerr always has."""
        return f"{self.media_type}:{self.tmdb}"


# --- *arr --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrTitle(Observation):
    """A film in Radarr or a series in Sonarr."""

    KIND: ClassVar[str] = "arr_title"

    object_id: int
    title_key: TitleKey
    tmdb: TmdbId | None = None
    tvdb: TvdbId | None = None
    imdb: ImdbId | None = None
    title: str
    original_title: str | None = None
    alternate_titles: tuple[str, ...] = ()
    year: int | None = None
    monitored: bool
    released: bool | None = None
    """False while the *arr's minimum availability is not reached (a film not out yet)."""
    release_time: datetime | None = None
    tags: tuple[str, ...] = ()
    series_type: str | None = None
    path: str | None = None
    root_folder: str | None = None
    poster: str | None = None
    added: datetime | None = None
    last_search: datetime | None = None

    @property
    def subject(self) -> str:
        """Return the *arr's object id."""
        return str(self.object_id)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file that an *arr has imported."""

    file_id: int
    path: str | None
    size: int | None
    added: datetime | None
    quality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrUnit(Observation):
    """One film or episode as the *arr sees it: watched for, aired, and whether its file is there."""

    KIND: ClassVar[str] = "arr_unit"

    object_id: int
    unit: Unit
    monitored: bool
    has_file: bool
    file: MediaFile | None = None
    episode_id: int | None = None
    title: str | None = None
    air_time: datetime | None = None
    last_search: datetime | None = None

    @property
    def subject(self) -> str:
        """Return object id and unit."""
        return f"{self.object_id}:{self.unit}"


class QueueStatus(StrEnum):
    """State of a queue row in the download client, in the *arr's words."""

    QUEUED = "queued"
    PAUSED = "paused"
    DOWNLOADING = "downloading"
    COMPLETED = "completed"
    FAILED = "failed"
    WARNING = "warning"
    DELAY = "delay"
    CLIENT_UNAVAILABLE = "downloadClientUnavailable"
    UNKNOWN = "unknown"


class TrackedState(StrEnum):
    """How far the *arr itself is with a queue row."""

    DOWNLOADING = "downloading"
    IMPORT_BLOCKED = "importBlocked"
    IMPORT_PENDING = "importPending"
    IMPORTING = "importing"
    IMPORTED = "imported"
    FAILED_PENDING = "failedPending"
    FAILED = "failed"
    IGNORED = "ignored"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueItem(Observation):
    """One download in an *arr's queue, all its rows taken together."""

    KIND: ClassVar[str] = "queue_item"

    item: str
    """The download id, or ``row:<id>`` for a release that has not been sent yet."""
    download_id: DownloadId | None
    object_id: int | None
    units: tuple[Unit, ...] = ()
    title: str | None = None
    size: int | None = None
    size_left: int | None = None
    status: QueueStatus
    tracked_state: TrackedState = TrackedState.UNKNOWN
    warning: bool = False
    """The *arr's tracked status is `warning` or `error`."""
    messages: tuple[str, ...] = ()
    """The *arr's own words, in the order it gave them."""
    completes_at: datetime | None = None
    protocol: str | None = None
    client: str | None = None
    added: datetime | None = None

    @property
    def subject(self) -> str:
        """Return the download id, or the row of a pending release."""
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchState(Observation):
    """Whether the *arr is searching for a title's units now, and how its last search went."""

    KIND: ClassVar[str] = "search_state"

    object_id: int
    running: bool
    units: tuple[Unit, ...] = ()
    """Units covered; empty means all of the title."""
    command: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    """End of the last search that ended, if the *arr still knows it."""

    @property
    def subject(self) -> str:
        """Return the *arr's object id."""
        return str(self.object_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrOccurrence(Occurrence):
    """Something that happened to units of one *arr title."""

    KIND: ClassVar[str] = "arr_occurrence"

    object_id: int
    title_key: TitleKey | None = None
    download_id: DownloadId | None = None
    units: tuple[Unit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grabbed(ArrOccurrence):
    """A release was accepted by the download client."""

    KIND: ClassVar[str] = "grabbed"

    release: str | None = None
    size: int | None = None
    quality: str | None = None
    indexer: str | None = None
    client: str | None = None
    protocol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported(ArrOccurrence):
    """A file was imported into the library folder."""

    KIND: ClassVar[str] = "imported"

    path: str | None = None
    size: int | None = None
    quality: str | None = None
    is_upgrade: bool = False


class DownloadEnd(StrEnum):
    """How a download ended without import."""

    FAILED = "failed"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadEnded(ArrOccurrence):
    """The *arr gave a download up."""

    KIND: ClassVar[str] = "download_ended"

    end: DownloadEnd
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDeleted(ArrOccurrence):
    """An imported file was removed; reasons in the webhook's spelling."""

    KIND: ClassVar[str] = "file_deleted"

    reason: str | None = None
    path: str | None = None

    @property
    def is_replacement(self) -> bool:
        """Return whether another file takes its place, so that nothing is lost."""
        return self.reason in ("upgrade", "manualOverride")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRenamed(ArrOccurrence):
    """Imported files got other names; paths must be read again."""

    KIND: ClassVar[str] = "file_renamed"


class TitleChange(StrEnum):
    """What happened to a title in an *arr."""

    ADDED = "added"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleChanged(ArrOccurrence):
    """A film or series was added to or deleted from the *arr."""

    KIND: ClassVar[str] = "title_changed"

    change: TitleChange
    title: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualInteraction(ArrOccurrence):
    """The *arr says that a person must decide about a download."""

    KIND: ClassVar[str] = "manual_interaction"

    messages: tuple[str, ...] = ()


# --- Download client ---------------------------------------------------------------------------


class TransferState(StrEnum):
    """State of a torrent, the client's many words folded into what matters here."""

    QUEUED = "queued"
    METADATA = "metadata"
    DOWNLOADING = "downloading"
    STALLED = "stalled"
    PAUSED = "paused"
    CHECKING = "checking"
    MOVING = "moving"
    COMPLETE = "complete"
    MISSING_FILES = "missing_files"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Observation):
    """A torrent in the download client."""

    KIND: ClassVar[str] = "transfer"

    download_id: DownloadId
    """The client's key of the torrent."""
    aliases: frozenset[DownloadId]
    """Every id another service may know it by, its own included (v1, v2, truncated v2)."""
    name: str
    state: TransferState
    complete: bool
    """All wanted bytes are there: true for seeding and moving, never while checking."""
    progress: float
    """Highest fraction reached by this torrent since it was added; frozen while checking."""
    size: int | None = None
    """Wanted bytes; None until the metadata is there."""
    speed: int | None = None
    """Bytes a second; None unless downloading."""
    eta: datetime | None = None
    added_at: datetime | None = None
    completed_at: datetime | None = None
    moved_at: datetime | None = None
    """When bytes last arrived, as far as the reads tell."""
    seeds: int | None = None
    availability: float | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    private: bool | None = None

    @property
    def subject(self) -> str:
        """Return the client's key."""
        return self.download_id


class TransferStep(StrEnum):
    """Moments of a transfer that later reads no longer show."""

    STARTED = "started"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStepped(Occurrence):
    """A transfer got its first bytes, or its last; recorded once per added torrent."""

    KIND: ClassVar[str] = "transfer_stepped"

    download_id: DownloadId
    step: TransferStep


# --- Jellyfin ----------------------------------------------------------------------------------


class ItemType(StrEnum):
    """Jellyfin's kinds of items that can answer a request."""

    MOVIE = "Movie"
    EPISODE = "Episode"
    SERIES = "Series"


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryItem(Observation):
    """An item of a Jellyfin library."""

    KIND: ClassVar[str] = "library_item"

    item_id: str
    """32 hex digits without dashes."""
    item_type: ItemType
    name: str
    original_title: str | None = None
    year: int | None = None
    playable: bool
    """A real file with a media source; never a virtual item, a folder or a placeholder."""
    paths: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    height: int | None = None
    """Pixels of the tallest video stream; None while the file has not been probed."""
    provider_ids: tuple[tuple[str, str], ...] = ()
    """(provider as Jellyfin spells it, id), sorted."""
    series_id: str | None = None
    season: int | None = None
    episode: int | None = None
    episode_end: int | None = None
    has_image: bool = False

    @property
    def subject(self) -> str:
        """Return the item id."""
        return self.item_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BecamePlayable(Occurrence):
    """An item was first seen playable; `record` is item id and the path it had."""

    KIND: ClassVar[str] = "became_playable"

    item_id: str


# --- Every service -----------------------------------------------------------------------------


class MissKind(StrEnum):
    """What was looked for by its id and not found."""

    SEERR_REQUEST = "seerr_request"
    ARR_TITLE = "arr_title"
    QUEUE_ITEM = "queue_item"
    TRANSFER = "transfer"
    LIBRARY_ITEM = "library_item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss(Occurrence):
    """A look-up by id found nothing, in a healthy service with no scan running."""

    KIND: ClassVar[str] = "miss"

    what: MissKind
    subject: str
    """The subject of the observation that was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHealth(Observation):
    """Whether a service answers, and since when that has been so."""

    KIND: ClassVar[str] = "service_health"

    reachable: bool
    since: datetime
    version: str | None = None
    push_expected: bool = False
    """A webhook of ours is registered there, so silence means something."""
    push_since: datetime | None = None
    """Since when pushes have been expected."""

    @property
    def subject(self) -> str:
        """Return a constant: a service has one health."""
        return "health"


# --- Persons and the tracker itself ------------------------------------------------------------


class DeclarationKind(StrEnum):
    """What a person can state."""

    AVAILABLE = "available"
    ANIME = "anime"
    NOT_ANIME = "not_anime"
    ANIME_AUTO = "anime_auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration(Occurrence):
    """A person stated something about a request; `units` empty means all."""

    KIND: ClassVar[str] = "declaration"

    request: str
    declares: DeclarationKind
    units: tuple[Unit, ...] = ()
    by: str | None = None


class RemedyKind(StrEnum):
    """What the tracker can do to get something moving."""

    LOOK = "look"
    REFRESH_DOWNLOADS = "refresh_downloads"
    REFRESH_LIBRARY = "refresh_library"
    FULL_SCAN = "full_scan"
    SEARCH = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyRan(Occurrence):
    """The tracker, or a person through it, tried to get a unit moving."""

    KIND: ClassVar[str] = "remedy"

    request: str
    remedy: RemedyKind
    unit: Unit
    target: ServiceId
    succeeded: bool
    dry_run: bool = False
    by: str | None = None
    """The person who asked for it; None when the tracker did it by itself."""


OBSERVATIONS: tuple[type[Observation], ...] = (
    SeerrRequest,
    TitleDetails,
    ArrTitle,
    ArrUnit,
    QueueItem,
    SearchState,
    Transfer,
    LibraryItem,
    ServiceHealth,
)

OCCURRENCES: tuple[type[Occurrence], ...] = (
    SeerrEvent,
    Grabbed,
    Imported,
    DownloadEnded,
    FileDeleted,
    FileRenamed,
    TitleChanged,
    ManualInteraction,
    TransferStepped,
    BecamePlayable,
    Miss,
    Declaration,
    RemedyRan,
)
