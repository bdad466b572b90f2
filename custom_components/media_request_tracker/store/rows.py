"""The rows that go in and out of the store. Times are Unix seconds, values JSON text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum


class WebhookState(IntEnum):
    """How far a raw webhook has come."""

    RECEIVED = 0
    PARSED = 1
    UNPARSED = 2


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """A raw webhook body, as received."""

    id: int
    entry_id: str
    received_at: float
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation; the newest of a key stays."""

    service: str
    kind: str
    subject: str
    sent: float
    value: str


@dataclass(frozen=True, slots=True)
class OccurrenceRow:
    """One occurrence; the earliest of a key stays."""

    service: str
    kind: str
    record: str
    at: float
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """A request as last projected, with the columns that the history is searched by."""

    id: str
    open: bool
    frozen: bool = False
    """Its facts are kept aside."""
    media_type: str
    title: str
    year: int | None
    requester: str | None
    stage: str
    requested_at: float | None
    available_at: float | None
    updated_at: float
    rules: int
    summary: str
    """What is needed to notice that a frozen request stirs (JSON)."""
    detail: str
    """The whole projection (JSON)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What changed together; written in one transaction."""

    webhooks: Mapping[int, tuple[WebhookState, str | None]] = field(default_factory=dict)
    observations: Sequence[ObservationRow] = ()
    occurrences: Sequence[OccurrenceRow] = ()
    requests: Sequence[RequestRow] = ()
    deleted_requests: Sequence[str] = ()
    deleted_observations: Sequence[tuple[str, str, str]] = ()
    deleted_occurrences: Sequence[tuple[str, str, str]] = ()
    frozen_facts: Mapping[str, str] = field(default_factory=dict)
    """Facts (JSON) of requests that are put aside, by request."""
    thawed: Sequence[str] = ()
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Everything that is needed at start."""

    observations: Sequence[ObservationRow]
    occurrences: Sequence[OccurrenceRow]
    frozen: Sequence[tuple[str, str]]
    """(request id, summary) of the requests whose facts are kept aside."""
    webhooks: Sequence[WebhookRow]
    """Received but never parsed: to be replayed."""
    meta: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A question to the history."""

    open: bool | None = None
    stages: Sequence[str] = ()
    requester: str | None = None
    media_type: str | None = None
    text: str | None = None
    limit: int = 50
    offset: int = 0
