"""What all adapters share: the error family, the HTTP client, and the shape of a reader.

An adapter package holds `client.py` (a small typed client), `facts.py` (pure functions payload →
facts), `reader.py` (which reads to make, given the open requests) and `coordinator.py` (when to
make them, in Home Assistant). Nothing here knows a rule of the domain.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ..core.facts import Fact, Observation
from ..core.projection import Projection

type Clock = Callable[[], datetime]
"""Gives the present as an aware UTC datetime."""


class ServiceError(Exception):
    """A service did not do what was asked. The text never holds a secret."""


class CannotConnect(ServiceError):
    """Nobody answered in time, or the connection broke."""


class TlsFailed(CannotConnect):
    """The certificate could not be verified, or TLS is not spoken there."""


class InvalidAuth(ServiceError):
    """The service refused the key, the password or the permission."""


class Redirected(ServiceError):
    """The address redirects; a redirected callback or POST would lose its body."""


class UnexpectedAnswer(ServiceError):
    """The answer has another status or another shape than this service gives."""


class WrongService(UnexpectedAnswer):
    """Another product answers at this address."""


class VersionTooOld(ServiceError):
    """The service is older than what the adapter understands."""

    def __init__(self, version: str, minimum: str) -> None:
        """Keep both versions for the message a person reads."""
        super().__init__(f"version {version} is older than {minimum}")
        self.version = version
        self.minimum = minimum


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """What a probe learned about a server."""

    name: str
    """What the server calls itself, e.g. "Radarr" or a Jellyfin server's name."""
    version: str
    instance: str | None = None
    """The server's own id of itself, if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The outcome of one cycle of reads."""

    facts: tuple[Fact, ...] = ()
    next_read: timedelta | None = None
    """Pause before the next cycle; None = nothing to read until something changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """What a webhook body says: provisional facts now, and what to read about it within 2 s."""

    facts: tuple[Fact, ...] = ()
    look: frozenset[str] = frozenset()
    """Reader-specific subjects for `Reader.look`."""
    is_test: bool = False


class UnreadableCallback(ValueError):
    """A webhook body is not what this service sends. The text names the fault, not the body."""


class Reader(Protocol):
    """Decides what to ask a service, and turns the answers into facts.

    Readers keep no truth: only what saves calls (an ETag, the previous read). They raise
    ServiceError when the service as a whole does not answer; a look-up that merely finds nothing
    is a fact (`Miss`).
    """

    def seed(self, known: Iterable[Observation]) -> None:
        """Take over what was known of this service before a restart."""

    async def read(self, requests: Sequence[Projection]) -> Reading:
        """Make one cycle of reads for the open requests."""

    async def look(self, subjects: frozenset[str], requests: Sequence[Projection]) -> Reading:
        """Read just these subjects, because a push or a change named them."""


type JsonObject = Mapping[str, object]
