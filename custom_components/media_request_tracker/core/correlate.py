"""Which facts belong to which request.

Every fact names subjects: a Seerr request, an *arr object, a title, a download, a file, a library
item. A request starts from the subjects it is made of (its Seerr request, its title) and claims
further ones by following facts in one direction only:

    Seerr request, title  →  *arr object  →  download  →  transfer
                                         →  file       →  library item

Nothing is ever followed backwards, so that a season pack or a reused hash does not join two
requests. Titles are scoped by media type, *arr objects by instance, and an id that contradicts
ends the walk. Where two candidates are equally good, none is taken.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
import hashlib
import unicodedata

from .facts import (
    ArrOccurrence,
    ArrTitle,
    ArrUnit,
    BecamePlayable,
    Declaration,
    Fact,
    ItemType,
    LibraryItem,
    Miss,
    MissKind,
    QueueItem,
    RemedyRan,
    SearchState,
    SeerrEvent,
    SeerrRequest,
    ServiceHealth,
    TitleDetails,
    Transfer,
    TransferStepped,
)
from .model import FILM, DownloadId, MediaType, RequestId, ServiceId, TitleKey, Unit
from .options import Household
from .projection import ArrRef, RequestIdentity

type Name = tuple[str | int, ...]
"""A subject as the index knows it: its kind, then what identifies it."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PROVIDERS = ("tmdb", "imdb", "tvdb")


def request_id(*parts: str) -> RequestId:
    """Return the id of the request that `parts` identify, in the form of a ULID.

    It is derived and not drawn, so that the same facts in any order make the same request.
    """
    number = int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:16])
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return RequestId("".join(reversed(digits)))


def seerr_name(service: ServiceId, subject: str) -> Name:
    """Return the name of a Seerr request."""
    return ("seerr", service, subject)


def arr_name(service: ServiceId, object_id: int) -> Name:
    """Return the name of a film or series in one *arr instance."""
    return ("arr", service, object_id)


def title_name(key: TitleKey) -> Name:
    """Return the name of a title."""
    return ("title", key.media_type, key.number)


def download_name(download_id: str) -> Name:
    """Return the name of a download, whoever mentions it."""
    return ("download", download_id.casefold())


def item_name(service: ServiceId, item_id: str) -> Name:
    """Return the name of a library item."""
    return ("item", service, item_id)


def file_name(path: str) -> Name:
    """Return the name of a file by the last component of its path."""
    return ("file", components(path)[-1].casefold() if components(path) else "")


def request_name(request: str) -> Name:
    """Return the name of one of our own requests."""
    return ("request", request)


def health_name(service: ServiceId) -> Name:
    """Return the name of a service's health."""
    return ("health", service)


def provider_name(item_type: ItemType, provider: str, number: object) -> Name:
    """Return the name of a library item by an id of a metadata provider."""
    return ("provider", item_type, provider, str(number).casefold())


def named(item_type: ItemType, title: str) -> Name:
    """Return the name of a library item by its title, the last resort."""
    return ("named", item_type, normal_title(title))


def normal_title(title: str) -> str:
    """Return a title in the form in which two spellings of it are equal."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    return " ".join(
        "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split()
    )


def components(path: str) -> list[str]:
    """Return the components of a path of either separator."""
    return [part for part in path.replace("\\", "/").split("/") if part]


def _arr_occurrence_names(fact: ArrOccurrence) -> Iterable[Name]:
    yield arr_name(fact.service, fact.object_id)
    if fact.title_key is not None:
        yield title_name(fact.title_key)
    if fact.download_id is not None:
        yield download_name(fact.download_id)


def _queue_names(fact: QueueItem) -> Iterable[Name]:
    if fact.object_id is not None:
        yield arr_name(fact.service, fact.object_id)
    if fact.download_id is not None:
        yield download_name(fact.download_id)


def _item_names(fact: LibraryItem) -> Iterable[Name]:
    yield item_name(fact.service, fact.item_id)
    for provider, number in fact.provider_ids:
        if provider.casefold() in _PROVIDERS:
            yield provider_name(fact.item_type, provider.casefold(), number)
    for path in fact.paths:
        yield file_name(path)
    for title in (fact.name, fact.original_title):
        if title and fact.item_type is not ItemType.EPISODE:
            yield named(fact.item_type, title)


_MISS_NAMES: dict[MissKind, Callable[[Miss], Name]] = {
    MissKind.SEERR_REQUEST: lambda miss: seerr_name(miss.service, miss.subject),
    MissKind.ARR_TITLE: lambda miss: arr_name(miss.service, int(miss.subject)),
    MissKind.QUEUE_ITEM: lambda miss: download_name(miss.subject),
    MissKind.TRANSFER: lambda miss: download_name(miss.subject),
    MissKind.LIBRARY_ITEM: lambda miss: item_name(miss.service, miss.subject),
}


def names(fact: Fact) -> frozenset[Name]:
    """Return the subjects a fact names."""
    match fact:
        case SeerrRequest():
            return frozenset({seerr_name(fact.service, fact.subject)})
        case SeerrEvent():
            return frozenset({seerr_name(fact.service, fact.request_subject)})
        case TitleDetails():
            return frozenset({("details", fact.media_type, fact.tmdb)})
        case ArrTitle():
            return frozenset({arr_name(fact.service, fact.object_id), title_name(fact.title_key)})
        case ArrUnit() | SearchState():
            return frozenset({arr_name(fact.service, fact.object_id)})
        case QueueItem():
            return frozenset(_queue_names(fact))
        case ArrOccurrence():
            return frozenset(_arr_occurrence_names(fact))
        case Transfer():
            return frozenset(download_name(alias) for alias in {fact.download_id, *fact.aliases})
        case TransferStepped():
            return frozenset({download_name(fact.download_id)})
        case LibraryItem():
            return frozenset(_item_names(fact))
        case BecamePlayable():
            return frozenset({item_name(fact.service, fact.item_id)})
        case Miss():
            return frozenset({_MISS_NAMES[fact.what](fact)})
        case ServiceHealth():
            return frozenset({health_name(fact.service)})
        case Declaration() | RemedyRan():
            return frozenset({request_name(fact.request)})
    raise TypeError(f"{type(fact).__name__} names no subject")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request owns: the names it watches, and the facts found under them."""

    names: frozenset[Name]
    facts: tuple[Fact, ...]
    objects: tuple[ArrRef, ...]
    ambiguous: bool = False
    """Several *arr objects could be meant and none was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What a request starts its walk from."""

    identity: RequestIdentity
    arr_id: int | None = None
    """The *arr object id that Seerr names."""
    sibling_arr_ids: frozenset[int] = frozenset()
    """Object ids that requests of the other flavour name for the same title."""
    until: datetime | None = None
    """When a later request for the same title took over; nothing after it belongs here."""
    title_key: TitleKey | None = None


