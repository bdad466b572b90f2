"""Where a film stands, told as what happens to a household's request."""

import pytest

from custom_components.media_request_tracker.core.facts import (
    Declaration,
    DeclarationKind,
    ItemType,
    MissKind,
    QueueStatus,
    SeerrEventType,
    SeerrMediaStatus,
    SeerrStatus,
    TitleChange,
    TitleChanged,
    TrackedState,
    TransferState,
    TransferStep,
)
from custom_components.media_request_tracker.core.ledger import Ledger
from custom_components.media_request_tracker.core.model import (
    FILM,
    LADDER,
    USER,
    DownloadId,
    MediaType,
    ServiceKind,
    Stage,
    TmdbId,
)
from custom_components.media_request_tracker.core.options import Household, Options

from .household import (
    FULL,
    HASH,
    JELLYFIN,
    MOVIE,
    OTHER_HASH,
    QBIT,
    RADARR,
    RADARR_4K,
    SEERR,
    TMDB,
    announced,
    at,
    details,
    failed,
    file_deleted,
    film,
    grabbed,
    household,
    imported,
    item,
    key,
    miss,
    movie,
    playable,
    queued,
    request,
    searching,
    stepped,
    the_request,
    told,
    transfer,
)


def stages(*facts: object) -> list[Stage]:
    """Return the stage after each fact, told one by one."""
    ledger = Ledger(household())
    seen = []
    for fact in facts:
        ledger.apply([fact], at(600))  # type: ignore[list-item]
        seen.append(the_request(ledger).stage)
    return seen


def test_a_film_climbs_the_ladder() -> None:
    assert stages(
        request(0, SeerrStatus.PENDING),
        request(1),
        searching(2),
        searching(3, running=False),
        grabbed(3),
        transfer(4, 0.0, TransferState.QUEUED),
        transfer(5, 0.4),
        transfer(9, 1.0, TransferState.COMPLETE),
        imported(10),
        item(11),
    ) == [
        Stage.REQUESTED,
        Stage.APPROVED,
        Stage.APPROVED,  # the search is of a film that nothing links to the request yet
        Stage.APPROVED,
        Stage.GRABBED,
        Stage.GRABBED,
        Stage.DOWNLOADING,
        Stage.DOWNLOADED,
        Stage.IMPORTING,
        Stage.AVAILABLE,
    ]


def test_a_search_shows_as_soon_as_the_film_is_known() -> None:
    assert stages(request(0), movie(1), searching(2))[-1] is Stage.SEARCHING


@pytest.mark.ac("AC-10", "E7")
@pytest.mark.parametrize("webhook", [True, False])
def test_an_import_seen_before_the_completion_is_importing_at_once(webhook: bool) -> None:
    ledger = told(request(0), grabbed(2), transfer(5, 0.97), imported(6, webhook=webhook))
    projection = the_request(ledger)
    assert projection.stage is Stage.IMPORTING
    entries = [entry.event for entry in projection.timeline]
    assert entries.index("downloaded") < entries.index("imported")
    times = [entry.time for entry in projection.timeline]
    assert times == sorted(times)
    assert projection.progress == 1.0


@pytest.mark.ac("AC-11")
def test_a_torrent_complete_at_first_sight_is_downloaded() -> None:
    assert stages(request(0), grabbed(2), transfer(2.1, 1.0, TransferState.COMPLETE))[-1] is (
        Stage.DOWNLOADED
    )


@pytest.mark.ac("AC-01")
def test_a_grab_goes_to_the_new_request_and_not_to_the_finished_one() -> None:
    old = [request(0), grabbed(2), imported(6), film(7, added=6), item(8), playable(8)]
    ledger = told(*old)
    finished = the_request(ledger)
    assert finished.stage is Stage.AVAILABLE
    ledger.apply([request(100, request_id=2, requested_at=at(100))], at(600))
    ledger.apply([grabbed(102, OTHER_HASH)], at(600))
    new = next(p for p in ledger.projections.values() if p.id != finished.id)
    assert [d.download_id for d in new.downloads if d.live] == [OTHER_HASH]
    assert ledger.projections[finished.id] == finished


