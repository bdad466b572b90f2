"""The ledger: all facts in memory, which requests they make, and what they say about each.

The only place in the core that changes anything. It holds facts as a join (newest observation,
earliest occurrence of a key), finds out which requests a new fact concerns, and derives those
again. The same stamped facts in any order, with any repetition, leave the same ledger.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .codec import dumps
from .correlate import Claim, Name, Seed, claim, names, request_id, seerr_name
from .evidence import Evidence
from .facts import (
    ArrOccurrence,
    Fact,
    FactKey,
    Grabbed,
    Observation,
    SeerrEvent,
    SeerrRequest,
    ServiceHealth,
    TitleDetails,
)
from .model import MediaType, RequestId, ServiceId, TitleKey
from .options import Household
from .projection import ArrRef, Change, Projection, RequestIdentity, SeerrRef
from .summary import derive_request

UNCLAIMED_FOR = timedelta(hours=24)
"""How long a fact that belongs to no request is kept and offered again."""

UNCLAIMED_MOST = 5000


def prevails(new: Fact, old: Fact) -> bool:
    """Return whether `new` replaces `old` under the same key.

    Newer observations and earlier occurrences win; equal stamps are settled by content, so that
    the outcome never depends on which came first.
    """
    if new == old:
        return False
    if isinstance(new, Observation):
        return (new.at, dumps(new)) > (old.at, dumps(old))
    return (new.at, dumps(new)) < (old.at, dumps(old))


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A closed request whose facts are kept aside: just enough to notice that it stirs again."""

    identity: RequestIdentity
    names: frozenset[Name]
    seerr_state: tuple[str, str] | None = None
    """Seerr's status and media status when it was put aside."""


