"""What the household has and how it wants to be told: configuration, not facts.

Options are part of every derivation's input, so that changing a threshold changes what is shown
at once and for everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from .model import ServiceId, ServiceKind
from .projection import AttentionCode

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)

DEFAULT_THRESHOLDS: Mapping[AttentionCode, timedelta] = {
    AttentionCode.WAITING_FOR_APPROVAL: 24 * _HOUR,
    AttentionCode.HANDOVER_FAILED: 5 * _MINUTE,
    AttentionCode.SEASON_UNKNOWN: 10 * _MINUTE,
    AttentionCode.NOT_SEARCHED: 2 * _HOUR,
    AttentionCode.NOT_RELEASED: timedelta(0),
    AttentionCode.NO_RELEASE: 2 * _MINUTE,
    AttentionCode.METADATA_PENDING: 15 * _MINUTE,
    AttentionCode.DOWNLOAD_STALLED: 30 * _MINUTE,
    AttentionCode.DOWNLOAD_PAUSED: 5 * _MINUTE,
    AttentionCode.DOWNLOAD_ERROR: timedelta(0),
    AttentionCode.DOWNLOAD_MISSING: timedelta(0),
    AttentionCode.DOWNLOAD_UNTRACKED: 10 * _MINUTE,
    AttentionCode.IMPORT_WAITING: 15 * _MINUTE,
    AttentionCode.IMPORT_BLOCKED: 3 * _MINUTE,
    AttentionCode.NOT_IN_JELLYFIN: 15 * _MINUTE,
    AttentionCode.PUSH_SILENT: 10 * _MINUTE,
    AttentionCode.SERVICE_UNAVAILABLE: 5 * _MINUTE,
}
"""How long a situation may last before it deserves attention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user can tune about the rules."""

    thresholds: Mapping[AttentionCode, timedelta] = field(
        default_factory=lambda: DEFAULT_THRESHOLDS
    )
    adoption: bool | None = None
    """Follow titles nobody requested; None = only when no Seerr is configured."""
    anime_folders: tuple[str, ...] = ()
    """Root folders whose content is anime."""
    uhd_services: frozenset[ServiceId] = frozenset()
    """*arr instances that serve 4K requests."""

    def threshold(self, code: AttentionCode) -> timedelta:
        """Return how long the situation behind `code` may last."""
        return self.thresholds.get(code, DEFAULT_THRESHOLDS.get(code, timedelta(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Household:
    """The configured services and the options."""

    services: Mapping[ServiceId, ServiceKind] = field(default_factory=dict)
    options: Options = field(default_factory=Options)

    def has(self, *kinds: ServiceKind) -> bool:
        """Return whether a service of one of these kinds is configured."""
        return any(kind in kinds for kind in self.services.values())

    @property
    def authority(self) -> ServiceKind | None:
        """Return the kind of service that says what is available."""
        for kind in (
            ServiceKind.JELLYFIN,
            ServiceKind.SEERR,
            ServiceKind.SONARR,
            ServiceKind.RADARR,
        ):
            if self.has(kind):
                return kind
        return None

    @property
    def adopts(self) -> bool:
        """Return whether titles that nobody requested are followed."""
        if self.options.adoption is None:
            return not self.has(ServiceKind.SEERR)
        return self.options.adoption