@pytest.mark.ac("AC-02")
def test_a_shared_hash_moves_only_the_new_request() -> None:
    old = [request(0), grabbed(2), imported(6), film(7, added=6), item(8), playable(8)]
    ledger = told(*old)
    finished = the_request(ledger)
    gone = [
        file_deleted(50),
        film(51),
        miss(60, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN),
        miss(75, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN),
        request(100, request_id=2, requested_at=at(100)),
        grabbed(102, HASH),
    ]
    ledger.apply(gone, at(600))
    before = ledger.projections[finished.id]
    new = next(p for p in ledger.projections.values() if p.id != finished.id)
    assert new.stage is Stage.GRABBED
    for facts in ([transfer(105, 1.0, TransferState.COMPLETE)], [imported(106)]):
        ledger.apply(facts, at(600))
        assert ledger.projections[finished.id] == before
    assert ledger.projections[new.id].stage is Stage.IMPORTING


@pytest.mark.ac("AC-04")
def test_a_film_never_moves_a_series_with_the_same_number() -> None:
    series = request(0, request_id=8, media_type=MediaType.TV, tmdb=TmdbId(TMDB), seasons=(1,))
    ledger = told(series, request(0))
    show = next(p for p in ledger.projections.values() if p.identity.media_type is MediaType.TV)
    ledger.apply([movie(1), grabbed(2), imported(3), film(4, added=3), item(5)], at(600))
    assert ledger.projections[show.id] == show


@pytest.mark.ac("AC-05")
def test_a_reused_seerr_id_with_another_title_is_another_request() -> None:
    ledger = told(request(0), grabbed(2), imported(3), item(4))
    old = the_request(ledger)
    ledger.apply([request(100, tmdb=TmdbId(550), requested_at=at(100))], at(600))
    assert len(ledger.projections) == 2
    assert ledger.projections[old.id] == old


@pytest.mark.ac("AC-09")
def test_an_approval_without_a_request_makes_the_request_and_a_decline_ends_it() -> None:
    ledger = told(announced(1, SeerrEventType.APPROVED))
    assert the_request(ledger).stage is Stage.APPROVED
    assert the_request(ledger).title == "Perfect Days"
    ledger.apply([announced(5, SeerrEventType.DECLINED)], at(600))
    assert the_request(ledger).stage is Stage.DECLINED
    assert the_request(ledger).closed
    assert "declined" in [entry.event for entry in the_request(ledger).timeline]


@pytest.mark.ac("AC-09")
def test_a_grab_moves_a_request_whose_approval_was_lost() -> None:
    assert stages(request(0, SeerrStatus.PENDING), grabbed(2))[-1] is Stage.GRABBED


def test_a_webhook_does_not_settle_a_status_that_was_read_later() -> None:
    ledger = told(request(10), announced(5, SeerrEventType.DECLINED))
    assert the_request(ledger).stage is Stage.APPROVED


@pytest.mark.ac("AC-16")
def test_every_grab_leaves_one_line_with_its_size() -> None:
    ledger = told(
        request(0),
        grabbed(2, webhook=True),
        grabbed(2.05, webhook=True),
        grabbed(2.1),
        failed(30),
        grabbed(31, OTHER_HASH, size=5_000_000_000),
    )
    grabs = [e for e in the_request(ledger).timeline if e.event == "grabbed"]
    assert [dict(e.phrase.parameters)["size_bytes"] for e in grabs] == [
        8_000_000_000,
        5_000_000_000,
    ]


@pytest.mark.ac("AC-17", "AC-81")
def test_a_complete_download_is_not_called_imported_until_it_is() -> None:
    ledger = told(
        request(0), movie(1), film(1), grabbed(2), transfer(9, 1.0, TransferState.COMPLETE)
    )
    ledger.rederive(at(60 * 24))
    assert the_request(ledger).stage is Stage.DOWNLOADED
    ledger.apply([film(60 * 24, added=60 * 23)], at(60 * 24))
    assert the_request(ledger).stage is Stage.IMPORTING


@pytest.mark.ac("AC-28")
def test_only_jellyfin_makes_a_film_available_and_never_earlier() -> None:
    ledger = told(
        request(0, SeerrStatus.COMPLETED, media_status=SeerrMediaStatus.AVAILABLE),
        movie(5),
        grabbed(2),
        film(6, added=6),
        announced(7, SeerrEventType.AVAILABLE),
    )
    assert the_request(ledger).stage is Stage.IMPORTING
    ledger.apply([item(9), playable(9)], at(600))
    assert the_request(ledger).stage is Stage.AVAILABLE
    assert the_request(ledger).available_at == at(9)


