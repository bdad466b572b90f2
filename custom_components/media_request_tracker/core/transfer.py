"""How far a unit's downloads are, whichever service tells: the client if it has the hash, else
the *arr's queue.
"""

from datetime import datetime

from .evidence import Download, Evidence
from .facts import QueueItem, QueueStatus, TrackedState, Transfer, TransferState
from .model import DownloadId, Unit
from .projection import DownloadProjection, DownloadState

_TRANSFER_STATES = {
    TransferState.QUEUED: DownloadState.QUEUED,
    TransferState.METADATA: DownloadState.METADATA,
    TransferState.DOWNLOADING: DownloadState.DOWNLOADING,
    TransferState.STALLED: DownloadState.STALLED,
    TransferState.PAUSED: DownloadState.PAUSED,
    TransferState.CHECKING: DownloadState.CHECKING,
    TransferState.MOVING: DownloadState.MOVING,
    TransferState.COMPLETE: DownloadState.COMPLETE,
    TransferState.MISSING_FILES: DownloadState.ERROR,
    TransferState.ERROR: DownloadState.ERROR,
    TransferState.UNKNOWN: DownloadState.DOWNLOADING,
}

_QUEUE_STATES = {
    QueueStatus.QUEUED: DownloadState.QUEUED,
    QueueStatus.PAUSED: DownloadState.PAUSED,
    QueueStatus.DOWNLOADING: DownloadState.DOWNLOADING,
    QueueStatus.COMPLETED: DownloadState.COMPLETE,
    QueueStatus.FAILED: DownloadState.ERROR,
    QueueStatus.WARNING: DownloadState.STALLED,
}

_TRACKED_STATES = {
    TrackedState.IMPORTING: DownloadState.IMPORTING,
    TrackedState.IMPORT_BLOCKED: DownloadState.IMPORT_BLOCKED,
}

_HEX = frozenset("0123456789abcdef")


def is_torrent_id(download_id: DownloadId) -> bool:
    """Return whether an id can be a torrent's: a v1, a v2 or a truncated v2 hash."""
    return len(download_id) in (40, 64) and set(download_id) <= _HEX


def fraction(download: Download) -> float:
    """Return how much of a download is there, 0.0 to 1.0; never a guess."""
    if download.complete:
        return 1.0
    if download.transfer is not None:
        return download.transfer.progress
    queue = download.queue
    if queue is None or not queue.size or queue.size_left is None:
        return 0.0
    return min(max(1 - queue.size_left / queue.size, 0.0), 1.0)


def is_importing(evidence: Evidence, unit: Unit) -> bool:
    """Return whether the *arr's queue says that it is importing a unit right now."""
    return any(
        download.queue is not None
        and download.queue_current
        and download.queue.tracked_state in (TrackedState.IMPORTING, TrackedState.IMPORTED)
        for download in evidence.live_downloads(unit)
    )


def best_download(evidence: Evidence, unit: Unit) -> DownloadProjection | None:
    """Return the most advanced live download of a unit, or None."""
    live = [d for d in evidence.live_downloads(unit) if not d.upgrade]
    shown = [show(evidence, download, (unit,)) for download in live]
    return max(shown, key=lambda download: (download.progress, download.download_id), default=None)


def show(evidence: Evidence, download: Download, units: tuple[Unit, ...]) -> DownloadProjection:
    """Return a download as people see it. An ended one shows nothing that still moves."""
    transfer, queue, grab = download.transfer, download.queue, download.grab
    live = download.live
    size = next(
        (
            size
            for size in (
                transfer.size if transfer is not None and live else None,
                queue.size if queue is not None and live else None,
                grab.size if grab is not None else None,
            )
            if size
        ),
        None,
    )
    moving = live and transfer is not None and transfer.state is TransferState.DOWNLOADING
    return DownloadProjection(
        download_id=download.download_id,
        name=_name(download),
        client=(queue.client if queue is not None else None)
        or (grab.client if grab is not None else None),
        transfer=transfer.service if transfer is not None and live else None,
        size=size,
        progress=fraction(download) if live else 1.0 if not download.lost else 0.0,
        speed=transfer.speed if moving and transfer is not None else None,
        eta=_eta(transfer, queue) if live and not download.complete else None,
        state=_state(download),
        live=live,
        upgrade=download.upgrade,
        stale=live and _stale(evidence, download),
        units=units,
        grabbed_at=None if grab is None else grab.at,
        torrent=is_torrent_id(download.download_id),
    )


def _name(download: Download) -> str | None:
    if download.grab is not None and download.grab.release:
        return download.grab.release
    if download.queue is not None and download.queue.title:
        return download.queue.title
    return None if download.transfer is None else download.transfer.name


def _eta(transfer: Transfer | None, queue: QueueItem | None) -> datetime | None:
    if transfer is not None:
        return transfer.eta if transfer.state is TransferState.DOWNLOADING else None
    if queue is not None and queue.status is QueueStatus.DOWNLOADING:
        return queue.completes_at
    return None


def _state(download: Download) -> DownloadState:
    if not download.live:
        return DownloadState.ENDED
    queue = download.queue
    if queue is not None and download.complete and queue.tracked_state in _TRACKED_STATES:
        return _TRACKED_STATES[queue.tracked_state]
    if download.transfer is not None:
        if download.transfer.complete:
            return DownloadState.COMPLETE
        return _TRANSFER_STATES[download.transfer.state]
    if queue is not None:
        return _QUEUE_STATES.get(queue.status, DownloadState.QUEUED)
    return DownloadState.QUEUED


def _stale(evidence: Evidence, download: Download) -> bool:
    """Return whether the service that tells this download's progress does not answer."""
    source = download.transfer or download.queue
    health = evidence.health(None if source is None else source.service)
    return health is not None and not health.reachable
