"""The laws of design: properties that hold for every history, generated."""

from collections.abc import Iterable

from hypothesis import given, strategies as st

from custom_components.media_request_tracker.core.codec import (
    dumps,
    load_observation,
    load_occurrence,
    loads,
)
from custom_components.media_request_tracker.core.correlate import names
from custom_components.media_request_tracker.core.facts import (
    Fact,
    ItemType,
    LibraryItem,
    MissKind,
    Observation,
    QueueStatus,
    SeerrEventType,
    SeerrStatus,
    TrackedState,
    TransferState,
    TransferStep,
)
from custom_components.media_request_tracker.core.ledger import Ledger
from custom_components.media_request_tracker.core.model import LADDER, OFF_LADDER, Stage
from custom_components.media_request_tracker.core.projection import Projection

from .household import (
    HASH,
    JELLYFIN,
    OTHER_HASH,
    QBIT,
    RADARR,
    SEERR,
    announced,
    at,
    details,
    failed,
    file_deleted,
    film,
    grabbed,
    health,
    household,
    imported,
    item,
    miss,
    movie,
    playable,
    queued,
    request,
    searching,
    stepped,
    transfer,
)

NOW = at(5000)

minutes = st.integers(0, 240)
hashes = st.sampled_from([HASH, OTHER_HASH])
tmdbs = st.sampled_from([976893, 550])
ids = st.sampled_from([1, 2])


def _facts() -> st.SearchStrategy[Fact]:
    return st.one_of(
        st.builds(
            lambda m, s, i, t, r: request(m, s, request_id=i, tmdb=t, requested_at=at(r)),
            minutes,
            st.sampled_from([s for s in SeerrStatus if s is not SeerrStatus.UNKNOWN]),
            ids,
            tmdbs,
            st.sampled_from([0, 100]),
        ),
        st.builds(
            lambda m, e, i: announced(m, e, request_id=i),
            minutes,
            st.sampled_from(list(SeerrEventType)),
            ids,
        ),
        st.builds(details, minutes),
        st.builds(movie, minutes, released=st.booleans()),
        st.builds(film, minutes, added=st.none() | minutes),
        st.builds(grabbed, minutes, hashes, webhook=st.booleans()),
        st.builds(
            imported, minutes, hashes | st.none(), webhook=st.booleans(), is_upgrade=st.booleans()
        ),
        st.builds(failed, minutes, hashes),
        st.builds(file_deleted, minutes, st.sampled_from(["manual", "upgrade", "missingFromDisk"])),
        st.builds(
            lambda m, s, d, t, left: queued(m, s, d, tracked_state=t, size_left=left),
            minutes,
            st.sampled_from(list(QueueStatus)),
            hashes,
            st.sampled_from(list(TrackedState)),
            st.integers(0, 8_000_000_000),
        ),
        st.builds(
            lambda m, p, s, d: transfer(m, p / 10, s, d),
            minutes,
            st.integers(0, 10),
            st.sampled_from(list(TransferState)),
            hashes,
        ),
        st.builds(stepped, minutes, st.sampled_from(list(TransferStep)), hashes),
        st.builds(lambda m, p: item(m, playable=p), minutes, st.booleans()),
        st.builds(playable, minutes),
        st.builds(searching, minutes, running=st.booleans()),
        st.builds(lambda m: miss(m, MissKind.TRANSFER, HASH, QBIT), minutes),
        st.builds(lambda m: miss(m, MissKind.QUEUE_ITEM, HASH, RADARR), minutes),
        st.builds(lambda m: miss(m, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN), minutes),
        st.builds(lambda m: miss(m, MissKind.SEERR_REQUEST, request(0).subject, SEERR), minutes),
        st.builds(
            lambda m, s, up: health(m, s, reachable=up, push=True),
            minutes,
            st.sampled_from([SEERR, RADARR, QBIT, JELLYFIN]),
            st.booleans(),
        ),
    )


histories = st.lists(_facts(), max_size=25)


def state(facts: Iterable[Fact], *, singly: bool = False) -> dict[str, Projection]:
    ledger = Ledger(household())
    if singly:
        for fact in facts:
            ledger.apply([fact], NOW)
    else:
        ledger.apply(facts, NOW)
    return dict(ledger.projections)


@given(st.data())
def test_l1_l2_any_order_and_any_repetition_give_the_same_state(data: st.DataObject) -> None:
    facts = data.draw(histories)
    shuffled = data.draw(st.permutations(facts))
    repeated = data.draw(st.lists(st.sampled_from(facts), max_size=8)) if facts else []
    assert state([*shuffled, *repeated], singly=True) == state(facts)


def _core(projection: Projection) -> tuple[object, ...]:
    """What must agree after a loss: stage, expected set, counts, progress, ids, attention codes."""
    return (
        projection.stage,
        tuple((unit.unit, unit.stage, unit.expected) for unit in projection.units),
        projection.counts,
        projection.progress,
        projection.arr,
        projection.jellyfin,
        tuple(sorted({attention.code for attention in projection.attention} - {"push_silent"})),
    )