@pytest.mark.ac("AC-33")
@pytest.mark.parametrize(
    "changes",
    [
        {"provider_ids": (("Tmdb", "1"),), "paths": ("/media/Other (2001)/Other.mkv",)},
        {"provider_ids": (("Tmdb", "1"),)},
        {"item_type": ItemType.SERIES},
        {"item_type": ItemType.EPISODE, "paths": ("/media/tv/Show/S01E01.mkv",)},
        {"provider_ids": (), "paths": ("/media/x/y.mkv",), "year": 2010},
        {"provider_ids": (), "paths": ("/media/x/y.mkv",), "name": "Perfect Days Forever"},
    ],
)
def test_an_item_that_contradicts_or_only_resembles_is_no_answer(changes: dict) -> None:
    ledger = told(request(0), details(0), movie(1), film(6, added=6), item(9, **changes))
    assert the_request(ledger).stage is Stage.IMPORTING


@pytest.mark.ac("AC-34")
def test_a_stub_without_a_file_is_not_ready() -> None:
    ledger = told(request(0), movie(1), film(6, added=6), item(9, playable=False, paths=()))
    assert the_request(ledger).stage is Stage.IMPORTING
    assert the_request(ledger).sentence.key.endswith("stub")


def test_a_film_is_found_by_its_file_when_jellyfin_knows_no_id() -> None:
    ledger = told(request(0), movie(1), film(6, added=6), item(9, provider_ids=(), name="?"))
    assert the_request(ledger).stage is Stage.AVAILABLE


def test_a_film_is_found_by_title_and_year_as_the_last_resort() -> None:
    found = item(9, provider_ids=(), paths=("/vfs/x/y.mkv",), name="Perfect Days", year=2024)
    ledger = told(request(0), details(0), movie(1), film(6, added=6), found)
    assert the_request(ledger).stage is Stage.AVAILABLE


@pytest.mark.ac("AC-55")
def test_a_film_that_is_already_there_is_available_at_once_and_nothing_is_invented() -> None:
    ledger = told(request(0), movie(0), film(0, added=-90_000), item(0.1), playable(0.1))
    projection = the_request(ledger)
    assert projection.stage is Stage.AVAILABLE
    assert projection.units[0].jellyfin_id == "f" * 32
    assert [m.stage for m in projection.units[0].milestones] == [
        Stage.REQUESTED,
        Stage.APPROVED,
        Stage.AVAILABLE,
    ]


@pytest.mark.ac("AC-56")
def test_a_silent_import_shows_by_reading_alone() -> None:
    ledger = told(request(0), movie(5), film(5, added=4))
    assert the_request(ledger).stage is Stage.IMPORTING


@pytest.mark.ac("E10")
def test_an_upgrade_keeps_the_film_available_and_is_told() -> None:
    ledger = told(
        request(0), movie(1), grabbed(2), imported(6), film(7, added=6), item(8), playable(8)
    )
    ledger.apply([grabbed(200, OTHER_HASH), transfer(201, 0.3, download=OTHER_HASH)], at(600))
    upgrading = the_request(ledger)
    assert upgrading.stage is Stage.AVAILABLE
    assert upgrading.progress == 1.0
    ledger.apply(
        [file_deleted(210, "upgrade"), imported(210, OTHER_HASH, is_upgrade=True)], at(600)
    )
    assert the_request(ledger).stage is Stage.AVAILABLE
    assert "upgraded" in [entry.event for entry in the_request(ledger).timeline]


def test_misses_mean_nothing_right_after_an_upgrade() -> None:
    ledger = told(
        request(0),
        movie(1),
        imported(6),
        film(7, added=6),
        item(8),
        playable(8),
        imported(100, OTHER_HASH, is_upgrade=True),
        miss(101, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN),
        miss(115, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN),
    )
    assert the_request(ledger).stage is Stage.AVAILABLE


@pytest.mark.ac("E14")
def test_one_miss_proves_nothing_and_two_ten_minutes_apart_do() -> None:
    base = [
        request(0),
        movie(1),
        film(7, added=6),
        item(8),
        playable(8),
        file_deleted(50),
        film(51),
    ]
    first = miss(60, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN)
    soon = miss(65, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN)
    late = miss(70, MissKind.LIBRARY_ITEM, "f" * 32, JELLYFIN)
    assert the_request(told(*base, first, soon)).stage is Stage.AVAILABLE
    assert the_request(told(*base, first, late)).stage is Stage.DELETED