class Ledger:
    """Facts and the requests they make."""

    def __init__(self, household: Household | None = None) -> None:
        """Start empty."""
        self.household = household or Household()
        self._facts: dict[FactKey, Fact] = {}
        self._index: dict[Name, dict[FactKey, Fact]] = {}
        self._claims: dict[RequestId, Claim] = {}
        self._owners: dict[Name, set[RequestId]] = {}
        self._projections: dict[RequestId, Projection] = {}
        self._seeds: dict[RequestId, Seed] = {}
        self._by_title: dict[TitleKey, set[RequestId]] = {}
        self._frozen: dict[RequestId, Frozen] = {}
        self._frozen_names: dict[Name, RequestId] = {}
        self._forgotten: set[RequestId] = set()

    # --- Reading -------------------------------------------------------------------------------

    @property
    def projections(self) -> Mapping[RequestId, Projection]:
        """Return every request in memory by its id."""
        return self._projections

    @property
    def facts(self) -> Mapping[FactKey, Fact]:
        """Return every fact in memory by its key."""
        return self._facts

    def facts_of(self, request: RequestId) -> tuple[Fact, ...]:
        """Return the facts a request owns."""
        owned = self._claims.get(request)
        return () if owned is None else owned.facts

    def known(self, service: ServiceId) -> tuple[Observation, ...]:
        """Return what is known of a service."""
        return tuple(
            fact
            for fact in self._facts.values()
            if isinstance(fact, Observation) and fact.service == service
        )

    def unclaimed(self) -> tuple[FactKey, ...]:
        """Return the facts that belong to no request."""
        return tuple(
            key
            for key, fact in self._facts.items()
            if not isinstance(fact, ServiceHealth)
            and not any(self._owners.get(name) for name in names(fact))
        )

    # --- Facts ---------------------------------------------------------------------------------

    def stirs(self, facts: Iterable[Fact]) -> frozenset[RequestId]:
        """Return the frozen requests that these facts concern and that must be thawed first."""
        stirred: set[RequestId] = set()
        for fact in facts:
            for name in names(fact):
                if (request := self._frozen_names.get(name)) is None:
                    continue
                frozen = self._frozen[request]
                if isinstance(fact, SeerrRequest):
                    if (fact.status, fact.media_status) == frozen.seerr_state:
                        continue
                elif not isinstance(fact, (SeerrEvent, ArrOccurrence)):
                    continue
                stirred.add(request)
        return frozenset(stirred)

    def learn(self, facts: Iterable[Fact]) -> tuple[Fact, ...]:
        """Take facts into the join without deriving; return those that changed it."""
        learned = []
        for fact in facts:
            old = self._facts.get(fact.key)
            if old is not None:
                if not prevails(fact, old):
                    continue
                self._drop(old)
            self._facts[fact.key] = fact
            for name in names(fact):
                self._index.setdefault(name, {})[fact.key] = fact
            learned.append(fact)
        return tuple(learned)

    def apply(
        self, facts: Iterable[Fact], now: datetime
    ) -> tuple[tuple[Fact, ...], tuple[Change, ...]]:
        """Take facts in and derive what they concern.

        Returns the facts that were new, and the requests that changed.
        """
        learned = self.learn(facts)
        concerned: set[RequestId] = set()
        for fact in learned:
            concerned |= self._concerned(fact)
        return learned, self._derive(concerned, now)

    def rederive(
        self, now: datetime, requests: Collection[RequestId] | None = None
    ) -> tuple[Change, ...]:
        """Derive requests again because time passed or the configuration changed."""
        if requests is None:
            for fact in tuple(self._facts.values()):
                self._seed_from(fact)
            requests = set(self._seeds) | set(self._projections)
        return self._derive(set(requests), now)

    def due(self, now: datetime) -> frozenset[RequestId]:
        """Return the requests that time alone changes now."""
        return frozenset(
            request
            for request, projection in self._projections.items()
            if projection.next_due is not None and projection.next_due <= now
        )

    def prune(self, now: datetime) -> tuple[FactKey, ...]:
        """Forget facts that nobody claimed for a day, and the oldest beyond the bound."""
        lost = sorted(self.unclaimed(), key=lambda key: self._facts[key].at, reverse=True)
        dropped = [
            key
            for place, key in enumerate(lost)
            if place >= UNCLAIMED_MOST or now - self._facts[key].at > UNCLAIMED_FOR
        ]
        for key in dropped:
            self._drop(self._facts.pop(key))
        return tuple(dropped)

    def _drop(self, fact: Fact) -> None:
        for name in names(fact):
            if (bucket := self._index.get(name)) is not None:
                bucket.pop(fact.key, None)
                if not bucket:
                    del self._index[name]

    def _lookup(self, name: Name) -> Collection[Fact]:
        return self._index.get(name, {}).values()

    # --- Requests ------------------------------------------------------------------------------

    def _concerned(self, fact: Fact) -> set[RequestId]:
        """Return the requests a fact concerns, the one it makes included."""
        concerned = {owner for name in names(fact) for owner in self._owners.get(name, ())}
        made = self._seed_from(fact)
        if made is not None:
            concerned.add(made)
            key = self._title_key(self._seeds[made].identity)
            if key is not None:
                concerned |= self._by_title.get(key, set())
        return concerned

    def _seed_from(self, fact: Fact) -> RequestId | None:
        """Return the id of the request that a fact makes, after noting that it exists."""
        match fact:
            case SeerrRequest():
                subject = fact.subject
            case SeerrEvent():
                subject = fact.request_subject
            case Grabbed() if self.household.adopts and fact.title_key is not None:
                return self._adopt(fact, fact.title_key)
            case _:
                return None
        request = request_id("seerr", fact.service, subject)
        if request in self._forgotten:
            return None
        self._seeds.setdefault(
            request,
            Seed(
                identity=RequestIdentity(
                    id=request,
                    media_type=fact.media_type,
                    tmdb=fact.tmdb,
                    seerr=SeerrRef(
                        service=fact.service, request_id=fact.request_id, subject=subject
                    ),
                )
            ),
        )
        self._file_title(request)
        return request

    def _file_title(self, request: RequestId) -> None:
        key = self._title_key(self._seeds[request].identity)
        if key is not None:
            self._by_title.setdefault(key, set()).add(request)

    def _adopt(self, fact: Grabbed, key: TitleKey) -> RequestId | None:
        request = request_id("adopted", fact.service, str(key))
        if request in self._forgotten:
            return None
        if self._requested(key) or request in self._frozen:
            return None
        self._seeds.setdefault(
            request,
            Seed(
                identity=RequestIdentity(
                    id=request, media_type=key.media_type, arr=ArrRef(fact.service, fact.object_id)
                ),
                title_key=key,
            ),
        )
        self._file_title(request)
        return request

    def _requested(self, key: TitleKey) -> tuple[RequestId, ...]:
        """Return the requests that somebody made for a title, latest last."""
        same = [
            (made_at, request)
            for request in self._by_title.get(key, ())
            if not self._seeds[request].identity.adopted
            if (made_at := self._made_at(self._seeds[request].identity)) is not None
        ]
        return tuple(request for _, request in sorted(same))

    def _title_key(self, identity: RequestIdentity) -> TitleKey | None:
        """Return the title of a request: a film's TMDB id, a series' TVDB id once known."""
        if identity.arr is not None:
            return self._seeds[identity.id].title_key
        if identity.media_type is MediaType.MOVIE:
            return None if identity.tmdb is None else TitleKey(MediaType.MOVIE, identity.tmdb)
        tvdb = next(
            (fact.tvdb for fact in self._identifying(identity) if fact.tvdb is not None),
            None,
        )
        return None if tvdb is None else TitleKey(MediaType.TV, tvdb)

    def _identifying(
        self, identity: RequestIdentity
    ) -> list[SeerrRequest | SeerrEvent | TitleDetails]:
        """Return the facts that say what a request is for, best first."""
        if identity.seerr is None:
            return []
        found = [
            fact
            for name in (
                seerr_name(identity.seerr.service, identity.seerr.subject),
                ("details", identity.media_type, identity.tmdb or 0),
            )
            for fact in self._lookup(name)
            if isinstance(fact, (SeerrRequest, SeerrEvent, TitleDetails))
        ]
        rank = {SeerrRequest: 0, SeerrEvent: 1, TitleDetails: 2}
        return sorted(found, key=lambda fact: (rank[type(fact)], str(fact.key)))

    def _made_at(self, identity: RequestIdentity) -> datetime | None:
        facts = self._identifying(identity)
        read = [f.requested_at for f in facts if isinstance(f, SeerrRequest) and f.requested_at]
        heard = [f.at for f in facts if isinstance(f, SeerrEvent)]
        return min(read or heard, default=None)

    def _seed(self, request: RequestId) -> Seed:
        """Return what a request starts from now that these facts are known."""
        seed = self._seeds[request]
        identity = seed.identity
        if identity.adopted:
            return seed
        facts = self._identifying(identity)
        key = self._title_key(identity)
        read = next((fact for fact in facts if isinstance(fact, SeerrRequest)), None)
        said = [fact for fact in facts if not isinstance(fact, TitleDetails)]
        identity = RequestIdentity(
            id=identity.id,
            media_type=identity.media_type,
            tmdb=identity.tmdb,
            tvdb=next((fact.tvdb for fact in facts if fact.tvdb is not None), None),
            is_4k=said[0].is_4k if said else False,
            seerr=identity.seerr,
        )
        until: datetime | None = None
        siblings: set[int] = set()
        if key is not None:
            for other in self._requested(key):
                if other == request:
                    continue
                theirs = self._identifying(self._seeds[other].identity)
                other_read = next((f for f in theirs if isinstance(f, SeerrRequest)), None)
                flavours = [f.is_4k for f in theirs if not isinstance(f, TitleDetails)]
                if flavours and flavours[0] != identity.is_4k:
                    if other_read is not None and other_read.arr_id is not None:
                        siblings.add(other_read.arr_id)
                    continue
                if not self._same_seasons(facts, theirs):
                    continue
                mine, other_at = self._order(identity), self._order(self._seeds[other].identity)
                if other_at > mine and (until is None or other_at[0] < until):
                    until = other_at[0]
        return Seed(
            identity=identity,
            arr_id=None if read is None else read.arr_id,
            sibling_arr_ids=frozenset(siblings),
            until=until,
            title_key=key,
        )

    def _order(self, identity: RequestIdentity) -> tuple[datetime, RequestId]:
        made_at = self._made_at(identity)
        if made_at is None:
            raise LookupError("a request without a fact has no place in the order")
        return made_at, identity.id

    def _same_seasons(self, mine: Collection[Fact], theirs: Collection[Fact]) -> bool:
        def seasons(facts: Collection[Fact]) -> set[int]:
            return {
                season
                for fact in facts
                if isinstance(fact, (SeerrRequest, SeerrEvent))
                for season in fact.seasons
            }

        left, right = seasons(mine), seasons(theirs)
        return not left or not right or bool(left & right)

    def _derive(self, requests: set[RequestId], now: datetime) -> tuple[Change, ...]:
        changes = []
        for request in sorted(requests):
            before = self._projections.get(request)
            after = self._project(request, now)
            if after is None:
                self._release(request)
                self._projections.pop(request, None)
            else:
                self._projections[request] = after
            if before != after:
                changes.append(Change(request_id=request, before=before, after=after))
        return tuple(changes)

    def _project(self, request: RequestId, now: datetime) -> Projection | None:
        if request not in self._seeds:
            return None
        seed = self._seed(request)
        absorbed = seed.identity.adopted and (
            not self.household.adopts
            or (seed.title_key is not None and self._requested(seed.title_key))
        )
        if absorbed:
            return None
        if not seed.identity.adopted and not self._identifying(seed.identity):
            return None
        claimed = claim(seed, self._lookup, self.household)
        self._release(request)
        self._claims[request] = claimed
        for name in claimed.names:
            self._owners.setdefault(name, set()).add(request)
        return derive_request(Evidence(seed, claimed, self.household, now))

    def _release(self, request: RequestId) -> None:
        claimed = self._claims.pop(request, None)
        if claimed is None:
            return
        for name in claimed.names:
            owners = self._owners.get(name)
            if owners is not None:
                owners.discard(request)
                if not owners:
                    del self._owners[name]

    # --- Leaving and coming back ---------------------------------------------------------------

    def _exclusive(self, request: RequestId) -> tuple[Fact, ...]:
        """Return the facts that no other request owns."""
        return tuple(
            fact
            for fact in self.facts_of(request)
            if not isinstance(fact, ServiceHealth)
            and all(self._owners.get(name, set()) <= {request} for name in names(fact))
        )

    def freeze(self, request: RequestId) -> tuple[Fact, ...]:
        """Put a closed request aside; return the facts that go with it."""
        facts = self._exclusive(request)
        self.note_frozen(self.frozen_form(self._projections[request], facts))
        self._remove(request, facts)
        return facts

    @staticmethod
    def frozen_form(projection: Projection, facts: Collection[Fact]) -> Frozen:
        """Return what to remember of a request that is put aside with these facts."""
        read = next((fact for fact in facts if isinstance(fact, SeerrRequest)), None)
        return Frozen(
            identity=projection.identity,
            names=frozenset(
                name for fact in facts for name in names(fact) if name[0] in ("seerr", "arr")
            ),
            seerr_state=None if read is None else (read.status, read.media_status),
        )

    def note_frozen(self, frozen: Frozen) -> None:
        """Remember a request that was put aside."""
        self._frozen[frozen.identity.id] = frozen
        for name in frozen.names:
            self._frozen_names[name] = frozen.identity.id

    def thaw(self, request: RequestId, facts: Iterable[Fact], now: datetime) -> tuple[Change, ...]:
        """Take a frozen request and its facts back."""
        frozen = self._frozen.pop(request, None)
        if frozen is not None:
            for name in frozen.names:
                self._frozen_names.pop(name, None)
        for fact in self.learn(facts):
            self._seed_from(fact)
        return self._derive({request}, now)

    def forget(self, request: RequestId) -> tuple[Fact, ...]:
        """Drop a request for good because a person said so; return the facts that went."""
        facts = self._exclusive(request)
        self._forgotten.add(request)
        self._remove(request, facts)
        return facts

    def note_forgotten(self, requests: Iterable[RequestId]) -> None:
        """Remember requests that a person dropped earlier."""
        self._forgotten.update(requests)

    def forget_service(self, service: ServiceId) -> tuple[FactKey, ...]:
        """Drop what a removed service said; return the keys that went."""
        dropped = tuple(key for key in self._facts if key.service == service)
        for key in dropped:
            self._drop(self._facts.pop(key))
        return dropped

    def _remove(self, request: RequestId, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self._facts.pop(fact.key, None)
            self._drop(fact)
        self._release(request)
        self._projections.pop(request, None)
        self._seeds.pop(request, None)
        for those in self._by_title.values():
            those.discard(request)
