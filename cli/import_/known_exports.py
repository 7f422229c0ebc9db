"""Exports of other tools whose objects are no tasks by themselves: refused, with what to do instead."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from cli.import_.field_names import normalize_name
from cli.import_.rows import has_objects
from infra.errors import OperatorError

MAX_SAMPLE_OBJECTS: Final = 100
"""Objects of a list that are looked at."""
_BOARD_LISTS: Final = frozenset({"lists", "columns", "stacks", "swimlanes", "buckets"})
_JIRA_LISTS: Final = frozenset({"issuetypes", "customfields", "issuelinktypes"})
_TAIGA_LISTS: Final = frozenset({"userstories", "usstatuses", "taskstatuses", "issuestatuses", "wikipages"})
_TRELLO_ADVICE: Final = (
    "To import only its cards now, without their lists, run `jq '[.. | objects | . as $board | .cards? | arrays[] | "
    ".id as $id | .checklists += [$board.checklists[]? | select(.idCard == $id)]]' {file} > cards.json` "
    "and import cards.json."
)
_JIRA_ADVICE: Final = (
    'To import only its issues now, run `jq -s \'[.[] | (.issues? // .) | if type == "array" then .[] else . end | '
    "{id: .key, title: (.fields.summary // .summary), status: .fields.status.name, priority: .fields.priority.name, "
    "due: .fields.duedate, labels: .fields.labels}]' {file} > issues.json` and import issues.json."
)
"""Works on an answer of the API, on a bare list of issues, and on one issue per line."""
_TAIGA_ADVICE: Final = (
    "To import only its stories, tasks and issues now, run `jq '[(.user_stories, .tasks, .issues)[]? | {id: .ref, "
    "title: .subject, description, status, due: .due_date}]' {file} > tasks.json` and import tasks.json."
)
_ADVICE: Final = {"Jira": _JIRA_ADVICE, "Taiga": _TAIGA_ADVICE}
_LIST_ADVICE: Final = (
    "To import its tasks now, make a list of objects with `title`, `status`, `due`, `priority` and `labels` from it."
)


def refuse_known_exports(value: Mapping[str, object] | Sequence[object], name: str) -> None:
    """Raise OperatorError if it is an export that needs a reader of its own."""
    if isinstance(value, Mapping):
        tool = _tool_of_object(value)
    else:
        objects = (each for each in value[:MAX_SAMPLE_OBJECTS] if isinstance(each, dict))
        tool = next((tool for each in objects if (tool := _tool_of_row(each))), None)
    if tool == "Trello":
        raise OperatorError(
            f"{name} is an export of a Trello board: --format trello makes a new project of it, with its past. "
            + _TRELLO_ADVICE.replace("{file}", shlex.quote(name))
        )
    if tool:
        raise OperatorError(
            f"{name} is an export of {tool}, which this version cannot read: a reader for it is planned, and nothing "
            f"was imported. {_ADVICE.get(tool, _LIST_ADVICE).replace('{file}', shlex.quote(name))}"
        )


def _tool_of_object(value: Mapping[str, object]) -> str | None:
    """The tool that an object of lists comes from."""
    lists = {normalize_name(name) for name, inner in value.items() if isinstance(inner, list)}
    if "cards" in lists and lists & _BOARD_LISTS:
        return _board_tool(lists)
    if "stacks" in lists and has_objects(_get(value, "stacks")):
        return "Nextcloud Deck"
    if has_objects(boards := _get(value, "boards")):
        return next((tool for each in boards if isinstance(each, dict) and (tool := _tool_of_row(each))), None)
    if len(lists & _TAIGA_LISTS) > 1 or ("userstories" in lists and lists & _JIRA_LISTS):
        return "Taiga"
    if {"issues", "projects"} & lists and lists & _JIRA_LISTS:
        return None if _have_titles(_get(value, "issues")) else "Jira"
    tasks = _get(value, "task")
    return "Super Productivity" if isinstance(tasks, dict) and isinstance(tasks.get("entities"), dict) else None


def _board_tool(lists: set[str]) -> str:
    if "swimlanes" in lists:
        return "WeKan"
    return "Planka" if "boardmemberships" in lists or "cardlabels" in lists else "Trello"


def _tool_of_row(value: Mapping[str, object]) -> str | None:
    """The tool that an object of a list comes from, if it is no task as it stands."""
    names = {normalize_name(name) for name in value}
    fields = value.get("fields")
    has_jira_fields = isinstance(fields, dict) and ("summary" in fields or {"key", "self"} <= names)
    if "title" not in names and (has_jira_fields or {"summary", "issuetype"} <= names):
        return "Jira"
    if isinstance(value.get("properties"), dict) and value.get("object") in ("page", "database", "data_source"):
        return "Notion"
    if {"swimlaneid", "columnid"} <= names:
        return "Kanboard"
    return _tool_of_object(value) if {"stacks", "cards"} & names else None


def _have_titles(values: object) -> bool:
    return isinstance(values, list) and any(isinstance(each, dict) and "title" in each for each in values)


def _get(value: Mapping[str, object], name: str) -> object:
    return next((inner for found, inner in value.items() if normalize_name(found) == name), None)
