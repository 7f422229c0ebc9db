"""Validation: every error of a decoded value that does not fit its type, each at its place, in words for people.

msgspec decodes and refuses; it stops at the first error and speaks of Python's types. This runs after a refusal only.
A type whose `Meta` has an `extra` of `{"check": function}` is also refused where the function raises a ValueError, with
text that continues a sentence after the field's name. Decoding does not call it: `__post_init__` does. The function in
`{"refusal": function}` raises a Refusal, as the command or query does by itself if nothing else is wrong.
A Struct with a static method `errors_beyond_types` has the errors that it finds too.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import msgspec
from msgspec import NODEFAULT, Meta, Struct, UnsetType

from commands.field_types import PATTERN_DESCRIPTIONS
from domain.errors import Refusal

MAX_ERRORS = 50
"""The most errors of one value that are reported."""
MAX_QUOTED_CHARACTERS = 100
"""The most characters of a name that an error repeats."""
_SYNONYMS = (
    ("title", "name", "summary", "subject"),
    ("due", "deadline", "date"),
    ("description", "body", "text", "notes", "details"),
    ("labels", "tags"),
    ("assignees", "owner", "owners", "responsible"),
    ("column", "list", "lane", "stage"),
    ("status", "state", "done", "completed"),
    ("colour", "color"),
    ("expected_version", "version", "etag"),
)
"""Names of one thing: if a type has the first, or one of the others, the rest lead to it."""
_WORDS_BY_TYPE: dict[Any, str] = {
    str: "must be text",
    int: "must be a whole number",
    float: "must be a number",
    bool: "must be true or false",
    UUID: "must be an id, which is a UUID",
    datetime: "must be a time with an offset, such as 2026-12-01T10:00:00Z",
    dict: "must be an object",
}

Check: TypeAlias = Callable[[Any], object]


class NotOneOf(ValueError):
    """What a check raises for a value that is none of those that are allowed."""


class FieldError(Struct, frozen=True):
    """An error: the JSON Pointer of a member, a stable code, and what is wrong, after the member's name."""

    pointer: str
    code: str
    words: str

    def sentence(self) -> str:
        """The error as a sentence without its full stop."""
        if self.pointer == "#":
            return f"The body {self.words}"
        name = self.pointer[1:].removeprefix("/") if self.pointer[0] == "#" else self.pointer[1:]
        return f"{quoted(name.replace('~1', '/').replace('~0', '~'))} {self.words}"


class _Bound(NamedTuple):
    name: str
    is_met: Callable[[Any, Any], bool]
    code: str
    words: str


_NUMBER_BOUNDS = (
    _Bound("ge", lambda value, bound: value >= bound, "too_small", "must be at least {}"),
    _Bound("gt", lambda value, bound: value > bound, "too_small", "must be more than {}"),
    _Bound("le", lambda value, bound: value <= bound, "too_large", "can be at most {}"),
    _Bound("lt", lambda value, bound: value < bound, "too_large", "must be less than {}"),
)
_LENGTH_BOUNDS = (
    _Bound("min_length", lambda value, bound: len(value) >= bound, "too_short", "must have at least {} {}"),
    _Bound("max_length", lambda value, bound: len(value) <= bound, "too_long", "can have at most {} {}"),
)


def find_errors(value: Any, annotation: Any, pointer: str = "#") -> list[FieldError]:
    """The errors of a decoded value, in the order of the type's fields, at most `MAX_ERRORS`."""
    return list(islice(_errors_in(value, annotation, pointer), MAX_ERRORS))


def describe(errors: Sequence[FieldError]) -> str:
    """All errors in one text."""
    return "; ".join(error.sentence() for error in errors) + "."


def quoted(name: str) -> str:
    """A name that a client sent, in quotes and not too long."""
    return f'"{name[:MAX_QUOTED_CHARACTERS]}"'


def child(pointer: str, name: str | int) -> str:
    """The pointer of a member (RFC 6901)."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def suggestion(name: str, known_names: Sequence[str]) -> str | None:
    """The known name that was meant, as far as one can tell: alike, a part of it, or another word for it."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name[:MAX_QUOTED_CHARACTERS]).lower().strip("_- ").replace("-", "_")
    for names in _SYNONYMS:
        if plain in names and (found := next((each for each in names if each in known_names and each != name), None)):
            return found
    parts = [plain, *plain.split("_")]
    whole = next((each for part in parts for each in known_names if each in {part, f"{part}s"}), None)
    return whole or next(iter(difflib.get_close_matches(plain, known_names, 1)), None)


def unknown_name_words(name: str, known_names: Sequence[str]) -> str:
    """What is said of a name that is none of those known."""
    meant = suggestion(name, known_names)
    known = f"nown here {'is' if len(known_names) == 1 else 'are'} {', '.join(known_names)}" if known_names else ""
    if meant:
        return f"is unknown: did you mean {meant}? K{known}"
    return f"is unknown: k{known}" if known else "is unknown"


def checks_in(meta: Meta, *names: str) -> list[Check]:
    """The functions of these names that a constraint brings."""
    return [meta.extra[name] for name in names if name in meta.extra] if meta.extra else []