type Lookup = Callable[[Name], Collection[Fact]]
"""Gives the facts that name a subject."""


def claim(seed: Seed, lookup: Lookup, household: Household) -> Claim:
    """Walk from a request's own subjects to everything that belongs to it."""
    identity = seed.identity
    owned: set[Name] = {request_name(identity.id)}
    if identity.tmdb is not None:
        owned.add(("details", identity.media_type, identity.tmdb))
    if identity.seerr is not None:
        owned.add(seerr_name(identity.seerr.service, identity.seerr.subject))
    objects, ambiguous = _objects(seed, lookup, household)
    if seed.title_key is not None:
        owned.add(title_name(seed.title_key))
    owned.update(arr_name(ref.service, ref.object_id) for ref in objects)

    found: dict[object, Fact] = {}
    for name in owned:
        for fact in lookup(name):
            if name[0] == "title" and not _of_objects(fact, objects):
                continue
            found[fact.key] = fact
    for name in _downloads(found.values(), lookup):
        owned.add(name)
        for fact in lookup(name):
            if not isinstance(fact, (QueueItem, ArrOccurrence)) or _of_objects(fact, objects):
                found[fact.key] = fact
    for name in _item_watch(identity, found.values()):
        owned.add(name)
        for fact in lookup(name):
            if isinstance(fact, LibraryItem) and matched_units(identity, fact, found.values()):
                item = item_name(fact.service, fact.item_id)
                owned.add(item)
                found.update((other.key, other) for other in lookup(item))
    services = {fact.service for fact in found.values()} | set(household.services)
    for service in services:
        for fact in lookup(health_name(service)):
            found[fact.key] = fact
    facts = tuple(found[key] for key in sorted(found, key=str))
    return Claim(frozenset(owned), facts, objects, ambiguous)


def _of_objects(fact: Fact, objects: Collection[ArrRef]) -> bool:
    object_id = getattr(fact, "object_id", None)
    return any(ref.service == fact.service and ref.object_id == object_id for ref in objects)


def _objects(seed: Seed, lookup: Lookup, household: Household) -> tuple[tuple[ArrRef, ...], bool]:
    """Return the *arr objects that are this request's, and whether the choice was ambiguous."""
    identity = seed.identity
    if identity.arr is not None:
        return (identity.arr,), False
    if seed.title_key is None:
        return (), False
    candidates = {
        ArrRef(fact.service, fact.object_id)
        for fact in lookup(title_name(seed.title_key))
        if isinstance(fact, (ArrTitle, ArrOccurrence))
    }
    uhd = household.options.uhd_services
    if uhd:
        candidates = {ref for ref in candidates if (ref.service in uhd) == identity.is_4k}
    if seed.arr_id is not None and any(ref.object_id == seed.arr_id for ref in candidates):
        candidates = {ref for ref in candidates if ref.object_id == seed.arr_id}
    elif not uhd:
        candidates = {ref for ref in candidates if ref.object_id not in seed.sibling_arr_ids}
    if len({ref.service for ref in candidates}) > 1:
        return (), True
    return tuple(sorted(candidates, key=lambda ref: (ref.service, ref.object_id))), False


