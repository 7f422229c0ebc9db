"""A batch: up to a hundred commands in one request, as they are sent."""

import contextlib
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from api.http.addressing import given_id, is_key
from api.http.body import convert
from api.http.problems import Malformed
from api.ledger import Asked, Ledger
from commands import command
from commands.command import Command
from commands.field_types import Version
from commands.handling.append import Key
from commands.handling.decision import Wish
from domain.errors import Refusal
from domain.task import Task
from infra.ids import new_id

MOST = 100
PLACES = ("project_id", "workspace_id", "user_id")
_KINDS = sorted(name for name, kind in command.every().items() if kind.in_batches)
_TYPE = {"enum": _KINDS}
_DATA = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in _KINDS]}


class BatchItem(Struct, frozen=True, forbid_unknown_fields=True):
    """One command: its name, its body, and the id or key of what it is about, unless the body says that."""

    type: Annotated[str, Meta(description="The name of a command.", examples=["CreateTask"], extra_json_schema=_TYPE)]
    data: Annotated[dict[str, Any], Meta(description="The body of that command.", extra_json_schema=_DATA)]
    id: str | None = None
    expected_version: Version | None = None
    command_id: Annotated[UUID | None, Meta(description="Your own key for this item, as an Idempotency-Key.")] = None

    def about(self) -> str:
        """What it is about, as far as that has a name before it is carried out."""
        return _one_way(self.id or self.data.get("id"))

    def names(self) -> set[str]:
        """What it is about, and where that is."""
        return {self.about(), *(_one_way(self.data.get(field)) for field in PLACES)}

    def key(self, place: int) -> Key | None:
        """The client's key for this item, if it has one."""
        if self.command_id is None:
            return None
        said = msgspec.json.encode(replace(self, command_id=None), order="deterministic")
        return Key(str(self.command_id), sha256(said).digest(), place)


class Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """Commands in their order: all of them or none (`atomic`), or each for itself (`independent`)."""

    commands: Annotated[list[BatchItem], Meta(min_length=1, max_length=MOST)]
    mode: Literal["atomic", "independent"] = "atomic"


async def named(ledger: Ledger, asked: Asked, items: list[BatchItem]) -> list[BatchItem]:
    """The same, with ids for human keys; where there is no such task the key stays, and fails where it is used."""
    ids: dict[str, str] = {}
    for key in {item.id for item in items if item.id and is_key(item.id)}:
        with contextlib.suppress(Refusal):
            ids[key] = str(await ledger.task_id(asked, key))
    return [replace(item, id=ids.get(item.id or "", item.id)) for item in items]


def check_keys(items: list[BatchItem], key: Key | None) -> None:
    """Raise Malformed where one key would stand for two things, or for a part of what happens together."""
    texts = [str(item.command_id) for item in items if item.command_id]
    if len({*texts, *([key.text] if key else [])}) < len(texts) + bool(key):
        raise Malformed("invalid_body", "Two things in this request have the same key.", pointer="#/commands")


def check_all_or_none(items: list[BatchItem], key: Key | None) -> None:
    """Raise Malformed where some commands of an atomic batch have a key and nothing names the whole."""
    if not key and len({item.command_id is None for item in items}) > 1:
        text = "Where all happen together, give each a command_id, or none, or the whole an Idempotency-Key."
        raise Malformed("invalid_body", text, pointer="#/commands")


async def wish(ledger: Ledger, asked: Asked, item: BatchItem, place: int) -> Wish:
    """What an item asks for; raises Malformed with the pointer of what is wrong, or NotFound."""
    here = f"#/commands/{place}"
    wanted = _command(item, here)
    if wanted.creates:
        return Wish(getattr(wanted, "id", None) or new_id(), wanted)
    if wanted.begins:
        return Wish(_named(wanted, here), wanted)
    if item.id is None:
        raise Malformed("invalid_body", f"{item.type} is about something: name its id.", pointer=f"{here}/id")
    return Wish(await ledger.task_id(asked, item.id) if wanted.about is Task else given_id(item.id), wanted)


def _command(item: BatchItem, here: str) -> Command[Any]:
    kind = command.every().get(item.type)
    if kind is None or not kind.in_batches:
        raise Malformed("unknown_command", f"There is no command {item.type[:100]!r}.", pointer=f"{here}/type")
    if kind.creates and item.id is not None:
        raise Malformed("invalid_body", "An id for what is new goes into data.", pointer=f"{here}/id")
    if kind.begins and item.id is not None:
        raise Malformed("invalid_body", f"{item.type} has no id: its data name what it is about.", pointer=f"{here}/id")
    wanted = convert(item.data, kind, f"{here}/data")
    for field in PLACES:
        if getattr(wanted, field, "") is None:
            raise Malformed("invalid_body", f"Say where: {field} is missing.", pointer=f"{here}/data/{field}")
    if item.expected_version is None:
        return wanted
    if wanted.expected_version not in {None, item.expected_version}:
        raise Malformed("versions_differ", "expected_version is said twice, differently.", pointer=f"{here}/data")
    return replace(wanted, expected_version=item.expected_version)


def _named(wanted: Command[Any], here: str) -> UUID:
    """What a command is about that has no id; raises Malformed where its fields do not say it."""
    stream = wanted.stream()
    if stream is None:
        raise Malformed("invalid_body", "Say which: a name is missing.", pointer=f"{here}/data")
    return stream


def _one_way(name: object) -> str:
    """A name of something, written in one way only."""
    text = str(name or "")
    try:
        return str(UUID(text))
    except ValueError:
        return text
