"""What changed, in English."""

from collections.abc import Callable, Sequence
from typing import Final

from domain.sentences.english_values import (
    Show,
    day,
    duration,
    join,
    person,
    plain,
    project,
    quote,
    relation,
    task,
    value,
)
from domain.sentences.names import NamedChange
from domain.sentences.wording import CUSTOM_FIELD, FieldWords, Wording

_MAX_NAMES: Final = 3


def _changed(noun: str, show: Show, verb: str = "changed") -> FieldWords:
    def words(change: NamedChange) -> str:
        old, new = (show(one, change.names) if one is not None else "" for one in (change.old, change.new))
        if not old or not new:
            return f"{noun} set to {new}{change.by}" if new else f"{noun} removed{change.by} (was {old})"
        return f"{noun} {verb} from {old} to {new}{change.by}"

    return words


def _listed(added: str, removed: str, show: Show) -> FieldWords:
    """What was added to a list and removed from it; `{}` stands for it."""

    def words(change: NamedChange) -> str:
        both = ((added, change.added), (removed, change.removed))
        said = [text.format(join([show(one, change.names) for one in each])) for text, each in both if each]
        return (", ".join(said) or "order changed") + change.by

    return words


def _counted(noun: str) -> FieldWords:
    def words(change: NamedChange) -> str:
        count = abs(change.new - change.old)
        return f"{count} {noun}{'s' * (count != 1)} {'added' if change.new > change.old else 'removed'}{change.by}"

    return words


def _description(change: NamedChange) -> str:
    verb = "changed" if change.old and change.new else "added" if change.new else "removed"
    return f"description {verb}{change.by}"


def _priority(change: NamedChange) -> str:
    if "none" in {change.old, change.new}:
        return f"priority {'removed' if change.new == 'none' else f'set to {change.new}'}{change.by}"
    return f"priority changed from {change.old} to {change.new}{change.by}"


def _column(change: NamedChange) -> str:
    old, new = map(quote, change.columns)
    return f"moved from {old} to {new}{change.by}"


def _project(change: NamedChange) -> str:
    return f"moved from {project(change.old, change.names)} to {project(change.new, change.names)}{change.by}"


def _checklist(change: NamedChange) -> str:
    return f"checklist changed{change.by}, {sum(one['done'] for one in change.new)} of {len(change.new)} done now"


def _parent(change: NamedChange) -> str:
    if change.new is None:
        return f"taken out of {task(change.old, change.names)}{change.by}"
    return f"made a subtask of {task(change.new, change.names)}{change.by}"


def _children(change: NamedChange) -> str:
    new, old = change.new, change.old
    return f"{new['done']} of {new['total']} subtasks done (was {old['done']} of {old['total']})"


def _spent(change: NamedChange) -> str:
    old, new = (duration(one, change.names) for one in (change.old, change.new))
    return f"time spent changed from {old} to {new}{change.by}"


def _recurrence(change: NamedChange) -> str:
    if change.new is None:
        return f"recurrence ended{change.by}"
    return f"recurrence {'changed' if change.old else 'set'} to {change.new['rule']}{change.by}"


def _custom_field(change: NamedChange) -> str:
    return _changed(quote(change.field), value)(change)


def _toggled(on: str, off: str) -> FieldWords:
    return lambda change: (on if change.new not in {False, "open", "warn"} else off) + change.by


def _columns(change: NamedChange) -> str:
    names = [column["name"] for column in change.new if not column["removed"]]
    return f"columns changed{change.by}: {', '.join(names)}"


def _fields(change: NamedChange) -> str:
    names = [field["name"] for field in change.new]
    return f"custom fields changed{change.by}: {', '.join(names) or 'none'}"


def _archive_after(change: NamedChange) -> str:
    if change.new is None:
        return f"done tasks no longer archived by themselves{change.by}"
    return f"done tasks archived after {change.new} days{change.by}"


def _reactions(change: NamedChange) -> str:
    shown = ", ".join(f"{one['emoji']} {len(one['users'])}" for one in change.new)
    return f"reactions changed{change.by}: {shown or 'none'}"


def _by(names: Sequence[str]) -> str:
    others = len(names) - _MAX_NAMES
    shown = [*names[:_MAX_NAMES], *([f"{others} other{'s' * (others > 1)}"] if others > 0 else [])]
    return f" by {join(shown)}" if shown else ""


def _said(text: str) -> Callable[[str], str]:
    return lambda by: text + by


_WHOLE: Final = {
    "added": _said("added"),
    "restored": _said("restored"),
    "arrived": _said("moved here"),
    "removed": _said("deleted"),
    "left": _said("moved to another project"),
    "changed_back": _said("changed and changed back"),
}

ENGLISH: Final = Wording(
    subjects={
        "project": lambda key, title: f"Project {key} {quote(title)}",
        "task": lambda key, title: f"{key} {quote(title)}",
        "comment": lambda key, title: f"Comment on {key} {quote(title)}",
    },
    fields={
        "project": {
            "name": _changed("name", quote),
            "columns": _columns,
            "wip": _toggled("WIP limits made strict", "WIP limits made a mere warning"),
            "fields": _fields,
            "archive_after": _archive_after,
            "archived": _toggled("archived", "taken out of the archive"),
        },
        "task": {
            "project_id": _project,
            "key": _changed("key", plain),
            "title": _changed("title", quote),
            "description": _description,
            "priority": _priority,
            "due": _changed("due date", day, "moved"),
            "start": _changed("start date", day, "moved"),
            "zone": _changed("time zone", plain),
            "estimate": _changed("estimate", duration),
            "colour": _changed("colour", plain),
            "column": _column,
            "rank": lambda change: f"moved within its list{change.by}",
            "labels": _listed("labelled {}", "label {} removed", quote),
            "assignees": _listed("assigned to {}", "{} unassigned", person),
            "checklist": _checklist,
            "parent_id": _parent,
            "children": _children,
            "relations": _listed("now {}", "no longer {}", relation),
            "blocked_by": _listed("waits for {}", "no longer waits for {}", task),
            "comments": _counted("comment"),
            "attachments": _counted("attachment"),
            "spent": _spent,
            "recurrence": _recurrence,
            CUSTOM_FIELD: _custom_field,
            "status": _toggled("completed", "reopened"),
            "archived": _toggled("archived", "taken out of the archive"),
        },
        "comment": {
            "text": lambda change: f"text changed{change.by} to {quote(change.new)}",
            "reactions": _reactions,
        },
    },
    whole={"project": _WHOLE, "task": _WHOLE, "comment": _WHOLE},
    by=_by,
    someone={"human": "a former user", "agent": "an agent", "rule": "a rule", "import": "an import"},
)