@given(st.data())
def test_l3_after_any_loss_one_full_reconcile_gives_the_same_projection(
    data: st.DataObject,
) -> None:
    """The truth is read again in the end; what webhooks and earlier reads said may be lost."""
    history = data.draw(histories)
    end = 250
    truth: list[Fact] = [request(end), movie(end), details(end)]
    step = data.draw(st.sampled_from(["approved", "downloading", "complete", "file", "ready"]))
    if step != "approved":
        truth.append(grabbed(241))
    if step == "downloading":
        truth += [film(end), transfer(end, 0.5), queued(end, size_left=4_000_000_000)]
    if step == "complete":
        truth += [film(end), transfer(end, 1.0, TransferState.COMPLETE)]
        truth += [queued(end, QueueStatus.COMPLETED, tracked_state=TrackedState.IMPORT_PENDING)]
    if step in ("file", "ready"):
        truth += [imported(245), film(end, added=245)]
    if step == "ready":
        truth += [item(end), playable(end)]
    if step == "approved":
        truth.append(film(end))
    # What the services' records hold is read again too; only pushes and old levels are lost.
    truth += [
        fact for fact in history if not isinstance(fact, Observation) and not fact.provisional
    ]
    kept = [fact for fact in history if isinstance(fact, Observation)]
    lost = data.draw(st.sets(st.integers(0, max(len(kept) - 1, 0))))
    survivors = [
        fact
        for index, fact in enumerate(kept)
        if index not in lost and fact.key in {other.key for other in truth}
    ]
    told_all = state([*truth, *(f for f in kept if f.key in {o.key for o in truth})])
    assert {k: _core(v) for k, v in state([*survivors, *truth]).items()} == {
        k: _core(v) for k, v in told_all.items()
    }


@given(histories)
def test_l4_milestones_are_ordered(facts: list[Fact]) -> None:
    for projection in state(facts).values():
        for unit in projection.units:
            ranks = [LADDER.index(milestone.stage) for milestone in unit.milestones]
            times = [milestone.time for milestone in unit.milestones]
            assert ranks == sorted(set(ranks))
            assert times == sorted(times)
            if unit.stage not in OFF_LADDER and unit.stage in LADDER:
                assert all(rank <= LADDER.index(unit.stage) for rank in ranks)


@given(histories)
def test_l5_available_is_what_jellyfin_plays(facts: list[Fact]) -> None:
    for projection in state(facts).values():
        for unit in projection.units:
            if unit.stage is Stage.AVAILABLE:
                assert any(ref.playable for ref in unit.items)
            elif unit.stage not in OFF_LADDER:
                assert not any(ref.playable for ref in unit.items)
    seen = [
        f
        for f in facts
        if isinstance(f, LibraryItem) and f.playable and f.item_type is ItemType.MOVIE
    ]
    if not seen:
        assert all(p.stage is not Stage.AVAILABLE for p in state(facts).values())


@given(histories)
def test_l6_counts_are_the_sum_over_the_units(facts: list[Fact]) -> None:
    for projection in state(facts).values():
        stages = [unit.stage for unit in projection.units if unit.expected]
        counts = projection.counts
        if not projection.units:
            assert counts.expected is None
            continue
        assert counts.expected == len(stages)
        assert counts.ready == stages.count(Stage.AVAILABLE)
        assert counts.queued == stages.count(Stage.GRABBED)
        assert counts.downloading == stages.count(Stage.DOWNLOADING)
        assert counts.downloaded == sum(
            s in (Stage.DOWNLOADED, Stage.IMPORTING, Stage.MATCHING) for s in stages
        )


@given(histories, _facts())
def test_l7_a_fact_changes_only_requests_that_own_what_it_names(
    facts: list[Fact], fact: Fact
) -> None:
    ledger = Ledger(household())
    ledger.apply(facts, NOW)
    _, changes = ledger.apply([fact], NOW)
    for change in changes:
        owned = ledger.facts_of(change.request_id)
        related = {name for other in owned for name in names(other)}
        titles = {
            ("title", p.identity.media_type, p.identity.tmdb)
            for p in (change.before, change.after)
            if p is not None
        }
        same_title = (
            getattr(fact, "tmdb", None) is not None
            and ("title", getattr(fact, "media_type", None), getattr(fact, "tmdb", None)) in titles
        )
        assert names(fact) & (related | titles) or same_title


@given(histories)
def test_l8_deriving_from_the_stored_facts_gives_the_stored_projection(facts: list[Fact]) -> None:
    ledger = Ledger(household())
    ledger.apply(facts, NOW)
    stored = [
        (fact.KIND, isinstance(fact, Observation), dumps(fact)) for fact in ledger.facts.values()
    ]
    reread = [
        load_observation(kind, text) if level else load_occurrence(kind, text)
        for kind, level, text in stored
    ]
    again = Ledger(household())
    again.learn(reread)
    again.rederive(NOW)
    assert dict(again.projections) == dict(ledger.projections)
    for projection in ledger.projections.values():
        assert loads(Projection, dumps(projection)) == projection


@given(histories, st.integers(0, 4000), st.integers(0, 4000))
def test_time_alone_only_adds_attention(facts: list[Fact], early: int, late: int) -> None:
    first, second = sorted((early + 300, late + 300))
    ledger = Ledger(household())
    ledger.apply(facts, at(first))
    before = dict(ledger.projections)
    ledger.rederive(at(second))
    for request_id, projection in ledger.projections.items():
        assert projection.stage is before[request_id].stage
        assert {a.code for a in before[request_id].attention} <= {
            a.code for a in projection.attention
        }


@given(histories)
def test_next_due_is_exactly_when_time_changes_something(facts: list[Fact]) -> None:
    ledger = Ledger(household())
    ledger.apply(facts, at(300))
    for request_id, projection in list(ledger.projections.items()):
        if projection.next_due is None:
            continue
        ledger.rederive(projection.next_due, [request_id])
        after = ledger.projections[request_id]
        assert len(after.attention) > len(projection.attention)
