"""Facts and projections as JSON text, and back.

One reflective codec over the frozen dataclasses of this package serves the store, so that a new
field needs no second description. Unknown members of stored text are ignored and missing ones
take their defaults: a store written by another version stays readable.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
import json
from types import NoneType, UnionType
from typing import Any, NewType, TypeAliasType, Union, get_args, get_origin, get_type_hints

from .facts import OBSERVATIONS, OCCURRENCES, Observation, Occurrence

_OBSERVATIONS = {cls.KIND: cls for cls in OBSERVATIONS}
_OCCURRENCES = {cls.KIND: cls for cls in OCCURRENCES}


class UnreadableFact(ValueError):
    """Stored text does not describe a fact this version knows."""


def dumps(value: object) -> str:
    """Return canonical JSON text of a dataclass, with sorted members."""
    return json.dumps(to_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def to_plain(value: object) -> Any:
    """Return `value` in plain JSON types; members that hold their default are left out."""
    match value:
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case frozenset():
            return sorted(to_plain(item) for item in value)
        case Mapping():
            return {str(key): to_plain(item) for key, item in value.items()}
        case tuple() | list():
            return [to_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: to_plain(item)
            for field in fields(value)
            if (item := getattr(value, field.name)) != field.default
        }
    raise TypeError(f"{type(value).__name__} has no stored form")


def loads[T](cls: type[T], text: str) -> T:
    """Return the dataclass `cls` that `text` describes.

    Raises UnreadableFact when the text is not of that shape.
    """
    try:
        return _build(cls, json.loads(text))
    except (TypeError, ValueError, KeyError, AttributeError) as err:
        raise UnreadableFact(f"{cls.__name__}: {err}") from err


def load_observation(kind: str, text: str) -> Observation:
    """Return a stored observation. Raises UnreadableFact."""
    if (cls := _OBSERVATIONS.get(kind)) is None:
        raise UnreadableFact(f"no observation is called {kind}")
    return loads(cls, text)


def load_occurrence(kind: str, text: str) -> Occurrence:
    """Return a stored occurrence. Raises UnreadableFact."""
    if (cls := _OCCURRENCES.get(kind)) is None:
        raise UnreadableFact(f"no occurrence is called {kind}")
    return loads(cls, text)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _build(hint: Any, plain: Any) -> Any:
    if isinstance(hint, TypeAliasType):
        return _build(hint.__value__, plain)
    if isinstance(hint, NewType):
        return _build(hint.__supertype__, plain)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if plain is None:
            return None
        if type(plain) in args:
            return plain
        (inner,) = (arg for arg in args if arg is not NoneType)
        return _build(inner, plain)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_build(args[0], item) for item in plain)
        return tuple(_build(arg, item) for arg, item in zip(args, plain, strict=True))
    if origin is frozenset:
        return frozenset(_build(args[0], item) for item in plain)
    if origin is dict or origin is Mapping:
        return {_build(args[0], key): _build(args[1], item) for key, item in plain.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(
            **{
                field.name: _build(hints[field.name], plain[field.name])
                for field in fields(hint)
                if field.name in plain
                or (field.default is MISSING and field.default_factory is MISSING)
            }
        )
    if hint is datetime:
        return datetime.fromisoformat(plain)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(plain)
    if hint is float and isinstance(plain, int):
        return float(plain)
    if hint in (int, float, str, bool):
        if not isinstance(plain, hint) or (hint is int and isinstance(plain, bool)):
            raise TypeError(f"{plain!r} is no {hint.__name__}")
        return plain
    if hint is object:
        return plain
    raise TypeError(f"{hint} has no stored form")