def test_a_file_deleted_in_radarr_withdraws_availability_only_when_jellyfin_agrees() -> None:
    ledger = told(request(0), movie(1), film(7, added=6), item(8), file_deleted(50), film(51))
    assert the_request(ledger).stage is Stage.AVAILABLE
    assert the_request(ledger).units[0].files == ()


def test_a_request_deleted_in_seerr_is_deleted() -> None:
    ledger = told(
        request(0),
        miss(60, MissKind.SEERR_REQUEST, request(0).subject, SEERR),
        miss(71, MissKind.SEERR_REQUEST, request(0).subject, SEERR),
    )
    assert the_request(ledger).stage is Stage.DELETED
    ledger.apply([request(80)], at(600))
    assert the_request(ledger).stage is Stage.APPROVED


def test_a_film_deleted_in_radarr_is_deleted_and_comes_back_when_it_is_added_again() -> None:
    deleted = TitleChanged(
        service=RADARR,
        at=at(20),
        record="w",
        provisional=True,
        object_id=MOVIE,
        title_key=key(),
        change=TitleChange.DELETED,
    )
    ledger = told(request(0), movie(1), film(1), deleted)
    assert the_request(ledger).stage is Stage.DELETED
    ledger.apply([movie(30)], at(600))
    assert the_request(ledger).stage is Stage.APPROVED


def test_a_failed_handover_is_failed_until_something_is_grabbed() -> None:
    assert stages(request(0), request(1, SeerrStatus.FAILED), grabbed(5)) == [
        Stage.APPROVED,
        Stage.FAILED,
        Stage.GRABBED,
    ]


def test_a_delayed_release_counts_as_searching() -> None:
    held = queued(3, QueueStatus.DELAY, item="row:5", download_id=None, completes_at=at(60))
    assert stages(request(0), movie(1), held)[-1] is Stage.SEARCHING


@pytest.mark.parametrize(
    ("status", "tracked", "stage"),
    [
        (QueueStatus.QUEUED, TrackedState.DOWNLOADING, Stage.GRABBED),
        (QueueStatus.DOWNLOADING, TrackedState.DOWNLOADING, Stage.DOWNLOADING),
        (QueueStatus.PAUSED, TrackedState.DOWNLOADING, Stage.DOWNLOADING),
        (QueueStatus.COMPLETED, TrackedState.IMPORT_PENDING, Stage.DOWNLOADED),
        (QueueStatus.COMPLETED, TrackedState.IMPORT_BLOCKED, Stage.DOWNLOADED),
        (QueueStatus.COMPLETED, TrackedState.IMPORTING, Stage.IMPORTING),
    ],
)
def test_without_a_download_client_the_queue_tells(
    status: QueueStatus, tracked: TrackedState, stage: Stage
) -> None:
    nzb = "sabnzbd_nzo_x1"
    left = 8_000_000_000 if status is QueueStatus.QUEUED else 2_000_000_000
    found = queued(5, status, nzb, tracked_state=tracked, size_left=left)
    projection = the_request(told(request(0), movie(1), found))
    assert projection.stage is stage
    assert not projection.downloads[0].torrent


def test_the_queue_tells_progress_of_what_the_client_does_not_have() -> None:
    found = queued(5, download="sabnzbd_nzo_x1", size_left=2_000_000_000)
    assert the_request(told(request(0), movie(1), found)).progress == 0.75


@pytest.mark.ac("AC-80")
def test_a_vanished_download_keeps_its_place_until_it_is_surely_gone() -> None:
    base = [request(0), movie(1), film(1), grabbed(2), queued(4), transfer(5, 0.6)]
    once = [
        miss(10, MissKind.TRANSFER, HASH, QBIT),
        miss(10, MissKind.QUEUE_ITEM, HASH, RADARR),
        miss(21, MissKind.TRANSFER, HASH, QBIT),
    ]
    projection = the_request(told(*base, *once))
    assert projection.stage is Stage.DOWNLOADING
    assert projection.progress == 0.6
    projection = the_request(told(*base, *once, miss(21, MissKind.QUEUE_ITEM, HASH, RADARR)))
    assert projection.stage is Stage.APPROVED
    assert "download_missing" in [a.code for a in projection.attention]


