"""The scales on which known tools count priorities, and the members of a task by which each tool is known."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from cli.import_.field_names import TITLE_FIELDS, normalize_name
from cli.import_.rows import Row
from domain.task import Priority

MAX_SAMPLE_ROWS: Final = 100
"""Rows that are looked at for the members of a tool."""


UNTITLED_CONTENT: Final = "untitledcontent"
"""A text under `content` in a task without another title."""


class ToolScale(Struct, frozen=True):
    """A tool: any of `telling` names it, each a set of members that no other tool has together."""

    tool: str
    priorities: Mapping[int, Priority]
    telling: tuple[str, ...]


_TOOL_SCALES: Final = (
    ToolScale(
        "Linear",
        {0: "none", 1: "urgent", 2: "high", 3: "medium", 4: "low"},
        ("prioritylabel", "branchname", "issuekey", "linearstate", "linearlist", "linearurl", "customerticketcount"),
    ),
    ToolScale(
        "Vikunja",
        {0: "none", 1: "low", 2: "medium", 3: "high", 4: "urgent", 5: "urgent"},
        (
            *("percentdone", "hexcolor", "repeatafter", "repeatmode", "coverimageattachmentid", "relatedtasks"),
            *("done isfavorite", "done bucketid", "done projectid", "done doneat", "done duedate", "done index"),
            *("done identifier", "done reminders", "done created", "godate"),
        ),
    ),
    ToolScale(
        "Todoist",
        {1: "none", 2: "medium", 3: "high", 4: "urgent"},
        (
            *(UNTITLED_CONTENT, "todoistdue", "todoisturl", "sectionid", "childorder", "dayorder", "commentcount"),
            *("addedbyuid", "responsibleuid", "iscompleted projectid", "checked projectid", "content projectid"),
        ),
    ),
    ToolScale(
        "TickTick",
        {0: "none", 1: "low", 3: "medium", 5: "high"},
        ("isallday", "isfloating", "repeatflag", "sortorder projectid"),
    ),
    ToolScale(
        "Kanboard",
        {0: "none", 1: "low", 2: "medium", 3: "high"},
        ("isactive", "swimlaneid", "colorid", "ownerid categoryid", "datedue columnid"),
    ),
    ToolScale(
        "Toodledo",
        {-1: "none", 0: "low", 1: "medium", 2: "high", 3: "urgent"},
        ("star folder", "star context", "duedatemod", "duetime star"),
    ),
    ToolScale(
        "Microsoft Planner",
        {
            **dict.fromkeys((0, 1), "urgent"),
            **dict.fromkeys((2, 3, 4), "high"),
            **dict.fromkeys((5, 6, 7), "medium"),
            **dict.fromkeys((8, 9, 10), "low"),
        },
        ("planid", "assigneepriority", "checklistitemcount", "activechecklistitemcount"),
    ),
    ToolScale("beads", {0: "urgent", 1: "high", 2: "medium", 3: "low", 4: "low"}, ("issuetype",)),
)
"""In the order in which they are tried: each has its numbers as its API writes them."""
_LINEAR_STATES: Final = frozenset({"triage", "backlog", "unstarted", "started", "completed", "canceled", "duplicate"})
_ISSUE_KEY: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}-\d{1,9}", re.ASCII)
_GRAPHQL_ISSUES: Final = re.compile(r"(?:^|\.)issues\.(?:nodes|edges)\[", re.IGNORECASE)


def find_tool_scale(rows: Iterable[Row], numbers: Iterable[int]) -> ToolScale | None:
    """The first tool that a member of the rows tells, and whose scale has all the numbers."""
    members = members_of(rows)
    wanted = set(numbers)
    return next(
        (
            scale
            for scale in _TOOL_SCALES
            if wanted <= scale.priorities.keys() and any(members.issuperset(each.split()) for each in scale.telling)
        ),
        None,
    )


def members_of(rows: Iterable[Row]) -> set[str]:
    """The names of the members of the first rows, and names for what their values tell."""
    members: set[str] = set()
    for _, row in zip(range(MAX_SAMPLE_ROWS), rows, strict=False):
        if isinstance(row.value, dict):
            values = {normalize_name(name): value for name, value in row.value.items()}
            members |= values.keys()
            members.update(name for name, is_told in _told_by_values(row.location, values) if is_told)
    return members


def _told_by_values(location: str, values: Mapping[str, object]) -> Iterable[tuple[str, bool]]:
    state, due = values.get("state"), values.get("due")
    key = values.get("identifier")
    texts = [value for value in values.values() if isinstance(value, str)]
    yield "issuekey", isinstance(key, str) and _ISSUE_KEY.fullmatch(key) is not None
    yield "linearstate", isinstance(state, dict) and state.get("type") in _LINEAR_STATES
    yield "linearlist", _GRAPHQL_ISSUES.search(location) is not None
    yield "linearurl", any(text.startswith("https://linear.app/") for text in texts)
    yield "todoisturl", any(re.match(r"https://(app\.)?todoist\.com/", text) for text in texts)
    yield "todoistdue", isinstance(due, dict) and not {"is_recurring", "string", "lang"}.isdisjoint(due)
    yield UNTITLED_CONTENT, isinstance(values.get("content"), str) and values.keys().isdisjoint(TITLE_FIELDS)
    yield "godate", any(text.startswith("0001-01-01T") for text in texts) and "isallday" not in values
