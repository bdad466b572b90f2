"""The words of the domain: ids, stages, units and what they are made of.

This module owns the vocabulary and nothing else: no rules, no parsing. Everything here is
immutable, hashable and comparable, so that facts and projections can be compared by value.
Times are aware UTC datetimes, sizes are bytes, progress runs from 0.0 to 1.0.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ServiceId = NewType("ServiceId", str)
"""One configured service instance; Home Assistant's config entry id."""

RequestId = NewType("RequestId", str)
"""Our own id of a request, 26 characters in the form of a ULID."""

DownloadId = NewType("DownloadId", str)
"""The download client's id of a download, case-folded: a torrent hash, or a Usenet client's id."""

TmdbId = NewType("TmdbId", int)
TvdbId = NewType("TvdbId", int)
ImdbId = NewType("ImdbId", str)

USER = ServiceId("user")
"""Facts stated by a person (a declaration) carry this service."""

TRACKER = ServiceId("tracker")
"""Facts stated by the tracker itself (its remedies) carry this service."""


class ServiceKind(StrEnum):
    """The products a request passes through."""

    SEERR = "seerr"
    RADARR = "radarr"
    SONARR = "sonarr"
    QBITTORRENT = "qbittorrent"
    SHOKO = "shoko"
    JELLYFIN = "jellyfin"

    @property
    def is_arr(self) -> bool:
        """Whether this is one of the *arr applications."""
        return self in (ServiceKind.RADARR, ServiceKind.SONARR)


class MediaType(StrEnum):
    """What a request asks for, in Seerr's words."""

    MOVIE = "movie"
    TV = "tv"


class Stage(StrEnum):
    """Where a unit or a request stands."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SEARCHING = "searching"
    GRABBED = "grabbed"
    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    IMPORTING = "importing"
    MATCHING = "matching"
    PARTIALLY_AVAILABLE = "partially_available"
    AVAILABLE = "available"
    DECLINED = "declined"
    FAILED = "failed"
    DELETED = "deleted"


LADDER = (
    Stage.REQUESTED,
    Stage.APPROVED,
    Stage.SEARCHING,
    Stage.GRABBED,
    Stage.DOWNLOADING,
    Stage.DOWNLOADED,
    Stage.IMPORTING,
    Stage.MATCHING,
    Stage.AVAILABLE,
)
"""The stages a unit climbs, in order."""

ACTIVE = frozenset(
    {
        Stage.GRABBED,
        Stage.DOWNLOADING,
        Stage.DOWNLOADED,
        Stage.IMPORTING,
        Stage.MATCHING,
    }
)
"""Stages in which something is under way."""

OFF_LADDER = frozenset({Stage.DECLINED, Stage.FAILED, Stage.DELETED})


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """What becomes playable on its own: the film (both numbers None), or one episode."""

    season: int = -1
    episode: int = -1

    def __str__(self) -> str:
        """Return the unit's name in unique ids and stored keys: ``movie`` or ``s01e03``."""
        return "movie" if self.season < 0 else f"s{self.season:02}e{self.episode:02}"


FILM = Unit()
"""The one unit of a film."""


@dataclass(frozen=True, slots=True, order=True)
class TitleKey:
    """A title across services: a film by its TMDB id, a series by its TVDB id.

    The numbers of the two databases, and of films and series within one, overlap; only the pair
    names a title.
    """

    media_type: MediaType
    number: int

    def __str__(self) -> str:
        """Return the stored form, e.g. ``movie:550``."""
        return f"{self.media_type}:{self.number}"