def test_a_hybrid_torrent_is_found_under_any_of_its_hashes() -> None:
    v2 = DownloadId("b" * 40)
    hybrid = transfer(5, 0.5, download=v2, aliases=frozenset({v2, DownloadId(HASH)}))
    projection = the_request(told(request(0), grabbed(2), hybrid))
    assert projection.stage is Stage.DOWNLOADING
    assert [d.download_id for d in projection.downloads] == [v2]


@pytest.mark.ac("AC-58")
def test_a_size_of_zero_is_never_shown() -> None:
    magnet = transfer(3, 0.0, TransferState.METADATA, size=None)
    projection = the_request(told(request(0), grabbed(2, size=0), magnet, now=5))
    assert projection.downloads[0].size is None
    assert projection.stage is Stage.GRABBED
    assert projection.sentence.key == "stage.grabbed.metadata"


@pytest.mark.ac("AC-60")
def test_speed_and_eta_end_with_the_download() -> None:
    moving = transfer(5, 0.5, eta=at(9))
    done = transfer(9, 1.0, TransferState.COMPLETE)
    running = the_request(told(request(0), grabbed(2), moving)).downloads[0]
    assert (running.speed, running.eta) == (1_000_000, at(9))
    ended = the_request(told(request(0), grabbed(2), moving, done)).downloads[0]
    assert (ended.speed, ended.eta) == (None, None)


def test_progress_falls_only_when_a_new_attempt_begins() -> None:
    ledger = told(request(0), grabbed(2), transfer(5, 0.8), failed(6))
    ledger.apply([grabbed(7, OTHER_HASH)], at(600))
    projection = the_request(ledger)
    assert projection.stage is Stage.GRABBED
    assert projection.progress == 0.0
    grabs = [m.time for m in projection.units[0].milestones if m.stage is Stage.GRABBED]
    assert grabs == [at(7)]


def test_a_4k_request_beside_an_hd_copy_waits_for_its_own_file() -> None:
    hd = request(0, arr_id=MOVIE)
    uhd = request(0, request_id=2, is_4k=True, arr_id=99)
    home = Household(services={**FULL, RADARR_4K: ServiceKind.RADARR})
    in_4k = movie(1, object_id=99)
    ledger = told(hd, uhd, movie(1), film(6, added=6), item(8, height=1080), playable(8), home=home)
    other = type(in_4k)(
        **{f: getattr(in_4k, f) for f in in_4k.__slots__ if f != "service"}
        | {"service": RADARR_4K, "at": in_4k.at}
    )
    ledger.apply([other], at(600))
    by_flavour = {p.identity.is_4k: p for p in ledger.projections.values()}
    assert by_flavour[False].stage is Stage.AVAILABLE
    assert by_flavour[True].stage is Stage.APPROVED
    assert [ref.service for ref in by_flavour[True].arr] == [RADARR_4K]


def test_two_radarrs_that_both_could_be_meant_are_not_guessed_between() -> None:
    home = Household(services={**FULL, RADARR_4K: ServiceKind.RADARR})
    one, two = movie(1), movie(1, object_id=99)
    twin = type(two)(
        **{f: getattr(two, f) for f in two.__slots__ if f != "service"}
        | {"service": RADARR_4K, "at": two.at}
    )
    projection = the_request(told(request(0), one, twin, home=home))
    assert projection.arr == ()
    assert [a.advice.key for a in projection.attention] == ["attention.handover_failed.ambiguous"]


def test_a_persons_word_makes_a_film_available_and_is_shown_as_such() -> None:
    ledger = told(request(0), movie(1))
    projection = the_request(ledger)
    ledger.apply(
        [
            Declaration(
                service=USER,
                at=at(5),
                record="1",
                request=projection.id,
                declares=DeclarationKind.AVAILABLE,
                by="Kid",
            )
        ],
        at(600),
    )
    assert the_request(ledger).stage is Stage.AVAILABLE
    assert the_request(ledger).units[0].declared