def _errors_in(value: Any, annotation: Any, pointer: str) -> Iterator[FieldError]:
    kind, metas = _unwrapped(annotation)
    if get_origin(kind) in {Union, UnionType}:
        yield from _errors_in_union(value, [each for each in get_args(kind) if each is not UnsetType], metas, pointer)
    elif value is None and kind is not NoneType and kind is not Any:
        yield FieldError(pointer, "wrong_type", "cannot be null" if pointer != "#" else "must be an object")
    elif get_origin(kind) is Literal:
        if value not in get_args(kind) or isinstance(value, bool):
            yield FieldError(pointer, "not_one_of", f"must be one of {', '.join(map(str, get_args(kind)))}")
    elif isinstance(kind, type) and issubclass(kind, Struct):
        yield from _errors_in_struct(value, kind, pointer)
    elif get_origin(kind) is dict and isinstance(value, dict):
        yield from _errors_in_dict(value, get_args(kind), metas, pointer)
    elif get_origin(kind) in {list, tuple}:
        yield from _errors_in_list(value, get_args(kind)[0], metas, pointer)
    else:
        yield from _errors_in_scalar(value, kind, metas, pointer)


def _unwrapped(annotation: Any) -> tuple[Any, tuple[Meta, ...]]:
    metas: tuple[Meta, ...] = ()
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        metas = (*metas, *(each for each in more if isinstance(each, Meta)))
    return annotation, metas


def _errors_in_union(value: Any, members: list[Any], metas: Sequence[Meta], pointer: str) -> Iterator[FieldError]:
    if value is None and NoneType in members:
        return
    constrained = [Annotated[each, *metas] if metas else each for each in members if each is not NoneType]
    all_errors = [list(_errors_in(value, each, pointer)) for each in constrained]
    if all(all_errors):
        yield from all_errors[0]


def _errors_in_struct(value: Any, kind: type[Struct], pointer: str) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield FieldError(pointer, "wrong_type", "must be an object")
        return
    find_more = getattr(kind, "errors_beyond_types", None)
    errors = [*_errors_in_members(value, kind, pointer), *(find_more(value, pointer) if find_more else ())]
    yield from errors or _errors_as_whole(value, kind, pointer)


def _errors_in_members(value: dict[str, Any], kind: type[Struct], pointer: str) -> Iterator[FieldError]:
    fields = msgspec.structs.fields(kind)
    for field in fields:
        if field.encode_name in value:
            yield from _errors_in(value[field.encode_name], field.type, child(pointer, field.encode_name))
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            yield FieldError(child(pointer, field.encode_name), "missing", "is missing")
    if kind.__struct_config__.forbid_unknown_fields:
        names = [field.encode_name for field in fields]
        for name in value:
            if name not in names:
                error_pointer = child(pointer, name[:MAX_QUOTED_CHARACTERS])
                yield FieldError(error_pointer, "unknown_field", unknown_name_words(name, names))


def _errors_as_whole(value: dict[str, Any], kind: type[Struct], pointer: str) -> Iterator[FieldError]:
    """What `__post_init__` refuses; its text begins with the name of a field, unless it concerns several."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        text = str(error.__cause__ or "is not valid")
        name, _, words = text.partition(" ")
        is_field = name in kind.__struct_fields__
        yield FieldError(child(pointer, name) if is_field else pointer, "invalid_value", words if is_field else text)


def _errors_in_list(value: Any, item_type: Any, metas: Sequence[Meta], pointer: str) -> Iterator[FieldError]:
    if not isinstance(value, list):
        yield FieldError(pointer, "wrong_type", "must be a list")
        return
    yield from _broken_bounds(value, metas, _LENGTH_BOUNDS, "item", pointer)
    for index, item in enumerate(value):
        yield from _errors_in(item, item_type, child(pointer, index))


def _errors_in_dict(
    value: dict[str, Any], kinds: tuple[Any, Any], metas: Sequence[Meta], pointer: str
) -> Iterator[FieldError]:
    yield from _broken_bounds(value, metas, _LENGTH_BOUNDS, "member", pointer)
    for name, member in value.items():
        place = child(pointer, name[:MAX_QUOTED_CHARACTERS])
        yield from (*_errors_in(name, kinds[0], place), *_errors_in(member, kinds[1], place))


def _errors_in_scalar(value: Any, kind: Any, metas: Sequence[Meta], pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError):
        words = _WORDS_BY_TYPE.get(get_origin(kind) or kind, "is not valid")
        yield FieldError(pointer, "wrong_type", words)
        return
    broken = [
        *_broken_bounds(value, metas, _NUMBER_BOUNDS, "", pointer),
        *_broken_bounds(value, metas, _LENGTH_BOUNDS if isinstance(value, str) else (), "character", pointer),
    ]
    broken = broken or list(_broken_patterns(value, metas, pointer))
    yield from broken or _failed_checks(value, metas, pointer)


def _broken_bounds(
    value: Any, metas: Sequence[Meta], bounds: Iterable[_Bound], unit: str, pointer: str
) -> Iterator[FieldError]:
    for meta in metas:
        for bound in bounds:
            limit = getattr(meta, bound.name)
            if limit is not None and not bound.is_met(value, limit):
                words = bound.words.format(limit, unit + "s" * (limit != 1))
                yield FieldError(pointer, bound.code, "cannot be empty" if value == "" else words)


def _broken_patterns(value: Any, metas: Sequence[Meta], pointer: str) -> Iterator[FieldError]:
    for meta in metas:
        if meta.pattern is not None and not re.search(meta.pattern, value):
            words = PATTERN_DESCRIPTIONS.get(meta.pattern, "text of another form")
            yield FieldError(pointer, "invalid_format", f"must be {words}")


def _failed_checks(value: Any, metas: Sequence[Meta], pointer: str) -> Iterator[FieldError]:
    for meta in metas:
        for check in checks_in(meta, "check", "refusal"):
            try:
                check(value)
            except ValueError as error:
                code = "not_one_of" if isinstance(error, NotOneOf) else "invalid_value"
                yield FieldError(pointer, code, str(error))
            except Refusal as refusal:
                yield FieldError(pointer, refusal.code(), f"is refused: {str(refusal).removesuffix('.')}")
