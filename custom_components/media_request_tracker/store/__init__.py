"""The tracker's own database: raw webhooks, facts and projections, durable and ordered.

Nothing in this package knows Home Assistant or the domain; it moves rows.
"""

from .repository import Store
from .rows import (
    Batch,
    Loaded,
    ObservationRow,
    OccurrenceRow,
    RequestRow,
    Search,
    WebhookRow,
    WebhookState,
)
from .schema import Opened, StoreError, StoreTooNew
from .worker import StoreBusy, StoreUnavailable

__all__ = [
    "Batch",
    "Loaded",
    "ObservationRow",
    "OccurrenceRow",
    "Opened",
    "RequestRow",
    "Search",
    "Store",
    "StoreBusy",
    "StoreError",
    "StoreTooNew",
    "StoreUnavailable",
    "WebhookRow",
    "WebhookState",
]