@pytest.mark.parametrize(
    ("services", "facts", "stage"),
    [
        (
            (SEERR, RADARR),
            [request(0, SeerrStatus.COMPLETED, media_status=SeerrMediaStatus.AVAILABLE)],
            Stage.AVAILABLE,
        ),
        (
            (SEERR, RADARR),
            [request(0, SeerrStatus.APPROVED, media_status=SeerrMediaStatus.AVAILABLE)],
            Stage.AVAILABLE,
        ),
        ((SEERR, RADARR), [request(0), movie(1), film(6, added=6)], Stage.IMPORTING),
        ((SEERR,), [request(0), grabbed(2)], Stage.APPROVED),
    ],
)
def test_stages_of_services_that_the_household_lacks_are_skipped(services, facts, stage) -> None:
    home = Household(services={service: FULL[service] for service in services})
    assert the_request(told(*facts, home=home)).stage is stage


def test_without_seerr_a_grabbed_film_is_adopted_and_radarr_decides() -> None:
    home = Household(services={RADARR: ServiceKind.RADARR})
    ledger = told(grabbed(2), movie(3), home=home)
    projection = the_request(ledger)
    assert projection.identity.adopted
    assert projection.stage is Stage.GRABBED
    assert [m.stage for m in projection.units[0].milestones] == [Stage.GRABBED]
    ledger.apply([imported(6)], at(600))
    assert the_request(ledger).stage is Stage.AVAILABLE


def test_an_adopted_film_is_absorbed_by_the_request_that_comes_later() -> None:
    home = Household(services=FULL, options=Options(adoption=True))
    ledger = told(grabbed(2), movie(3), transfer(4, 0.5), home=home)
    adopted = the_request(ledger)
    ledger.apply([request(10, requested_at=at(9))], at(600))
    requested = the_request(ledger)
    assert requested.id != adopted.id
    assert requested.stage is Stage.DOWNLOADING
    assert "grabbed" in [entry.event for entry in requested.timeline]


def test_an_unclaimed_fact_waits_for_its_request() -> None:
    ledger = Ledger(household())
    ledger.apply([grabbed(2)], at(3))
    assert ledger.unclaimed()
    ledger.apply([request(4)], at(5))
    assert the_request(ledger).stage is Stage.GRABBED
    assert not ledger.unclaimed()


def test_a_fact_nobody_claims_is_forgotten_after_a_day() -> None:
    ledger = Ledger(household())
    ledger.apply([grabbed(2)], at(3))
    assert ledger.prune(at(60)) == ()
    assert len(ledger.prune(at(60 * 25))) == 1
    assert not ledger.facts


@pytest.mark.ac("E3")
def test_milestones_are_ordered_even_when_the_services_clocks_are_not() -> None:
    ledger = told(
        request(0),
        grabbed(2),
        stepped(9, TransferStep.COMPLETED),
        imported(8),
        transfer(9, 1.0, TransferState.COMPLETE),
        item(7.5),
        playable(7.5),
        movie(1),
    )
    reached = the_request(ledger).units[0].milestones
    assert [m.time for m in reached] == sorted(m.time for m in reached)
    assert [LADDER.index(m.stage) for m in reached] == sorted(
        LADDER.index(m.stage) for m in reached
    )


def test_counts_add_up_to_the_film() -> None:
    counts = the_request(told(request(0), grabbed(2), transfer(5, 0.4))).counts
    assert (counts.downloading, counts.expected, counts.ready) == (1, 1, 0)


def test_a_closed_request_that_is_put_aside_stirs_when_it_is_deleted() -> None:
    facts = [request(0), movie(1), imported(6), film(7, added=6), item(8), playable(8)]
    ledger = told(*facts)
    done = the_request(ledger)
    kept = ledger.freeze(done.id)
    assert not ledger.projections
    assert ledger.stirs([request(30)]) == frozenset()
    assert ledger.stirs([request(30, SeerrStatus.DECLINED)]) == {done.id}
    news = file_deleted(40)
    assert ledger.stirs([news]) == {done.id}
    ledger.thaw(done.id, kept, at(600))
    ledger.apply([news], at(600))
    assert the_request(ledger).id == done.id
    assert FILM in [unit.unit for unit in the_request(ledger).units]


def test_a_forgotten_request_stays_forgotten() -> None:
    ledger = told(request(0))
    ledger.forget(the_request(ledger).id)
    ledger.apply([request(5), announced(6, SeerrEventType.APPROVED)], at(600))
    assert not ledger.projections
