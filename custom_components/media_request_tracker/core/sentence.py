"""Where a unit or a request is, in one typed sentence.

The core says which sentence, with which names, numbers and times; `sentences/<language>.json` puts
it into words. Parameter names ending in `_bytes` are sizes, names ending in `_percent` whole
percents. A grave attention is the sentence; otherwise the stage speaks.
"""

from .evidence import Evidence
from .facts import TransferState
from .model import ServiceKind, Stage, Unit
from .projection import Attention, Phrase, Severity
from .transfer import best_download, is_importing


def unit_sentence(
    evidence: Evidence, unit: Unit, stage: Stage, attention: tuple[Attention, ...]
) -> Phrase:
    """Return the sentence of a unit."""
    if attention and attention[0].severity is not Severity.INFO:
        return attention[0].advice
    spoken = next((a.advice for a in attention if a.advice.key.startswith(_SPEAKING)), None)
    return spoken or _STAGE_SENTENCES.get(stage, _plain)(evidence, unit, stage)


_SPEAKING = "attention.not_released"
"""Informative attentions that say more than the stage does."""


def _plain(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    return Phrase(key=f"stage.{stage}")


def _approved(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    last = evidence.last_search(unit)
    if evidence.arr_title is not None and last is not None:
        return Phrase(key="stage.approved.searched", times=(("searched", last),))
    return Phrase(key="stage.approved")


def _searching(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    if (held := evidence.delayed(unit)) is not None:
        if held.completes_at is not None:
            return Phrase(
                key="stage.searching.delayed_until", times=(("until", held.completes_at),)
            )
        return Phrase(key="stage.searching.delayed")
    return Phrase(key="stage.searching")


def _grabbed(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    for download in evidence.live_downloads(unit):
        if download.transfer is not None and download.transfer.state is TransferState.METADATA:
            return Phrase(key="stage.grabbed.metadata")
    return Phrase(key="stage.grabbed")


_TRANSFER_VARIANTS = {
    TransferState.STALLED: "stage.downloading.stalled",
    TransferState.PAUSED: "stage.downloading.paused",
    TransferState.CHECKING: "stage.downloading.checking",
    TransferState.MOVING: "stage.downloading.moving",
}


def _downloading(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    best = best_download(evidence, unit)
    if best is None:
        return Phrase(key="stage.downloading")
    state = next(
        (
            download.transfer.state
            for download in evidence.live_downloads(unit)
            if download.download_id == best.download_id and download.transfer is not None
        ),
        None,
    )
    percent = ("done_percent", int(best.progress * 100))
    if state in _TRANSFER_VARIANTS:
        return Phrase(key=_TRANSFER_VARIANTS[state], parameters=(percent,))
    if best.size:
        return Phrase(
            key="stage.downloading.sized", parameters=(percent, ("size_bytes", best.size))
        )
    return Phrase(key="stage.downloading")


def _importing(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    if is_importing(evidence, unit) and not evidence.has_file(unit):
        return Phrase(key="stage.importing.arr")
    if any(not item.playable for item in evidence.items(unit)):
        return Phrase(key="stage.importing.stub")
    return Phrase(key="stage.importing")


def _available(evidence: Evidence, unit: Unit, stage: Stage) -> Phrase:
    authority = evidence.household.authority
    if not any(item.playable for item in evidence.items(unit)) and (
        evidence.declared_available(unit) is not None
    ):
        return Phrase(key="stage.available.declared")
    if authority is ServiceKind.JELLYFIN:
        return Phrase(key="stage.available")
    return Phrase(
        key="stage.available.other",
        parameters=(("service", authority.value if authority else ""),),
    )


_STAGE_SENTENCES = {
    Stage.APPROVED: _approved,
    Stage.SEARCHING: _searching,
    Stage.GRABBED: _grabbed,
    Stage.DOWNLOADING: _downloading,
    Stage.IMPORTING: _importing,
    Stage.AVAILABLE: _available,
}
