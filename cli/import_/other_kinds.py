"""Objects with names that are no tasks: labels, lists, milestones, people, packages, each known by its members."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from cli.import_.field_names import TASK_FIELDS, TITLE_FIELDS, normalize_name

_SAMPLE_OBJECTS: Final = 100
_WHATEVER_ELSE: Final[dict[str, tuple[str, ...]]] = {
    "milestones": ("openissues closedissues", "expired iid", "openissuescount closedissuescount"),
    "actions of a Trello board": ("idmembercreator data",),
}
"""Members that tell a kind, whatever fields of a task stand beside them."""
_WITHOUT_TASK_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "labels": ("hexcolor name", "color default name", "colour default name", "color isfavorite name itemorder"),
    "people": (
        *("login avatarurl", "login siteadmin", "login type", "username avatarurl", "username fullname"),
        *("username email", "name email", "firstname lastname", "displayname email", "accountid displayname"),
    ),
    "repositories": ("fullname defaultbranch", "fullname private", "name forkscount", "pathwithnamespace"),
    "the description of a package": (
        *("name version dependencies", "name version devdependencies", "name version scripts", "name version main"),
        *("name private devdependencies", "name private workspaces", "name lockfileversion", "name version require"),
    ),
    "projects or sections": ("viewstyle name", "isinboxproject name", "projectviewid", "projectid order name"),
    "workflow states": ("name type color position", "name statuscategory"),
}
_BOARD_PARTS: Final = {"idboard": ("idlist", "idcard"), "boardid": ("listid", "stackid", "columnid", "cardid")}
"""What refers to a board and to no list of it is a list, label or member of the board; a card has both."""
_HEX_COLOR: Final = re.compile(r"#?[0-9a-f]{6}", re.ASCII | re.IGNORECASE)


def kind_of_objects(values: Sequence[object]) -> str | None:
    """What the objects are if none of them is a task: `labels`; None if any may be one."""
    objects = [value for value in values[:_SAMPLE_OBJECTS] if isinstance(value, dict)]
    kinds = [_kind_of(value) for value in objects]
    return kinds[0] if kinds and all(kinds) else None


def is_pull_request(value: object) -> bool:
    """Whether it is a change to be merged, as trackers list them among issues."""
    if not isinstance(value, dict):
        return False
    return (
        isinstance(value.get("pull_request"), dict)
        or isinstance(value.get("pullRequest"), dict)
        or value.get("__typename") == "PullRequest"
        or ("head" in value and "base" in value and "merged_at" in value)
        or ("headRefName" in value and "baseRefName" in value)
        or ("source_branch" in value and "target_branch" in value)
    )


def _kind_of(value: Mapping[str, object]) -> str | None:
    members = {normalize_name(name) for name, inner in value.items()}
    if kind := _told(members, _WHATEVER_ELSE):
        return kind
    if any(normalize_name(name) in TASK_FIELDS and inner is not None for name, inner in value.items()):
        return None
    color = value.get("color", value.get("colour"))
    if isinstance(color, str) and _HEX_COLOR.fullmatch(color):
        members.add("hexcolor")
    for board, within in _BOARD_PARTS.items():
        if board in members and members.isdisjoint(within):
            return "lists, labels or other parts of a board"
    has_other_title = not members.isdisjoint({*TITLE_FIELDS} - {"name"})
    return None if has_other_title else _told(members, _WITHOUT_TASK_FIELDS)


def _told(members: set[str], kinds: Mapping[str, tuple[str, ...]]) -> str | None:
    return next((kind for kind, sets in kinds.items() if any(members.issuperset(each.split()) for each in sets)), None)