def _downloads(facts: Iterable[Fact], lookup: Lookup) -> frozenset[Name]:
    """Return the names of all downloads that these facts mention, under every alias."""
    mentioned = {
        download_name(fact.download_id)
        for fact in facts
        if isinstance(fact, (QueueItem, ArrOccurrence)) and fact.download_id is not None
    }
    aliases = {
        alias
        for name in mentioned
        for fact in lookup(name)
        if isinstance(fact, Transfer)
        for alias in names(fact)
    }
    return frozenset(mentioned | aliases)


def _item_watch(identity: RequestIdentity, facts: Collection[Fact]) -> frozenset[Name]:
    """Return the names under which library items of this request would turn up."""
    watch = {
        file_name(fact.file.path)
        for fact in facts
        if isinstance(fact, ArrUnit) and fact.file is not None and fact.file.path
    }
    watch.update(
        file_name(fact.path)
        for fact in facts
        if (path := getattr(fact, "path", None)) and path and isinstance(fact, ArrOccurrence)
    )
    watch.discard(("file", ""))
    if identity.media_type is MediaType.MOVIE:
        for provider, number in provider_ids(identity, facts).items():
            watch.add(provider_name(ItemType.MOVIE, provider, number))
        watch.update(named(ItemType.MOVIE, title) for title in known_titles(facts)[0])
    return frozenset(watch)


def known_titles(facts: Iterable[Fact]) -> tuple[frozenset[str], frozenset[int]]:
    """Return every title and every year that services give for what these facts are about."""
    titles: set[str] = set()
    years: set[int] = set()
    for fact in facts:
        if isinstance(fact, (ArrTitle, TitleDetails)):
            titles.update(title for title in (fact.title, fact.original_title) if title)
            years.update(year for year in (fact.year,) if year)
        if isinstance(fact, ArrTitle):
            titles.update(fact.alternate_titles)
    return frozenset(titles), frozenset(years)


def provider_ids(identity: RequestIdentity, facts: Iterable[Fact]) -> dict[str, str]:
    """Return the known ids of a request's title at the metadata providers."""
    known: dict[str, str] = {}
    if identity.tmdb is not None:
        known["tmdb"] = str(identity.tmdb)
    if identity.tvdb is not None:
        known["tvdb"] = str(identity.tvdb)
    for fact in facts:
        if isinstance(fact, (ArrTitle, TitleDetails, SeerrRequest)) and fact.imdb:
            known.setdefault("imdb", fact.imdb)
    return known


def same_file(left: str, right: str) -> bool:
    """Return whether two paths, seen from different places, end in the same folder and file."""
    left_parts, right_parts = components(left.casefold()), components(right.casefold())
    return len(left_parts) >= 2 and len(right_parts) >= 2 and left_parts[-2:] == right_parts[-2:]


def matched_units(
    identity: RequestIdentity, item: LibraryItem, facts: Iterable[Fact]
) -> tuple[Unit, ...]:
    """Return the units of a request that a library item answers.

    A film is answered by a Movie with its id, or by whatever holds its very file: the path's last
    two components, and the size where both are known. An id that contradicts is no answer. Title
    and year count only for a Movie that states no id of a provider we know the title by.
    """
    facts = tuple(facts)
    if identity.media_type is not MediaType.MOVIE:
        return ()
    known = provider_ids(identity, facts)
    stated = {provider.casefold(): number for provider, number in item.provider_ids}
    by_path = any(
        same_file(path, file_path) and (not item.sizes or size is None or size in item.sizes)
        for path in item.paths
        for file_path, size in _files(facts)
    )
    if item.item_type is ItemType.EPISODE:
        return (FILM,) if by_path else ()
    if item.item_type is not ItemType.MOVIE:
        return ()
    agreeing = [provider for provider in known if stated.get(provider) == known[provider]]
    contradicting = [
        provider
        for provider in ("tmdb", "imdb")
        if provider in known and provider in stated and provider not in agreeing
    ]
    if contradicting:
        return ()
    by_title = (
        not agreeing
        and not any(provider in stated for provider in known)
        and (_same_title(item, facts))
    )
    return (FILM,) if by_path or agreeing or by_title else ()


def _same_title(item: LibraryItem, facts: Iterable[Fact]) -> bool:
    titles, years = known_titles(facts)
    theirs = {normal_title(title) for title in (item.name, item.original_title) if title}
    return (
        bool(theirs & {normal_title(title) for title in titles})
        and item.year is not None
        and any(abs(item.year - year) <= 1 for year in years)
    )


def _files(facts: Iterable[Fact]) -> Iterable[tuple[str, int | None]]:
    for fact in facts:
        if isinstance(fact, ArrUnit) and fact.file is not None and fact.file.path:
            yield fact.file.path, fact.file.size
        elif isinstance(fact, ArrOccurrence) and (path := getattr(fact, "path", None)):
            yield path, getattr(fact, "size", None)


def canonical_download(download_id: DownloadId, transfers: Iterable[Transfer]) -> DownloadId:
    """Return the client's own key of a download that another service names by an alias."""
    for transfer in transfers:
        if download_id in transfer.aliases or download_id == transfer.download_id:
            return transfer.download_id
    return download_id
